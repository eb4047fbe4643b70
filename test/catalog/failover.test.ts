import { afterAll, beforeAll, expect, test } from 'vitest';
import { appRecords, batchOf, check, siteRecords, type TestStream } from './agent.ts';
import { eventually } from './database.ts';
import { World } from './world.ts';

/**
 * The database fails over to a server that lacks the last commits, while the process that reads the batches lives on and
 * waits: it sees no error, and knows of more than the database has.
 */
let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

type Place = Awaited<ReturnType<World['enter']>>;

/** The attempt as it was when batches up to `durableSeq` had come and nothing of it was published. */
const goBack = async ({ organisationId }: Place, { lease, batches }: TestStream, durableSeq: number): Promise<void> => {
  const { sql } = world;
  const own = sql`organisation_id = ${organisationId} and job_id = ${lease.jobId} and attempt = ${lease.attempt}`;
  await sql`update attempt set durable_seq = ${durableSeq}, published_seq = 0, checks_from = null where ${own}`;
  await sql`delete from published_scope where ${own}`;
  await sql`delete from job_check where ${own}`;
  await sql`delete from staged_record where ${own}`;
  await sql`delete from staged_batch where ${own} and seq > ${durableSeq}`;
  for (const { seq, payload } of batches)
    await sql`update staged_batch set payload = ${Buffer.from(payload)} where ${own} and seq = ${seq}`;
  await sql`delete from edge where organisation_id = ${organisationId}`;
  await sql`delete from asset where organisation_id = ${organisationId}`;
};

const sendAgain = async (place: Place, { lease, batches }: TestStream, from: number): Promise<void> => {
  for (const batch of batches.slice(from - 1)) {
    const stored = await world.backend.storeBatch(place.session, lease, batch);
    expect(stored.result).toBe('stored');
    await stored.consumed;
  }
};

const apps = (stream: TestStream): Promise<void> => stream.publish(appRecords('prod', 'a', ['1', '2']));
const WHOLE = { site: 1, stream: 1, app: 1, sheet: 2 };

test('batches that the database lost are read when they come again, and their scopes published', async () => {
  const place = await world.enter('prod');
  const { stream, job } = await world.crawl(place, 'prod');
  await stream.publish(siteRecords('prod', ['a']));
  await apps(stream);
  await goBack(place, stream, 1);
  await sendAgain(place, stream, 2);
  expect(await stream.finish()).toMatchObject({ result: 'closed' });
  expect(await world.state(place.organisationId, job.id)).toMatchObject({ state: 'published', error: null });
  expect(await world.counts(place.organisationId)).toEqual(WHOLE);
});

test('a scope whose batches are left, but not what was published of them, is published again by the next batch', async () => {
  const place = await world.enter('prod');
  const { stream } = await world.crawl(place, 'prod');
  await stream.publish(siteRecords('prod', ['a']));
  await goBack(place, stream, 1);
  await apps(stream);
  expect(await world.counts(place.organisationId)).toEqual(WHOLE);
});

test('it is published again before the attempt ends', async () => {
  const place = await world.enter('prod');
  const { stream, job } = await world.crawl(place, 'prod');
  await stream.publish(siteRecords('prod', ['a']));
  await apps(stream);
  await goBack(place, stream, 2);
  expect(await stream.finish()).toMatchObject({ result: 'closed' });
  expect(await world.counts(place.organisationId)).toEqual(WHOLE);
  expect((await world.scopes(place.organisationId, job.id)).map(({ scope }) => scope)).toEqual(['prod', 'prod/a']);
});

test('a finish that names batches which the database lost asks for them, and the attempt goes on', async () => {
  const place = await world.enter('prod');
  const { stream } = await world.crawl(place, 'prod');
  await stream.publish(siteRecords('prod', ['a']));
  await apps(stream);
  await goBack(place, stream, 0);
  expect(await stream.finish()).toEqual({ result: 'gap', durableSeq: 0 });
  await sendAgain(place, stream, 1);
  expect(await stream.finish()).toMatchObject({ result: 'closed' });
  expect(await world.counts(place.organisationId)).toEqual(WHOLE);
});

test('who waits for a batch that the database lost is not kept waiting', async () => {
  const place = await world.enter('prod');
  const { stream } = await world.crawl(place, 'prod');
  const whole = siteRecords('prod', ['a']);
  await stream.publish(whole.slice(0, 2));
  // The publisher hears of batch 2 when that is gone already.
  const batch = batchOf(2, whole.slice(2));
  stream.batches.push(batch);
  const stored = await world.backend.storeBatch(place.session, stream.lease, batch);
  await goBack(place, stream, 1);
  await stored.consumed;
  await goBack(place, stream, 1);
  await sendAgain(place, stream, 2);
  expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1 });
});

test('the list of a test that the database lost is opened again', async () => {
  const place = await world.enter('prod');
  const { stream, job } = await world.diagnosis(place, 'prod');
  await stream.publish([{ t: 'test' }]);
  await stream.publish([check('file')]);
  await goBack(place, stream, 0);
  await sendAgain(place, stream, 1);
  await stream.publish([check('dns')]);
  await goBack(place, stream, 3);
  await stream.publish([check('tcp')]);
  expect(await stream.finish()).toMatchObject({ result: 'closed' });
  expect(await world.checks(place.organisationId, job.id)).toEqual(['file', 'dns', 'tcp']);
  expect(await world.state(place.organisationId, job.id)).toMatchObject({ state: 'published', error: null });
});

test('an attempt that had ended and is active again in the database is read again', async () => {
  const place = await world.enter('prod');
  const { stream, job } = await world.crawl(place, 'prod');
  await stream.publish(siteRecords('prod', ['a']));
  const app = batchOf(2, appRecords('prod', 'a', ['1', '2']));
  stream.batches.push(app);
  // The publisher waits for the job, and finds that its attempt ended meanwhile.
  const stored = await world.sql.begin(async (tx) => {
    await tx`select from job where id = ${job.id} for update`;
    const answer = await world.backend.storeBatch(place.session, stream.lease, app);
    await eventually(async () => {
      const [waiting] = await world.sql`select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      return waiting !== undefined;
    });
    await tx`update attempt set state = 'lost' where job_id = ${job.id}`;
    return answer;
  });
  await stored.consumed;
  expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1 });
  await world.sql`update attempt set state = 'active' where job_id = ${job.id}`;
  await goBack(place, stream, 1);
  await sendAgain(place, stream, 2);
  expect(await world.counts(place.organisationId)).toEqual(WHOLE);
});
