import { settled } from './settled.ts';

/** What is done with each of the things that wait. */
export interface Work<T, R> {
  /** Taken from the end. */
  readonly queue: T[];
  /** How many at a time. */
  readonly workers: number;
  readonly read: (item: T) => Promise<R>;
  readonly write: (item: T, read: R) => Promise<void>;
}

/**
 * Workers take what waits in the queue. A worker writes one while it reads the next; it never holds more than these two.
 * What one of them fails with stops the others by `stop`, and is thrown when all have ended.
 */
export const workOff = async <T, R>(work: Work<T, R>, signal: AbortSignal, stop: AbortController): Promise<void> => {
  const worker = async (): Promise<void> => {
    let writing = settled(Promise.resolve());
    for (let item = work.queue.pop(); item !== undefined; item = work.queue.pop()) {
      signal.throwIfAborted();
      const read = await work.read(item);
      const before = await writing;
      if ('error' in before) throw before.error;
      writing = settled(work.write(item, read));
    }
    const last = await writing;
    if ('error' in last) throw last.error;
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
