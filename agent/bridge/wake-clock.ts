import type { LinkClock } from './link-clock.ts';

/** How often the clocks are compared. */
const COMPARE_MS = 5_000;
/** A jump beyond it is no hiccup: the machine slept, or its clock was set. */
const JUMP_MS = 15_000;

/**
 * A clock that goes on while the machine sleeps. The monotonic clocks of some systems stand still then, and leases, idle
 * limits and the other end do not: so the wall clock is compared with it, and what it is ahead after a jump is added. A
 * wall clock that is set forward looks the same, and is taken for sleep: that costs one reconnect. One that is set back
 * changes nothing.
 */
export class WakeClock implements LinkClock {
  readonly #inner: LinkClock;
  readonly #wallMs: () => number;
  #sleptMs = 0;
  #cancel: () => void = () => undefined;

  constructor(inner: LinkClock, wallMs: () => number) {
    this.#inner = inner;
    this.#wallMs = wallMs;
  }

  nowMs(): number {
    return this.#inner.nowMs() + this.#sleptMs;
  }

  after(ms: number, call: () => void): () => void {
    return this.#inner.after(ms, call);
  }

  random(): number {
    return this.#inner.random();
  }

  /** @param onWoke called when the machine slept, or the process stood still, for this long */
  watch(onWoke: (sleptMs: number) => void): void {
    let steadyMs = this.#inner.nowMs();
    let wallMs = this.#wallMs();
    const compare = (): void => {
      const [steady, wall] = [this.#inner.nowMs(), this.#wallMs()];
      const passedMs = steady - steadyMs;
      const aheadMs = wall - wallMs - passedMs;
      steadyMs = steady;
      wallMs = wall;
      this.#cancel = this.#inner.after(COMPARE_MS, compare);
      if (aheadMs > JUMP_MS) {
        this.#sleptMs += aheadMs;
        onWoke(aheadMs);
      } else if (passedMs - COMPARE_MS > JUMP_MS) onWoke(passedMs - COMPARE_MS);
    };
    this.#cancel();
    this.#cancel = this.#inner.after(COMPARE_MS, compare);
  }

  stop(): void {
    this.#cancel();
  }
}
