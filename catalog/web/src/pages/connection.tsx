import type { Connection, Counts, Job } from '#catalog/api/contract.ts';
import { call, withQuery } from '../api.ts';
import { number } from '../format.ts';
import { connectionLink, findingsLink, jobLink, KIND_ORDER, kindName, kindPlural } from '../kinds.ts';
import { useLoad, usePages } from '../load.ts';
import { TestCounts, TestProgress } from '../parts/checks.tsx';
import { LoadMore, useAction } from '../parts/controls.tsx';
import { ConnectionCrumbs } from '../parts/crumbs.tsx';
import { Publishes } from '../parts/difference.tsx';
import { CountedFindings } from '../parts/findings.tsx';
import {
  InventoryCounts,
  isActive,
  JobDuration,
  JobProgress,
  JobState,
  jobName,
  OutcomeCounts,
  onlyOf,
} from '../parts/job.tsx';
import { Empty, ErrorPanel, Loading, Page } from '../parts/panels.tsx';
import { Name, When } from '../parts/text.tsx';
import { ConnectionCard, verdict } from './connection-card.tsx';
import { MoreRuns } from './connection-runs.tsx';

/** The job under way, with the button that stops it. */
export const RunningJob = ({ job, reload }: { job: Job; reload: () => Promise<void> }) => {
  const { busy, problem, run } = useAction();
  const stopping = job.state === 'cancelling';
  const Progress = job.kind === 'test' ? TestProgress : JobProgress;
  return (
    <>
      <Progress job={job}>
        <button
          type="button"
          class="small"
          aria-disabled={busy || stopping}
          onClick={() => {
            if (stopping) return;
            void run(async () => {
              await call('POST', `/api/v1${jobLink(job.id)}/cancel`);
              await reload();
            });
          }}
        >
          {stopping ? 'Cancelling…' : `Cancel ${job.kind}`}
        </button>
      </Progress>
      {problem && <ErrorPanel error={problem} title={`The ${job.kind} was not cancelled`} />}
    </>
  );
};

const AssetCounts = ({ code, crawling }: { code: string; crawling: boolean }) => {
  const { data, problem } = useLoad<Counts>(
    withQuery('/api/v1/counts', { connection: code }),
    (change) => change.name === 'assets' && change.connection === code,
  );
  if (problem && data === undefined) return <ErrorPanel error={problem} title="The counts could not be read" />;
  const kinds = KIND_ORDER.filter((kind) => (data?.assets[kind] ?? 0) > 0);
  if (data === undefined) return null;
  if (kinds.length === 0)
    return (
      <Empty title="Nothing crawled yet">
        <p>
          {crawling
            ? 'The crawl is on its way: every app appears here as soon as it was read.'
            : 'Press “Run crawl” to bring the metadata of this site here.'}
        </p>
      </Empty>
    );
  return (
    <ul class="counts">
      {kinds.map((kind) => {
        const count = data.assets[kind] ?? 0;
        return (
          <li key={kind}>
            <a href={withQuery('/browse', { connection: code, kind })}>
              <span class="count">{number(count)}</span> {count === 1 ? kindName(kind) : kindPlural(kind)}
            </a>
          </li>
        );
      })}
    </ul>
  );
};

const Result = ({ job }: { job: Job }) => {
  if (job.kind === 'test') return <TestCounts job={job} />;
  if (job.kind === 'inventory') return <InventoryCounts job={job} />;
  return <OutcomeCounts job={job} />;
};

const Jobs = ({ code }: { code: string }) => {
  const { data, problem, reload, more, busy } = usePages<Job>(
    withQuery('/api/v1/jobs', { connection: code }),
    (change) => change.name === 'job' && change.connection === code,
  );
  if (problem && data === undefined)
    return <ErrorPanel error={problem} title="The history could not be read" onRetry={() => void reload()} />;
  if (data === undefined) return <Loading what="the history" />;
  if (data.length === 0) return <p class="quiet">Nothing was asked for yet.</p>;
  return (
    <>
      <table class="stacks">
        <thead>
          <tr>
            <th scope="col">Asked for</th>
            <th scope="col">Job</th>
            <th scope="col">State</th>
            <th scope="col">Result</th>
            <th scope="col">Took</th>
            <th scope="col">By</th>
          </tr>
        </thead>
        <tbody>
          {data.map((job) => (
            <tr key={job.id}>
              <td data-label="Asked for">
                <a href={jobLink(job.id)}>
                  <When time={job.createdAt} />
                </a>
              </td>
              <td data-label="Job">
                {jobName(job)}
                {onlyOf(job) !== undefined && <span class="quiet"> of {onlyOf(job)}</span>}
                {job.tried && <span class="quiet"> on trial</span>}
              </td>
              <td data-label="State">
                <JobState job={job} />
                {job.error && <code class="code"> {job.error.code}</code>}
              </td>
              <td data-label="Result">
                <Result job={job} />
              </td>
              <td data-label="Took">
                <JobDuration job={job} />
              </td>
              <td data-label="By">
                <Name text={job.createdBy} limit={60} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {problem && <ErrorPanel error={problem} title="The history could not be read" />}
      <LoadMore more={more} busy={busy} what="jobs" />
    </>
  );
};

export const ConnectionPage = ({ code }: { code: string }) => {
  const { data, problem, reload } = useLoad<Connection>(
    `/api/v1${connectionLink(code)}`,
    (change) =>
      change.name === 'agent' ||
      (change.name === 'connection' && change.code === code) ||
      (change.name === 'job' && change.connection === code),
  );
  const title = data?.status.name ?? code;
  return (
    <Page title={title} heading={<Name text={title} />} above={<ConnectionCrumbs />}>
      {problem && <ErrorPanel error={problem} title="The connection could not be read" onRetry={() => void reload()} />}
      {data === undefined ? (
        problem === undefined && <Loading what="the connection" />
      ) : (
        <>
          {data.lastJob !== null && isActive(data.lastJob) && (
            <section class="card blue" aria-label="Crawl under way">
              <RunningJob job={data.lastJob} reload={reload} />
              <p>
                <a href={jobLink(data.lastJob.id)}>See what is published so far</a>
              </p>
            </section>
          )}
          <section class={`card ${verdict(data).tone}`} aria-label="State">
            <ConnectionCard connection={data} reload={reload} level="detail" />
          </section>
          <section>
            <h2>Assets</h2>
            <AssetCounts code={code} crawling={data.lastJob !== null && isActive(data.lastJob)} />
          </section>
          {data.assets > 0 && (
            <section>
              <h2>
                <a href={findingsLink(code)}>Findings</a>
              </h2>
              <CountedFindings code={code} />
            </section>
          )}
          <MoreRuns connection={data} />
          <section>
            <h2>What crawls changed</h2>
            <Publishes code={code} />
          </section>
          <section>
            <h2>All jobs</h2>
            <Jobs code={code} />
          </section>
        </>
      )}
    </Page>
  );
};
