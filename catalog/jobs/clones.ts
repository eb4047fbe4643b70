import { announce } from '#catalog/store/events.ts';
import type { Transaction } from '#catalog/store/sql.ts';
import { storable } from '#catalog/store/storable.ts';
import type { AgentStatus } from '#protocol/status.ts';

/** How long ago a process may have been seen to count. An agent that was superseded waits a minute before it returns. */
const WINDOW = '30 minutes';
/**
 * A process that ended never comes back, so each return is another process that lives. One may be a handshake that was
 * under way when its process ended, and makes the process after it return once, too; three cannot be that.
 */
const RETURNS = 3;
/** Processes of one agent that are kept in mind. */
const BOOTS = 20;

export interface Boot {
  readonly organisationId: string;
  readonly agentId: string;
  readonly bootId: string;
}

/**
 * Notes which process opens a session with the agent's identity. `before` is the process that had the last session. The
 * agent's row must be locked.
 *
 * @returns whether two processes take the identity from each other: then it is quarantined from now on.
 */
export const noteBoot = async (
  tx: Transaction,
  boot: Boot,
  before: string | null,
  sent: AgentStatus,
): Promise<boolean> => {
  const { organisationId, agentId, bootId } = boot;
  const { hostname, platform, machine = null } = storable(sent);
  const isReturn = before !== null && before !== bootId;
  await tx`
    insert into agent_boot as b (organisation_id, agent_id, boot_id, hostname, platform, machine)
    values (${organisationId}, ${agentId}, ${bootId}, ${hostname}, ${platform}, ${machine})
    on conflict (organisation_id, agent_id, boot_id) do update set last_seen_at = now(), hostname = excluded.hostname,
      platform = excluded.platform, machine = excluded.machine,
      returns = case when not ${isReturn} then b.returns
        when b.returned_at > now() - ${WINDOW}::interval then b.returns + 1 else 1 end,
      returned_at = case when ${isReturn} then now() else b.returned_at end`;
  await tx`delete from agent_boot where organisation_id = ${organisationId} and agent_id = ${agentId}
    and boot_id not in (select boot_id from agent_boot where organisation_id = ${organisationId}
      and agent_id = ${agentId} order by last_seen_at desc, boot_id limit ${BOOTS})`;
  const [flaps] = await tx<{ returns: number }[]>`
    select coalesce(sum(returns), 0)::int as returns from agent_boot where organisation_id = ${organisationId}
      and agent_id = ${agentId} and returned_at > now() - ${WINDOW}::interval`;
  if ((flaps?.returns ?? 0) < RETURNS) return false;
  await tx`update agent set quarantined_at = coalesce(quarantined_at, now()), session_id = null, epoch = epoch + 1
    where organisation_id = ${organisationId} and id = ${agentId}`;
  await tx`update attempt set lease_expires_at = now()
    where organisation_id = ${organisationId} and agent_id = ${agentId} and state = 'active'`;
  await announce(tx, organisationId, { name: 'agent', id: agentId });
  return true;
};
