import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
const TURN_MS = 1_000;
/** A loop that has not turned for this long is stuck. */
const STUCK_MS = 10_000;

/** How late the event loop turns, and whether it does at all. */
export class EventLoop implements Disposable {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  #turnedAtMs = performance.now();

  constructor() {
    this.#histogram.enable();
    this.#timer = setInterval(() => {
      this.#turnedAtMs = performance.now();
    }, TURN_MS).unref();
  }

  /** Why the process counts as stuck, in words; undefined when it does not. */
  whyStuck(): string | undefined {
    const sinceMs = performance.now() - this.#turnedAtMs;
    return sinceMs <= STUCK_MS ? undefined : `The event loop has not turned for ${Math.round(sinceMs / 1000)} s.`;
  }

  /** Since the last call, beyond the resolution of the measurement. */
  lagSeconds(): Readonly<Record<'0.5' | '0.99' | '1', number>> {
    const beyond = (nanoseconds: number): number =>
      Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000) : 0;
    const found = {
      '0.5': beyond(this.#histogram.percentile(50)),
      '0.99': beyond(this.#histogram.percentile(99)),
      '1': beyond(this.#histogram.max),
    };
    this.#histogram.reset();
    return found;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }
}
