import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { LIMITS, TIMES } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import type { StreamRecord } from '#protocol/records.ts';
import type { AttemptSpool } from './attempt-spool.ts';
import { partsOf } from './parts.ts';
import { MAX_RECORD_BYTES, recordLine } from './record-size.ts';

const compress = promisify(zstdCompress);
const LEVEL_ONE = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

interface Line {
  readonly bytes: Buffer;
  /** The scope that this line ends, if it is an outcome record. */
  readonly completes: string | undefined;
  /** The kind of an asset, or what else the record is. */
  readonly kind: string;
  readonly scope: string | undefined;
}

/** What the audit log tells of a batch. */
const notesOn = (lines: readonly Line[]): { readonly kinds: Record<string, number>; readonly scopes: string[] } => {
  const kinds: Record<string, number> = {};
  const scopes = new Set<string>();
  for (const { kind, scope } of lines) {
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    if (scope !== undefined) scopes.add(scope);
  }
  return { kinds, scopes: [...scopes] };
};

/**
 * Cuts records into batches and makes them durable in an {@link AttemptSpool}, one after another. At most one batch is
 * being written while the next fills; a `write` that finds both taken waits.
 */
export class SpoolWriter {
  readonly #spool: AttemptSpool;
  readonly #signal: AbortSignal;
  readonly #onSpooled: (batch: { readonly seq: number; readonly frameBytes: number }) => void;
  #lines: Line[] = [];
  #bytes = 0;
  #flushing: Promise<void> | undefined;
  #order: Promise<void> = Promise.resolve();
  #queued = 0;
  #linger: NodeJS.Timeout | undefined;
  #failure: unknown;
  #pause: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  /**
   * @param onSpooled called when a batch is durable, in order
   * @param signal ends everything: writes reject with its reason
   */
  constructor(
    spool: AttemptSpool,
    signal: AbortSignal,
    onSpooled: (batch: { readonly seq: number; readonly frameBytes: number }) => void,
  ) {
    this.#spool = spool;
    this.#signal = signal;
    this.#onSpooled = onSpooled;
    signal.addEventListener('abort', () => this.resume(), { once: true });
  }

  /** What the catalog takes from which the job came. */
  get maxRecordBytes(): number {
    return this.#spool.record.parts === true ? LIMITS.recordBytes : MAX_RECORD_BYTES;
  }

  /**
   * Resolves when the record is accepted; waits while the spool is full (back pressure).
   * @param text the record's line, if somebody made it already
   * @throws Fault `internal` for a record over `maxRecordBytes` (`fitRecord` before hashing prevents it), `spool.failed`,
   * or the reason of the signal
   */
  async write(record: StreamRecord, text = recordLine(record)): Promise<void> {
    const bytes = Buffer.from(text);
    if (bytes.length > this.maxRecordBytes)
      throw new Fault('internal', `A ${record.t} record of ${bytes.length} bytes was not fitted before hashing`);
    const line = {
      bytes,
      completes: record.t === 'outcome' ? record.scope : undefined,
      kind: record.t === 'asset' ? record.kind : record.t,
      scope: 'scope' in record ? record.scope : undefined,
    };
    this.#check();
    if (this.#queued === 0 && this.#pause === undefined && this.#fits(line)) {
      this.#push(line);
      return;
    }
    this.#queued += 1;
    const turn = this.#order.then(async () => {
      while (this.#pause !== undefined || !this.#fits(line)) {
        this.#check();
        await (this.#pause?.promise ?? this.#cut());
      }
      this.#check();
      this.#push(line);
    });
    this.#order = turn.catch(() => undefined);
    try {
      await turn;
    } finally {
      this.#queued -= 1;
    }
  }

  /** Holds every further write until {@link resume}: the lease ran out and nobody knows yet whose the job is. */
  pause(): void {
    if (this.#pause || this.#signal.aborted) return;
    this.#pause = Promise.withResolvers<void>();
  }

  resume(): void {
    this.#pause?.resolve();
    this.#pause = undefined;
  }

  /** Resolves when all that was written is durable. */
  async flush(): Promise<void> {
    await this.#order;
    while (this.#flushing !== undefined || this.#lines.length > 0) {
      this.#check();
      await this.#cut();
    }
    this.#check();
  }

  /** Resolves, whatever became of it, when nothing is being written any more. */
  async idle(): Promise<void> {
    await this.#order;
    await this.#flushing;
    clearTimeout(this.#linger);
    this.#linger = undefined;
  }

  #check(): void {
    this.#signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fits({ bytes }: Line): boolean {
    const [first] = this.#lines;
    if (first === undefined) return true;
    // One that goes out in parts shares no batch.
    if (Math.max(first.bytes.length, bytes.length) > MAX_RECORD_BYTES) return false;
    return this.#lines.length < LIMITS.batchRecords && this.#bytes + bytes.length <= LIMITS.batchRawBytes;
  }

  #push(line: Line): void {
    this.#lines.push(line);
    this.#bytes += line.bytes.length;
    this.#arm();
  }

  #arm(): void {
    if (this.#failure !== undefined || this.#lines.length === 0) return;
    if (this.#lines.length >= LIMITS.batchRecords || this.#bytes >= LIMITS.batchRawBytes) void this.#cut();
    else
      this.#linger ??= setTimeout(() => {
        this.#linger = undefined;
        void this.#cut();
      }, TIMES.lingerMs);
  }

  /** The flush that runs, or a new one of what has gathered. Never rejects: a failure is kept for the next write. */
  #cut(): Promise<void> {
    if (this.#flushing) return this.#flushing;
    const lines = this.#lines;
    if (lines.length === 0) return Promise.resolve();
    clearTimeout(this.#linger);
    this.#linger = undefined;
    this.#lines = [];
    this.#bytes = 0;
    this.#flushing = this.#store(lines)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => {
        this.#flushing = undefined;
        // What gathered meanwhile may be full already, or have outlived its linger.
        this.#arm();
      });
    return this.#flushing;
  }

  async #store(lines: readonly Line[]): Promise<void> {
    const [first] = lines;
    if (first && first.bytes.length > MAX_RECORD_BYTES) {
      await this.#storeParts(first);
      return;
    }
    const raw = Buffer.concat(lines.map(({ bytes }) => bytes));
    const payload = await compress(raw, LEVEL_ONE);
    if (payload.length > LIMITS.batchBytes && lines.length > 1) {
      // It hardly compresses: two halves, in order.
      const half = lines.length >> 1;
      await this.#store(lines.slice(0, half));
      await this.#store(lines.slice(half));
      return;
    }
    const completed = lines.flatMap(({ completes }) => (completes === undefined ? [] : [completes]));
    const content = {
      codec: 'zstd' as const,
      records: lines.length,
      rawBytes: raw.length,
      payload,
      completed,
      ...notesOn(lines),
    };
    this.#onSpooled(await this.#spool.append(content, this.#signal));
  }

  /** One large record, in batches that nothing comes between. */
  async #storeParts(line: Line): Promise<void> {
    const { bytes, completes } = line;
    const { kinds, scopes } = notesOn([line]);
    for await (const part of partsOf(bytes, (piece) => compress(piece, LEVEL_ONE))) {
      const completed = part.part === 'last' && completes !== undefined ? [completes] : [];
      const notes = { completed, scopes, kinds: part.part === 'last' ? kinds : {} };
      this.#onSpooled(await this.#spool.append({ codec: 'zstd', ...part, ...notes }, this.#signal));
    }
  }
}
