import { setTimeout as sleep } from 'node:timers/promises';

/** Waiting and chance, injected so that tests need neither. */
export interface Patience {
  /** Rejects with the signal's reason when it ends first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** 0 ≤ x < 1. */
  random(): number;
}

export const PATIENCE: Patience = {
  sleep: async (ms, signal) => {
    try {
      await sleep(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      throw error;
    }
  },
  random: Math.random,
};

/** Exponential backoff with jitter: half of the step is fixed, so that a retry never comes at once. `attempt` from 0. */
export const backoffMs = (attempt: number, baseMs: number, capMs: number, random: () => number): number => {
  const step = Math.min(capMs, baseMs * 2 ** attempt);
  return step / 2 + (random() * step) / 2;
};
