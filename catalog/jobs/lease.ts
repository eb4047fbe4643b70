import type { AgentSession } from '#catalog/gateway/backend.ts';
import { announce } from '#catalog/store/events.ts';
import type { Sql, Transaction } from '#catalog/store/sql.ts';
import { storable } from '#catalog/store/storable.ts';
import { MAX_ATTEMPTS, TIMES } from '#protocol/constants.ts';
import { type ErrorInfo, Fault } from '#protocol/errors.ts';
import type { Lease } from '#protocol/messages.ts';

/*
 * Rows are locked in the order agent, connection, job, attempt, everywhere: two transactions never wait for each other
 * in a circle.
 */

/** How long a lease lasts, as an interval. */
export const LEASE = `${TIMES.leaseTtlMs / 1000} seconds`;

/** Milliseconds until the next attempt after one that failed. */
export const retryDelayMs = (attempt: number): number => Math.min(5_000 * 2 ** (attempt - 1), 300_000);

/** The newest session of its agent holds the agent's row shared: no newer one begins before the transaction ends. */
export const isCurrent = async (tx: Transaction, session: AgentSession): Promise<boolean> => {
  const rows = await tx`select from agent where organisation_id = ${session.organisationId}
    and id = ${session.agentId} and epoch = ${session.epoch} for share`;
  return rows.length > 0;
};

/**
 * Whether jobs `b` and `j` take turns: they are of one connection, and of the same kind or write the same scopes. The index
 * `job_at_work` says the same of those that are at work.
 */
const takeTurns = (sql: Sql | Transaction) =>
  sql`b.organisation_id = j.organisation_id and b.connection = j.connection and b.id <> j.id
    and (b.kind = j.kind or (b.kind in ('crawl', 'lineage') and j.kind in ('crawl', 'lineage')))`;

/** Whether job `b` is at work, and job `j` has to wait for it. */
export const inTheWay = (sql: Sql | Transaction) =>
  sql`${takeTurns(sql)} and b.state in ('leased', 'running', 'cancelling')`;

type Standing = 'held' | 'cancelling' | 'finished' | 'lost';

export interface HeldAttempt {
  readonly standing: Standing;
  readonly durableSeq: number;
  readonly connection: string;
  /** The attempt is finished, and its job was not published by it. */
  readonly published?: false | undefined;
}

/** What an agent is told of a job whose attempt is closed: nothing when it was published. */
export const unlessPublished = (state: string): { readonly published?: false } =>
  state === 'published' ? {} : { published: false };

/** Job and attempt of a lease, locked; what the agent may do with it. The agent's session must be the current one. */
export const lockLease = async (tx: Transaction, session: AgentSession, lease: Lease): Promise<HeldAttempt> => {
  const { organisationId, agentId } = session;
  const [row] = await tx<
    {
      connection: string;
      jobState: string;
      latest: boolean;
      attemptState: string;
      durableSeq: number;
      mine: boolean;
      free: boolean;
    }[]
  >`
    select j.connection, j.state as "jobState", j.attempt = a.attempt as latest, a.state as "attemptState",
      a.durable_seq::float8 as "durableSeq", c.agent_id = ${agentId} as mine,
      not exists (select from job b where ${inTheWay(tx)})
        and not exists (select from job b join attempt o on o.organisation_id = b.organisation_id and o.job_id = b.id
          where ${takeTurns(tx)} and j.state = 'queued' and o.started_at > a.lease_expires_at) as free
    from job j
      join attempt a on a.organisation_id = j.organisation_id and a.job_id = j.id
      join connection c on c.organisation_id = j.organisation_id and c.code = j.connection
    where j.organisation_id = ${organisationId} and j.id = ${lease.jobId} and a.attempt = ${lease.attempt}
      and a.lease_token = ${lease.leaseToken} and a.agent_id = ${agentId}
    for update of j, a`;
  if (!row) return { standing: 'lost', durableSeq: 0, connection: '' };
  const { connection, durableSeq } = row;
  if (row.attemptState === 'closed')
    return { standing: 'finished', durableSeq, connection, ...unlessPublished(row.latest ? row.jobState : 'again') };
  const held =
    row.attemptState === 'active' &&
    row.latest &&
    row.mine &&
    (['leased', 'running', 'cancelling'].includes(row.jobState) || (row.jobState === 'queued' && row.free));
  if (!held) return { standing: 'lost', durableSeq, connection };
  return { standing: row.jobState === 'cancelling' ? 'cancelling' : 'held', durableSeq, connection };
};

/**
 * Prolongs a lease that the agent still holds. A job whose lease ran out while its agent was away, and that nobody began
 * anew, goes on where it stood; unless another job had its turn since, and left the scopes otherwise than this one found them.
 */
