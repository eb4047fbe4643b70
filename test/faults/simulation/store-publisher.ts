import { createHash } from 'node:crypto';
import { inflateSync, zstdDecompressSync } from 'node:zlib';
import type { Lease } from '#protocol/messages.ts';
import type { StreamRecord } from '#protocol/records.ts';
import { keyOf } from './store-leases.ts';
import { isList, Poison, storeList } from './store-lists.ts';
import type { StoreModel } from './store-model.ts';
import type { StagedBatch } from './store-tables.ts';

interface Parts {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly raw: readonly Buffer[];
}

interface OpenScope {
  readonly kind: 'site' | 'app';
  readonly firstSeq: number;
  lines: string[];
}

interface Line {
  readonly t: string;
  readonly scope: string;
  readonly kind: 'site' | 'app';
  readonly outcome: string;
  readonly records: number;
  readonly sha256: string;
  readonly whole?: readonly string[];
  readonly anew?: readonly string[];
  readonly checkpoint?: string;
}

export interface PublisherOptions {
  readonly store: StoreModel;
  readonly lease: Lease;
  /** Time passes before each transaction; rejects when the store is away. */
  readonly transaction: <T>(work: () => T) => Promise<T>;
  readonly pause: (ms: number) => Promise<void>;
}

const unpack = ({ codec, payload = new Uint8Array(), rawBytes, seq }: StagedBatch): Buffer => {
  const raw =
    codec === 'zstd'
      ? zstdDecompressSync(payload, { maxOutputLength: rawBytes })
      : codec === 'deflate'
        ? inflateSync(payload, { maxOutputLength: rawBytes })
        : Buffer.from(payload);
  if (raw.length !== rawBytes) throw new Poison(`batch ${seq} is not what its header says`);
  return raw;
};

const linesOf = (raw: Buffer, { seq, records }: StagedBatch): string[] => {
  const lines = raw.toString().split(/(?<=\n)/);
  if (lines.length !== records || !raw.toString().endsWith('\n')) throw new Poison(`batch ${seq} has other records`);
  return lines;
};

/**
 * Reads the staged batches of one attempt in order and publishes each scope when its outcome comes; what it knows of open
 * scopes is lost with its process and read again from the batches, which stay until no open scope needs them.
 */
