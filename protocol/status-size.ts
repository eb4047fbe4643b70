import { LIMITS } from './constants.ts';
import { controlBytes } from './control.ts';
import type { AgentStatus } from './status.ts';

/** Half of a control frame: `auth` carries the held jobs beside the status. */
const STATUS_BYTES = LIMITS.controlBytes / 2;

const size = (status: AgentStatus): number => controlBytes(JSON.stringify(status));

/**
 * A status that fits into a control frame. An agent with very many connections or problems tells of fewer problems first
 * (the first of each file are kept, they are what a person mends first), then of fewer connections, rather than nothing.
 */
export const fitStatus = (status: AgentStatus): AgentStatus => {
  let fitted = status;
  for (let problems = 32; size(fitted) > STATUS_BYTES && problems >= 1; problems >>= 1) {
    const kept = problems;
    fitted = {
      ...status,
      connections: status.connections.map((c) => ({
        ...c,
        description: c.description?.slice(0, 200) ?? null,
        accessNotes: c.accessNotes?.slice(0, 200) ?? null,
        problems: c.problems.slice(0, kept),
      })),
    };
  }
  for (let keep = fitted.connections.length; size(fitted) > STATUS_BYTES && keep > 0; ) {
    keep >>= 1;
    fitted = {
      ...fitted,
      connections: fitted.connections.slice(0, keep),
      omittedConnections: status.connections.length - keep,
    };
  }
  return fitted;
};
