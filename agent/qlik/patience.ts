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

/** What `work` resolves to, unless the signal ends first: then its reason. `work` itself goes on. */
export const unlessAborted = async <T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (signal === undefined) return await work;
  // Nobody waits for it after an abort: a rejection that comes then must not end the process.
  work.catch(() => undefined);
  signal.throwIfAborted();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, ended]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
};

/**
 * What `work` resolves to, but no later than `ms`: then `late()` makes the error. `work` itself goes on; the caller ends
 * what it uses. A signal that ends first rejects with its reason.
 */
export const within = async <T>(
  work: Promise<T>,
  ms: number,
  late: () => Error,
  signal: AbortSignal | undefined,
): Promise<T> => {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), ms);
  try {
    return await unlessAborted(Promise.race([work, over]), signal);
  } finally {
    clearTimeout(timer);
  }
};
