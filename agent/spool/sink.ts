import type { StreamRecord } from '#protocol/records.ts';

/** Where a crawl puts its records. */
export interface RecordSink {
  /** Resolves when the record is accepted; waits while the spool is full (back pressure). Rejects when cancelled. */
  write(record: StreamRecord): Promise<void>;
}
