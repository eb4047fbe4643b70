import type { z } from 'zod';
import { Fault } from '#protocol/errors.ts';
import type { RepositoryClient } from './client.ts';

/** All rows of one entity, and whether they are all. */
export interface Listing<T> {
  readonly rows: readonly T[];
  /** What QRS counted last. */
  readonly counted: number;
  /** Why the rows may not be all; undefined when they are. Nothing may be deleted on a listing that has a reason here. */
  readonly incomplete: Fault | undefined;
}

export interface ListingOptions {
  /** A QRS filter expression. */
  readonly filter?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Up to so many rows come in one answer: some megabytes at most. */
const FULL_ROWS = 2_000;
const TABLE_ROWS = 1_000;
/** Ten times what the largest sites have: a server that goes on beyond makes ids up. */
const MOST_IDS = 1_000_000;
/** 40 characters an id: keeps the address under 4 KiB, and each answer under the smallest cap that was seen (100 rows). */
const SLICE_IDS = 50;

/**
 * Every row of an entity (`app`, `stream`, …), de-duplicated by id, compared with QRS's own count (taken before, and again
 * when the two differ). Some
 * sites cut `/full` off at a limit; where it returns fewer rows than were counted, or there are many, the ids are paged
 * through `/table`, sorted, and the rows fetched by id. A site that changes meanwhile is listed once more; what still
 * disagrees is `qlik.count_mismatch`. A row that is not what QRS sends is left out and makes the listing incomplete.
 */
export const list = async <T extends { readonly id: string }>(
  repository: RepositoryClient,
  entity: string,
  schema: z.ZodType<T>,
  options: ListingOptions = {},
): Promise<Listing<T>> => {
  let result: Listing<T> | undefined;
  for (
    let round = 0;
    round < 2 && (result === undefined || result.incomplete?.code === 'qlik.count_mismatch');
    round++
  ) {
    result = await listOnce(repository, entity, schema, options);
  }
  return result as Listing<T>;
};

const listOnce = async <T extends { readonly id: string }>(
  repository: RepositoryClient,
  entity: string,
  schema: z.ZodType<T>,
  { filter, signal }: ListingOptions,
): Promise<Listing<T>> => {
  const filtered = filter === undefined ? {} : { filter };
  const rows = new Map<string, T>();
  let odd: string | undefined;
  const take = (answer: unknown): void => {
    if (!Array.isArray(answer)) throw new Fault('qlik.protocol', `/qrs/${entity}/full did not answer with a list`);
    for (const row of answer) {
      const parsed = schema.safeParse(row);
      if (parsed.success) rows.set(parsed.data.id, parsed.data);
      else odd ??= `${parsed.error.issues[0]?.path.join('.') ?? ''}: ${parsed.error.issues[0]?.message ?? ''}`;
    }
  };
  const count = async (): Promise<number> =>
    countOf(await repository.get(`/${entity}/count`, filtered, signal), entity);

  let counted = await count();
  const seenOdd = (): number => (odd === undefined ? 0 : 1);
  if (counted <= FULL_ROWS) take(await repository.get(`/${entity}/full`, filtered, signal));
  if (rows.size + seenOdd() < counted) {
    const ids = (await tableIds(repository, entity, filter, signal)).filter((id) => !rows.has(id));
    for (let from = 0; from < ids.length; from += SLICE_IDS) {
      const slice = ids.slice(from, from + SLICE_IDS).map((id) => `id eq ${id}`);
      take(await repository.get(`/${entity}/full`, { filter: slice.join(' or ') }, signal));
    }
  }
  // Recounting costs a call; a listing that agrees with a count taken just before needs it only when it took long.
  if (rows.size !== counted) counted = await count();
  return { rows: [...rows.values()], counted, incomplete: verdict(entity, rows.size, counted, odd) };
};

const verdict = (entity: string, got: number, counted: number, odd: string | undefined): Fault | undefined => {
  if (odd !== undefined) return new Fault('qlik.protocol', `/qrs/${entity}: a row is not what QRS sends (${odd})`);
  if (got >= counted) return undefined;
  return new Fault('qlik.count_mismatch', `/qrs/${entity}: ${counted} were counted, but only ${got} came`);
};

/**
 * What a call of `/count` answered: `{"value": n}`, or the plain number that the documentation shows; undefined for
 * anything else.
 */
export const countIn = (answer: unknown): number | undefined => {
  const value = typeof answer === 'object' && answer !== null && 'value' in answer ? answer.value : answer;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
};

const countOf = (answer: unknown, entity: string): number => {
  const value = countIn(answer);
  if (value !== undefined) return value;
  throw new Fault('qlik.protocol', `/qrs/${entity}/count did not answer with a number`);
};

/** The ids of all rows. Sorted by id, since offset paging is no snapshot; repeats are dropped. */
const tableIds = async (
  repository: RepositoryClient,
  entity: string,
  filter: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string[]> => {
  const ids = new Set<string>();
  for (let skip = 0; ; ) {
    const answer = await repository.post(
      `/${entity}/table`,
      {
        ...(filter === undefined ? {} : { filter }),
        skip: String(skip),
        take: String(TABLE_ROWS),
        sortColumn: 'id',
        orderAscending: 'true',
      },
      { entity: entityName(entity), columns: [{ name: 'id', columnType: 'Property', definition: 'id' }] },
      signal,
    );
    const rows = rowsOf(answer, entity);
    const known = ids.size;
    for (const id of rows) ids.add(id);
    if (ids.size > MOST_IDS)
      throw new Fault('qlik.protocol', `/qrs/${entity}/table: more than ${MOST_IDS} ids came, and no end`);
    // The end, or a server that repeats itself. A short page is not the end: a cap may be below what was asked for.
    if (ids.size === known) return [...ids];
    skip += rows.length;
  }
};

const rowsOf = (answer: unknown, entity: string): string[] => {
  const rows = typeof answer === 'object' && answer !== null && 'rows' in answer ? answer.rows : undefined;
  if (!Array.isArray(rows)) throw new Fault('qlik.protocol', `/qrs/${entity}/table did not answer with rows`);
  return rows.map((row: unknown) => String(Array.isArray(row) ? row[0] : row));
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
