import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storeInventory } from '#catalog/jobs/inventory.ts';
import { expireLeases } from '#catalog/jobs/sweep.ts';
import { listInventoryItems, listInventoryRules } from '#catalog/store/inventories.ts';
import { createJob } from '#catalog/store/jobs.ts';
import { transact } from '#catalog/store/sql.ts';
import type { InventoryRecord, ItemRecord } from '#protocol/inventory.ts';
import { appRecords, siteRecords, TestStream } from './agent.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const RULES = ['exclude stream "Test*" (prod.conf, line 12)', 'include stream "Sales" (prod.conf, line 10)'] as const;
const opened = (...rules: readonly string[]): InventoryRecord => ({ t: 'inventory', rules: [...rules] });
const item = (name: string, kept: boolean, more: Partial<ItemRecord> = {}): ItemRecord => ({
  t: 'item',
  kind: 'app',
  key: `prod/${name}`,
  name,
  kept,
  ...more,
});

/** Asks for an inventory and begins it. */
const begun = async (place: Awaited<ReturnType<World['enter']>>) => {
  const asked = { connection: 'prod', kind: 'inventory', createdBy: 'test' } as const;
  const { job } = await createJob(world.sql, place.organisationId, asked);
  return { job, stream: await TestStream.begin(world.backend, place.session) };
};
const names = async (organisationId: string, jobId: string, query = {}): Promise<string[]> =>
  (await listInventoryItems(world.sql, organisationId, jobId, { limit: 1000, ...query })).items.map(({ name }) => name);
const NONE = { stream: 0, app: 0, sheet: 0 };

