import { useState } from 'preact/hooks';
import type { Asset, AssetSummary, Edge } from '#catalog/api/contract.ts';
import { withQuery } from '../api.ts';
import { cut, number } from '../format.ts';
import { assetLink, connectionLink, EDGES, jobLink, KIND_ORDER, kindName, kindPlural, runForLink } from '../kinds.ts';
import { Coverage } from '../lineage/coverage.tsx';
import { hasLineage, LineageSection } from '../lineage/section.tsx';
import { type Loaded, useLoad, usePages } from '../load.ts';
import { AssetRows } from '../parts/asset-list.tsx';
import { Attributes, scriptOf, webLink } from '../parts/attributes.tsx';
import { LoadMore } from '../parts/controls.tsx';
import { type Crumb, Crumbs } from '../parts/crumbs.tsx';
import { AppFindings } from '../parts/findings.tsx';
import { OUTCOME_TONES } from '../parts/job.tsx';
import { MissingList } from '../parts/missing.tsx';
import { Badge, ErrorPanel, Fact, Loading, Page } from '../parts/panels.tsx';
import { Pictures } from '../parts/pictures.tsx';
import { Script } from '../parts/script.tsx';
import { Search } from '../parts/search.tsx';
import { AssetName, Coded, LongText, Marked, Name, When } from '../parts/text.tsx';

const PAGE = 25;
const SHOWN_EDGES = 20;
const LONG_NAME = 160;
const LINEAGE_EDGES: ReadonlySet<Edge['kind']> = new Set(['derives', 'loads', 'produces']);

const Children = ({ asset, kind }: { asset: Asset; kind: AssetSummary['kind'] }) => {
  const count = asset.childrenByKind[kind] ?? 0;
  const { data, problem, reload, more, busy } = usePages<AssetSummary>(
    withQuery('/api/v1/assets', { parent: asset.key, kind, limit: PAGE }),
    (change) => change.name === 'assets' && change.connection === asset.connection,
  );
  return (
    <section class="children">
      <h3>
        {kindPlural(kind)} <span class="count">{number(count)}</span>
      </h3>
      {problem && <ErrorPanel error={problem} title="They could not be read" onRetry={() => void reload()} />}
      {data ? <AssetRows items={data} /> : problem === undefined && <Loading what={kindPlural(kind).toLowerCase()} />}
      <LoadMore more={more} busy={busy} what={kindPlural(kind).toLowerCase()} />
    </section>
  );
};

const EdgeGroup = ({ title, edges }: { title: string; edges: readonly Edge[] }) => {
  const [whole, setWhole] = useState(false);
  const shown = whole ? edges : edges.slice(0, SHOWN_EDGES);
  return (
    <section class="edges">
      <h3>
        {title} <span class="count">{number(edges.length)}</span>
      </h3>
      <ul>
        {shown.map((edge) => (
          <li key={edge.other}>
            {edge.otherKind === null ? (
              // Nothing with this key was crawled: there is no page to lead to.
              <bdi>{cut(edge.other, 200)}</bdi>
            ) : (
              <a href={assetLink(edge.other)}>
                <span class="kind">{kindName(edge.otherKind)}</span>{' '}
                <AssetName name={edge.otherName ?? ''} assetKey={edge.other} />
              </a>
            )}
          </li>
        ))}
      </ul>
      {edges.length > SHOWN_EDGES && (
        <button type="button" class="plain" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? 'Show fewer' : `Show all ${number(edges.length)}`}
          <span class="unseen"> {title}</span>
        </button>
      )}
    </section>
  );
};

/** Edges by what they say; the containment tree is left out where the path and the lists below show it already. */
const edgeGroups = (asset: Asset): { readonly title: string; readonly edges: readonly Edge[] }[] => {
  const groups = new Map<string, Edge[]>();
  for (const edge of asset.edges) {
    // The lineage shows these.
    if (hasLineage(asset) && LINEAGE_EDGES.has(edge.kind)) continue;
    if (edge.kind === 'contains') {
      if (edge.direction === 'in' && edge.other === asset.parent) continue;
      if (edge.direction === 'out' && edge.otherKind !== null && (asset.childrenByKind[edge.otherKind] ?? 0) > 0)
        continue;
    }
    const title = EDGES[edge.kind][edge.direction];
    groups.set(title, [...(groups.get(title) ?? []), edge]);
  }
  return [...groups].map(([title, edges]) => ({ title, edges }));
};

/** The way from the site down to an asset; none yet while it is read. */
const placesOf = (asset: Asset | undefined): Crumb[] =>
  asset === undefined
    ? []
    : [
        { href: '/browse', name: 'Assets' },
        ...asset.path.map(({ key, kind, name }) => ({
          href: assetLink(key),
          name: <Name text={name} limit={60} />,
          title: kindName(kind),
        })),
      ];

