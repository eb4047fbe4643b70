import type { Fault } from '#protocol/errors.ts';

/** The right to have one app open. */
export interface Turn {
  /** Gives it back; `fault` is why the app could not be read, if it could not. */
  end(fault: Fault | undefined): void;
}

/** Says when another app may be opened. */
export interface Pace {
  /** The most turns that are out at any time: so many workers are worth having. */
  readonly most: number;
  /** Resolves when another app may be opened; rejects with the signal's reason. */
  turn(signal: AbortSignal): Promise<Turn>;
}

const TURN: Turn = { end: () => {} };

/** Always as many as there are workers. */
export const steadyPace = (most: number): Pace => ({ most, turn: () => Promise.resolve(TURN) });
