import { useState } from 'preact/hooks';
import type { Connection, Job } from '#catalog/api/contract.ts';
import { announce } from '../announce.tsx';
import { call } from '../api.ts';
import { number } from '../format.ts';
import { connectionLink, jobLink, siteLink } from '../kinds.ts';
import { ConfirmTyped, useAction } from '../parts/controls.tsx';
import { isActive } from '../parts/job.tsx';
import { ErrorPanel } from '../parts/panels.tsx';
import { refusalOf } from '../parts/refusals.tsx';
import { navigate } from '../router.ts';
import { whyNoJob } from './connection-runs.tsx';

/** Why a crawl cannot be started now; undefined when it can. */
const whyNoCrawl = (connection: Connection): string | undefined => {
  const { lastJob } = connection;
  if (lastJob && isActive(lastJob)) return 'A crawl is on its way.';
  return whyNoJob(connection) ?? forbidden(connection, 'crawl');
};

const forbidden = (connection: Connection, kind: string): string | undefined => {
  const why = refusalOf(connection, kind);
  return why && `The policy of the agent does not allow it: ${why}`;
};

/** Why nothing can be tested now; undefined when it can: also while a crawl runs, and when the file is broken. */
const whyNoTest = (connection: Connection): string | undefined => {
  const { status, agentHealth } = connection;
  if (status.state === 'absent') return 'The file was removed: put it back to crawl or test again.';
  if (agentHealth === null) return 'No agent has this connection: nothing can be tested.';
  if (agentHealth === 'offline' || agentHealth === 'new')
    return 'The agent is not connected: a test can run when it is back.';
  return forbidden(connection, 'test');
};

/** Asks for a test of a connection and goes to its page, where the checks appear one after the other. */
export const startTest = async (code: string): Promise<void> => {
  const job = await call<Job>('POST', `/api/v1${connectionLink(code)}/jobs`, {
    body: { kind: 'test', options: { link: true } },
  });
  announce(`Test of ${code} started.`, true);
  navigate(jobLink(job.id));
};

const TestButton = ({ connection }: { connection: Connection }) => {
  const { busy, problem, run } = useAction();
  const { code, lastTest } = connection;
  const reason = whyNoTest(connection);
  const reasonId = `why-no-test-${code}`;
  if (lastTest !== null && isActive(lastTest))
    return (
      <a class="button" href={jobLink(lastTest.id)}>
        Watch the test<span class="unseen"> of {code}</span>
      </a>
    );
  return (
    <>
      <button
        type="button"
        aria-disabled={reason !== undefined || busy}
        {...(reason === undefined ? {} : { 'aria-describedby': reasonId })}
        onClick={() => {
          if (reason === undefined) void run(() => startTest(code));
        }}
      >
        {busy ? 'Starting…' : 'Test connection'}
        <span class="unseen"> {code}</span>
      </button>
      {reason !== undefined && (
        <span class={reason === whyNoCrawl(connection) ? 'unseen' : 'quiet reason'} id={reasonId}>
          {reason}
        </span>
      )}
      {problem && (
        <div class="reason">
          <ErrorPanel error={problem} title="The test was not started" />
        </div>
      )}
    </>
  );
};

/** What one can do with a connection; what cannot be done now says why. */
export const Actions = ({
  connection,
  reload,
  level,
}: {
  connection: Connection;
  reload: () => Promise<void>;
  level: 'overview' | 'detail';
}) => {
  const { busy, problem, run } = useAction();
  const [deleting, setDeleting] = useState(false);
  const path = `/api/v1${connectionLink(connection.code)}`;
  const reason = whyNoCrawl(connection);
  const { lastJob } = connection;
  const crawling = lastJob !== null && isActive(lastJob);
  const reasonId = `why-${connection.code}`;
  const crawl = (): void => {
    if (reason !== undefined || busy) return;
    void run(async () => {
      await call('POST', `${path}/jobs`, { body: { kind: 'crawl' } });
      announce(`Crawl of ${connection.code} started.`);
      await reload();
    });
  };
  return (
    <>
      <div class="actions">
        <button
          type="button"
          class="primary"
          aria-disabled={reason !== undefined || busy}
          {...(reason === undefined ? {} : { 'aria-describedby': reasonId })}
          onClick={crawl}
        >
          {busy
            ? 'Starting…'
            : crawling
              ? lastJob?.state === 'queued'
                ? 'Crawl waiting…'
                : 'Crawl running…'
              : 'Run crawl'}
          <span class="unseen"> of {connection.code}</span>
        </button>
        <TestButton connection={connection} />
        {connection.assets > 0 && (
          <a class="button" href={siteLink(connection.code)}>
            Browse<span class="unseen"> the assets of {connection.code}</span>
          </a>
        )}
        {(level === 'detail' || connection.status.state === 'absent') && (
          <button type="button" class="quiet-danger" onClick={() => setDeleting(true)}>
            Delete…<span class="unseen"> {connection.code}</span>
          </button>
        )}
        {reason !== undefined && !crawling && (
          <span class="quiet reason" id={reasonId}>
            {reason}
          </span>
        )}
        {crawling && (
          <span class="unseen" id={reasonId}>
            {reason}
          </span>
        )}
      </div>
      {problem && <ErrorPanel error={problem} title="The crawl was not started" />}
      {deleting && (
        <ConfirmTyped
          title="Delete this connection?"
          word={connection.code}
          action="Delete assets and history"
          onClose={() => setDeleting(false)}
          onConfirm={async () => {
            const gone = await call<{ assets: number; fileStillExists: boolean }>('DELETE', path, {
              body: { confirm: connection.code },
            });
            announce(
              `${connection.code}: ${number(gone.assets)} assets deleted.${
                gone.fileStillExists ? ' Its file still exists: the connection comes back with the next report.' : ''
              }`,
            );
            navigate('/');
          }}
        >
          <p>
            This removes <strong>{number(connection.assets)} assets</strong> and all history of{' '}
            <code>{connection.code}</code> from the catalog. It cannot be undone.
          </p>
          {connection.status.state !== 'absent' && (
            <p class="panel warn">
              The file <code>{connection.status.file}</code> still exists on the agent
              {connection.agentName === null ? '' : ` ${connection.agentName}`}. Remove it there first, or the
              connection comes back empty.
            </p>
          )}
        </ConfirmTyped>
      )}
    </>
  );
};
