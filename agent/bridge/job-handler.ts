import type { JobSink } from '#agent/spool/sink.ts';
import type { JobSpec } from '#protocol/messages.ts';

/** What a job's handler gets besides its spec and the sink. */
interface JobContext {
  /**
   * Aborted when the job was cancelled (reason: a Fault `job.cancelled`), when the lease was lost (`bridge.lease_lost`)
   * and when the agent shuts down; the handler then ends as soon as it can. Nothing that it writes later is kept.
   */
  readonly signal: AbortSignal;
  /** Keys of scopes that need not be read again: they lie complete in the spool or are published already. */
  readonly skipScopes: ReadonlySet<string>;
  /** For people; may be called often, the last value wins. */
  readonly onProgress: (progress: JobProgressReport) => void;
}

export interface JobProgressReport {
  readonly scopesDone: number;
  readonly scopesTotal: number | null;
  readonly records: number;
  /** Names of what is being read now. */
  readonly current: readonly string[];
}

/**
 * Does one kind of job. Resolves when all was written; rejects with a Fault that says why the job failed. A scope that
 * fails is not a failed job: it ends in an outcome record.
 */
export interface JobHandler {
  run(spec: JobSpec, sink: JobSink, context: JobContext): Promise<void>;
}

/** A handler for each kind of job that this agent can do; a job of another kind is rejected with `job.unknown_kind`. */
export type JobHandlers = Readonly<Record<string, JobHandler>>;
