import type { z } from 'zod';
import type { ConnectionPlace } from '#agent/lineage/naming/connection-place.ts';
import type { Owner } from '#agent/qlik/repository/entities.ts';
import type { Listing } from '#agent/qlik/repository/listing.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { Readable } from '#config/connection/rights.ts';
import { EVERYTHING, type Filter } from '#config/filter/filter.ts';
import type { Fault } from '#protocol/errors.ts';
import type { AssetKind, EdgeKind } from '#protocol/records.ts';
import { type JsonObject, present } from '../attributes.ts';
import type { Keys } from '../keys.ts';
import type { Gaps } from '../missing.ts';
import { writeOwner } from '../owners.ts';
import { customPropertyValues, type People } from '../people.ts';
import type { Asset, ScopeWriter } from '../scope-writer.ts';

/** What an earlier crawl knew of the lists that apps are written with. */
export interface EarlierLists {
  /** Ids of users and their e-mail addresses, empty where there is none. */
  readonly people: readonly (readonly [id: string, email: string])[];
  /** Names and keys of extensions. */
  readonly extensions: readonly (readonly [name: string, key: string])[];
  /** Where data connections lead. */
  readonly connections: readonly ConnectionPlace[];
}

/** What is known of the lists that apps are written with. */
export interface AppLists {
  readonly keys: Keys;
  readonly people: People;
  /** Keys of extensions by name: what charts say they are drawn by. */
  readonly extensions: Map<string, string>;
  /** Where data connections lead, by id: scripts name what they read by them. */
  readonly connections: Map<string, ConnectionPlace>;
  /** What holds for rows that could not be read now; undefined when no crawl is known. */
  readonly earlier: EarlierLists | undefined;
  /** Lists that apps are written without, though they may be read the next time, with the reason. */
  readonly unread: Map<Readable, Fault>;
}

/** What the records of the site's scope are made with, besides the row itself. */
export interface SiteContext extends AppLists {
  /** Which streams are kept. */
  readonly filter: Filter;
  /** Ids, in lower case, of the apps that a filter keeps: nothing that leaves names another. Undefined: there is no filter. */
  readonly namedApps: ReadonlySet<string> | undefined;
  /** What starts each reload task, by the task's id. */
  readonly triggers: Map<string, JsonObject[]>;
  /** What its definition file says of each extension, by the extension's name. */
  readonly definitions: Map<string, JsonObject>;
}

/** @param namedApps ids, in lower case, of the apps that may be named; undefined: all */
export const siteContext = (
  lists: AppLists & { readonly filter?: Filter | undefined },
  namedApps?: ReadonlySet<string>,
): SiteContext => ({
  filter: lists.filter ?? EVERYTHING,
  namedApps,
  keys: lists.keys,
  people: lists.people,
  extensions: lists.extensions,
  connections: lists.connections,
  earlier: lists.earlier,
  unread: lists.unread,
  triggers: new Map(),
  definitions: new Map(),
});

/** What every row of the repository has. */
export interface SiteRow {
  readonly id: string;
  readonly createdDate: string | null;
  readonly modifiedDate: string | null;
  readonly owner?: Owner | null;
}

/**
 * One list of the repository whose every row is one asset of the site's scope: how it is called, read and written. Its
 * functions are methods, so that all lists fit into one array; rows are only ever given to the list that read them.
 */
export interface SiteList<Row extends SiteRow = SiteRow> {
  /** In words, for whoever reads what is missing; the name of the right to read it. */
  readonly what: Readable;
  readonly kind: AssetKind;
  /** The path below `/qrs`. */
  readonly entity: string;
  /** Every site has some of these: an empty list means that the user may not see them. */
  readonly isNeverEmpty?: true;
  rows(site: Site): Promise<Listing<Row>>;
  /**
   * What one row of the entity is. With it a crawl of differences asks only for rows that were modified since; without it
   * it reads all and writes those that differ.
   */
  readonly schema?: z.ZodType<Row>;
  /** What makes a row count as changed since a moment (ISO 8601) besides its date, as a QRS filter expression. */
  changedToo?(since: string): string;
  /**
   * Another text whenever what `prepare` reads changed without the rows: then all assets are written anew. `before`: the
   * text of the last time.
   */
  signature?(site: Site, before?: string): Promise<string>;
  /**
   * Reads into the context what assets of these rows have from elsewhere (a task's schedule is no part of the task, and
   * changes without it). What cannot be read is noted, and the assets are written without it.
   */
  prepare?(site: Site, context: SiteContext, gaps: Gaps): Promise<void>;
  /** Keeps what the assets of other rows and lists need of this one; called for every row that is read. */
  remember?(row: Row, context: SiteContext): void;
  /** Keeps the same of all rows that an earlier crawl knew. */
  recall?(earlier: EarlierLists, context: SiteContext): void;
  asset(row: Row, context: SiteContext): Omit<Asset, 'kind' | 'key' | 'parent'>;
  /** Besides the edge from the owner. */
  edges?(row: Row, key: string, context: SiteContext): readonly { kind: EdgeKind; from: string; to: string }[];
}

/**
 * Keeps what assets of other rows and lists need of these. Where they are not all, what an earlier crawl knew of the others
 * holds: else every app would lose what it has by a list that is out of reach for a day, or for good.
 *
 * @param why the rows are not all; undefined when they are
 */
export const rememberRows = (
  list: SiteList,
  rows: readonly SiteRow[],
  why: Fault | undefined,
  context: SiteContext,
): void => {
  if (list.remember === undefined) return;
  if (why !== undefined) {
    if (context.earlier !== undefined) list.recall?.(context.earlier, context);
    // A right that is missing is so for good: apps are whole without what it would give.
    else if (why.retryable) context.unread.set(list.what, why);
  }
  for (const row of rows) list.remember(row, context);
};

/** The key of a row's asset: what a row that is gone is known by, too. */
export const rowKey = ({ kind }: Pick<SiteList, 'kind'>, id: string, keys: Keys): string => keys.of(kind, id);

/** Writes what one row is about; {@link SiteList.remember} it first. */
export const writeRow = async <Row extends SiteRow>(
  out: ScopeWriter,
  list: SiteList<Row>,
  row: Row,
  context: SiteContext,
): Promise<void> => {
  const { keys } = context;
  const key = rowKey(list, row.id, keys);
  await out.asset({ ...list.asset(row, context), kind: list.kind, key, parent: keys.site });
  await writeOwner(out, context, row.owner, key);
  for (const { kind, from, to } of list.edges?.(row, key, context) ?? []) await out.edge(kind, from, to);
};

interface Described extends SiteRow {
  readonly modifiedByUserName?: string;
  readonly tags?: string[];
  readonly customProperties?: { name: string; value: string }[];
}

/** What most rows have: owner, times, tags, custom properties. */
export const described = (row: Described, { people }: SiteContext): JsonObject =>
  present({
    owner: people.owner(row.owner),
    created: row.createdDate,
    modified: row.modifiedDate,
    modifiedBy: row.modifiedByUserName,
    tags: row.tags,
    customProperties: row.customProperties === undefined ? undefined : customPropertyValues(row.customProperties),
  });
