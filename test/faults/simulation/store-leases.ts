import type { AgentSession, GatewayBackend, Refusal, WakeUp } from '#catalog/gateway/backend.ts';
import { MAX_ATTEMPTS, TIMES } from '#protocol/constants.ts';
import { type ErrorInfo, Fault } from '#protocol/errors.ts';
import type { DeletionPolicy } from '#protocol/job-options.ts';
import type { Lease } from '#protocol/messages.ts';
import type { EndedScope, ScopeRow } from './store-rows.ts';
import { type AttemptRow, copyOf, emptyTables, type JobRow, type Tables } from './store-tables.ts';

export type Auth = Parameters<GatewayBackend['authenticate']>[0];
export type Wake = Omit<WakeUp, 'end'> & { readonly end?: Refusal & { readonly epoch: number } };
type Standing = 'held' | 'cancelling' | 'finished' | 'lost';
interface Standings {
  readonly standing: Standing;
  readonly job: JobRow | undefined;
  readonly attempt: AttemptRow | undefined;
}
export type Ending =
  | { readonly state: 'published' | 'cancelled' }
  | { readonly state: 'failed'; readonly error: ErrorInfo }
  | { readonly state: 'again'; readonly error: ErrorInfo | undefined; readonly delayMs: number };

export interface StoreModelOptions {
  readonly nowMs: () => number;
  /** For sessions, leases and jobs. */
  readonly id: () => string;
  readonly verify: (auth: Auth, proof: { readonly host: string; readonly nonce: string }) => boolean;
  readonly sign: (spec: string) => string;
  readonly onWake: (agentId: string, wake: Wake) => void;
  /** A scope was published. */
  readonly onPublished: (ref: AttemptName, ended: EndedScope, change: ScopeChange) => void;
  /** Pictures of a preview were stored. */
  readonly onPictures: (ref: AttemptName, change: ScopeChange & { readonly before: ScopeRow }) => void;
  /** A list of a test or an inventory has other lines. */
  readonly onList: (ref: AttemptName) => void;
  /** A job has ended, for good. */
  readonly onEnded: (job: JobRow) => void;
  /** An app went since no whole list names it. */
  readonly onUnlisted: (ref: AttemptName, change: ScopeChange & { readonly before: ScopeRow }) => void;
}

export type AttemptName = { readonly jobId: string; readonly attempt: number };

/** What became of the rows of a scope. */
export interface ScopeChange {
  readonly before: ScopeRow | undefined;
  readonly after: ScopeRow | undefined;
  readonly policy: DeletionPolicy;
}

/** What one job of a connection at a time has: a crawl and lineage write the same scopes. */
export const placeOf = (kind: string): string => (kind === 'lineage' ? 'crawl' : kind);

export const AT_WORK = ['leased', 'running', 'cancelling'];

export const keyOf = (ref: { readonly jobId: string; readonly attempt: number }): string =>
  `${ref.jobId}/${ref.attempt}`;
/** What makes a stream unusable. */
export const broken = (message: string): ErrorInfo => new Fault('bridge.protocol', message).toJSON();

/** Who holds which job in the store's model, until when, and what becomes of a job when its attempt ends. */
export class LeaseModel {
  protected readonly options: StoreModelOptions;
  tables: Tables = emptyTables();
  #ended = 0;

  constructor(options: StoreModelOptions) {
    this.options = options;
  }

  replica(): Tables {
    return copyOf(this.tables);
  }

  attempt(ref: { readonly jobId: string; readonly attempt: number }): AttemptRow | undefined {
    return this.tables.attempts.get(keyOf(ref));
  }

  /** The attempt, while it is the one that may publish. */
  holding(lease: Lease): { readonly job: JobRow; readonly attempt: AttemptRow } | undefined {
    const attempt = this.attempt(lease);
    const job = this.tables.jobs.get(lease.jobId);
    const holds = attempt?.state === 'active' && attempt.leaseToken === lease.leaseToken;
    return job && holds && job.attempt === attempt.attempt ? { job, attempt } : undefined;
  }

  listChanged({ jobId, attempt }: Lease): void {
    this.options.onList({ jobId, attempt });
  }

  /** The stream cannot be used from here on. */
  poison(lease: Lease, message: string): void {
    const found = this.holding(lease);
    if (!found || found.attempt.error) return;
    found.attempt.error = broken(message);
    if (found.job.state === 'leased' || found.job.state === 'running') found.job.state = 'cancelling';
    const { jobId, attempt } = lease;
    this.options.onWake(found.attempt.agentId, { cancel: { jobId, attempt } });
  }

