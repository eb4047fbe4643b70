import type { AuditLog } from '#agent/audit/audit-log.ts';
import type { AskedEvent, AuditEvent } from '#agent/audit/entry.ts';
import type { AttemptSpool } from '#agent/spool/attempt-spool.ts';
import { leavingName } from '#config/redaction/leaving.ts';
import type { ErrorInfo } from '#protocol/errors.ts';

/** As many scopes of a batch are named. */
const MOST_SCOPES = 20;
const MOST_CHARACTERS = 300;

const short = (text: string): string => text.slice(0, MOST_CHARACTERS).toWellFormed();

/** Connection and kind of a job's text, which the catalog wrote. */
const about = (spec: string): { readonly connection: string | null; readonly kind: string | null } => {
  try {
    const { connection, kind } = JSON.parse(spec) as Record<string, unknown>;
    return {
      connection: typeof connection === 'string' ? short(connection) : null,
      kind: typeof kind === 'string' ? short(kind) : null,
    };
  } catch {
    return { connection: null, kind: null };
  }
};

/**
 * Tells the audit log what left of an attempt. A batch is told of when the catalog has acknowledged it, and before the
 * spool forgets it: a process that is killed in between tells of it when it runs again, once. What was given to the link
 * and never acknowledged, because the job was lost, is told of too, as not acknowledged: it may have left.
 */
export class JobAudit {
  readonly #log: AuditLog | undefined;
  readonly #spool: AttemptSpool;
  #toldSeq: number;
  /** What an earlier process gave to the link nobody knows: all of it may have left. */
  #sentSeq: number;

  constructor(log: AuditLog | undefined, spool: AttemptSpool) {
    this.#log = log;
    this.#spool = spool;
    this.#toldSeq = log?.lastBatch(short(spool.record.jobId), spool.record.attempt) ?? 0;
    this.#sentSeq = spool.lastSeq;
  }

  sent(seq: number): void {
    this.#sentSeq = Math.max(this.#sentSeq, seq);
  }

  /** Everything up to `seq` is durable in the catalog. @throws Fault `spool.failed` */
  acknowledged(seq: number): Promise<void> {
    return this.#tell(seq, true);
  }

  /** The attempt goes away: what may have left of it is told of. @throws Fault `spool.failed` */
  async removed(): Promise<void> {
    await this.#tell(this.#sentSeq, false);
    this.#log?.forget(short(this.#spool.record.jobId), this.#spool.record.attempt);
  }

  async #tell(upto: number, acknowledged: boolean): Promise<void> {
    if (!this.#log || upto <= this.#toldSeq) return;
    const { jobId, attempt, spec } = this.#spool.record;
    const events = this.#spool.batches(this.#toldSeq + 1, upto).map(
      ({ seq, scopes = [], records, kinds, frameBytes, sha256 }): AuditEvent => ({
        event: 'batch',
        acknowledged,
        ...about(spec),
        job: short(jobId),
        attempt,
        seq,
        scopes: scopes.slice(0, MOST_SCOPES).map(short),
        ...(scopes.length > MOST_SCOPES ? { moreScopes: scopes.length - MOST_SCOPES } : {}),
        records,
        ...(kinds === undefined ? {} : { kinds }),
        bytes: frameBytes,
        ...(sha256 === undefined ? {} : { sha256 }),
      }),
    );
    await this.#log.append(events);
    this.#toldSeq = upto;
  }
}

/** A job that this agent did not take. */
export const refusedJob = (job: string, attempt: number, spec: string, error: ErrorInfo): AskedEvent => ({
  event: 'jobRefused',
  job: short(job),
  attempt,
  connection: about(spec).connection,
  code: error.code,
  reason: leavingName(error.message).slice(0, 1_000),
});
