import type { Impact, ImpactItem } from '#catalog/api/contract.ts';
import { withQuery } from '../api.ts';
import { number } from '../format.ts';
import { assetLink, KIND_ORDER, kindName, kindPlural } from '../kinds.ts';
import { impactLink } from '../lineage/links.ts';
import { CONFIDENCES } from '../lineage/strokes.ts';
import { useImpact } from '../lineage/use-impact.ts';
import { impactSentence, UsedIn } from '../lineage/used-in.tsx';
import { LoadMore } from '../parts/controls.tsx';
import { Crumbs } from '../parts/crumbs.tsx';
import { Empty, ErrorPanel, Loading, Page, Scroll } from '../parts/panels.tsx';
import { AssetName, Name } from '../parts/text.tsx';
import { navigate } from '../router.ts';

const DIRECTIONS = { down: 'What depends on it', up: 'Where it comes from' } as const;
type Direction = keyof typeof DIRECTIONS;

/** What is asked for; it is in the address. */
interface Shown {
  readonly direction: Direction;
  readonly kind: string;
  readonly confidence: string;
}

const shownOf = (query: URLSearchParams): Shown => ({
  direction: query.get('direction') === 'up' ? 'up' : 'down',
  kind: query.get('kind') ?? '',
  confidence: CONFIDENCES.find((one) => one === query.get('confidence')) ?? '',
});

/** The way to one of them, closed until it is wanted. */
const Way = ({ item, focus, direction }: { item: ImpactItem; focus: string; direction: Direction }) => (
  <details class="impact-way">
    <summary>
      {number(item.distance)} {item.distance === 1 ? 'step' : 'steps'}
    </summary>
    <ol>
      <li>
        <Name text={focus} limit={80} />
      </li>
      {item.path.map(({ key, kind, name }) => (
        <li key={key}>
          <span aria-hidden="true">{direction === 'down' ? '→' : '←'}</span>{' '}
          {kind === null ? (
            <Name text={name} limit={80} />
          ) : (
            <a href={assetLink(key)}>
              <span class="kind">{kindName(kind)}</span> <AssetName name={name} assetKey={key} />
            </a>
          )}
        </li>
      ))}
    </ol>
  </details>
);

const Row = ({ item, focus, direction }: { item: ImpactItem; focus: string; direction: Direction }) => (
  <tr>
    <td data-label="Asset">
      <span class="kind">{kindName(item.kind)}</span>{' '}
      {item.connection === null ? (
        <Name text={item.name} limit={120} />
      ) : (
        <a href={assetLink(item.key)}>
          <AssetName name={item.name} assetKey={item.key} />
        </a>
      )}
    </td>
    <td data-label="App">
      {item.app !== null && item.app !== item.key && (
        <a href={assetLink(item.app)}>
          <Name text={item.appName ?? item.app} limit={80} />
        </a>
      )}
    </td>
    <td data-label="Owner">
      {item.owner && (
        <>
          <bdi>{item.owner.name}</bdi>
          {item.owner.email !== null && (
            <span class="quiet">
              {' '}
              <bdi>{item.owner.email}</bdi>
            </span>
          )}
        </>
      )}
    </td>
    <td data-label="Confidence">
      {item.confidence}
      {item.conditional && <span class="quiet">, under a condition</span>}
    </td>
    <td data-label="Steps">
      <Way item={item} focus={focus} direction={direction} />
    </td>
  </tr>
);

const Chips = ({ counts, shown, go }: { counts: Impact['counts']; shown: Shown; go: (shown: Shown) => void }) => (
  <fieldset class="chips">
    <legend class="unseen">Kind</legend>
    <button type="button" aria-pressed={shown.kind === ''} onClick={() => go({ ...shown, kind: '' })}>
      All <span class="count">{number(Object.values(counts).reduce((sum, n) => sum + n, 0))}</span>
    </button>
    {KIND_ORDER.filter((kind) => (counts[kind] ?? 0) > 0).map((kind) => (
      <button
        key={kind}
        type="button"
        aria-pressed={kind === shown.kind}
        onClick={() => go({ ...shown, kind: kind === shown.kind ? '' : kind })}
      >
        {kindPlural(kind)} <span class="count">{number(counts[kind] ?? 0)}</span>
      </button>
    ))}
  </fieldset>
);

