import { useState } from 'preact/hooks';
import type { AgentDetail } from '#catalog/api/contract.ts';
import { announce } from '../announce.tsx';
import { call } from '../api.ts';
import { useLoad } from '../load.ts';
import { HealthBadge, IdentityWarning, StandingBadge } from '../parts/agent.tsx';
import { ConfirmTyped, Dialog, useAction } from '../parts/controls.tsx';
import { Crumbs } from '../parts/crumbs.tsx';
import { LogLevel } from '../parts/log-level.tsx';
import { Badge, ErrorPanel, Fact, Loading, Page } from '../parts/panels.tsx';
import { Name, When } from '../parts/text.tsx';

type Key = AgentDetail['keys'][number];
type Put = (agent: AgentDetail) => void;

const pathOf = (agent: AgentDetail, act: string): string => `/api/v1/agents/${encodeURIComponent(agent.id)}/${act}`;

/** A key is usable when nobody revoked it and no later one has outlived it. */
const isUsable = ({ revokedAt, validUntil }: Key): boolean =>
  revokedAt === null && (validUntil === null || Date.parse(validUntil) > Date.now());

const Act = ({
  agent,
  put,
  act,
  label,
  said,
}: {
  agent: AgentDetail;
  put: Put;
  act: string;
  label: string;
  said: string;
}) => {
  const { busy, problem, run } = useAction();
  return (
    <>
      <button
        type="button"
        aria-disabled={busy}
        onClick={() =>
          void run(async () => {
            put(await call<AgentDetail>('POST', pathOf(agent, act)));
            announce(said);
          })
        }
      >
        {label}
      </button>
      {problem && <ErrorPanel error={problem} title="That was not done" />}
    </>
  );
};

const Quarantine = ({ agent, put }: { agent: AgentDetail; put: Put }) => (
  <div class="panel bad" role="note">
    <p class="panel-title">Two machines use the identity of this agent</p>
    <p>
      They took the session from each other again and again, so neither is let in, and no job runs. Usually a machine or
      its state folder was copied. These programs used the identity lately:
    </p>
    <ul>
      {agent.boots.map((boot) => (
        <li key={boot.bootId}>
          <Name text={boot.hostname} /> <span class="quiet">{boot.platform}</span>
          {boot.machine !== null && (
            <span class="quiet">
              {' '}
              machine <code>{boot.machine.slice(0, 8)}</code>
            </span>
          )}
          , from <When time={boot.firstSeenAt} /> to <When time={boot.lastSeenAt} />
        </li>
      ))}
    </ul>
    <p>
      <strong>What to do:</strong> if a copy was started by mistake, stop it, run <code>culvert reset-identity</code> on
      it, and end the quarantine. If you cannot say which one is the original, or somebody may have stolen the identity,
      revoke the agent and enrol its machine anew. The agent comes back by itself within eight minutes.
    </p>
    <div class="actions">
      <Act
        agent={agent}
        put={put}
        act="release"
        label="The copy was stopped: end the quarantine"
        said="Quarantine ended."
      />
    </div>
  </div>
);

const Policy = ({ policy }: { policy: NonNullable<AgentDetail['policy']> }) => (
  <section class="card" aria-labelledby="policy">
    <h2 id="policy">What its own policy forbids</h2>
    <p>
      The file <code>{policy.file}</code> on the agent's machine bounds what this catalog may ask. It cannot be widened
      from here.
    </p>
    {policy.state !== 'in_force' && (
      <p>
        <Badge tone="red">Cannot be used</Badge> The file as it stands has errors: what held before still holds.
      </p>
    )}
    {policy.denies.length === 0 ? (
      <p class="quiet">Nothing.</p>
    ) : (
      <ul>
        {policy.denies.map((text) => (
          <li key={text}>
            <Name text={text} />
          </li>
        ))}
      </ul>
    )}
  </section>
);

