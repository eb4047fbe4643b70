import type { Job, ScopeOutcome } from '#catalog/api/contract.ts';
import { withQuery } from '../api.ts';
import { number, words } from '../format.ts';
import { assetLink, jobLink } from '../kinds.ts';
import { type Concerns, useLoad, usePages } from '../load.ts';
import { LoadMore } from '../parts/controls.tsx';
import { ConnectionCrumbs } from '../parts/crumbs.tsx';
import { Difference, ScopeChanges } from '../parts/difference.tsx';
import {
  isActive,
  JobDuration,
  JobState,
  jobName,
  OUTCOME_ORDER,
  OUTCOME_TONES,
  onlyOf,
  outcomeWord,
} from '../parts/job.tsx';
import { MissingList } from '../parts/missing.tsx';
import { Badge, Empty, ErrorPanel, Fact, Loading, Page } from '../parts/panels.tsx';
import { Coded, Marked, Name, When } from '../parts/text.tsx';
import { navigate } from '../router.ts';
import { RunningJob } from './connection.tsx';
import { InventoryResult } from './inventory.tsx';
import { Checks, TestEnd } from './test.tsx';

/** What the outcome means for what one sees in the catalog. */
const MEANINGS = {
  complete: 'read whole and replaced: what was not seen is gone',
  updated: 'only what changed was read: that was updated or removed, the rest kept',
  unchanged: 'not changed since the last crawl, kept as it is',
  partial: 'read in part: what came was updated, nothing was deleted',
  denied: 'the user may not open it: kept as it was',
  failed: 'could not be read: kept as it was',
  gone: 'does not exist any more',
} as const satisfies Record<ScopeOutcome['outcome'], string>;

/** The same where lineage was made anew and nothing else was looked at. */
const MEANINGS_OF_LINEAGE: Partial<Record<ScopeOutcome['outcome'], string>> = {
  updated: 'the lineage was made anew of what is kept of the app, nothing else of it was touched',
  partial: 'the lineage was made anew; what the last crawl could not read of the app is missing in it, too',
  unchanged: 'the lineage could not be made anew and is as it was; each app says why, and what to do',
};

const meaningOf = (kind: Job['kind'], outcome: ScopeOutcome['outcome']): string =>
  (kind === 'lineage' ? MEANINGS_OF_LINEAGE[outcome] : undefined) ?? MEANINGS[outcome];

/** What came of lineage that was made anew, in a sentence: how many apps, and of how many not. */
const RemadeSummary = ({ job }: { job: Job }) => {
  const { updated = 0, partial = 0, unchanged = 0 } = job.outcomes;
  const apps = (count: number): string => `${number(count)} ${count === 1 ? 'app' : 'apps'}`;
  if (updated + partial + unchanged === 0)
    return isActive(job) || job.state !== 'published' ? null : (
      <p>Nothing had to be made anew: all of the lineage that was asked for is as it would be made today.</p>
    );
  return (
    <p>
      Lineage of {apps(updated + partial)} was made anew, and no app was opened.
      {unchanged > 0 && (
        <>
          {' '}
          Of {apps(unchanged)} it is <a href={withQuery(jobLink(job.id), { outcome: 'unchanged' })}>as it was</a>: they
          have no script that the agent can read, or nothing of them is kept on its machine and a crawl has to read them
          first.
        </>
      )}
    </p>
  );
};

const Scope = ({ scope, job }: { scope: ScopeOutcome; job: Job }) => (
  <li class="scope">
    <div class="scope-line">
      <Badge tone={OUTCOME_TONES[scope.outcome]}>{outcomeWord(job.kind, scope.outcome)}</Badge>
      <span class="scope-name">
        {scope.outcome === 'gone' ? (
          <Name text={scope.name} />
        ) : (
          <a href={assetLink(scope.scope)}>
            <Name text={scope.name} />
          </a>
        )}{' '}
        <span class="quiet">{scope.kind === 'site' ? 'the site itself' : 'app'}</span>
      </span>
      <span class="scope-records">
        {number(scope.records)} {scope.records === 1 ? 'record' : 'records'}
      </span>
      <Difference of={scope} />
      <span class="quiet scope-when">
        <When time={scope.publishedAt} />
      </span>
    </div>
    {scope.reason && (
      <p class="quiet scope-reason">
        <Coded text={scope.reason.message} code={scope.reason.code} />
      </p>
    )}
    <ScopeChanges job={job.id} scope={scope} />
    {scope.error && (
      <div class="scope-note bad">
        <p>
          <Coded text={scope.error.message} code={scope.error.code} />
        </p>
        <p>
          <strong>What to do:</strong> <Marked text={scope.error.advice} />
        </p>
        {lackedBy(scope, true).length > 0 && (
          <p>
            <strong>Missing because of it:</strong>{' '}
            <bdi>
              {lackedBy(scope, true)
                .map(({ what }) => what)
                .join(', ')}
            </bdi>
          </p>
        )}
      </div>
    )}
    <MissingList missing={lackedBy(scope, false)} />
  </li>
);

/** What the scope lacks by its own error, which says why and what to do, or by something else. */
const lackedBy = ({ error, missing }: ScopeOutcome, itself: boolean): ScopeOutcome['missing'] =>
  missing.filter(({ code, message }) => (code === error?.code && message === error.message) === itself);

const isOutcome = (text: string | null): text is ScopeOutcome['outcome'] =>
  OUTCOME_ORDER.some((outcome) => outcome === text);

