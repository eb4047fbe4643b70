import type { ComponentChildren } from 'preact';
import type { Check, Job } from '#catalog/api/contract.ts';
import type { CheckId, LinkCheckId } from '#protocol/checks.ts';
import { duration, words } from '../format.ts';
import { jobLink } from '../kinds.ts';
import { isActive, JobState } from './job.tsx';
import { Marked, When } from './text.tsx';

/** What each check is called. */
const TITLES = {
  file: 'Connection file',
  secrets: 'Secrets',
  dns: 'Host name (DNS)',
  tcp: 'Network connection (TCP)',
  proxy: 'Proxy',
  tls: 'Certificates (TLS)',
  virtual_proxy: 'Virtual proxy',
  authentication: 'Authentication',
  repository: 'Repository (QRS)',
  objects: 'Objects visible to the user',
  websocket: 'WebSocket',
  engine: 'Engine',
  open_app: 'Opening an app',
  rights: 'Rights to scripts and data connections',
  sessions: 'Sessions',
  upgrade: 'WebSocket to the catalog',
  enrolment: 'Enrolment',
} as const satisfies Record<CheckId | LinkCheckId, string>;

export const checkTitle = (check: string, target: Check['target'] = 'connection'): string => {
  if (target === 'link' && check === 'file') return 'Settings of the agent';
  return Object.hasOwn(TITLES, check) ? TITLES[check as keyof typeof TITLES] : words(check);
};

export const TARGETS = {
  connection: 'The connection',
  link: 'The way from the agent to the catalog',
} as const satisfies Record<Check['target'], string>;

/** Two marks that need no colour: the shape and the word. */
const MARKS = {
  pass: ['✓', 'Passed'],
  fail: ['✕', 'Failed'],
  skip: ['–', 'Skipped'],
  note: ['!', 'Warning'],
  running: ['…', 'Running'],
} as const;

/** How a check ended; one that passed and still deserves a look is a warning. */
export const Mark = ({ mark }: { mark: keyof typeof MARKS }) => {
  const [sign, word] = MARKS[mark];
  return (
    <span class={`mark is-${mark}`}>
      <span class="sign" aria-hidden="true">
        {sign}
      </span>
      {word}
    </span>
  );
};

const checks = (count: number): string => (count === 1 ? '1 check' : `${count} checks`);

/** In one sentence what a test that is done has found. */
export const testSummary = ({ test }: Job): string => {
  if (test === null) return '';
  const { passed, warned, failed, skipped, failure } = test;
  if (failure === null) {
    const warnings = warned > 0 ? `, ${warned} with a warning` : '';
    const rest = skipped > 0 ? `; ${skipped} did not apply` : '';
    return `${passed === 1 ? 'The check' : `All ${checks(passed)}`} passed${warnings}${rest}.`;
  }
  const title = checkTitle(failure.check, failure.target);
  return failed === 1 ? `Failed: ${title}.` : `${checks(failed)} failed, the first: ${title}.`;
};

/** The numbers of a test, for a table. */
export const TestCounts = ({ job: { test } }: { job: Job }) => {
  if (test === null || test.passed + test.failed + test.skipped === 0) return <span class="quiet">no check yet</span>;
  const { passed, warned, failed, skipped, failure } = test;
  return (
    <>
      {failure !== null && (
        <>
          <span class="red-text">{failed} failed:</span> {checkTitle(failure.check, failure.target)} ·{' '}
        </>
      )}
      {passed} passed{warned > 0 && ` (${warned} with a warning)`}
      {skipped > 0 && ` · ${skipped} skipped`}
    </>
  );
};

/** The last test of a connection in one line. */
export const TestVerdict = ({ job }: { job: Job }) => (
  <>
    <a href={jobLink(job.id)}>
      <When time={job.finishedAt ?? job.createdAt} />
    </a>{' '}
    <JobState job={job} />{' '}
    {job.state === 'published' && (
      <span>
        {testSummary(job)} {job.test?.failure?.code && <code class="code">{job.test.failure.code}</code>}
      </span>
    )}
    {job.state === 'failed' && job.error && (
      <span>
        <Marked text={job.error.message} />
      </span>
    )}
    {isActive(job) && <span class="quiet">{doing(job)}</span>}
  </>
);

/** The check that runs, as the agent says it: `target/check`. */
export const runningCheck = ({ progress }: Job): Pick<Check, 'target' | 'check'> | undefined => {
  const [, target, check] = /^(connection|link)\/(.{1,60})$/s.exec(progress?.current[0] ?? '') ?? [];
  return check === undefined ? undefined : { target: target === 'link' ? 'link' : 'connection', check };
};

const doing = (job: Job): string => {
  const { test } = job;
  if (job.waiting !== null) return job.waiting;
  const done = test === null ? 0 : test.passed + test.failed + test.skipped;
  const current = runningCheck(job);
  if (current === undefined) return done === 0 ? 'The agent has not begun yet.' : `${checks(done)} done`;
  return `${checks(done)} done, now: ${checkTitle(current.check, current.target)}`;
};

/** A test that is on its way: how far, what now, and why it waits. */
export const TestProgress = ({ job, children }: { job: Job; children?: ComponentChildren }) => (
  <div class="progress">
    <div class="progress-line">
      <JobState job={job} />
      <span class="progress-text">{doing(job)}</span>
      {children}
    </div>
    <progress aria-label={`Progress of the test of ${job.connection}`} />
  </div>
);

/** How long a check took; nothing for one that was not done. */
export const Took = ({ check }: { check: Check }) =>
  check.status === 'skip' ? null : <span class="quiet check-took">{duration(check.durationMs)}</span>;
