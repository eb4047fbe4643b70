import { randomUUID } from 'node:crypto';
import type { CheckRecord, SettingsRecord } from '#protocol/checks.ts';
import { type ErrorInfo, Fault } from '#protocol/errors.ts';
import type { JobKind } from '#protocol/job-options.ts';
import type { JobSpec } from '#protocol/messages.ts';
import type { Missing, Outcome, Reason } from '#protocol/records.ts';
import type { ConnectionState } from '#protocol/status.ts';
import { health, type Standing, standing } from './agents.ts';
import { canonicalJson } from './canonical.ts';
import { announce, wakeAgent } from './events.ts';
import { type InventoryCounts, inventoryCounts } from './inventories.ts';
import { checkOptions, sameOptions } from './job-options.ts';
import type { Page } from './page.ts';
import { type Queries, type Sql, type Transaction, transact } from './sql.ts';

type JobState = 'queued' | 'leased' | 'running' | 'cancelling' | 'published' | 'failed' | 'cancelled';

export interface Job {
  readonly id: string;
  readonly connection: string;
  readonly kind: JobKind;
  readonly state: JobState;
  readonly attempt: number;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly createdBy: string;
  readonly progress: {
    readonly scopesDone: number;
    readonly scopesTotal: number | null;
    readonly records: number;
    readonly current: string[];
  } | null;
  readonly outcomes: Partial<Record<Outcome, number>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly tried: boolean;
  readonly test: TestSummary | null;
  readonly inventory: InventoryCounts | null;
  readonly error: ErrorInfo | null;
  readonly waiting: string | null;
}

/** What a test has found so far. */
interface TestSummary {
  readonly passed: number;
  /** Of those that passed: with something that still deserves a look. */
  readonly warned: number;
  readonly failed: number;
  readonly skipped: number;
  /** The first check that failed. */
  readonly failure: {
    readonly target: CheckRecord['target'];
    readonly check: string;
    readonly code: string | null;
    readonly seen: string;
  } | null;
}

export interface Check extends Omit<CheckRecord, 't' | 'code' | 'advice'> {
  readonly code: string | null;
  readonly advice: string | null;
}

export type QlikSettings = Omit<SettingsRecord, 't'>;

export interface PublishedScope {
  readonly scope: string;
  readonly kind: 'site' | 'app';
  readonly name: string;
  readonly outcome: Outcome;
  readonly records: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly missing: Missing[];
  readonly error: ErrorInfo | null;
  readonly reason: Reason | null;
  readonly publishedAt: Date;
}

type JobRow = Omit<Job, 'outcomes' | 'waiting'> & {
  readonly cursor: string;
  readonly outcomes: Partial<Record<Outcome, number>> | null;
  readonly notBefore: Date;
  readonly early: boolean;
  readonly connectionState: ConnectionState['state'];
  readonly inForce: string | null;
  readonly agentName: string | null;
  readonly agentHealth: string | null;
  readonly agentStanding: Standing | null;
  readonly busy: boolean;
};

/** Columns of a job `j`, what it waits for, its published scopes by outcome, and what its test found. */
const selectJobs = (sql: Queries) => sql`
  select j.id, j.connection, j.kind, j.state, j.attempt, coalesce((j.spec::jsonb -> 'options') - 'settings', '{}') as options,
    j.kind = 'inventory' and j.spec::jsonb #> '{options,settings}' is not null as tried, j.created_at as "createdAt", j.started_at as "startedAt",
    j.finished_at as "finishedAt", j.created_by as "createdBy", j.progress, j.error, j.created_at::text as cursor,
    j.not_before as "notBefore", j.not_before > now() as early, c.status ->> 'state' as "connectionState",
    c.status ->> 'inForce' as "inForce", a.name as "agentName", ${health(sql)} as "agentHealth",
    ${standing(sql)} as "agentStanding",
    exists (select from job b where b.organisation_id = j.organisation_id and b.connection = j.connection
      and b.kind = j.kind and b.state in ('leased', 'running', 'cancelling')) as busy,
    case when j.kind = 'test' then (
      select jsonb_build_object('passed', count(*) filter (where k.status = 'pass'),
        'warned', count(*) filter (where k.status = 'pass' and k.code is not null),
        'failed', count(*) filter (where k.status = 'fail'), 'skipped', count(*) filter (where k.status = 'skip'),
        'failure', (jsonb_agg(jsonb_build_object('target', k.target, 'check', k.name, 'code', k.code, 'seen', k.seen)
          order by k.position) filter (where k.status = 'fail')) -> 0)
      from job_check k
      where k.organisation_id = j.organisation_id and k.job_id = j.id and k.attempt = j.attempt) end as test,
    ${inventoryCounts(sql)} as inventory,
    (select jsonb_object_agg(o.outcome, o.n) from (
      select s.outcome, count(*)::int as n from (
        select distinct on (p.scope) p.outcome from published_scope p
        where p.organisation_id = j.organisation_id and p.job_id = j.id order by p.scope, p.attempt desc) s
      group by s.outcome) o) as outcomes
  from job j
    join connection c on c.organisation_id = j.organisation_id and c.code = j.connection
    left join agent a on a.organisation_id = c.organisation_id and a.id = c.agent_id`;

