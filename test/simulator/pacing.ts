/**
 * How long the site takes. Every engine session, and nothing else, serves one call at a time: such a line keeps in
 * virtual time until when it is busy, so that the simulator's own computing neither adds to nor gets lost from the
 * times of the model. Answers leave when they are due; a late timer does not delay the next call.
 */
export interface ServiceTimes {
  /** Between sending a request and its arrival, plus the way back. */
  readonly roundTripMs: number;
  readonly qrsMs: number;
  readonly qrsRowMs: number;
  readonly openMs: number;
  /** Added per MiB of the app when it is opened with data. */
  readonly openDataMsPerMiB: number;
  readonly engineMs: number;
  readonly engineMsPerKiB: number;
  readonly metadataMs: number;
}

export const NO_SERVICE_TIMES: ServiceTimes = {
  roundTripMs: 0,
  qrsMs: 0,
  qrsRowMs: 0,
  openMs: 0,
  openDataMsPerMiB: 0,
  engineMs: 0,
  engineMsPerKiB: 0,
  metadataMs: 0,
};

/** One server that does one thing after the other. */
export class Line {
  #busyUntilMs = 0;

  /** When work that comes at `atMs` and takes `tookMs` is done. */
  done(atMs: number, tookMs: number): number {
    this.#busyUntilMs = Math.max(this.#busyUntilMs, atMs) + tookMs;
    return this.#busyUntilMs;
  }
}

export class Pacing {
  readonly times: ServiceTimes;
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  constructor(times: ServiceTimes) {
    this.times = times;
  }

  /** Milliseconds on a clock that only goes forward. */
  now(): number {
    return performance.now();
  }

  /** Runs at `dueMs` of {@link now}, at once when that is over. Timers have whole milliseconds: the nearest is taken. */
  at(dueMs: number, run: () => void): void {
    const wait = Math.round(dueMs - performance.now());
    if (wait < 1) {
      run();
      return;
    }
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, wait);
    this.#timers.add(timer);
  }

  /** Resolves at `dueMs`; never after {@link close}. */
  until(dueMs: number): Promise<void> {
    return new Promise((resolve) => this.at(dueMs, resolve));
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
