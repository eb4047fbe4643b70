import { ASSET_KINDS } from '#protocol/records.ts';
import type { RunningJob } from './facts.ts';

/** How a run of a job ended. `interrupted`: the agent stopped, or the lease was lost; the job goes on elsewhere. */
export type JobResult = 'ok' | 'error' | 'cancelled' | 'interrupted';

/** What is counted of jobs, as it happens. */
export interface JobFigures {
  jobEnded(kind: string, result: JobResult, durationMs: number): void;
  record(kind: string): void;
}

interface Running {
  job: RunningJob;
  readonly startedMs: number;
}

const KNOWN_RECORDS: ReadonlySet<string> = new Set([
  ...ASSET_KINDS,
  'scope',
  'edge',
  'listed',
  'outcome',
  'test',
  'check',
  'settings',
  'gone',
  'picture',
  'inventory',
  'item',
]);

/** One run of a job. */
export interface JobRun {
  progress(report: Pick<RunningJob, 'scopesDone' | 'scopesTotal' | 'records'>): void;
  record(record: { readonly t: string; readonly kind?: unknown }): void;
  ended(result: JobResult): void;
}

/** Knows the jobs that run, and counts those that ran. */
export class JobWatch {
  readonly #figures: JobFigures;
  readonly #nowMs: () => number;
  readonly #timestamp: () => string;
  readonly #running = new Set<Running>();

  constructor(figures: JobFigures, clock: { readonly nowMs: () => number; readonly timestamp: () => string }) {
    this.#figures = figures;
    this.#nowMs = clock.nowMs;
    this.#timestamp = clock.timestamp;
  }

  get running(): readonly RunningJob[] {
    return [...this.#running].map(({ job }) => job);
  }

  /** `kind` is that of a handler, so there are few. */
  begin(kind: string, jobId: string, connection: string): JobRun {
    const job = { jobId, kind, connection, since: this.#timestamp(), scopesDone: 0, scopesTotal: null, records: 0 };
    const running: Running = { job, startedMs: this.#nowMs() };
    this.#running.add(running);
    return {
      progress: ({ scopesDone, scopesTotal, records }) => {
        running.job = { ...running.job, scopesDone, scopesTotal, records };
      },
      record: (record) => {
        const name = record.t === 'asset' ? String(record.kind) : record.t;
        this.#figures.record(KNOWN_RECORDS.has(name) ? name : 'other');
      },
      ended: (result) => {
        if (this.#running.delete(running)) this.#figures.jobEnded(kind, result, this.#nowMs() - running.startedMs);
      },
    };
  }
}
