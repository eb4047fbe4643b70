import { z } from 'zod';
import { Fault } from '#protocol/errors.ts';

/** A value as JSON has it: times are ISO 8601 strings. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer I)[]
    ? Wire<I>[]
    : T extends object
      ? { -readonly [K in keyof T]: Wire<T[K]> }
      : T;

export const wire = <T>(value: T): Wire<T> => JSON.parse(JSON.stringify(value)) as Wire<T>;

/** Text from outside that PostgreSQL can hold: no U+0000 and no half of a surrogate pair. */
export const text = (longest: number) =>
  z
    .string()
    .max(longest)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'holds characters that cannot be stored');

/** Where a list goes on, opaque to clients. */
export const writeCursor = (parts: readonly string[] | null): string | null =>
  parts && Buffer.from(JSON.stringify(parts)).toString('base64url');

const Parts = z.array(text(2000)).max(4);

/** @throws Fault `api.invalid_request` when the cursor was not made by {@link writeCursor} with as many parts. */
export const readCursor = (cursor: string | undefined, parts: number): readonly string[] | undefined =>
  readCursorOf(cursor, [parts]);

/**
 * The same for lists that are ordered in more than one way.
 *
 * @throws Fault `api.invalid_request`
 */
export const readCursorOf = (cursor: string | undefined, parts: readonly number[]): readonly string[] | undefined => {
  if (cursor === undefined) return undefined;
  try {
    const found = Parts.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    if (parts.includes(found.length)) return found;
  } catch {
    // Reported below: what is wrong inside is of no use to anyone.
  }
  throw new Fault('api.invalid_request', 'after: not a value that `next` gave');
};

/** As PostgreSQL writes a time in UTC; whether there is such a day, `Date.parse` says. */
const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/;

/** The cursor of a list that is ordered by time first. */
export const readTimeCursor = (cursor: string | undefined): readonly string[] | undefined => {
  const parts = readCursor(cursor, 2);
  if (parts && !(TIME.test(parts[0] ?? '') && Number.isFinite(Date.parse(`${parts[0]}:00`))))
    throw new Fault('api.invalid_request', 'after: not a value that `next` gave');
  return parts;
};
