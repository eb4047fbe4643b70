import type { Transaction } from '#catalog/store/sql.ts';
import { storable } from '#catalog/store/storable.ts';
import type { ErrorInfo } from '#protocol/errors.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import type { DeletionPolicy } from '#protocol/job-options.ts';
import type { AssetKind, Missing, Outcome, Reason } from '#protocol/records.ts';
import { deletionPolicy } from './deletion.ts';
import { judgeApps } from './findings.ts';
import { listsApps, notePublished } from './published-scopes.ts';
import { SPARSE_HASH_BYTES, type StagedRow } from './record.ts';
import { removeScope } from './removals.ts';
import { dropStaged, incoming } from './staged-rows.ts';

/** The attempt whose stream is published. */
export interface AttemptRef {
  readonly organisationId: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly leaseToken: string;
  readonly connection: string;
  /** Of the job: it says which records may come. */
  readonly kind: string;
}

/** A scope whose outcome came. */
export interface EndedScope {
  readonly key: string;
  readonly kind: 'site' | 'app';
  readonly name: string;
  readonly outcome: Outcome;
  readonly records: number;
  readonly missing: readonly Missing[];
  readonly error: ErrorInfo | undefined;
  /** Why it was read, or why not. */
  readonly reason: Reason | undefined;
  /** Of the site's scope: the state that the agent keeps of this crawl. */
  readonly checkpoint: string | undefined;
  /** Of a site's scope that is partial: the kinds of which all came. */
  readonly whole: readonly AssetKind[];
  /** Why nothing of it may be published: it does not agree with its own counts, or held bad records. */
  readonly refused: ErrorInfo | undefined;
  /** Some of its rows were staged before: it began earlier than those at hand. */
  readonly isStaged: boolean;
}

/** Changed things that the history of a publish names; the numbers are always whole. */
export const NAMED_CHANGES = 200;

/**
 * Holds the attempt while it is still the one that may publish; false when the job went to another or has ended. Whatever
 * ends an attempt locks its job first, so the shared lock on the job is the fence; the attempt's own row stays free, or
 * every acknowledgement of a batch would wait for the publishing of the one before.
 */
export const holdAttempt = async (tx: Transaction, ref: AttemptRef): Promise<boolean> => {
  // A statement of its own: the one that waited for the job would see the attempt as it was before it waited.
  const job = tx`select from job where organisation_id = ${ref.organisationId} and id = ${ref.jobId} for share`;
  const attempt = tx`select from attempt a
    join job j on j.organisation_id = a.organisation_id and j.id = a.job_id and j.attempt = a.attempt
    where a.organisation_id = ${ref.organisationId} and a.job_id = ${ref.jobId} and a.attempt = ${ref.attempt}
      and a.lease_token = ${ref.leaseToken} and a.state = 'active' for key share of a`;
  // One behind the other, not one after the answer to the other.
  const [, rows] = await Promise.all([job, attempt]);
  return rows.length > 0;
};

export interface Named {
  readonly key: string;
  readonly kind: string;
  readonly name: string;
}

export interface Difference {
  added: number;
  changed: number;
  removed: number;
  names: { added: Named[]; changed: Named[]; removed: Named[] };
}

export const NOTHING = (): Difference => ({
  added: 0,
  changed: 0,
  removed: 0,
  names: { added: [], changed: [], removed: [] },
});

/** What the store did with one scope of a group. */
export interface Written {
  readonly key: string;
  readonly isFirst: boolean;
  readonly difference: Difference;
}

/**
 * Publishes scopes that ended: replaces, updates or removes the rows of each by its outcome, notes what that changed and marks
 * it as published in this attempt. Only rows whose content changed are written. A scope that this attempt published before
 * is passed over. All that ended together go in a few statements, since most scopes are small and each statement costs a
 * round trip.
 *
 * @param rows of these scopes; those of `isStaged` scopes lie in `staged_record`, too
 * @returns `lost` when the attempt may not publish any more; nothing is changed then
 */
