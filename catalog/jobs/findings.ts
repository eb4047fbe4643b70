import type { FindingCode } from '#catalog/store/finding-codes.ts';
import type { Fragment, Queries, Transaction } from '#catalog/store/sql.ts';
import type { AttemptRef } from './attempt-ref.ts';

/** Of a connection, in the job that judges; none when it is judged outside of a crawl. */
export type Judged = Pick<AttemptRef, 'organisationId' | 'connection'> & { readonly jobId?: string };

/** Of a text that strangers wrote a finding keeps so many characters. */
export const MOST_CHARACTERS = 300;
/** Of a list so many members; the counts beside it are whole. */
export const MOST_MEMBERS = 20;

/** The members of an attribute that should be a list. */
export const listOf = (sql: Queries, attributes: Fragment, name: string): Fragment =>
  sql`case when jsonb_typeof(${attributes} -> ${name}::text) = 'array' then ${attributes} -> ${name}::text else '[]' end`;

/**
 * Puts what was found in the place of what the same question found before: what is still there keeps the time of its first
 * sight, what is not there any more goes.
 *
 * @param found rows (scope_id, code, key, detail, apps, facts), each (scope_id, code, key, detail) once
 * @param asked which findings the question was about, as a condition on `f`
 */
export const putFindings = async (
  tx: Transaction,
  { organisationId, connection, jobId }: Judged,
  found: Fragment,
  asked: Fragment,
): Promise<void> => {
  // "Not in" and no join: the planner knows nothing of rows that were written a moment ago, and "not in" hashes them once.
  await tx`with found as materialized (${found}
    ), put as (
      insert into finding as f (organisation_id, connection, scope_id, code, key, detail, apps, facts, first_seen_at, first_job)
      select ${organisationId}, ${connection}, scope_id, code, key, detail, apps, facts, now(),
        case when exists (select from job j where j.organisation_id = ${organisationId} and j.connection = ${connection}
          and j.kind = 'crawl' and j.state = 'published' and j.id <> ${jobId ?? ''}) then ${jobId ?? null}::text end
      from found
      on conflict (organisation_id, scope_id, code, key, detail) do update set apps = excluded.apps, facts = excluded.facts
        where (f.apps, f.facts) is distinct from (excluded.apps, excluded.facts)
    )
    delete from finding f where f.organisation_id = ${organisationId} and ${asked}
      and (f.scope_id, f.code, f.key, f.detail) not in (select scope_id, code, key, detail from found)`;
};

const OF_APPS: readonly FindingCode[] = ['master_item.unused', 'field.missing', 'owner.none', 'credential.in_clear'];

/**
 * Judges apps by what was just published of them: master items that nothing uses, fields that are not there, what has no
 * owner, credentials. Of an app that was read in part only, what uses a master item may be what was not read: nothing is
 * called unused then that was not before.
 *
 * @param scopes keys of the apps' scopes
 */
export const judgeApps = async (tx: Transaction, judged: Judged, scopes: readonly string[]): Promise<void> => {
  if (scopes.length === 0) return;
  const { organisationId, connection } = judged;
  // An array: a join with the scopes read what is known of all scopes of the organisation.
  const touched = tx`array(select s.id from scope s where s.organisation_id = ${organisationId}
    and s.connection = ${connection} and s.kind = 'app' and s.key = any(${tx.array([...scopes])}::text[]))`;
  const attributes = tx`k.attributes`;
  const found = tx`
    with known as materialized (
      select a.scope_id, a.key, a.kind, a.name, a.attributes from asset a
      where a.organisation_id = ${organisationId} and a.scope_id = any(${touched}) and a.gone_at is null
        and (a.kind in ('app', 'sheet', 'masterDimension', 'masterMeasure', 'masterVisualization')
          -- Most of what an app has is of these kinds, and little of that is of interest here.
          or a.kind in ('chart', 'chartDimension', 'chartMeasure', 'variable', 'scriptSection')
            and a.attributes ?| array['missingFields', 'credentials'])
    ), unnamed as materialized (
      -- Only when all of the expression is understood: what an expansion gives, the engine alone knows.
      select k.scope_id, k.key, m.name, m.at from known k,
        jsonb_array_elements_text(${listOf(tx, attributes, 'missingFields')}) with ordinality m(name, at)
      where m.name is not null and k.attributes ? 'missingFields' and not k.attributes ? 'unresolved'
    ), unfound as materialized (
      -- A master dimension is no field, but somebody who names one means it.
      select * from unnamed u where (u.scope_id, u.name) not in
        (select scope_id, name from known where kind = 'masterDimension')
    ), used as materialized (
      select e.to_key from edge e where e.organisation_id = ${organisationId} and e.kind = 'uses'
        and e.scope_id = any(${touched})
        and e.from_key not in (select a.key from asset a where a.organisation_id = ${organisationId}
          and a.scope_id = any(${touched}) and a.gone_at is not null)
    )
    select k.scope_id, 'master_item.unused' as code, k.key, '' as detail, null::bigint[] as apps, '{}'::jsonb as facts
    from known k join scope s on s.organisation_id = ${organisationId} and s.id = k.scope_id
    where k.kind in ('masterDimension', 'masterMeasure', 'masterVisualization')
      and k.key not in (select to_key from used)
      and (k.scope_id, k.name) not in (select scope_id, name from unnamed)
      and (s.outcome in ('complete', 'updated', 'unchanged') or exists (select from finding f
        where f.organisation_id = ${organisationId} and f.scope_id = k.scope_id and f.code = 'master_item.unused' and f.key = k.key))
    union all
    select scope_id, 'field.missing', key, '', null, jsonb_build_object('count', count(*),
      'fields', to_jsonb((array_agg(left(name, ${MOST_CHARACTERS}) order by at))[1:${MOST_MEMBERS}]))
    from unfound group by scope_id, key
    union all
    select k.scope_id, 'owner.none', k.key, '', null, '{}' from known k
    where k.kind in ('app', 'sheet') and jsonb_typeof(k.attributes -> 'owner') is distinct from 'object'
    union all
    select k.scope_id, 'credential.in_clear', k.key, '', null, jsonb_strip_nulls(jsonb_build_object(
      'count', count(*), 'from', min(k.attributes ->> 'line'), 'path', left(min(k.attributes ->> 'path'), ${MOST_CHARACTERS}),
      'places', to_jsonb((array_agg(jsonb_build_object('line', c.place -> 'line', 'kind', c.place -> 'kind')
        order by c.at))[1:${MOST_MEMBERS}])))
    from known k, jsonb_array_elements(${listOf(tx, attributes, 'credentials')}) with ordinality c(place, at)
    where k.kind in ('scriptSection', 'variable') and k.attributes ? 'credentials' group by k.scope_id, k.key`;
  await putFindings(
    tx,
    judged,
    found,
    tx`f.scope_id = any(${touched}) and f.code = any(${tx.array([...OF_APPS])}::text[])`,
  );
};