/** All that depends on an asset, through any number of apps, or all that it comes from: whom to tell before it changes. */
export const ImpactPage = ({ assetKey, query }: { assetKey: string; query: URLSearchParams }) => {
  const shown = shownOf(query);
  const { direction, kind, confidence } = shown;
  const asked = { key: assetKey, direction, kind, confidence };
  const { data, items, problem, reload, more, busy } = useImpact(withQuery('/api/v1/lineage/impact', asked));
  const go = (next: Shown): void => navigate(impactLink(assetKey, next.direction, { ...next }), 'filter');
  const focus = data?.focus;
  return (
    <Page
      title={DIRECTIONS[direction]}
      heading={
        focus && (
          <>
            {DIRECTIONS[direction]}: {focus.kind !== null && <span class="kind">{kindName(focus.kind)}</span>}{' '}
            <Name text={focus.name} limit={120} />
          </>
        )
      }
      above={
        <Crumbs
          places={[
            { href: '/browse', name: 'Assets' },
            { href: assetLink(assetKey), name: <Name text={focus?.name ?? assetKey} limit={60} /> },
          ]}
        />
      }
      actions={
        data !== undefined &&
        data.items.length > 0 && (
          <a class="button" href={withQuery('/api/v1/lineage/impact.csv', asked)} download>
            Download as CSV
          </a>
        )
      }
    >
      <fieldset class="chips">
        <legend class="unseen">Direction</legend>
        {(Object.keys(DIRECTIONS) as Direction[]).map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={one === direction}
            onClick={() => go({ ...shown, direction: one, kind: '' })}
          >
            {DIRECTIONS[one]}
          </button>
        ))}
      </fieldset>
      <label class="lineage-choice">
        <span>At least</span>
        <select value={confidence} onChange={(event) => go({ ...shown, confidence: event.currentTarget.value })}>
          <option value="">any confidence</option>
          {CONFIDENCES.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      {problem && <ErrorPanel error={problem} title="It could not be read" onRetry={() => void reload()} />}
      {data === undefined ? (
        problem === undefined && <Loading what="what is joined with it" />
      ) : Object.keys(data.counts).length === 0 ? (
        <Empty
          title={
            direction === 'down' ? 'Nothing is known to depend on it.' : 'Nothing is known of where it comes from.'
          }
        >
          <p>
            Lineage comes with a crawl of the apps that read or write it
            {confidence === '' ? '' : ', or is less sure than that'}.
          </p>
        </Empty>
      ) : (
        <>
          {data.cut && (
            <p class="panel warn" role="note">
              There is more than could be walked through at once: every number here is a lower bound.
            </p>
          )}
          <p class="impact-sentence">{impactSentence(data)}</p>
          <UsedIn impact={data} />
          <h2>Every asset</h2>
          <p class="quiet">
            Steps count what lies between: each derivation, use and container. Open them to see the way.
          </p>
          <Chips counts={data.counts} shown={shown} go={go} />
          <Scroll label="Assets" class="impact-table">
            <table class="stacks">
              <thead>
                <tr>
                  <th scope="col">Asset</th>
                  <th scope="col">App</th>
                  <th scope="col">Owner</th>
                  <th scope="col">Confidence</th>
                  <th scope="col">Steps</th>
                </tr>
              </thead>
              <tbody>
                {items.map((item) => (
                  <Row key={item.key} item={item} focus={data.focus.name} direction={direction} />
                ))}
              </tbody>
            </table>
          </Scroll>
          <LoadMore more={more} busy={busy} what="assets" />
        </>
      )}
    </Page>
  );
};
