import { createHash } from 'node:crypto';
import type { AgentSession, GatewayBackend } from '#catalog/gateway/backend.ts';
import { announce, wakeAgent } from '#catalog/store/events.ts';
import { type Sql, type Transaction, transact } from '#catalog/store/sql.ts';
import { type ErrorInfo, Fault } from '#protocol/errors.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import type { AttemptRef } from './attempt-ref.ts';
import { countChecks } from './checks.ts';
import { judgeSite } from './findings-of-site.ts';
import { hasInventory } from './inventory.ts';
import { type Ending, endAttempt, endJob, isCurrent, lockLease, retryDelayMs, unlessPublished } from './lease.ts';
import { removeUnlisted } from './removals.ts';

export type Finish = Parameters<GatewayBackend['finish']>[1];
type Answer = Awaited<ReturnType<GatewayBackend['finish']>>;

const broken = (message: string): ErrorInfo => new Fault('bridge.protocol', message).toJSON();

/** Does what came agree with what the agent says it sent? */
const streamError = async (tx: Transaction, ref: AttemptRef, finish: Finish): Promise<ErrorInfo | undefined> => {
  const batches = await tx<{ records: number; crc32: string }[]>`select records, crc32 from staged_batch
    where organisation_id = ${ref.organisationId} and job_id = ${ref.jobId} and attempt = ${ref.attempt} order by seq`;
  const hash = createHash('sha256');
  let records = 0;
  for (const batch of batches) {
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(Number(batch.crc32));
    hash.update(crc);
    records += batch.records;
  }
  if (batches.length !== finish.lastSeq)
    return broken(`${batches.length} batches came, the agent sent ${finish.lastSeq}.`);
  if (records !== finish.records) return broken(`${records} records came, the agent sent ${finish.records}.`);
  if (hash.digest('hex') !== finish.sha256.toLowerCase())
    return broken('The batches do not agree with their checksum.');
  return undefined;
};

/**
 * Closes an attempt after everything before it was published. `openScopes` are the scopes that the stream left open.
 *
 * @returns `lost` when the attempt is not this agent's any more, `gap` when batches are missing.
 */
export const closeAttempt = (
  sql: Sql,
  session: AgentSession,
  ref: AttemptRef,
  finish: Finish,
  openScopes: readonly string[],
): Promise<Answer> =>
  transact(sql, async (tx) => {
    const { organisationId, jobId, attempt } = ref;
    if (!(await isCurrent(tx, session))) return { result: 'lost', durableSeq: 0 };
    const { standing, durableSeq, connection, published } = await lockLease(tx, session, finish);
    if (standing === 'finished') return { result: 'closed', durableSeq, published };
    if (standing === 'lost') return { result: 'lost', durableSeq };
    if (durableSeq < finish.lastSeq) return { result: 'gap', durableSeq };
    const [row] = await tx<{ error: ErrorInfo | null; refused: number }[]>`
      select error, refused_scopes as refused from attempt
      where organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`;
    const error =
      row?.error ??
      (await streamError(tx, ref, finish)) ??
      (finish.result === 'ok' && openScopes.length > 0
        ? broken(`The crawl ended within ${openScopes.length} scopes, ${openScopes[0]} among them.`)
        : undefined) ??
      (finish.result === 'ok' && ref.kind === 'test' && (await countChecks(tx, ref)) === 0
        ? broken('The test ended without a check.')
        : undefined) ??
      (finish.result === 'ok' && ref.kind === 'inventory' && !(await hasInventory(tx, ref))
        ? broken('The inventory ended without a list.')
        : undefined);
    let ending: Ending;
    if (error) ending = { state: 'failed', error };
    else if (finish.result === 'cancelled') ending = { state: 'cancelled', error: finish.error };
    else if (finish.result === 'error') {
      const reason = finish.error ?? new Fault('internal', 'The agent gave no reason.').toJSON();
      ending =
        standing === 'cancelling'
          ? { state: 'cancelled' }
          : reason.retryable
            ? { state: 'again', error: reason, delayMs: retryDelayMs(attempt) }
            : { state: 'failed', error: reason };
    } else {
      await removeUnlisted(tx, ref);
      await judge(tx, ref);
      if (!row?.refused) await keepCheckpoint(tx, ref);
      ending = row?.refused ? { state: 'failed', error: await refusal(tx, ref, row.refused) } : { state: 'published' };
    }
    await endAttempt(tx, organisationId, jobId, attempt, 'closed');
    await endJob(tx, organisationId, { id: jobId, attempt, connection }, ending);
    if (ref.kind !== 'test' && ref.kind !== 'inventory')
      await announce(tx, organisationId, { name: 'assets', connection });
    // Another job may have waited for this one.
    await wakeAgent(tx, organisationId, session.agentId);
    faultPoint('catalog.job_rows_written');
    return { result: 'closed', durableSeq, ...unlessPublished(ending.state) };
  });

