import type { Asset, Finding, FindingCounts } from '#catalog/api/contract.ts';
import { withQuery } from '../api.ts';
import { number } from '../format.ts';
import { assetLink, findingsLink } from '../kinds.ts';
import { useLoad, usePages } from '../load.ts';
import { LoadMore } from '../parts/controls.tsx';
import { ConnectionCrumbs } from '../parts/crumbs.tsx';
import { FindingRows, ofConnection, TITLES } from '../parts/findings.tsx';
import { Empty, ErrorPanel, Loading, Page } from '../parts/panels.tsx';
import { Name } from '../parts/text.tsx';
import { navigate } from '../router.ts';

const PAGE = 50;
const SEVERITIES = { '': 'All', error: 'Errors', warning: 'Warnings', note: 'Notes' } as const;
type Severity = keyof typeof SEVERITIES;

/** What is shown of the list; it is in the address. */
interface Shown {
  readonly code: string;
  readonly severity: string;
  readonly app: string;
  readonly new: string;
}

const shownOf = (query: URLSearchParams): Shown => ({
  code: query.get('code') ?? '',
  severity: query.get('severity') ?? '',
  app: query.get('app') ?? '',
  new: query.get('new') === 'true' ? 'true' : '',
});

type Counted = FindingCounts['items'];
const sum = (counts: Counted, of: 'count' | 'new' = 'count'): number => counts.reduce((all, one) => all + one[of], 0);

const Chips = ({ counts, shown, go }: { counts: Counted; shown: Shown; go: (shown: Shown) => void }) => {
  const ofSeverity = counts.filter(({ severity }) => shown.severity === '' || severity === shown.severity);
  return (
    <>
      <fieldset class="chips">
        <legend class="unseen">Severity</legend>
        {(Object.keys(SEVERITIES) as Severity[]).map((severity) => (
          <button
            key={severity}
            type="button"
            aria-pressed={severity === shown.severity}
            onClick={() => go({ ...shown, severity, code: '' })}
          >
            {SEVERITIES[severity]}{' '}
            <span class="count">
              {number(sum(counts.filter((one) => severity === '' || one.severity === severity)))}
            </span>
          </button>
        ))}
        <button
          type="button"
          aria-pressed={shown.new === 'true'}
          onClick={() => go({ ...shown, new: shown.new === 'true' ? '' : 'true' })}
        >
          New <span class="count">{number(sum(ofSeverity, 'new'))}</span>
        </button>
      </fieldset>
      <fieldset class="chips">
        <legend class="unseen">What was found</legend>
        {ofSeverity.map(({ code, count }) => (
          <button
            key={code}
            type="button"
            aria-pressed={code === shown.code}
            onClick={() => go({ ...shown, code: code === shown.code ? '' : code })}
          >
            {TITLES[code]} <span class="count">{number(count)}</span>
          </button>
        ))}
      </fieldset>
    </>
  );
};

const List = ({ code, shown }: { code: string; shown: Shown }) => {
  const { data, problem, reload, more, busy } = usePages<Finding>(
    withQuery('/api/v1/findings', { connection: code, ...shown, limit: PAGE }),
    ofConnection(code),
  );
  if (problem && data === undefined)
    return <ErrorPanel error={problem} title="The findings could not be read" onRetry={() => void reload()} />;
  if (data === undefined) return <Loading what="the findings" />;
  if (data.length === 0)
    return (
      <Empty title="Nothing of this kind.">
        <p>Choose another severity or another kind of finding.</p>
      </Empty>
    );
  return (
    <>
      <FindingRows items={data} {...(shown.app === '' ? {} : { within: shown.app })} />
      <LoadMore more={more} busy={busy} what="findings" />
    </>
  );
};

/** Whose findings alone are shown. */
const OfApp = ({ appKey, onAll }: { appKey: string; onAll: () => void }) => {
  const { data } = useLoad<Asset>(withQuery('/api/v1/asset', { key: appKey }), () => false);
  return (
    <p role="status">
      Only of the app{' '}
      <a href={assetLink(appKey)}>
        <Name text={data?.name ?? appKey} limit={80} />
      </a>{' '}
      <button type="button" class="small" onClick={onAll}>
        Show all apps
      </button>
    </p>
  );
};

/** What deserves a look in a connection's site, from what was crawled anyway. */
export const FindingsPage = ({ code, query }: { code: string; query: URLSearchParams }) => {
  const shown = shownOf(query);
  const { data, problem, reload } = useLoad<FindingCounts>(
    withQuery('/api/v1/findings/counts', { connection: code, app: shown.app }),
    ofConnection(code),
  );
  const go = (next: Shown): void => navigate(findingsLink(code, { ...next }), 'filter');
  return (
    <Page
      title={`Findings of ${code}`}
      above={<ConnectionCrumbs code={code} />}
      actions={
        data !== undefined &&
        data.items.length > 0 && (
          <a class="button" href={withQuery('/api/v1/findings.csv', { connection: code, ...shown })} download>
            Download as CSV
          </a>
        )
      }
    >
      {problem && (
        <ErrorPanel error={problem} title="The findings could not be counted" onRetry={() => void reload()} />
      )}
      {shown.app !== '' && <OfApp appKey={shown.app} onAll={() => go({ ...shown, app: '' })} />}
      {data === undefined ? (
        problem === undefined && <Loading what="the findings" />
      ) : data.items.length === 0 ? (
        <Empty title="Nothing that deserves a look was found.">
          <p>
            Each crawl looks for master items nobody uses, measures of one name with several formulas, fields that are
            not there, reloads that fail or are late, missing owners and credentials in scripts.
          </p>
        </Empty>
      ) : (
        <>
          <Chips counts={data.items} shown={shown} go={go} />
          <section aria-label="Findings">
            <List code={code} shown={shown} />
          </section>
        </>
      )}
    </Page>
  );
};
