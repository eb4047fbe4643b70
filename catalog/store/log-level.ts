import { Fault } from '#protocol/errors.ts';
import { health } from './agents.ts';
import { wakeAgent } from './events.ts';
import { type Sql, transact } from './sql.ts';

/** What an agent may be asked to log, from the most on. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/**
 * Asks an agent that has a session to log more for a while; 0 ends that. It is not kept: an agent that is away is not asked
 * later, as nobody would remember why.
 *
 * @throws Fault `api.not_found`, `job.agent_offline`
 */
export const askLogLevel = (
  sql: Sql,
  organisationId: string,
  agentId: string,
  level: (typeof LOG_LEVELS)[number],
  forMs: number,
): Promise<void> =>
  transact(sql, async (tx) => {
    const [agent] = await tx<{ name: string; health: string }[]>`
      select a.name, ${health(tx)} as health from agent a
      where a.organisation_id = ${organisationId} and a.id = ${agentId}`;
    if (!agent) throw new Fault('api.not_found', 'There is no such agent.');
    if (agent.health !== 'online')
      throw new Fault('job.agent_offline', `The agent ${agent.name} has no session now, so it cannot be asked.`, {
        advice: 'Ask again when it is online; on its machine, set log.level in agent.conf instead.',
      });
    await wakeAgent(tx, organisationId, agentId, { ask: { type: 'log.level', level, forMs } });
  });
