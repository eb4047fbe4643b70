/** Time, so that tests have it in hand. */
export interface GatewayClock {
  /** Milliseconds on a clock that does not go back. */
  nowMs(): number;
  after(ms: number, call: () => void): () => void;
  /** ISO 8601. */
  timestamp(): string;
}

/** The real clock. */
export const systemClock: GatewayClock = {
  nowMs: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, Math.min(Math.max(0, Math.ceil(ms)), 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
  timestamp: () => new Date().toISOString(),
};
