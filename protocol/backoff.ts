import { CLOSE, TIMES } from './constants.ts';

/** Why there is no connection now, as far as it decides when to try again. */
export interface Ended {
  /** The close code or the code of the `bye` before it; undefined when no connection came about. */
  readonly code: number | undefined;
  /** What the gateway asked for: `bye.retryAfterMs`, or `Retry-After` of a refused upgrade. */
  readonly retryAfterMs: number | undefined;
  /** How long the session stood after `welcome`; 0 without one. */
  readonly openMs: number;
}

/** 4500–4999 say that trying at once cannot help: somebody has to act first. The agent still never gives up. */
const isSlowLane = (code: number | undefined): boolean => code !== undefined && code >= 4500 && code <= 4999;

/**
 * When to connect again. Time after a failure is cut into windows that double; each holds one attempt, at a random moment
 * of it (full jitter). What is left of a window after its attempt is waited, too: so attempts of a fleet that lost its
 * gateway at one moment stay evenly spread over every window, instead of thickening at its beginning. A session of 60 s
 * begins anew; a hint of the gateway, which knows how many wait, overrides the windows; close codes override both.
 */
export class Backoff {
  #failures = 0;
  #windowEndsMs = Number.NEGATIVE_INFINITY;

  /**
   * @param random in [0, 1)
   * @returns milliseconds from `nowMs` on
   */
  nextMs(ended: Ended, random: number, nowMs: number): number {
    if (ended.openMs >= TIMES.backoffResetMs) this.reset();
    const hintMs = Math.min(ended.retryAfterMs ?? 0, TIMES.maxHintMs);
    if (isSlowLane(ended.code)) return Math.max(TIMES.slowLaneMs * (0.5 + random), hintMs);
    if (ended.retryAfterMs !== undefined && ended.code !== CLOSE.superseded) {
      // Whoever answers is there: what comes after the hint begins with small windows again.
      this.reset();
      // A refused attempt was given a time of its own; `bye` and `drain` say the same to everybody.
      const spreadMs = ended.code === undefined ? TIMES.hintGrainMs : Math.max(TIMES.hintGrainMs, hintMs);
      return hintMs + random * spreadMs;
    }
    const windowMs = Math.min(TIMES.backoffCapMs, TIMES.backoffBaseMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 16);
    const beginsMs = Math.max(nowMs, this.#windowEndsMs);
    this.#windowEndsMs = beginsMs + windowMs;
    const delayMs = beginsMs - nowMs + random * windowMs;
    return ended.code === CLOSE.superseded ? TIMES.supersededFloorMs + hintMs + delayMs : delayMs;
  }

  /** The next failure is the first. */
  reset(): void {
    this.#failures = 0;
    this.#windowEndsMs = Number.NEGATIVE_INFINITY;
  }
}
