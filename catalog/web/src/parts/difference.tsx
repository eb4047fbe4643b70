import { useState } from 'preact/hooks';
import type { Difference as Changes, Publish, ScopeOutcome } from '#catalog/api/contract.ts';
import { withQuery } from '../api.ts';
import { number } from '../format.ts';
import { assetLink, connectionLink, jobLink, kindName } from '../kinds.ts';
import { type Concerns, useLoad, usePages } from '../load.ts';
import { LoadMore } from './controls.tsx';
import { ErrorPanel, Loading } from './panels.tsx';
import { AssetName, Name, When } from './text.tsx';

type Numbers = Pick<ScopeOutcome, 'added' | 'changed' | 'removed'>;

/** What came, changed and went, in numbers. */
export const Difference = ({ of: { added, changed, removed } }: { of: Numbers }) =>
  added + changed + removed === 0 ? (
    <span class="quiet">no change</span>
  ) : (
    <span class="difference">
      {added > 0 && <span class="green-text">+{number(added)} added</span>}
      {changed > 0 && <span class="blue-text">{number(changed)} changed</span>}
      {removed > 0 && <span class="red-text">−{number(removed)} removed</span>}
    </span>
  );

const GROUPS = [
  ['added', 'Came', 'green-text'],
  ['changed', 'Changed', 'blue-text'],
  ['removed', 'Went', 'red-text'],
] as const;

const never: Concerns = () => false;

const Names = ({ job, scope }: { job: string; scope: string }) => {
  const { data, problem, reload } = useLoad<Changes>(withQuery(`/api/v1${jobLink(job)}/difference`, { scope }), never);
  if (problem && data === undefined)
    return <ErrorPanel error={problem} title="The difference could not be read" onRetry={() => void reload()} />;
  if (data === undefined) return <Loading what="the difference" />;
  if (data.isFirst)
    return <p class="quiet">This was the first time: all {number(data.counts.added)} assets of it came.</p>;
  return (
    <div class="changes">
      {GROUPS.filter(([group]) => data.counts[group] > 0).map(([group, title, tone]) => (
        <section key={group}>
          <h4 class={tone}>
            {title} <span class="count">{number(data.counts[group])}</span>
          </h4>
          <ul>
            {data[group].map(({ key, kind, name, exists }) => (
              <li key={key}>
                <span class="kind">{kindName(kind)}</span>{' '}
                {exists ? (
                  <a href={assetLink(key)}>
                    <AssetName name={name} assetKey={key} />
                  </a>
                ) : (
                  <AssetName name={name} assetKey={key} />
                )}
              </li>
            ))}
          </ul>
          {data.counts[group] > data[group].length && (
            <p class="quiet">and {number(data.counts[group] - data[group].length)} more, which are not named</p>
          )}
        </section>
      ))}
    </div>
  );
};

/** What the publish of one scope changed, by name; read when somebody unfolds it. */
export const ScopeChanges = ({ job, scope }: { job: string; scope: ScopeOutcome }) => {
  const [open, setOpen] = useState(false);
  if (scope.added + scope.changed + scope.removed === 0) return null;
  return (
    <details class="scope-changes" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        What changed<span class="unseen"> in {scope.name}</span>
      </summary>
      {open && <Names job={job} scope={scope.scope} />}
    </details>
  );
};

const MODES = { full: 'Full crawl', delta: 'Crawl', some: 'Crawl of some' } as const satisfies Record<
  Publish['mode'],
  string
>;

/** What each crawl of a connection changed, the newest first. */
export const Publishes = ({ code }: { code: string }) => {
  const { data, problem, reload, more, busy } = usePages<Publish>(
    `/api/v1${connectionLink(code)}/publishes`,
    (change) =>
      (change.name === 'assets' && change.connection === code) ||
      (change.name === 'connection' && change.code === code),
  );
  if (problem && data === undefined)
    return <ErrorPanel error={problem} title="The changes could not be read" onRetry={() => void reload()} />;
  if (data === undefined) return <Loading what="the changes" />;
  if (data.length === 0) return <p class="quiet">No crawl has published anything yet.</p>;
  return (
    <>
      <table class="stacks">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Crawl</th>
            <th scope="col">Scopes</th>
            <th scope="col">What changed</th>
            <th scope="col">By</th>
          </tr>
        </thead>
        <tbody>
          {data.map((publish) => (
            <tr key={publish.job}>
              <td data-label="When">
                <a href={withQuery(jobLink(publish.job), { changed: publish.scopesChanged > 0 ? 'true' : '' })}>
                  <When time={publish.finishedAt ?? publish.createdAt} />
                </a>
              </td>
              <td data-label="Crawl">{MODES[publish.mode]}</td>
              <td data-label="Scopes">
                {number(publish.scopesChanged)} of {number(publish.scopes)} changed
              </td>
              <td data-label="What changed">
                <Difference of={publish} />
              </td>
              <td data-label="By">
                <Name text={publish.createdBy} limit={60} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <LoadMore more={more} busy={busy} what="crawls" />
    </>
  );
};
