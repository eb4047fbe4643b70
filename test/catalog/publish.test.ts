import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findAsset } from '#catalog/store/assets.ts';
import type { AssetRecord, StreamRecord } from '#protocol/records.ts';
import { appRecords, asset, batchOf, scopeRecords, siteRecords } from './agent.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** A crawl that published this site before. */
const crawled = async (apps: Record<string, string[]>) => {
  const place = await world.enter('prod');
  const { stream, job } = await world.crawl(place, 'prod');
  await stream.publish(siteRecords('prod', Object.keys(apps)));
  for (const [app, sheets] of Object.entries(apps)) await stream.publish(appRecords('prod', app, sheets));
  expect((await stream.finish()).result).toBe('closed');
  expect((await world.state(place.organisationId, job.id)).state).toBe('published');
  return place;
};

test('a crawl is published scope by scope, while it runs', async () => {
  const place = await world.enter('prod');
  const { stream, job } = await world.crawl(place, 'prod');
  await stream.publish(siteRecords('prod', ['a', 'b']));
  expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1 });
  await stream.publish(appRecords('prod', 'a', ['s1', 's2']));
  expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 1, sheet: 2 });
  expect((await world.state(place.organisationId, job.id)).state).toBe('running');
  await stream.publish(appRecords('prod', 'b', ['s1']));
  expect(await stream.finish()).toEqual({ result: 'closed', durableSeq: 3 });
  expect(await stream.finish()).toEqual({ result: 'closed', durableSeq: 3 });
  const done = await world.state(place.organisationId, job.id);
  expect(done).toMatchObject({ state: 'published', outcomes: { complete: 3 }, error: null, waiting: null });
  expect(await world.scopes(place.organisationId, job.id)).toMatchObject([
    { scope: 'prod', kind: 'site', added: 2, changed: 0, removed: 0, records: 4 },
    { scope: 'prod/a', kind: 'app', added: 3 },
    { scope: 'prod/b', kind: 'app', added: 2 },
  ]);
  const [left] =
    await world.sql`select count(*)::int as n from staged_batch where organisation_id = ${place.organisationId}`;
  expect(left?.['n']).toBe(0);
});

test('records of several scopes may interleave, within a batch and across batches', async () => {
  const place = await world.enter('prod');
  const { stream } = await world.crawl(place, 'prod');
  const [a, b] = [appRecords('prod', 'a', ['1', '2', '3']), appRecords('prod', 'b', ['1', '2', '3'])];
  const mixed = a.flatMap((record, i) => [record, b[i]].filter((r): r is StreamRecord => r !== undefined));
  await stream.send(siteRecords('prod', ['a', 'b']));
  for (let i = 0; i < mixed.length; i += 3) await stream.send(mixed.slice(i, i + 3));
  expect((await stream.finish()).result).toBe('closed');
  expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 2, sheet: 6 });
});

