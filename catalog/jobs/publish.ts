import type { Transaction } from '#catalog/store/sql.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import type { DeletionPolicy } from '#protocol/job-options.ts';
import type { AttemptRef } from './attempt-ref.ts';
import { deletionPolicy } from './deletion.ts';
import type { Written } from './difference.ts';
import type { EndedScope } from './ended-scope.ts';
import { judgeApps } from './findings.ts';
import { listsApps, notePublished } from './published-scopes.ts';
import type { StagedRow } from './record.ts';
import { removeScope } from './removals.ts';
import { listingOf, putScopes } from './scope-facts.ts';
import { writeRows } from './scope-rows.ts';
import { dropStaged, incoming } from './staged-rows.ts';

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
  const strangers = ref.kind === 'lineage' ? await strangersAmong(tx, ref, scopes) : new Set<string>();
  const kept = scopes.filter(({ key, refused, outcome }) => !refused && outcome !== 'gone' && !strangers.has(key));
  const written = new Map<string, Written>();
  const put = kept.length === 0 ? [] : await putScopes(tx, ref, kept);
  for (const one of await writeRows(tx, ref, publisher, put, rows, policy)) written.set(one.key, one);
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
      scopes.map((scope) => ({
        ...(strangers.has(scope.key) ? { ...scope, ...NOT_CRAWLED } : scope),
        written: written.get(scope.key),
      })),
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

/** What is told of an app whose lineage came before anything else of it did. */
const NOT_CRAWLED = {
  outcome: 'unchanged',
  missing: [],
  reason: {
    code: 'not_crawled',
    message:
      'The catalog has nothing of this app yet, which its lineage could be told of: it comes with the next crawl.',
  },
} as const satisfies Partial<EndedScope>;

/** Scopes of which the catalog has nothing: a job that makes lineage anew brings no app. */
const strangersAmong = async (
  tx: Transaction,
  { organisationId, connection }: AttemptRef,
  scopes: readonly EndedScope[],
): Promise<ReadonlySet<string>> => {
  const keys = scopes.map(({ key }) => key);
  const known = await tx<{ key: string }[]>`select key from scope
    where organisation_id = ${organisationId} and connection = ${connection} and key = any(${tx.array(keys)}::text[])`;
  const found = new Set(known.map(({ key }) => key));
  return new Set(keys.filter((key) => !found.has(key)));
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