describe('an inventory', () => {
  test('lists what the filter keeps and rejects, counts it per rule, and publishes nothing', async () => {
    const place = await world.enter('prod');
    const { stream: crawl } = await world.crawl(place, 'prod');
    await crawl.publish(siteRecords('prod', ['a']));
    await crawl.publish(appRecords('prod', 'a', ['s']));
    await crawl.finish();
    const before = await world.counts(place.organisationId);

    const { job, stream } = await begun(place);
    expect((await world.state(place.organisationId, job.id)).inventory).toBeNull();
    await stream.publish([opened(...RULES, 'exclude app "Old*" (prod.conf, line 13)')]);
    await stream.publish([
      item('Sales', true, { kind: 'stream', key: 'prod/stream/1', rule: RULES[1] }),
      item('Umsatz', true, { within: 'Sales', rule: RULES[1] }),
      item('Äpfel', false, { within: 'Test 1', rule: RULES[0] }),
      item('Overview', true, { kind: 'sheet', key: 'prod/Umsatz/1', within: 'Umsatz' }),
    ]);
    expect(await stream.finish()).toMatchObject({ result: 'closed' });
    expect(await world.state(place.organisationId, job.id)).toMatchObject({
      state: 'published',
      kind: 'inventory',
      outcomes: {},
      inventory: { kept: { stream: 1, app: 1, sheet: 1 }, rejected: { ...NONE, app: 1 } },
    });
    // Also the rule that matches nothing; the last row stands for what no rule decided.
    expect(await listInventoryRules(world.sql, place.organisationId, job.id)).toEqual([
      { number: 1, rule: RULES[0], kept: NONE, rejected: { ...NONE, app: 1 } },
      { number: 2, rule: RULES[1], kept: { stream: 1, app: 1, sheet: 0 }, rejected: NONE },
      { number: 3, rule: 'exclude app "Old*" (prod.conf, line 13)', kept: NONE, rejected: NONE },
      { number: 0, rule: null, kept: { ...NONE, sheet: 1 }, rejected: NONE },
    ]);
    const { organisationId } = place;
    expect(await names(organisationId, job.id)).toEqual(['Overview', 'Sales', 'Umsatz', 'Äpfel']);
    expect(await names(organisationId, job.id, { kept: false })).toEqual(['Äpfel']);
    expect(await names(organisationId, job.id, { rule: 2, kind: 'app' })).toEqual(['Umsatz']);
    expect(await names(organisationId, job.id, { rule: 0 })).toEqual(['Overview']);
    expect(await names(organisationId, job.id, { q: 'ÄPF' })).toEqual(['Äpfel']);
    expect(await names(organisationId, job.id, { q: '%' })).toEqual([]);
    expect(await world.counts(organisationId)).toEqual(before);
  });

  test('a page follows the other, without a gap and without a repeat', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await begun(place);
    const all = Array.from({ length: 25 }, (_, n) => item(`App ${String(n % 9)}`, true, { key: `prod/${n}` }));
    await stream.publish([opened(), ...all]);
    await stream.finish();
    const keys: string[] = [];
    let after: readonly string[] | undefined;
    do {
      const page = await listInventoryItems(world.sql, place.organisationId, job.id, { limit: 4, after });
      keys.push(...page.items.map(({ key }) => key));
      after = page.next ?? undefined;
    } while (after);
    expect(keys).toHaveLength(25);
    expect(new Set(keys)).toEqual(new Set(all.map(({ key }) => key)));
  });

  test('a batch that is read again changes nothing, and a late reader adds nothing to a list opened afresh', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await begun(place);
    const ref = { organisationId: place.organisationId, ...stream.lease, connection: 'prod', kind: 'inventory' };
    const line = (record: object) => Buffer.from(`${JSON.stringify(record)}\n`);
    const again = (seq: number, ...records: object[]) =>
      transact(world.sql, (tx) => storeInventory(tx, ref, seq, records.map(line)));
    const first = [opened(...RULES), item('one', true), item('two', false, { rule: RULES[0] })];
    await stream.publish(first);
    await stream.publish([item('three', true)]);
    const rules = await listInventoryRules(world.sql, place.organisationId, job.id);
    await again(1, ...first);
    await again(2, item('three', true));
    expect(await names(place.organisationId, job.id)).toEqual(['one', 'three', 'two']);
    expect(await listInventoryRules(world.sql, place.organisationId, job.id)).toEqual(rules);
    // The agent began anew after a crash.
    await stream.publish([opened(RULES[1]), item('four', true, { rule: RULES[1] })]);
    await again(2, item('three', true));
    await again(1, ...first);
    expect(await names(place.organisationId, job.id)).toEqual(['four']);
    expect(await listInventoryRules(world.sql, place.organisationId, job.id)).toEqual([
      { number: 1, rule: RULES[1], kept: { ...NONE, app: 1 }, rejected: NONE },
      { number: 0, rule: null, kept: NONE, rejected: NONE },
    ]);
  });

  test('a catalog that is restarted in the middle neither loses nor doubles items', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await begun(place);
    await stream.publish([opened(...RULES), item('one', true)]);
    await stream.publish([item('two', true)]);
    await world.restart();
    const { session } = await place.agent.open(world.backend, [stream.held]);
    const after = TestStream.resume(world.backend, session, stream);
    await after.publish([item('three', false)]);
    expect(await after.finish()).toMatchObject({ result: 'closed' });
    expect(await names(place.organisationId, job.id)).toEqual(['one', 'three', 'two']);
    expect((await world.state(place.organisationId, job.id)).inventory).toEqual({
      kept: { ...NONE, app: 2 },
      rejected: { ...NONE, app: 1 },
    });
  });

  test.each([
    ['an item before the list', [item('one', true)], 'came before the list was opened'],
    ['a check', [{ t: 'test' } as const], 'does not belong into an inventory'],
    ['an item of another connection', [opened(), item('x', true, { key: 'hr/x' })], 'does not belong to prod'],
    ['a key that no asset could have', [opened(), item('x', true, { key: `prod/${'k'.repeat(1100)}` })], '1024 bytes'],
    [
      'more rules than a filter has',
      [opened(), ...Array.from({ length: 401 }, (_, n) => item(`${n}`, true, { rule: `rule ${n}` }))],
      'may name 400 rules',
    ],
  ])('%s ends the job as a broken stream', async (_, records, message) => {
    const place = await world.enter('prod');
    const { job, stream } = await begun(place);
    await stream.publish(records);
    await stream.finish();
    const { state, error } = await world.state(place.organisationId, job.id);
    expect([state, error?.code]).toEqual(['failed', 'bridge.protocol']);
    expect(error?.message).toContain(message);
  });

  test('items are refused in a crawl, and an inventory without a list is no answer', async () => {
    const place = await world.enter('prod');
    const { job: crawl, stream: crawling } = await world.crawl(place, 'prod');
    await crawling.publish([opened()]);
    await crawling.finish();
    expect((await world.state(place.organisationId, crawl.id)).error?.code).toBe('bridge.protocol');
    const { job, stream } = await begun(place);
    await stream.finish();
    expect((await world.state(place.organisationId, job.id)).error?.message).toBe(
      'The inventory ended without a list.',
    );
  });

  test('a rule that the list left out is counted behind the others', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await begun(place);
    await stream.publish([opened(RULES[0]), item('one', false, { rule: 'a late one' })]);
    await stream.finish();
    expect((await listInventoryRules(world.sql, place.organisationId, job.id)).map(({ rule }) => rule)).toEqual([
      RULES[0],
      'a late one',
      null,
    ]);
  });

  test('a second attempt begins a list of its own, and only the newest lists of a connection are kept', async () => {
    const place = await world.enter('prod');
    const { job, stream } = await begun(place);
    await stream.publish([opened(...RULES), item('one', true)]);
    await world.sql`update attempt set lease_expires_at = now() - interval '1 second' where job_id = ${job.id}`;
    await expireLeases(world.sql);
    const { session } = await place.agent.open(world.backend);
    place.session = session;
    const second = await TestStream.begin(world.backend, session);
    expect((await world.state(place.organisationId, job.id)).inventory).toBeNull();
    await second.publish([opened(), item('two', true)]);
    await second.finish();
    expect(await names(place.organisationId, job.id)).toEqual(['two']);
    for (let n = 0; n < 5; n++) {
      const next = await begun(place);
      await next.stream.publish([opened(), item(`later ${n}`, true)]);
      await next.stream.finish();
    }
    expect(await world.state(place.organisationId, job.id)).toMatchObject({ state: 'published', inventory: null });
    const [kept] = await world.sql<{ n: number }[]>`select count(distinct job_id)::int as n from inventory_item
      where organisation_id = ${place.organisationId}`;
    expect(kept?.n).toBe(5);
  });

  test('is of one organisation alone', async () => {
    const place = await world.enter('prod');
    const other = await world.enter('prod');
    const { job, stream } = await begun(place);
    await stream.publish([opened(...RULES), item('secret name', true)]);
    expect(await names(other.organisationId, job.id)).toEqual([]);
    expect(await listInventoryRules(world.sql, other.organisationId, job.id)).toEqual([]);
  });
});
