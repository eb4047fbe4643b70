import { announce } from '#catalog/store/events.ts';
import type { Transaction } from '#catalog/store/sql.ts';
import { storable } from '#catalog/store/storable.ts';
import type { ErrorInfo } from '#protocol/errors.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import type { Missing, Outcome } from '#protocol/records.ts';
import type { StagedRow } from './record.ts';

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
  /** Why nothing of it may be published: it does not agree with its own counts, or held bad records. */
  readonly refused: ErrorInfo | undefined;
}

/** Changed things that the history of a publish names; the numbers are always whole. */
const NAMED_CHANGES = 200;

/** Adds decoded rows of open scopes. */
export const stageRows = async (
  tx: Transaction,
  ref: AttemptRef,
  publisher: string,
  rows: readonly StagedRow[],
): Promise<void> => {
  await tx`insert into staged_record (organisation_id, job_id, attempt, publisher, scope, line, t, key, kind, name,
      sort_name, search_text, parent, attributes, hash)
    select ${ref.organisationId}, ${ref.jobId}, ${ref.attempt}, ${publisher}, r.scope, r.line, r.t, r.key, r.kind, r.name,
      r.sort_name, r.search_text, r.parent, r.attributes, decode(r.hash, 'hex')
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as r(scope text, line integer, t text, key text,
      kind text, name text, sort_name text, search_text text, parent text, attributes jsonb, hash text)`;
};

export const dropStaged = async (tx: Transaction, ref: AttemptRef, publisher: string, scope: string): Promise<void> => {
  await tx`delete from staged_record
    where organisation_id = ${ref.organisationId} and publisher = ${publisher} and scope = ${scope}`;
};

/**
 * Holds the attempt while it is still the one that may publish; false when the job went to another or has ended. Whatever
 * ends an attempt locks its job first, so the shared lock on the job is the fence; the attempt's own row stays free, or
 * every acknowledgement of a batch would wait for the publishing of the one before.
 */
export const holdAttempt = async (tx: Transaction, ref: AttemptRef): Promise<boolean> => {
  const rows = await tx`select from attempt a join job j on j.organisation_id = a.organisation_id and j.id = a.job_id
    where a.organisation_id = ${ref.organisationId} and a.job_id = ${ref.jobId} and a.attempt = ${ref.attempt}
      and a.lease_token = ${ref.leaseToken} and a.state = 'active' and j.attempt = a.attempt
    for share of j for key share of a`;
  return rows.length > 0;
};

interface Named {
  readonly key: string;
  readonly kind: string;
  readonly name: string;
}

interface Difference {
  added: number;
  changed: number;
  removed: number;
  names: { added: Named[]; changed: Named[]; removed: Named[] };
}

const NOTHING = (): Difference => ({
  added: 0,
  changed: 0,
  removed: 0,
  names: { added: [], changed: [], removed: [] },
});

/**
 * Publishes a scope: replaces, updates or removes its rows by its outcome, notes what that changed and marks the scope as
 * published in this attempt. Only rows whose content changed are written.
 *
 * @returns `repeat` when this attempt published the scope before, `lost` when it may not publish any more; both change
 *   nothing.
 */
