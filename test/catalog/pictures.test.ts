import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storePictures } from '#catalog/jobs/pictures.ts';
import { createJob } from '#catalog/store/jobs.ts';
import { findPicture, listPictures } from '#catalog/store/pictures.ts';
import { transact } from '#catalog/store/sql.ts';
import type { OutcomeRecord, PictureRecord, PictureSource, StreamRecord } from '#protocol/records.ts';
import { appRecords, scopeRecords, siteRecords, TestStream } from './agent.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const SVG = '<svg xmlns="http://www.w3.org/2000/svg"><title>A sheet</title></svg>';

const picture = (
  key: string,
  source: PictureSource = 'layout',
  content = SVG,
  scope = key.split('/').slice(0, 2).join('/'),
): PictureRecord => ({
  t: 'picture',
  scope,
  key,
  source,
  mediaType: source === 'thumbnail' ? 'image/png' : 'image/svg+xml',
  content: Buffer.from(content).toString('base64'),
});

/** The scope of an app with its pictures. */
const pictured = (
  sheets: readonly string[],
  pictures: readonly PictureRecord[],
  outcome: Partial<OutcomeRecord> = {},
) => {
  const body = appRecords('prod', 'a', sheets).slice(1, -1) as Parameters<typeof scopeRecords>[2];
  return scopeRecords('prod/a', 'app', [...body, ...pictures], outcome);
};

type Place = Awaited<ReturnType<World['enter']>>;

const crawl = async (place: Place, ...scopes: StreamRecord[][]) => {
  const { stream, job } = await world.crawl(place, 'prod');
  await stream.publish(siteRecords('prod', ['a']));
  for (const scope of scopes) await stream.publish(scope);
  await stream.finish();
  return await world.state(place.organisationId, job.id);
};

const preview = async (place: Place, records: readonly StreamRecord[]) => {
  const asked = { connection: 'prod', kind: 'preview', options: { app: 'a', data: true }, createdBy: 'test' } as const;
  const { job } = await createJob(world.sql, place.organisationId, asked);
  const stream = await TestStream.begin(world.backend, place.session);
  await stream.publish([...records]);
  await stream.finish();
  return await world.state(place.organisationId, job.id);
};

const stored = async ({ organisationId }: Place): Promise<string[]> =>
  (
    await world.sql<{ key: string; source: string }[]>`select key, source from picture
    where organisation_id = ${organisationId} order by key, source`
  ).map(({ key, source }) => `${key} ${source}`);

test('pictures are published with their scope, counted and hashed as the rest of it', async () => {
  const place = await world.enter('prod');
  const job = await crawl(place, pictured(['s1', 's2'], [picture('prod/a/s1'), picture('prod/a', 'thumbnail', 'PNG')]));
  expect(job).toMatchObject({ state: 'published', outcomes: { complete: 2 } });
  expect(await stored(place)).toEqual(['prod/a thumbnail', 'prod/a/s1 layout']);
  const found = await findPicture(world.sql, place.organisationId, 'prod/a/s1', 'layout');
  expect(found).toMatchObject({ mediaType: 'image/svg+xml' });
  expect(found?.content.toString()).toBe(SVG);
  const [history] = (await world.scopes(place.organisationId, job.id)).slice(1);
  expect(history).toMatchObject({ records: 5, added: 3 });
});

test('a scope whose hash leaves its pictures out is refused', async () => {
  const place = await world.enter('prod');
  const records = pictured(['s1'], [picture('prod/a/s1')]);
  const spoiled = records.map((record) => (record.t === 'picture' ? picture('prod/a/s1', 'layout', 'other') : record));
  expect((await crawl(place, spoiled)).state).toBe('failed');
  expect(await stored(place)).toEqual([]);
});

test('a complete scope replaces and removes them, but for those with data, which stay as long as their sheet', async () => {
  const place = await world.enter('prod');
  await crawl(
    place,
    pictured(['s1', 's2'], [picture('prod/a/s1'), picture('prod/a/s2'), picture('prod/a/s1', 'thumbnail')]),
  );
  expect((await preview(place, [picture('prod/a/s1', 'data'), picture('prod/a/s2', 'data')])).state).toBe('published');
  await crawl(place, pictured(['s1'], [picture('prod/a/s1', 'layout', '<svg>new</svg>')]));
  expect(await stored(place)).toEqual(['prod/a/s1 data', 'prod/a/s1 layout']);
  const found = await findPicture(world.sql, place.organisationId, 'prod/a/s1', 'layout');
  expect(found?.content.toString()).toBe('<svg>new</svg>');
  await crawl(place, scopeRecords('prod/a', 'app', [], { outcome: 'gone' }));
  expect(await stored(place)).toEqual([]);
});

test.each(['partial', 'failed', 'unchanged'] as const)('a scope that is %s removes none', async (outcome) => {
  const place = await world.enter('prod');
  await crawl(place, pictured(['s1', 's2'], [picture('prod/a/s1'), picture('prod/a/s2')]));
  await crawl(place, pictured(['s1'], [picture('prod/a/s1', 'layout', '<svg>new</svg>')], { outcome }));
  expect(await stored(place)).toEqual(['prod/a/s1 layout', 'prod/a/s2 layout']);
  const found = await findPicture(world.sql, place.organisationId, 'prod/a/s1', 'layout');
  expect(found?.content.toString()).toBe(outcome === 'unchanged' ? SVG : '<svg>new</svg>');
});

