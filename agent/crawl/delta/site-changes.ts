import type { Site } from '#agent/qlik/site.ts';
import { asFault, type Fault } from '#protocol/errors.ts';
import { SITE_LISTS } from '../lists/lists.ts';
import { rowKey, type SiteContext, type SiteList, type SiteRow } from '../lists/site-list.ts';
import { isOfTheCrawl, whyEmpty } from '../missing.ts';
import { rowDigest, type SiteNotes } from './site-notes.ts';

/** What became of one list of the site since the crawl before. */
export interface ListChanges {
  readonly list: SiteList;
  /** Those among them whose asset is as it was are not written. */
  readonly rows: readonly SiteRow[];
  readonly gone: readonly string[];
  readonly signature: string | undefined;
  /** All rows are written: what they are written with from elsewhere changed. */
  readonly isAnew: boolean;
  /** Why this may not be all. */
  readonly fault: Fault | undefined;
}

/** More than so many names that changed are not asked for one by one: then all rows are read. */
const MOST_TERMS = 40;

/**
 * Names that stand in rows of other lists: when one changes, the rows that hold it do not, and still have to be written anew. By
 * entity: which property of a row has to name it, and how a filter asks for it.
 */
const NAMED_ELSEWHERE: Readonly<Record<string, { readonly property: string; readonly path: string }>> = {
  tag: { property: 'tags', path: 'tags.id' },
  custompropertydefinition: { property: 'customProperties', path: 'customProperties.definition.id' },
  user: { property: 'owner', path: 'owner.id' },
  stream: { property: 'stream', path: 'stream.id' },
};

/** What changed that other rows name. */
export class ChangedNames {
  readonly #terms: { readonly property: string; readonly term: string }[] = [];
  /** Properties that may have named something that is gone. */
  readonly #gone = new Set<string>();

  add(entity: string, id: string): void {
    const named = NAMED_ELSEWHERE[entity];
    if (named !== undefined) this.#terms.push({ property: named.property, term: `${named.path} eq ${id}` });
  }

  /** Rows that named it do not any more, without having been modified: no filter finds them. */
  gone(entity: string): void {
    const named = NAMED_ELSEWHERE[entity];
    if (named !== undefined) this.#gone.add(named.property);
  }

