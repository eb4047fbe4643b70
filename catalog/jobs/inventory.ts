import { sortName } from '#catalog/store/assets.ts';
import { announce } from '#catalog/store/events.ts';
import type { Transaction } from '#catalog/store/sql.ts';
import { LIMITS } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import type { ItemRecord } from '#protocol/inventory.ts';
import type { AttemptRef } from './attempt-ref.ts';
import { holdAttempt } from './publish.ts';
import { BadRecord, readRecord } from './record.ts';

/** Several times the largest sites: 10,000 apps with 100,000 sheets. */
const MOST_ITEMS = 500_000;
const MOST_BYTES = 128 * 1024 * 1024;
/** Twice what an agent lists: a rule that its list was too short for is named by items all the same. */
const MOST_RULES = 400;
/** As of assets. */
const KEY_BYTES = 1024;
/** Lists of earlier inventories that a connection keeps beside the one that comes. */
const KEPT_LISTS = 4;

interface Found {
  readonly position: number;
  readonly item: ItemRecord;
}

interface List {
  /** Where the list was opened (afresh) in this batch; undefined when it goes on. */
  readonly openedAt: number | undefined;
  readonly rules: readonly string[];
  /** What came since then. */
  readonly found: readonly Found[];
}

/** @throws BadRecord for an item of another connection, or with a key that no asset could have */
const checkKey = (connection: string, key: string): void => {
  if (Buffer.byteLength(key) > KEY_BYTES) throw new BadRecord(undefined, `a key has more than ${KEY_BYTES} bytes`);
  if (!key.startsWith(`${connection}/`)) throw new BadRecord(undefined, `${key} does not belong to ${connection}`);
};

/** @throws Fault `bridge.protocol` for what does not belong into the stream of an inventory */
const readList = (connection: string, seq: number, lines: readonly Uint8Array[]): List => {
  let openedAt: number | undefined;
  let rules: readonly string[] = [];
  let found: Found[] = [];
  for (const [index, line] of lines.entries()) {
    const position = seq * LIMITS.batchRecords + index;
    try {
      const record = readRecord(line);
      if (record.t === 'item') {
        checkKey(connection, record.key);
        found.push({ position, item: record });
      } else if (record.t === 'inventory') {
        openedAt = position;
        rules = record.rules;
        found = [];
      } else throw new BadRecord(undefined, `${record.t} does not belong into an inventory`);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      throw new Fault('bridge.protocol', `A record of the inventory cannot be read: ${error.message}.`);
    }
  }
  return { openedAt, rules: [...new Set(rules)], found };
};

const ofAttempt = (tx: Transaction, { organisationId, jobId, attempt }: AttemptRef) =>
  tx`organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${attempt}`;

/** Notes rules behind those that are known. @returns all of them with their numbers */
const numberRules = async (
  tx: Transaction,
  ref: AttemptRef,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  const known = await tx<{ rule: string; number: number }[]>`
    select rule, number from inventory_rule where ${ofAttempt(tx, ref)}`;
  const numbers = new Map(known.map(({ rule, number }) => [rule, number]));
  let last = known.reduce((most, { number }) => Math.max(most, number), 0);
  const added = wanted.filter((rule) => !numbers.has(rule)).map((rule) => ({ rule, number: ++last }));
  if (last > MOST_RULES)
    throw new Fault('bridge.protocol', `The items of an inventory may name ${MOST_RULES} rules; these name more.`);
  if (added.length > 0)
    await tx`insert into inventory_rule (organisation_id, job_id, attempt, number, rule)
      select ${ref.organisationId}, ${ref.jobId}, ${ref.attempt}, number, rule
      from json_to_recordset(${JSON.stringify(added)}::text::json) as r(number integer, rule text)`;
  for (const { rule, number } of added) numbers.set(rule, number);
  return numbers;
};

const empty = async (tx: Transaction, ref: AttemptRef): Promise<void> => {
  await tx`delete from inventory_item where ${ofAttempt(tx, ref)}`;
  await tx`delete from inventory_count where ${ofAttempt(tx, ref)}`;
  await tx`delete from inventory_rule where ${ofAttempt(tx, ref)}`;
};

/**
 * Stores what one batch of an inventory lists. Reading a batch again changes nothing, and whoever reads an older batch late
 * adds nothing to a list that was opened afresh since.
 *
 * @param knownFrom where the list begins as far as the caller knows, -1 when it was not opened
 * @returns where it begins now
 * @throws Fault `bridge.protocol` when the stream cannot be used, Error when the database has lost the list
 */