const RevokeKey = ({
  agent,
  keyId,
  put,
  onClose,
}: {
  agent: AgentDetail;
  keyId: string;
  put: Put;
  onClose: () => void;
}) => {
  const { busy, problem, run } = useAction();
  const isLast = !agent.keys.some((key) => key.id !== keyId && isUsable(key));
  return (
    <Dialog title="Revoke this key?" onClose={onClose}>
      <p>
        Whoever has the key <code>{keyId.slice(0, 8)}</code> is turned away from now on, and a session that it opened
        ends at once. It cannot be undone.
      </p>
      {isLast && (
        <div class="panel warn" role="note">
          <p class="panel-title">It is the only key with which this agent can come in</p>
          <p>
            The agent then has to enrol again, as a new one. To go on without that, close this, ask for a new key, and
            revoke this one when the agent uses the new one.
          </p>
        </div>
      )}
      {problem && <ErrorPanel error={problem} title="Not revoked" />}
      <div class="actions end">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class="danger"
          aria-disabled={busy}
          onClick={async () => {
            const path = pathOf(agent, `keys/${encodeURIComponent(keyId)}/revoke`);
            const done = await run(async () =>
              put(await call<AgentDetail>('POST', path, { body: { lastKey: isLast } })),
            );
            if (!done) return;
            announce('Key revoked.');
            onClose();
          }}
        >
          {isLast ? 'Revoke the only key' : 'Revoke key'}
        </button>
      </div>
    </Dialog>
  );
};

const KeyState = ({ agentKey }: { agentKey: Key }) => {
  const { revokedAt, validUntil, inUse } = agentKey;
  if (revokedAt !== null)
    return (
      <>
        <Badge tone="red">Revoked</Badge> <When time={revokedAt} />
      </>
    );
  if (validUntil === null) return <Badge tone="green">{inUse ? 'In use' : 'Valid'}</Badge>;
  return isUsable(agentKey) ? (
    <>
      <Badge tone="amber">{inUse ? 'In use, replaced' : 'Replaced'}</Badge> valid until <When time={validUntil} />
    </>
  ) : (
    <Badge tone="grey">Ended</Badge>
  );
};