/** What a job waits for whose agent may not come in. */
const BARRED: Readonly<Record<Exclude<Standing, 'trusted'>, (agent: string) => string>> = {
  disabled: (agent) => `The agent ${agent} is disabled; the job starts when an administrator enables it.`,
  revoked: (agent) =>
    `The agent ${agent} was revoked; the job starts when another agent has a file for this connection.`,
  quarantined: (agent) =>
    `The identity of the agent ${agent} is used by two machines; the job starts when an administrator ended that.`,
};

/** Why a queued job does not start yet. */
const waitingFor = (row: JobRow): string | null => {
  if (row.state !== 'queued') return null;
  if (row.connectionState === 'absent') return 'The connection file is gone; the job starts when it is back.';
  const isTest = row.kind === 'test';
  if (row.connectionState === 'disabled' && !isTest)
    return 'The connection is disabled in its file; the job starts when it is enabled.';
  if (row.connectionState === 'error' && row.inForce === null && !isTest)
    return 'The connection file has errors; the job starts when they are corrected.';
  if (row.agentName === null) return 'No agent owns this connection; the job starts when one is assigned.';
  const { agentStanding = null } = row;
  if (agentStanding !== null && agentStanding !== 'trusted') return BARRED[agentStanding](row.agentName);
  if (row.agentHealth !== 'online')
    return `The agent ${row.agentName} is not connected; the job starts when it is back.`;
  if (row.early) return `Attempt ${row.attempt} failed; the next one starts at ${row.notBefore.toISOString()}.`;
  return row.busy ? `Another ${row.kind} of this connection is still running.` : null;
};

const asJob = (row: JobRow): Job => {
  const { cursor, notBefore, early, connectionState, inForce, agentName, agentHealth, agentStanding, busy, ...job } =
    row;
  return { ...job, outcomes: row.outcomes ?? {}, waiting: waitingFor(row) };
};

/** Jobs, the newest first. */
export const listJobs = async (
  sql: Sql,
  organisationId: string,
  query: { connection?: string | undefined; after?: readonly string[] | undefined; limit: number },
): Promise<Page<Job>> => {
  const [createdAt = '', id = ''] = query.after ?? [];
  const rows = await sql<JobRow[]>`${selectJobs(sql)}
    where j.organisation_id = ${organisationId}
      and ${query.connection === undefined ? sql`true` : sql`j.connection = ${query.connection}`}
      and ${query.after ? sql`(j.created_at, j.id) < (${createdAt}::text::timestamptz, ${id})` : sql`true`}
    order by j.created_at desc, j.id desc limit ${query.limit + 1}`;
  const items = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? items.at(-1) : undefined;
  return { items: items.map(asJob), next: last ? [last.cursor, last.id] : null };
};

export const findJob = async (sql: Queries, organisationId: string, id: string): Promise<Job | undefined> => {
  const [row] = await sql<JobRow[]>`${selectJobs(sql)} where j.organisation_id = ${organisationId} and j.id = ${id}`;
  return row && asJob(row);
};

