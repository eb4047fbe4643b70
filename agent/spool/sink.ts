import type { OutcomeRecord, StreamRecord } from '#protocol/records.ts';

/**
 * A record as a job's handler makes it. How many records an outcome closes, and their hash, is for the gate to say: it
 * counts what leaves, without the secrets that the handler may have read. What a handler says of it does not count.
 */
export type DraftRecord =
  | Exclude<StreamRecord, OutcomeRecord>
  | (Omit<OutcomeRecord, 'records' | 'sha256'> & Partial<Pick<OutcomeRecord, 'records' | 'sha256'>>);

/** Where a crawl puts its records. */
export interface RecordSink {
  /** Resolves when the record is accepted; waits while the spool is full (back pressure). Rejects when cancelled. */
  write(record: DraftRecord): Promise<void>;
}

/** Where a job puts its records. */
export interface JobSink extends RecordSink {
  /**
   * Resolves when all that was written is durable and on its way, without waiting for more to gather: for records that a
   * person looks at while the job runs. Rejects when cancelled.
   */
  flush(): Promise<void>;
}
