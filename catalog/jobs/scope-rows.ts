import type { Fragment, Transaction } from '#catalog/store/sql.ts';
import type { DeletionPolicy } from '#protocol/job-options.ts';
import type { AttemptRef } from './attempt-ref.ts';
import { NAMED_CHANGES, type Named, NOTHING, type Written } from './difference.ts';
import { SPARSE_HASH_BYTES, type StagedRow } from './record.ts';
import type { PutScope } from './scope-facts.ts';
import { incoming } from './staged-rows.ts';

/**
 * Writes the assets, edges and pictures that came and removes what did not come into complete scopes. A scope that is new has
 * nothing to compare with: its rows are only put in, which is much less work.
 */
export const writeRows = async (
  tx: Transaction,
  ref: AttemptRef,
  publisher: string,
  scopes: readonly PutScope[],
  rows: readonly StagedRow[],
  policy: DeletionPolicy,
): Promise<Written[]> => {
  // What an unchanged scope sends besides its outcome counts for nothing.
  const changing = scopes.filter(({ outcome }) => outcome !== 'unchanged');
  const come = (some: readonly PutScope[]): Fragment => {
    const keys = new Set(some.map(({ key }) => key));
    const held = rows.filter(({ scope, t }) => t !== 'listed' && keys.has(scope));
    const staged = some.filter(({ isStaged }) => isStaged).map(({ key }) => key);
    return incoming(tx, ref, publisher, held, staged);
  };
  const first = changing.filter(({ isFirst }) => isFirst);
  const known = changing.filter(({ isFirst }) => !isFirst);
  // Sent one behind the other, not one after the answer to the other.
  const counts = await Promise.all([
    first.length === 0 ? [] : insertRows(tx, ref, first, come(first)),
    known.length === 0 ? [] : replaceRows(tx, ref, known, come(known), policy),
  ]);
  return scopes.map(({ id, key, isFirst }) => {
    const difference = NOTHING();
    for (const { scope, change, n, names } of counts.flat()) {
      if (scope !== id) continue;
      difference[change] = n;
      difference.names[change] = names;
    }
    return { key, isFirst, difference };
  });
};

interface Counts {
  /** Its id. */
  readonly scope: string;
  readonly change: 'added' | 'changed' | 'removed';
  readonly n: number;
  readonly names: Named[];
}

/** Rows that are looked through for those that stay as they are. More than that would not be hashed, but read for each. */
const MOST_COMPARED = 200_000;

const factsOf = (scopes: readonly PutScope[]): string =>
  JSON.stringify(scopes.map(({ id, key, outcome, whole }) => ({ id, key, outcome, whole })));

/**
 * Rows of scopes that were not there before. Their ids are new, so that nothing can stand in the way of their rows; what a
 * key's later line says, counts.
 */
const insertRows = (
  tx: Transaction,
  { organisationId, connection }: AttemptRef,
  scopes: readonly PutScope[],
  come: Fragment,
) => tx<Counts[]>`
    with come as materialized (${come}
    ), put as materialized (
      select * from json_to_recordset(${factsOf(scopes)}::text::json) as r(id bigint, key text)
    ), asset_in as (
      select distinct on (scope, key) * from come where t = 'asset' order by scope, key, line desc
    ), asset_out as (
      insert into asset (organisation_id, key, scope_id, connection, kind, name, sort_name, search_text, parent,
        attributes, hash, first_seen_at, changed_at)
      select ${organisationId}, i.key, p.id, ${connection}, i.kind, i.name, i.sort_name, i.search_text, i.parent,
        case when octet_length(i.hash) = ${SPARSE_HASH_BYTES} then jsonb_strip_nulls(i.attributes) else i.attributes end,
        i.hash, now(), now()
      from asset_in i join put p on p.key = i.scope
      returning scope_id
    ), edge_out as (
      insert into edge (organisation_id, scope_id, connection, kind, from_key, to_key, attributes, hash)
      select ${organisationId}, p.id, ${connection}, i.kind, i.key, i.parent, i.attributes, i.hash
      from (select distinct on (scope, key, kind, parent) * from come where t = 'edge'
        order by scope, key, kind, parent, line desc) i join put p on p.key = i.scope
    ), picture_out as (
      -- One of an asset that is not there has nothing to show.
      insert into picture as v (organisation_id, scope_id, key, source, media_type, content, hash)
      select ${organisationId}, p.id, i.key, i.kind, i.name, i.content, i.hash
      from (select distinct on (scope, key, kind) * from come where t = 'picture' order by scope, key, kind, line desc) i
        join put p on p.key = i.scope
      where (i.scope, i.key) in (select scope, key from asset_in)
      on conflict (organisation_id, key, source) do update set scope_id = excluded.scope_id,
        media_type = excluded.media_type, content = excluded.content, hash = excluded.hash, changed_at = now()
        where v.hash <> excluded.hash
    )
    select scope_id::text as scope, 'added' as change, count(*)::int as n, '[]'::jsonb as names
    from asset_out group by scope_id`;

