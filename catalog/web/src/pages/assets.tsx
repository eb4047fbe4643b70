import type { AssetSummary } from '#catalog/api/contract.ts';
import { withQuery } from '../api.ts';
import { number } from '../format.ts';
import { useLoad, usePages } from '../load.ts';
import { AssetRows } from '../parts/asset-list.tsx';
import { LoadMore } from '../parts/controls.tsx';
import { Empty, ErrorPanel, Loading, Page } from '../parts/panels.tsx';
import { type Asked, Search } from '../parts/search.tsx';
import type { ConnectionList } from '../shapes.ts';

const PAGE = 50;

const Found = ({ asked, several }: { asked: Asked; several: boolean }) => {
  const searching = asked.q !== '' || asked.kind !== '';
  const { data, problem, reload, more, busy } = usePages<AssetSummary>(
    withQuery('/api/v1/assets', { ...asked, limit: PAGE }),
    (change) => change.name === 'assets',
  );
  return (
    <section>
      <h2>{searching ? 'Found' : 'Sites'}</h2>
      {problem && <ErrorPanel error={problem} title="The assets could not be read" onRetry={() => void reload()} />}
      {searching && (
        <p class="quiet" role="status">
          {data !== undefined &&
            (more
              ? `The first ${number(data.length)}`
              : data.length === 1
                ? '1 asset'
                : `${number(data.length)} assets`)}
        </p>
      )}
      {data === undefined ? (
        problem === undefined && <Loading what="assets" />
      ) : data.length > 0 ? (
        <AssetRows
          items={data}
          mixed={searching}
          kinds={asked.kind === '' && searching}
          site={several && asked.connection === ''}
        />
      ) : searching ? (
        <Empty title="Nothing found">
          <p>Look for a part of the name, or choose another kind or connection.</p>
        </Empty>
      ) : (
        <Empty title="No site yet">
          <p>Sites appear here with their first crawl.</p>
          <p>
            <a class="button" href="/">
              Go to the connections
            </a>
          </p>
        </Empty>
      )}
      <LoadMore more={more} busy={busy} what="assets" />
    </section>
  );
};

/** The sites, or what a search found in them. */
export const AssetsPage = ({ query }: { query: URLSearchParams }) => {
  const asked: Asked = {
    q: query.get('q') ?? '',
    kind: query.get('kind') ?? '',
    connection: query.get('connection') ?? '',
  };
  const { data } = useLoad<ConnectionList>('/api/v1/connections', (change) => change.name === 'connection');
  return (
    <Page title="Assets">
      <Search asked={asked} connections={data?.items.map(({ code }) => code) ?? []} instant />
      <Found asked={asked} several={(data?.items.length ?? 0) > 1} />
    </Page>
  );
};
