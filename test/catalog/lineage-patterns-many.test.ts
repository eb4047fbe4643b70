import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Impact, Lineage } from '#catalog/api/contract.ts';
import { MOST_FITTING } from '#catalog/store/fitting-names.ts';
import type { StreamRecord } from '#protocol/records.ts';
import { asset, scopeRecords, siteRecords } from './agent.ts';
import { edge } from './chain.ts';
import { Served } from './served.ts';

let served: Served;
let ours: Awaited<ReturnType<Served['organisation']>>;
beforeAll(async () => {
  served = await Served.open();
  ours = await served.organisation('Ours', 'us@example.com');
});
afterAll(() => served?.[Symbol.asyncDispose]());

/** An app that reads these, by patterns where they hold a star, and stores those. */
const app = (key: string, read: readonly string[], stored: readonly string[] = []): StreamRecord[] =>
  scopeRecords(key, 'app', [
    asset(key, key, 'app', key, key.split('/')[0] ?? ''),
    ...[...read, ...stored].map((one) =>
      asset(key, one, 'dataset', 'dataset', undefined, /[*?]/.test(one) ? { pattern: one } : {}),
    ),
    ...read.map((one) => edge(key, 'loads', key, one, { role: 'value', confidence: 'exact' })),
    ...stored.map((one) => edge(key, 'produces', key, one, { role: 'value', confidence: 'exact' })),
  ]);

const publish = (code: string, apps: readonly StreamRecord[][]) =>
  served.published(ours.organisationId, code, [
    siteRecords(
      code,
      apps.map((_, n) => String(n)),
    ),
    ...apps,
  ]);
/** Files of a name with a number, which the agent found. */
const listed = (code: string, beginning: string, count: number) => served.sql`
  insert into asset (organisation_id, key, scope_id, connection, kind, name, sort_name, search_text, attributes, hash, first_seen_at, changed_at)
  select s.organisation_id, ${beginning}::text || n, s.id, s.connection, 'dataset', 'f', 'f', '', '{"sizeBytes": 1}', '\\x00', now(), now()
  from scope s, generate_series(1, ${count}::int) n
  where s.organisation_id = ${ours.organisationId} and s.key = ${code} and s.kind = 'site'`;

const ask = async <T>(path: string, values: Record<string, string>): Promise<T> => {
  const { status, body } = await ours.client.get<T>(`/api/v1/${path}?${new URLSearchParams(values)}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
};
const comesFrom = async (key: string): Promise<string[]> => {
  const { edges } = await ask<Lineage>('lineage', { key, direction: 'up', depth: '1', level: 'table' });
  return edges.flatMap(({ kind, from, to }) => (kind === 'derives' && from === key ? [to] : [])).toSorted();
};

test('a file that fits is found among thousands that do not, and when too many fit it is said', async () => {
  const folder = 'file://many/bi/';
  await publish('many', [
    app('many/0', [`${folder}zz_*.qvd`, `${folder}a*`]),
    app('many/1', [], [`${folder}zz_1.qvd`, `${folder}a`]),
  ]);
  await listed('many', `${folder}a`, MOST_FITTING + 100);
  expect(await comesFrom(`${folder}zz_*.qvd`)).toEqual([`${folder}zz_1.qvd`]);
  const few = { key: `${folder}zz_*.qvd`, direction: 'up' };
  expect((await ask<Impact>('lineage/impact', few)).cut).toBe(false);
  const all = await ask<Impact>('lineage/impact', { key: `${folder}a*`, direction: 'up' });
  expect(all.cut).toBe(true);
  expect(all.counts.dataset).toBe(MOST_FITTING);
  const around = await ask<Lineage>('lineage', { key: `${folder}a*`, direction: 'up', depth: '1', breadth: '1000' });
  expect(around.more).toContainEqual(expect.objectContaining({ key: `${folder}a*`, direction: 'up', count: 1_000 }));
});

test('names are compared in a time that their lengths bound, however many stars they hold', async () => {
  const folder = 'file://slow/bi/';
  const long = 'a'.repeat(900);
  const slow = `${folder}${'*a'.repeat(8)}b`;
  const ends = `${folder}*${'a'.repeat(400)}b`;
  await publish('slow', [
    app('slow/0', [slow, ends]),
    app('slow/1', [], [`${folder}${long}`, `${folder}${'a*'.repeat(8)}c`, `${folder}${long}b`]),
  ]);
  expect(await comesFrom(slow)).toEqual([`${folder}${long}b`]);
  expect(await comesFrom(ends)).toEqual([`${folder}${long}b`]);
});

test('what means something to the database means nothing in a name, and no star goes into another folder', async () => {
  const folder = 'file://odd/100%_\\done/';
  const read = [`${folder}a_%\\*.qvd`, `${folder}b?c*`, `${folder}*/x.qvd`];
  const fit = [`${folder}a_%\\1.qvd`, `${folder}b\\c1`, `${folder}sub/x.qvd`];
  const fitNot = [
    ...[`${folder}axx1.qvd`, `${folder}a_x\\1.qvd`, `${folder}a_%\\1/2.qvd`, `${folder}b/c1`, `${folder}b12c`],
    ...[`${folder}x.qvd`, `${folder}a/b/x.qvd`, 'file://odd/100xx\\done/a_%\\1.qvd', `${folder}A_%\\1.QVD`],
  ];
  await publish('odd', [app('odd/0', read), app('odd/1', [], [...fit, ...fitNot])]);
  for (const [n, key] of read.entries()) expect(await comesFrom(key), key).toEqual([fit[n]]);
  // And from the other side.
  const down = await ask<Lineage>('lineage', { key: fit[0] ?? '', direction: 'down', depth: '1', level: 'table' });
  expect(down.nodes.map(({ key }) => key)).toContain(read[0]);
});

test('a name of hundreds of folders asks for no more than any other', async () => {
  const deep = `file://deep/${'a/'.repeat(490)}`;
  const read = Array.from({ length: 40 }, (_, n) => `${deep}${n}*`);
  await publish('deep', [app('deep/0', read, ['file://deep/a/x'])]);
  expect(await comesFrom(read[0] ?? '')).toEqual([]);
});