export const storeInventory = async (
  tx: Transaction,
  ref: AttemptRef,
  seq: number,
  lines: readonly Uint8Array[],
  knownFrom = -1,
): Promise<number> => {
  const { openedAt, rules, found } = readList(ref.connection, seq, lines);
  if (!(await holdAttempt(tx, ref))) return knownFrom;
  // Two publishers of one attempt, of which one is late, take turns from here on.
  const [list] = await tx<{ from: number | null }[]>`
    select checks_from::float8 as "from" from attempt where ${ofAttempt(tx, ref)} for no key update`;
  let from = list?.from ?? null;
  if ((from ?? -1) < knownFrom) throw new Error('the database has lost where the list of the inventory begins');
  if (openedAt !== undefined && (from === null || openedAt > from)) {
    from = openedAt;
    await empty(tx, ref);
    await tx`update attempt set checks_from = ${openedAt} where ${ofAttempt(tx, ref)}`;
    await numberRules(tx, ref, rules);
  }
  if (from === null && found.length > 0)
    throw new Fault('bridge.protocol', 'An item of the inventory came before the list was opened.');
  const fresh = found.filter(({ position }) => position >= (from ?? 0));
  if (fresh.length > 0) await storeItems(tx, ref, fresh);
  await announce(tx, ref.organisationId, { name: 'job', id: ref.jobId, connection: ref.connection });
  return from ?? -1;
};

const storeItems = async (tx: Transaction, ref: AttemptRef, found: readonly Found[]): Promise<void> => {
  const named = new Set(found.flatMap(({ item: { rule } }) => (rule === undefined ? [] : [rule])));
  const numbers = await numberRules(tx, ref, [...named]);
  const rows = found.map(({ position, item: { kind, key, name, within, kept, rule } }) => ({
    position,
    kind,
    key,
    name,
    sort_name: sortName(name),
    within,
    kept,
    rule: rule === undefined ? 0 : numbers.get(rule),
  }));
  await tx`
    with stored as (
      insert into inventory_item (organisation_id, job_id, attempt, position, kind, key, name, sort_name, within, kept, rule)
      select ${ref.organisationId}, ${ref.jobId}, ${ref.attempt}, r.* from json_to_recordset(
        ${JSON.stringify(rows)}::text::json) as r(position bigint, kind text, key text, name text, sort_name text,
        within text, kept boolean, rule integer)
      on conflict do nothing
      returning rule, kind, kept,
        octet_length(key) + octet_length(name) + octet_length(sort_name) + coalesce(octet_length(within), 0) as bytes
    )
    insert into inventory_count as c (organisation_id, job_id, attempt, rule, kind, kept, items, bytes)
    select ${ref.organisationId}, ${ref.jobId}, ${ref.attempt}, rule, kind, kept, count(*), sum(bytes)
    from stored group by rule, kind, kept
    on conflict (organisation_id, job_id, attempt, rule, kind, kept)
    do update set items = c.items + excluded.items, bytes = c.bytes + excluded.bytes`;
  const [size] = await tx<{ items: number; bytes: number }[]>`
    select sum(items)::float8 as items, sum(bytes)::float8 as bytes from inventory_count where ${ofAttempt(tx, ref)}`;
  if (size && (size.items > MOST_ITEMS || size.bytes > MOST_BYTES))
    throw new Fault(
      'bridge.protocol',
      `An inventory may list ${MOST_ITEMS} items with ${MOST_BYTES / 1024 / 1024} MiB of text; this one has more.`,
      { advice: 'Leave sheets out of the inventory, or narrow the filter in the file of the connection.' },
    );
};

/** Whether an attempt opened its list. */
export const hasInventory = async (tx: Transaction, ref: AttemptRef): Promise<boolean> => {
  const rows = await tx`select from attempt where ${ofAttempt(tx, ref)} and checks_from is not null`;
  return rows.length > 0;
};

/** A list begins with each attempt; of the connection's earlier ones only the newest are kept. The job's row is locked. */
export const dropOldLists = async (
  tx: Transaction,
  organisationId: string,
  connection: string,
  jobId: string,
): Promise<void> => {
  const old = await tx<{ jobId: string; attempt: number }[]>`
    with lists as (
      select a.job_id, a.attempt, row_number() over (order by j.created_at desc, j.id desc, a.attempt desc) as age
      from job j join attempt a on a.organisation_id = j.organisation_id and a.job_id = j.id
      where j.organisation_id = ${organisationId} and j.connection = ${connection} and j.kind = 'inventory'
        and a.checks_from is not null and j.id <> ${jobId}
    )
    select job_id as "jobId", attempt from lists where age > ${KEPT_LISTS}
    union all select job_id, attempt from attempt
      where organisation_id = ${organisationId} and job_id = ${jobId} and checks_from is not null`;
  for (const one of old) {
    const own = tx`organisation_id = ${organisationId} and job_id = ${one.jobId} and attempt = ${one.attempt}`;
    await tx`delete from inventory_item where ${own}`;
    await tx`delete from inventory_count where ${own}`;
    await tx`delete from inventory_rule where ${own}`;
    await tx`update attempt set checks_from = null where ${own}`;
  }
};
