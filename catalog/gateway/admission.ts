export interface AdmissionOptions {
  /** New connections a second; a burst of twice as many is let through. */
  readonly perSecond: number;
  /** Connections at a time. */
  readonly maxConnections: number;
  /** Connections at a time that have not authenticated. */
  readonly maxUnauthenticated: number;
  /** The same from one address. */
  readonly maxUnauthenticatedPerAddress: number;
  /** Milliseconds on a clock that does not go back. */
  readonly nowMs: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Connections that there are. */
export interface Occupancy {
  readonly connections: number;
  readonly unauthenticated: number;
  readonly unauthenticatedHere: number;
}

/** How much longer than the backlog takes the hints may reach: some agents come back late, or not at all. */
const SLACK = 1.25;
/** No room: sessions end seldom. */
const FULL_SECONDS = 30;
/** Handshakes under way end within 10 s each, well or not. */
const CROWDED_SECONDS = 10;

/**
 * Decides who may connect now, and when others should try again. Handshakes cost a signature and a transaction each, so
 * they are let through at a steady rate. Whoever comes beyond it is given a time of his own, the next one that is free:
 * agents that lost their gateway together come back one after the other, as fast as it can take them and no faster. How
 * many there are need not be known; those who were refused are counted by the times that were given out. No more than
 * fit into the gateway can ever be waiting, so nobody is sent away for longer than they would take, whoever knocks how often.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  #tokens: number;
  #tokensAtMs: number;
  /** The last time that was given out. */
  #givenUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#tokens = 2 * options.perSecond;
    this.#tokensAtMs = options.nowMs();
  }

  /** Agents that were told to come back and whose time has not come: what the gateway knows of its backlog. */
  get backlog(): number {
    const aheadMs = this.#givenUntilMs - this.#options.nowMs();
    return aheadMs <= 0 ? 0 : Math.round((aheadMs / 1000) * this.#options.perSecond);
  }

  /** Undefined: come in. Else whole seconds for `Retry-After`. */
  retryAfterSeconds({ connections, unauthenticated, unauthenticatedHere }: Occupancy): number | undefined {
    const { perSecond, maxConnections, maxUnauthenticated, maxUnauthenticatedPerAddress, nowMs } = this.#options;
    const now = nowMs();
    this.#tokens = Math.min(2 * perSecond, this.#tokens + ((now - this.#tokensAtMs) / 1000) * perSecond);
    this.#tokensAtMs = now;
    if (connections >= maxConnections) return this.#spread(FULL_SECONDS);
    if (unauthenticated >= maxUnauthenticated || unauthenticatedHere >= maxUnauthenticatedPerAddress)
      return this.#spread(CROWDED_SECONDS);
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return undefined;
    }
    const mostMs = Math.max(1_000, ((maxConnections - connections) / perSecond) * SLACK * 1000);
    const nextMs = Math.max(this.#givenUntilMs, now) + 1000 / perSecond;
    if (nextMs - now > mostMs) return Math.max(1, Math.ceil((this.#options.random() * mostMs) / 1000));
    this.#givenUntilMs = nextMs;
    // Rounded: a difference of fractions may be a hair more than a second.
    return Math.max(1, Math.ceil(Math.round(nextMs - now) / 1000));
  }

  #spread(seconds: number): number {
    return Math.ceil(seconds * (0.5 + this.#options.random()));
  }
}
