import { isSurer, lessSure } from '#protocol/lineage.ts';
import { wholePath } from '../file-place.ts';
import { type Confidence, type FilePlace, type Origin, type Place, ROLES, type Role, type Source } from '../result.ts';

/** Origins of a field, each once. They are shared between fields and never changed. */
export type Origins = readonly Tracked[];

/** An origin with what makes it the same as another one. */
export interface Tracked extends Origin {
  readonly key: string;
}

export const NO_ORIGINS: Origins = [];
/** A field that more columns flow into than this has no lineage that anybody could read. */
const MOST_ORIGINS = 2_000;

/** What of an origin depends on the statement that brings it in. */
export interface Circumstances {
  readonly place: Place;
  readonly conditional: boolean;
  readonly confidence: Confidence;
  readonly reasons: readonly string[];
}

const KEYS = new WeakMap<Source, string>();

/** Sources with the same key are the same place. */
export const sourceKey = (source: Source): string => {
  const known = KEYS.get(source);
  if (known !== undefined) return known;
  const key = keyOf(source);
  KEYS.set(source, key);
  return key;
};

const keyOf = (source: Source): string => {
  switch (source.type) {
    case 'file':
      return `f|${pathKey(source)}|${source.table?.toLowerCase() ?? ''}`;
    case 'object':
      return `o|${source.connection.toLowerCase()}|${source.object.toLowerCase()}`;
    case 'resident':
      return `r|${source.table}`;
    case 'binary':
      return `b|${pathKey(source)}`;
    case 'extension':
      return `e|${source.name}`;
    case 'inline':
    case 'autogenerate':
      return source.type;
    default:
      return source satisfies never;
  }
};

/** Paths that differ in case or in the direction of their slashes only are one. */
export const pathKey = (place: FilePlace): string => {
  const path = wholePath(place).trim().toLowerCase();
  return TIDY.test(path) ? path : tidied(path);
};

/** Most paths are written so that nothing is left to do. */
const TIDY = /^(?:[a-z][a-z\d]*:\/\/)?[^/\\\ue0f1.][^/\\\ue0f1]*(?:\/[^/\\\ue0f1.][^/\\\ue0f1]*)*$/;

const tidied = (path: string): string => {
  const parts: string[] = [];
  for (const part of path.replaceAll('\\', '/').replaceAll('\ue0f1', '*').split('/')) {
    if (part === '.') continue;
    const above = parts.at(-1);
    if (part === '..' && above !== undefined && above !== '' && above !== '..' && !above.includes('$(')) parts.pop();
    else parts.push(part);
  }
  return parts.join('/').replace(/(?<!^|:)\/\/+/g, '/');
};

export const originFrom = (source: Source, field: string, circumstances: Circumstances): Tracked => ({
  source,
  field,
  role: 'value',
  confidence: circumstances.confidence,
  reasons: circumstances.reasons,
  conditional: circumstances.conditional,
  place: circumstances.place,
  key: `${sourceKey(source)}|${field}|`,
});

/** All of both; of two for the same column in the same role the surer one. */
export const union = (...lists: readonly Origins[]): Origins => {
  let [first, second]: [Origins, Origins] = [NO_ORIGINS, NO_ORIGINS];
  let different = 0;
  for (const list of lists) {
    if (list.length === 0 || list === first) continue;
    different += 1;
    if (different === 1) first = list;
    else second = list;
  }
  if (different <= 1) return first;
  if (different === 2) {
    // Two ways of a script mostly share what was before them.
    let alike = 0;
    while (alike < first.length && alike < second.length && first[alike] === second[alike]) alike += 1;
    if (second.length - alike <= FEW) return withFew(first, alike === 0 ? second : second.slice(alike));
    if (alike === first.length) return second;
  }
  return indexed(lists);
};

/** However many and long they are: each once through an index. */
const indexed = (lists: readonly Origins[]): Origins => {
  const found = new Map<string, Tracked>();
  for (const list of lists) {
    for (const origin of list) {
      const key = origin.key + origin.role;
      const known = found.get(key);
      if (known === undefined ? found.size < MOST_ORIGINS : isBetter(origin, known)) found.set(key, origin);
    }
  }
  return [...found.values()];
};

/** To look through a list for so few takes less time than to index it: a loop adds one file after the other. */
const FEW = 4;

const withFew = (many: Origins, few: Origins): Origins => {
  let found: Tracked[] | undefined;
  for (const origin of few) {
    const list: Origins = found ?? many;
    const at = list.findIndex(({ key, role }) => role === origin.role && key === origin.key);
    const known = list[at];
    if (known === undefined ? list.length >= MOST_ORIGINS : !isBetter(origin, known)) continue;
    found ??= [...many];
    found[known === undefined ? found.length : at] = origin;
  }
  return found ?? many;
};

const isBetter = (one: Origin, other: Origin): boolean =>
  isSurer(one.confidence, other.confidence) ||
  (one.confidence === other.confidence && !one.conditional && other.conditional);

/** As seen through an expression that uses them in this role. */
export const inRole = (origins: Origins, role: Role): Origins =>
  role === 'value' || origins.every((origin) => origin.role === role)
    ? origins
    : union(origins.map((origin) => (origin.role === 'value' ? { ...origin, role } : origin)));

/** At most as sure as `confidence`, and why. */
export const weakened = (origins: Origins, confidence: Confidence, reason: string): Origins =>
  origins.map((origin) => ({
    ...origin,
    confidence: lessSure(origin.confidence, confidence),
    reasons: origin.reasons.includes(reason) ? origin.reasons : [...origin.reasons, reason],
  }));

/** Of another column of the same sources. */
export const ofColumn = (origins: Origins, field: string): Origins =>
  origins.map((origin) => ({ ...origin, field, key: `${sourceKey(origin.source)}|${field}|` }));

/** One for each column of a source: the strongest role, value first. */
export const strongest = (origins: Origins): Origins => {
  const found = new Map<string, Tracked>();
  for (const origin of origins) {
    const known = found.get(origin.key);
    if (known === undefined || ROLES.indexOf(origin.role) < ROLES.indexOf(known.role)) found.set(origin.key, origin);
  }
  return [...found.values()];
};
