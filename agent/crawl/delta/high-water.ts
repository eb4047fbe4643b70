/** Rows that were written so shortly before the last one may become visible after it: transactions end in another order. */
const OVERLAP_MS = 10 * 60_000;

/**
 * The latest moment that rows of a list name, on the site's own clock. One that lies in the future of this machine does not
 * count: a node of the site whose clock is ahead would hide what others change meanwhile. Where the clock of the whole site
 * is ahead, some rows come again that are known already.
 */
export class HighWater {
  #latestMs: number | undefined;
  readonly #nowMs: number;

  /** @param nowMs when the list began to be read, in ms since 1970 */
  constructor(nowMs: number, before: string | null = null) {
    this.#nowMs = nowMs;
    if (before !== null) this.#take(Date.parse(before) + OVERLAP_MS);
  }

  add(modified: string | null): void {
    if (modified !== null) this.#take(Date.parse(modified));
  }

  #take(ms: number): void {
    if (Number.isFinite(ms) && (this.#latestMs === undefined || ms > this.#latestMs)) this.#latestMs = ms;
  }

  /** From where on rows are to be read the next time; null: all of them. It never goes back as rows are added. */
  get since(): string | null {
    const { sinceMs } = this;
    return sinceMs === undefined ? null : new Date(sinceMs).toISOString();
  }

  /** {@link since} in ms since 1970; undefined: all of them. */
  get sinceMs(): number | undefined {
    return this.#latestMs === undefined ? undefined : Math.min(this.#latestMs, this.#nowMs) - OVERLAP_MS;
  }
}
