import { health } from '#catalog/store/agents.ts';
import { assignConnection } from '#catalog/store/connections.ts';
import { announce, wakeAgent } from '#catalog/store/events.ts';
import { purgeLogins } from '#catalog/store/members.ts';
import { eraseRetiredKeys } from '#catalog/store/signing-keys.ts';
import { type Sql, transact } from '#catalog/store/sql.ts';
import { MAX_ATTEMPTS } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import { inTheWay, LEASE, loseAttempt } from './lease.ts';

const MOST_AT_ONCE = 100;

/**
 * Leases that ran out: the job waits again. The attempt stays, so that its agent can go on with it when it comes back
 * before another attempt began; unless the job was to stop, its stream was bad, or it was the last attempt.
 */
export const expireLeases = async (sql: Sql): Promise<void> => {
  const expired = await sql<{ organisationId: string; jobId: string; attempt: number }[]>`
    select a.organisation_id as "organisationId", a.job_id as "jobId", a.attempt
    from attempt a join job j on j.organisation_id = a.organisation_id and j.id = a.job_id and j.attempt = a.attempt
    where a.state = 'active' and a.lease_expires_at < now() and j.state in ('leased', 'running', 'cancelling')
    limit ${MOST_AT_ONCE}`;
  for (const { organisationId, jobId, attempt } of expired)
    await transact(sql, async (tx) => {
      const [job] = await tx<{ state: string; connection: string; agentId: string; isBad: boolean }[]>`
        select j.state, j.connection, a.agent_id as "agentId", a.error is not null as "isBad"
        from job j join attempt a on a.organisation_id = j.organisation_id and a.job_id = j.id and a.attempt = j.attempt
        where j.organisation_id = ${organisationId} and j.id = ${jobId} and a.attempt = ${attempt}
          and a.state = 'active' and a.lease_expires_at < now() and j.state in ('leased', 'running', 'cancelling')
        for update of j, a`;
      if (!job) return;
      if (job.state === 'cancelling' || job.isBad || attempt >= MAX_ATTEMPTS)
        await loseAttempt(tx, organisationId, jobId, attempt);
      else {
        await tx`update job set state = 'queued', not_before = now()
          where organisation_id = ${organisationId} and id = ${jobId}`;
        await announce(tx, organisationId, { name: 'job', id: jobId, connection: job.connection });
      }
      await wakeAgent(tx, organisationId, job.agentId);
    });
};

/** Wakes the agents that have a job to begin: one whose time has come, or whose wake-up was lost. */
export const wakeForWaiting = async (sql: Sql): Promise<void> => {
  const agents = await sql<{ organisationId: string; agentId: string }[]>`
    select distinct a.organisation_id as "organisationId", a.id as "agentId"
    from job j
      join connection c on c.organisation_id = j.organisation_id and c.code = j.connection
      join agent a on a.organisation_id = c.organisation_id and a.id = c.agent_id
    where j.state = 'queued' and j.not_before <= now() and a.session_id is not null
      and not exists (select from job b where ${inTheWay(sql)})`;
  for (const { organisationId, agentId } of agents) await wakeAgent(sql, organisationId, agentId);
};

/** Tells those who watch when an agent's health changed with time alone: no heartbeat for too long. */
export const announceHealth = async (sql: Sql): Promise<void> => {
  const changed = await sql<{ organisationId: string; id: string }[]>`
    update agent a set announced_health = ${health(sql)} where announced_health <> ${health(sql)}
    returning organisation_id as "organisationId", id`;
  for (const { organisationId, id } of changed) {
    await announce(sql, organisationId, { name: 'agent', id });
    const connections = await sql<{ code: string }[]>`select code from connection
      where organisation_id = ${organisationId} and agent_id = ${id}`;
    for (const { code } of connections) await announce(sql, organisationId, { name: 'connection', code });
  }
};

/**
 * Connections whose agent has been gone for `afterMs`, or was shut out: the agent that stands by and was here most lately takes over. An
 * agent that comes back finds itself standing by.
 */
export const promoteStandby = async (sql: Sql, afterMs: number): Promise<void> => {
  const waiting = await sql<{ organisationId: string; code: string; agentId: string }[]>`
    select distinct on (c.organisation_id, c.code) c.organisation_id as "organisationId", c.code, s.id as "agentId"
    from connection c
      join agent o on o.organisation_id = c.organisation_id and o.id = c.agent_id
      join connection_report r on r.organisation_id = c.organisation_id and r.code = c.code and r.agent_id <> c.agent_id
        and r.status ->> 'state' = 'ready'
      join agent s on s.organisation_id = r.organisation_id and s.id = r.agent_id and s.session_id is not null
    where (o.last_seen_at < now() - ${`${afterMs} milliseconds`}::interval
        or o.disabled_at is not null or o.revoked_at is not null)
      and s.last_seen_at >= now() - ${LEASE}::interval
      and not exists (select from job b where b.organisation_id = c.organisation_id and b.connection = c.code
        and b.state in ('leased', 'running', 'cancelling'))
    order by c.organisation_id, c.code, s.last_seen_at desc limit ${MOST_AT_ONCE}`;
  // What has changed since it was read is found out under the lock, and the next sweep tries again.
  for (const { organisationId, code, agentId } of waiting)
    await assignConnection(sql, organisationId, code, agentId).catch((error: unknown) => {
      if (!(error instanceof Fault)) throw error;
    });
};

/** What time alone brings about. `standbyAfterMs`: see {@link promoteStandby}. */
export const sweep = async (sql: Sql, standbyAfterMs: number): Promise<void> => {
  await expireLeases(sql);
  await promoteStandby(sql, standbyAfterMs);
  await wakeForWaiting(sql);
  await announceHealth(sql);
  await purgeLogins(sql);
  await eraseRetiredKeys(sql);
};
