import { createHash } from 'node:crypto';
import { StoreFailure } from './failure.ts';

type Outcome<T> = { readonly value: T } | { readonly failure: StoreFailure };

/** As many as a folder may have connection files: with fewer, each round would push out what the next one needs. */
const MAX_KEPT = 1000;

/**
 * Opens each store once: all files of the connections folder are read again every minute, and opening a store can take
 * a third of a second, in which the agent does nothing else. Kept by a digest of the content and the password; failures
 * too. The oldest goes first.
 */
export const remembering = <T>(
  open: (bytes: Buffer, password: string | undefined) => T,
  maxKept = MAX_KEPT,
): ((bytes: Buffer, password: string | undefined) => T) => {
  const known = new Map<string, Outcome<T>>();
  const attempt = (bytes: Buffer, password: string | undefined): Outcome<T> => {
    try {
      return { value: open(bytes, password) };
    } catch (error) {
      if (error instanceof StoreFailure) return { failure: error };
      throw error;
    }
  };
  return (bytes, password) => {
    const key = createHash('sha256')
      .update(password === undefined ? '0' : `${password.length}:${password}`)
      .update('\0')
      .update(bytes)
      .digest('base64');
    const outcome = known.get(key) ?? attempt(bytes, password);
    known.delete(key);
    known.set(key, outcome);
    for (const oldest of known.keys()) {
      if (known.size <= maxKept) break;
      known.delete(oldest);
    }
    if ('failure' in outcome) throw outcome.failure;
    return outcome.value;
  };
};
