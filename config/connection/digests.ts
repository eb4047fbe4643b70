import { createHash } from 'node:crypto';
import { plainValue, type Tree } from '../tree.ts';

/** For each key that is set a digest of its value, to tell which keys an edit changed. They stay in this process. */
export type Digests = ReadonlyMap<string, string>;

/** A digest of every value of a file by its key, to tell which of them changed. */
export const digestsOf = (tree: Tree): Digests => {
  const digests = new Map<string, string>();
  const collect = (node: Tree, path: string): void => {
    if (node.type === 'object')
      for (const [key, value] of node.entries) collect(value, path === '' ? key : `${path}.${key}`);
    else
      digests.set(
        path,
        createHash('sha256')
          .update(JSON.stringify(plainValue(node)))
          .digest('hex'),
      );
  };
  collect(tree, '');
  return digests;
};

/** `url changed`, `proxy.port added`, `description removed`: the keys that differ, without their values. */
export const changedKeys = (old: Digests, now: Digests): readonly string[] =>
  [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => old.get(key) !== now.get(key))
    .map((key) => `${key} ${!old.has(key) ? 'added' : !now.has(key) ? 'removed' : 'changed'}`);

/**
 * The files and secrets outside that differ; one that the file did not name before, or names no more, follows from a key
 * that changed.
 */
export const changedOutside = (old: Digests, now: Digests): readonly string[] =>
  changedKeys(old, now).filter((change) => change.endsWith(' changed'));

/** The names for one line of a journal: ten of them, and how many more. */
export const listed = (names: readonly string[]): string =>
  names.length > 10 ? `${names.slice(0, 10).join(', ')} and ${names.length - 10} more` : names.join(', ');
