import type { StreamRecord } from '#protocol/records.ts';

/** Where a crawl puts its records. */
export interface RecordSink {
  /**
   * The largest line of a record, its `\n` included, that it takes: who writes must shorten what is longer before it is
   * counted and hashed. Absent: what fits into one batch.
   */
  readonly maxRecordBytes?: number;
  /** Resolves when the record is accepted; waits while the spool is full (back pressure). Rejects when cancelled. */
  write(record: StreamRecord): Promise<void>;
}

/** Where a job puts its records. */
export interface JobSink extends RecordSink {
  /**
   * Resolves when all that was written is durable and on its way, without waiting for more to gather: for records that a
   * person looks at while the job runs. Rejects when cancelled.
   */
  flush(): Promise<void>;
}
