/** Time and chance, so that tests have them in hand. */
export interface LinkClock {
  /** Milliseconds on a clock that does not go back. */
  nowMs(): number;
  /** Calls once after `ms`; returns how to call it off. */
  after(ms: number, call: () => void): () => void;
  /** In [0, 1). */
  random(): number;
}

/** The real ones. */
export const systemClock: LinkClock = {
  nowMs: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, Math.min(Math.max(0, Math.ceil(ms)), 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
  random: Math.random,
};