export const publishScopes = async (
  tx: Transaction,
  ref: AttemptRef,
  publisher: string,
  ended: readonly EndedScope[],
  rows: readonly StagedRow[],
): Promise<'published' | 'lost'> => {
  const { organisationId, jobId, attempt } = ref;
  if (!(await holdAttempt(tx, ref))) return 'lost';
  const before = await tx<
    { scope: string }[]
  >`select scope from published_scope where organisation_id = ${organisationId}
    and job_id = ${jobId} and attempt = ${attempt} and scope = any(${tx.array(ended.map(({ key }) => key))}::text[])`;
  const scopes = ended.filter(({ key }) => !before.some(({ scope }) => scope === key));
  await checkStaged(tx, ref, publisher, scopes, rows);
  const policy = await deletionPolicy(tx, ref);
  const kept = scopes.filter(({ refused, outcome }) => !refused && outcome !== 'gone');
  const written = new Map<string, Written>();
  for (const one of kept.length === 0 ? [] : await writeScopes(tx, ref, publisher, kept, rows, policy))
    written.set(one.key, one);
  for (const { key, refused, outcome } of scopes)
    if (!refused && outcome === 'gone')
      written.set(key, { key, isFirst: false, difference: await removeScope(tx, ref, key, policy) });
  const refusals = scopes.filter(({ refused }) => refused).length;
  const site = kept.find(listsApps);
  const checkpoint = kept.find(({ kind }) => kind === 'site')?.checkpoint;
  const done: Promise<unknown>[] = [
    notePublished(
      tx,
      ref,
      scopes.map((scope) => ({ ...scope, written: written.get(scope.key) })),
    ),
  ];
  if (refusals > 0)
    done.push(
      tx`update attempt set refused_scopes = refused_scopes + ${refusals}
      where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`.execute(),
    );
  if (checkpoint !== undefined)
    done.push(
      tx`update attempt set checkpoint = ${checkpoint}
      where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`.execute(),
    );
  if (kept.length > 0) done.push(countAssets(tx, ref, [...written.values()], policy));
  if (site) done.push(markListed(tx, ref, publisher, site, rows));
  const touched = kept.filter(({ kind, outcome }) => kind === 'app' && outcome !== 'unchanged').map(({ key }) => key);
  done.push(judgeApps(tx, ref, touched));
  const stagedScopes = ended.filter(({ isStaged }) => isStaged).map(({ key }) => key);
  if (stagedScopes.length > 0) done.push(dropStaged(tx, ref, publisher, stagedScopes));
  // Sent one behind the other, not one after the answer to the other.
  await Promise.all(done);
  faultPoint('catalog.scope_rows_written');
  return 'published';
};

/**
 * All that was staged of these scopes while they were open has to be there still. PostgreSQL empties an unlogged table when
 * it recovers from a crash, and a publisher that waited meanwhile saw no error.
 *
 * @throws Error that makes the publisher read the batches again
 */
const checkStaged = async (
  tx: Transaction,
  ref: AttemptRef,
  publisher: string,
  scopes: readonly EndedScope[],
  rows: readonly StagedRow[],
): Promise<void> => {
  const staged = scopes.filter(({ isStaged, refused }) => isStaged && !refused);
  if (staged.length === 0) return;
  const counts = await tx<{ scope: string; n: number }[]>`select scope, count(*)::int as n from staged_record
    where organisation_id = ${ref.organisationId} and publisher = ${publisher}
      and scope = any(${tx.array(staged.map(({ key }) => key))}::text[]) group by scope`;
  for (const { key, records } of staged) {
    const found = counts.find(({ scope }) => scope === key)?.n ?? 0;
    const fresh = rows.reduce((sum, { scope }) => sum + (scope === key ? 1 : 0), 0);
    if (found + fresh !== records)
      throw new Error(`of ${key} ${found + fresh} rows are staged instead of ${records}; the batches are read again`);
  }
};

const listingOf = ({ jobId, attempt }: AttemptRef): string => `${jobId}/${attempt}`;