/** Judges what only the crawl as a whole can tell; measures are compared when one may have come, changed or gone. */
const judge = async (tx: Transaction, ref: AttemptRef): Promise<void> => {
  if (ref.kind !== 'crawl') return;
  const [changed] = await tx`select from published_scope where organisation_id = ${ref.organisationId}
    and job_id = ${ref.jobId} and attempt = ${ref.attempt} and kind = 'app' and outcome <> 'unchanged' limit 1`;
  await judgeSite(tx, ref, { measures: changed !== undefined });
};

/** The next crawl may go on from one that was published whole; from one whose agent keeps no state none can. */
const keepCheckpoint = async (tx: Transaction, { organisationId, jobId, attempt, connection }: AttemptRef) => {
  await tx`update connection c set checkpoint = a.checkpoint from attempt a
    where c.organisation_id = ${organisationId} and c.code = ${connection} and a.organisation_id = ${organisationId}
      and a.job_id = ${jobId} and a.attempt = ${attempt} and exists (select from published_scope p
        where p.organisation_id = ${organisationId} and p.job_id = ${jobId} and p.attempt = ${attempt}
          and p.kind = 'site')`;
};

const refusal = async (tx: Transaction, ref: AttemptRef, count: number): Promise<ErrorInfo> => {
  const [first] = await tx<{ error: ErrorInfo }[]>`select error from published_scope
    where organisation_id = ${ref.organisationId} and job_id = ${ref.jobId} and attempt = ${ref.attempt}
      and outcome = 'failed' and error ->> 'code' in ('bridge.protocol', 'internal')
    order by published_at limit 1`;
  const message = first?.error.message ?? 'see its scopes';
  return broken(count === 1 ? message : `${count} scopes could not be published. The first: ${message}`);
};

/**
 * Closes the attempt of an import after all of it was published.
 *
 * @returns why the job failed; undefined when it did not
 */
export const closeImported = (
  sql: Sql,
  ref: AttemptRef,
  openScopes: readonly string[],
): Promise<ErrorInfo | undefined> =>
  transact(sql, async (tx) => {
    const { organisationId, jobId, attempt, connection } = ref;
    const [row] = await tx<{ error: ErrorInfo | null; refused: number }[]>`
      select error, refused_scopes as refused from attempt where organisation_id = ${organisationId}
        and job_id = ${jobId} and attempt = ${attempt} and state = 'active' for update`;
    if (!row) return broken('The import took so long that its time was over.');
    const open = openScopes.length > 0 ? broken(`It ends within ${openScopes.length} scopes.`) : undefined;
    let error = row.error ?? open;
    if (!error) {
      await removeUnlisted(tx, ref);
      await judge(tx, ref);
      if (row.refused > 0) error = await refusal(tx, ref, row.refused);
    }
    await endAttempt(tx, organisationId, jobId, attempt, 'closed');
    await endJob(
      tx,
      organisationId,
      { id: jobId, attempt, connection },
      error ? { state: 'failed', error } : { state: 'published' },
    );
    await announce(tx, organisationId, { name: 'assets', connection });
    return error;
  });
