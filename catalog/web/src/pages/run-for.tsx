import { useEffect, useState } from 'preact/hooks';
import type { Asset, AssetSummary, Connection } from '#catalog/api/contract.ts';
import { withQuery } from '../api.ts';
import { number } from '../format.ts';
import { connectionLink, idOfKey, kindName } from '../kinds.ts';
import { useLoad, usePages } from '../load.ts';
import { LoadMore, useAction } from '../parts/controls.tsx';
import { ConnectionCrumbs } from '../parts/crumbs.tsx';
import { Empty, ErrorPanel, Loading, Page } from '../parts/panels.tsx';
import { Forbidden, refusalOf } from '../parts/refusals.tsx';
import { SearchField } from '../parts/search.tsx';
import { AssetName, Name } from '../parts/text.tsx';
import { startJob, whyNoJob } from './connection-runs.tsx';

const PAGE = 50;
const DEBOUNCE_MS = 250;
const KINDS = { app: 'Apps', stream: 'Streams' } as const;
type Kind = keyof typeof KINDS;
type Picked = Pick<AssetSummary, 'key' | 'name'> & { readonly kind: Kind };

const isKind = (kind: string): kind is Kind => kind === 'app' || kind === 'stream';

const Choices = ({
  code,
  kind,
  q,
  picked,
  onPick,
}: {
  code: string;
  kind: Kind;
  q: string;
  picked: readonly Picked[];
  onPick: (asset: Picked, on: boolean) => void;
}) => {
  const { data, problem, reload, more, busy } = usePages<AssetSummary>(
    withQuery('/api/v1/assets', { connection: code, kind, q, limit: PAGE }),
    (change) => change.name === 'assets' && change.connection === code,
  );
  if (problem && data === undefined)
    return <ErrorPanel error={problem} title="The list could not be read" onRetry={() => void reload()} />;
  if (data === undefined) return <Loading what={KINDS[kind].toLowerCase()} />;
  if (data.length === 0)
    return (
      <Empty title={q === '' ? `No ${kind} is known yet.` : 'Nothing found'}>
        <p>{q === '' ? 'What a crawl has brought can be picked here.' : 'Look for a part of the name.'}</p>
      </Empty>
    );
  return (
    <>
      <ul class="picks">
        {data.map((asset) => (
          <li key={asset.key}>
            <label>
              <input
                type="checkbox"
                checked={picked.some(({ key }) => key === asset.key)}
                onChange={(event) => onPick({ key: asset.key, name: asset.name, kind }, event.currentTarget.checked)}
              />
              <span>
                <AssetName name={asset.name} assetKey={asset.key} />{' '}
                {asset.parentName !== null && kind === 'app' && (
                  <span class="quiet">
                    <Name text={asset.parentName} limit={60} />
                  </span>
                )}
              </span>
            </label>
          </li>
        ))}
      </ul>
      <LoadMore more={more} busy={busy} what={KINDS[kind].toLowerCase()} />
    </>
  );
};

/** Picks the asset that one came from. */
const Asked = ({ assetKey, onFound }: { assetKey: string; onFound: (asset: Picked) => void }) => {
  const { data } = useLoad<Asset>(withQuery('/api/v1/asset', { key: assetKey }), () => false);
  const found = data && isKind(data.kind) ? { key: data.key, name: data.name, kind: data.kind } : undefined;
  useEffect(() => {
    if (found) onFound(found);
  }, [found?.key]);
  return null;
};

