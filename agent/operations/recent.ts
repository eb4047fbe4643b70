/** A warning or an error of the log, as the status shows it. */
export interface RecentEntry {
  /** When it was said last, ISO 8601. */
  readonly time: string;
  readonly level: 'warn' | 'error' | 'fatal';
  readonly code: string | undefined;
  readonly message: string;
  readonly advice: string | undefined;
  /** How often it was said since the start. */
  readonly count: number;
}

const MOST = 20;
/** What the log puts behind a message that stands for several. */
const REPEATED = / … repeated (?:once more|\d+ times)$/;
const LEVEL = /^\{"level":(\d+)/;

const nameOf = (level: number): RecentEntry['level'] => (level >= 60 ? 'fatal' : level >= 50 ? 'error' : 'warn');
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;

/** A line of the log as an entry; undefined for what is no warning or error. */
export const entryOf = (line: string): RecentEntry | undefined => {
  const level = Number(LEVEL.exec(line)?.[1]);
  if (!(level >= 40)) return undefined;
  try {
    const { time, msg, code, advice, repeated } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    return {
      time: String(time),
      level: nameOf(level),
      code: textOf(code),
      message: typeof repeated === 'number' ? String(msg).replace(REPEATED, '') : String(msg),
      advice: textOf(advice),
      count: typeof repeated === 'number' ? repeated : 1,
    };
  } catch {
    return undefined;
  }
};

/** The last warnings and errors, one entry for each code and message, the newest first. */
export class RecentEntries {
  readonly #entries = new Map<string, RecentEntry>();

  /** Takes a line of the log (JSON). */
  take(line: string): void {
    const entry = entryOf(line);
    if (entry === undefined) return;
    const key = JSON.stringify([entry.level, entry.code, entry.message]);
    const known = this.#entries.get(key);
    this.#entries.delete(key);
    this.#entries.set(key, { ...entry, count: (known?.count ?? 0) + entry.count });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MOST && oldest !== undefined) this.#entries.delete(oldest);
  }

  get list(): readonly RecentEntry[] {
    return [...this.#entries.values()].reverse();
  }
}
