import { type Logger, pino } from 'pino';
import { readableLine } from '#protocol/logging/readable.ts';
import { Repeats } from '#protocol/logging/repeats.ts';

/** How often it is looked whether a minute of repetitions is over. */
const TICK_MS = 5_000;

/**
 * The log of the catalog, on standard error: JSON lines for programs, readable ones on a terminal; what repeats itself is
 * told once a minute.
 */
export const createLog = (level: string, readable = process.stderr.isTTY): Logger => {
  const repeats = new Repeats((line) => void process.stderr.write(readable ? readableLine(line) : line));
  setInterval(() => repeats.tick(performance.now()), TICK_MS).unref();
  process.on('exit', () => repeats.flush());
  // A terminal that was closed takes no more; that is no reason to end.
  process.stderr.on('error', () => {});
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line: string) => repeats.take(line, performance.now()) },
  );
};