export class PublisherModel {
  readonly #options: PublisherOptions;
  readonly #open = new Map<string, OpenScope>();
  readonly #waiting: { readonly seq: number; readonly resolve: () => void }[] = [];
  /** As far as this process knows: another may publish meanwhile. */
  #published = new Set<string>();
  #parts: Parts | undefined;
  #read: number | undefined;
  #known = 0;
  #isPoisoned = false;
  #ended = false;
  #running = false;
  /** What the store is known to have: less than that means that it lost commits. */
  #stand = { publishedSeq: 0, scopes: 0, checksFrom: -1 };

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  get openScopes(): readonly string[] {
    return [...this.#open.keys()];
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** The batch was committed just now: one that was known before was lost since, with what came of it. */
  stored(seq: number): Promise<void> {
    if (seq <= this.#known) {
      this.#known = seq;
      this.#read = undefined;
    }
    return this.consumed(seq);
  }

  /** As {@link consumed}, and the store still has what was published. */
  async settled(seq: number): Promise<void> {
    await this.consumed(seq);
    if (this.#ended) return;
    await this.#options
      .transaction(() => this.#verify())
      .catch(() => {
        this.#read = undefined;
      });
    await this.consumed(seq);
  }

  /** Resolves when every batch up to `seq` was read and its scopes published, or the attempt has ended. */
  consumed(seq: number): Promise<void> {
    this.#known = Math.max(this.#known, seq);
    if (this.#ended || (this.#read ?? -1) >= seq) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ seq, resolve });
      if (!this.#running) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#running = true;
    const { transaction, pause } = this.#options;
    let verified = false;
    for (let failures = 0; !this.#ended && (this.#read ?? -1) < this.#known; ) {
      try {
        if (!verified && this.#read !== undefined) await transaction(() => this.#verify());
        verified = true;
        const read = this.#read;
        if (read === undefined) await transaction(() => this.#begin());
        else {
          const batch = await transaction(() => this.#next(read));
          if (!batch) continue;
          if (!this.#isPoisoned) await this.#take(batch);
          await transaction(() => this.#checkpoint(batch.seq));
          // Unless it has to begin again meanwhile.
          if (this.#read === read) this.#settle(batch.seq);
        }
        failures = 0;
      } catch {
        failures += 1;
        this.#read = undefined;
        await pause(Math.min(500 * 2 ** (failures - 1), 30_000));
      }
    }
    this.#running = false;
  }

  #verify(): void {
    const { store, lease } = this.#options;
    const attempt = store.attempt(lease);
    if (attempt?.state !== 'active' || attempt.leaseToken !== lease.leaseToken) {
      this.#end();
      return;
    }
    const { publishedSeq, scopes, checksFrom } = this.#stand;
    if (
      attempt.publishedSeq < publishedSeq ||
      attempt.published.size < scopes ||
      (attempt.checksFrom ?? -1) < checksFrom
    )
      throw new Error('the store has lost commits');
  }

  #settle(upTo: number): void {
    this.#read = upTo;
    for (let at = this.#waiting.length - 1; at >= 0; at -= 1)
      if ((this.#waiting[at]?.seq ?? 0) <= upTo) this.#waiting.splice(at, 1)[0]?.resolve();
  }

  #end(): void {
    this.#ended = true;
    this.#settle(Number.POSITIVE_INFINITY);
  }

  #begin(): void {
    const attempt = this.#options.store.attempt(this.#options.lease);
    if (attempt?.state !== 'active' || attempt.leaseToken !== this.#options.lease.leaseToken) {
      this.#end();
      return;
    }
    this.#open.clear();
    this.#published = new Set(attempt.published.keys());
    this.#parts = undefined;
    this.#isPoisoned = attempt.error !== undefined;
    this.#stand = {
      publishedSeq: attempt.publishedSeq,
      scopes: attempt.published.size,
      checksFrom: attempt.checksFrom ?? -1,
    };
    if (attempt.durableSeq < this.#known) {
      this.#known = attempt.durableSeq;
      for (let at = this.#waiting.length - 1; at >= 0; at -= 1)
        if ((this.#waiting[at]?.seq ?? 0) > this.#known) this.#waiting.splice(at, 1)[0]?.resolve();
    }
    this.#settle(attempt.publishedSeq);
  }

  #next(after: number): StagedBatch | undefined {
    const batch = this.#options.store.attempt(this.#options.lease)?.batches.find(({ seq }) => seq > after);
    // The attempt has ended, or the store lost batches; or another process published this far meanwhile.
    if (batch?.payload === undefined) this.#read = undefined;
    return batch?.payload === undefined ? undefined : { ...batch };
  }

  #checkpoint(seq: number): void {
    const attempt = this.#options.store.attempt(this.#options.lease);
    if (attempt?.state !== 'active' || attempt.leaseToken !== this.#options.lease.leaseToken) return;
    const unfinished = this.#parts ? this.#parts.firstSeq - 1 : seq;
    const safe = Math.min(seq, unfinished, ...[...this.#open.values()].map(({ firstSeq }) => firstSeq - 1));
    this.#verify();
    this.#stand.publishedSeq = Math.max(this.#stand.publishedSeq, safe);
    if (attempt.publishedSeq >= safe) return;
    attempt.publishedSeq = safe;
    for (const batch of attempt.batches) if (batch.seq <= safe) batch.payload = undefined;
  }

  async #take(batch: StagedBatch): Promise<void> {
    const { transaction, store, lease } = this.#options;
    try {
      const lines = this.#lines(batch);
      const job = store.tables.jobs.get(lease.jobId);
      if (job && isList(job.kind)) {
        const { checksFrom } = this.#stand;
        const from = await transaction(() => storeList(store, lease, { seq: batch.seq, lines }, checksFrom));
        this.#stand.checksFrom = Math.max(checksFrom, from);
        return;
      }
      for (const text of lines) {
        const line = JSON.parse(text) as Line;
        if (!OF_SCOPES.has(line.t)) throw new Poison(`${line.t} in a job of kind ${job?.kind}`);
        if (this.#published.has(line.scope)) continue;
        const open = this.#open.get(line.scope);
        if (line.t === 'scope')
          this.#open.set(line.scope, { kind: line.kind, firstSeq: open?.firstSeq ?? batch.seq, lines: [] });
        else if (!open) throw new Poison(`${line.t} of ${line.scope}, which is not open`);
        else if (line.t === 'outcome') {
          await transaction(() => this.#publish(open, line));
          this.#stand.scopes += 1;
          this.#open.delete(line.scope);
          this.#published.add(line.scope);
        } else open.lines.push(text);
      }
    } catch (error) {
      if (!(error instanceof Poison)) throw error;
      await transaction(() => store.poison(lease, error.message));
      this.#isPoisoned = true;
      this.#open.clear();
      this.#parts = undefined;
    }
  }

  /** The lines that end in a batch; a large record is joined when its last part has come. */
  #lines(batch: StagedBatch): string[] {
    const before = this.#parts;
    this.#parts = undefined;
    const { seq, part } = batch;
    const raw = unpack(batch);
    if (part === undefined) return linesOf(raw, batch);
    if (part !== 'first' && before?.lastSeq !== seq - 1) throw new Poison(`batch ${seq} goes on with nothing`);
    const all = part === 'first' || !before ? [raw] : [...before.raw, raw];
    if (part === 'last') return linesOf(Buffer.concat(all), batch);
    this.#parts = { firstSeq: part === 'first' || !before ? seq : before.firstSeq, lastSeq: seq, raw: all };
    return [];
  }

  #publish(open: OpenScope, line: Line): void {
    const { store, lease } = this.#options;
    const found = store.holding(lease);
    if (!found) {
      this.#end();
      return;
    }
    const { scope, outcome } = line;
    const text = open.lines.join('');
    const sha256 = createHash('sha256').update(text).digest('hex');
    const wrong = open.lines.length !== line.records || sha256 !== line.sha256;
    const { connection } = found.job;
    const records = open.lines.map((text) => JSON.parse(text) as StreamRecord);
    store.publish(
      lease,
      {
        key: scope,
        connection,
        kind: open.kind,
        outcome,
        whole: wholeOf(open, line),
        listing: keyOf(lease),
        records,
        text,
      },
      {
        refused: wrong ? `${scope} does not agree with its outcome` : undefined,
        checkpoint: open.kind === 'site' ? line.checkpoint : undefined,
      },
    );
  }
}

const OF_SCOPES: ReadonlySet<string> = new Set(['scope', 'asset', 'edge', 'listed', 'gone', 'picture', 'outcome']);

/** The kinds of which all came, where the outcome lets that count. */
const wholeOf = ({ kind }: OpenScope, { outcome, whole = [], anew = [] }: Line): readonly string[] => {
  const made = kind === 'app' ? anew : [];
  if (outcome === 'partial') return [...whole, ...made];
  return outcome === 'updated' ? made : [];
};
