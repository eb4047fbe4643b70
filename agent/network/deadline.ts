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
