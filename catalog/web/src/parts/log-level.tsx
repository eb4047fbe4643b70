import type { Agent } from '#catalog/api/contract.ts';
import { call } from '../api.ts';
import { useNow } from '../format.ts';
import { useAction } from './controls.tsx';
import { ErrorPanel } from './panels.tsx';
import { Clock, Name } from './text.tsx';

const MINUTES = 30;

/** Asks an agent for more detailed logs for a while, and shows until when it gives them, or why it does not. */
export const LogLevel = ({ agent }: { agent: Agent }) => {
  const { busy, problem, run } = useAction();
  const now = useNow();
  const { until = null, refused = null } = agent.logLevel ?? {};
  const raised = until !== null && Date.parse(until) > now;
  const ask = (minutes: number) =>
    run(() =>
      call('POST', `/api/v1/agents/${encodeURIComponent(agent.id)}/log-level`, { body: { level: 'debug', minutes } }),
    );
  return (
    <div class="log-level">
      {raised && (
        <p class="quiet">
          Detailed logs until <Clock time={until} />, on its own machine.
        </p>
      )}
      {refused !== null && (
        <p class="quiet">
          Its policy keeps the log as it is: <Name text={refused} />
        </p>
      )}
      {agent.health === 'online' && (
        <button type="button" class="small" aria-disabled={busy} onClick={() => void ask(raised ? 0 : MINUTES)}>
          {raised ? 'Back to the usual logs' : `More detailed logs for ${MINUTES} minutes`}
        </button>
      )}
      {problem && <ErrorPanel error={problem} title="The agent was not asked" />}
    </div>
  );
};
