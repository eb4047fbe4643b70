import { printable } from '../printable.ts';

const LABELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'ERROR',
  60: 'FATAL',
};
const HIDDEN = new Set(['level', 'time', 'msg', 'name', 'advice', 'code', 'causes', 'err', 'repeated']);
const INDENT = ' '.repeat(15);

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

/** What an error of pino's serializer says: its message, in which those of its causes follow. */
const errorText = (value: unknown): readonly string[] => {
  if (typeof value !== 'object' || value === null || !('message' in value)) return [];
  return typeof value.message === 'string' ? [value.message] : [];
};

/**
 * A line of the log (JSON, as pino writes it) for people: `22:14:05 warn  text [code] (key=value …)`, what caused it and
 * the advice on lines of their own. Whatever is not such a line comes back printable.
 */
export const readableLine = (line: string): string => {
  let entry: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed !== 'object' || parsed === null) return `${printable(line.trimEnd())}\n`;
    entry = parsed as Record<string, unknown>;
  } catch {
    return `${printable(line.trimEnd())}\n`;
  }
  const time = new Date(String(entry['time'])).toTimeString().slice(0, 8);
  const label = (LABELS[Number(entry['level'])] ?? String(entry['level'])).padEnd(5);
  const code = ['string', 'number'].includes(typeof entry['code']) ? ` [${String(entry['code'])}]` : '';
  const rest = Object.entries(entry)
    .filter(([key]) => !HIDDEN.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
  const text = `${time} ${label} ${String(entry['msg'] ?? '')}${code}${rest === '' ? '' : ` (${rest})`}`;
  const below = [
    ...texts(entry['causes']).map((cause) => `because ${cause}`),
    ...errorText(entry['err']).map((error) => `because ${error}`),
    ...(typeof entry['advice'] === 'string' ? [`→ ${entry['advice']}`] : []),
  ];
  // Names and messages come from servers: an escape sequence among them would steer the terminal, a line end begin a line.
  return [text, ...below.map((one) => INDENT + one)].map((one) => `${printable(one)}\n`).join('');
};
