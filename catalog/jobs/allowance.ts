/** Bytes that some may hold, all together no more than so many. */
export class Allowance {
  readonly #most: number;
  readonly #mostEach: number;
  readonly #held = new Map<object, number>();

  constructor(most: number, mostEach: number) {
    this.#most = most;
    this.#mostEach = mostEach;
  }

  /** How much this one may hold now, with what it holds already. */
  of(holder: object): number {
    let others = 0;
    for (const [other, bytes] of this.#held) if (other !== holder) others += bytes;
    return Math.max(0, Math.min(this.#mostEach, this.#most - others));
  }

  /** Notes how much it holds from now on. */
  note(holder: object, bytes: number): void {
    if (bytes > 0) this.#held.set(holder, bytes);
    else this.#held.delete(holder);
  }
}
