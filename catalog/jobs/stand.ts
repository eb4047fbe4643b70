import type { Sql } from '#catalog/store/sql.ts';
import { Fault } from '#protocol/errors.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import type { AttemptRef } from './attempt-ref.ts';

/** What the database has of an attempt. */
interface Stored {
  readonly publishedSeq: number;
  readonly durableSeq: number;
  readonly isPoisoned: boolean;
  /** Scopes that were published in it. */
  readonly scopes: readonly string[];
}

/**
 * What the database is known to have of one attempt: less than that means that it lost commits. One that failed over to a
 * server that was behind, or was restored, did so without an error that anybody saw.
 */
export class Stand {
  readonly #sql: Sql;
  readonly #ref: AttemptRef;
  #publishedSeq = 0;
  #scopes = 0;
  #checksFrom = -1;

  constructor(sql: Sql, ref: AttemptRef) {
    this.#sql = sql;
    this.#ref = ref;
  }

  /** Where the list of a job that is one begins, of a preview its last batch that is stored; less than 0: none yet. */
  get checksFrom(): number {
    return this.#checksFrom;
  }

  /** The database has a list that begins there, or has stored a preview up to there. */
  noteChecks(from: number): void {
    this.#checksFrom = Math.max(this.#checksFrom, from);
  }

  /** So many scopes more were published. */
  noteScopes(more: number): void {
    this.#scopes += more;
  }

  /** Asks for it anew, whatever was known; undefined when the attempt has ended. */
  async read(): Promise<Stored | undefined> {
    const { organisationId, jobId, attempt, leaseToken } = this.#ref;
    const [row] = await this.#sql<(Omit<Stored, 'scopes'> & { checksFrom: number })[]>`
      select published_seq::float8 as "publishedSeq", durable_seq::float8 as "durableSeq",
        coalesce(checks_from, -1)::float8 as "checksFrom", error is not null as "isPoisoned" from attempt
      where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}
        and lease_token = ${leaseToken} and state = 'active'`;
    if (!row) return undefined;
    const { checksFrom, ...stored } = row;
    const published = await this.#sql<{ scope: string }[]>`select scope from published_scope
      where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`;
    this.#publishedSeq = row.publishedSeq;
    this.#scopes = published.length;
    this.#checksFrom = checksFrom;
    return { ...stored, scopes: published.map(({ scope }) => scope) };
  }

  /**
   * Does the database still have what it is known to have? If not, to go on would leave scopes unpublished that the reader
   * has behind it.
   *
   * @returns false when the attempt has ended
   * @throws Fault `internal` when it does not, so that the batches are read again
   */
  async verify(): Promise<boolean> {
    const { organisationId, jobId, attempt, leaseToken } = this.#ref;
    const [row] = await this.#sql<{ publishedSeq: number; scopes: number; checksFrom: number }[]>`
      select published_seq::float8 as "publishedSeq", coalesce(checks_from, -1)::float8 as "checksFrom",
        ${this.#countPublished()}::float8 as scopes
      from attempt where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}
        and lease_token = ${leaseToken} and state = 'active'`;
    if (!row) return false;
    if (row.publishedSeq < this.#publishedSeq || row.scopes < this.#scopes || row.checksFrom < this.#checksFrom)
      throw new Fault('internal', 'The database has lost what was stored of this attempt; it is stored again.');
    return true;
  }

  #countPublished() {
    const { organisationId, jobId, attempt } = this.#ref;
    return this.#sql`(select count(*) from published_scope
      where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt})`;
  }

  /**
   * Batches that no open scope needs are done with: they are not read again, and their bytes go.
   *
   * @returns false when the attempt has ended
   * @throws Fault `internal` when the database lost what was published of them: then they are needed
   */
  async checkpoint(safe: number): Promise<boolean> {
    const { organisationId, jobId, attempt, leaseToken } = this.#ref;
    const [moved] = await this.#sql`
      with moved as (
        update attempt set published_seq = ${safe}
        where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}
          and lease_token = ${leaseToken} and state = 'active' and published_seq < ${safe}
          and published_seq >= ${this.#publishedSeq} and ${this.#countPublished()} >= ${this.#scopes}
          and coalesce(checks_from, -1) >= ${this.#checksFrom}
        returning organisation_id
      ), emptied as (
        update staged_batch b set payload = null from moved
        where b.organisation_id = moved.organisation_id and b.job_id = ${jobId} and b.attempt = ${attempt}
          and b.seq <= ${safe} and b.payload is not null
      )
      select from moved`;
    let isActive = true;
    if (moved) this.#publishedSeq = safe;
    else if (safe > this.#publishedSeq) isActive = await this.verify();
    faultPoint('catalog.batches_consumed');
    return isActive;
  }
}
