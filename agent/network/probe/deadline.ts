/**
 * `work`, or the reason of the signal when that comes first, or what `late` makes when `withinMs` pass. What `work` does
 * afterwards is nobody's any more.
 */
export const within = <T>(
  work: Promise<T>,
  withinMs: number,
  signal: AbortSignal | undefined,
  late: () => Error,
): Promise<T> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      work.catch(() => undefined);
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => reject(signal?.reason);
    const timer = setTimeout(() => reject(late()), withinMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    });
  });
