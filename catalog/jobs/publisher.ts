import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { databaseFault, databasePlace } from '#catalog/store/database-fault.ts';
import { type Sql, transact } from '#catalog/store/sql.ts';
import { asFault, Fault } from '#protocol/errors.ts';
import { Allowance } from './allowance.ts';
import type { AttemptRef } from './attempt-ref.ts';
import type { StagedBatch } from './decode.ts';
import { storeGroup } from './group.ts';
import { LISTS } from './lists.ts';
import { PartedRecords } from './parts.ts';
import { poisonAttempt } from './poison.ts';
import { type ReadGroup, ScopeReader } from './scope-reader.ts';
import { Stand } from './stand.ts';
import { Turns } from './turns.ts';

/** Batches that are read at once and published together: with small ones hundreds of scopes cost few round trips. */
const BATCHES_A_READ = 8;
/** A group ends when it holds this much, before it was unpacked into rows: they take several times as much. */
const GROUP_BYTES = 2 * 1024 * 1024;
/** Groups that this process holds at a time, whatever the number of attempts. */
const groups = new Turns(8);
/** What publishers hold of open scopes from one group to the next, by the sizes of the lines: all of them, and each. */
const held = new Allowance(8 * 1024 * 1024, 2 * 1024 * 1024);
const RETRY_BASE_MS = 500;
const RETRY_CAP_MS = 30_000;
/** What some batches held, and how far that goes. */
interface Group extends ReadGroup {
  readonly lastSeq: number;
  /** The last batch that nobody needs any more when the group is stored. */
  readonly safeSeq: number;
  /** What makes the stream unusable after it. */
  readonly fault: Fault | undefined;
}

type FetchedBatch = Omit<StagedBatch, 'payload'> & { readonly payload: Buffer | null };

export interface PublisherLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * Reads the staged batches of one attempt in their order and publishes each scope when its outcome comes; the checks of a
 * test it stores as they come. While PostgreSQL stores what was read, the next batches are read. It holds no records while
 * it waits for more: those of open scopes wait in `staged_record`. While more is at hand those of small ones stay, since what
 * is staged is written twice. All that it knows can be read again from the batches,
 * which stay until no open scope needs them; so it may die at any moment, and another may take over.
 */
export class Publisher {
  readonly ref: AttemptRef;
  readonly #sql: Sql;
  readonly #log: PublisherLog;
  readonly #stop = new AbortController();
  readonly #parts = new PartedRecords((from, to) => this.#batches(from, to));
  readonly #waiting: { seq: number; resolve: () => void }[] = [];
  #reader: ScopeReader;
  #id = randomUUID();
  /** The last batch that was read; it may be ahead of what is stored by one group. */
  #read = 0;
  /** The last batch that was stored. */
  #stored = -1;
  readonly #stand: Stand;
  /** Where to begin is not known, at first and after every failure. */
  #isAstray = true;
  /** Batches that were fetched and not read yet. */
  #fetched: FetchedBatch[] = [];
  #storing: Promise<void> = Promise.resolve();
  #known = 0;
  #isPoisoned = false;
  #run: Promise<void> | undefined;

  constructor(sql: Sql, log: PublisherLog, ref: AttemptRef) {
    this.#sql = sql;
    this.#log = log;
    this.ref = ref;
    this.#stand = new Stand(sql, ref);
    this.#reader = new ScopeReader(ref, []);
  }

  /** Keys of scopes that began and did not end yet; whole once {@link consumed} resolved. */
  get openScopes(): readonly string[] {
    return this.#reader.openScopes;
  }

  /** The attempt ended, as far as was known then. */
  get hasEnded(): boolean {
    return this.#stop.signal.aborted;
  }

  /**
   * Batch `seq` was committed just now. One that this publisher heard of before was committed then, too, and was lost
   * since: the database failed over, or was restored. What was published of it may be lost as well.
   */
  stored(seq: number): Promise<void> {
    if (seq <= this.#known) {
      this.#known = seq;
      this.#isAstray = true;
    }
    return this.consumed(seq);
  }

