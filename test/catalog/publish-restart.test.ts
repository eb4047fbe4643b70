import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appRecords, batchOf, siteRecords, TestStream } from './agent.ts';
import { eventually } from './database.ts';
import { World } from './world.ts';

type Records = ReturnType<typeof appRecords>;

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

describe('after a restart', () => {
  test('batches that were durable but not published are published, each scope once', async () => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    const a = appRecords('prod', 'a', ['1', '2', '3', '4']);
    await stream.publish([...siteRecords('prod', ['a', 'b']), ...a.slice(0, 2)]);
    await world.restart();
    const open = TestStream.resume(world.backend, place.session, stream);
    await open.send([...a.slice(2, 4), ...appRecords('prod', 'b', ['1'])]);
    await world.restart();
    const again = TestStream.resume(world.backend, place.session, open);
    await again.publish(a.slice(4));
    expect((await again.finish()).result).toBe('closed');
    expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 2, sheet: 5 });
    expect(await world.state(place.organisationId, job.id)).toMatchObject({
      state: 'published',
      outcomes: { complete: 3 },
    });
  });

  test('a scope that began again while another is open is read from its first beginning', async () => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    const [a, b] = [appRecords('prod', 'a', ['1', '2']), appRecords('prod', 'b', ['1', '2'])];
    await stream.publish([...siteRecords('prod', ['a', 'b']), ...a.slice(0, 1)]);
    await stream.publish([...b.slice(0, 2)]);
    // Between the two lies what a next process reads: a record of a, whose first beginning must still be there.
    await stream.publish([...a.slice(1, 2), ...b.slice(2, 3)]);
    // The agent crashed here, and begins with a.
    await stream.publish([...a.slice(0, 2)]);
    await world.restart();
    const resumed = TestStream.resume(world.backend, place.session, stream);
    await resumed.publish([...a.slice(2), ...b]);
    expect((await resumed.finish()).result).toBe('closed');
    expect(await world.state(place.organisationId, job.id)).toMatchObject({ state: 'published', error: null });
    expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 2, sheet: 4 });
  });

  test('the end of a scope that was published before is passed over, since its beginning is not read again', async () => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    const [a, b] = [appRecords('prod', 'a', ['1', '2']), appRecords('prod', 'b', ['1', '2'])];
    await stream.publish([...siteRecords('prod', ['a', 'b']), ...a.slice(0, 2)]);
    // Published a; b is open from here on, so that this batch is where the next process begins.
    await stream.publish([...b.slice(0, 2), ...a.slice(2)]);
    await world.restart();
    const resumed = TestStream.resume(world.backend, place.session, stream);
    await resumed.publish(b.slice(2));
    expect((await resumed.finish()).result).toBe('closed');
    expect(await world.state(place.organisationId, job.id)).toMatchObject({ state: 'published', error: null });
    expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 2, sheet: 4 });
  });

  test('staged scopes are published even when their agent never comes back', async () => {
    const place = await world.enter('prod');
    const { stream } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a']));
    await world.backend.close();
    // Durable, but this process publishes nothing any more.
    await stream.send(appRecords('prod', 'a', ['1', '2']));
    expect((await world.counts(place.organisationId)).app).toBeUndefined();
    await world.restart();
    await eventually(async () => (await world.counts(place.organisationId)).sheet === 2);
  });

  test('two processes that hold the same scopes open publish each once', async () => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    const [a, b] = [appRecords('prod', 'a', ['1']), appRecords('prod', 'b', ['1'])];
    await stream.publish([...siteRecords('prod', ['a', 'b']), ...a.slice(0, 2), ...b.slice(0, 2)]);
    const other = world.another();
    await other.start();
    await eventually(async () => {
      const [row] = await world.sql`select count(distinct publisher)::int as n from staged_record
        where job_id = ${job.id} and scope = 'prod/b'`;
      return row?.['n'] === 2;
    });
    await stream.publish(a.slice(2));
    const batch = batchOf(3, b.slice(2));
    stream.batches.push(batch);
    await (await other.storeBatch(place.session, stream.lease, batch)).consumed;
    expect((await stream.finish()).result).toBe('closed');
    await other.close();
    expect(await world.state(place.organisationId, job.id)).toMatchObject({
      state: 'published',
      outcomes: { complete: 3 },
      error: null,
    });
    expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 2, sheet: 2 });
  });

  test('two processes that both read one attempt publish each scope once', async () => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    const a = appRecords('prod', 'a', ['1', '2', '3']);
    await stream.publish([...siteRecords('prod', ['a']), ...a.slice(0, 3)]);
    const other = world.another();
    await other.start();
    const batch = batchOf(2, a.slice(3));
    stream.batches.push(batch);
    await (await other.storeBatch(place.session, stream.lease, batch)).consumed;
    expect((await stream.finish()).result).toBe('closed');
    await other.close();
    expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 1, sheet: 3 });
    expect((await world.scopes(place.organisationId, job.id)).map((s) => s.outcome)).toEqual(['complete', 'complete']);
    expect((await world.state(place.organisationId, job.id)).state).toBe('published');
  });
});

test('apps that interleave in batches which pile up are published whole, and the one that is left open is staged', async () => {
  const place = await world.enter('prod');
  const { stream, job } = await world.crawl(place, 'prod');
  const sheets = Array.from({ length: 30 }, (_, n) => `s${n}`);
  const [a, b, c] = ['a', 'b', 'c'].map((app) => appRecords('prod', app, sheets)) as [Records, Records, Records];
  await stream.publish(siteRecords('prod', ['a', 'b', 'c']));
  // Nothing is published while the job is held.
  const consumed = await world.sql.begin(async (tx) => {
    await tx`select from job where id = ${job.id} for update`;
    const sent: Promise<void>[] = [];
    for (let n = 0; n < a.length; n++)
      sent.push(
        (await stream.send([a, b, c].map((records) => records[n] as Records[number]).slice(n > 30 ? 1 : 0))).consumed,
      );
    return sent;
  });
  await Promise.all(consumed);
  const staged = await world.sql<{ scope: string; n: number }[]>`select scope, count(*)::int as n from staged_record
    where job_id = ${job.id} group by scope order by scope`;
  expect(staged).toEqual([{ scope: 'prod/a', n: 30 }]);
  expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 2, sheet: 60 });
  await world.restart();
  const resumed = TestStream.resume(world.backend, place.session, stream);
  await resumed.publish(a.slice(31));
  expect((await resumed.finish()).result).toBe('closed');
  expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 3, sheet: 90 });
});

test('rows that a crash of the database emptied out of the unlogged table are read again before their scope is published', async () => {
  const place = await world.enter('prod');
  const first = (await world.crawl(place, 'prod')).stream;
  await first.publish(siteRecords('prod', ['a']));
  await first.publish(appRecords('prod', 'a', ['s1', 's2', 's3']));
  expect((await first.finish()).result).toBe('closed');
  const { stream, job } = await world.crawl(place, 'prod');
  await stream.publish(siteRecords('prod', ['a']));
  const records = appRecords('prod', 'a', ['s1', 's2', 's3']);
  await stream.publish(records.slice(0, 3));
  // What PostgreSQL does with an unlogged table when it recovers. The publisher waits meanwhile, and sees no error.
  await world.sql`truncate staged_record`;
  await stream.publish(records.slice(3));
  expect(await stream.finish()).toMatchObject({ result: 'closed' });
  expect((await world.state(place.organisationId, job.id)).state).toBe('published');
  expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 1, sheet: 3 });
});
