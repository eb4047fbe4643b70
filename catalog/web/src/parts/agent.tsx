import type { Agent } from '#catalog/api/contract.ts';
import { Badge, type Tone } from './panels.tsx';
import { When } from './text.tsx';

const HEALTH = {
  online: ['green', 'Online', 'a heartbeat came lately'],
  late: ['amber', 'Late', 'no heartbeat for 30 seconds'],
  offline: ['red', 'Offline', 'no heartbeat for two minutes'],
  new: ['grey', 'New', 'enrolled, never seen since'],
} as const satisfies Record<Agent['health'], readonly [Tone, string, string]>;

const STANDING = {
  disabled: ['amber', 'Disabled', 'turned away until somebody enables it'],
  revoked: ['red', 'Revoked', 'shut out for good'],
  quarantined: ['red', 'Quarantined', 'two machines use its identity; neither is let in'],
} as const satisfies Record<Exclude<Agent['standing'], 'trusted'>, readonly [Tone, string, string]>;

/** Whether the agent is there. */
export const HealthBadge = ({ health }: { health: Agent['health'] }) => {
  const [tone, word, meaning] = HEALTH[health];
  return (
    <span title={meaning}>
      <Badge tone={tone}>{word}</Badge>
    </span>
  );
};

/** Whether the agent may come in; nothing when it may. */
export const StandingBadge = ({ standing }: { standing: Agent['standing'] }) => {
  if (standing === 'trusted') return null;
  const [tone, word, meaning] = STANDING[standing];
  return (
    <span title={meaning}>
      <Badge tone={tone}>{word}</Badge>
    </span>
  );
};

/**
 * What an administrator has to look into before anything else: two machines with one identity, or a session with a key that
 * somebody replaced. Nothing when all is well.
 *
 * @param id of the agent, for a way to its page; absent on that page itself
 */
export const IdentityWarning = ({
  standing,
  keyEndsAt,
  id,
}: {
  standing: Agent['standing'] | null;
  keyEndsAt: string | null;
  id?: string | null;
}) => {
  const way = id != null && <a href={`/agents/${encodeURIComponent(id)}`}>Look at the agent and its keys</a>;
  if (standing === 'quarantined')
    return (
      <div class="panel bad" role="note">
        <p class="panel-title">Two machines use the identity of this agent</p>
        <p>Neither is let in, and no job runs, until somebody says which one is the original. {way}</p>
      </div>
    );
  if (keyEndsAt === null) return null;
  return (
    <div class="panel bad" role="note">
      <p class="panel-title">This agent came in with a key that was replaced: perhaps its key was stolen</p>
      <p>
        A newer key was made with the identity of this agent, and this machine does not have it. The old key ends{' '}
        <When time={keyEndsAt} />.
      </p>
      <p>
        <strong>What to do:</strong> if its disk was restored from a backup or the machine was copied, ask for a new key
        before that time. If nobody did so, somebody else has its key: revoke the agent and enrol the machine anew.{' '}
        {way}
      </p>
    </div>
  );
};
