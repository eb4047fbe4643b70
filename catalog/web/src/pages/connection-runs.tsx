import type { Connection, Job } from '#catalog/api/contract.ts';
import { announce } from '../announce.tsx';
import { call } from '../api.ts';
import { connectionLink, jobLink, runForLink, settingsLink } from '../kinds.ts';
import { useAction } from '../parts/controls.tsx';
import { InventoryCounts, isActive, JobState } from '../parts/job.tsx';
import { ErrorPanel } from '../parts/panels.tsx';
import { Forbidden, refusalOf } from '../parts/refusals.tsx';
import { When } from '../parts/text.tsx';
import { navigate } from '../router.ts';

/** Why no job but a test can be asked for; undefined when it can. */
export const whyNoJob = ({ status }: Connection): string | undefined => {
  if (status.state === 'absent') return 'The file was removed: put it back to crawl or test again.';
  if (status.state === 'disabled') return 'The file says enabled = false.';
  if (status.state === 'error' && status.inForce === null) return 'Correct the file first.';
  return undefined;
};

/** Asks for a job and goes to its page. */
export const startJob = async (code: string, body: object, said: string): Promise<void> => {
  const job = await call<Job>('POST', `/api/v1${connectionLink(code)}/jobs`, { body });
  announce(said);
  navigate(jobLink(job.id));
};

const Start = ({
  connection,
  name,
  kind,
  option,
  body,
  about,
}: {
  connection: Connection;
  name: string;
  kind: 'crawl' | 'inventory' | 'lineage';
  option?: string;
  body: object;
  about: string;
}) => {
  const { busy, problem, run } = useAction();
  const { code } = connection;
  const forbidden = refusalOf(connection, kind, option);
  const reason = forbidden ?? whyNoJob(connection);
  const id = `why-${kind}-${option ?? ''}`;
  return (
    <li>
      <button
        type="button"
        aria-disabled={reason !== undefined || busy}
        aria-describedby={id}
        onClick={() => {
          if (reason === undefined && !busy) void run(() => startJob(code, body, `${name} of ${code} started.`));
        }}
      >
        {busy ? 'Starting…' : name}
        <span class="unseen"> of {code}</span>
      </button>
      {forbidden === undefined ? (
        <span class="quiet" id={id}>
          {about}
        </span>
      ) : (
        <Forbidden why={forbidden} id={id} />
      )}
      {problem && <ErrorPanel error={problem} title={`${name} was not started`} />}
    </li>
  );
};

/** What else can be asked for, and what the agent's own policy says of it before anybody asks. */
export const MoreRuns = ({ connection }: { connection: Connection }) => {
  const { code, lastInventory } = connection;
  const noCrawl = refusalOf(connection, 'crawl');
  return (
    <section>
      <h2>More to run and to set</h2>
      <ul class="runs">
        <li>
          <a class="button" href={settingsLink(code)}>
            Filters and settings<span class="unseen"> of {code}</span>
          </a>
          <span class="quiet">What is crawled, what happens to what is gone, and who changed it.</span>
        </li>
        <Start
          connection={connection}
          name="Inventory"
          kind="inventory"
          body={{ kind: 'inventory' }}
          about="Lists what the filters keep and reject, rule by rule. Nothing is published."
        />
        {lastInventory !== null && (
          <li class="runs-more">
            Last inventory:{' '}
            <a href={jobLink(lastInventory.id)}>
              <When time={lastInventory.createdAt} />
            </a>{' '}
            <JobState job={lastInventory} /> {!isActive(lastInventory) && <InventoryCounts job={lastInventory} />}
          </li>
        )}
        <li>
          {noCrawl === undefined && (
            <a class="button" href={runForLink(code)}>
              Run for…<span class="unseen"> some streams or apps of {code}</span>
            </a>
          )}
          {noCrawl === undefined ? (
            <span class="quiet">Crawls only the streams and apps that you pick; nothing else is touched.</span>
          ) : (
            <Forbidden why={noCrawl} id="why-run-for" />
          )}
        </li>
        <Start
          connection={connection}
          name="Full crawl"
          kind="crawl"
          option="full"
          body={{ kind: 'crawl', options: { mode: 'full' } }}
          about="Reads every app anew, whatever is known of it."
        />
        <Start
          connection={connection}
          name="Build lineage"
          kind="lineage"
          body={{ kind: 'lineage' }}
          about="Works out anew where data comes from, from what the agent kept of each app. No app is opened."
        />
      </ul>
    </section>
  );
};
