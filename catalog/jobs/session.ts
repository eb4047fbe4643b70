import { randomUUID } from 'node:crypto';
import type { AgentSession, Ask, GatewayBackend, HeldVerdict, Refusal } from '#catalog/gateway/backend.ts';
import { announce, wakeAgent } from '#catalog/store/events.ts';
import { storeReport } from '#catalog/store/reports.ts';
import { successorsOf } from '#catalog/store/signing-keys.ts';
import { type Sql, type Transaction, transact } from '#catalog/store/sql.ts';
import { isStorable, storable } from '#catalog/store/storable.ts';
import { CLOSE, LIMITS } from '#protocol/constants.ts';
import { ERROR_KINDS } from '#protocol/errors.ts';
import { challenge } from '#protocol/messages.ts';
import type { AgentStatus } from '#protocol/status.ts';
import { noteBoot } from './clones.ts';
import { signatureHolds } from './ed25519.ts';
import { loseAttempt, prolong } from './lease.ts';

type Auth = Parameters<GatewayBackend['authenticate']>[0];
type Proof = Parameters<GatewayBackend['authenticate']>[1];

const refuse = (closeCode: number, message: string, advice: string) => ({ refused: { closeCode, message, advice } });

/** The agent as it was before. */
interface AgentRow {
  readonly epoch: number;
  readonly bootId: string | null;
  readonly disabled: boolean;
  readonly revoked: boolean;
  readonly quarantined: boolean;
  readonly renewalAsked: boolean;
  readonly catalogKeyId: string | null;
}

const QUARANTINED: Refusal = {
  closeCode: CLOSE.duplicateIdentity,
  message: 'Two machines use the identity of this agent: neither is let in.',
  advice:
    'On the copy run `culvert reset-identity`, then enrol it; then an administrator ends the quarantine under Agents in the catalog.',
};

/**
 * Opens a session: verifies the signature, raises the agent's epoch (older sessions can do nothing from then on), stores
 * the status and says of each attempt in the agent's spool whether it goes on. What the catalog believed the agent to
 * hold and it does not is queued again.
 */
export const authenticate = async (sql: Sql, auth: Auth, proof: Proof) => {
  const unknown = refuse(
    CLOSE.unknownAgent,
    'The catalog does not know this agent or its key.',
    ERROR_KINDS['bridge.identity_refused'].advice,
  );
  if (![auth.agentId, auth.keyId, auth.bootId, auth.version, auth.status.machine ?? ''].every(isStorable))
    return unknown;
  const [agent] = await sql<{ organisationId: string; publicKey: Buffer; usable: boolean }[]>`
    select a.organisation_id as "organisationId", k.public_key as "publicKey",
      k.revoked_at is null and (k.valid_until is null or k.valid_until > now()) as usable
    from agent a
      join agent_key k on k.organisation_id = a.organisation_id and k.agent_id = a.id and k.id = ${auth.keyId}
    where a.id = ${auth.agentId}`;
  if (!agent?.usable) return unknown;
  if (!signatureHolds(agent.publicKey, challenge(proof.host, proof.nonce, auth.agentId, auth.bootId), auth.signature))
    return refuse(
      CLOSE.badSignature,
      'The signature does not belong to this agent.',
      'Check that the agent reaches the catalog by its own name, and enrol it again if its key was replaced.',
    );

  const { organisationId } = agent;
  const sessionId = randomUUID();
  return await transact(sql, async (tx) => {
    const [before] = await tx<AgentRow[]>`
      select a.epoch::float8 as epoch, a.boot_id as "bootId", a.disabled_at is not null as disabled,
        a.revoked_at is not null as revoked, a.quarantined_at is not null as quarantined,
        a.renewal_asked_at is not null as "renewalAsked", a.catalog_key_id as "catalogKeyId"
      from agent a where a.organisation_id = ${organisationId} and a.id = ${auth.agentId} for update`;
    // Looked at again under the lock: it may have been revoked since the signature was checked.
    const [key] = await tx<
      { endsAt: Date | null }[]
    >`update agent_key set last_used_at = now() where organisation_id = ${organisationId}
      and agent_id = ${auth.agentId} and id = ${auth.keyId} and revoked_at is null
      and (valid_until is null or valid_until > now()) returning valid_until as "endsAt"`;
    if (!before || !key || before.revoked) return unknown;
    if (before.disabled)
      return refuse(
        CLOSE.agentDisabled,
        'This agent is disabled in the catalog.',
        'Ask an administrator to enable it.',
      );
    const boot = { organisationId, agentId: auth.agentId, bootId: auth.bootId };
    if (await noteBoot(tx, boot, before.bootId, auth.status)) {
      if (!before.quarantined)
        await wakeAgent(tx, organisationId, auth.agentId, { end: { epoch: before.epoch, ...QUARANTINED } });
      return { refused: QUARANTINED };
    }
    if (before.quarantined) return { refused: QUARANTINED };
    const follows = auth.capabilities.includes('catalogKey');
    const [row] = await tx<{ epoch: number }[]>`
      update agent set epoch = epoch + 1, session_id = ${sessionId}, boot_id = ${auth.bootId}, last_seen_at = now(),
        announced_health = 'online', session_key_id = ${auth.keyId}, machine = ${auth.status.machine ?? null},
        signing_key_id = case when not ${follows} then catalog_key_id else (select k.id from catalog_key k
          where k.organisation_id = ${organisationId} and k.retired_at is null) end
      where organisation_id = ${organisationId} and id = ${auth.agentId} returning epoch::float8 as epoch`;
    if (!row) return unknown;
    const asks: Ask[] =
      follows && before.catalogKeyId !== null ? await successorsOf(tx, organisationId, before.catalogKeyId) : [];
    if (before.renewalAsked) asks.push({ type: 'key.renew' });
    const { agentId, challenge } = auth;
    const session: AgentSession = { organisationId, agentId, sessionId, epoch: row.epoch, challenge };
    await storeStatus(tx, session, auth.status);
    const jobs: HeldVerdict[] = [];
    for (const held of [...auth.jobs].sort((a, b) => (a.jobId < b.jobId ? -1 : 1))) {
      const storableLease = isStorable(held.jobId) && isStorable(held.leaseToken);
      const { standing, durableSeq, published } = storableLease
        ? await prolong(tx, session, held)
        : { standing: 'lost' as const, durableSeq: 0, published: undefined };
      const goesOn = standing === 'held' || standing === 'cancelling';
      jobs.push({
        jobId: held.jobId,
        attempt: held.attempt,
        verdict: goesOn ? 'continue' : standing,
        durableSeq,
        publishedScopes: goesOn ? await publishedScopes(tx, organisationId, held.jobId, held.attempt) : [],
        cancel: standing === 'cancelling',
        published,
      });
    }
    const believed = await tx<{ jobId: string; attempt: number }[]>`
      select job_id as "jobId", attempt from attempt
      where organisation_id = ${organisationId} and agent_id = ${auth.agentId} and state = 'active' order by job_id`;
    for (const { jobId, attempt } of believed)
      if (!jobs.some((job) => job.jobId === jobId && job.attempt === attempt))
        await loseAttempt(tx, organisationId, jobId, attempt);
    return { session, jobs, asks, replacedKeyEndsAt: key.endsAt };
  });
};

