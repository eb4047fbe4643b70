import type { ErrorInfo } from '#protocol/errors.ts';
import type { Part } from '#protocol/frame.ts';
import type { DeletionPolicy } from '#protocol/job-options.ts';
import type { ScopeRow } from './store-rows.ts';

export interface AgentRow {
  readonly id: string;
  readonly keyId: string;
  epoch: number;
  sessionId: string | undefined;
  disabled: boolean;
  quarantined: boolean;
  bootId: string | undefined;
  /** Processes that opened a session, and how often each came back after another. */
  boots: Map<string, { returns: number; returnedAtMs: number }>;
  status: unknown;
}

export type JobState = 'queued' | 'leased' | 'running' | 'cancelling' | 'published' | 'failed' | 'cancelled';

export interface JobRow {
  readonly id: string;
  readonly connection: string;
  readonly kind: string;
  readonly spec: string;
  readonly order: number;
  state: JobState;
  attempt: number;
  notBeforeMs: number;
  error: ErrorInfo | undefined;
  /** Which of all jobs it was to end; undefined while it has not. */
  ended: number | undefined;
}

export interface StagedBatch {
  readonly seq: number;
  readonly records: number;
  readonly rawBytes: number;
  readonly codec: string;
  readonly crc32: number;
  /** Undefined when it was used up. */
  payload: Uint8Array | undefined;
  /** Which part of one record it holds. */
  readonly part: Part | undefined;
}

/** How a scope of an attempt ended. */
export interface PublishedRow {
  readonly outcome: string;
  /** It is the site's, and names every app that there is. */
  readonly listsApps: boolean;
}

export interface AttemptRow {
  readonly jobId: string;
  readonly attempt: number;
  readonly agentId: string;
  readonly leaseToken: string;
  state: 'active' | 'closed' | 'lost';
  readonly startedMs: number;
  expiresAtMs: number;
  durableSeq: number;
  publishedSeq: number;
  error: ErrorInfo | undefined;
  refused: string | undefined;
  /** Where the list of a test or an inventory begins; of a preview the last batch whose pictures are stored. */
  checksFrom: number | undefined;
  batches: StagedBatch[];
  /** Scope, and how it ended. */
  readonly published: Map<string, PublishedRow>;
  /** The state that its site's scope named. */
  checkpoint: string | null;
  /** Lines of the list of a test or an inventory, by their positions. */
  readonly checks: Map<number, string>;
  /** Pictures of a preview as they came last, those too of which there is no asset. */
  readonly drawn: Map<string, string>;
}

/** A connection as the store has it. */
export interface ConnectionRow {
  /** The agent that owns it. */
  readonly agentId: string;
  /** What becomes of what is gone. */
  readonly policy: DeletionPolicy;
  /** The state of its agent from which the next crawl may go on. */
  checkpoint: string | null;
}

/** All that the store knows: what a replica has of it. */
export interface Tables {
  readonly agents: Map<string, AgentRow>;
  readonly connections: Map<string, ConnectionRow>;
  readonly jobs: Map<string, JobRow>;
  readonly attempts: Map<string, AttemptRow>;
  readonly scopes: Map<string, ScopeRow>;
}

const copied = <K, V extends object>(map: Map<K, V>, copy: (row: V) => V = (row) => ({ ...row })): Map<K, V> =>
  new Map([...map].map(([key, row]) => [key, copy(row)]));

/** The same rows apart from these: what happens to one does not happen to the other. */
export const copyOf = (tables: Tables): Tables => ({
  agents: copied(tables.agents, (row) => ({
    ...row,
    boots: copied(row.boots),
  })),
  connections: copied(tables.connections),
  jobs: copied(tables.jobs),
  attempts: copied(tables.attempts, (row) => ({
    ...row,
    batches: row.batches.map((batch) => ({ ...batch })),
    published: new Map(row.published),
    checks: new Map(row.checks),
    drawn: new Map(row.drawn),
  })),
  // Their rows are replaced, never changed.
  scopes: new Map(tables.scopes),
});

export const emptyTables = (): Tables => ({
  agents: new Map(),
  connections: new Map(),
  jobs: new Map(),
  attempts: new Map(),
  scopes: new Map(),
});
