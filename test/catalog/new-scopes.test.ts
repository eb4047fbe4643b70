import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findAsset } from '#catalog/store/assets.ts';
import type { AssetRecord, EdgeRecord, StreamRecord } from '#protocol/records.ts';
import { asset, scopeRecords, siteRecords } from './agent.ts';
import { World } from './world.ts';

/** The first publish of an app: there is nothing to compare with, and its rows are put in by another way than later ones. */
let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const KEY = 'prod/a';
const app = asset(KEY, KEY, 'app', 'App a', 'prod');
const edge = (from: string, to: string, attributes: EdgeRecord['attributes'] = {}): EdgeRecord => ({
  ...{ t: 'edge', scope: KEY, kind: 'uses', from, to },
  attributes,
});

const crawl = async (place: Awaited<ReturnType<World['enter']>>, ...scopes: StreamRecord[][]) => {
  const { stream, job } = await world.crawl(place, 'prod');
  await stream.publish(siteRecords('prod', ['a', 'b']));
  await stream.publish(scopes.flat());
  expect((await stream.finish()).result).toBe('closed');
  return await world.state(place.organisationId, job.id);
};

const edges = (organisationId: string) =>
  world.sql`select from_key, to_key, attributes from edge where organisation_id = ${organisationId} order by from_key, to_key`;

describe('what came is stored as it came', () => {
  const TEXTS = [
    'a\tb\nc\rd\\e',
    '\\N',
    '\\.',
    '\\\\N',
    '',
    'C:\\new\\table',
    '"quoted" \'too\'',
    '\u0001\b\f\v',
    'Ünï 𝄞',
  ];

  test('whatever characters a name, a key or an attribute has', async () => {
    const place = await world.enter('prod');
    const assets = TEXTS.map((text, n) =>
      asset(KEY, `${KEY}/${n}${text}`, 'chart', text, `${KEY}/p${text}`, {
        text,
        list: [text, null, n / 3],
        [text]: 1,
      }),
    );
    const all = assets.map(({ key }, n) => edge(key, `${KEY}/to${TEXTS[n]}`, { expression: TEXTS[n] ?? '' }));
    expect((await crawl(place, scopeRecords(KEY, 'app', [app, ...assets, ...all]))).state).toBe('published');
    for (const { key, kind, name, parent, attributes } of assets)
      expect(await findAsset(world.sql, place.organisationId, key)).toMatchObject({
        key,
        kind,
        name,
        parent,
        attributes,
      });
    expect(await edges(place.organisationId)).toEqual(
      all
        .map(({ from, to, attributes }) => ({ from_key: from, to_key: to, attributes }))
        .sort((a, b) => (Buffer.from(a.from_key) < Buffer.from(b.from_key) ? -1 : 1)),
    );
    // By the other way: nothing of it has changed.
    const again = await crawl(place, scopeRecords(KEY, 'app', [app, ...assets, ...all]));
    expect((await world.scopes(place.organisationId, again.id))[1]).toMatchObject({ added: 0, changed: 0, removed: 0 });
  });

  test('of an asset or edge that came twice the later, without what a sparse one gives as null', async () => {
    const place = await world.enter('prod');
    const sparse: AssetRecord = {
      ...asset(KEY, `${KEY}/m`, 'masterMeasure', 'M', KEY, { owner: null, tags: ['x', null], deep: { a: null, b: 1 } }),
      sparse: true,
    };
    const twice = [asset(KEY, `${KEY}/s`, 'sheet', 'first', KEY), asset(KEY, `${KEY}/s`, 'sheet', 'second', KEY)];
    const both = [edge(`${KEY}/s`, `${KEY}/m`, { n: 1 }), edge(`${KEY}/s`, `${KEY}/m`, { n: 2 })];
    const job = await crawl(place, scopeRecords(KEY, 'app', [app, sparse, ...twice, ...both], { outcome: 'partial' }));
    expect((await findAsset(world.sql, place.organisationId, `${KEY}/s`))?.name).toBe('second');
    const m = await findAsset(world.sql, place.organisationId, `${KEY}/m`);
    expect(m?.attributes).toEqual({ tags: ['x', null], deep: { b: 1 } });
    expect(await edges(place.organisationId)).toMatchObject([{ attributes: { n: 2 } }]);
    expect((await world.scopes(place.organisationId, job.id))[1]).toMatchObject({ added: 3, records: 6 });
    const [row] =
      await world.sql`select assets from scope where organisation_id = ${place.organisationId} and key = ${KEY}`;
    expect(row?.['assets']).toBe(3);
  });
});

describe('a row that the database refuses', () => {
  beforeAll(() => world.sql`alter table asset add constraint canary check (name <> 'canary-refused')`.execute());
  afterAll(() => world.sql`alter table asset drop constraint canary`.execute());

  test.each([
    ['first of a few', 3, 0],
    ['first of many', 4_000, 0],
    ['last of many', 4_000, 3_999],
  ])('%s spoils its own scope, and no other', async (_, count, at) => {
    const place = await world.enter('prod');
    const charts = Array.from({ length: count }, (__, n) =>
      asset(KEY, `${KEY}/c${n}`, 'chart', n === at ? 'canary-refused' : 'Chart', KEY, {
        expression: 'Sum(x)'.repeat(20),
      }),
    );
    const other = scopeRecords('prod/b', 'app', [asset('prod/b', 'prod/b', 'app', 'App b', 'prod')]);
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.send(siteRecords('prod', ['a', 'b']));
    const records = [...scopeRecords(KEY, 'app', [app, ...charts]), ...other];
    const consumed: Promise<void>[] = [];
    for (let n = 0; n < records.length; n += 500)
      consumed.push((await stream.send(records.slice(n, n + 500))).consumed);
    await Promise.all(consumed);
    await stream.finish();
    expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 1 });
    expect(await world.state(place.organisationId, job.id)).toMatchObject({
      state: 'failed',
      error: { message: expect.stringContaining('scope prod/a cannot be stored') },
    });
  });
});
