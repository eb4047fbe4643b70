import { useEffect, useState } from 'preact/hooks';
import type { Inventory, InventoryItem, InventoryRule, Job } from '#catalog/api/contract.ts';
import { withQuery } from '../api.ts';
import { number } from '../format.ts';
import { jobLink, settingsLink } from '../kinds.ts';
import { type Concerns, useLoad, usePages } from '../load.ts';
import { LoadMore } from '../parts/controls.tsx';
import { isActive } from '../parts/job.tsx';
import { Badge, Empty, ErrorPanel, Loading } from '../parts/panels.tsx';
import { SearchField } from '../parts/search.tsx';
import { Marked, Name } from '../parts/text.tsx';
import { navigate } from '../router.ts';

const PAGE = 100;
const DEBOUNCE_MS = 300;
const KINDS = { app: 'Apps', stream: 'Streams', sheet: 'Sheets' } as const;
type Kind = keyof typeof KINDS;
const KIND_LIST = Object.keys(KINDS) as readonly Kind[];
const VERDICTS = [
  ['', 'All'],
  ['true', 'Kept'],
  ['false', 'Rejected'],
] as const;

/** What is shown of the list; it is in the address. */
interface Shown {
  readonly kind: Kind;
  readonly kept: string;
  readonly rule: string;
  readonly q: string;
}

const shownOf = (query: URLSearchParams): Shown => ({
  kind: KIND_LIST.find((kind) => kind === query.get('kind')) ?? 'app',
  kept: query.get('kept') ?? '',
  rule: query.get('rule') ?? '',
  q: query.get('q') ?? '',
});

const sum = ({ stream, app, sheet }: InventoryRule['kept']): number => stream + app + sheet;

const Verdict = ({ kept, rejected }: { kept: number; rejected: number }) =>
  kept + rejected === 0 ? (
    <span class="quiet">–</span>
  ) : (
    <span class="difference">
      {kept > 0 && <span class="green-text">{number(kept)} kept</span>}
      {rejected > 0 && <span class="red-text">{number(rejected)} rejected</span>}
    </span>
  );

