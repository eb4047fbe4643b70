import { useEffect, useRef } from 'preact/hooks';
import type { Check, Job } from '#catalog/api/contract.ts';
import { announce } from '../announce.tsx';
import { jobLink } from '../kinds.ts';
import { type Concerns, useLoad } from '../load.ts';
import { checkTitle, Mark, runningCheck, TARGETS, Took, testSummary } from '../parts/checks.tsx';
import { useAction } from '../parts/controls.tsx';
import { isActive, JobState } from '../parts/job.tsx';
import { Empty, ErrorPanel, Loading } from '../parts/panels.tsx';
import { QlikNeeds } from '../parts/qlik-needs.tsx';
import { Coded, Marked } from '../parts/text.tsx';
import type { CheckList } from '../shapes.ts';
import { startTest } from './connection-actions.tsx';

type Running = Pick<Check, 'target' | 'check'>;

const Details = ({ check }: { check: Check }) =>
  check.details.length === 0 ? null : (
    <details open={check.status === 'fail'}>
      <summary>
        Details<span class="unseen"> of {checkTitle(check.check, check.target)}</span>
      </summary>
      <ul class="check-details">
        {check.details.map((line, index) => (
          <li key={`${index} ${line.slice(0, 40)}`}>
            <Marked text={line} />
          </li>
        ))}
      </ul>
    </details>
  );

const One = ({ check }: { check: Check }) => {
  const mark = check.status === 'pass' && check.code !== null ? 'note' : check.status;
  return (
    <li class={`check is-${mark}`}>
      <div class="check-line">
        <Mark mark={mark} />
        <h4>{checkTitle(check.check, check.target)}</h4>
        <Took check={check} />
      </div>
      <p class="check-seen">
        <Coded text={check.seen} code={check.code} />
      </p>
      {check.advice !== null && (
        <p class="check-advice">
          <strong>What to do:</strong> <Marked text={check.advice} />
        </p>
      )}
      <Details check={check} />
    </li>
  );
};

/** Checks that were not done are folded together: what matters is the one that failed before them. */
const Skipped = ({ checks }: { checks: readonly Check[] }) => (
  <li class="check is-skip">
    <details>
      <summary>
        <Mark mark="skip" />{' '}
        <span class="check-names">{checks.map(({ check, target }) => checkTitle(check, target)).join(', ')}</span>
      </summary>
      <ul class="check-details">
        {checks.map((check) => (
          <li key={check.check}>
            <strong>{checkTitle(check.check, check.target)}:</strong> <Marked text={check.seen} />
          </li>
        ))}
      </ul>
    </details>
  </li>
);

/** The checks in their order, neighbours that were skipped as one. */
const folded = (checks: readonly Check[]): readonly (Check | readonly Check[])[] => {
  const rows: (Check | Check[])[] = [];
  for (const check of checks) {
    const last = rows.at(-1);
    if (check.status !== 'skip') rows.push(check);
    else if (Array.isArray(last)) last.push(check);
    else rows.push([check]);
  }
  return rows;
};

const Group = ({ checks, running }: { checks: readonly Check[]; running: Running | undefined }) => (
  <ol class="checks">
    {folded(checks).map((row, index) =>
      'check' in row ? (
        <One key={`${index} ${row.check}`} check={row} />
      ) : (
        <Skipped key={`${index} skipped`} checks={row} />
      ),
    )}
    {running && (
      <li class="check is-running">
        <div class="check-line">
          <Mark mark="running" />
          <h4>{checkTitle(running.check, running.target)}</h4>
        </div>
      </li>
    )}
  </ol>
);

/** A check that failed is read out at once, and how the test ended; what passes is not, or it would never be still. */
const useSpokenChecks = (job: Job, checks: readonly Check[] | undefined): void => {
  const said = useRef({ failed: 0, isActive: false });
  const failed = checks?.filter(({ status }) => status === 'fail') ?? [];
  const last = failed.at(-1);
  useEffect(() => {
    const before = said.current;
    said.current = { failed: failed.length, isActive: isActive(job) };
    if (before.isActive && !isActive(job) && job.state === 'published')
      announce(`Test of ${job.connection}: ${testSummary(job)}`, true);
    else if (before.isActive && failed.length > before.failed && last)
      announce(`Failed: ${checkTitle(last.check, last.target)}.`, true);
  });
};

/** What the checks of a test found, as they are found. */
export const Checks = ({ job, concerns }: { job: Job; concerns: Concerns }) => {
  const { data, problem, reload } = useLoad<CheckList>(`/api/v1${jobLink(job.id)}/checks`, concerns);
  const checks = data?.items;
  useSpokenChecks(job, checks);
  const current = isActive(job) ? runningCheck(job) : undefined;
  // News of what runs may be older than what was found.
  const isNews = !checks?.some(({ check, target }) => check === current?.check && target === current.target);
  const running = isNews ? current : undefined;
  const targets = [...new Set([...(checks ?? []), ...(running ? [running] : [])].map(({ target }) => target))];
  return (
    <section>
      <h2>Checks</h2>
      <p class="quiet">In the order in which the packets travel. What stands on a check that failed is skipped.</p>
      {problem && <ErrorPanel error={problem} title="The checks could not be read" onRetry={() => void reload()} />}
      {checks === undefined ? (
        problem === undefined && <Loading what="the checks" />
      ) : targets.length === 0 ? (
        <Empty title={isActive(job) ? 'No check is done yet.' : 'No check was done.'}>
          {isActive(job) && <p>Each check appears here as soon as the agent has done it.</p>}
        </Empty>
      ) : (
        targets.map((target) => (
          <section key={target}>
            <h3>{TARGETS[target]}</h3>
            <Group
              checks={checks.filter((check) => check.target === target)}
              running={running?.target === target ? running : undefined}
            />
          </section>
        ))
      )}
      {data !== undefined && data.settings.length > 0 && <QlikNeeds settings={data.settings} />}
    </section>
  );
};

/** How a test ended, the cause first, and the button that does it again. */
export const TestEnd = ({ job }: { job: Job }) => {
  const { busy, problem, run } = useAction();
  const failure = job.state === 'published' ? job.test?.failure : undefined;
  return (
    <>
      <div class="test-end">
        <JobState job={job} />
        <p class="test-summary">{job.state === 'published' && testSummary(job)}</p>
        <button type="button" aria-disabled={busy} onClick={() => void run(() => startTest(job.connection))}>
          {busy ? 'Starting…' : 'Test again'}
        </button>
      </div>
      {failure && (
        <p class="test-cause">
          <Coded text={failure.seen} code={failure.code} />
        </p>
      )}
      {problem && <ErrorPanel error={problem} title="The test was not started" />}
    </>
  );
};
