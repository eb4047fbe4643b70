import { announce } from '#catalog/store/events.ts';
import type { Transaction } from '#catalog/store/sql.ts';
import type { CheckRecord, SettingsRecord } from '#protocol/checks.ts';
import { LIMITS } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import type { AttemptRef } from './attempt-ref.ts';
import { holdAttempt } from './publish.ts';
import { BadRecord, readRecord } from './record.ts';

/** Several times what a test has: an agent that sends more is broken. */
const MOST_CHECKS = 100;
const MOST_SETTINGS = 20;
const MOST_BYTES = 512 * 1024;

interface Found {
  readonly position: number;
  readonly record: CheckRecord | SettingsRecord;
}

interface List {
  /** Where the list was opened (afresh) in this batch; undefined when it goes on. */
  readonly openedAt: number | undefined;
  /** What came since then. */
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
      if (record.t === 'check' || record.t === 'settings') found.push({ position, record });
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
 * Stores what one batch of a test found: checks, and what Qlik needs for the connection. Reading a batch again changes nothing, and whoever reads an older batch late
 * adds nothing to a list that was opened afresh since.
 *
 * @param knownFrom where the list begins as far as the caller knows, -1 when it was not opened
 * @returns where it begins now
 * @throws Fault `bridge.protocol` when the stream cannot be used, Error when the database has lost the list
 */
export const storeChecks = async (
  tx: Transaction,
  ref: AttemptRef,
  seq: number,
  lines: readonly Uint8Array[],
  knownFrom = -1,
): Promise<number> => {
  const { organisationId, jobId, attempt } = ref;
  const { openedAt, found } = readList(seq, lines);
  if (!(await holdAttempt(tx, ref))) return knownFrom;
  const own = tx`organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`;
  if (openedAt !== undefined) {
    await tx`update attempt set checks_from = greatest(checks_from, ${openedAt}::bigint) where ${own}`;
    await tx`delete from job_check where ${own} and position < ${openedAt}::bigint`;
    await tx`delete from job_settings where ${own} and position < ${openedAt}::bigint`;
  }
  const [list] = await tx<{ from: number | null }[]>`
    select checks_from::float8 as "from" from attempt where ${own} for no key update`;
  const from = list?.from ?? null;
  if ((from ?? -1) < knownFrom) throw new Error('the database has lost where the list of the test begins');
  if (from === null && found.length > 0)
    throw new Fault('bridge.protocol', 'A record of the test came before the list was opened.');
  for (const { position, record } of found) {
    if (position < (from ?? 0)) continue;
    if (record.t === 'settings')
      await tx`insert into job_settings (organisation_id, job_id, attempt, position, title, mends, fields)
        values (${organisationId}, ${jobId}, ${attempt}, ${position}, ${record.title}, ${record.mends},
          ${JSON.stringify(record.fields)}::text::jsonb)
        on conflict do nothing`;
    else
      await tx`insert into job_check (organisation_id, job_id, attempt, position, target, name, status, seen, code,
          advice, details, duration_ms)
        values (${organisationId}, ${jobId}, ${attempt}, ${position}, ${record.target}, ${record.check},
          ${record.status}, ${record.seen}, ${record.code ?? null}, ${record.advice ?? null},
          ${JSON.stringify(record.details)}::text::jsonb, ${record.durationMs})
        on conflict do nothing`;
  }
  const [size] = await tx<{ checks: number; settings: number; bytes: number }[]>`
    select c.n as checks, s.n as settings, (c.bytes + s.bytes)::float8 as bytes
    from (select count(*)::int as n, coalesce(sum(octet_length(seen) + octet_length(details::text)
        + coalesce(octet_length(advice), 0)), 0) as bytes from job_check where ${own}) c,
      (select count(*)::int as n, coalesce(sum(octet_length(title) + octet_length(fields::text)), 0) as bytes
        from job_settings where ${own}) s`;
  if (size && (size.checks > MOST_CHECKS || size.settings > MOST_SETTINGS || size.bytes > MOST_BYTES))
    throw new Fault(
      'bridge.protocol',
      `A test may have ${MOST_CHECKS} checks and ${MOST_SETTINGS} settings with 512 KiB of text; this one has more.`,
    );
  await announce(tx, organisationId, { name: 'job', id: jobId, connection: ref.connection });
  return from ?? -1;
};

/** How many checks an attempt has found. */
export const countChecks = async (tx: Transaction, ref: AttemptRef): Promise<number> => {
  const [row] = await tx<{ n: number }[]>`select count(*)::int as n from job_check
    where organisation_id = ${ref.organisationId} and job_id = ${ref.jobId} and attempt = ${ref.attempt}`;
  return row?.n ?? 0;
};