const Rules = ({ found, shown, go }: { found: Inventory; shown: Shown; go: (shown: Shown) => void }) => {
  const rules = found.rules.filter(({ number: at, kept, rejected }) => at !== 0 || sum(kept) + sum(rejected) > 0);
  return (
    <table class="stacks rules">
      <caption class="unseen">What each rule of the filter decided, in the order in which they are tried</caption>
      <thead>
        <tr>
          <th scope="col">Rule</th>
          {KIND_LIST.map((kind) => (
            <th key={kind} scope="col">
              {KINDS[kind]}
            </th>
          ))}
          <th scope="col">
            <span class="unseen">Show</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rules.map((rule) => {
          const isShown = shown.rule === String(rule.number);
          const most = KIND_LIST.find((kind) => rule.kept[kind] + rule.rejected[kind] > 0);
          const kind = rule.kept[shown.kind] + rule.rejected[shown.kind] > 0 ? shown.kind : (most ?? shown.kind);
          return (
            <tr key={rule.number}>
              <th scope="row">
                {rule.rule === null ? (
                  <span class="quiet">No rule decided</span>
                ) : (
                  <Name text={rule.rule} limit={300} />
                )}{' '}
                {most === undefined && <Badge tone="amber">matches nothing</Badge>}
              </th>
              {KIND_LIST.map((each) => (
                <td key={each} data-label={KINDS[each]}>
                  <Verdict kept={rule.kept[each]} rejected={rule.rejected[each]} />
                </td>
              ))}
              <td class="row-action">
                {most !== undefined && (
                  <button
                    type="button"
                    class="small"
                    aria-pressed={isShown}
                    onClick={() => go({ ...shown, kind, kept: '', rule: isShown ? '' : String(rule.number) })}
                  >
                    {isShown ? 'Show all' : 'Show'}
                    <span class="unseen">{isShown ? ' rules' : ` what ${rule.rule ?? 'no rule'} decided`}</span>
                  </button>
                )}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
};

const WITHIN = { app: 'Stream', stream: '', sheet: 'App' } as const satisfies Record<Kind, string>;

const Items = ({ job, shown, concerns }: { job: Job; shown: Shown; concerns: Concerns }) => {
  const { kind } = shown;
  const { data, problem, reload, more, busy } = usePages<InventoryItem>(
    withQuery(`/api/v1${jobLink(job.id)}/inventory/items`, { ...shown, limit: PAGE }),
    concerns,
  );
  if (problem && data === undefined)
    return <ErrorPanel error={problem} title="The list could not be read" onRetry={() => void reload()} />;
  if (data === undefined) return <Loading what="the list" />;
  if (data.length === 0)
    return (
      <Empty title={isActive(job) ? 'Nothing is listed yet.' : 'Nothing of this kind.'}>
        {!isActive(job) && <p>Choose another kind, verdict or rule, or look for less of the name.</p>}
      </Empty>
    );
  return (
    <>
      <table class="stacks items">
        <caption class="unseen">{KINDS[kind]} that the filter keeps and rejects, by name</caption>
        <thead>
          <tr>
            <th scope="col">Verdict</th>
            <th scope="col">Name</th>
            {kind !== 'stream' && <th scope="col">{WITHIN[kind]}</th>}
            <th scope="col">Rule that decided</th>
          </tr>
        </thead>
        <tbody>
          {data.map((item) => (
            <tr key={item.key}>
              <td data-label="Verdict">
                <Badge tone={item.kept ? 'green' : 'red'}>{item.kept ? 'kept' : 'rejected'}</Badge>
              </td>
              <th scope="row" data-label="Name">
                <Name text={item.name} />
              </th>
              {kind !== 'stream' && (
                <td data-label={WITHIN[kind]}>
                  {item.within === null ? (
                    <span class="quiet">{kind === 'app' ? 'none (personal)' : '–'}</span>
                  ) : (
                    <Name text={item.within} limit={80} />
                  )}
                </td>
              )}
              <td data-label="Rule">
                {item.rule === null ? <span class="quiet">none</span> : <Name text={item.rule} limit={200} />}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <LoadMore more={more} busy={busy} what={KINDS[kind].toLowerCase()} />
    </>
  );
};

const Chips = ({ found, shown, go }: { found: Inventory; shown: Shown; go: (shown: Shown) => void }) => (
  <>
    <fieldset class="chips">
      <legend class="unseen">Kind</legend>
      {KIND_LIST.map((kind) => (
        <button key={kind} type="button" aria-pressed={kind === shown.kind} onClick={() => go({ ...shown, kind })}>
          {KINDS[kind]} <span class="count">{number(found.kept[kind] + found.rejected[kind])}</span>
        </button>
      ))}
    </fieldset>
    <fieldset class="chips">
      <legend class="unseen">Verdict</legend>
      {VERDICTS.map(([kept, label]) => (
        <button key={label} type="button" aria-pressed={kept === shown.kept} onClick={() => go({ ...shown, kept })}>
          {label}
        </button>
      ))}
    </fieldset>
  </>
);

/** What the filters keep and reject, per rule and with names, before anything is published. */
export const InventoryResult = ({ job, query, concerns }: { job: Job; query: URLSearchParams; concerns: Concerns }) => {
  const shown = shownOf(query);
  const { data, problem, reload } = useLoad<Inventory>(`/api/v1${jobLink(job.id)}/inventory`, concerns);
  const [typed, setTyped] = useState(shown.q);
  const go = (next: Shown): void => navigate(withQuery(jobLink(job.id), { ...next }), 'filter');
  useEffect(() => {
    if (typed.trim() === shown.q) return;
    const timer = setTimeout(() => go({ ...shown, q: typed.trim() }), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const rule = data?.rules.find((one) => String(one.number) === shown.rule);
  const csv = withQuery(`/api/v1${jobLink(job.id)}/inventory.csv`, { ...shown });
  if (job.inventory === null && !isActive(job))
    return (
      <section>
        <h2>What the filters keep</h2>
        <Empty title={job.state === 'published' ? 'This list is not kept any more.' : 'There is no list.'}>
          {job.state === 'published' && <p>Only the newest inventories of a connection are kept: make another one.</p>}
        </Empty>
      </section>
    );
  return (
    <>
      {job.tried && (
        <p class="note">
          This tries out settings that are not saved.{' '}
          <a href={settingsLink(job.connection)}>Back to the settings of {job.connection}</a>
        </p>
      )}
      {problem && <ErrorPanel error={problem} title="The rules could not be read" onRetry={() => void reload()} />}
      {data === undefined ? (
        problem === undefined && <Loading what="the rules" />
      ) : (
        <>
          <section aria-labelledby="rules">
            <h2 id="rules">Rule by rule</h2>
            <p class="quiet">
              {data.rules.length <= 1
                ? 'No filter is set: everything is kept.'
                : 'In the order in which they are tried: the first that rejects an item says why; what several keep counts for the last.'}
            </p>
            {data.rules.length > 1 && <Rules found={data} shown={shown} go={go} />}
          </section>
          <section aria-labelledby="items">
            <h2 id="items">What is kept and what is rejected</h2>
            <div class="search">
              <SearchField value={typed} placeholder="Part of a name" onText={setTyped} />
              <a class="button" href={csv} download>
                Download as CSV
              </a>
            </div>
            <Chips found={data} shown={shown} go={go} />
            {shown.rule !== '' && (
              <p role="status">
                Decided by: {rule?.rule == null ? 'no rule' : <Marked text={rule.rule} />}{' '}
                <button type="button" class="small" onClick={() => go({ ...shown, rule: '' })}>
                  Show all rules
                </button>
              </p>
            )}
            <Items job={job} shown={shown} concerns={concerns} />
          </section>
        </>
      )}
    </>
  );
};
