import type { Transaction } from '#catalog/store/sql.ts';
import { storable } from '#catalog/store/storable.ts';
import type { AttemptRef } from './attempt-ref.ts';
import type { EndedScope } from './ended-scope.ts';

/** A scope whose own row stands: its rows can be written. */
export interface PutScope extends EndedScope {
  readonly id: string;
  /** It was not there before, so it has no rows either. */
  readonly isFirst: boolean;
}

/** What is noted in each app that a list of all apps names. */
export const listingOf = ({ jobId, attempt }: AttemptRef): string => `${jobId}/${attempt}`;

/**
 * Writes the row of each scope, without its assets and edges. From then on until the end of the transaction nobody else
 * writes anything of these scopes.
 */
export const putScopes = async (
  tx: Transaction,
  ref: AttemptRef,
  scopes: readonly EndedScope[],
): Promise<PutScope[]> => {
  const facts = scopes.map(({ key, kind, name, outcome, missing, error, reason }) => ({
    ...{ key, kind, name, outcome, missing: storable(missing), error: storable(error), reason: storable(reason) },
  }));
  // What did not change keeps what its last reading found, and why.
  const found = await tx<{ id: string; key: string; isFirst: boolean }[]>`
    insert into scope as s (organisation_id, connection, key, kind, name, outcome, listed_by, published_at, missing,
      error, reason, looked_at)
    select ${ref.organisationId}, ${ref.connection}, key, kind, name, outcome, ${listingOf(ref)}, now(),
      coalesce(missing, '[]'), error, reason, now()
    from json_to_recordset(${JSON.stringify(facts)}::text::json) as r(key text, kind text, name text, outcome text,
      missing jsonb, error jsonb, reason jsonb)
    on conflict (organisation_id, key) do update set name = excluded.name, kind = excluded.kind,
      outcome = case when excluded.outcome = 'unchanged' then s.outcome else excluded.outcome end,
      missing = case when excluded.outcome = 'unchanged' then s.missing else excluded.missing end,
      error = case when excluded.outcome = 'unchanged' then s.error else excluded.error end,
      published_at = case when excluded.outcome = 'unchanged' then s.published_at else excluded.published_at end,
      listed_by = excluded.listed_by, reason = excluded.reason, looked_at = excluded.looked_at, gone_at = null
      where s.connection = excluded.connection
    returning s.id::text as id, s.key, xmax = 0 as "isFirst"`;
  const byKey = new Map(found.map((one) => [one.key, one]));
  return scopes.map((scope) => {
    const one = byKey.get(scope.key);
    if (!one) throw new Error(`the scope ${scope.key} belongs to another connection`);
    return { ...scope, id: one.id, isFirst: one.isFirst };
  });
};
