import type { Agent } from '#catalog/api/contract.ts';
import { Badge, type Tone } from './panels.tsx';

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