  /**
   * How a filter asks for rows that name something that changed; undefined when none can, `all` when there are too many to
   * ask for, or when they cannot be told.
   */
  in(properties: ReadonlySet<string>): string | 'all' | undefined {
    if ([...this.#gone].some((property) => properties.has(property))) return 'all';
    const terms = this.#terms.filter(({ property }) => properties.has(property)).map(({ term }) => term);
    if (terms.length > MOST_TERMS) return 'all';
    return terms.length === 0 ? undefined : terms.join(' or ');
  }
}

/** The properties that rows of a schema have. */
export const propertiesOf = (schema: object | undefined): ReadonlySet<string> =>
  new Set(
    schema !== undefined && 'shape' in schema && typeof schema.shape === 'object' && schema.shape !== null
      ? Object.keys(schema.shape)
      : [],
  );

/** First what others name. */
const ORDER: readonly ReadonlySet<string>[] = [
  new Set(['tag', 'custompropertydefinition']),
  new Set(['user']),
  new Set(['stream']),
];

/**
 * Reads what changed of all lists of the site's scope, and notes which names changed. The lists of one step are read side
 * by side. Throws only what ends a crawl.
 */
export const readSiteChanges = async (
  site: Site,
  notes: SiteNotes,
  names: ChangedNames,
  context: SiteContext,
  compareIds: boolean,
): Promise<readonly ListChanges[]> => {
  const step = ({ entity }: SiteList): number => {
    const found = ORDER.findIndex((entities) => entities.has(entity));
    return found < 0 ? ORDER.length : found;
  };
  const changes: ListChanges[] = [];
  for (let at = 0; at <= ORDER.length; at++) {
    const lists = SITE_LISTS.filter((list) => step(list) === at);
    const read = await Promise.all(lists.map((list) => changesOf(site, list, notes, names, compareIds)));
    for (const { list, rows } of read) for (const row of rows) list.remember?.(row, context);
    for (const { list, rows, gone } of read) {
      const known = notes.known(list)?.rows;
      for (const row of rows) {
        const before = known?.get(row.id);
        if (before !== undefined && before !== rowDigest(row, context)) names.add(list.entity, row.id);
      }
      for (const id of gone) {
        names.gone(list.entity);
        if (list.entity === 'user') context.people.forget(id);
        if (list.entity === 'dataconnection') context.connections.delete(id);
        const key = rowKey(list, id, context.keys);
        for (const [name, known] of context.extensions) if (known === key) context.extensions.delete(name);
      }
    }
    changes.push(...read);
  }
  return SITE_LISTS.flatMap((list) => changes.find((one) => one.list === list) ?? []);
};

const changesOf = async (
  site: Site,
  list: SiteList,
  notes: SiteNotes,
  names: ChangedNames,
  compareIds: boolean,
): Promise<ListChanges> => {
  const known = notes.known(list);
  const signature = await signatureOf(site, list, known?.signature);
  const isAnew = known === undefined || known.signature !== signature;
  if (known !== undefined && list.schema !== undefined && !isAnew) {
    const named = names.in(propertiesOf(list.schema));
    const since = named === 'all' ? null : known.since;
    const own = since === null ? undefined : list.changedToo?.(since);
    const orElse = [own, named].filter((term) => term !== undefined).join(' or ');
    try {
      const { rows, gone, incomplete } = await site.changes(list.entity, list.schema, {
        known: known.rows,
        since,
        orElse: orElse === '' ? undefined : orElse,
        compareIds,
      });
      return settle({ list, rows, gone, signature, isAnew, fault: incomplete }, known.rows);
    } catch (error) {
      const fault = asFault(error);
      if (isOfTheCrawl(fault)) throw error;
      // A release that does not take the filter, or a list that is forbidden: asking for all of it tells.
    }
  }
  try {
    const { rows, incomplete } = await list.rows(site);
    const ids = new Set(rows.map(({ id }) => id));
    const gone = incomplete === undefined ? [...(known?.rows.keys() ?? [])].filter((id) => !ids.has(id)) : [];
    return settle({ list, rows, gone, signature, isAnew, fault: incomplete }, known?.rows);
  } catch (error) {
    const fault = asFault(error);
    if (isOfTheCrawl(fault)) throw error;
    return { list, rows: [], gone: [], signature, isAnew, fault };
  }
};

/** A list that is not all there has lost nothing. */
const settle = (changes: ListChanges, known: ReadonlyMap<string, unknown> | undefined): ListChanges => {
  const { list, rows, gone } = changes;
  const left = (known?.size ?? 0) + rows.filter(({ id }) => known?.has(id) !== true).length - gone.length;
  const fault = changes.fault ?? (list.isNeverEmpty ? whyEmpty(list.what, left) : undefined);
  return fault === undefined ? changes : { ...changes, gone: [], fault };
};

/**
 * All rows of a list that are to be written anew: what they are written with changed, though they did not. Throws what the
 * site answers with.
 */
export const readAnew = async (
  site: Site,
  list: SiteList,
  changes: ListChanges,
  notes: SiteNotes,
): Promise<ListChanges> => {
  const { rows, incomplete } = await list.rows(site);
  const ids = new Set(rows.map(({ id }) => id));
  const known = notes.known(list)?.rows;
  const gone = incomplete === undefined ? [...(known?.keys() ?? [])].filter((id) => !ids.has(id)) : [];
  return settle({ list, rows, gone, signature: changes.signature, isAnew: true, fault: incomplete }, known);
};

/** Undefined where there is none, or it cannot be had: then what depends on it stays as it is until all is read. */
const signatureOf = async (site: Site, list: SiteList, before: string | undefined): Promise<string | undefined> => {
  try {
    return await list.signature?.(site, before);
  } catch (error) {
    if (isOfTheCrawl(asFault(error))) throw error;
    return undefined;
  }
};
