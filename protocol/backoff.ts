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

/** A session that was superseded waits this long at least, so that two agents of one identity do not chase each other. */
const SUPERSEDED_FLOOR_MS = 60_000;
/** An hour: a hint beyond it is taken for a mistake. */
const MAX_HINT_MS = 3_600_000;

/**
 * When to connect again: full jitter in a window that doubles from 1 s to 64 s, so that a fleet which lost its gateway
 * at one moment does not come back at one moment. A session of 60 s resets the window; hints and close codes override.
 */
export class Backoff {
  #failures = 0;

  /** @param random in [0, 1) */
  nextMs(ended: Ended, random: number): number {
    if (ended.openMs >= TIMES.backoffResetMs) this.#failures = 0;
    const windowMs = Math.min(TIMES.backoffCapMs, TIMES.backoffBaseMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 16);
    const jittered = random * windowMs;
    // Never earlier than asked; spread behind it, as the hint is the same for all.
    const hintMs = Math.min(ended.retryAfterMs ?? 0, MAX_HINT_MS);
    if (isSlowLane(ended.code)) return Math.max(TIMES.slowLaneMs * (0.5 + random), hintMs);
    if (ended.code === CLOSE.superseded) return SUPERSEDED_FLOOR_MS + hintMs + jittered;
    return ended.retryAfterMs === undefined ? jittered : hintMs + jittered;
  }
}
