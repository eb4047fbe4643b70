import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../../..');

/** A rule of the protocol, switched off in a copy of the source that only the test loads. */
export interface Mutation {
  /** Unique, in letters and dashes. */
  readonly name: string;
  /** The rule, and where PROTOCOL.md states it. */
  readonly rule: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** Who has to notice: the simulation with at most so many seeds, or a test by its file and name. */
  readonly caughtBy: { readonly seeds: number } | { readonly file: string; readonly test: string };
}

/**
 * The source without the rule.
 * @throws Error when the snippet is not there exactly once: the list has to follow the source
 */
export const mutated = (mutation: Mutation, source: string): string => {
  const { name, file, from, to } = mutation;
  const [before, after, ...more] = source.split(from);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(
      `${name}: ${file} holds the snippet ${source.split(from).length - 1} times instead of once: ${from}`,
    );
  return `${before}${to}${after}`;
};

export const check = (mutation: Mutation): void => {
  mutated(mutation, readFileSync(join(root, mutation.file), 'utf8'));
};
