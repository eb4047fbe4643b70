import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Job, ScopeOutcome } from '#catalog/api/contract.ts';
import { announce } from '../announce.tsx';
import { duration, number, useNow } from '../format.ts';
import { Badge, type Tone } from './panels.tsx';
import { Name } from './text.tsx';

export const OUTCOME_TONES = {
  complete: 'green',
  updated: 'green',
  unchanged: 'grey',
  partial: 'amber',
  denied: 'amber',
  failed: 'red',
  gone: 'grey',
} as const satisfies Record<ScopeOutcome['outcome'], Tone>;
export const OUTCOME_ORDER = Object.keys(OUTCOME_TONES) as readonly ScopeOutcome['outcome'][];

/** What became of lineage that was made anew, where the words for a crawl would say something else. */
const REMADE: Partial<Record<ScopeOutcome['outcome'], string>> = {
  updated: 'made anew',
  partial: 'made anew in part',
  unchanged: 'as it was',
};

/** How an outcome is called in a job of this kind. */
export const outcomeWord = (kind: Job['kind'], outcome: ScopeOutcome['outcome']): string =>
  (kind === 'lineage' ? REMADE[outcome] : undefined) ?? outcome;

const STATES = {
  queued: ['grey', 'Waiting'],
  leased: ['blue', 'Starting'],
  running: ['blue', 'Running'],
  cancelling: ['amber', 'Cancelling'],
  published: ['green', 'Published'],
  failed: ['red', 'Failed'],
  cancelled: ['grey', 'Cancelled'],
} as const satisfies Record<Job['state'], readonly [Tone, string]>;

/** An inventory publishes nothing. */
const LISTED = ['green', 'Done'] as const;

/** How a test ended: it is done whatever it found. */
const testState = (job: Job): readonly [Tone, string] => {
  if (job.state === 'failed') return ['red', 'Could not run'];
  if (job.state !== 'published') return STATES[job.state];
  return (job.test?.failed ?? 0) > 0 ? ['red', 'Problem found'] : ['green', 'Passed'];
};

const some = (count: number, one: string): string => `${number(count)} ${one}${count === 1 ? '' : 's'}`;

/** What a crawl is for, when it is not for the whole site: `2 apps and 1 stream`. */
export const onlyOf = ({ options }: Job): string | undefined => {
  const only = options['only'] as { apps?: unknown; streams?: unknown } | undefined;
  if (only === undefined) return undefined;
  const count = (list: unknown): number => (Array.isArray(list) ? list.length : 0);
  const parts = [
    ...(count(only.apps) > 0 ? [some(count(only.apps), 'app')] : []),
    ...(count(only.streams) > 0 ? [some(count(only.streams), 'stream')] : []),
  ];
  return parts.join(' and ');
};

const KINDS = {
  crawl: 'Crawl',
  test: 'Test',
  inventory: 'Inventory',
  preview: 'Preview',
  lineage: 'Lineage',
} as const satisfies Record<Job['kind'], string>;

/** What a job is called. */
export const jobName = (job: Job): string =>
  job.kind === 'crawl' && job.options['mode'] === 'full' ? 'Full crawl' : KINDS[job.kind];

/** The numbers of an inventory, for a table. */
export const InventoryCounts = ({ job: { inventory } }: { job: Job }) => {
  if (inventory === null) return <span class="quiet">no list</span>;
  const sum = ({ stream, app, sheet }: typeof inventory.kept): number => stream + app + sheet;
  return (
    <>
      {number(sum(inventory.kept))} kept · {number(sum(inventory.rejected))} rejected
    </>
  );
};

export const isActive = (job: Job): boolean =>
  job.state === 'queued' || job.state === 'leased' || job.state === 'running' || job.state === 'cancelling';

export const JobState = ({ job }: { job: Job }) => {
  const isListed = job.kind === 'inventory' && job.state === 'published';
  const [tone, word] = job.kind === 'test' ? testState(job) : isListed ? LISTED : STATES[job.state];
  return <Badge tone={tone}>{word}</Badge>;
};

export const OutcomeCounts = ({ job: { kind, outcomes } }: { job: Job }) => {
  const present = OUTCOME_ORDER.filter((outcome) => (outcomes[outcome] ?? 0) > 0);
  if (present.length === 0) return <span class="quiet">no scope yet</span>;
  return (
    <span class="outcomes">
      {present.map((outcome) => (
        <Badge key={outcome} tone={OUTCOME_TONES[outcome]}>
          {number(outcomes[outcome] ?? 0)} {outcomeWord(kind, outcome)}
        </Badge>
      ))}
    </span>
  );
};

export const JobDuration = ({ job }: { job: Job }) => {
  const now = useNow();
  if (job.startedAt === null) return <span class="quiet">–</span>;
  const end = job.finishedAt === null ? now : Date.parse(job.finishedAt);
  return <>{duration(Math.max(0, end - Date.parse(job.startedAt)))}</>;
};

/** Every quarter is read out: more often would be noise. */
const useSpokenProgress = (job: Job): void => {
  const said = useRef({ id: '', quarter: 0 });
  const { progress } = job;
  const share = progress?.scopesTotal ? progress.scopesDone / progress.scopesTotal : 0;
  const quarter = Math.floor(share * 4);
  useEffect(() => {
    if (said.current.id !== job.id) {
      said.current = { id: job.id, quarter };
      return;
    }
    if (quarter <= said.current.quarter) return;
    said.current = { id: job.id, quarter };
    announce(`${jobName(job)} of ${job.connection}: ${quarter * 25} percent.`, true);
  }, [job, quarter]);
};

/** A job that is on its way: how far, what now, and why it waits. */
export const JobProgress = ({ job, children }: { job: Job; children?: ComponentChildren }) => {
  useSpokenProgress(job);
  const { progress } = job;
  const total = progress?.scopesTotal ?? null;
  return (
    <div class="progress">
      <div class="progress-line">
        <JobState job={job} />
        <span class="progress-text">
          {progress === null
            ? (job.waiting ?? 'The agent has not begun yet.')
            : job.kind === 'inventory'
              ? `${number(progress.records)} items listed`
              : total === null
                ? `${number(progress.scopesDone)} ${progress.scopesDone === 1 ? 'scope' : 'scopes'} done, reading the site · ${number(progress.records)} records`
                : `${number(progress.scopesDone)} of ${number(total)} scopes · ${number(progress.records)} records`}
        </span>
        {children}
      </div>
      <progress
        aria-label={`Progress of the ${job.kind} of ${job.connection}`}
        {...(progress !== null && total !== null ? { max: Math.max(1, total), value: progress.scopesDone } : {})}
      />
      {progress !== null && job.waiting !== null && <p class="quiet">{job.waiting}</p>}
      {progress !== null && progress.current.length > 0 && (
        <p class="current">
          <span class="quiet">Reading now: </span>
          {progress.current.slice(0, 8).map((name, index) => (
            <span key={`${index} ${name.slice(0, 80)}`}>
              {index > 0 && ', '}
              <Name text={name} limit={60} />
            </span>
          ))}
          {progress.current.length > 8 && ` and ${progress.current.length - 8} more`}
        </p>
      )}
    </div>
  );
};
