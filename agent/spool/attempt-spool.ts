import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isHeld } from '#config/durable-file.ts';
import type { HeldAttempt, Seal } from '#protocol/agent-events.ts';
import { asFault, Fault } from '#protocol/errors.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import { type Codec, decodeFrame, encodeFrame, FRAME_HEADER_BYTES, type Part } from '#protocol/frame.ts';
import { type AttemptRecord, decodeRecord, encodeRecord } from './attempt-record.ts';
import type { Disk, DiskFile } from './disk.ts';
import { obstacle } from './obstacle.ts';
import type { Quota } from './quota.ts';
import { ReadAhead } from './read-ahead.ts';
import {
  type BatchNotes,
  encodeEntry,
  encodeHeader,
  type SegmentEntry,
  type SegmentHeader,
  type SpooledBatch,
  scanSegment,
} from './segment.ts';

export interface BatchContent {
  readonly codec: Codec;
  readonly records: number;
  readonly rawBytes: number;
  readonly payload: Uint8Array;
  /** Absent: whole records. */
  readonly part?: Part | undefined;
  /** Scopes whose outcome record is in this batch. */
  readonly completed: readonly string[];
  /** For the audit log: records by kind, and whose they are. */
  readonly kinds?: BatchNotes['kinds'];
  readonly scopes?: BatchNotes['scopes'];
}

interface Segment {
  readonly path: string;
  readonly file: DiskFile;
  readonly firstSeq: number;
  readonly entries: SegmentEntry[];
  bytes: number;
}

export interface AttemptSpoolOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly quota: Quota;
  readonly segmentBytes: number;
  /** Between tries to read what another program holds. */
  readonly readAgainMs?: number | undefined;
}

export const RECORD_FILE = 'attempt.json';
const SEGMENT_NAME = /^(\d{12})\.seg$/;
/** How often reading a batch is tried while another program holds its file, and how long after the last time. */
const READ_TRIES = 30;
const READ_AGAIN_MS = 1_000;
const segmentName = (firstSeq: number): string => `${String(firstSeq).padStart(12, '0')}.seg`;

/**
 * The batches of one attempt on the disk. A batch is durable when {@link AttemptSpool.append} resolves, and only then
 * has a number; acknowledged batches go away with their segment, the last segment stays, as it carries the numbering.
 */
export class AttemptSpool {
  readonly #options: AttemptSpoolOptions;
  readonly #segments: Segment[] = [];
  readonly #ahead = new ReadAhead();
  readonly #crcs: number[] = [];
  readonly #completed = new Set<string>();
  #record: AttemptRecord;
  #records = 0;
  #lastSeq = 0;
  #trimmedSeq = 0;
  #ackedSeq = 0;
  /** Segments that are closed and not deleted yet; what could not be deleted is tried again with the next. */
  readonly #doomed: Pick<Segment, 'path' | 'bytes'>[] = [];
  #trimming: Promise<void> = Promise.resolve();

  private constructor(record: AttemptRecord, options: AttemptSpoolOptions) {
    this.#record = record;
    this.#options = options;
  }

  /** Writes the record of a new attempt; it is on the disk when this resolves. */
  static async create(record: AttemptRecord, options: AttemptSpoolOptions): Promise<AttemptSpool> {
    await options.disk.makeFolder(options.folder);
    const spool = new AttemptSpool(record, options);
    await spool.#writeRecord();
    faultPoint('agent.attempt_recorded');
    return spool;
  }

