import type { LinkClock } from '#agent/bridge/link-clock.ts';

/** Time in the hands of the test; chance is always one half. */
export class FakeClock implements LinkClock {
  now = 0;
  readonly #timers = new Set<{ atMs: number; call: () => void }>();

  nowMs(): number {
    return this.now;
  }

  random(): number {
    return 0.5;
  }

  after(ms: number, call: () => void): () => void {
    const timer = { atMs: this.now + ms, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get pending(): number {
    return this.#timers.size;
  }

  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ atMs }) => atMs <= until).sort((a, b) => a.atMs - b.atMs);
      if (!next) break;
      this.#timers.delete(next);
      this.now = Math.max(this.now, next.atMs);
      next.call();
    }
    this.now = until;
  }
}
