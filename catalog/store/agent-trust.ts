import { CLOSE } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import type { PolicyReport } from '#protocol/status.ts';
import { announce, wakeAgent } from './events.ts';
import { type Sql, type Transaction, transact } from './sql.ts';

export interface AgentKey {
  readonly id: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  /** A later key counts; this one does until then. */
  readonly validUntil: Date | null;
  readonly revokedAt: Date | null;
  /** The present session was opened with it. */
  readonly inUse: boolean;
}

/** A start of a process that opened a session with the agent's identity. */
export interface AgentBoot {
  readonly bootId: string;
  readonly hostname: string;
  readonly platform: string;
  readonly machine: string | null;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
  readonly returns: number;
}

export interface AgentTrust {
  readonly keys: AgentKey[];
  readonly boots: AgentBoot[];
  readonly renewalAskedAt: Date | null;
  readonly policy: PolicyReport | null;
}

/** What decides whether an agent comes in, and what it lets the catalog ask. */
export const agentTrust = async (sql: Sql, organisationId: string, agentId: string): Promise<AgentTrust> => {
  const [agent] = await sql<{ renewalAskedAt: Date | null; policy: PolicyReport | null }[]>`
    select renewal_asked_at as "renewalAskedAt", status -> 'policy' as policy from agent
    where organisation_id = ${organisationId} and id = ${agentId}`;
  if (!agent) throw notThere();
  const keys = await sql<AgentKey[]>`
    select k.id, k.created_at as "createdAt", k.last_used_at as "lastUsedAt", k.valid_until as "validUntil",
      k.revoked_at as "revokedAt", coalesce(a.session_id is not null and a.session_key_id = k.id, false) as "inUse"
    from agent_key k join agent a on a.organisation_id = k.organisation_id and a.id = k.agent_id
    where k.organisation_id = ${organisationId} and k.agent_id = ${agentId} order by k.created_at desc, k.id limit 50`;
  const boots = await sql<AgentBoot[]>`
    select boot_id as "bootId", hostname, platform, machine, first_seen_at as "firstSeenAt",
      last_seen_at as "lastSeenAt", returns
    from agent_boot where organisation_id = ${organisationId} and agent_id = ${agentId}
    order by last_seen_at desc, boot_id limit 20`;
  return { ...agent, keys, boots };
};

const notThere = (): Fault => new Fault('api.not_found', 'There is no such agent.');

interface Locked {
  readonly name: string;
  readonly epoch: number;
  readonly revoked: boolean;
  readonly quarantined: boolean;
  readonly sessionKeyId: string | null;
}

const lockAgent = async (tx: Transaction, organisationId: string, agentId: string): Promise<Locked> => {
  const [agent] = await tx<Locked[]>`
    select name, epoch::float8 as epoch, revoked_at is not null as revoked, quarantined_at is not null as quarantined,
      session_key_id as "sessionKeyId"
    from agent where organisation_id = ${organisationId} and id = ${agentId} for update`;
  if (!agent) throw notThere();
  return agent;
};

const REVOKED = 'This agent is revoked for good.';
const ENROL_ANEW = 'Run `culvert reset-identity` on its machine, then enrol it with a new token.';
const refuseRevoked = ({ revoked }: Locked): void => {
  if (revoked) throw new Fault('agent.revoked', REVOKED);
};

/**
 * Ends the agent's session wherever it is, fences what it still sends, and lets its leases run out: its jobs are queued
 * again by the next sweep, and go to it when it comes back, or to another agent that has the connection.
 */
const shutOut = async (
  tx: Transaction,
  organisationId: string,
  agentId: string,
  epoch: number,
  why: { readonly closeCode: number; readonly message: string; readonly advice: string },
): Promise<void> => {
  await tx`update agent set epoch = epoch + 1, session_id = null
    where organisation_id = ${organisationId} and id = ${agentId}`;
  await tx`update attempt set lease_expires_at = now()
    where organisation_id = ${organisationId} and agent_id = ${agentId} and state = 'active'`;
  await wakeAgent(tx, organisationId, agentId, { end: { epoch, ...why } });
};

const announceAgent = async (tx: Transaction, organisationId: string, agentId: string): Promise<void> => {
  await announce(tx, organisationId, { name: 'agent', id: agentId });
  const connections = await tx<{ code: string }[]>`select code from connection
    where organisation_id = ${organisationId} and agent_id = ${agentId} order by code`;
  for (const { code } of connections) await announce(tx, organisationId, { name: 'connection', code });
};

/** Turns the agent away until it is enabled again; a session of it ends at once. @throws Fault `api.not_found`, `agent.revoked` */
export const disableAgent = (sql: Sql, organisationId: string, agentId: string): Promise<void> =>
  transact(sql, async (tx) => {
    const agent = await lockAgent(tx, organisationId, agentId);
    refuseRevoked(agent);
    await tx`update agent set disabled_at = coalesce(disabled_at, now())
      where organisation_id = ${organisationId} and id = ${agentId}`;
    await shutOut(tx, organisationId, agentId, agent.epoch, {
      closeCode: CLOSE.agentDisabled,
      message: 'This agent is disabled in the catalog.',
      advice: 'Ask an administrator to enable it.',
    });
    await announceAgent(tx, organisationId, agentId);
  });