describe('what an outcome does to what was there', () => {
  test('complete: what did not come is gone; rows that are the same are not written', async () => {
    const place = await crawled({ a: ['s1', 's2'] });
    const before = await world.sql`select key, xmin::text, ctid::text from asset
      where organisation_id = ${place.organisationId} and key = 'prod/a/s1'`;
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a']));
    const changed = appRecords('prod', 'a', ['s1', 's3']).map((r) =>
      r.t === 'asset' && r.kind === 'app' ? { ...r, name: 'Renamed' } : r,
    );
    const body = changed.slice(1, -1) as Parameters<typeof scopeRecords>[2];
    await stream.publish(scopeRecords('prod/a', 'app', body));
    await stream.finish();
    expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 1, sheet: 2 });
    expect((await world.scopes(place.organisationId, job.id))[1]).toMatchObject({ added: 1, changed: 1, removed: 1 });
    expect(
      await world.sql`select key, xmin::text, ctid::text from asset
        where organisation_id = ${place.organisationId} and key = 'prod/a/s1'`,
    ).toEqual(before);
    const [history] = await world.sql`select difference from published_scope
      where organisation_id = ${place.organisationId} and job_id = ${job.id} and scope = 'prod/a'`;
    expect(history?.['difference']).toEqual({
      added: [{ key: 'prod/a/s3', kind: 'sheet', name: 'Sheet s3' }],
      changed: [{ key: 'prod/a', kind: 'app', name: 'Renamed' }],
      removed: [{ key: 'prod/a/s2', kind: 'sheet', name: 'Sheet s2' }],
    });
  });

  test.each(['partial', 'denied', 'failed'] as const)(
    '%s: what came is updated, nothing is deleted',
    async (outcome) => {
      const place = await crawled({ a: ['s1', 's2'] });
      const { stream, job } = await world.crawl(place, 'prod');
      await stream.publish(siteRecords('prod', ['a']));
      const missing = [{ what: 'sheets', code: 'qlik.access_denied', message: 'no access', advice: 'Give access.' }];
      await stream.publish(appRecords('prod', 'a', ['s9'], { outcome, missing }));
      await stream.finish();
      expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 1, sheet: 3 });
      expect((await world.scopes(place.organisationId, job.id))[1]).toMatchObject({ outcome, missing, removed: 0 });
    },
  );

  test('a sparse asset adds to what is known, takes away what it gives as null, and is replaced by a whole one', async () => {
    const place = await world.enter('prod');
    const measure = (attributes: AssetRecord['attributes'], sparse?: true): StreamRecord[] => {
      const one = asset('prod/a', 'prod/a/m1', 'masterMeasure', 'Revenue', 'prod/a', attributes);
      const fresh = asset('prod/a', 'prod/a/m2', 'masterMeasure', 'Margin', 'prod/a', { owner: null, tags: ['x'] });
      const app = asset('prod/a', 'prod/a', 'app', 'App a', 'prod');
      return scopeRecords(
        'prod/a',
        'app',
        [app, sparse ? { ...one, sparse } : one, ...(sparse ? [{ ...fresh, sparse }] : [])],
        {
          outcome: sparse ? 'partial' : 'complete',
        },
      );
    };
    const published = async (records: StreamRecord[]) => {
      const { stream, job } = await world.crawl(place, 'prod');
      await stream.publish(siteRecords('prod', ['a']));
      await stream.publish(records);
      await stream.finish();
      const { added, changed } = (await world.scopes(place.organisationId, job.id))[1] ?? {};
      return { added, changed, m1: (await findAsset(world.sql, place.organisationId, 'prod/a/m1'))?.attributes };
    };
    const whole = { expression: 'Sum(x)', owner: { id: '1' }, approved: true };
    await published(measure(whole));
    // Nothing new is said: nothing is written.
    expect(await published(measure({ owner: { id: '1' }, description: null }, true))).toEqual({
      added: 1,
      changed: 0,
      m1: whole,
    });
    expect((await findAsset(world.sql, place.organisationId, 'prod/a/m2'))?.attributes).toEqual({ tags: ['x'] });
    expect(await published(measure({ owner: { id: '2' }, approved: null }, true))).toMatchObject({
      changed: 1,
      m1: { expression: 'Sum(x)', owner: { id: '2' } },
    });
    expect(await published(measure({ owner: { id: '2' }, approved: null }, true))).toMatchObject({ changed: 0 });
    expect((await published(measure({ expression: 'Sum(y)' }))).m1).toEqual({ expression: 'Sum(y)' });
  });

  test('unchanged: everything stays', async () => {
    const place = await crawled({ a: ['s1', 's2'] });
    const { stream } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a']));
    await stream.publish(scopeRecords('prod/a', 'app', [], { outcome: 'unchanged' }));
    await stream.finish();
    expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 1, sheet: 2 });
  });

  test('gone: the scope is deleted', async () => {
    const place = await crawled({ a: ['s1', 's2'], b: ['s1'] });
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.publish(scopeRecords('prod/a', 'app', [], { outcome: 'gone' }));
    expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 1, sheet: 1 });
    await stream.finish();
    expect((await world.scopes(place.organisationId, job.id))[0]).toMatchObject({ outcome: 'gone', removed: 3 });
  });
});