  /** Resolves when every batch up to `seq` was read and its scopes published, or the attempt has ended. */
  consumed(seq: number): Promise<void> {
    this.#known = Math.max(this.#known, seq);
    if (this.#stop.signal.aborted || (this.#stored >= seq && !this.#isAstray)) return Promise.resolve();
    const done = new Promise<void>((resolve) => this.#waiting.push({ seq, resolve }));
    this.#go();
    return done;
  }

  /** As {@link consumed}, and the database still has what was published: asked before an attempt ends. */
  async settled(seq: number): Promise<void> {
    await this.consumed(seq);
    if (this.#stop.signal.aborted) return;
    await this.#verify().catch(() => {
      this.#isAstray = true;
    });
    await this.consumed(seq);
  }

  #go(): void {
    this.#run ??= this.#work().finally(() => {
      this.#run = undefined;
      if (this.#hasWork) this.#go();
    });
  }

  get #hasWork(): boolean {
    return !this.#stop.signal.aborted && (this.#isAstray || this.#stored < this.#known);
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
    let isVerified = false;
    while (this.#hasWork) {
      try {
        // No error told of what happened to the database while there was nothing to do.
        if (!isVerified && !this.#isAstray) await this.#verify();
        isVerified = true;
        if (this.#isAstray) await this.#begin();
        else if (this.#read < this.#known) await this.#readSome();
        else {
          await this.#storing;
          failures = 0;
        }
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        failures += 1;
        const { code, message: reason, advice } = databaseFault(error) ?? asFault(error);
        const told = { jobId: this.ref.jobId, failures, code, reason, database: databasePlace(error), advice };
        this.#log.warn(told, 'publishing failed, trying again');
        // What was read of an unfinished group is not known any more: begin again at the last safe place.
        this.#isAstray = true;
        const waitMs = Math.min(RETRY_BASE_MS * 2 ** (failures - 1), RETRY_CAP_MS);
        await sleep(waitMs, undefined, { signal: this.#stop.signal }).catch(() => {});
      }
    }
    await this.#storing.catch(() => {});
    if (this.#stop.signal.aborted) held.note(this, 0);
  }

  /** Finds the place to begin: after the last batch that nobody needs any more. */
  async #begin(): Promise<void> {
    await this.#storing.catch(() => {});
    this.#storing = Promise.resolve();
    const known = this.#known;
    const standing = await this.#stand.read();
    if (!standing) return this.#end();
    const { publishedSeq, durableSeq, isPoisoned, scopes } = standing;
    // What was durable is so no longer: the agent sends it again, and whoever waited for it waits for nothing.
    if (durableSeq < known && this.#known === known) this.#forgetFrom(durableSeq);
    await this.#sql`delete from staged_record
      where organisation_id = ${this.ref.organisationId} and publisher = ${this.#id}`;
    this.#id = randomUUID();
    this.#parts.forget();
    this.#fetched = [];
    this.#reader = new ScopeReader(this.ref, scopes);
    held.note(this, 0);
    this.#isPoisoned = isPoisoned;
    this.#read = publishedSeq;
    this.#stored = publishedSeq;
    this.#isAstray = false;
    this.#settle(publishedSeq);
  }

  #forgetFrom(durableSeq: number): void {
    this.#known = durableSeq;
    for (let i = this.#waiting.length - 1; i >= 0; i--)
      if ((this.#waiting[i]?.seq ?? 0) > durableSeq) this.#waiting.splice(i, 1)[0]?.resolve();
  }

  async #verify(): Promise<void> {
    if (!(await this.#stand.verify())) this.#end();
  }

  #end(): void {
    this.#stop.abort();
    this.#settle(Number.POSITIVE_INFINITY);
  }

  /** Reads the next group and begins to store it, once the one before is stored. */
  async #readSome(): Promise<void> {
    if (this.#fetched.length === 0) this.#fetched = await this.#batches(this.#read + 1, this.#read + BATCHES_A_READ);
    // Nothing staged below what was known to be durable: the attempt has ended, or the database has lost batches.
    if (this.#fetched.length === 0) return await this.#missed(this.#read + 1);
    const over = await groups.take();
    try {
      const end = await this.#readGroup();
      if (end === undefined) return over();
      const safeSeq = Math.min(this.#read, this.#parts.firstSeq - 1, this.#reader.firstSeq - 1);
      const group = { ...this.#take(end.isLarge), lastSeq: this.#read, safeSeq, fault: end.fault };
      await this.#storing;
      this.#storing = this.#store(group).finally(over);
      // Whoever waits for it next is told; until then the failure is not one that nobody sees.
      this.#storing.catch(() => {});
      if (end.fault || end.isLarge) await this.#storing;
    } catch (error) {
      over();
      throw error;
    } finally {
      this.#parts.done();
    }
  }

  /** What was read; nothing of it stays when more has to be waited for. */
  #take(isLarge: boolean): ReadGroup {
    const hasMore = this.#read < this.#known && !isLarge && !this.#isPoisoned;
    const group = this.#reader.take(hasMore ? held.of(this) : 0);
    held.note(this, this.#reader.heldBytes);
    return group;
  }

  /** Nothing of what is open counts any more. */
  #forget(): void {
    this.#reader.forget();
    this.#parts.forget();
    held.note(this, 0);
  }

  async #missed(seq: number): Promise<void> {
    await this.#begin();
    if (!this.#stop.signal.aborted && this.#known >= seq) throw new Fault('internal', `Batch ${seq} is not staged.`);
  }

  /** Reads as many of the fetched batches as make a group; undefined when it cannot go on with them. */
  async #readGroup(): Promise<{ readonly fault: Fault | undefined; readonly isLarge: boolean } | undefined> {
    for (let batch = this.#fetched.shift(); batch; batch = this.#fetched.shift()) {
      if (this.#stop.signal.aborted) return undefined;
      const { payload } = batch;
      if (payload === null) {
        // Another process published this far meanwhile.
        this.#isAstray = true;
        return undefined;
      }
      const fault = this.#isPoisoned ? undefined : await this.#readBatch({ ...batch, payload });
      this.#read = batch.seq;
      // A joined record goes before another is joined.
      const isLarge = batch.part === 'last';
      if (fault || isLarge || this.#reader.readBytes >= GROUP_BYTES) return { fault, isLarge };
    }
    return { fault: undefined, isLarge: false };
  }

  #batches(from: number, to: number): Promise<FetchedBatch[]> {
    const { organisationId, jobId, attempt } = this.ref;
    return this.#sql`select seq::float8 as seq, records, raw_bytes as "rawBytes", codec, part, payload from staged_batch
      where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}
        and seq between ${from} and ${to} order by seq`;
  }

  /** Reads a batch; what makes the stream unusable, if anything does. */
  async #readBatch(batch: StagedBatch): Promise<Fault | undefined> {
    try {
      const lines = await this.#parts.lines(batch);
      const store = LISTS[this.ref.kind];
      if (store) {
        const { checksFrom } = this.#stand;
        this.#stand.noteChecks(await transact(this.#sql, (tx) => store(tx, this.ref, batch.seq, lines, checksFrom)));
      } else for (const line of lines) this.#reader.read(line, batch.seq);
      return undefined;
    } catch (error) {
      if (error instanceof Fault) return error;
      if (error instanceof RangeError) return new Fault('bridge.protocol', 'A record is nested too deep.');
      throw error;
    }
  }

  async #store(group: Group): Promise<void> {
    // It was read while the one before turned out to be unusable: nothing of it counts any more.
    const fault = this.#isPoisoned ? undefined : ((await this.#storeRows(group)) ?? group.fault);
    if (fault) {
      this.#log.error({ jobId: this.ref.jobId, attempt: this.ref.attempt, reason: fault.message }, 'stream refused');
      await transact(this.#sql, (tx) => poisonAttempt(tx, this.ref, fault.toJSON()));
      this.#isPoisoned = true;
      this.#forget();
    }
    if (!this.#isPoisoned) this.#stand.noteScopes(group.ended.length);
    if (!(await this.#stand.checkpoint(this.#isPoisoned ? group.lastSeq : group.safeSeq))) this.#end();
    this.#stored = group.lastSeq;
    this.#settle(group.lastSeq);
  }

  /** @returns what makes the stream unusable */
  async #storeRows(group: Group): Promise<Fault | undefined> {
    const owner = { sql: this.#sql, log: this.#log, ref: this.ref, publisher: this.#id };
    const result = await storeGroup(owner, group);
    if (result === 'lost') this.#end();
    return result instanceof Fault ? result : undefined;
  }
}