const Keys = ({ agent, put }: { agent: AgentDetail; put: Put }) => {
  const [revoking, setRevoking] = useState<string>();
  return (
    <section class="card" aria-labelledby="keys">
      <h2 id="keys">Keys</h2>
      <p>
        The agent proves who it is with a key that never leaves its machine. It makes a new one by itself when one is 45
        days old; the old one is valid for a day more.
      </p>
      <table class="stacks">
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">State</th>
            <th scope="col">Registered</th>
            <th scope="col">Last used</th>
            <th scope="col">
              <span class="unseen">Revoke</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {agent.keys.map((key) => (
            <tr key={key.id}>
              <th scope="row" data-label="Key">
                <code title={key.id}>{key.id.slice(0, 8)}</code>
              </th>
              <td data-label="State">
                <KeyState agentKey={key} />
              </td>
              <td data-label="Registered">
                <When time={key.createdAt} />
              </td>
              <td data-label="Last used">
                {key.lastUsedAt === null ? <span class="quiet">never</span> : <When time={key.lastUsedAt} />}
              </td>
              <td class="row-action">
                {isUsable(key) && (
                  <button type="button" class="small quiet-danger" onClick={() => setRevoking(key.id)}>
                    Revoke…<span class="unseen"> key {key.id.slice(0, 8)}</span>
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {agent.standing !== 'revoked' && (
        <div class="actions">
          {agent.renewalAskedAt === null ? (
            <Act
              agent={agent}
              put={put}
              act="renew-key"
              label="Ask for a new key"
              said="The agent was asked for a new key."
            />
          ) : (
            <p class="quiet">
              A new key was asked for <When time={agent.renewalAskedAt} />; the agent makes it as soon as it is
              connected.
            </p>
          )}
        </div>
      )}
      {revoking !== undefined && (
        <RevokeKey agent={agent} keyId={revoking} put={put} onClose={() => setRevoking(undefined)} />
      )}
    </section>
  );
};

const ShutOut = ({ agent, put }: { agent: AgentDetail; put: Put }) => {
  const [revoking, setRevoking] = useState(false);
  if (agent.standing === 'revoked') return null;
  const disabled = agent.standing === 'disabled';
  return (
    <section class="card" aria-labelledby="shut-out">
      <h2 id="shut-out">Shut the agent out</h2>
      <p>
        A disabled agent is turned away until it is enabled again; its session ends at once and its jobs wait, or go to
        another agent that has the connection. Revoking is for good: for a machine that is gone, or an identity that may
        be in other hands.
      </p>
      <div class="actions">
        {disabled ? (
          <Act agent={agent} put={put} act="enable" label="Enable" said="The agent is enabled." />
        ) : (
          <Act agent={agent} put={put} act="disable" label="Disable" said="The agent is disabled." />
        )}
        <button type="button" class="quiet-danger" onClick={() => setRevoking(true)}>
          Revoke…
        </button>
      </div>
      {revoking && (
        <ConfirmTyped
          title="Revoke this agent for good?"
          word={agent.name}
          action="Revoke agent"
          onClose={() => setRevoking(false)}
          onConfirm={async () => {
            put(await call<AgentDetail>('POST', pathOf(agent, 'revoke'), { body: { confirm: agent.name } }));
            announce('The agent is revoked.');
          }}
        >
          <p>
            All its keys are refused from now on. What it published stays. To use its machine again, run{' '}
            <code>culvert reset-identity</code> there and enrol it with a new token.
          </p>
        </ConfirmTyped>
      )}
    </section>
  );
};

/** One agent: what it is, which keys it has, what its policy forbids, and how to shut it out. */
export const AgentPage = ({ id }: { id: string }) => {
  const { data, problem, reload } = useLoad<AgentDetail>(
    `/api/v1/agents/${encodeURIComponent(id)}`,
    (change) => change.name === 'agent' && change.id === id,
  );
  const put = (): void => void reload();
  return (
    <Page title={data?.name ?? 'Agent'} above={<Crumbs places={[{ href: '/agents', name: 'Agents' }]} />}>
      {problem && <ErrorPanel error={problem} title="The agent could not be read" onRetry={() => void reload()} />}
      {data === undefined ? (
        problem === undefined && <Loading what="the agent" />
      ) : (
        <>
          {data.standing === 'quarantined' ? (
            <Quarantine agent={data} put={put} />
          ) : (
            <IdentityWarning standing={data.standing} keyEndsAt={data.replacedKeyEndsAt} />
          )}
          {data.faults.map((fault) => (
            <ErrorPanel key={fault.message} error={fault} standing title="The agent says" />
          ))}
          <dl class="facts">
            <Fact label="State">
              <StandingBadge standing={data.standing} /> <HealthBadge health={data.health} />
            </Fact>
            <Fact label="Last seen">
              {data.lastSeenAt === null ? <span class="quiet">never</span> : <When time={data.lastSeenAt} />}
            </Fact>
            <Fact label="Host">
              {data.hostname === null ? <span class="quiet">–</span> : <Name text={data.hostname} />}
              {data.platform !== null && <span class="quiet"> {data.platform}</span>}
            </Fact>
            {data.link !== null && (
              <Fact label="Link">
                {data.link.transport === 'polling' ? 'HTTPS long polling' : 'WebSocket'}
                <span class="quiet">
                  {' '}
                  <Name text={data.link.why} />
                </span>
              </Fact>
            )}
            <Fact label="Version">{data.version ?? <span class="quiet">–</span>}</Fact>
            <Fact label="Enrolled">
              <When time={data.enrolledAt} />
            </Fact>
            <Fact label="Id">
              <code>{data.id}</code>
            </Fact>
          </dl>
          {data.policy !== null && <Policy policy={data.policy} />}
          {data.standing !== 'revoked' && (
            <section class="card" aria-labelledby="logs">
              <h2 id="logs">Logs</h2>
              <p>
                The agent keeps its logs on its own machine. For a while it can write down more, to find out what goes
                wrong; then it goes back by itself. What was asked for stands in its audit log.
              </p>
              {data.health !== 'online' && <p class="quiet">It is not connected: it can be asked as soon as it is.</p>}
              <LogLevel agent={data} />
            </section>
          )}
          <Keys agent={data} put={put} />
          <ShutOut agent={data} put={put} />
        </>
      )}
    </Page>
  );
};