/** Writes scopes, assets and edges that came and removes what did not come into complete scopes. */
const writeScopes = async (
  tx: Transaction,
  ref: AttemptRef,
  publisher: string,
  scopes: readonly EndedScope[],
  rows: readonly StagedRow[],
  policy: DeletionPolicy,
): Promise<Written[]> => {
  const { organisationId, connection } = ref;
  // A list of its own for each, since what an unchanged scope sends besides its outcome counts for nothing.
  const changing = new Set(scopes.filter(({ outcome }) => outcome !== 'unchanged').map(({ key }) => key));
  const stagedScopes = scopes.filter(({ key, isStaged }) => isStaged && changing.has(key)).map(({ key }) => key);
  const come = rows.filter(({ scope, t }) => t !== 'listed' && changing.has(scope));
  const facts = scopes.map(({ key, kind, name, outcome, missing, error, reason, whole }) => ({
    ...{
      key,
      kind,
      name,
      outcome,
      missing: storable(missing),
      error: storable(error),
      reason: storable(reason),
      whole,
    },
  }));
  // A key that came twice counts once; the later line wins. What a scope had is compared by "not in", which is no join: its
  // rows are hashed once. A join became a loop over all pairs, since the planner knows nothing of rows that were written a
  // moment ago: minutes for 40,000 of them. A scope that was not there before has nothing to remove and no history to tell.
  // A sparse asset adds to what is known of it; what it gives as null is removed.
  const found = await tx<{ key: string; isFirst: boolean; counts: Counts[] | null }[]>`
    with come as materialized (${incoming(tx, ref, publisher, come, stagedScopes)}
    ), fact as materialized (
      select * from json_to_recordset(${JSON.stringify(facts)}::text::json) as r(key text, kind text, name text,
        outcome text, missing jsonb, error jsonb, reason jsonb, whole jsonb)
    ), written as (
      -- What did not change keeps what its last reading found, and why.
      insert into scope as s (organisation_id, connection, key, kind, name, outcome, listed_by, published_at, missing,
        error, reason, looked_at)
      select ${organisationId}, ${connection}, key, kind, name, outcome, ${listingOf(ref)}, now(), coalesce(missing, '[]'),
        error, reason, now() from fact
      on conflict (organisation_id, key) do update set name = excluded.name, kind = excluded.kind,
        outcome = case when excluded.outcome = 'unchanged' then s.outcome else excluded.outcome end,
        missing = case when excluded.outcome = 'unchanged' then s.missing else excluded.missing end,
        error = case when excluded.outcome = 'unchanged' then s.error else excluded.error end,
        published_at = case when excluded.outcome = 'unchanged' then s.published_at else excluded.published_at end,
        listed_by = excluded.listed_by, reason = excluded.reason, looked_at = excluded.looked_at, gone_at = null
        where s.connection = excluded.connection
      returning s.id, s.key, xmax = 0 as is_first
    ), put as materialized (
      select w.id, w.key, w.is_first, f.outcome, f.whole from written w join fact f on f.key = w.key
    ), asset_in as (
      select distinct on (scope, key) * from come where t = 'asset' order by scope, key, line desc
    ), asset_out as (
      insert into asset as a (organisation_id, key, scope_id, connection, kind, name, sort_name, search_text, parent,
        attributes, hash, first_seen_at, changed_at)
      select ${organisationId}, i.key, p.id, ${connection}, i.kind, i.name, i.sort_name, i.search_text, i.parent,
        case when octet_length(i.hash) = ${SPARSE_HASH_BYTES} and not exists (select from asset known
          where known.organisation_id = ${organisationId} and known.key = i.key and known.scope_id = p.id)
          then jsonb_strip_nulls(i.attributes) else i.attributes end, i.hash, now(), now()
        from asset_in i join put p on p.key = i.scope
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
      where (p.outcome = 'complete' or p.whole ? a.kind) and not p.is_first
        and a.organisation_id = ${organisationId} and a.gone_at is null
        and (p.key, a.key) not in (select scope, key from come where t = 'asset')
      union
      select a.scope_id, a.key from named g join asset a on a.organisation_id = ${organisationId}
        and a.scope_id = g.id and a.gone_at is null and (a.key = g.key or starts_with(a.key, g.key || '/'))
    ), asset_gone as (
      delete from asset a using leaving l where ${policy === 'delete'} and a.organisation_id = ${organisationId}
        and a.scope_id = l.scope_id and a.key = l.key
      returning a.scope_id, a.key, a.kind, a.name, 'removed' as change
    ), asset_flagged as (
      update asset a set gone_at = now() from leaving l where ${policy === 'flag'}
        and a.organisation_id = ${organisationId} and a.scope_id = l.scope_id and a.key = l.key
      returning a.scope_id, a.key, a.kind, a.name, 'removed' as change
    ), edge_out as (
      insert into edge as e (organisation_id, scope_id, connection, kind, from_key, to_key, attributes, hash)
      select ${organisationId}, p.id, ${connection}, i.kind, i.key, i.parent, i.attributes, i.hash
      from (select distinct on (scope, key, kind, parent) * from come where t = 'edge'
        order by scope, key, kind, parent, line desc) i join put p on p.key = i.scope
      on conflict (organisation_id, from_key, kind, to_key, scope_id) do update set attributes = excluded.attributes,
        hash = excluded.hash where e.hash <> excluded.hash
    ), edge_gone as (
      -- Of an asset that is kept by policy the edges are, too. In a difference an asset that came brought its own with it:
      -- those that lead from it, whose it is, and what made it.
      delete from edge e using put p
      where (p.outcome in ('complete', 'updated') or p.whole <> '[]') and not p.is_first
        and e.organisation_id = ${organisationId} and e.scope_id = p.id
        and (p.key, e.from_key, e.kind, e.to_key) not in (select scope, key, kind, parent from come where t = 'edge')
        and case p.outcome when 'complete'
          then ${policy === 'delete'} or (p.key, e.from_key) in (select scope, key from asset_in)
          when 'partial' then ${policy === 'delete'} and ((p.id, e.from_key) in (select scope_id, key from leaving)
            or (p.id, e.to_key) in (select scope_id, key from leaving))
          else (p.key, case when e.kind in ('owns', 'produces') then e.to_key else e.from_key end) in (select scope, key from asset_in)
            or (${policy === 'delete'} and ((p.key, e.from_key) in (select scope, key from named)
              or (p.key, e.to_key) in (select scope, key from named))) end
    ), picture_in as (
      select distinct on (scope, key, kind) * from come where t = 'picture' order by scope, key, kind, line desc
    ), picture_out as (
      -- One of an asset that is not there has nothing to show.
      insert into picture as v (organisation_id, scope_id, key, source, media_type, content, hash)
      select ${organisationId}, p.id, i.key, i.kind, i.name, i.content, i.hash
      from picture_in i join put p on p.key = i.scope
      where (i.scope, i.key) in (select scope, key from asset_in) or (p.outcome <> 'complete' and exists (
        select from asset a where a.organisation_id = ${organisationId} and a.key = i.key and a.scope_id = p.id))
      on conflict (organisation_id, key, source) do update set scope_id = excluded.scope_id,
        media_type = excluded.media_type, content = excluded.content, hash = excluded.hash, changed_at = now()
        where v.hash <> excluded.hash
    ), picture_gone as (
      -- With real values it was asked for, and stays as long as its sheet.
      delete from picture v using put p where p.outcome = 'complete' and not p.is_first and v.source <> 'data'
        and v.organisation_id = ${organisationId} and v.scope_id = p.id
        and (p.key, v.key, v.source) not in (select scope, key, kind from picture_in)
    ), counted as (
      select c.scope_id, c.change, count(*)::int as n,
        (array_agg(jsonb_build_object('key', c.key, 'kind', c.kind, 'name', c.name))
          filter (where not p.is_first))[1:${NAMED_CHANGES}] as names
      from (select * from asset_out union all select * from asset_gone union all select * from asset_flagged) c join put p on p.id = c.scope_id
      group by c.scope_id, c.change
    )
    select p.key, p.is_first as "isFirst", (select jsonb_agg(jsonb_build_object('change', change, 'n', n,
      'names', coalesce(to_jsonb(names), '[]'))) from counted where scope_id = p.id) as counts
    from put p`;
  for (const { key } of scopes)
    if (!found.some((one) => one.key === key)) throw new Error(`the scope ${key} belongs to another connection`);
  return found.map(({ key, isFirst, counts }) => {
    const difference = NOTHING();
    for (const { change, n, names } of counts ?? []) {
      difference[change] = n;
      difference.names[change] = names;
    }
    return { key, isFirst, difference };
  });
};