  protected attemptsOf(jobId: string): AttemptRow[] {
    return [...this.tables.attempts.values()].filter((attempt) => attempt.jobId === jobId);
  }

  protected owned(session: AgentSession, lease: Lease): AttemptRow | undefined {
    const attempt = this.attempt(lease);
    return attempt?.leaseToken === lease.leaseToken && attempt.agentId === session.agentId ? attempt : undefined;
  }

  /** No other job that it has to wait for is at work for the connection. */
  protected isFree(job: JobRow): boolean {
    for (const other of this.tables.jobs.values())
      if (
        other.id !== job.id &&
        other.connection === job.connection &&
        placeOf(other.kind) === placeOf(job.kind) &&
        AT_WORK.includes(other.state)
      )
        return false;
    return true;
  }

  /** Another job that it takes turns with was begun since then. */
  #hadTurnSince({ id, connection, kind }: JobRow, sinceMs: number): boolean {
    for (const { jobId, startedMs } of this.tables.attempts.values()) {
      const other = startedMs > sinceMs && jobId !== id ? this.tables.jobs.get(jobId) : undefined;
      if (other?.connection === connection && placeOf(other.kind) === placeOf(kind)) return true;
    }
    return false;
  }

  protected standing(session: AgentSession, lease: Lease): Standings {
    const attempt = this.owned(session, lease);
    const job = this.tables.jobs.get(lease.jobId);
    if (!attempt || !job) return { standing: 'lost', job: undefined, attempt: undefined };
    if (attempt.state === 'closed') return { standing: 'finished', job, attempt };
    const mine = this.tables.connections.get(job.connection)?.agentId === session.agentId;
    const isFree = (): boolean => this.isFree(job) && !this.#hadTurnSince(job, attempt.expiresAtMs);
    const open = AT_WORK.includes(job.state) || (job.state === 'queued' && isFree());
    const held = attempt.state === 'active' && job.attempt === attempt.attempt && mine && open;
    return { standing: !held ? 'lost' : job.state === 'cancelling' ? 'cancelling' : 'held', job, attempt };
  }

  /** What the agent is told of an attempt that is over: whether its job was published by it, if not. */
  protected unlessPublished(job: JobRow | undefined, attempt: AttemptRow | undefined): { readonly published?: false } {
    return job?.state === 'published' && job.attempt === attempt?.attempt ? {} : { published: false };
  }

  protected prolong(session: AgentSession, lease: Lease): Standings {
    const found = this.standing(session, lease);
    const { standing, job, attempt } = found;
    if (!job || !attempt || (standing !== 'held' && standing !== 'cancelling')) return found;
    attempt.expiresAtMs = this.options.nowMs() + TIMES.leaseTtlMs;
    if (job.state === 'queued') job.state = 'running';
    return found;
  }

  protected end(attempt: AttemptRow, state: 'closed' | 'lost'): void {
    attempt.state = state;
    attempt.batches = [];
  }

  protected lose(attempt: AttemptRow): void {
    const job = this.tables.jobs.get(attempt.jobId);
    if (!job || attempt.state !== 'active') return;
    this.end(attempt, 'lost');
    if (job.attempt !== attempt.attempt || !(job.state === 'queued' || AT_WORK.includes(job.state))) return;
    if (attempt.error) this.endJob(job, { state: 'failed', error: attempt.error });
    else if (job.state === 'cancelling') this.endJob(job, { state: 'cancelled' });
    else this.endJob(job, { state: 'again', error: undefined, delayMs: 0 });
  }

  protected ended(job: JobRow): void {
    this.#ended += 1;
    job.ended = this.#ended;
    this.options.onEnded(job);
  }

  protected endJob(job: JobRow, ending: Ending): void {
    if (ending.state === 'again' && job.attempt < MAX_ATTEMPTS) {
      job.state = 'queued';
      job.error = ending.error;
      job.notBeforeMs = this.options.nowMs() + ending.delayMs;
      return;
    }
    job.state = ending.state === 'again' ? 'failed' : ending.state;
    job.error =
      ending.state === 'again'
        ? new Fault('job.attempts_exhausted', `${MAX_ATTEMPTS} attempts failed`).toJSON()
        : ending.state === 'failed'
          ? ending.error
          : undefined;
    this.ended(job);
  }
}
