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
const MOST_WILDCARDS = 8;
/** A root that says where it is, whatever follows. */
const ROOTED = /^[^*?]+\//;

/** What may be looked for: it says in which folder it begins, and what of it is not known can be counted. */
export const isUsable = (pattern: string): boolean =>
  ROOTED.test(pattern) && (pattern.match(/[*?]/g)?.length ?? 0) <= MOST_WILDCARDS;

/** The folder in which all lies that a pattern fits, with the slash. */
export const folderOf = (pattern: string): string => {
  const certain = pattern.replace(/[*?].*$/s, '');
  return certain.slice(0, certain.lastIndexOf('/') + 1);
};

/** All folders above a key, with their slashes: a pattern that it fits begins in one of them. */
export const foldersAbove = (key: string): readonly string[] =>
  [...key.matchAll(/\//g)].map(({ index }) => key.slice(0, index + 1));

const EXPRESSIONS = new Map<string, RegExp>();
const MOST_KEPT = 1_000;

/** Nothing that differs goes beyond its part of the path: nobody means another folder by it. */
const expressionOf = (pattern: string): RegExp => {
  const known = EXPRESSIONS.get(pattern);
  if (known !== undefined) return known;
  const text = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/\*+/g, '[^/]*')
    .replaceAll('?', '[^/]');
  const made = new RegExp(`^${text}$`, 's');
  if (EXPRESSIONS.size >= MOST_KEPT) EXPRESSIONS.clear();
  EXPRESSIONS.set(pattern, made);
  return made;
};

const fits = (pattern: string, text: string): boolean => expressionOf(pattern).test(text);

/** The app that a dataset belongs to of which nobody knows where it is. */
const ownerOf = (key: string): string | undefined => /^(.+?)\/source\//.exec(key)?.[1];

/**
 * How sure it is that `from` holds what `to` holds, by their names alone; undefined: nothing says so. Three ways lead there:
 * what is read by a pattern, and a file that fits; a file that nobody is known to write, and a pattern that is written; two
 * patterns of which one covers the other. Two places that are not known are never one; that they may be is all that is said.
 */
export const mayCome = (from: PatternEnd, to: PatternEnd): Confidence | undefined => {
  if (from.key === to.key) return undefined;
  if (from.pattern !== null) {
    if (!from.isRead || !isUsable(from.pattern)) return undefined;
    if (to.pattern === null) {
      if (!(to.isListed || to.producers.length > 0) || !fits(from.pattern, to.key)) return undefined;
      // Every file that is there and fits is read, where nothing but stars is left open.
      return to.isListed && from.pattern === from.key ? 'inferred' : 'candidate';
    }
    if (to.producers.length === 0 || !isUsable(to.pattern)) return undefined;
    return fits(from.pattern, to.pattern) || fits(to.pattern, from.pattern) ? 'candidate' : undefined;
  }
  if (to.pattern === null || to.producers.length === 0 || !isUsable(to.pattern)) return undefined;
  const owner = ownerOf(to.key);
  if (from.producers.length > 0 && !(owner !== undefined && from.producers.includes(owner))) return undefined;
  return fits(to.pattern, from.key) ? 'candidate' : undefined;
};
