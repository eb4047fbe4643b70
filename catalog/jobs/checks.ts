import { announce } from '#catalog/store/events.ts';
import type { Transaction } from '#catalog/store/sql.ts';
import type { CheckRecord } from '#protocol/checks.ts';
import { LIMITS } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import { type AttemptRef, holdAttempt } from './publish.ts';
import { BadRecord, readRecord } from './record.ts';

/** Several times what a test has: an agent that sends more is broken. */
const MOST_CHECKS = 100;
const MOST_BYTES = 512 * 1024;

interface Found {
  readonly position: number;
  readonly check: CheckRecord;
}

interface List {
  /** Where the list was opened (afresh) in this batch; undefined when it goes on. */
  readonly openedAt: number | undefined;
  /** The checks since then. */
  readonly found: readonly Found[];
}

/** @throws Fault `bridge.protocol` for what does not belong into the stream of a test */
const readList = (seq: number, lines: readonly Uint8Array[]): List => {
  let openedAt: number | undefined;
  let found: Found[] = [];
  for (const [index, line] of lines.entries()) {
    const position = seq * LIMITS.batchRecords + index;
    try {
      const record = readRecord(line);
      if (record.t === 'check') found.push({ position, check: record });
      else if (record.t === 'test') {
        openedAt = position;
        found = [];
      } else throw new BadRecord(undefined, `${record.t} does not belong into a test`);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      throw new Fault('bridge.protocol', `A record of the test cannot be read: ${error.message}.`);
    }
  }
  return { openedAt, found };
};

/**
 * Stores the checks of one batch of a test. Reading a batch again changes nothing, and whoever reads an older batch late
 * adds nothing to a list that was opened afresh since.
 *
 * @throws Fault `bridge.protocol` when the stream cannot be used
 */
export const storeChecks = async (
  tx: Transaction,
  ref: AttemptRef,
  seq: number,
  lines: readonly Uint8Array[],
): Promise<void> => {
  const { organisationId, jobId, attempt } = ref;
  const { openedAt, found } = readList(seq, lines);
  if (!(await holdAttempt(tx, ref))) return;
  const own = tx`organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`;
  if (openedAt !== undefined) {
    await tx`update attempt set checks_from = greatest(checks_from, ${openedAt}::bigint) where ${own}`;
    await tx`delete from job_check where ${own} and position < ${openedAt}::bigint`;
  }
  const [list] = await tx<{ from: number | null }[]>`
    select checks_from::float8 as "from" from attempt where ${own} for no key update`;
  const from = list?.from ?? null;
  if (from === null && found.length > 0) throw new Fault('bridge.protocol', 'A check came before the list was opened.');
  for (const { position, check } of found) {
    if (position < (from ?? 0)) continue;
    await tx`insert into job_check (organisation_id, job_id, attempt, position, target, name, status, seen, code, advice,
        details, duration_ms)
      values (${organisationId}, ${jobId}, ${attempt}, ${position}, ${check.target}, ${check.check}, ${check.status},
        ${check.seen}, ${check.code ?? null}, ${check.advice ?? null}, ${JSON.stringify(check.details)}::text::jsonb,
        ${check.durationMs})
      on conflict do nothing`;
  }
  const [size] = await tx<{ checks: number; bytes: number }[]>`
    select count(*)::int as checks, coalesce(sum(octet_length(seen) + octet_length(details::text)
      + coalesce(octet_length(advice), 0)), 0)::float8 as bytes
    from job_check where ${own}`;
  if (size && (size.checks > MOST_CHECKS || size.bytes > MOST_BYTES))
    throw new Fault(
      'bridge.protocol',
      `A test may have ${MOST_CHECKS} checks with 512 KiB of text; this one has more.`,
    );
  await announce(tx, organisationId, { name: 'job', id: jobId, connection: ref.connection });
};

/** How many checks an attempt has found. */
export const countChecks = async (tx: Transaction, ref: AttemptRef): Promise<number> => {
  const [row] = await tx<{ n: number }[]>`select count(*)::int as n from job_check
    where organisation_id = ${ref.organisationId} and job_id = ${ref.jobId} and attempt = ${ref.attempt}`;
  return row?.n ?? 0;
};
