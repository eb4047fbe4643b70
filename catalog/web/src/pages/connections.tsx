import type { BrokenFile } from '#catalog/api/contract.ts';
import { useLoad } from '../load.ts';
import { Snippet } from '../parts/controls.tsx';
import { Badge, Empty, ErrorPanel, Loading, Page } from '../parts/panels.tsx';
import { Problems } from '../parts/problems.tsx';
import { Name } from '../parts/text.tsx';
import type { AgentList, ConnectionList } from '../shapes.ts';
import { ConnectionCard, verdict } from './connection-card.tsx';

const EXAMPLE = `name = "Qlik production"
code = "prod"
connector_id = "qlik-sense"
connection {
  url = "https://qlik.example.com/catalog"   # with the prefix of the virtual proxy
  auth.key = "X-Catalog-User"                # its header name
  auth.value = """CORP\\svc_catalog"""
}
`;

const Broken = ({ file }: { file: BrokenFile }) => (
  <li class="card red">
    <div class="card-head">
      <h2>
        <bdi>{file.status.file}</bdi>
      </h2>
      <Badge tone="red">File cannot be read</Badge>
    </div>
    <p class="quiet">
      On agent <Name text={file.agentName} />. No version of this file could be read yet, so it is no connection.
    </p>
    <Problems problems={file.status.problems} />
  </li>
);

const NothingYet = () => {
  const { data } = useLoad<AgentList>('/api/v1/agents', (change) => change.name === 'agent');
  if (data === undefined) return null;
  if (data.items.length === 0)
    return (
      <Empty title="No agent yet">
        <p>
          An agent runs inside the network of your Qlik Sense site and brings its metadata here. It needs only an
          outbound connection.
        </p>
        <p>
          <a class="button primary" href="/agents">
            Add the first agent
          </a>
        </p>
      </Empty>
    );
  return (
    <Empty title="No connection yet">
      <p>
        Put a connection file, for example <code>prod.conf</code>, into the connections folder of an agent. It appears
        here within seconds.
      </p>
      <Snippet id="example-file" text={EXAMPLE} what="Example of a connection file" />
      <p class="quiet">Credentials stay in the file: they never leave the agent.</p>
    </Empty>
  );
};

/** Every connection with its state; the first page one sees. */
export const ConnectionsPage = () => {
  const { data, problem, reload } = useLoad<ConnectionList>(
    '/api/v1/connections',
    (change) => change.name !== 'assets',
  );
  const items = data?.items ?? [];
  const broken = data?.broken ?? [];
  const red = items.filter((connection) => verdict(connection).tone === 'red').length + broken.length;
  return (
    <Page title="Connections">
      {data !== undefined && items.length + broken.length > 0 && (
        <p class="summary">
          {items.length === 1 ? '1 connection' : `${items.length} connections`}
          {red > 0 ? (
            <>
              , <strong class="red-text">{red === 1 ? '1 needs' : `${red} need`} attention</strong>
            </>
          ) : (
            ', all well'
          )}
        </p>
      )}
      {problem && (
        <ErrorPanel error={problem} title="The connections could not be read" onRetry={() => void reload()} />
      )}
      {data === undefined ? (
        problem === undefined && <Loading what="the connections" />
      ) : items.length + broken.length === 0 ? (
        <NothingYet />
      ) : (
        <ul class="cards">
          {broken.map((file) => (
            <Broken key={`${file.agentId}/${file.status.file}`} file={file} />
          ))}
          {items.map((connection) => (
            <li key={connection.code} class={`card ${verdict(connection).tone}`}>
              <ConnectionCard connection={connection} reload={reload} level="overview" />
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
};
