/** Sorting rows by what is at a path of theirs. */
import type { JsonObject } from './answer.ts';
import { valuesAt } from './match.ts';
import type { Turns } from './turns.ts';

export interface SortPart {
  readonly path: readonly string[];
  readonly ascending: boolean;
}

type Key = string | number | boolean | null;

/** Texts compare without case; what is no plain value counts as absent. */
const keyAt = (path: readonly string[], full: JsonObject): Key => {
  const [value = null] = valuesAt(full, path);
  if (typeof value === 'string') return value.toLowerCase();
  return typeof value === 'object' ? null : value;
};

/** Absent values come first. */
const compare = (a: Key, b: Key): number => {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
};

/** Sorts by the first part, then by the next; equal rows keep their order. Of the full rows only the keys stay in memory. */
export function* sortedBy<T>(
  rows: readonly T[],
  parts: readonly SortPart[],
  full: (row: T) => JsonObject,
): Turns<readonly T[]> {
  const keyed: { readonly row: T; readonly keys: readonly Key[] }[] = [];
  for (const row of rows) {
    yield;
    const json = full(row);
    keyed.push({ row, keys: parts.map(({ path }) => keyAt(path, json)) });
  }
  keyed.sort((left, right) => {
    for (const [index, { ascending }] of parts.entries()) {
      const order = compare(left.keys[index] ?? null, right.keys[index] ?? null);
      if (order !== 0) return ascending ? order : -order;
    }
    return 0;
  });
  return keyed.map(({ row }) => row);
}
