import { resultOf, type Settled, settled } from './settled.ts';

/** What is done with each of the things that wait. */
export interface Work<T, R> {
  /** Taken from the end. */
  readonly queue: T[];
  /** How many at a time. */
  readonly workers: number;
  readonly read: (item: T) => Promise<R>;
  readonly write: (item: T, read: R) => Promise<void>;
  /** Whether what was read is so large that nothing else is read beside it. */
  readonly isLarge?: (read: R) => boolean;
}

/**
 * Workers take what waits in the queue. A worker writes one while it reads the next; it never holds more than these two, and
 * one that is large alone. What one of them fails with stops the others by `stop`, and is thrown when all have ended.
 */
export const workOff = async <T, R>(work: Work<T, R>, signal: AbortSignal, stop: AbortController): Promise<void> => {
  /** Reads one and begins to write it. On its own: a function that waits for the next would keep what it read before. */
  const step = async (item: T, before: Settled<void>): Promise<Settled<void>[]> => {
    const read = await work.read(item);
    await resultOf(before);
    const writing = settled(work.write(item, read));
    if (work.isLarge?.(read) === true) await writing;
    // In a list, since a promise would be waited for.
    return [writing];
  };
  const worker = async (): Promise<void> => {
    let writing: Settled<void> = settled(Promise.resolve());
    for (let item = work.queue.pop(); item !== undefined; item = work.queue.pop()) {
      signal.throwIfAborted();
      [writing = writing] = await step(item, writing);
    }
    await resultOf(writing);
  };
  const workers = Array.from({ length: work.workers }, async () => {
    try {
      await worker();
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  });
  const results = await Promise.allSettled(workers);
  // The first that failed stopped the others; those only repeat its reason.
  if (results.some(({ status }) => status === 'rejected')) throw stop.signal.reason;
};
