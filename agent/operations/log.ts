import { type Logger, pino } from 'pino';
import { knownSecrets } from '#config/redaction/known-secrets.ts';
import type { LogLevel } from '#config/settings.ts';
import { readableLine } from '#protocol/logging/readable.ts';
import { Repeats } from '#protocol/logging/repeats.ts';
import { RecentEntries } from './recent.ts';
import { RotatingFile, type RotatingFileOptions } from './rotating-file.ts';

/** How often it is looked whether a minute of repetitions is over. */
const TICK_MS = 5_000;
/** A line may be this long; a name from a server is no reason for more. */
const MOST_CHARACTERS = 32 * 1024;

export interface LogOptions {
  readonly level: LogLevel;
  /** A file (JSON, mode 0600) that is kept within its size. */
  readonly file?: Omit<RotatingFileOptions, 'disk'> | undefined;
  /** Also, or only, to standard error. Default: when there is no file. */
  readonly standardError?: boolean;
  /** Lines for people on standard error; by default when that is a terminal. */
  readonly readable?: boolean;
}

/** The log of the agent with what else is known of it. */
export interface AgentLog extends Disposable {
  readonly log: Logger;
  /** The last warnings and errors. */
  readonly recent: RecentEntries;
  /** Why there is no file, when one was wanted. */
  readonly fileTrouble: string | undefined;
  /** Lines that did not get into the file. */
  readonly dropped: number;
}

const cut = (line: string): string => {
  if (line.length <= MOST_CHARACTERS) return line;
  const { level, time, code, msg } = JSON.parse(line) as Record<string, unknown>;
  // Before it is cut: half of a secret would not be known for one.
  const text = `${knownSecrets
    .redact(String(msg))
    .slice(0, MOST_CHARACTERS / 8)
    .toWellFormed()} … (cut: the line was too long)`;
  return `${JSON.stringify({ level, time, code, msg: text })}\n`;
};

const openFile = (options: LogOptions['file']): { file?: RotatingFile; trouble?: string } => {
  if (options === undefined) return {};
  try {
    return { file: new RotatingFile(options) };
  } catch (error) {
    return { trouble: `${options.path} cannot be written: ${(error as Error).message}` };
  }
};

/**
 * The log of a program: JSON lines (pino) to standard error, a file, or both, with repetitions told once a minute.
 * Standard output belongs to results. A file that cannot be opened is told of on standard error, which then takes its
 * place: without a log nobody would know.
 */
export const openLog = (options: LogOptions): AgentLog => {
  const { file, trouble } = openFile(options.file);
  const toError = (options.standardError ?? options.file === undefined) || file === undefined;
  const readable = options.readable ?? process.stderr.isTTY;
  const recent = new RecentEntries();
  const repeats = new Repeats((line) => {
    file?.write(line);
    if (toError) process.stderr.write(readable ? readableLine(line) : line);
  });
  const timer = setInterval(() => repeats.tick(performance.now()), TICK_MS).unref();
  const atExit = (): void => repeats.flush();
  // A terminal that was closed takes no more; that is no reason to end.
  if (toError) process.stderr.on('error', () => {});
  process.on('exit', atExit);
  const log = pino(
    { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    {
      write: (whole: string) => {
        // Nothing that is logged holds a secret; should something ever, it stops here.
        const line = knownSecrets.redact(cut(whole));
        recent.take(line);
        repeats.take(line, performance.now());
      },
    },
  );
  if (trouble !== undefined) log.warn({}, trouble);
  return {
    log,
    recent,
    fileTrouble: trouble,
    get dropped() {
      return file?.dropped ?? 0;
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      process.off('exit', atExit);
      repeats.flush();
      file?.close();
    },
  };
};

/** As {@link openLog}, for a command that ends: to standard error alone, without a file. */
export const createLog = (options: Pick<LogOptions, 'level' | 'readable'>): Logger => openLog(options).log;