/** The newest job of this kind of each of these connections. */
export const latestJobs = async (
  sql: Sql,
  organisationId: string,
  codes: readonly string[],
  kind: JobKind,
): Promise<Map<string, Job>> => {
  const rows = await sql<JobRow[]>`${selectJobs(sql)}
    where j.organisation_id = ${organisationId} and j.id in (
      select (select b.id from job b where b.organisation_id = ${organisationId} and b.connection = code
        and b.kind = ${kind} order by b.created_at desc, b.id desc limit 1)
      from unnest(${sql.array([...codes])}::text[]) as code)`;
  return new Map(rows.map((row) => [row.connection, asJob(row)]));
};

/** What a job published, in the order of publishing; of a scope only its latest outcome. */
export const listPublishedScopes = async (
  sql: Sql,
  organisationId: string,
  jobId: string,
  query: {
    outcome?: Outcome | undefined;
    changed?: boolean | undefined;
    after?: readonly string[] | undefined;
    limit: number;
  },
): Promise<Page<PublishedScope>> => {
  const [publishedAt = '', scope = ''] = query.after ?? [];
  const rows = await sql<(PublishedScope & { cursor: string })[]>`
    select scope, kind, name, outcome, records, added, changed, removed, missing, error, reason, published_at as "publishedAt",
      published_at::text as cursor
    from (select distinct on (p.scope) p.* from published_scope p
      where p.organisation_id = ${organisationId} and p.job_id = ${jobId} order by p.scope, p.attempt desc) latest
    where ${query.outcome === undefined ? sql`true` : sql`outcome = ${query.outcome}`}
      and ${query.changed === undefined ? sql`true` : sql`(added + changed + removed > 0) = ${query.changed}`}
      and ${query.after ? sql`(published_at, scope) > (${publishedAt}::text::timestamptz, ${scope})` : sql`true`}
    order by published_at, scope limit ${query.limit + 1}`;
  const items = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? items.at(-1) : undefined;
  return {
    items: items.map(({ cursor, ...item }) => item),
    next: last ? [last.cursor, last.scope] : null,
  };
};

/** What a test has found so far, in the order of its checks; of a test that began anew only the latest attempt. */
export const listChecks = (sql: Sql, organisationId: string, jobId: string): Promise<Check[]> =>
  sql<Check[]>`
    select k.target, k.name as check, k.status, k.seen, k.code, k.advice, k.details, k.duration_ms::float8 as "durationMs"
    from job_check k join job j on j.organisation_id = k.organisation_id and j.id = k.job_id and j.attempt = k.attempt
    where k.organisation_id = ${organisationId} and k.job_id = ${jobId} order by k.position`;

/** What a test says that Qlik needs for its connection; as of {@link listChecks} only the latest attempt. */
export const listQlikSettings = (sql: Sql, organisationId: string, jobId: string): Promise<QlikSettings[]> =>
  sql<QlikSettings[]>`
    select k.title, k.mends, k.fields
    from job_settings k join job j on j.organisation_id = k.organisation_id and j.id = k.job_id and j.attempt = k.attempt
    where k.organisation_id = ${organisationId} and k.job_id = ${jobId} order by k.position`;

/** Jobs of one connection that wait: more are a program gone wild. */
const MOST_WAITING = 50;

/**
 * Asks for a job. One that still waits and asks for the same is returned as it is: two of them would only do the same twice;
 * what asks for something else is queued behind. A test may be asked of a connection whose file is disabled or broken,
 * since it says what is wrong.
 *
 * @throws Fault when there is no such connection, its file is gone, or (but for a test) its file cannot be used, when the
 *   options name too much or nothing, or too many jobs wait.
 */
export const createJob = (
  sql: Sql,
  organisationId: string,
  request: AskedJob,
): Promise<{ job: Job; created: boolean }> => transact(sql, (tx) => queueJob(tx, organisationId, request));

interface AskedJob {
  readonly connection: string;
  readonly kind: JobKind;
  readonly options?: JobSpec['options'] | undefined;
  readonly createdBy: string;
}