const Scopes = ({ job, query, concerns }: { job: Job; query: URLSearchParams; concerns: Concerns }) => {
  const asked = query.get('outcome');
  const outcome = isOutcome(asked) ? asked : undefined;
  const changed = query.get('changed') === 'true' ? 'true' : undefined;
  const { data, problem, reload, more, busy } = usePages<ScopeOutcome>(
    withQuery(`/api/v1${jobLink(job.id)}/scopes`, { outcome, changed }),
    concerns,
  );
  const all = OUTCOME_ORDER.reduce((sum, each) => sum + (job.outcomes[each] ?? 0), 0);
  const choices = [
    { value: undefined, label: 'All', count: all },
    ...OUTCOME_ORDER.map((each) => ({
      value: each,
      label: words(outcomeWord(job.kind, each)),
      count: job.outcomes[each] ?? 0,
    })),
  ].filter(({ value, count }) => value === undefined || value === outcome || count > 0);
  return (
    <section>
      <h2>Outcome of every scope</h2>
      <fieldset class="chips">
        <legend class="unseen">Show only one outcome</legend>
        {choices.map(({ value, label, count }) => (
          <button
            key={label}
            type="button"
            aria-pressed={value === outcome}
            onClick={() => navigate(withQuery(jobLink(job.id), { outcome: value, changed }), 'filter')}
          >
            {label} <span class="count">{number(count)}</span>
          </button>
        ))}
      </fieldset>
      <fieldset class="chips">
        <legend class="unseen">Show only what changed</legend>
        <button
          type="button"
          aria-pressed={changed !== undefined}
          onClick={() =>
            navigate(
              withQuery(jobLink(job.id), { outcome, changed: changed === undefined ? 'true' : undefined }),
              'filter',
            )
          }
        >
          Only what changed
        </button>
      </fieldset>
      {outcome && (
        <p class="quiet">
          {outcomeWord(job.kind, outcome)}: {meaningOf(job.kind, outcome)}.
        </p>
      )}
      {problem && <ErrorPanel error={problem} title="The outcomes could not be read" onRetry={() => void reload()} />}
      {data === undefined ? (
        problem === undefined && <Loading what="the outcomes" />
      ) : data.length === 0 ? (
        <Empty
          title={
            changed
              ? 'Nothing came, changed or went.'
              : outcome
                ? `No scope is ${outcomeWord(job.kind, outcome)}.`
                : 'No scope is published yet.'
          }
        >
          {!outcome && !changed && isActive(job) && <p>Each app appears here as soon as it is done.</p>}
        </Empty>
      ) : (
        <ul class="scopes">
          {data.map((scope) => (
            <Scope key={scope.scope} scope={scope} job={job} />
          ))}
        </ul>
      )}
      <LoadMore more={more} busy={busy} what="scopes" />
    </section>
  );
};

/** One job: how it went. Of a crawl scope by scope, of a test check by check. */
export const JobPage = ({ id, query }: { id: string; query: URLSearchParams }) => {
  const concerns: Concerns = (change) => change.name === 'job' && change.id === id;
  const { data: job, problem, reload } = useLoad<Job>(`/api/v1${jobLink(id)}`, concerns);
  const what = job?.kind ?? 'job';
  const title = job === undefined ? 'Job' : `${jobName(job)} of ${job.connection}`;
  const only = job && onlyOf(job);
  return (
    <Page title={title} above={<ConnectionCrumbs code={job?.connection} />}>
      {problem && <ErrorPanel error={problem} title={`The ${what} could not be read`} onRetry={() => void reload()} />}
      {job === undefined ? (
        problem === undefined && <Loading what="the job" />
      ) : (
        <>
          <section class="card" aria-label="State">
            {isActive(job) && <RunningJob job={job} reload={reload} />}
            {job.kind === 'lineage' && <RemadeSummary job={job} />}
            {job.kind === 'test' && !isActive(job) && <TestEnd job={job} />}
            <dl class="facts">
              {only !== undefined && (
                <Fact label="Only">
                  {only} <span class="quiet">nothing else is touched</span>
                </Fact>
              )}
              {typeof job.options['changed'] === 'string' && (
                <Fact label="Only">
                  apps whose lineage depends on what changed <span class="quiet">asked for by itself</span>
                </Fact>
              )}
              {!isActive(job) && job.kind !== 'test' && (
                <Fact label="State">
                  <JobState job={job} />
                </Fact>
              )}
              <Fact label="Asked for">
                <When time={job.createdAt} /> <span class="quiet">by</span> <Name text={job.createdBy} limit={60} />
              </Fact>
              <Fact label="Started">
                {job.startedAt === null ? <span class="quiet">–</span> : <When time={job.startedAt} />}
              </Fact>
              <Fact label="Took">
                <JobDuration job={job} />
              </Fact>
              {job.progress && job.kind === 'crawl' && <Fact label="Records">{number(job.progress.records)}</Fact>}
              {job.attempt > 1 && <Fact label="Attempt">{job.attempt}</Fact>}
            </dl>
            {job.error && <ErrorPanel standing error={job.error} title={failure(job)} />}
          </section>
          {job.kind === 'test' ? (
            <Checks job={job} concerns={concerns} />
          ) : job.kind === 'inventory' ? (
            <InventoryResult job={job} query={query} concerns={concerns} />
          ) : (
            <Scopes job={job} query={query} concerns={concerns} />
          )}
        </>
      )}
    </Page>
  );
};

const failure = (job: Job): string => {
  if (job.state !== 'failed') return 'What the agent reported';
  if (job.kind === 'lineage') return 'The lineage could not be made anew; what was there stays';
  return job.kind === 'crawl' ? 'The crawl failed; what had been published stays' : `The ${job.kind} could not be done`;
};
