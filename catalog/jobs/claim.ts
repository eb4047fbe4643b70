import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import type { AgentSession, GatewayBackend, Offer } from '#catalog/gateway/backend.ts';
import { canonicalJson } from '#catalog/store/canonical.ts';
import { announce, wakeAgent } from '#catalog/store/events.ts';
import { type Sql, sqlState, type Transaction, transact } from '#catalog/store/sql.ts';
import { storable } from '#catalog/store/storable.ts';
import { MAX_ATTEMPTS } from '#protocol/constants.ts';
import type { ErrorInfo } from '#protocol/errors.ts';
import { JOB_KINDS, type JobKind } from '#protocol/job-options.ts';
import type { JobSpec, Lease } from '#protocol/messages.ts';
import { addedOptions } from './claim-options.ts';
import { dropOldLists } from './inventory.ts';
import { endAttempt, endJob, inTheWay, isCurrent, LEASE, lockLease, prolong, retryDelayMs } from './lease.ts';

/**
 * Jobs of each kind that one agent does side by side; together what an agent may hold. Tests have places of their own: two
 * crawls that hang are no reason to wait for the answer why, and inventories and previews are waited for by a person. A crawl
 * and lineage write the same scopes of a connection: one waits for the other.
 */
const JOBS_PER_AGENT: Readonly<Record<JobKind, number>> = { crawl: 2, test: 2, inventory: 1, preview: 1, lineage: 1 };
const MOST_NAMES = 20;

/** The text of the job signed with the key that the agent's session began with. */
const signSpec = async (tx: Transaction, { organisationId, agentId }: AgentSession, spec: string): Promise<string> => {
  const [row] = await tx<{ privateKey: Buffer }[]>`
    select k.private_key as "privateKey" from catalog_key k
      join agent a on a.organisation_id = k.organisation_id and a.id = ${agentId}
    where k.organisation_id = ${organisationId} and length(k.private_key) > 0
    order by (k.id = a.signing_key_id) desc nulls last, k.retired_at is null desc limit 1`;
  if (!row) throw new Error('the organisation has no signing key');
  const key = createPrivateKey({ key: row.privateKey, format: 'der', type: 'pkcs8' });
  return sign(null, Buffer.from(spec), key).toString('base64');
};

/** Leases the oldest queued job of a connection that this agent owns; undefined when there is none to do now. */
export const claim = async (sql: Sql, session: AgentSession): Promise<Offer | undefined> => {
  try {
    return await transact(sql, (tx) => claimOne(tx, session));
  } catch (error) {
    // A job that it takes turns with was begun a moment ago; the index `job_at_work` has one of both at work.
    if (sqlState(error) === '23505') return undefined;
    throw error;
  }
};

const claimOne = async (tx: Transaction, session: AgentSession): Promise<Offer | undefined> => {
  const { organisationId, agentId } = session;
  if (!(await isCurrent(tx, session))) return undefined;
  const busy = await tx<{ kind: string; n: number }[]>`
    select j.kind, count(*)::int as n from attempt a join job j
      on j.organisation_id = a.organisation_id and j.id = a.job_id and j.attempt = a.attempt
    where a.organisation_id = ${organisationId} and a.agent_id = ${agentId} and a.state = 'active'
      and j.state in ('leased', 'running', 'cancelling') group by j.kind`;
  const free = JOB_KINDS.filter((kind) => (busy.find((one) => one.kind === kind)?.n ?? 0) < JOBS_PER_AGENT[kind]);
  if (free.length === 0) return undefined;
  for (;;) {
    const [job] = await tx<{ id: string; attempt: number; connection: string; kind: JobKind; spec: string }[]>`
      select j.id, j.attempt, j.connection, j.kind, j.spec
      from job j join connection c on c.organisation_id = j.organisation_id and c.code = j.connection
      where j.organisation_id = ${organisationId} and j.state = 'queued' and j.not_before <= now()
        and c.agent_id = ${agentId} and j.kind = any(${tx.array(free)}::text[])
        and (c.status ->> 'state' = 'ready' or (c.status ->> 'state' = 'error' and c.status ->> 'inForce' is not null)
          or (j.kind = 'test' and c.status ->> 'state' <> 'absent'))
        and not exists (select from job b where ${inTheWay(tx)})
      order by j.created_at, j.id limit 1
      for update of j skip locked`;
    if (!job) return undefined;
    const earlier = await tx<{ attempt: number }[]>`select attempt from attempt
      where organisation_id = ${organisationId} and job_id = ${job.id} and state = 'active'`;
    for (const { attempt } of earlier) await endAttempt(tx, organisationId, job.id, attempt, 'lost');
    if (job.attempt >= MAX_ATTEMPTS) {
      await endJob(tx, organisationId, job, { state: 'again', error: undefined, delayMs: 0 });
      continue;
    }
    const lease = { jobId: job.id, attempt: job.attempt + 1, leaseToken: randomUUID() };
    const [leased] = await tx<{ issuedAt: Date }[]>`
      insert into attempt (organisation_id, job_id, attempt, agent_id, lease_token, state, lease_expires_at)
      values (${organisationId}, ${job.id}, ${lease.attempt}, ${agentId}, ${lease.leaseToken}, 'active',
        now() + ${LEASE}::interval) returning started_at as "issuedAt"`;
    // A test begins a list of its own with each attempt.
    await tx`delete from job_check where organisation_id = ${organisationId} and job_id = ${job.id}`;
    await tx`delete from job_settings where organisation_id = ${organisationId} and job_id = ${job.id}`;
    if (job.kind === 'inventory') await dropOldLists(tx, organisationId, job.connection, job.id);
    await tx`update job set state = 'leased', attempt = ${lease.attempt}, progress = null,
        started_at = coalesce(started_at, now())
      where organisation_id = ${organisationId} and id = ${job.id}`;
    await announce(tx, organisationId, { name: 'job', id: job.id, connection: job.connection });
    // Signed for this agent, attempt and session alone: another agent refuses it, and this one takes it once, now.
    const issuedAt = leased?.issuedAt.toISOString();
    const asked = JSON.parse(job.spec) as JobSpec;
    const options = { ...asked.options, ...(await addedOptions(tx, { organisationId, ...job }, asked.options)) };
    const fresh = session.challenge === undefined ? {} : { challenge: session.challenge };
    const spec = canonicalJson({ ...asked, options, agentId, attempt: lease.attempt, issuedAt, ...fresh });
    return { ...lease, spec, signature: await signSpec(tx, session, spec) };
  }
};

