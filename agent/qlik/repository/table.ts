import { Fault } from '#protocol/errors.ts';
import type { RepositoryClient } from './client.ts';

/** Rows that are asked for at once. */
export const TABLE_ROWS = 1_000;
/** Below the smallest cap that was seen (100 rows): an answer with fewer was not cut off. */
export const SURELY_WHOLE = 100;
/** Ten times what the largest sites have: a server that goes on beyond makes rows up. */
const MOST_ROWS = 5_000_000;
const MOST_IDS = 1_000_000;

export interface TableOptions {
  /** A QRS filter expression. */
  readonly filter?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** So many ids are believed; by default ten times what the largest sites have of anything but objects. */
  readonly mostIds?: number | undefined;
}

/**
 * Chosen properties of all rows of an entity, a page at a time, each row once; the first property is the id. Sorted by id,
 * since offset paging is no snapshot: what shifts from one page to the next comes twice and is dropped. Nothing but the
 * ids of two pages stays in memory. A row that moves the other way is missed: compare with a count.
 */
export async function* tableRows(
  repository: RepositoryClient,
  entity: string,
  properties: readonly [id: 'id', ...more: string[]],
  { filter, signal }: TableOptions = {},
): AsyncGenerator<readonly unknown[][]> {
  let before: ReadonlySet<string> = new Set();
  for (let skip = 0; skip <= MOST_ROWS; ) {
    const rows = await tablePage(repository, entity, properties, { filter, skip, sortColumn: 'id', signal });
    const seen = new Set<string>();
    const fresh = rows.filter(([id]) => {
      const text = String(id);
      const isFresh = !before.has(text) && !seen.has(text);
      seen.add(text);
      return isFresh;
    });
    // The end, or a server that repeats itself. A short page is not the end: a cap may be below what was asked for.
    if (fresh.length === 0) return;
    yield fresh;
    if (rows.length < SURELY_WHOLE) return;
    before = seen;
    skip += rows.length;
  }
  throw new Fault('qlik.protocol', `/qrs/${entity}/table: more than ${MOST_ROWS} rows came, and no end`);
}

/** One page of chosen properties of the rows of an entity, by default from the least to the greatest. */
export const tablePage = async (
  repository: RepositoryClient,
  entity: string,
  properties: readonly string[],
  page: TableOptions & { readonly sortColumn: string; readonly skip?: number; readonly descending?: boolean },
): Promise<unknown[][]> => {
  const { filter, sortColumn, skip = 0, descending = false, signal } = page;
  const columns = properties.map((definition) => ({
    // Names of columns are without blanks and dots.
    name: definition.replaceAll('.', '_'),
    columnType: 'Property',
    definition,
  }));
  const answer = await repository.post(
    `/${entity}/table`,
    {
      ...(filter === undefined ? {} : { filter }),
      skip: String(skip),
      take: String(TABLE_ROWS),
      sortColumn,
      orderAscending: String(!descending),
    },
    { entity: entityName(entity), columns },
    signal,
  );
  return rowsOf(answer, entity);
};

/** The ids of all rows, each once. */
export const tableIds = async (
  repository: RepositoryClient,
  entity: string,
  options: TableOptions = {},
): Promise<string[]> => {
  const ids = new Set<string>();
  const { mostIds = MOST_IDS } = options;
  for await (const page of tableRows(repository, entity, ['id'], options)) {
    const known = ids.size;
    for (const [id] of page) ids.add(String(id));
    if (ids.size === known) break;
    if (ids.size > mostIds)
      throw new Fault('qlik.protocol', `/qrs/${entity}/table: more than ${mostIds} ids came, and no end`);
  }
  return [...ids];
};

const rowsOf = (answer: unknown, entity: string): unknown[][] => {
  const rows = typeof answer === 'object' && answer !== null && 'rows' in answer ? answer.rows : undefined;
  if (!Array.isArray(rows)) throw new Fault('qlik.protocol', `/qrs/${entity}/table did not answer with rows`);
  return rows.map((row: unknown) => (Array.isArray(row) ? row : [row]));
};

const ENTITY_NAMES: Readonly<Record<string, string>> = {
  app: 'App',
  'app/object': 'App.Object',
  stream: 'Stream',
  user: 'User',
  tag: 'Tag',
  custompropertydefinition: 'CustomPropertyDefinition',
  dataconnection: 'DataConnection',
  reloadtask: 'ReloadTask',
  extension: 'Extension',
};
const entityName = (entity: string): string => ENTITY_NAMES[entity] ?? entity;
