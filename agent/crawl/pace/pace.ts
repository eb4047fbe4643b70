import type { Strain } from '#agent/qlik/strain.ts';

/** Why fewer apps are read at a time than may be. */
export type Reason = Strain | 'saturated' | 'slow';

/** What changed, for the log; undefined when nothing did. */
export interface Change {
  readonly what: 'fewer' | 'more' | 'pause' | 'resume';
  readonly reason: Reason | undefined;
  /** How many apps may be read at a time from now on; 0 in a pause. */
  readonly sessions: number;
}

/** The engine is asked how it is at most this often. */
export const HEALTH_EVERY_MS = 10_000;
/** An engine that does not say is asked seldom: nobody knows what asking costs there. */
const UNREADABLE_EVERY_MS = 60_000;
/** So long is an engine believed that says without end that it is saturated; then one app at a time is read. */
const LONGEST_PAUSE_MS = 600_000;
/** What apps that are read side by side meet in this time is one strain. */
const ONE_STRAIN_MS = 5_000;
/** So many apps in a row without strain: one more at a time. */
const CALM_APPS = 8;
/** Calls that were given up or met a busy server are common; so many in this time are a storm. */
const STORM = { errors: 5, withinMs: 30_000 };
/** The last opens are slow when their median is so many times the crawl's own, and that much longer. */
const SLOW = { recent: 4, times: 3, byMs: 200, known: 12 };
/** Opens whose times are kept: enough for a median, and the crawl of a day does not grow. */
const KEPT = 256;

/**
 * How many apps a crawl may read at a time: more by one while all is well, half as many when the site shows strain, none
 * while the engine says that it is saturated. Without clock, timers or network; times are milliseconds of one clock that
 * only goes forward.
 */
export class Pace {
  readonly limit: number;
  #sessions: number;
  #calm = 0;
  #reason: Reason | undefined;
  #strainedMs = Number.NEGATIVE_INFINITY;
  #pausedMs: number | undefined;
  /** It said too long that it is saturated: it is not believed until it says otherwise. */
  #disbelieved = false;
  #storm: number[] = [];
  #opens: number[] = [];
  #opened = 0;
  #recent: number[] = [];
  #askAtMs = Number.NEGATIVE_INFINITY;

  /** @param limit the most apps at a time, which is where it begins */
  constructor(limit: number) {
    this.limit = limit;
    this.#sessions = limit;
  }

  /** How many apps may be read at a time; 0 in a pause. */
  get sessions(): number {
    return this.#pausedMs === undefined ? this.#sessions : 0;
  }

  /** Why it is fewer than the limit. */
  get reason(): Reason | undefined {
    return this.#reason;
  }

  /** When the engine may be asked again how it is. */
  get askAtMs(): number {
    return this.#askAtMs;
  }

  /** An answer of the server that shows strain. */
  strained(by: Strain | 'slow', nowMs: number): Change | undefined {
    this.#calm = 0;
    if (by === 'aborted' || by === 'busy') {
      this.#storm = [...this.#storm.filter((atMs) => nowMs - atMs < STORM.withinMs), nowMs];
      if (this.#storm.length < STORM.errors) return undefined;
      this.#storm = [];
    }
    return this.#fewer(by, nowMs);
  }

  /** An app was opened. */
  opened(tookMs: number, nowMs: number): Change | undefined {
    if (this.#opens.length < KEPT) this.#opens.push(tookMs);
    else this.#opens[this.#opened % KEPT] = tookMs;
    this.#opened += 1;
    this.#recent = [...this.#recent, tookMs].slice(-SLOW.recent);
    if (this.#opens.length < SLOW.known || this.#recent.length < SLOW.recent) return undefined;
    const usualMs = median(this.#opens);
    const recentMs = median(this.#recent);
    if (recentMs < usualMs * SLOW.times || recentMs < usualMs + SLOW.byMs) return undefined;
    this.#recent = [];
    this.#calm = 0;
    return this.#fewer('slow', nowMs);
  }

  /** An app was read to its end. */
  finished(): Change | undefined {
    this.#calm += 1;
    if (this.#calm < CALM_APPS || this.#sessions >= this.limit || this.#disbelieved) return undefined;
    this.#calm = 0;
    this.#sessions += 1;
    const reason = this.#reason;
    if (this.#sessions === this.limit) this.#reason = undefined;
    return { what: 'more', reason, sessions: this.#sessions };
  }

  /** What the engine said of itself; undefined: it could not be asked. */
  health(saturated: boolean | undefined, nowMs: number): Change | undefined {
    this.#askAtMs = nowMs + (saturated === undefined ? UNREADABLE_EVERY_MS : HEALTH_EVERY_MS);
    if (saturated !== true) {
      if (saturated === false) this.#disbelieved = false;
      return this.#resume();
    }
    if (this.#disbelieved) return undefined;
    this.#calm = 0;
    if (this.#pausedMs === undefined) {
      this.#pausedMs = nowMs;
      this.#sessions = half(this.#sessions);
      this.#reason = 'saturated';
      return { what: 'pause', reason: 'saturated', sessions: 0 };
    }
    if (nowMs - this.#pausedMs < LONGEST_PAUSE_MS) return undefined;
    this.#disbelieved = true;
    this.#sessions = 1;
    return this.#resume();
  }

  #resume(): Change | undefined {
    if (this.#pausedMs === undefined) return undefined;
    this.#pausedMs = undefined;
    return { what: 'resume', reason: this.#reason, sessions: this.#sessions };
  }

  #fewer(reason: Reason, nowMs: number): Change | undefined {
    if (nowMs - this.#strainedMs < ONE_STRAIN_MS) return undefined;
    this.#strainedMs = nowMs;
    const fewer = half(this.#sessions);
    if (fewer === this.#sessions) return undefined;
    this.#sessions = fewer;
    this.#reason = reason;
    return { what: 'fewer', reason, sessions: fewer };
  }
}

const half = (sessions: number): number => Math.max(1, Math.floor(sessions / 2));

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
};
