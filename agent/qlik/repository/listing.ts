import type { z } from 'zod';
import { Fault } from '#protocol/errors.ts';
import type { RepositoryClient } from './client.ts';
import { tableIds } from './table.ts';

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
  readonly filter?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** See {@link TableOptions}. */
  readonly mostIds?: number | undefined;
}

/** Up to so many rows come in one answer: some megabytes at most. */
const FULL_ROWS = 2_000;
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
  { filter, signal, mostIds }: ListingOptions,
): Promise<Listing<T>> => {
  const filtered = filter === undefined ? {} : { filter };
  const taken = new TakenRows(entity, schema);
  const { rows } = taken;
  const count = (): Promise<number> => countRows(repository, entity, { filter, signal });

  let counted = await count();
  const seenOdd = (): number => (taken.odd === undefined ? 0 : 1);
  if (counted <= FULL_ROWS) taken.take(await repository.get(`/${entity}/full`, filtered, signal));
  if (rows.size + seenOdd() < counted) {
    const ids = await tableIds(repository, entity, { filter, signal, mostIds });
    await taken.byIds(
      repository,
      ids.filter((id) => !rows.has(id)),
      signal,
    );
  }
  // Recounting costs a call; a listing that agrees with a count taken just before needs it only when it took long.
  if (rows.size !== counted) counted = await count();
  return { rows: [...rows.values()], counted, incomplete: taken.odd ?? mismatch(entity, rows.size, counted) };
};

/** Rows of an entity as answers bring them, each once by its id. */
export class TakenRows<T extends { readonly id: string }> {
  readonly rows = new Map<string, T>();
  /** A row that is not what QRS sends was left out. */
  odd: Fault | undefined;
  readonly #entity: string;
  readonly #schema: z.ZodType<T>;

  constructor(entity: string, schema: z.ZodType<T>) {
    this.#entity = entity;
    this.#schema = schema;
  }

  /** Takes the rows of an answer of `/full`; how many it had. Throws a {@link Fault} for what is no list. */
  take(answer: unknown): number {
    const entity = this.#entity;
    if (!Array.isArray(answer)) throw new Fault('qlik.protocol', `/qrs/${entity}/full did not answer with a list`);
    for (const row of answer) {
      const parsed = this.#schema.safeParse(row);
      if (parsed.success) this.rows.set(parsed.data.id, parsed.data);
      else {
        const [issue] = parsed.error.issues;
        const what = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
        this.odd ??= new Fault('qlik.protocol', `/qrs/${entity}: a row is not what QRS sends (${what})`);
      }
    }
    return answer.length;
  }

  /** Fetches rows by their ids, some at a time. */
  async byIds(repository: RepositoryClient, ids: readonly string[], signal?: AbortSignal): Promise<void> {
    for (let from = 0; from < ids.length; from += SLICE_IDS) {
      const slice = ids.slice(from, from + SLICE_IDS).map((id) => `id eq ${id}`);
      this.take(await repository.get(`/${this.#entity}/full`, { filter: slice.join(' or ') }, signal));
    }
  }
}

/** What QRS counts of an entity. */
export const countRows = async (
  repository: RepositoryClient,
  entity: string,
  { filter, signal }: ListingOptions = {},
): Promise<number> =>
  countOf(await repository.get(`/${entity}/count`, filter === undefined ? {} : { filter }, signal), entity);

/** Why fewer rows than were counted are not all. */
export const mismatch = (entity: string, got: number, counted: number): Fault | undefined =>
  got >= counted
    ? undefined
    : new Fault('qlik.count_mismatch', `/qrs/${entity}: ${counted} were counted, but only ${got} came`);

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