describe('apps that the site does not list any more', () => {
  test('are removed when the job ends, not before', async () => {
    const place = await crawled({ a: ['s1'], b: ['s1'], c: ['s1'] });
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a', 'b']));
    await stream.publish(appRecords('prod', 'a', ['s1']));
    expect((await world.counts(place.organisationId)).app).toBe(3);
    await stream.finish();
    expect((await world.counts(place.organisationId)).app).toBe(2);
    expect((await world.state(place.organisationId, job.id)).outcomes).toEqual({ complete: 2, gone: 1 });
  });

  test.each([
    ['the list is partial', { outcome: 'partial' } as const, 'ok' as const],
    ['the job fails', {}, 'error' as const],
    ['the job is cancelled', {}, 'cancelled' as const],
  ])('stay when %s', async (_, outcome, result) => {
    const place = await crawled({ a: ['s1'], b: ['s1'] });
    const { stream } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a'], outcome));
    await stream.finish({ result });
    expect((await world.counts(place.organisationId)).app).toBe(2);
  });
});

describe('a stream that does not agree with itself', () => {
  test.each([
    ['another checksum', { sha256: '0'.repeat(64) }, /checksum/],
    ['another count', { records: 99 }, /instead of 99/],
  ])('%s: nothing of the scope is published, the others are, the job says so', async (_, wrong, message) => {
    const place = await crawled({ a: ['s1', 's2'] });
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a', 'b']));
    await stream.publish(appRecords('prod', 'a', ['s9'], wrong));
    await stream.publish(appRecords('prod', 'b', ['s1']));
    expect((await stream.finish()).result).toBe('closed');
    expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 2, sheet: 3 });
    const done = await world.state(place.organisationId, job.id);
    expect(done).toMatchObject({ state: 'failed', outcomes: { complete: 2, failed: 1 } });
    const said = expect.stringMatching(message);
    // It has ended: nothing is tried again by itself.
    expect(done.error).toMatchObject({ code: 'bridge.protocol', retryable: false, message: said });
  });

  test.each([
    ['an unknown kind', { t: 'asset', scope: 'prod/a', key: 'prod/a/x', kind: 'nonsense', name: 'x' }],
    ['a key of another scope', { t: 'asset', scope: 'prod/a', key: 'prod/b/x', kind: 'sheet', name: 'x' }],
    [
      'a parent in another site',
      { t: 'asset', scope: 'prod/a', key: 'prod/a/x', kind: 'sheet', name: 'x', parent: 'dev' },
    ],
    ['U+0000', { t: 'asset', scope: 'prod/a', key: 'prod/a/x', kind: 'sheet', name: 'a\0b' }],
    ['half a surrogate pair', { t: 'asset', scope: 'prod/a', key: 'prod/a/x', kind: 'sheet', name: 'a\ud800b' }],
    [
      'a key too long to index',
      { t: 'asset', scope: 'prod/a', key: `prod/a/${'x'.repeat(1100)}`, kind: 'sheet', name: 'x' },
    ],
  ])('a record with %s spoils its scope only', async (_, record) => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a', 'b']));
    await stream.publish(scopeRecords('prod/a', 'app', [record as ReturnType<typeof asset>]));
    await stream.publish(appRecords('prod', 'b', ['s1']));
    await stream.finish();
    expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1, app: 1, sheet: 1 });
    expect((await world.state(place.organisationId, job.id)).state).toBe('failed');
  });

  test.each([
    ['a line that is not JSON', ['{"t":']],
    ['a record of a scope that is not open', [asset('prod/zz', 'prod/zz/x', 'sheet', 'x')]],
    ["another connection's scope", [{ t: 'scope', scope: 'other/a', kind: 'app', name: 'x' } as const]],
    ['a site scope below the site', [{ t: 'scope', scope: 'prod/a', kind: 'site', name: 'x' } as const]],
  ])('%s ends the job, and what was published stays', async (_, records) => {
    const place = await world.enter('prod', 'other');
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a', 'b']));
    await stream.publish(records);
    await stream.publish(appRecords('prod', 'b', ['s1']));
    const renewed = await world.backend.renew(stream.session, [stream.lease]);
    expect(renewed.cancelled).toEqual([{ jobId: job.id, attempt: 1 }]);
    await stream.finish({ result: 'cancelled' });
    expect(await world.counts(place.organisationId)).toEqual({ site: 1, stream: 1 });
    expect(await world.state(place.organisationId, job.id)).toMatchObject({
      state: 'failed',
      error: { code: 'bridge.protocol' },
    });
  });

  test('a batch that is not what its header says', async () => {
    const place = await world.enter('prod');
    const { stream, job } = await world.crawl(place, 'prod');
    const batch = { ...batchOf(1, siteRecords('prod', ['a'])), rawBytes: 20 };
    const stored = await world.backend.storeBatch(place.session, stream.lease, batch);
    await stored.consumed;
    stream.batches.push(batch);
    await stream.finish();
    expect(await world.state(place.organisationId, job.id)).toMatchObject({
      state: 'failed',
      error: { code: 'bridge.protocol', message: 'Batch 1 cannot be unpacked.' },
    });
  });

  test.each([
    ['another number of records', { records: 1 }],
    ['another checksum', { sha256: '0'.repeat(64) }],
  ])('a finish with %s fails the job and removes no app', async (_, wrong) => {
    const place = await crawled({ a: ['s1'], b: ['s1'] });
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a']));
    expect((await stream.finish(wrong)).result).toBe('closed');
    expect((await world.counts(place.organisationId)).app).toBe(2);
    expect(await world.state(place.organisationId, job.id)).toMatchObject({ state: 'failed' });
  });

  test('a crawl that ends within a scope', async () => {
    const place = await crawled({ a: ['s1'], b: ['s1'] });
    const { stream, job } = await world.crawl(place, 'prod');
    await stream.publish([...siteRecords('prod', ['a']), ...appRecords('prod', 'a', ['s2']).slice(0, -1)]);
    await stream.finish();
    expect(await world.counts(place.organisationId)).toMatchObject({ app: 2, sheet: 2 });
    expect((await world.state(place.organisationId, job.id)).error?.message).toMatch(/within 1 scopes, prod\/a/);
  });
});

