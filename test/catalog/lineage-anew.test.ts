import { afterAll, beforeAll, expect, test } from 'vitest';
import { createJob } from '#catalog/store/jobs.ts';
import { Fault } from '#protocol/errors.ts';
import type { JobSpec } from '#protocol/messages.ts';
import type { EdgeKind, EdgeRecord } from '#protocol/records.ts';
import type { ConnectionState } from '#protocol/status.ts';
import { asset, connectionState, scopeRecords, TestStream } from './agent.ts';
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

const MISSING = {
  what: 'chart c1',
  code: 'qlik.engine_failed',
  message: 'It could not be read',
  advice: 'Look.',
};

test('of an app that was read in part only what leads from things whose lineage came is replaced', async () => {
  const place = await known();
  const later = await world.crawl(place, 'prod');
  await later.stream.publish(
    scopeRecords(
      APP,
      'app',
      [asset(APP, `${APP}/m1`, 'masterMeasure', 'M', APP), edge('derives', `${APP}/m1`, `${APP}/field/Amount`)],
      { outcome: 'updated' },
    ),
  );
  await later.stream.finish();
  const { stream, job } = await world.crawl(place, 'prod');
  await stream.publish(
    scopeRecords(APP, 'app', lineageOf('new'), { outcome: 'partial', anew: [...LINEAGE], missing: [MISSING] }),
  );
  await stream.finish();
  expect((await world.scopes(place.organisationId, job.id))[0]).toMatchObject({ outcome: 'partial', removed: 2 });
  expect((await held(place)).edges).toEqual([
    `contains ${APP}/field/Amount`,
    'derives file://new#Net',
    `derives ${APP}/field/Amount`,
    'loads file://new',
  ]);
});

test('an included script that is included no more takes the relations of its section with it', async () => {
  const place = await known();
  const section = `${APP}/script/include/a.qvs`;
  const sections = [
    asset(APP, section, 'scriptSection', 'a.qvs', APP),
    asset(APP, `${section}2`, 'scriptSection', 'b.qvs', APP),
    edge('uses', section, `${section}2`),
  ];
  const came = await world.crawl(place, 'prod');
  await came.stream.publish(scopeRecords(APP, 'app', sections, { outcome: 'updated' }));
  await came.stream.finish();
  expect((await held(place)).edges).toContain(`uses ${section}2`);
  const { stream } = await world.crawl(place, 'prod');
  await stream.publish(scopeRecords(APP, 'app', [], { outcome: 'updated', anew: ['scriptSection'] }));
  await stream.finish();
  const { assets, edges } = await held(place);
  expect(assets).not.toContain(section);
  expect(edges).not.toContain(`uses ${section}2`);
});

test('lineage of an app that the catalog has nothing of brings no half of an app, and says so', async () => {
  const place = await known();
  await createJob(world.sql, place.organisationId, { connection: 'prod', kind: 'lineage', createdBy: 'test' });
  const stream = await TestStream.begin(world.backend, place.session);
  const other = 'prod/b';
  await stream.publish([
    ...scopeRecords(other, 'app', [asset(other, other, 'app', 'B', 'prod')], {
      outcome: 'updated',
      anew: [...LINEAGE],
    }),
    ...scopeRecords(APP, 'app', [], { outcome: 'unchanged', reason: { code: 'lineage_not_kept', message: 'No.' } }),
  ]);
  await stream.finish();
  const [job] = await world.sql<{ id: string }[]>`select id from job where kind = 'lineage'
    and organisation_id = ${place.organisationId}`;
  expect(await world.state(place.organisationId, job?.id ?? '')).toMatchObject({ state: 'published' });
  const scopes = await world.scopes(place.organisationId, job?.id ?? '');
  expect(scopes.map(({ scope, outcome, reason }) => [scope, outcome, reason?.code])).toEqual([
    [other, 'unchanged', 'not_crawled'],
    [APP, 'unchanged', 'lineage_not_kept'],
  ]);
  const { assets, edges } = await held(place);
  expect(assets).not.toContain(other);
  expect(edges).toContain('derives file://old#Net');
});

test('the next job is told which job made lineage anew last, and only when that was published', async () => {
  const place = await known();
  const ask = async (kind: 'crawl' | 'lineage') => {
    const { job } = await createJob(world.sql, place.organisationId, { connection: 'prod', kind, createdBy: 'test' });
    const offer = await world.backend.claim(place.session);
    if (offer === undefined) throw new Error('no job to claim');
    const stream = new TestStream(world.backend, place.session, offer);
    await world.backend.accept(place.session, stream.lease);
    return { job, stream, options: (JSON.parse(offer.spec) as JobSpec).options };
  };
  const first = await ask('lineage');
  expect(first.options).toMatchObject({ lineageJob: null });
  await first.stream.finish();
  const failed = await ask('lineage');
  expect(failed.options).toMatchObject({ lineageJob: first.job.id });
  await failed.stream.finish({ result: 'error', error: new Fault('lineage.nothing_kept', 'Nothing is kept').toJSON() });
  const next = await ask('crawl');
  expect(next.options).toMatchObject({ lineageJob: first.job.id });
});

test('lineage that is not as it would be made today is asked for once, and again when something else changed', async () => {
  const place = await world.enter('prod');
  const says = async (changed: string | undefined, more: Partial<ConnectionState> = {}): Promise<readonly string[]> => {
    const lineage = changed === undefined ? {} : { lineage: { changed, apps: 3, why: 'The mapping file changed.' } };
    const connections = [connectionState('prod', { ...lineage, ...more })];
    await world.backend.status(place.session, { ...place.agent.status(), connections });
    const jobs = await world.sql<{ changed: string; by: string }[]>`
      select spec::jsonb #>> '{options,changed}' as changed, created_by as by from job
      where organisation_id = ${place.organisationId} and kind = 'lineage' order by created_at`;
    expect(new Set(jobs.map(({ by }) => by))).toEqual(new Set(jobs.length === 0 ? [] : ['Culvert']));
    return jobs.map((job) => job.changed);
  };
  expect(await says(undefined)).toEqual([]);
  // Of a connection that cannot be used nothing is asked, and the agent's word counts all the same.
  expect(await says('a', { state: 'disabled' })).toEqual([]);
  expect(await says('a')).toEqual(['a']);
  expect(await says('a')).toEqual(['a']);
  // It has not begun: when it does, it makes anew whatever changed by then.
  expect(await says('b')).toEqual(['a']);
  const stream = await TestStream.begin(world.backend, place.session);
  expect(await says('b')).toEqual(['a', 'b']);
  await stream.finish();
  expect(await says('a')).toEqual(['a', 'b']);
});

test('an agent that says something else after each job is asked no more than so often in an hour', async () => {
  const place = await world.enter('prod');
  const asked = async (changed: string): Promise<boolean> => {
    const connections = [connectionState('prod', { lineage: { changed, apps: 1, why: 'The mapping file changed.' } })];
    await world.backend.status(place.session, { ...place.agent.status(), connections });
    const [job] = await world.sql<{ state: string }[]>`select state from job
      where organisation_id = ${place.organisationId} and state = 'queued'`;
    return job !== undefined;
  };
  let jobs = 0;
  while (jobs < 40 && (await asked(String(jobs)))) {
    jobs += 1;
    const stream = await TestStream.begin(world.backend, place.session);
    await stream.finish();
  }
  expect(jobs).toBe(20);
  await world.sql`update job set created_at = created_at - interval '1 hour' where organisation_id = ${place.organisationId}`;
  expect(await asked('later')).toBe(true);
});
