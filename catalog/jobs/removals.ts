import type { Transaction } from '#catalog/store/sql.ts';
import type { DeletionPolicy } from '#protocol/job-options.ts';
import type { AttemptRef } from './attempt-ref.ts';
import { deletionPolicy } from './deletion.ts';
import { type Difference, NAMED_CHANGES, type Named, NOTHING } from './difference.ts';
import { LISTS_APPS, notePublished } from './published-scopes.ts';

const NOT_LISTED = {
  code: 'not_listed',
  message: 'The site, or the filter of the connection, does not have it any more.',
};

/** Removes a scope with all that it holds, or marks it, or keeps it as it is. What was marked before stays as it was. */
export const removeScope = async (
  tx: Transaction,
  ref: AttemptRef,
  key: string,
  policy: DeletionPolicy,
): Promise<Difference> => {
  const { organisationId, connection } = ref;
  const result = NOTHING();
  const [removed] = await tx<{ n: number; names: Named[] | null }[]>`
    select count(*)::int as n, to_jsonb((array_agg(jsonb_build_object('key', a.key, 'kind', a.kind, 'name', left(a.name, 300))
      order by a.key))[1:${NAMED_CHANGES}]) as names
    from asset a join scope s on s.organisation_id = a.organisation_id and s.id = a.scope_id
    where s.organisation_id = ${organisationId} and s.connection = ${connection} and s.key = ${key}
      and a.gone_at is null and s.gone_at is null`;
  if (policy === 'delete')
    await tx`delete from scope
      where organisation_id = ${organisationId} and connection = ${connection} and key = ${key}`;
  else
    await tx`with left_site as (
        update scope set gone_at = now(), outcome = 'gone', looked_at = now()
        where organisation_id = ${organisationId} and connection = ${connection} and key = ${key} and gone_at is null
        returning id
      ) update asset a set gone_at = now() from left_site s
      where ${policy === 'flag'} and a.organisation_id = ${organisationId} and a.scope_id = s.id and a.gone_at is null`;
  // What nobody sees go did not go.
  if (policy === 'keep') return result;
  result.removed = removed?.n ?? 0;
  result.names.removed = removed?.names ?? [];
  return result;
};

/**
 * Removes the apps that the site's whole list of apps does not name, as the connection's policy says. Without a whole list
 * in this attempt nothing is removed.
 */
export const removeUnlisted = async (tx: Transaction, ref: AttemptRef): Promise<void> => {
  const { organisationId, jobId, attempt, connection } = ref;
  const [listed] = await tx`select from published_scope where organisation_id = ${organisationId}
    and job_id = ${jobId} and attempt = ${attempt} and kind = 'site'
    and (outcome = any(${tx.array([...LISTS_APPS])}::text[]) or lists_apps)`;
  if (!listed) return;
  const policy = await deletionPolicy(tx, ref);
  const gone = await tx<{ key: string; name: string }[]>`
    select key, name from scope where organisation_id = ${organisationId} and connection = ${connection}
      and kind = 'app' and gone_at is null and listed_by is distinct from ${`${jobId}/${attempt}`} order by key`;
  for (const { key, name } of gone) {
    const written = { key, isFirst: false, difference: await removeScope(tx, ref, key, policy) };
    const facts = { records: 0, missing: [], error: undefined, reason: NOT_LISTED };
    const scope = { key, kind: 'app', name, outcome: 'gone', ...facts } as const;
    await notePublished(tx, ref, [{ ...scope, written }]);
  }
};