/** The agent has the job on its disk and begins. */
export const accept = (sql: Sql, session: AgentSession, lease: Lease): Promise<'ok' | 'lost'> =>
  transact(sql, async (tx) => {
    if (!(await isCurrent(tx, session))) return 'lost';
    const { standing, connection } = await prolong(tx, session, lease);
    if (standing !== 'held' && standing !== 'cancelling') return 'lost';
    await tx`update job set state = 'running', error = null
      where organisation_id = ${session.organisationId} and id = ${lease.jobId} and state = 'leased'`;
    await announce(tx, session.organisationId, { name: 'job', id: lease.jobId, connection });
    return 'ok';
  });

/** The agent cannot or may not do this job. */
export const reject = (sql: Sql, session: AgentSession, lease: Lease, error: ErrorInfo): Promise<void> =>
  transact(sql, async (tx) => {
    if (!(await isCurrent(tx, session))) return;
    const { standing, connection } = await lockLease(tx, session, lease);
    if (standing !== 'held' && standing !== 'cancelling') return;
    const job = { id: lease.jobId, attempt: lease.attempt, connection };
    await endAttempt(tx, session.organisationId, job.id, job.attempt, 'closed');
    await endJob(
      tx,
      session.organisationId,
      job,
      standing === 'cancelling'
        ? { state: 'cancelled' }
        : error.retryable
          ? { state: 'again', error, delayMs: retryDelayMs(job.attempt) }
          : { state: 'failed', error },
    );
    await wakeAgent(tx, session.organisationId, session.agentId);
  });

/** Lossy news for people; the last one wins. */
export const takeProgress = (
  sql: Sql,
  session: AgentSession,
  sent: Parameters<GatewayBackend['progress']>[1],
): Promise<void> =>
  transact(sql, async (tx) => {
    const { scopesDone, scopesTotal, records, current } = storable(sent);
    const progress = { scopesDone, scopesTotal, records, current: current.slice(0, MOST_NAMES) };
    const [job] = await tx<{ connection: string }[]>`
      update job j set progress = ${JSON.stringify(progress)}::text::jsonb
      from attempt a, agent g
      where j.organisation_id = ${session.organisationId} and j.id = ${sent.jobId} and j.attempt = ${sent.attempt}
        and j.state in ('leased', 'running', 'cancelling')
        and a.organisation_id = j.organisation_id and a.job_id = j.id and a.attempt = j.attempt
        and a.lease_token = ${sent.leaseToken} and a.agent_id = ${session.agentId} and a.state = 'active'
        and g.organisation_id = j.organisation_id and g.id = a.agent_id and g.epoch = ${session.epoch}
      returning j.connection`;
    if (job) await announce(tx, session.organisationId, { name: 'job', id: sent.jobId, connection: job.connection });
  });
