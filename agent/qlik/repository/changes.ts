import type { z } from 'zod';
import { Fault } from '#protocol/errors.ts';
import type { RepositoryClient } from './client.ts';
import { countRows, mismatch, TakenRows } from './listing.ts';
import { SURELY_WHOLE, tableIds } from './table.ts';

/** What is known of the rows of an entity. */
export interface KnownRows {
  readonly size: number;
  has(id: string): boolean;
  keys(): Iterable<string>;
}

export interface ChangesOptions {
  readonly known: KnownRows;
  /** Rows that were modified after this moment (ISO 8601) are read. Null: all rows are. */
  readonly since: string | null;
  /** What makes a row count as changed besides its date, as a QRS filter expression. */
  readonly orElse?: string | undefined;
  /** Bounds the entity to these rows, as a QRS filter expression. */
  readonly filter?: string | undefined;
  /** The ids are compared even if the count is as expected: one that came and one that went may hide each other. */
  readonly compareIds: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What became of the rows of an entity since they were known. */
export interface Changes<T> {
  /** Rows that changed or came, and some that were known already: those around the moment asked for. */
  readonly rows: readonly T[];
  /** Ids that are no longer there. */
  readonly gone: readonly string[];
  /** Why this may not be all; then nothing counts as gone. */
  readonly incomplete: Fault | undefined;
}

/** A list that is known to be so short is read as a whole: that is one call, and its count would be another. */
const isShort = (known: KnownRows): boolean => known.size > 0 && known.size < SURELY_WHOLE;

/**
 * What changed of an entity: the rows that were modified since, and by the count whether others came or went. Only when
 * the count is not what these make of it, or when it is asked for, the ids of all rows are compared.
 */
export const listChanges = async <T extends { readonly id: string }>(
  repository: RepositoryClient,
  entity: string,
  schema: z.ZodType<T>,
  { known, since, orElse, filter, compareIds, signal }: ChangesOptions,
): Promise<Changes<T>> => {
  const taken = new TakenRows(entity, schema);
  if (isShort(known)) {
    const came = taken.take(await repository.get(`/${entity}/full`, filter === undefined ? {} : { filter }, signal));
    if (came < SURELY_WHOLE) {
      const gone = [...known.keys()].filter((id) => !taken.rows.has(id));
      return { rows: [...taken.rows.values()], gone: taken.odd ? [] : gone, incomplete: taken.odd };
    }
  }
  const counted = await countRows(repository, entity, { filter, signal });
  const modified = since === null ? undefined : `modifiedDate gt '${since}'`;
  const changed = modified === undefined || orElse === undefined ? modified : `(${modified} or ${orElse})`;
  const both = filter === undefined || changed === undefined ? (changed ?? filter) : `(${filter}) and ${changed}`;
  const came = taken.take(await repository.get(`/${entity}/full`, both === undefined ? {} : { filter: both }, signal));
  if (came >= SURELY_WHOLE && came < counted) {
    // It may have been cut off; as many rows as there are at all were not.
    const ofThese = await countRows(repository, entity, { filter: both, signal });
    if (came < ofThese) {
      const ids = await tableIds(repository, entity, { filter: both, signal });
      await taken.byIds(
        repository,
        ids.filter((id) => !taken.rows.has(id)),
        signal,
      );
      const cutOff = mismatch(entity, taken.rows.size, ofThese);
      if (cutOff) return { rows: [...taken.rows.values()], gone: [], incomplete: taken.odd ?? cutOff };
    }
  }
  const fresh = [...taken.rows.keys()].filter((id) => !known.has(id)).length;
  if (known.size + fresh === counted && !compareIds && taken.odd === undefined)
    return { rows: [...taken.rows.values()], gone: [], incomplete: undefined };
  return await compared(repository, entity, taken, { known, filter, signal });
};

/** Compares the ids of all rows with those that are known and were taken. */
const compared = async <T extends { readonly id: string }>(
  repository: RepositoryClient,
  entity: string,
  taken: TakenRows<T>,
  { known, filter, signal }: Pick<ChangesOptions, 'known' | 'filter' | 'signal'>,
): Promise<Changes<T>> => {
  let wrong: Fault | undefined;
  for (let round = 0; round < 2; round++) {
    const ids = new Set(await tableIds(repository, entity, { filter, signal }));
    const counted = await countRows(repository, entity, { filter, signal });
    wrong =
      ids.size === counted ? undefined : mismatch(entity, Math.min(ids.size, counted), Math.max(ids.size, counted));
    if (wrong) continue;
    await taken.byIds(
      repository,
      [...ids].filter((id) => !known.has(id) && !taken.rows.has(id)),
      signal,
    );
    if (taken.odd) break;
    return {
      rows: [...taken.rows.values()].filter(({ id }) => ids.has(id)),
      gone: [...known.keys()].filter((id) => !ids.has(id)),
      incomplete: undefined,
    };
  }
  const incomplete =
    taken.odd ?? wrong ?? new Fault('qlik.count_mismatch', `/qrs/${entity} changes while it is listed`);
  return { rows: [...taken.rows.values()], gone: [], incomplete };
};
