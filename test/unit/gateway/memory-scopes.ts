import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import type { Batch } from '#catalog/gateway/backend.ts';
import { LIMITS } from '#protocol/constants.ts';
import type { ErrorInfo } from '#protocol/errors.ts';
import { type Outcome, StreamRecord } from '#protocol/records.ts';

export interface MemoryJob {
  readonly jobId: string;
  readonly agentId: string;
  spec: string;
  signature: string;
  /** The text is offered as it is: it is not this catalog's, or it is an old one. */
  isFixed: boolean;
  state: 'queued' | 'leased' | 'running' | 'published' | 'failed' | 'cancelled';
  attempt: number;
  leaseToken: string;
  leaseUntilMs: number;
  cancel: boolean;
  durableSeq: number;
  records: number;
  crcs: number[];
  /** Scopes of the current attempt that are published. */
  publishedScopes: Set<string>;
  /** Lines of scopes that are open. */
  open: Map<string, string[]>;
  /** Of a record that is not complete; undefined between records. */
  parts: Buffer[] | undefined;
  error: ErrorInfo | undefined;
  progress: unknown;
}

export interface PublishedScope {
  readonly outcome: Outcome;
  readonly attempt: number;
  readonly lines: readonly string[];
  /** How often this scope was published by one attempt: more than once would be a defect. */
  times: number;
}

/** What came of crawls: scopes as they were published, and what must never happen. */
export class MemoryScopes {
  readonly published = new Map<string, PublishedScope>();
  readonly violations: string[] = [];

  /** Takes the records of a batch that was stored. */
  decode(job: MemoryJob, batch: Batch): void {
    const raw =
      batch.codec === 'none'
        ? Buffer.from(batch.payload)
        : zstdDecompressSync(batch.payload, { maxOutputLength: LIMITS.batchRawBytes });
    const lines = this.#join(job, batch, raw)?.split(/(?<=\n)/) ?? [];
    if (raw.length !== batch.rawBytes || lines.length !== batch.records)
      this.violations.push(`${job.jobId}: batch ${batch.seq} is not what its header says`);
    for (const line of lines) this.#take(job, StreamRecord.parse(JSON.parse(line)), line);
  }

  /** The whole records that end in a batch, as one text. */
  #join(job: MemoryJob, { seq, part }: Batch, raw: Buffer): string | undefined {
    const before = job.parts;
    job.parts = undefined;
    if (part === undefined) return raw.toString();
    if (part !== 'first' && !before)
      this.violations.push(`${job.jobId}: batch ${seq} goes on with a record that did not begin`);
    const parts = part === 'first' ? [raw] : [...(before ?? []), raw];
    if (part === 'last') return Buffer.concat(parts).toString();
    job.parts = parts;
    return undefined;
  }

  #take(job: MemoryJob, record: StreamRecord, line: string): void {
    if (!('scope' in record)) {
      this.violations.push(`${job.jobId}: ${record.t} in the stream of a crawl`);
      return;
    }
    if (record.t === 'scope') {
      job.open.set(record.scope, []);
      return;
    }
    const lines = job.open.get(record.scope);
    if (!lines) {
      this.violations.push(`${job.jobId}: ${record.t} of ${record.scope}, which is not open`);
      return;
    }
    if (record.t !== 'outcome') {
      lines.push(line);
      return;
    }
    job.open.delete(record.scope);
    const sha256 = createHash('sha256').update(lines.join('')).digest('hex');
    if (sha256 !== record.sha256 || lines.length !== record.records) {
      this.violations.push(`${job.jobId}: ${record.scope} does not agree with its outcome`);
      return;
    }
    const before = this.published.get(record.scope);
    if (job.publishedScopes.has(record.scope)) {
      if (before) before.times += 1;
      return;
    }
    job.publishedScopes.add(record.scope);
    this.published.set(record.scope, { outcome: record.outcome, attempt: job.attempt, lines, times: 1 });
  }
}
