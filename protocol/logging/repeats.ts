const WINDOW_MS = 60_000;
/** More different messages than this at a time are no repetition that somebody reads past. */
const MOST_KEPT = 200;
const LEVEL = /^\{"level":(\d+)/;
const WARN = 40;
const FATAL = 60;

interface Kept {
  untilMs: number;
  repeated: number;
  /** The newest of them, which stands for all. */
  last: Readonly<Record<string, unknown>>;
}

/** Say nothing of what a line is about, or are in the key of their own. */
const ASIDE = new Set(['level', 'time', 'code', 'msg', 'advice']);
const MOST_FIELDS = 16;
const MOST_KEY_CHARACTERS = 300;

/**
 * What a field says of what its line is about. Numbers are how long, how often, which time: they differ from one repetition
 * to the next. Of an error that was logged whole its message counts, not where it was thrown.
 */
const aboutOf = (value: unknown): string | undefined => {
  if (typeof value === 'number' || value === null || value === undefined) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) return JSON.stringify(value).slice(0, MOST_KEY_CHARACTERS);
  if ('message' in value) return aboutOf(value.message);
  return JSON.stringify(value).slice(0, MOST_KEY_CHARACTERS);
};

const keyOf = ({ level, code, msg, ...fields }: Readonly<Record<string, unknown>>): string =>
  JSON.stringify([
    level,
    code,
    String(msg).slice(0, MOST_KEY_CHARACTERS),
    ...Object.entries(fields)
      .filter(([name]) => !ASIDE.has(name))
      .slice(0, MOST_FIELDS)
      .map(([name, value]) => [name.slice(0, MOST_KEY_CHARACTERS), aboutOf(value)]),
  ]);

const parsed = (line: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
};

/**
 * Keeps a log short while the same goes wrong again and again. Of warnings and errors with one code, one message and fields
 * that say they are about the same (the app, the job, the file; numbers may differ) the first is written at once; those of the following minute are counted, and the minute ends in one line that says
 * `… repeated 37 times`. Everything else passes as it comes. Lines are those of pino (JSON).
 */
export class Repeats {
  readonly #write: (line: string) => void;
  readonly #kept = new Map<string, Kept>();

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** @param nowMs on any clock that does not go back */
  take(line: string, nowMs: number): void {
    const level = Number(LEVEL.exec(line)?.[1]);
    const entry = level >= WARN && level < FATAL ? parsed(line) : undefined;
    if (entry === undefined) {
      this.#write(line);
      return;
    }
    const key = keyOf(entry);
    const kept = this.#kept.get(key);
    if (kept !== undefined && nowMs < kept.untilMs) {
      kept.repeated += 1;
      kept.last = entry;
      return;
    }
    if (kept !== undefined) this.#tell(kept);
    else if (this.#kept.size >= MOST_KEPT) this.#dropOldest();
    // Deleted first, so that the map stays in the order of the windows.
    this.#kept.delete(key);
    this.#kept.set(key, { untilMs: nowMs + WINDOW_MS, repeated: 0, last: entry });
    this.#write(line);
  }

  /** Says what was repeated in the minutes that are over; call it every few seconds. */
  tick(nowMs: number): void {
    for (const [key, kept] of this.#kept) {
      if (nowMs < kept.untilMs) continue;
      this.#kept.delete(key);
      if (kept.repeated === 0) continue;
      this.#tell(kept);
      // It goes on, perhaps: one line a minute, and not two.
      this.#kept.set(key, { untilMs: nowMs + WINDOW_MS, repeated: 0, last: kept.last });
    }
  }

  /** Says what was counted so far, as the log ends. */
  flush(): void {
    for (const kept of this.#kept.values()) this.#tell(kept);
    this.#kept.clear();
  }

  #tell({ repeated, last }: Kept): void {
    if (repeated === 0) return;
    const times = repeated === 1 ? 'once more' : `${repeated} times`;
    this.#write(`${JSON.stringify({ ...last, msg: `${String(last['msg'])} … repeated ${times}`, repeated })}\n`);
  }

  #dropOldest(): void {
    const [oldest] = this.#kept;
    if (oldest === undefined) return;
    this.#kept.delete(oldest[0]);
    this.#tell(oldest[1]);
  }
}
