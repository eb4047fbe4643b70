import { afterAll, beforeAll, expect, test } from 'vitest';
import { countAll, listAssets } from '#catalog/store/assets.ts';
import type { StreamRecord } from '#protocol/records.ts';
import { asset, scopeRecords, siteRecords } from './agent.ts';
import { World } from './world.ts';

const APPS = 500;
const SHEETS = 4;
const CHARTS = 4;
const RECORDS_A_BATCH = 500;

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const appOf = (n: number): StreamRecord[] => {
  const key = `prod/app-${n}`;
  return scopeRecords(key, 'app', [
    asset(key, key, 'app', `App ${n}`, 'prod/stream/s'),
    ...Array.from({ length: SHEETS }, (_, s) => [
      asset(key, `${key}/s${s}`, 'sheet', `Sheet ${s}`, key),
      ...Array.from({ length: CHARTS }, (__, c) =>
        asset(key, `${key}/s${s}c${c}`, 'chart', `Chart ${c} of ${n}`, `${key}/s${s}`, { type: 'barchart' }),
      ),
    ]).flat(),
  ]);
};

test(`${APPS} apps in full batches: every number is right, and the second crawl writes nothing`, {
  timeout: 180_000,
}, async () => {
  const place = await world.enter('prod');
  const crawlAll = async () => {
    const { stream, job } = await world.crawl(place, 'prod');
    let waiting: StreamRecord[] = siteRecords(
      'prod',
      Array.from({ length: APPS }, (_, n) => `app-${n}`),
    );
    let last: Promise<void> = Promise.resolve();
    const cut = async (least: number) => {
      while (waiting.length >= least && waiting.length > 0) {
        last = (await stream.send(waiting.slice(0, RECORDS_A_BATCH))).consumed;
        waiting = waiting.slice(RECORDS_A_BATCH);
      }
    };
    for (let n = 0; n < APPS; n++) {
      waiting.push(...appOf(n));
      await cut(RECORDS_A_BATCH);
    }
    await cut(1);
    await last;
    expect((await stream.finish()).result).toBe('closed');
    return await world.state(place.organisationId, job.id);
  };
  expect(await crawlAll()).toMatchObject({ state: 'published', outcomes: { complete: APPS + 1 } });
  const expected = { site: 1, stream: 1, app: APPS, sheet: APPS * SHEETS, chart: APPS * SHEETS * CHARTS };
  expect((await countAll(world.sql, place.organisationId)).assets).toEqual(expected);
  const page = await listAssets(world.sql, place.organisationId, { parent: 'prod/stream/s', limit: 500 });
  expect([page.items.length, page.next]).toEqual([APPS, null]);
  const written = async () =>
    (await world.sql`select max(changed_at) as at from asset where organisation_id = ${place.organisationId}`)[0]?.[
      'at'
    ];
  const before = await written();
  const second = await crawlAll();
  expect(await written()).toEqual(before);
  const scopes = await world.scopes(place.organisationId, second.id);
  expect(scopes.every(({ added, changed, removed }) => added + changed + removed === 0)).toBe(true);
});

test('a scope of many assets and edges that was there before is replaced without a loop over all pairs', async () => {
  const place = await world.enter('prod');
  const key = 'prod/huge';
  const crawlHuge = async (charts: number) => {
    const { stream } = await world.crawl(place, 'prod');
    const ids = Array.from({ length: charts }, (_, n) => `${key}/c${n}`);
    const records = scopeRecords(key, 'app', [
      asset(key, key, 'app', 'Huge', 'prod'),
      ...ids.map((id) => asset(key, id, 'chart', `Chart ${id}`, key)),
      ...ids.map((id) => ({ t: 'edge', scope: key, kind: 'uses', from: id, to: key }) as const),
    ]);
    for (let at = 0; at < records.length; at += RECORDS_A_BATCH)
      await stream.send(records.slice(at, at + RECORDS_A_BATCH));
    expect((await stream.finish()).result).toBe('closed');
    const { assets, edges } = await countAll(world.sql, place.organisationId);
    return [assets.chart, edges.uses];
  };
  expect(await crawlHuge(25_000)).toEqual([25_000, 25_000]);
  expect(await crawlHuge(24_990)).toEqual([24_990, 24_990]);
});
