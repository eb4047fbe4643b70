import { createInterface } from 'node:readline';
import { HURRIED } from './exit-codes.ts';

/** A wish that comes this long after the first ends the program at once. */
const SECOND_WISH_MS = 1_000;

/** Lines of standard input, for as long as something else keeps the program alive. */
const onStdin = (wish: () => void): void => {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    if (line.trim() === 'stop') wish();
  });
  // Whoever was to say `stop` is gone: nobody else would ever end this program.
  lines.once('close', wish);
  process.stdin.unref?.();
};

/**
 * Resolves at the first SIGTERM or SIGINT, or when the terminal is closed (SIGHUP); a later one ends the process at once,
 * with an exit code of its own.
 * Below npm one Ctrl-C comes twice, from the terminal and from npm, so what follows at once is the same wish.
 *
 * @param options.stdin a line `stop` on standard input, and its end, are the same wish: a service host of Windows has no
 *   signals to send. Only when it is asked for: a service of systemd has a standard input that is closed from the start.
 */
export const untilStopped = ({ stdin = false }: { readonly stdin?: boolean | undefined } = {}): Promise<void> =>
  new Promise((resolve) => {
    let askedAtMs: number | undefined;
    const wish = (): void => {
      if (askedAtMs !== undefined && performance.now() - askedAtMs > SECOND_WISH_MS) process.exit(HURRIED);
      askedAtMs ??= performance.now();
      resolve();
    };
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.on(signal, () => {
        // What is still said to a terminal that was closed must not end the agent before it has said goodbye.
        if (signal === 'SIGHUP') for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
        wish();
      });
    }
    if (stdin) onStdin(wish);
  });

/**
 * Calls `onLate` unless it is disposed of within `ms`. A program that was told to stop may wait for a disk that never
 * answers; what it does not get done then is found out at its next start.
 */
export const endWithin = (ms: number, onLate: () => void): Disposable => {
  const timer = setTimeout(onLate, ms).unref();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
};