export const prolong = async (tx: Transaction, session: AgentSession, lease: Lease): Promise<HeldAttempt> => {
  const found = await lockLease(tx, session, lease);
  if (found.standing !== 'held' && found.standing !== 'cancelling') return found;
  const { organisationId } = session;
  await tx`update attempt set lease_expires_at = now() + ${LEASE}::interval
    where organisation_id = ${organisationId} and job_id = ${lease.jobId} and attempt = ${lease.attempt}`;
  const resumed = await tx`update job set state = 'running'
    where organisation_id = ${organisationId} and id = ${lease.jobId} and state = 'queued'`;
  if (resumed.count > 0)
    await announce(tx, organisationId, { name: 'job', id: lease.jobId, connection: found.connection });
  return found;
};

/** Drops what was staged for an attempt. */
const discardStaged = async (
  tx: Transaction,
  organisationId: string,
  jobId: string,
  attempt: number,
): Promise<void> => {
  await tx`delete from staged_batch
    where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`;
  await tx`delete from staged_record
    where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`;
};

/** Ends an attempt: `closed` when its agent said so, `lost` when the agent lost it. */
export const endAttempt = async (
  tx: Transaction,
  organisationId: string,
  jobId: string,
  attempt: number,
  state: 'closed' | 'lost',
): Promise<void> => {
  await tx`update attempt set state = ${state}, finished_at = now()
    where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`;
  await discardStaged(tx, organisationId, jobId, attempt);
};

/** What becomes of a job when its attempt ends. */
export type Ending =
  | { readonly state: 'published' }
  | { readonly state: 'cancelled'; readonly error?: ErrorInfo | undefined }
  | { readonly state: 'failed'; readonly error: ErrorInfo }
  /** Tried again: at once when the agent vanished, later when the crawl failed. */
  | { readonly state: 'again'; readonly error: ErrorInfo | undefined; readonly delayMs: number };

/** Ends a job, or queues it for its next attempt while there is one left. The job's row must be locked. */
export const endJob = async (
  tx: Transaction,
  organisationId: string,
  job: { readonly id: string; readonly attempt: number; readonly connection: string },
  ending: Ending,
): Promise<void> => {
  const change = { name: 'job', id: job.id, connection: job.connection } as const;
  if (ending.state === 'again' && job.attempt < MAX_ATTEMPTS) {
    const error = ending.error === undefined ? null : JSON.stringify(storable(ending.error));
    await tx`update job set state = 'queued', error = ${error}::text::jsonb,
        not_before = now() + ${`${ending.delayMs} milliseconds`}::interval
      where organisation_id = ${organisationId} and id = ${job.id}`;
    return await announce(tx, organisationId, change);
  }
  const exhausted = (last: ErrorInfo | undefined): ErrorInfo =>
    new Fault(
      'job.attempts_exhausted',
      `${MAX_ATTEMPTS} attempts failed; the last one: ${last?.message ?? 'the agent went away'}`,
      last ? { advice: last.advice } : {},
    ).toJSON();
  const last = ending.state === 'again' ? exhausted(ending.error) : 'error' in ending ? ending.error : undefined;
  // An attempt that failed of it may have been worth another; the job has ended, and nothing is tried again by itself.
  const error = last === undefined ? undefined : { ...last, retryable: false };
  const state = ending.state === 'again' ? 'failed' : ending.state;
  await tx`update job set state = ${state}, finished_at = now(),
      error = ${error === undefined ? null : JSON.stringify(storable(error))}::text::jsonb
    where organisation_id = ${organisationId} and id = ${job.id}`;
  await announce(tx, organisationId, change);
};

/**
 * An attempt that its agent does not hold any more: the job is tried again, or ends as cancelled when that was asked.
 * Locks the job.
 */
export const loseAttempt = async (
  tx: Transaction,
  organisationId: string,
  jobId: string,
  attempt: number,
): Promise<void> => {
  const [job] = await tx<{ state: string; connection: string; current: boolean; error: ErrorInfo | null }[]>`
    select j.state, j.connection, j.attempt = ${attempt} as current, a.error
    from job j join attempt a on a.organisation_id = j.organisation_id and a.job_id = j.id
    where j.organisation_id = ${organisationId} and j.id = ${jobId} and a.attempt = ${attempt} and a.state = 'active'
    for update of j, a`;
  if (!job) return;
  await endAttempt(tx, organisationId, jobId, attempt, 'lost');
  if (!job.current || !['queued', 'leased', 'running', 'cancelling'].includes(job.state)) return;
  const ending: Ending = job.error
    ? { state: 'failed', error: job.error }
    : job.state === 'cancelling'
      ? { state: 'cancelled' }
      : { state: 'again', error: undefined, delayMs: 0 };
  await endJob(tx, organisationId, { id: jobId, attempt, connection: job.connection }, ending);
};