const publishedScopes = async (
  tx: Transaction,
  organisationId: string,
  jobId: string,
  attempt: number,
): Promise<string[]> => {
  const rows = await tx<{ scope: string }[]>`select scope from published_scope
    where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt} order by scope limit ${LIMITS.publishedScopes}`;
  return rows.map((row) => row.scope);
};

const storeStatus = async (tx: Transaction, session: AgentSession, sent: AgentStatus): Promise<void> => {
  const status = storable(sent);
  await tx`update agent set version = ${status.version}, hostname = ${status.hostname}, platform = ${status.platform},
      status = ${JSON.stringify(status)}::text::jsonb, last_seen_at = now()
    where organisation_id = ${session.organisationId} and id = ${session.agentId}`;
  await storeReport(tx, session.organisationId, session.agentId, status);
};

/** Takes in what the agent says of itself and its connection files; an older session's word counts for nothing. */
export const takeStatus = (sql: Sql, session: AgentSession, status: AgentStatus): Promise<void> =>
  transact(sql, async (tx) => {
    // Not shared but for update: the row is written next, and two shared locks that both want more would wait in a circle.
    const rows = await tx`select from agent where organisation_id = ${session.organisationId}
      and id = ${session.agentId} and epoch = ${session.epoch} for update`;
    if (rows.length > 0) await storeStatus(tx, session, status);
  });

/** The session is closed. Its leases stay until they run out: the agent usually comes back. */
export const endAgentSession = (sql: Sql, session: AgentSession): Promise<void> =>
  transact(sql, async (tx) => {
    const rows = await tx`update agent set session_id = null
      where organisation_id = ${session.organisationId} and id = ${session.agentId}
        and session_id = ${session.sessionId} returning id`;
    if (rows.length > 0) await announce(tx, session.organisationId, { name: 'agent', id: session.agentId });
  });

/** A heartbeat: the agent lives, and these leases go on. */
export const renew = (
  sql: Sql,
  session: AgentSession,
  leases: Parameters<GatewayBackend['renew']>[1],
): ReturnType<GatewayBackend['renew']> =>
  transact(sql, async (tx) => {
    const [agent] = await tx<{ before: string }[]>`
      with before as (select announced_health from agent where organisation_id = ${session.organisationId}
        and id = ${session.agentId} and epoch = ${session.epoch} for update)
      update agent a set last_seen_at = now(), session_id = ${session.sessionId}, announced_health = 'online'
      from before where a.organisation_id = ${session.organisationId} and a.id = ${session.agentId}
        and a.epoch = ${session.epoch} returning before.announced_health as before`;
    if (!agent) return { lost: [], cancelled: [], current: false };
    if (agent.before !== 'online') await announce(tx, session.organisationId, { name: 'agent', id: session.agentId });
    const lost: { jobId: string; attempt: number }[] = [];
    const cancelled: { jobId: string; attempt: number }[] = [];
    for (const lease of [...leases].sort((a, b) => (a.jobId < b.jobId ? -1 : 1))) {
      const name = { jobId: lease.jobId, attempt: lease.attempt };
      const standing =
        isStorable(lease.jobId) && isStorable(lease.leaseToken) ? (await prolong(tx, session, lease)).standing : 'lost';
      if (standing === 'cancelling') cancelled.push(name);
      else if (standing !== 'held') lost.push(name);
    }
    return { lost, cancelled, current: true };
  });
