import type { Connection } from '#catalog/api/contract.ts';
import { announce } from '../announce.tsx';
import { call } from '../api.ts';
import { connectionLink } from '../kinds.ts';
import { useAction } from '../parts/controls.tsx';
import { ErrorPanel } from '../parts/panels.tsx';
import { Name } from '../parts/text.tsx';

interface Props {
  connection: Connection;
  reload: () => Promise<void>;
}

/** The file's code was changed: without this, the assets would start again under new keys. */
export const TakeOver = ({ connection, reload }: Props) => {
  const { busy, problem, run } = useAction();
  const from = connection.takeOver;
  if (from === null) return null;
  return (
    <div class="panel info">
      <p class="panel-title">
        The code of this file was changed from <code>{from}</code>
      </p>
      <p>
        A new code is a new connection. Take over to keep the assets of <code>{from}</code> and their history under the
        new code; leave it to start afresh.
      </p>
      <div class="actions">
        <button
          type="button"
          aria-disabled={busy}
          onClick={() =>
            void run(async () => {
              await call('POST', `/api/v1${connectionLink(connection.code)}/take-over`, { body: { from } });
              announce(`${connection.code} has taken over the assets of ${from}.`);
              await reload();
            })
          }
        >
          {busy ? 'Taking over…' : `Take over the assets of ${from}`}
        </button>
      </div>
      {problem && <ErrorPanel error={problem} title="Nothing was taken over" />}
    </div>
  );
};

/** Other agents that have a file with this code; each waits until it is told to take over. */
export const Standby = ({ connection, reload }: Props) => {
  const { busy, problem, run } = useAction();
  if (connection.standby.length === 0) return null;
  return (
    <div class="panel info">
      <p class="panel-title">
        {connection.standby.length === 1 ? 'Another agent stands by' : `${connection.standby.length} agents stand by`}
      </p>
      <p>
        Each has a file with the code <code>{connection.code}</code>. The first agent that reported it keeps it; assign
        it to another to move the work there.
      </p>
      <ul class="rows">
        {connection.standby.map(({ agentId, agentName }) => (
          <li key={agentId}>
            <Name text={agentName} />
            <button
              type="button"
              class="small"
              aria-disabled={busy}
              onClick={() =>
                void run(async () => {
                  await call('POST', `/api/v1${connectionLink(connection.code)}/assign`, { body: { agentId } });
                  announce(`${connection.code} is now with ${agentName}.`);
                  await reload();
                })
              }
            >
              Assign<span class="unseen"> to {agentName}</span>
            </button>
          </li>
        ))}
      </ul>
      {problem && <ErrorPanel error={problem} title="Not assigned" />}
    </div>
  );
};
