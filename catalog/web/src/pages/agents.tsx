import { useState } from 'preact/hooks';
import type { Agent } from '#catalog/api/contract.ts';
import { call } from '../api.ts';
import { number } from '../format.ts';
import { usePages } from '../load.ts';
import { HealthBadge, IdentityWarning, StandingBadge } from '../parts/agent.tsx';
import { LoadMore, Snippet, useAction } from '../parts/controls.tsx';
import { LogLevel } from '../parts/log-level.tsx';
import { Empty, ErrorPanel, Loading, Page } from '../parts/panels.tsx';
import { Name, When } from '../parts/text.tsx';
import type { EnrolmentToken } from '../shapes.ts';

/** What an agent's fault is about. */
const titleOf = (code: string): string => {
  if (code.startsWith('spool.')) return 'The agent waits';
  if (code === 'bridge.other_machine') return 'Its state folder comes from another machine';
  return code.startsWith('policy.') ? 'Its policy has an error' : 'Its settings have an error';
};

/** What to write and to type on the agent's machine, for the address under which this page was reached. */
const instructions = ({ protocol, host }: Location) => ({
  settings: `gateway.url = "${protocol === 'https:' ? 'wss' : 'ws'}://${host}"
connections = "connections"   # the folder that is watched
state       = "state"         # keys and spool; keep it private
`,
  // The token goes in by standard input: an argument would be seen by everyone who lists the machine's processes.
  linux: `umask 077; cat > token.txt   # paste the token, press Enter, then Ctrl+D
npm run --silent culvert -- enroll --config agent.conf < token.txt && rm token.txt
npm run --silent culvert -- run --config agent.conf
`,
  windows: `Get-Clipboard | npm run --silent culvert -- enroll --config agent.conf
npm run --silent culvert -- run --config agent.conf
`,
});

const AddAgent = () => {
  const { busy, problem, run } = useAction();
  const [made, setMade] = useState<EnrolmentToken>();
  const { settings, linux, windows } = instructions(location);
  return (
    <section class="card" aria-labelledby="add-agent">
      <h2 id="add-agent">Add an agent</h2>
      <p>
        An agent runs where your Qlik Sense site is reached, and dials out to this catalog. When it enrols it makes a
        key pair of its own; the private key never leaves its machine.
      </p>
      <ol class="steps">
        <li>
          <p>Make a token. It gives one agent the right to enrol.</p>
          {made === undefined ? (
            <button
              type="button"
              class="primary"
              aria-disabled={busy}
              onClick={() =>
                void run(async () => setMade(await call<EnrolmentToken>('POST', '/api/v1/enrolment-tokens')))
              }
            >
              {busy ? 'Making a token…' : 'Make a one-time token'}
            </button>
          ) : (
            <div role="status">
              <p>
                Copy it now: it is shown only once, works once, and ends <When time={made.expiresAt} />.
              </p>
              <Snippet id="enrolment-token" text={made.token} what="One-time token" />
            </div>
          )}
          {problem && <ErrorPanel error={problem} title="No token was made" />}
        </li>
        <li>
          <p>
            On the agent's machine, write <code>agent.conf</code>:
          </p>
          <Snippet id="agent-conf" text={settings} what="Settings of the agent" />
        </li>
        <li>
          <p>
            Enrol and start it. The token is read from standard input, a file or <code>CULVERT_ENROL_TOKEN</code>; never
            write it on the command line.
          </p>
          <h3>Linux</h3>
          <Snippet id="enrol-linux" text={linux} what="Commands for Linux" />
          <h3>Windows: PowerShell, with the token on the clipboard</h3>
          <Snippet id="enrol-windows" text={windows} what="Commands for Windows" />
        </li>
      </ol>
    </section>
  );
};

const Bypass = () => (
  <div class="panel warn loud" role="note">
    <p class="panel-title">Certificate validation is switched off</p>
    <p>
      This agent does not check the certificate of the catalog: whoever sits between can read what it sends. Trust the
      authority in <code>tls.truststore.path</code> of its <code>agent.conf</code> instead and remove{' '}
      <code>tls.bypass_certificate_validation</code>.
    </p>
  </div>
);

const Polling = ({ why }: { why: string }) => (
  <div class="panel warn" role="note">
    <p class="panel-title">Connected by HTTPS long polling</p>
    <p>
      <Name text={why} />. Everything works, only slower; the agent tries a WebSocket again each hour. On its machine,{' '}
      <code>culvert doctor --link</code> shows where it stops.
    </p>
  </div>
);

export const AgentsPage = () => {
  const { data, problem, reload, more, busy } = usePages<Agent>(
    '/api/v1/agents',
    (change) => change.name === 'agent' || change.name === 'connection',
  );
  return (
    <Page title="Agents">
      {problem && <ErrorPanel error={problem} title="The agents could not be read" onRetry={() => void reload()} />}
      {data === undefined ? (
        problem === undefined && <Loading what="the agents" />
      ) : data.length === 0 ? (
        <Empty title="No agent yet">
          <p>Add the first one below, on a machine that reaches your Qlik Sense site.</p>
        </Empty>
      ) : (
        <table class="stacks">
          <thead>
            <tr>
              <th scope="col">Agent</th>
              <th scope="col">Health</th>
              <th scope="col">Last seen</th>
              <th scope="col">Host</th>
              <th scope="col">Version</th>
              <th scope="col">Connections</th>
              <th scope="col">Enrolled</th>
            </tr>
          </thead>
          <tbody>
            {data.map((agent) => {
              return (
                <tr key={agent.id}>
                  <th scope="row" data-label="Agent">
                    <a href={`/agents/${encodeURIComponent(agent.id)}`}>
                      <Name text={agent.name} />
                    </a>
                  </th>
                  <td data-label="Health">
                    <StandingBadge standing={agent.standing} /> <HealthBadge health={agent.health} />
                    {agent.faults.map((fault) => (
                      <ErrorPanel key={fault.message} error={fault} title={titleOf(fault.code)} />
                    ))}
                    <IdentityWarning standing={agent.standing} keyEndsAt={agent.replacedKeyEndsAt} id={agent.id} />
                    {agent.bypassCertificateValidation && <Bypass />}
                    {agent.link?.transport === 'polling' && <Polling why={agent.link.why} />}
                    <LogLevel agent={agent} />
                  </td>
                  <td data-label="Last seen">
                    {agent.lastSeenAt === null ? <span class="quiet">never</span> : <When time={agent.lastSeenAt} />}
                  </td>
                  <td data-label="Host">
                    {agent.hostname === null ? <span class="quiet">–</span> : <Name text={agent.hostname} />}
                    {agent.platform !== null && <span class="quiet"> {agent.platform}</span>}
                  </td>
                  <td data-label="Version">{agent.version ?? <span class="quiet">–</span>}</td>
                  <td data-label="Connections">{number(agent.connections)}</td>
                  <td data-label="Enrolled">
                    <When time={agent.enrolledAt} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      <LoadMore more={more} busy={busy} what="agents" />
      <AddAgent />
    </Page>
  );
};
