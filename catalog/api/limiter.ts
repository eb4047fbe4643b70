const MOST_KEYS = 10_000;

/**
 * Counts events by key within a window: at most `most` are allowed. The oldest keys are forgotten when there are too many,
 * so that strangers cannot fill the memory.
 */
export class Limiter {
  readonly #most: number;
  readonly #windowMs: number;
  readonly #now: () => number;
  readonly #counts = new Map<string, { count: number; since: number }>();

  constructor(most: number, windowMs: number, now: () => number = Date.now) {
    this.#most = most;
    this.#windowMs = windowMs;
    this.#now = now;
  }

  /** Counts one more event; false when there were too many. */
  take(key: string): boolean {
    const now = this.#now();
    let entry = this.#counts.get(key);
    if (!entry || now - entry.since >= this.#windowMs) {
      entry = { count: 0, since: now };
      this.#counts.delete(key);
      this.#counts.set(key, entry);
      const oldest = this.#counts.keys().next();
      if (this.#counts.size > MOST_KEYS && !oldest.done) this.#counts.delete(oldest.value);
    }
    entry.count += 1;
    return entry.count <= this.#most;
  }

  /** A success: the key begins anew. */
  clear(key: string): void {
    this.#counts.delete(key);
  }
}
