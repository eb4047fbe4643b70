import { expect } from 'vitest';
import { Fault } from '#protocol/errors.ts';

/** What a promise rejects with, which must be a {@link Fault}. */
export const faultOf = async (promise: Promise<unknown>): Promise<Fault> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Fault);
  return error as Fault;
};