/** What became of a site or an app in the newest crawl, why, and what is missing of it. */
const LastRead = ({ read }: { read: NonNullable<Asset['lastRead']> }) => (
  <Fact label="Last crawl" wide>
    {read.job === null ? (
      <When time={read.publishedAt} />
    ) : (
      <a href={jobLink(read.job)}>
        <When time={read.publishedAt} />
      </a>
    )}{' '}
    <Badge tone={OUTCOME_TONES[read.outcome]}>{read.outcome}</Badge>{' '}
    {read.reason && <Coded text={read.reason.message} code={read.reason.code} />}
    {read.error && (
      <>
        <Marked text={read.error.message} /> <strong>What to do:</strong> <Marked text={read.error.advice} />
      </>
    )}
    <MissingList missing={read.missing} />
  </Fact>
);

const Detail = ({ asset, line, endLine }: { asset: Asset; line: number; endLine: number }) => {
  const script = scriptOf(asset);
  const groups = edgeGroups(asset);
  const kinds = KIND_ORDER.filter((kind) => (asset.childrenByKind[kind] ?? 0) > 0);
  return (
    <>
      {asset.goneAt !== null && (
        <p class="panel warn" role="note">
          <strong>Gone from the site</strong>, or left out by a filter, since <When time={asset.goneAt} />. It is kept
          here as it was, as the settings of the <a href={connectionLink(asset.connection)}>connection</a> say.
        </p>
      )}
      {(asset.kind === 'sheet' || asset.kind === 'app') && <Pictures asset={asset} />}
      <section aria-label="Properties" class="card">
        {asset.name.length > LONG_NAME && (
          <div class="whole-name">
            <LongText text={asset.name} what="Whole name" />
          </div>
        )}
        {asset.description && asset.description !== asset.attributes['description'] && (
          <p class="description">
            <LongText text={asset.description} what="Description" />
          </p>
        )}
        <Attributes asset={asset} hidden={script === undefined ? ['lineage'] : [script.attribute]} />
        <dl class="facts foot-facts">
          <Fact label="Connection">
            <a href={connectionLink(asset.connection)}>
              <bdi>{asset.connection}</bdi>
            </a>
          </Fact>
          <Fact label="Last changed in the catalog">
            <When time={asset.changedAt} />
          </Fact>
          <Fact label="First seen">
            <When time={asset.firstSeenAt} />
          </Fact>
          {asset.lastRead && <LastRead read={asset.lastRead} />}
          <Fact label="Key" wide>
            <code class="key">
              <bdi>{asset.key}</bdi>
            </code>
          </Fact>
        </dl>
      </section>
      {hasLineage(asset) && <LineageSection asset={asset} />}
      {asset.kind === 'app' && <Coverage asset={asset} />}
      {asset.kind === 'app' && <AppFindings asset={asset} />}
      {script && <Script text={script.text} from={script.from} marked={[line, endLine]} />}
      {groups.length > 0 && (
        <section aria-labelledby="relations">
          <h2 id="relations">Relations</h2>
          <div class="edge-groups">
            {groups.map(({ title, edges }) => (
              <EdgeGroup key={title} title={title} edges={edges} />
            ))}
          </div>
        </section>
      )}
      {kinds.length > 0 && (
        <section aria-labelledby="below">
          <h2 id="below">Contains</h2>
          {kinds.map((kind) => (
            <Children key={kind} asset={asset} kind={kind} />
          ))}
        </section>
      )}
    </>
  );
};

export const AssetPage = ({ assetKey, line, endLine }: { assetKey: string; line: number; endLine: number }) => {
  const { data, problem, reload }: Loaded<Asset> = useLoad<Asset>(
    withQuery('/api/v1/asset', { key: assetKey }),
    (change): boolean => change.name === 'assets' && data?.connection === change.connection,
  );
  const link = data === undefined ? undefined : webLink(data.attributes['url']);
  const title = data === undefined ? 'Asset' : data.name.trim() === '' ? kindName(data.kind) : cut(data.name, 80);
  return (
    <Page
      title={title}
      heading={
        data && (
          <>
            <span class="kind">{kindName(data.kind)}</span> <Name text={data.name} limit={LONG_NAME} />
          </>
        )
      }
      above={
        <>
          <Search asked={{ q: '', kind: '', connection: data?.connection ?? '' }} connections={[]} instant={false} />
          <Crumbs places={placesOf(data)} />
        </>
      }
      actions={
        <>
          {(data?.kind === 'app' || data?.kind === 'stream') && (
            <a class="button" href={withQuery(runForLink(data.connection), { key: data.key })}>
              Run for this {data.kind}…
            </a>
          )}
          {link && (
            <a class="button" href={link} target="_blank" rel="noreferrer">
              Open in Qlik<span class="unseen"> (new window)</span>
            </a>
          )}
        </>
      }
    >
      {problem && <ErrorPanel error={problem} title="The asset could not be read" onRetry={() => void reload()} />}
      {data === undefined ? (
        problem === undefined && <Loading what="the asset" />
      ) : (
        <Detail asset={data} line={line} endLine={endLine} />
      )}
    </Page>
  );
};