/** Lets a disabled agent in again. @throws Fault `api.not_found`, `agent.revoked` */
export const enableAgent = (sql: Sql, organisationId: string, agentId: string): Promise<void> =>
  transact(sql, async (tx) => {
    refuseRevoked(await lockAgent(tx, organisationId, agentId));
    await tx`update agent set disabled_at = null where organisation_id = ${organisationId} and id = ${agentId}`;
    await announceAgent(tx, organisationId, agentId);
  });

/** Shuts the agent out for good, with all its keys. @throws Fault `api.not_found` */
export const revokeAgent = (sql: Sql, organisationId: string, agentId: string): Promise<void> =>
  transact(sql, async (tx) => {
    const { epoch } = await lockAgent(tx, organisationId, agentId);
    await tx`update agent set revoked_at = coalesce(revoked_at, now()), quarantined_at = null, renewal_asked_at = null
      where organisation_id = ${organisationId} and id = ${agentId}`;
    await tx`update agent_key set revoked_at = coalesce(revoked_at, now())
      where organisation_id = ${organisationId} and agent_id = ${agentId}`;
    await shutOut(tx, organisationId, agentId, epoch, {
      closeCode: CLOSE.unknownAgent,
      message: REVOKED,
      advice: ENROL_ANEW,
    });
    await announceAgent(tx, organisationId, agentId);
  });

/**
 * Revokes one key of an agent; a session that it opened ends at once. `evenLast`: also the only one that the agent has.
 *
 * @throws Fault `api.not_found`, `agent.last_key` when it is the only one and `evenLast` was not given
 */
export const revokeAgentKey = (
  sql: Sql,
  organisationId: string,
  agentId: string,
  keyId: string,
  evenLast: boolean,
): Promise<void> =>
  transact(sql, async (tx) => {
    const agent = await lockAgent(tx, organisationId, agentId);
    const keys = await tx<{ id: string; usable: boolean }[]>`
      select id, revoked_at is null and (valid_until is null or valid_until > now()) as usable
      from agent_key where organisation_id = ${organisationId} and agent_id = ${agentId} for update`;
    if (!keys.some(({ id }) => id === keyId)) throw new Fault('api.not_found', 'The agent has no such key.');
    if (!evenLast && !keys.some(({ id, usable }) => usable && id !== keyId))
      throw new Fault('agent.last_key', `It is the only key with which ${agent.name} can come in.`);
    await tx`update agent_key set revoked_at = coalesce(revoked_at, now())
      where organisation_id = ${organisationId} and agent_id = ${agentId} and id = ${keyId}`;
    // A key that was made for its successor is worth nothing without it: the successor becomes the latest.
    await tx`update agent_key set valid_until = null where organisation_id = ${organisationId} and agent_id = ${agentId}
      and id = (select id from agent_key where organisation_id = ${organisationId} and agent_id = ${agentId}
        and revoked_at is null and (valid_until is null or valid_until > now()) order by created_at desc limit 1)`;
    if (agent.sessionKeyId === keyId)
      await shutOut(tx, organisationId, agentId, agent.epoch, {
        closeCode: CLOSE.unknownAgent,
        message: 'The key of this agent was revoked.',
        advice: ENROL_ANEW,
      });
    await announceAgent(tx, organisationId, agentId);
  });

/** Wants the agent to make a new key: at once, or when it comes back. @throws Fault `api.not_found`, `agent.revoked` */
export const askForNewKey = (sql: Sql, organisationId: string, agentId: string): Promise<void> =>
  transact(sql, async (tx) => {
    refuseRevoked(await lockAgent(tx, organisationId, agentId));
    await tx`update agent set renewal_asked_at = now() where organisation_id = ${organisationId} and id = ${agentId}`;
    await wakeAgent(tx, organisationId, agentId, { ask: { type: 'key.renew' } });
    await announce(tx, organisationId, { name: 'agent', id: agentId });
  });

/**
 * Ends a quarantine: somebody says that only one of the processes still runs. If that is not so, it begins anew.
 *
 * @throws Fault `api.not_found`, `agent.revoked`
 */
export const releaseAgent = (sql: Sql, organisationId: string, agentId: string): Promise<void> =>
  transact(sql, async (tx) => {
    refuseRevoked(await lockAgent(tx, organisationId, agentId));
    await tx`update agent set quarantined_at = null, boot_id = null
      where organisation_id = ${organisationId} and id = ${agentId}`;
    await tx`delete from agent_boot where organisation_id = ${organisationId} and agent_id = ${agentId}`;
    await announceAgent(tx, organisationId, agentId);
  });
