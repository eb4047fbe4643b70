import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EdgeKind, EdgeRecord } from '#protocol/records.ts';
import { asset, scopeRecords } from './agent.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const APP = 'prod/a';
const LINEAGE = ['dataset', 'column', 'derives', 'loads', 'produces'] as const;
const dataset = (place: string) => [
  asset(APP, `file://${place}`, 'dataset', place),
  asset(APP, `file://${place}#Net`, 'column', 'Net', `file://${place}`),
];
const edge = (kind: EdgeKind, from: string, to: string): EdgeRecord => ({ t: 'edge', scope: APP, kind, from, to });
const lineageOf = (place: string) => [
  ...dataset(place),
  edge('loads', APP, `file://${place}`),
  edge('derives', `${APP}/field/Amount`, `file://${place}#Net`),
];

const known = async () => {
  const place = await world.enter('prod');
  const { stream } = await world.crawl(place, 'prod');
  await stream.publish(
    scopeRecords(APP, 'app', [
      asset(APP, APP, 'app', 'A', 'prod'),
      asset(APP, `${APP}/s1`, 'sheet', 'S', APP),
      asset(APP, `${APP}/table/Sales`, 'table', 'Sales', APP),
      asset(APP, `${APP}/field/Amount`, 'field', 'Amount', APP),
      edge('contains', `${APP}/table/Sales`, `${APP}/field/Amount`),
      ...lineageOf('old'),
    ]),
  );
  await stream.finish();
  return place;
};

const held = async ({ organisationId }: Awaited<ReturnType<typeof known>>) => ({
  assets: (
    await world.sql<{ key: string }[]>`select key from asset where organisation_id = ${organisationId} order by key`
  ).map(({ key }) => key),
  edges: (
    await world.sql<{ text: string }[]>`select kind || ' ' || to_key as text from edge
      where organisation_id = ${organisationId} order by 1`
  ).map(({ text }) => text),
});

const OWN = [APP, `${APP}/field/Amount`, `${APP}/s1`, `${APP}/table/Sales`];

test('lineage that is made anew takes the place of what was there, and nothing else of the app is touched', async () => {
  const place = await known();
  const { stream, job } = await world.crawl(place, 'prod');
  await stream.publish(scopeRecords(APP, 'app', lineageOf('new'), { outcome: 'updated', anew: [...LINEAGE] }));
  await stream.finish();
  expect((await world.scopes(place.organisationId, job.id))[0]).toMatchObject({ added: 2, changed: 0, removed: 2 });
  expect(await held(place)).toEqual({
    assets: ['file://new', 'file://new#Net', ...OWN],
    edges: [`contains ${APP}/field/Amount`, 'derives file://new#Net', 'loads file://new'],
  });
});

test('without it a difference removes none of what did not come', async () => {
  const place = await known();
  const { stream } = await world.crawl(place, 'prod');
  await stream.publish(scopeRecords(APP, 'app', lineageOf('new'), { outcome: 'updated' }));
  await stream.finish();
  expect((await held(place)).edges).toContain('derives file://old#Net');
});