export const publishScope = async (
  tx: Transaction,
  ref: AttemptRef,
  publisher: string,
  scope: EndedScope,
): Promise<'published' | 'repeat' | 'lost'> => {
  const { organisationId, jobId, attempt } = ref;
  if (!(await holdAttempt(tx, ref))) return 'lost';
  const [before] = await tx`select from published_scope where organisation_id = ${organisationId}
    and job_id = ${jobId} and attempt = ${attempt} and scope = ${scope.key}`;
  if (before) return 'repeat';

  let difference = NOTHING();
  let isFirst = false;
  if (scope.refused) {
    await tx`update attempt set refused_scopes = refused_scopes + 1
      where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`;
  } else if (scope.outcome === 'gone') {
    difference = await removeScope(tx, ref, scope.key);
  } else {
    const listing = `${jobId}/${attempt}`;
    const [row] = await tx<{ id: string; connection: string; isFirst: boolean }[]>`
      insert into scope as s (organisation_id, connection, key, kind, name, outcome, listed_by, published_at)
      values (${organisationId}, ${ref.connection}, ${scope.key}, ${scope.kind}, ${scope.name}, ${scope.outcome},
        ${listing}, now())
      on conflict (organisation_id, key) do update set name = excluded.name, outcome = excluded.outcome,
        kind = excluded.kind, listed_by = excluded.listed_by, published_at = now()
        where s.connection = excluded.connection
      returning s.id, s.connection, xmax = 0 as "isFirst"`;
    if (!row) throw new Error(`the scope ${scope.key} belongs to another connection`);
    isFirst = row.isFirst;
    if (scope.outcome !== 'unchanged')
      // A scope that was not there before has nothing to remove.
      difference = await replaceRows(tx, ref, publisher, row.id, scope.key, scope.outcome === 'complete' && !isFirst);
    if (scope.kind === 'site' && scope.outcome === 'complete')
      await tx`update scope set listed_by = ${listing}
        where organisation_id = ${organisationId} and connection = ${ref.connection} and kind = 'app'
          and (key in (select key from staged_record where organisation_id = ${organisationId}
            and publisher = ${publisher} and scope = ${scope.key} and t = 'listed')) is true`;
  }
  await notePublished(tx, ref, { ...scope, outcome: scope.refused ? 'failed' : scope.outcome }, difference, !isFirst);
  await dropStaged(tx, ref, publisher, scope.key);
  faultPoint('catalog.scope_rows_written');
  return 'published';
};

/** Writes the assets and edges that came and, when `removeRest` says so, removes what did not come. */
const replaceRows = async (
  tx: Transaction,
  ref: AttemptRef,
  publisher: string,
  scopeId: string,
  scope: string,
  removeRest: boolean,
): Promise<Difference> => {
  const { organisationId, connection } = ref;
  const staged = tx`organisation_id = ${organisationId} and publisher = ${publisher} and scope = ${scope}`;
  const result = NOTHING();
  // A key that came twice counts once; the later line wins.
  const written = await tx<{ added: boolean; n: number; names: Named[] }[]>`
    with incoming as materialized (
      select distinct on (key) * from staged_record where ${staged} and t = 'asset' order by key, line desc
    ), written as (
      insert into asset as a (organisation_id, key, scope_id, connection, kind, name, sort_name, search_text, parent,
        attributes, hash, first_seen_at, changed_at)
      select organisation_id, key, ${scopeId}::bigint, ${connection}, kind, name, sort_name, search_text, parent,
        attributes, hash, now(), now() from incoming
      on conflict (organisation_id, key, scope_id) do update set connection = excluded.connection,
        kind = excluded.kind, name = excluded.name, sort_name = excluded.sort_name,
        search_text = excluded.search_text, parent = excluded.parent, attributes = excluded.attributes,
        hash = excluded.hash, changed_at = now()
        where a.hash <> excluded.hash
      returning a.key, a.kind, a.name, xmax = 0 as added
    )
    select added, count(*)::int as n,
      to_jsonb((array_agg(jsonb_build_object('key', key, 'kind', kind, 'name', name)))[1:${NAMED_CHANGES}]) as names
    from written group by added`;
  for (const { added, n, names } of written) {
    result[added ? 'added' : 'changed'] = n;
    result.names[added ? 'added' : 'changed'] = names;
  }
  await tx`insert into edge as e (organisation_id, scope_id, connection, kind, from_key, to_key, attributes, hash)
    select distinct on (key, kind, parent) organisation_id, ${scopeId}::bigint, ${connection}, kind, key, parent,
      attributes, hash
    from staged_record where ${staged} and t = 'edge' order by key, kind, parent, line desc
    on conflict (organisation_id, from_key, kind, to_key, scope_id) do update set attributes = excluded.attributes,
      hash = excluded.hash where e.hash <> excluded.hash`;
  if (removeRest) {
    const [removed] = await tx<{ n: number; names: Named[] | null }[]>`
      with removed as (
        -- "not in" is no join: its rows are hashed once. A join became a loop over all pairs, since the planner knows
        -- nothing of rows that were written a moment ago: minutes for 40,000 of them.
        delete from asset a where a.organisation_id = ${organisationId} and a.scope_id = ${scopeId}
          and a.key not in (select key from staged_record where ${staged} and t = 'asset')
        returning a.key, a.kind, a.name
      )
      select count(*)::int as n,
        to_jsonb((array_agg(jsonb_build_object('key', key, 'kind', kind, 'name', name)))[1:${NAMED_CHANGES}]) as names
      from removed`;
    result.removed = removed?.n ?? 0;
    result.names.removed = removed?.names ?? [];
    await tx`delete from edge e where e.organisation_id = ${organisationId} and e.scope_id = ${scopeId}
      and (e.from_key, e.kind, e.to_key) not in
        (select key, kind, parent from staged_record where ${staged} and t = 'edge')`;
  }
  await tx`update scope set assets = assets + ${result.added} - ${result.removed}
    where organisation_id = ${organisationId} and id = ${scopeId}`;
  return result;
};