  /** Opens what an earlier process left, cutting what is torn; undefined when there is no readable record. */
  static async open(options: AttemptSpoolOptions): Promise<AttemptSpool | undefined> {
    const { disk, folder } = options;
    const names = await disk.list(folder);
    if (!names.includes(RECORD_FILE)) return undefined;
    const record = decodeRecord(await disk.readFile(join(folder, RECORD_FILE)));
    if (!record) return undefined;
    const spool = new AttemptSpool(record, options);
    const segments = names.filter((name) => SEGMENT_NAME.test(name)).sort();
    for (const [index, name] of segments.entries()) {
      if (await spool.#load(name)) continue;
      // A hole: what follows cannot be numbered and would be taken for the next process's own.
      for (const later of segments.slice(index)) await disk.removeFile(join(folder, later));
      break;
    }
    // The seal counts batches that a damaged disk no longer has: the crawl has to write them again.
    if (record.seal && record.seal.lastSeq !== spool.#lastSeq) {
      spool.#record = { ...record, seal: undefined };
      await spool.#writeRecord();
    }
    return spool;
  }

  get record(): AttemptRecord {
    return this.#record;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  get records(): number {
    return this.#records;
  }

  /** Scopes that lie complete in the spool or were sent completely: the crawl need not read them again. */
  completedScopes(): ReadonlySet<string> {
    return new Set(this.#completed);
  }

  held(): HeldAttempt {
    const { jobId, attempt, leaseToken, stream, seal, parts } = this.#record;
    const frameBytes = this.#segments.flatMap(({ entries }) => entries.map((entry) => entry.frameBytes));
    return { jobId, attempt, leaseToken, stream, seal, parts, trimmedSeq: this.#trimmedSeq, frameBytes };
  }

  /**
   * Makes a batch durable and numbers it. Waits while the disk is full. Calls may not overlap.
   * @throws Fault `spool.failed`, or the signal's reason
   */
  async append(
    content: BatchContent,
    signal: AbortSignal,
  ): Promise<{ readonly seq: number; readonly frameBytes: number }> {
    const seq = this.#lastSeq + 1;
    const { codec, records, rawBytes, payload, part, completed, kinds, scopes } = content;
    const frame = encodeFrame({ codec, records, rawBytes, payload, part, stream: this.#record.stream, seq });
    const sha256 = createHash('sha256').update(frame).digest('hex');
    const notes = { completed, kinds, scopes, sha256 };
    const { bytes, frameAt } = encodeEntry(frame, notes);
    const crc = new DataView(frame.buffer).getUint32(FRAME_HEADER_BYTES - 4);
    await this.#options.quota.reserve(bytes.length, signal, () => this.#makeRoom());
    try {
      const offset = await this.#write(bytes, signal);
      const entry = { ...notes, seq, records, crc32: crc, offset: offset + frameAt, frameBytes: frame.length };
      this.#segments.at(-1)?.entries.push(entry);
    } catch (error) {
      this.#options.quota.release(bytes.length);
      throw error;
    }
    this.#count(records, crc, completed);
    this.#lastSeq = seq;
    return { seq, frameBytes: frame.length };
  }

  /** What is known of the batches from `first` to `last` that are not trimmed. */
  batches(first: number, last: number): readonly SpooledBatch[] {
    // By their places: asked with every acknowledgement, it must not look at all batches each time.
    return this.#segments.flatMap(({ entries, firstSeq }) =>
      entries.slice(Math.max(0, first - firstSeq), Math.max(0, last - firstSeq + 1)),
    );
  }

  /** The bytes to send, as they were spooled. @throws Fault `spool.failed` when they cannot be read */
  async readFrame(seq: number): Promise<Uint8Array> {
    const segment = this.#segments.findLast(({ firstSeq }) => firstSeq <= seq);
    const entry = segment?.entries[seq - segment.firstSeq];
    if (!segment || !entry) throw new Fault('spool.failed', `Batch ${seq} of job ${this.#record.jobId} is not there`);
    for (let tries = 1; ; tries += 1) {
      try {
        const bytes = await this.#ahead.read(segment.file, entry.offset, entry.frameBytes, segment.bytes);
        // A damaged frame would be refused by every gateway, again and again.
        if (bytes.length === entry.frameBytes && decodeFrame(bytes).crc32 === entry.crc32) return bytes;
        this.#ahead.forget();
        break;
      } catch (error) {
        if (!isHeld(error) || tries >= READ_TRIES) throw this.#failed(`Batch ${seq} cannot be read`, error);
        await delay(this.#options.readAgainMs ?? READ_AGAIN_MS);
      }
    }
    throw new Fault('spool.failed', `Batch ${seq} of job ${this.#record.jobId} is damaged on the disk`);
  }

  /** Everything up to `seq` is durable in the catalog: whole segments of it are deleted. */
  trim(seq: number): Promise<void> {
    this.#ackedSeq = Math.max(this.#ackedSeq, seq);
    // One that failed has told its own caller; it does not keep the next ones from making room.
    this.#trimming = this.#trimming.catch(() => undefined).then(() => this.#trim(seq));
    // Even when no whole segment went: who waits for room can now begin a new one.
    this.#options.quota.wake();
    return this.#trimming;
  }

  /**
   * Ends the attempt: how it ended is on the disk when this resolves. Waits while the disk takes nothing.
   * @throws Fault `spool.failed`, or the signal's reason
   */
  async seal(result: Seal['result'], error?: Seal['error'], signal = new AbortController().signal): Promise<Seal> {
    const packed = Buffer.alloc(this.#crcs.length * 4);
    for (const [index, crc] of this.#crcs.entries()) packed.writeUInt32BE(crc, index * 4);
    const sha256 = createHash('sha256').update(packed).digest('hex');
    const seal = { lastSeq: this.#lastSeq, records: this.#records, sha256, result, error };
    const sealed = { ...this.#record, seal };
    for (let written = false; !written; ) {
      try {
        await this.#writeRecord(sealed);
        written = true;
      } catch (failure) {
        await this.#outlast(failure, signal);
      }
    }
    this.#record = sealed;
    this.#options.quota.clear();
    faultPoint('agent.attempt_sealed');
    return seal;
  }

  async close(): Promise<void> {
    await this.#trimming.catch(() => undefined);
    for (const { file } of this.#segments) await file.close();
    this.#segments.length = 0;
  }

  /** Deletes everything of this attempt, the record first: a half deleted attempt is none. May be tried again. */
  async remove(): Promise<void> {
    const { disk, folder, quota } = this.#options;
    await this.#trimming.catch(() => undefined);
    this.#doomed.push(...this.#segments);
    await this.close();
    await disk.removeFile(join(folder, RECORD_FILE));
    faultPoint('agent.attempt_record_deleted');
    await disk.removeFolder(folder);
    quota.release(this.#doomed.reduce((sum, { bytes }) => sum + bytes, 0));
    this.#doomed.length = 0;
  }

  async #writeRecord(record = this.#record): Promise<void> {
    await this.#options.disk.replaceFile(join(this.#options.folder, RECORD_FILE), encodeRecord(record));
  }

  /** False when the segment does not continue what was read before. */
  async #load(name: string): Promise<boolean> {
    const { disk, folder, quota } = this.#options;
    const path = join(folder, name);
    const file = await disk.open(path);
    const scan = await scanSegment(file, this.#record.stream);
    const first = this.#segments.length === 0;
    if (!scan || (!first && scan.header.firstSeq !== this.#lastSeq + 1)) {
      await file.close();
      return false;
    }
    const { header, soundBytes } = scan;
    if (soundBytes < (await file.size())) await file.truncate(soundBytes);
    // A process that was killed may have written more than it synced: what counts as durable from now on has to be.
    await file.datasync();
    if (first) {
      this.#trimmedSeq = header.firstSeq - 1;
      this.#lastSeq = this.#trimmedSeq;
      this.#records = header.records;
      this.#crcs.push(...header.crcs);
      for (const scope of header.completed) this.#completed.add(scope);
    }
    for (const entry of scan.entries) this.#count(entry.records, entry.crc32, entry.completed);
    this.#lastSeq += scan.entries.length;
    this.#segments.push({ path, file, firstSeq: header.firstSeq, entries: [...scan.entries], bytes: soundBytes });
    quota.add(soundBytes);
    return true;
  }

  #count(records: number, crc: number, completed: readonly string[]): void {
    this.#records += records;
    this.#crcs.push(crc);
    for (const scope of completed) this.#completed.add(scope);
  }

  /** Appends to the last segment, or to a new one; returns where. Waits while the disk takes nothing, as the quota does. */
  async #write(bytes: Uint8Array, signal: AbortSignal): Promise<number> {
    for (;;) {
      try {
        const segment = await this.#current(bytes.length);
        const at = segment.bytes;
        try {
          await segment.file.write(bytes, at);
          faultPoint('agent.batch_written');
        } catch (error) {
          // A part may be written: nothing may follow it.
          await segment.file.truncate(at).catch(() => undefined);
          throw error;
        }
        await segment.file.datasync();
        faultPoint('agent.batch_synced');
        segment.bytes = at + bytes.length;
        this.#options.quota.clear();
        return at;
      } catch (error) {
        await this.#outlast(error, signal);
      }
    }
  }

  /** Waits for what passes. @throws Fault `spool.failed` for what does not, or the signal's reason */
  async #outlast(error: unknown, signal: AbortSignal): Promise<void> {
    const { quota, folder } = this.#options;
    const fault = obstacle(error, folder);
    if (!fault) throw this.#failed('Cannot write', error);
    quota.report(fault);
    await quota.wait(signal);
  }

  async #current(bytes: number): Promise<Segment> {
    const last = this.#segments.at(-1);
    if (last && (last.entries.length === 0 || last.bytes + bytes <= this.#options.segmentBytes)) return last;
    return await this.#begin();
  }

  /**
   * When all of the last segment was acknowledged, a new one takes over its numbering and the old one goes. Without this a
   * disk that is smaller than one segment would wait for ever for bytes that nobody needs.
   */
  async #makeRoom(): Promise<void> {
    const last = this.#segments.at(-1);
    if (!last || last.entries.length === 0 || this.#ackedSeq < this.#lastSeq) return;
    try {
      await this.#begin();
    } catch (error) {
      // Not even the head of a segment fits: then it is the disk that is waited for.
      if (obstacle(error, this.#options.folder)) return;
      throw this.#failed('Cannot write', error);
    }
    await this.trim(this.#ackedSeq).catch((error: unknown) => {
      if (!isHeld(error)) throw error;
    });
  }

  async #begin(): Promise<Segment> {
    const { disk, folder, quota } = this.#options;
    const firstSeq = this.#lastSeq + 1;
    const header: SegmentHeader = {
      firstSeq,
      records: this.#records,
      crcs: this.#crcs,
      completed: [...this.#completed],
    };
    const head = encodeHeader(header);
    const path = join(folder, segmentName(firstSeq));
    const file = await disk.create(path);
    try {
      await file.write(head, 0);
      // Earlier segments may be deleted from now on: what they counted must be on the disk.
      await file.datasync();
      faultPoint('agent.segment_begun');
    } catch (error) {
      await file.close();
      // One that stays is begun anew by the next try, or cut when the spool is opened.
      await disk.removeFile(path).catch(() => undefined);
      throw error;
    }
    const segment = { path, file, firstSeq, entries: [], bytes: head.length };
    this.#segments.push(segment);
    quota.add(head.length);
    return segment;
  }

  async #trim(seq: number): Promise<void> {
    for (;;) {
      const [oldest, next] = this.#segments;
      if (!oldest || !next || next.firstSeq > seq + 1) break;
      this.#segments.shift();
      this.#trimmedSeq = next.firstSeq - 1;
      await oldest.file.close();
      this.#doomed.push(oldest);
    }
    // The oldest first, whatever comes in between: a hole would cost all that follows it when the spool is opened again.
    for (let oldest = this.#doomed[0]; oldest; oldest = this.#doomed[0]) {
      await this.#options.disk.removeFile(oldest.path);
      this.#doomed.shift();
      faultPoint('agent.segment_deleted');
      this.#options.quota.release(oldest.bytes);
    }
  }

  #failed(what: string, error: unknown): Fault {
    return new Fault('spool.failed', `${what} in ${this.#options.folder}: ${asFault(error).message}`, { cause: error });
  }
}