/** As {@link createJob}, in a transaction that does more. A fault leaves that as it was. */
export const queueJob = async (
  tx: Transaction,
  organisationId: string,
  request: AskedJob,
): Promise<{ job: Job; created: boolean }> => {
  const [connection] = await tx<{ agentId: string | null; status: ConnectionState }[]>`
      select agent_id as "agentId", status from connection
      where organisation_id = ${organisationId} and code = ${request.connection} for update`;
  if (!connection) throw new Fault('job.unknown_connection', `There is no connection ${request.connection}.`);
  const { state, inForce, problems, file } = connection.status;
  if (state === 'absent')
    throw new Fault('job.unknown_connection', `The file ${file} of connection ${request.connection} is gone.`, {
      advice: 'Put the file back into the connections folder of the agent.',
    });
  const isTest = request.kind === 'test';
  if (state === 'disabled' && !isTest)
    throw new Fault('job.connection_invalid', `The connection ${request.connection} is disabled.`, {
      advice: `Enable it in ${file}.`,
    });
  if (state === 'error' && inForce === null && !isTest)
    throw new Fault('job.connection_invalid', problems[0]?.message ?? `The file ${file} has errors.`);
  const { connection: code, kind } = request;
  // Also what this catalog can read: an older one does not ask for it.
  const options = { ...request.options, ...(isTest && { settings: true }) };
  checkOptions(kind, options);
  const queue = await tx<{ id: string; kind: JobKind; spec: string }[]>`
      select id, kind, spec from job where organisation_id = ${organisationId} and connection = ${code}
        and state = 'queued' order by created_at, id`;
  const waiting = queue.find(
    (one) => one.kind === kind && sameOptions(kind, (JSON.parse(one.spec) as JobSpec).options, options),
  );
  if (!waiting && queue.length >= MOST_WAITING)
    throw new Fault('job.connection_busy', `${queue.length} jobs of ${code} wait already.`, {
      advice: 'Wait until some are done, or cancel those that nobody needs.',
    });
  const id = waiting?.id ?? randomUUID();
  if (!waiting) {
    const spec = {
      jobId: id,
      connection: code,
      kind,
      options,
      createdAt: new Date().toISOString(),
    } satisfies JobSpec;
    await tx`insert into job (organisation_id, id, connection, kind, spec, state, created_by)
        values (${organisationId}, ${id}, ${code}, ${kind}, ${canonicalJson(spec)}, 'queued', ${request.createdBy})`;
    await announce(tx, organisationId, { name: 'job', id, connection: code });
    if (connection.agentId !== null) await wakeAgent(tx, organisationId, connection.agentId);
  }
  const job = await findJob(tx, organisationId, id);
  if (!job) throw new Error('the job was not stored');
  return { job, created: !waiting };
};

/**
 * Asks a job to stop: at once when it waits, else its agent is told and what it published stays.
 *
 * @returns undefined when the organisation has no such job; a job that has ended stays as it is.
 */
export const cancelJob = (sql: Sql, organisationId: string, id: string): Promise<Job | undefined> =>
  transact(sql, async (tx) => {
    const [job] = await tx<{ state: JobState; attempt: number; connection: string }[]>`
      select state, attempt, connection from job where organisation_id = ${organisationId} and id = ${id} for update`;
    if (job?.state === 'queued') {
      await tx`update job set state = 'cancelled', finished_at = now(), error = null
        where organisation_id = ${organisationId} and id = ${id}`;
      await tx`update attempt set state = 'lost', finished_at = now()
        where organisation_id = ${organisationId} and job_id = ${id} and state = 'active'`;
    } else if (job?.state === 'leased' || job?.state === 'running') {
      await tx`update job set state = 'cancelling' where organisation_id = ${organisationId} and id = ${id}`;
      const [attempt] = await tx<{ agentId: string }[]>`
        select agent_id as "agentId" from attempt
        where organisation_id = ${organisationId} and job_id = ${id} and attempt = ${job.attempt}`;
      if (attempt)
        await wakeAgent(tx, organisationId, attempt.agentId, { cancel: { jobId: id, attempt: job.attempt } });
    }
    if (job) await announce(tx, organisationId, { name: 'job', id, connection: job.connection });
    return await findJob(tx, organisationId, id);
  });
