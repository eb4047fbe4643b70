import type { Confidence } from '#protocol/lineage.ts';

/** A dataset, with what decides whether another one may be the same place. */
export interface PatternEnd {
  readonly key: string;
  /** Of one that is several places, or of which only parts are known: its key with `*` for what may differ. */
  readonly pattern: string | null;
  /** An app loads it. */
  readonly isRead: boolean;
  /** Keys of the apps that store it. */
  readonly producers: readonly string[];
  /** The agent found it in a folder, and did not only hear of it from a script. */
  readonly isListed: boolean;
}

/** Longer ones are somebody's joke; each costs. */
export const MOST_WILDCARDS = 8;
/** No key of an asset is longer. */
export const MOST_CHARACTERS = 1_024;
/** A root that says where it is, whatever follows. */
const ROOTED = /^[^*?]+\//;

/** What may be looked for: it says in which folder it begins, and what of it is not known can be counted. */
export const isUsable = (pattern: string): boolean =>
  pattern.length <= MOST_CHARACTERS && ROOTED.test(pattern) && (pattern.match(/[*?]/g)?.length ?? 0) <= MOST_WILDCARDS;

/** What all begins with that a pattern fits. */
export const beginningOf = (pattern: string): string => pattern.replace(/[*?].*$/s, '');

/** The folder in which all lies that a pattern fits, with the slash. */
export const folderOf = (pattern: string): string => {
  const certain = beginningOf(pattern);
  return certain.slice(0, certain.lastIndexOf('/') + 1);
};

/** The app that a dataset belongs to of which nobody knows where it is. */
const ownerOf = (key: string): string | undefined => /^(.+?)\/source\//.exec(key)?.[1];

/**
 * How sure it is that `from` holds what `to` holds, of two of which the pattern of one fits the other's name; undefined:
 * nothing says so. Three ways lead there: what is read by a pattern, and a file that fits; a file that nobody is known to
 * write, and a pattern that is written; two patterns of which one covers the other. Two places that are not known are never
 * one; that they may be is all that is said. Whether names fit is the database's to say, which can be stopped: names are
 * strangers', and hundreds of thousands may be compared.
 */
export const mayCome = (from: PatternEnd, to: PatternEnd): Confidence | undefined => {
  if (from.key === to.key) return undefined;
  if (from.pattern !== null) {
    if (!from.isRead || !isUsable(from.pattern)) return undefined;
    if (to.pattern === null) {
      if (!(to.isListed || to.producers.length > 0)) return undefined;
      // Every file that is there and fits is read, where nothing but stars is left open.
      return to.isListed && from.pattern === from.key ? 'inferred' : 'candidate';
    }
    return to.producers.length > 0 && isUsable(to.pattern) ? 'candidate' : undefined;
  }
  if (to.pattern === null || to.producers.length === 0 || !isUsable(to.pattern)) return undefined;
  const owner = ownerOf(to.key);
  if (from.producers.length > 0 && !(owner !== undefined && from.producers.includes(owner))) return undefined;
  return 'candidate';
};