test('a scope that begins again forgets what came before', async () => {
  const place = await world.enter('prod');
  const { stream } = await world.crawl(place, 'prod');
  await stream.send([...siteRecords('prod', ['a']), ...appRecords('prod', 'a', ['old1', 'old2']).slice(0, -1)]);
  await stream.send(appRecords('prod', 'a', ['new']));
  await stream.finish();
  expect((await world.counts(place.organisationId)).sheet).toBe(1);
  expect(await findAsset(world.sql, place.organisationId, 'prod/a/new')).toBeDefined();
});

test('a scope that this attempt published already changes nothing when it comes again', async () => {
  const place = await world.enter('prod');
  const { stream, job } = await world.crawl(place, 'prod');
  await stream.publish(siteRecords('prod', ['a']));
  await stream.publish(appRecords('prod', 'a', ['s1']));
  await stream.publish(appRecords('prod', 'a', ['s2', 's3']));
  await stream.finish();
  expect((await world.counts(place.organisationId)).sheet).toBe(1);
  expect((await world.scopes(place.organisationId, job.id)).map((s) => s.scope)).toEqual(['prod', 'prod/a']);
});

test('a key that comes twice in a scope counts once; the later one wins', async () => {
  const place = await world.enter('prod');
  const { stream } = await world.crawl(place, 'prod');
  const key = 'prod/a';
  await stream.publish(
    scopeRecords(key, 'app', [
      asset(key, key, 'app', 'App', 'prod'),
      asset(key, `${key}/s`, 'sheet', 'first', key),
      asset(key, `${key}/s`, 'sheet', 'second', key),
    ]),
  );
  await stream.finish();
  expect((await findAsset(world.sql, place.organisationId, 'prod/a/s'))?.name).toBe('second');
  expect((await world.counts(place.organisationId)).sheet).toBe(1);
});