/** Removes a scope with all that it holds. */
const removeScope = async (tx: Transaction, ref: AttemptRef, key: string): Promise<Difference> => {
  const { organisationId, connection } = ref;
  const result = NOTHING();
  const [removed] = await tx<{ n: number; names: Named[] | null }[]>`
    select count(*)::int as n, to_jsonb((array_agg(jsonb_build_object('key', a.key, 'kind', a.kind, 'name', a.name)
      order by a.key))[1:${NAMED_CHANGES}]) as names
    from asset a join scope s on s.organisation_id = a.organisation_id and s.id = a.scope_id
    where s.organisation_id = ${organisationId} and s.connection = ${connection} and s.key = ${key}`;
  await tx`delete from scope
    where organisation_id = ${organisationId} and connection = ${connection} and key = ${key}`;
  result.removed = removed?.n ?? 0;
  result.names.removed = removed?.names ?? [];
  return result;
};

const notePublished = async (
  tx: Transaction,
  ref: AttemptRef,
  scope: Omit<EndedScope, 'refused'> & { readonly refused?: ErrorInfo | undefined },
  { added, changed, removed, names }: Difference,
  withNames: boolean,
): Promise<void> => {
  const error = scope.refused ?? scope.error;
  await tx`insert into published_scope (organisation_id, job_id, attempt, scope, kind, name, outcome, records, added,
      changed, removed, missing, error, difference)
    values (${ref.organisationId}, ${ref.jobId}, ${ref.attempt}, ${scope.key}, ${scope.kind}, ${scope.name},
      ${scope.outcome}, ${scope.records}, ${added}, ${changed}, ${removed},
      ${JSON.stringify(storable(scope.missing))}::text::jsonb,
      ${error === undefined ? null : JSON.stringify(storable(error))}::text::jsonb,
      ${withNames ? JSON.stringify(names) : null}::text::jsonb)`;
  await announce(tx, ref.organisationId, { name: 'job', id: ref.jobId, connection: ref.connection });
  if (added + changed + removed > 0)
    await announce(tx, ref.organisationId, { name: 'assets', connection: ref.connection });
};

/**
 * Removes the apps that the site's complete list of apps does not name. Without a complete list in this attempt nothing
 * is removed.
 */
export const removeUnlisted = async (tx: Transaction, ref: AttemptRef): Promise<void> => {
  const { organisationId, jobId, attempt, connection } = ref;
  const [listed] = await tx`select from published_scope where organisation_id = ${organisationId}
    and job_id = ${jobId} and attempt = ${attempt} and kind = 'site' and outcome = 'complete'`;
  if (!listed) return;
  const gone = await tx<{ key: string; name: string }[]>`
    select key, name from scope where organisation_id = ${organisationId} and connection = ${connection}
      and kind = 'app' and listed_by is distinct from ${`${jobId}/${attempt}`} order by key`;
  for (const { key, name } of gone) {
    const difference = await removeScope(tx, ref, key);
    const scope = { key, kind: 'app', name, outcome: 'gone', records: 0, missing: [], error: undefined } as const;
    await notePublished(tx, ref, scope, difference, true);
  }
};