test('who reads an older batch of a preview late does not put back what it drew', async () => {
  const place = await world.enter('prod');
  await crawl(place, pictured(['s1'], []));
  const asked = { connection: 'prod', kind: 'preview', options: { app: 'a', data: true }, createdBy: 'test' } as const;
  const { job } = await createJob(world.sql, place.organisationId, asked);
  const stream = await TestStream.begin(world.backend, place.session);
  const { leaseToken, attempt, jobId } = stream.lease;
  const { organisationId } = place;
  const ref = { organisationId, jobId, attempt, leaseToken, connection: 'prod', kind: 'preview' };
  const store = (seq: number, content: string, known?: number) =>
    transact(world.sql, (tx) =>
      storePictures(tx, ref, seq, [Buffer.from(JSON.stringify(picture('prod/a/s1', 'data', content)))], known),
    );
  const drawn = async () =>
    (await findPicture(world.sql, place.organisationId, 'prod/a/s1', 'data'))?.content.toString();
  // What an agent drew before it was killed, and what it drew when it began again.
  expect(await store(1, SVG)).toBe(1);
  expect(await store(2, SVG.replace('A sheet', 'The sheet'))).toBe(2);
  expect(await store(1, SVG)).toBe(2);
  expect(await drawn()).toContain('The sheet');
  // A database that went back says so, instead of being taken for one that has it.
  await world.sql`update attempt set checks_from = 1 where job_id = ${job.id}`;
  await expect(store(3, SVG, 2)).rejects.toThrow(/lost/);
});

test('a picture of what is not there is left out, and spoils nothing', async () => {
  const place = await world.enter('prod');
  const job = await crawl(place, pictured(['s1'], [picture('prod/a/s9'), picture('prod/a/s1')]));
  expect(job.state).toBe('published');
  expect((await preview(place, [picture('prod/a/s7', 'data')])).state).toBe('published');
  expect(await stored(place)).toEqual(['prod/a/s1 layout']);
});

test('pictures wait with their scope when it comes in many batches', async () => {
  const place = await world.enter('prod');
  const { stream } = await world.crawl(place, 'prod');
  await stream.publish(siteRecords('prod', ['a']));
  const records = pictured(['s1', 's2'], [picture('prod/a/s1'), picture('prod/a/s2')]);
  for (const record of records) await stream.publish([record]);
  expect((await stream.finish()).result).toBe('closed');
  expect(await stored(place)).toEqual(['prod/a/s1 layout', 'prod/a/s2 layout']);
});

describe('what does not belong there', () => {
  test.each([
    ['another app of the connection', picture('prod/b/s1', 'layout', SVG, 'prod/a')],
    ['another connection', picture('other/a/s1', 'layout', SVG, 'prod/a')],
  ])('a picture of %s is refused with its scope', async (_, strange) => {
    const place = await world.enter('prod', 'other');
    expect((await crawl(place, pictured(['s1'], [strange]))).state).toBe('failed');
    expect(await stored(place)).toEqual([]);
  });

  test.each([
    ['a scope of another connection', picture('other/a/s1', 'data', SVG, 'other/a')],
    ['an asset', { t: 'asset', scope: 'prod/a', key: 'prod/a/s1', kind: 'sheet', name: 'x' } as const],
  ])('%s in the stream of a preview fails it', async (_, strange) => {
    const place = await world.enter('prod', 'other');
    await crawl(place, pictured(['s1'], []));
    expect((await preview(place, [strange])).state).toBe('failed');
    expect(await stored(place)).toEqual([]);
  });
});

test('what is listed of an app names its sheets and their charts', async () => {
  const place = await world.enter('prod');
  const body = appRecords('prod', 'a', ['s1']).slice(1, -1) as Parameters<typeof scopeRecords>[2];
  const charts = ['Sales', 'Margin', ''].map(
    (name, index) =>
      ({ t: 'asset', scope: 'prod/a', key: `prod/a/c${index}`, kind: 'chart', name, parent: 'prod/a/s1' }) as const,
  );
  await crawl(
    place,
    scopeRecords('prod/a', 'app', [...body, ...charts, picture('prod/a/s1'), picture('prod/a', 'thumbnail')]),
  );
  expect(await listPictures(world.sql, place.organisationId, 'prod/a', 10)).toMatchObject([
    { key: 'prod/a', source: 'thumbnail', charts: [] },
    {
      key: 'prod/a/s1',
      kind: 'sheet',
      name: 'Sheet s1',
      source: 'layout',
      charts: ['Margin', 'Sales'],
      bytes: SVG.length,
    },
  ]);
});

test('nothing of them is seen by another organisation, and they follow a changed code', async () => {
  const place = await world.enter('prod');
  await crawl(place, pictured(['s1'], [picture('prod/a/s1')]));
  const other = await world.enter('prod');
  expect(await findPicture(world.sql, other.organisationId, 'prod/a/s1', 'layout')).toBeUndefined();
  expect(await listPictures(world.sql, other.organisationId, 'prod/a', 10)).toEqual([]);
  await world.sql`update asset set key = 'new/a/s1' where organisation_id = ${place.organisationId} and key = 'prod/a/s1'`;
  expect(await findPicture(world.sql, place.organisationId, 'new/a/s1', 'layout')).toBeDefined();
});
