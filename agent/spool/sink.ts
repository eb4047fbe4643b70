import type { StreamRecord } from '#protocol/records.ts';

/** Where a crawl puts its records. */
export interface RecordSink {
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
