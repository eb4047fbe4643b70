import { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';
import type { LogLevel } from '#config/settings.ts';
import { printable } from '#protocol/printable.ts';

export interface LogOptions {
  readonly level: LogLevel;
  /** Append to this file (JSON, mode 0600) instead of standard error. */
  readonly file?: string | undefined;
  /** Lines for people; by default when standard error is a terminal. */
  readonly readable?: boolean;
}

const LABELS: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'ERROR', 60: 'FATAL' };
const HIDDEN = new Set(['level', 'time', 'msg', 'name', 'advice', 'code']);

/** `22:14:05 warn  text (key=value …)`, and the advice on a line of its own. */
const readableLine = (line: string): string => {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const time = new Date(String(entry['time'])).toTimeString().slice(0, 8);
  const label = (LABELS[Number(entry['level'])] ?? String(entry['level'])).padEnd(5);
  const code = typeof entry['code'] === 'string' ? ` [${entry['code']}]` : '';
  const rest = Object.entries(entry)
    .filter(([key]) => !HIDDEN.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
  const advice = typeof entry['advice'] === 'string' ? `\n               → ${printable(entry['advice'])}` : '';
  const text = `${time} ${label} ${String(entry['msg'] ?? '')}${code}${rest === '' ? '' : ` (${rest})`}`;
  // Names and messages come from servers: an escape sequence among them would steer the terminal, a line end begin a line.
  return `${printable(text)}${advice}\n`;
};

/** Standard output belongs to results, so logs go to standard error or to a file. */
export const createLog = (options: LogOptions): Logger => {
  const settings = { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (options.file !== undefined) {
    return pino(settings, pino.destination({ dest: options.file, mkdir: true, append: true, mode: 0o600 }));
  }
  if (options.readable ?? process.stderr.isTTY) {
    return pino(
      settings,
      new Writable({
        write: (chunk: Buffer, _encoding, done) =>
          // A terminal that was closed takes no more; that is no reason to end.
          void process.stderr.write(readableLine(chunk.toString('utf8')), () => done()),
      }),
    );
  }
  return pino(settings, pino.destination({ fd: 2, sync: true }));
};