/** Picks streams and apps among what is known, and starts a crawl for them alone. */
export const RunForPage = ({ code, query }: { code: string; query: URLSearchParams }) => {
  const {
    data: connection,
    problem,
    reload,
  } = useLoad<Connection>(
    `/api/v1${connectionLink(code)}`,
    (change) => change.name === 'connection' && change.code === code,
  );
  const [kind, setKind] = useState<Kind>('app');
  const [typed, setTyped] = useState('');
  const [q, setQ] = useState('');
  const [picked, setPicked] = useState<readonly Picked[]>([]);
  const [full, setFull] = useState(false);
  const { busy, problem: refused, run } = useAction();
  useEffect(() => {
    const timer = setTimeout(() => setQ(typed.trim()), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const pick = (asset: Picked, on: boolean): void =>
    setPicked((old) => [...old.filter(({ key }) => key !== asset.key), ...(on ? [asset] : [])]);
  const asked = query.get('key');
  const noFull = connection && refusalOf(connection, 'crawl', 'full');
  const forbidden = connection && refusalOf(connection, 'crawl');
  const reason =
    connection && (forbidden ?? whyNoJob(connection) ?? (picked.length === 0 ? 'Pick at least one.' : undefined));
  const idsOf = (wanted: Kind): string[] => picked.filter((one) => one.kind === wanted).map(({ key }) => idOfKey(key));
  const start = (): void => {
    if (reason !== undefined || busy) return;
    const only = { apps: idsOf('app'), streams: idsOf('stream') };
    const options = { only, mode: full ? 'full' : 'delta' };
    void run(() => startJob(code, { kind: 'crawl', options }, `Crawl of what was picked of ${code} started.`));
  };
  return (
    <Page
      title={`Run for… · ${code}`}
      heading={
        <>
          Run for… <Name text={connection?.status.name ?? code} />
        </>
      }
      above={<ConnectionCrumbs code={code} />}
    >
      {problem && <ErrorPanel error={problem} title="The connection could not be read" onRetry={() => void reload()} />}
      {asked !== null && <Asked assetKey={asked} onFound={(asset) => pick(asset, true)} />}
      <p>
        A crawl for some streams or apps publishes only these: nothing else is read, changed or deleted. A stream stands
        for all apps that are published to it then.
      </p>
      <section class="card" aria-labelledby="picked">
        <h2 id="picked">
          Picked <span class="count">{number(picked.length)}</span>
        </h2>
        {picked.length === 0 ? (
          <p class="quiet">Nothing is picked yet.</p>
        ) : (
          <ul class="picked">
            {picked.map((asset) => (
              <li key={asset.key}>
                <span class="kind">{kindName(asset.kind)}</span> <AssetName name={asset.name} assetKey={asset.key} />
                <button type="button" class="small" onClick={() => pick(asset, false)}>
                  Remove<span class="unseen"> {asset.name}</span>
                </button>
              </li>
            ))}
          </ul>
        )}
        <label class="check-line">
          <input
            type="checkbox"
            checked={full}
            disabled={noFull !== undefined}
            onChange={(event) => setFull(event.currentTarget.checked)}
          />
          <span>Read them anew, whether they changed or not</span>
        </label>
        {noFull !== undefined && forbidden === undefined && <Forbidden why={noFull} id="why-full" />}
        <div class="actions">
          <button
            type="button"
            class="primary"
            aria-disabled={reason !== undefined || busy}
            {...(reason === undefined ? {} : { 'aria-describedby': 'why-not' })}
            onClick={start}
          >
            {busy ? 'Starting…' : 'Start crawl'}
          </button>
          {forbidden !== undefined ? (
            <Forbidden why={forbidden} id="why-not" />
          ) : (
            reason !== undefined && (
              <span class="quiet reason" id="why-not">
                {reason}
              </span>
            )
          )}
        </div>
        {refused && <ErrorPanel error={refused} title="The crawl was not started" />}
      </section>
      <section aria-labelledby="known">
        <h2 id="known">What is known</h2>
        <div class="search">
          <SearchField value={typed} placeholder="Part of a name, or an id" onText={setTyped} />
          <fieldset class="chips">
            <legend class="unseen">Kind</legend>
            {(Object.keys(KINDS) as Kind[]).map((each) => (
              <button key={each} type="button" aria-pressed={each === kind} onClick={() => setKind(each)}>
                {KINDS[each]}
              </button>
            ))}
          </fieldset>
        </div>
        <Choices code={code} kind={kind} q={q} picked={picked} onPick={pick} />
      </section>
    </Page>
  );
};