/**
 * Rows of scopes that were there before: only those whose content changed are written. A key that came twice counts once; the
 * later line wins. A sparse asset adds to what is known of it; what it gives as null is removed.
 *
 * The planner knows nothing of rows that were written a moment ago, and the statement has to be fast all the same:
 * - What is to be removed is found by "not in", which is no join: the rows that came are hashed once. A join became a loop
 *   over all pairs: minutes for 40,000 of them.
 * - So are rows that stay as they are: one that gets as far as "on conflict" is locked, which costs as much as to write it.
 *   There is no harm in a row that is not found here.
 * - A scope's rows are found by an array of ids: a join with the scopes read the rows of all scopes of the organisation.
 * - One row is found by its key: `scope_id + 0` keeps it from reading all rows of the scope for each.
 */
const replaceRows = (
  tx: Transaction,
  { organisationId, connection }: AttemptRef,
  scopes: readonly PutScope[],
  come: Fragment,
  policy: DeletionPolicy,
) => {
  const complete = tx`array(select id from put where outcome = 'complete')`;
  /** The end of an edge with which the edge comes, and the other one. */
  const bringer = tx`case when e.kind in ('owns', 'produces') then e.to_key else e.from_key end`;
  const brought = tx`case when e.kind in ('owns', 'produces') then e.from_key else e.to_key end`;
  return tx<Counts[]>`
    with come as materialized (${come}
    ), put as materialized (
      select * from json_to_recordset(${factsOf(scopes)}::text::json) as r(id bigint, key text, outcome text, whole jsonb)
    ), asset_in as (
      select distinct on (scope, key) * from come where t = 'asset' order by scope, key, line desc
    ), asset_out as (
      insert into asset as a (organisation_id, key, scope_id, connection, kind, name, sort_name, search_text, parent,
        attributes, hash, first_seen_at, changed_at)
      select ${organisationId}, i.key, p.id, ${connection}, i.kind, i.name, i.sort_name, i.search_text, i.parent,
        case when octet_length(i.hash) = ${SPARSE_HASH_BYTES} and not exists (select from asset known
          where known.organisation_id = ${organisationId} and known.key = i.key and known.scope_id + 0 = p.id)
          then jsonb_strip_nulls(i.attributes) else i.attributes end, i.hash, now(), now()
        from asset_in i join put p on p.key = i.scope
        where (i.scope, i.key, i.hash) not in (select p.key, a.key, a.hash from asset a join put p on p.id = a.scope_id
          where a.organisation_id = ${organisationId} and a.scope_id = any(${complete}) and a.gone_at is null
          limit ${MOST_COMPARED})
      on conflict (organisation_id, key, scope_id) do update set connection = excluded.connection,
        kind = excluded.kind, name = excluded.name, sort_name = excluded.sort_name,
        search_text = case when octet_length(excluded.hash) = ${SPARSE_HASH_BYTES} and a.name = excluded.name then a.search_text
          else excluded.search_text end,
        parent = excluded.parent, hash = excluded.hash, changed_at = now(), gone_at = null,
        attributes = case when octet_length(excluded.hash) = ${SPARSE_HASH_BYTES} then jsonb_strip_nulls(a.attributes || excluded.attributes) else excluded.attributes end
        where a.gone_at is not null or case when octet_length(excluded.hash) = ${SPARSE_HASH_BYTES}
          then (a.name, a.parent, a.attributes) is distinct from
            (excluded.name, excluded.parent, jsonb_strip_nulls(a.attributes || excluded.attributes))
          else a.hash <> excluded.hash end
      returning a.scope_id, a.key, a.kind, a.name, case when xmax = 0 then 'added' else 'changed' end as change
    ), named as materialized (
      select p.id, i.scope, i.key from come i join put p on p.key = i.scope
      where i.t = 'gone' and p.outcome = 'updated' and (i.scope, i.key) not in (select scope, key from asset_in)
    ), leaving as (
      select a.scope_id, a.key from asset a join put p on p.id = a.scope_id
      where a.scope_id = any(array(select id from put where outcome = 'complete' or whole <> '[]'))
        and (p.outcome = 'complete' or p.whole ? a.kind)
        and a.organisation_id = ${organisationId} and a.gone_at is null
        and (p.key, a.key) not in (select scope, key from come where t = 'asset')
      union
      select a.scope_id, a.key from named g join asset a on a.organisation_id = ${organisationId}
        and a.scope_id = g.id and a.gone_at is null and (a.key = g.key or starts_with(a.key, g.key || '/'))
    ), asset_gone as (
      delete from asset a using leaving l where ${policy === 'delete'} and a.organisation_id = ${organisationId}
        and a.scope_id + 0 = l.scope_id and a.key = l.key
      returning a.scope_id, a.key, a.kind, a.name, 'removed' as change
    ), asset_flagged as (
      update asset a set gone_at = now() from leaving l where ${policy === 'flag'}
        and a.organisation_id = ${organisationId} and a.scope_id + 0 = l.scope_id and a.key = l.key
      returning a.scope_id, a.key, a.kind, a.name, 'removed' as change
    ), edge_out as (
      insert into edge as e (organisation_id, scope_id, connection, kind, from_key, to_key, attributes, hash)
      select ${organisationId}, p.id, ${connection}, i.kind, i.key, i.parent, i.attributes, i.hash
      from (select distinct on (scope, key, kind, parent) * from come where t = 'edge'
        order by scope, key, kind, parent, line desc) i join put p on p.key = i.scope
      where (i.scope, i.key, i.kind, i.parent, i.hash) not in (
        select p.key, e.from_key, e.kind, e.to_key, e.hash from edge e join put p on p.id = e.scope_id
        where e.organisation_id = ${organisationId} and e.scope_id = any(${complete}) limit ${MOST_COMPARED})
      on conflict (organisation_id, from_key, kind, to_key, scope_id) do update set attributes = excluded.attributes,
        hash = excluded.hash where e.hash <> excluded.hash
    ), brought as (
      -- Assets of partial scopes of which the edges came, too: their kind came whole.
      select p.id, i.key from asset_in i join put p on p.key = i.scope where p.outcome = 'partial' and p.whole ? i.kind
    ), unseen as (
      select a.scope_id, a.key from asset a join put p on p.id = a.scope_id
      where a.scope_id = any(array(select id from put where outcome = 'partial' and whole <> '[]'))
        and a.organisation_id = ${organisationId} and not p.whole ? a.kind
    ), edge_gone as (
      -- Of an asset that is kept by policy the edges are, too. An asset that came brought its own with it: those that lead
      -- from it, whose it is, and what made it. Of a scope that lacks a part, what did not come may be in that part: nothing
      -- is said of edges to what could not be read, and of its lineage only what leads from things whose lineage came goes.
      delete from edge e using put p
      where e.scope_id = any(array(select id from put where outcome in ('complete', 'updated') or whole <> '[]'))
        and e.organisation_id = ${organisationId} and e.scope_id = p.id
        and (p.key, e.from_key, e.kind, e.to_key) not in (select scope, key, kind, parent from come where t = 'edge')
        and case p.outcome when 'complete'
          then ${policy === 'delete'} or (p.key, e.from_key) in (select scope, key from asset_in)
            or (p.key, ${bringer}) in (select scope, key from asset_in)
          else (${policy === 'delete'} and ((p.id, e.from_key) in (select scope_id, key from leaving)
              or (p.id, e.to_key) in (select scope_id, key from leaving)))
            or case p.outcome when 'partial'
              then (p.whole ? e.kind and (p.key, e.kind, e.from_key) in (select scope, kind, key from come where t = 'edge'))
                or ((p.id, ${bringer}) in (select id, key from brought)
                  and (p.id, ${brought}) not in (select scope_id, key from unseen))
              when 'updated' then p.whole ? e.kind or (p.key, ${bringer}) in (select scope, key from asset_in)
                or (${policy === 'delete'} and ((p.key, e.from_key) in (select scope, key from named)
                  or (p.key, e.to_key) in (select scope, key from named))) end end
    ), picture_in as (
      select distinct on (scope, key, kind) * from come where t = 'picture' order by scope, key, kind, line desc
    ), picture_out as (
      -- One of an asset that is not there has nothing to show.
      insert into picture as v (organisation_id, scope_id, key, source, media_type, content, hash)
      select ${organisationId}, p.id, i.key, i.kind, i.name, i.content, i.hash
      from picture_in i join put p on p.key = i.scope
      where (i.scope, i.key) in (select scope, key from asset_in) or (p.outcome <> 'complete' and exists (
        select from asset a where a.organisation_id = ${organisationId} and a.key = i.key and a.scope_id + 0 = p.id))
      on conflict (organisation_id, key, source) do update set scope_id = excluded.scope_id,
        media_type = excluded.media_type, content = excluded.content, hash = excluded.hash, changed_at = now()
        where v.hash <> excluded.hash
    ), picture_gone as (
      -- With real values it was asked for, and stays as long as its sheet.
      delete from picture v using put p where p.outcome = 'complete' and v.source <> 'data'
        and v.organisation_id = ${organisationId} and v.scope_id = p.id
        and v.scope_id = any(${complete})
        and (p.key, v.key, v.source) not in (select scope, key, kind from picture_in)
    )
    select scope_id::text as scope, change, count(*)::int as n,
      to_jsonb((array_agg(jsonb_build_object('key', key, 'kind', kind, 'name', left(name, 300))))[1:${NAMED_CHANGES}]) as names
    from (select * from asset_out union all select * from asset_gone union all select * from asset_flagged) c
    group by scope_id, change`;
};
