/** A signal that comes this long after the first ends the program at once. */
const SECOND_WISH_MS = 1_000;

/**
 * Resolves at the first SIGTERM or SIGINT, or when the terminal is closed (SIGHUP); a later one ends the process at once.
 * Below npm one Ctrl-C comes twice, from the terminal and from npm, so what follows at once is the same wish.
 */
export const untilStopped = (): Promise<void> =>
  new Promise((resolve) => {
    let askedAtMs: number | undefined;
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (askedAtMs !== undefined && performance.now() - askedAtMs > SECOND_WISH_MS) process.exit(1);
        askedAtMs ??= performance.now();
        // What is still said to a terminal that was closed must not end the agent before it has said goodbye.
        if (signal === 'SIGHUP') for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
        resolve();
      });
    }
  });
