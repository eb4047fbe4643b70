import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { databaseFault, databasePlace } from '#catalog/store/database-fault.ts';
import { type Sql, sqlState, transact } from '#catalog/store/sql.ts';
import { asFault, Fault } from '#protocol/errors.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import type { StagedBatch } from './decode.ts';
import { LISTS } from './lists.ts';
import { PartedRecords } from './parts.ts';
import { poisonAttempt } from './poison.ts';
import { type AttemptRef, type EndedScope, publishScopes } from './publish.ts';
import { type ReadGroup, ScopeReader } from './scope-reader.ts';
import { dropStaged, stageRows } from './staged-rows.ts';
import { Turns } from './turns.ts';

/** Batches that are read at once and published together: with small ones hundreds of scopes cost few round trips. */
const BATCHES_A_READ = 8;
/** A group ends when it holds this much, before it was unpacked into rows: they take several times as much. */
const GROUP_BYTES = 2 * 1024 * 1024;
/** Groups that this process holds at a time, whatever the number of attempts. */
const groups = new Turns(8);
const RETRY_BASE_MS = 500;
const RETRY_CAP_MS = 30_000;
/** SQLSTATE classes that mean: the values themselves cannot be stored, and trying again would not change that. */
const UNSTORABLE = /^(22|23|54)/;
const isUnstorable = (error: unknown): boolean => UNSTORABLE.test(sqlState(error) ?? '');

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
 * it waits for more: those of open scopes wait in `staged_record`. All that it knows can be read again from the batches,
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
  /** What the database is known to have of the attempt: less than that means that it lost commits. */
  #stand = { publishedSeq: 0, scopes: 0, checksFrom: -1 };
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
  }

  /** Finds the place to begin: after the last batch that nobody needs any more. */
  async #begin(): Promise<void> {
    await this.#storing.catch(() => {});
    this.#storing = Promise.resolve();
    const { organisationId, jobId, attempt, leaseToken } = this.ref;
    const known = this.#known;
    const [row] = await this.#sql<
      { publishedSeq: number; durableSeq: number; checksFrom: number; isPoisoned: boolean }[]
    >`
      select published_seq::float8 as "publishedSeq", durable_seq::float8 as "durableSeq",
        coalesce(checks_from, -1)::float8 as "checksFrom", error is not null as "isPoisoned" from attempt
      where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}
        and lease_token = ${leaseToken} and state = 'active'`;
    if (!row) return this.#end();
    // What was durable is so no longer: the agent sends it again, and whoever waited for it waits for nothing.
    if (row.durableSeq < known && this.#known === known) this.#forgetFrom(row.durableSeq);
    const published = await this.#sql<{ scope: string }[]>`select scope from published_scope
      where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`;
    await this.#sql`delete from staged_record where organisation_id = ${organisationId} and publisher = ${this.#id}`;
    this.#id = randomUUID();
    this.#parts.forget();
    this.#fetched = [];
    this.#reader = new ScopeReader(
      this.ref,
      published.map(({ scope }) => scope),
    );
    this.#isPoisoned = row.isPoisoned;
    this.#stand = { publishedSeq: row.publishedSeq, scopes: published.length, checksFrom: row.checksFrom };
    this.#read = row.publishedSeq;
    this.#stored = row.publishedSeq;
    this.#isAstray = false;
    this.#settle(row.publishedSeq);
  }

  #forgetFrom(durableSeq: number): void {
    this.#known = durableSeq;
    for (let i = this.#waiting.length - 1; i >= 0; i--)
      if ((this.#waiting[i]?.seq ?? 0) > durableSeq) this.#waiting.splice(i, 1)[0]?.resolve();
  }

  /**
   * Does the database still have what this publisher stored? One that failed over to a server that was behind, or was
   * restored, does not; then to go on would leave scopes unpublished that the reader has behind it.
   *
   * @throws Fault `internal` when it does not, so that the batches are read again
   */
  async #verify(): Promise<void> {
    const { organisationId, jobId, attempt, leaseToken } = this.ref;
    const [row] = await this.#sql<{ publishedSeq: number; scopes: number; checksFrom: number }[]>`
      select published_seq::float8 as "publishedSeq", coalesce(checks_from, -1)::float8 as "checksFrom",
        ${this.#countPublished()}::float8 as scopes
      from attempt where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}
        and lease_token = ${leaseToken} and state = 'active'`;
    if (!row) return this.#end();
    const { publishedSeq, scopes, checksFrom } = this.#stand;
    if (row.publishedSeq < publishedSeq || row.scopes < scopes || row.checksFrom < checksFrom)
      throw new Fault('internal', 'The database has lost what was stored of this attempt; it is stored again.');
  }

  #countPublished() {
    const { organisationId, jobId, attempt } = this.ref;
    return this.#sql`(select count(*) from published_scope
      where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt})`;
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
      const group = { ...this.#reader.take(), lastSeq: this.#read, safeSeq, fault: end.fault };
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
      if (fault || isLarge || this.#reader.heldBytes >= GROUP_BYTES) return { fault, isLarge };
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
        const from = await transact(this.#sql, (tx) => store(tx, this.ref, batch.seq, lines, checksFrom));
        this.#stand.checksFrom = Math.max(checksFrom, from);
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
      this.#reader.forget();
      this.#parts.forget();
    }
    if (!this.#isPoisoned) this.#stand.scopes += group.ended.length;
    await this.#checkpoint(this.#isPoisoned ? group.lastSeq : group.safeSeq);
    this.#stored = group.lastSeq;
    this.#settle(group.lastSeq);
  }

  /** In one transaction, or scope by scope when one of them cannot be stored. @returns what makes the stream unusable */
  async #storeRows(group: Group): Promise<Fault | undefined> {
    const { ended, rows, left, dropped } = group;
    if (ended.length + left.length + dropped.length === 0) return undefined;
    try {
      const result = await transact(this.#sql, async (tx) => {
        if (dropped.length > 0) await dropStaged(tx, this.ref, this.#id, dropped);
        if (left.length > 0) await stageRows(tx, this.ref, this.#id, left);
        return ended.length > 0 ? await publishScopes(tx, this.ref, this.#id, ended, rows) : 'published';
      });
      if (left.length > 0) faultPoint('catalog.rows_staged');
      if (ended.length > 0) faultPoint('catalog.scope_published');
      if (result === 'lost') this.#end();
      return undefined;
    } catch (error) {
      if (!isUnstorable(error)) throw error;
    }
    for (const scope of ended) await this.#publishAlone(scope, group);
    try {
      await transact(this.#sql, async (tx) => {
        if (dropped.length > 0) await dropStaged(tx, this.ref, this.#id, dropped);
        if (left.length > 0) await stageRows(tx, this.ref, this.#id, left);
      });
      return undefined;
    } catch (error) {
      if (!isUnstorable(error)) throw error;
      return new Fault('bridge.protocol', 'Records came that the database cannot hold.', { cause: error });
    }
  }

  async #publishAlone(scope: EndedScope, { rows }: Group): Promise<void> {
    const publish = (one: EndedScope) =>
      transact(this.#sql, (tx) =>
        publishScopes(
          tx,
          this.ref,
          this.#id,
          [one],
          rows.filter((row) => row.scope === scope.key),
        ),
      );
    let result: Awaited<ReturnType<typeof publish>>;
    try {
      result = await publish(scope);
    } catch (error) {
      if (!isUnstorable(error)) throw error;
      this.#log.error({ err: error, jobId: this.ref.jobId, scope: scope.key }, 'scope cannot be stored');
      const defect = new Fault('internal', `${scope.name} cannot be stored.`, { cause: error }).toJSON();
      result = await publish({ ...scope, refused: defect });
    }
    faultPoint('catalog.scope_published');
    if (result === 'lost') this.#end();
  }

  /**
   * Batches that no open scope needs are done with: they are not read again, and their bytes go.
   *
   * @throws Fault `internal` when the database lost what was published of them: then they are needed
   */
  async #checkpoint(safe: number): Promise<void> {
    const { organisationId, jobId, attempt, leaseToken } = this.ref;
    const { publishedSeq, scopes, checksFrom } = this.#stand;
    const [moved] = await this.#sql`
      with moved as (
        update attempt set published_seq = ${safe}
        where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}
          and lease_token = ${leaseToken} and state = 'active' and published_seq < ${safe}
          and published_seq >= ${publishedSeq} and ${this.#countPublished()} >= ${scopes}
          and coalesce(checks_from, -1) >= ${checksFrom}
        returning organisation_id
      ), emptied as (
        update staged_batch b set payload = null from moved
        where b.organisation_id = moved.organisation_id and b.job_id = ${jobId} and b.attempt = ${attempt}
          and b.seq <= ${safe} and b.payload is not null
      )
      select from moved`;
    if (moved) this.#stand.publishedSeq = safe;
    else if (safe > publishedSeq) await this.#verify();
    faultPoint('catalog.batches_consumed');
  }
}