interface Counts {
  readonly change: 'added' | 'changed' | 'removed';
  readonly n: number;
  readonly names: Named[];
}

/** Keeps the number of assets of each scope; of one that is gone there is no row any more. */
const countAssets = async (
  tx: Transaction,
  ref: AttemptRef,
  written: readonly Written[],
  policy: DeletionPolicy,
): Promise<void> => {
  const more = written.map(({ key, difference: { added, removed } }) => ({
    key,
    more: added - (policy === 'delete' ? removed : 0),
  }));
  await tx`update scope s set assets = s.assets + r.more
    from json_to_recordset(${JSON.stringify(more)}::text::json) as r(key text, more integer)
    where s.organisation_id = ${ref.organisationId} and s.key = r.key and r.more <> 0`;
};

/** Notes for every app of the connection whether this whole list of apps names it. */
const markListed = async (
  tx: Transaction,
  ref: AttemptRef,
  publisher: string,
  site: EndedScope,
  rows: readonly StagedRow[],
): Promise<void> => {
  const listed = rows.filter(({ t, scope }) => t === 'listed' && scope === site.key);
  await tx`update scope set listed_by = ${listingOf(ref)}
    where organisation_id = ${ref.organisationId} and connection = ${ref.connection} and kind = 'app'
      and (key in (select key from (${incoming(tx, ref, publisher, listed, site.isStaged ? [site.key] : [])}) r
        where scope = ${site.key} and t = 'listed')) is true`;
};
