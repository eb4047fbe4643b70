import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Fault } from '#protocol/errors.ts';
import type { AttemptRecord } from './attempt-record.ts';
import { AttemptSpool } from './attempt-spool.ts';
import { type Disk, nodeDisk } from './disk.ts';
import { Quota, quotaBytes } from './quota.ts';

/** What {@link Spool.create} calls the folders of attempts. */
const OWN_NAME = /^[0-9a-f]{24}-\d{1,15}$/;
const SEGMENT_BYTES = 16 * 1024 * 1024;
/** How long a measurement of the free disk counts. */
const MEASURED_MS = 10_000;

export interface SpoolOptions {
  readonly disk?: Disk;
  /** Called when the spool is full and crawls wait, and with undefined when they go on. */
  readonly onFault?: (fault: Fault | undefined) => void;
  /** Instead of a gibibyte or a tenth of the free disk. */
  readonly quotaBytes?: number;
  readonly segmentBytes?: number;
  /** Milliseconds on any clock that does not go back. */
  readonly now?: () => number;
  /** Between tries to read a batch that another program holds. */
  readonly readAgainMs?: number;
}

/** All attempts that this agent holds, a folder each. */
export class Spool {
  readonly #folder: string;
  readonly #options: SpoolOptions;
  readonly #disk: Disk;
  readonly #quota: Quota;
  readonly #limitBytes: () => Promise<number>;
  readonly #segmentBytes: number;
  readonly #attempts = new Set<AttemptSpool>();

  private constructor(folder: string, options: SpoolOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#disk = options.disk ?? nodeDisk;
    this.#limitBytes = this.#limit(options);
    this.#quota = new Quota(this.#limitBytes, options.onFault ?? (() => undefined));
    // So that the segment that stays of each attempt cannot fill a small quota by itself.
    this.#segmentBytes = options.segmentBytes ?? Math.min(SEGMENT_BYTES, (options.quotaBytes ?? Infinity) / 8);
  }

  /** Opens the folder (made if need be) and every attempt in it; remains of deleted attempts go away. */
  static async open(folder: string, options: SpoolOptions = {}): Promise<Spool> {
    const spool = new Spool(folder, options);
    await spool.#disk.makeFolder(folder);
    for (const name of await spool.#disk.list(folder)) {
      // Whatever else lies there is not ours to open or to delete.
      if (!OWN_NAME.test(name)) continue;
      const attempt = await AttemptSpool.open(spool.#optionsFor(name));
      if (attempt) spool.#attempts.add(attempt);
      // One that somebody holds goes with a later start.
      else await spool.#disk.removeFolder(join(folder, name)).catch(() => undefined);
    }
    return spool;
  }

  get attempts(): readonly AttemptSpool[] {
    return [...this.#attempts];
  }

  get usedBytes(): number {
    return this.#quota.usedBytes;
  }

  /** What all attempts together may take of the disk. */
  limitBytes(): Promise<number> {
    return this.#limitBytes();
  }

  /** Why crawls wait at the moment; undefined when they do not. */
  get fault(): Fault | undefined {
    return this.#quota.fault;
  }

  /** A new attempt; its record is on the disk when this resolves. */
  async create(record: AttemptRecord): Promise<AttemptSpool> {
    // The job's id is the catalog's text: never a file name.
    const id = createHash('sha256').update(record.jobId).digest('hex').slice(0, 24);
    const attempt = await AttemptSpool.create(record, this.#optionsFor(`${id}-${record.attempt}`));
    this.#attempts.add(attempt);
    return attempt;
  }

  async remove(attempt: AttemptSpool): Promise<void> {
    this.#attempts.delete(attempt);
    await attempt.remove();
  }

  async close(): Promise<void> {
    for (const attempt of this.#attempts) await attempt.close();
  }

  #optionsFor(name: string) {
    const folder = join(this.#folder, name);
    const { readAgainMs } = this.#options;
    return { disk: this.#disk, folder, quota: this.#quota, segmentBytes: this.#segmentBytes, readAgainMs };
  }

  #limit(options: SpoolOptions): () => Promise<number> {
    const fixed = options.quotaBytes;
    if (fixed !== undefined) return async () => fixed;
    const now = options.now ?? (() => performance.now());
    let measured = { bytes: 0, untilMs: Number.NEGATIVE_INFINITY };
    return async () => {
      if (now() >= measured.untilMs) {
        // A disk that does not say what is free says when it is full.
        const free = await this.#disk.freeBytes(this.#folder).catch(() => Number.POSITIVE_INFINITY);
        measured = { bytes: quotaBytes(free, this.#quota.usedBytes), untilMs: now() + MEASURED_MS };
      }
      return measured.bytes;
    };
  }
}
