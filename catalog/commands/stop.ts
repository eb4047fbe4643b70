import { createInterface } from 'node:readline';

/** A wish that comes this long after the first ends the program at once. */
const SECOND_WISH_MS = 1_000;

/**
 * Aborted at the first SIGTERM or SIGINT, or when the terminal is closed; a later wish ends the process at once.
 *
 * @param options.stdin a line `stop` on standard input, and its end, are the same wish: a service host of Windows has no
 *   signals to send
 */
export const wishToStop = ({ stdin = false }: { readonly stdin?: boolean | undefined } = {}): AbortSignal => {
  const stop = new AbortController();
  let askedAtMs = 0;
  const wish = (): void => {
    // Below npm one Ctrl-C comes twice, from the terminal and from npm: only a later one is a second wish.
    if (stop.signal.aborted && performance.now() - askedAtMs > SECOND_WISH_MS) process.exit(1);
    if (!stop.signal.aborted) askedAtMs = performance.now();
    stop.abort();
  };
  // SIGHUP: the terminal was closed. Without an answer to it the database would stay behind.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, wish);
  if (stdin) {
    const lines = createInterface({ input: process.stdin });
    lines.on('line', (line) => {
      if (line.trim() === 'stop') wish();
    });
    lines.once('close', wish);
    process.stdin.unref?.();
  }
  return stop.signal;
};
