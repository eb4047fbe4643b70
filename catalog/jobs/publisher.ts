import { createHash, type Hash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { databaseFault } from '#catalog/store/database-fault.ts';
import { type Sql, sqlState, transact } from '#catalog/store/sql.ts';
import { asFault, type ErrorInfo, Fault } from '#protocol/errors.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import type { OutcomeRecord, StreamRecord } from '#protocol/records.ts';
import { storeChecks } from './checks.ts';
import type { StagedBatch } from './decode.ts';
import { PartedRecords } from './parts.ts';
import { poisonAttempt } from './poison.ts';
import { type AttemptRef, dropStaged, publishScope, stageRows } from './publish.ts';
import { asRow, BadRecord, checkScope, readRecord, type StagedRow } from './record.ts';

/** Batches that are read at once: at most 1 MiB compressed. */
const BATCHES_A_READ = 4;
const RETRY_BASE_MS = 500;
const RETRY_CAP_MS = 30_000;
/** SQLSTATE classes that mean: the values themselves cannot be stored, and trying again would not change that. */
const UNSTORABLE = /^(22|23|54)/;

interface OpenScope {
  readonly kind: 'site' | 'app';
  readonly name: string;
  /** The batch in which it was opened: a replay begins there. */
  readonly firstSeq: number;
  readonly hash: Hash;
  records: number;
  refused: ErrorInfo | undefined;
}

export interface PublisherLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * Reads the staged batches of one attempt in their order and publishes each scope when its outcome comes; the checks of a
 * test it stores as they come. It holds no
 * records in memory: they wait in `staged_record`. All that it knows can be read again from the batches, which stay until
 * no open scope needs them; so it may die at any moment, and another may take over.
 */
export class Publisher {
  readonly ref: AttemptRef;
  readonly #sql: Sql;
  readonly #log: PublisherLog;
  readonly #stop = new AbortController();
  readonly #open = new Map<string, OpenScope>();
  readonly #published = new Set<string>();
  readonly #parts = new PartedRecords((from, to) => this.#batches(from, to));
  readonly #waiting: { seq: number; resolve: () => void }[] = [];
  #id = randomUUID();
  #read: number | undefined;
  #known = 0;
  #isPoisoned = false;
  #run: Promise<void> | undefined;

  constructor(sql: Sql, log: PublisherLog, ref: AttemptRef) {
    this.#sql = sql;
    this.#log = log;
    this.ref = ref;
  }

  /** Keys of scopes that began and did not end yet; whole once {@link consumed} resolved. */
  get openScopes(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** Resolves when every batch up to `seq` was read and its scopes published, or the attempt has ended. */
  consumed(seq: number): Promise<void> {
    this.#known = Math.max(this.#known, seq);
    if (this.#stop.signal.aborted || (this.#read ?? -1) >= seq) return Promise.resolve();
    const done = new Promise<void>((resolve) => this.#waiting.push({ seq, resolve }));
    this.#run ??= this.#work().finally(() => {
      this.#run = undefined;
    });
    return done;
  }

  /** Ends it; what it did not publish stays staged. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#run;
    this.#settle(Number.POSITIVE_INFINITY);
  }

  #settle(upTo: number): void {
    for (let i = this.#waiting.length - 1; i >= 0; i--)
      if ((this.#waiting[i]?.seq ?? 0) <= upTo) this.#waiting.splice(i, 1)[0]?.resolve();
  }

  async #work(): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted && (this.#read ?? -1) < this.#known) {
      try {
        if (this.#read === undefined) await this.#begin();
        else {
          if (!(await this.#readSome(this.#read))) return;
          failures = 0;
        }
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        failures += 1;
        const { code, message: reason, advice } = databaseFault(error) ?? asFault(error);
        this.#log.warn({ jobId: this.ref.jobId, failures, code, reason, advice }, 'publishing failed, trying again');
        // What was decoded of an unfinished batch is not known any more: begin again at the last safe place.
        this.#read = undefined;
        const waitMs = Math.min(RETRY_BASE_MS * 2 ** (failures - 1), RETRY_CAP_MS);
        await sleep(waitMs, undefined, { signal: this.#stop.signal }).catch(() => {});
      }
    }
  }

  /** Finds the place to begin: after the last batch that nobody needs any more. */
  async #begin(): Promise<void> {
    const { organisationId, jobId, attempt, leaseToken } = this.ref;
    const [row] = await this.#sql<{ publishedSeq: number; isPoisoned: boolean }[]>`
      select published_seq::float8 as "publishedSeq", error is not null as "isPoisoned" from attempt
      where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}
        and lease_token = ${leaseToken} and state = 'active'`;
    if (!row) return this.#end();
    const published = await this.#sql<{ scope: string }[]>`select scope from published_scope
      where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`;
    await this.#sql`delete from staged_record where organisation_id = ${organisationId} and publisher = ${this.#id}`;
    this.#id = randomUUID();
    this.#open.clear();
    this.#parts.forget();
    this.#published.clear();
    for (const { scope } of published) this.#published.add(scope);
    this.#isPoisoned = row.isPoisoned;
    this.#read = row.publishedSeq;
    this.#settle(row.publishedSeq);
  }

  #end(): void {
    this.#stop.abort();
    this.#settle(Number.POSITIVE_INFINITY);
  }

  /** @returns false when there is nothing to read. */
  async #readSome(after: number): Promise<boolean> {
    const batches = await this.#batches(after + 1, after + BATCHES_A_READ);
    if (batches.length === 0) {
      // Nothing staged below what is known to be durable: the attempt has ended and its batches are gone.
      this.#end();
      return false;
    }
    for (const batch of batches) {
      if (this.#stop.signal.aborted) return false;
      if (batch.payload === null) {
        // Another process published this far meanwhile.
        this.#read = undefined;
        return true;
      }
      if (!this.#isPoisoned) await this.#take({ ...batch, payload: batch.payload });
      await this.#checkpoint(batch.seq);
      this.#read = batch.seq;
      this.#settle(batch.seq);
    }
    return true;
  }

  #batches(from: number, to: number): Promise<(Omit<StagedBatch, 'payload'> & { payload: Buffer | null })[]> {
    const { organisationId, jobId, attempt } = this.ref;
    return this.#sql`select seq::float8 as seq, records, raw_bytes as "rawBytes", codec, part, payload from staged_batch
      where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}
        and seq between ${from} and ${to} order by seq`;
  }

  /** Batches that no open scope needs are done with: they are not read again, and their bytes go. */
  async #checkpoint(seq: number): Promise<void> {
    const { organisationId, jobId, attempt, leaseToken } = this.ref;
    let safe = Math.min(seq, this.#parts.firstSeq - 1);
    for (const { firstSeq } of this.#open.values()) safe = Math.min(safe, firstSeq - 1);
    await this.#sql`
      with moved as (
        update attempt set published_seq = ${safe}
        where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}
          and lease_token = ${leaseToken} and state = 'active' and published_seq < ${safe}
        returning organisation_id
      )
      update staged_batch b set payload = null from moved
      where b.organisation_id = moved.organisation_id and b.job_id = ${jobId} and b.attempt = ${attempt}
        and b.seq <= ${safe} and b.payload is not null`;
    faultPoint('catalog.batches_consumed');
  }

  async #take(batch: StagedBatch): Promise<void> {
    const rows: StagedRow[] = [];
    try {
      const lines = await this.#parts.lines(batch);
      if (this.ref.kind === 'test') {
        await transact(this.#sql, (tx) => storeChecks(tx, this.ref, batch.seq, lines));
        return;
      }
      for (const line of lines) {
        const record = this.#readLine(line);
        if (record?.t === 'scope') await this.#openScope(record, batch.seq, rows);
        else if (record?.t === 'outcome') await this.#endScope(record, rows);
        else if (record?.t === 'test' || record?.t === 'check' || record?.t === 'settings')
          throw new Fault('bridge.protocol', `A record of a test came in a job of kind ${this.ref.kind}.`);
        else if (record) this.#addRecord(record, line, rows);
      }
      await this.#flush(rows);
    } catch (error) {
      // A RangeError: values nested so deep that the stack ends.
      if (!(error instanceof Fault) && !(error instanceof RangeError)) throw error;
      const fault = error instanceof Fault ? error : new Fault('bridge.protocol', 'A record is nested too deep.');
      this.#log.error({ jobId: this.ref.jobId, attempt: this.ref.attempt, reason: fault.message }, 'stream refused');
      await transact(this.#sql, (tx) => poisonAttempt(tx, this.ref, fault.toJSON()));
      this.#isPoisoned = true;
      this.#open.clear();
      this.#parts.forget();
    } finally {
      this.#parts.done();
    }
  }

  /** The record of a line; undefined when the line spoils its scope. */
  #readLine(line: Uint8Array): StreamRecord | undefined {
    try {
      return readRecord(line);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      this.#spoil(error, line);
      return undefined;
    }
  }

  #spoil(error: BadRecord, line: Uint8Array): void {
    if (error.scope !== undefined && this.#published.has(error.scope)) return;
    const open = error.scope === undefined ? undefined : this.#open.get(error.scope);
    if (!open) throw new Fault('bridge.protocol', `A record cannot be read: ${error.message}.`);
    open.records += 1;
    open.hash.update(line);
    open.refused ??= new Fault(
      'bridge.protocol',
      `Nothing of ${open.name} was published: record ${open.records} cannot be stored: ${error.message}.`,
    ).toJSON();
  }

  async #openScope(record: StreamRecord & { t: 'scope' }, seq: number, rows: StagedRow[]): Promise<void> {
    if (this.#published.has(record.scope)) return;
    checkScope(this.ref.connection, record.scope, record.kind);
    if (this.#open.has(record.scope)) {
      await this.#flush(rows);
      await transact(this.#sql, (tx) => dropStaged(tx, this.ref, this.#id, record.scope));
    }
    this.#open.set(record.scope, {
      kind: record.kind,
      name: record.name,
      firstSeq: seq,
      hash: createHash('sha256'),
      records: 0,
      refused: undefined,
    });
  }

  #addRecord(record: StreamRecord & { t: 'asset' | 'edge' | 'listed' }, line: Uint8Array, rows: StagedRow[]): void {
    if (this.#published.has(record.scope)) return;
    const open = this.#open.get(record.scope);
    if (!open) throw new Fault('bridge.protocol', `A record came for the scope ${record.scope}, which is not open.`);
    try {
      const row = asRow(record, this.ref.connection, open.records + 1);
      open.records += 1;
      open.hash.update(line);
      if (!open.refused) rows.push(row);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      this.#spoil(error, line);
    }
  }

  async #endScope(record: OutcomeRecord, rows: StagedRow[]): Promise<void> {
    if (this.#published.has(record.scope)) return;
    const open = this.#open.get(record.scope);
    if (!open) throw new Fault('bridge.protocol', `The scope ${record.scope} ended without having begun.`);
    await this.#flush(rows);
    const found = open.hash.digest('hex');
    const wrong =
      open.records !== record.records
        ? `${open.records} records came instead of ${record.records}`
        : found !== record.sha256.toLowerCase()
          ? 'its records do not agree with their checksum'
          : undefined;
    const refused =
      open.refused ??
      (wrong === undefined
        ? undefined
        : new Fault('bridge.protocol', `Nothing of ${open.name} was published: ${wrong}.`).toJSON());
    const ended = {
      key: record.scope,
      kind: open.kind,
      name: open.name,
      outcome: record.outcome,
      records: record.records,
      missing: record.missing ?? [],
      error: record.error,
      refused,
    };
    let result: Awaited<ReturnType<typeof publishScope>>;
    try {
      result = await transact(this.#sql, (tx) => publishScope(tx, this.ref, this.#id, ended));
    } catch (error) {
      if (!UNSTORABLE.test(sqlState(error) ?? '')) throw error;
      this.#log.error({ err: error, jobId: this.ref.jobId, scope: record.scope }, 'scope cannot be stored');
      const defect = asFault(new Fault('internal', `${open.name} cannot be stored.`, { cause: error })).toJSON();
      result = await transact(this.#sql, (tx) => publishScope(tx, this.ref, this.#id, { ...ended, refused: defect }));
    }
    faultPoint('catalog.scope_published');
    this.#open.delete(record.scope);
    this.#published.add(record.scope);
    if (result === 'lost') this.#end();
  }

  async #flush(rows: StagedRow[]): Promise<void> {
    const keep = rows.filter((row) => !this.#open.get(row.scope)?.refused);
    rows.length = 0;
    if (keep.length === 0) return;
    try {
      await transact(this.#sql, (tx) => stageRows(tx, this.ref, this.#id, keep));
      faultPoint('catalog.rows_staged');
    } catch (error) {
      if (!UNSTORABLE.test(sqlState(error) ?? '')) throw error;
      throw new Fault('bridge.protocol', 'Records came that the database cannot hold.', { cause: error });
    }
  }
}
