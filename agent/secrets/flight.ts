import { unlessAborted } from '#agent/network/deadline.ts';

/** Something that is good for a while: a token, a set of credentials. Times in milliseconds since 1970. */
export interface Leased<T> {
  readonly value: T;
  /** From when on another one is obtained. */
  readonly renewAt: number;
  /** When it stops to work; Infinity for never. */
  readonly endsAt: number;
}

/** When the next try comes after one failed while the old one still works. */
const RETRY_MS = 30_000;

/**
 * Obtains a lease when it is needed and again shortly before it ends, for all who ask at once: some credentials may be
 * used a single time. What obtains it has a deadline of its own; no caller can end it for the others.
 */
export class Lease<T> {
  readonly #obtain: (previous: Leased<T> | undefined) => Promise<Leased<T>>;
  readonly #now: () => number;
  #held: Leased<T> | undefined;
  #flight: Promise<T> | undefined;

  constructor(now: () => number, obtain: (previous: Leased<T> | undefined) => Promise<Leased<T>>) {
    this.#now = now;
    this.#obtain = obtain;
  }

  /** Rejects with what obtaining it threw, or the signal's reason. */
  get(signal?: AbortSignal): Promise<T> {
    const held = this.#held;
    if (held !== undefined && this.#now() < held.renewAt) return Promise.resolve(held.value);
    this.#flight ??= this.#renew().finally(() => {
      this.#flight = undefined;
    });
    return unlessAborted(this.#flight, signal);
  }

  /** It was refused: forgets it, unless another one is held by now. */
  drop(value: T): void {
    if (this.#held?.value === value) this.#held = undefined;
  }

  async #renew(): Promise<T> {
    const held = this.#held;
    const alive = (): boolean => held !== undefined && this.#held === held && this.#now() < held.endsAt;
    try {
      const next = await this.#obtain(alive() ? held : undefined);
      this.#held = next;
      return next.value;
    } catch (error) {
      if (held === undefined || !alive()) throw error;
      this.#held = { ...held, renewAt: Math.min(held.endsAt, this.#now() + RETRY_MS) };
      return held.value;
    }
  }
}
