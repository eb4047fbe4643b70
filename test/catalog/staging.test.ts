import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stageBatch } from '#catalog/jobs/staging.ts';
import { appRecords, batchOf, siteRecords, type TestStream } from './agent.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const begin = async () => {
  const place = await world.enter('prod');
  const { stream, job } = await world.crawl(place, 'prod');
  return { place, stream, job };
};
const stage = ({ session, lease }: TestStream, seq: number, text = `app-${seq}`) =>
  stageBatch(world.sql, session, lease, batchOf(seq, appRecords('prod', text, [])));
const staged = async (organisationId: string): Promise<{ seq: number; crc32: number }[]> =>
  world.sql`select seq::int as seq, crc32::float8 as crc32 from staged_batch
    where organisation_id = ${organisationId} order by seq`;

/** No other lock may stand before this one: epoch and token are right in each of these. */
describe('the store takes the batch that follows, and no other', () => {
  test('a duplicate is told so, changes nothing, and is told the durable seq', async () => {
    const { place, stream } = await begin();
    expect(await stage(stream, 1)).toEqual({ result: 'stored', durableSeq: 1 });
    expect(await stage(stream, 2)).toEqual({ result: 'stored', durableSeq: 2 });
    const before = await staged(place.organisationId);
    // Also one with other bytes under the same number, as an agent would send that numbered anew.
    expect(await stage(stream, 1, 'another')).toEqual({ result: 'duplicate', durableSeq: 2 });
    expect(await stage(stream, 2)).toEqual({ result: 'duplicate', durableSeq: 2 });
    expect(await staged(place.organisationId)).toEqual(before);
  });

  test('a gap is told so, changes nothing, and is told the durable seq', async () => {
    const { place, stream } = await begin();
    expect(await stage(stream, 2)).toEqual({ result: 'gap', durableSeq: 0 });
    expect(await stage(stream, 1)).toEqual({ result: 'stored', durableSeq: 1 });
    expect(await stage(stream, 3)).toEqual({ result: 'gap', durableSeq: 1 });
    expect(await stage(stream, Number.MAX_SAFE_INTEGER)).toEqual({ result: 'gap', durableSeq: 1 });
    expect((await staged(place.organisationId)).map(({ seq }) => seq)).toEqual([1]);
  });

  test('of two that come at once with one number, one is stored', async () => {
    const { place, stream } = await begin();
    const results = await Promise.all([stage(stream, 1, 'x'), stage(stream, 1, 'y'), stage(stream, 1, 'z')]);
    expect(results.map(({ result }) => result).sort()).toEqual(['duplicate', 'duplicate', 'stored']);
    expect(await staged(place.organisationId)).toHaveLength(1);
  });

  test('in any order, each is stored once and the sequence has no hole', async () => {
    const { place, stream } = await begin();
    for (const seq of [3, 1, 1, 4, 2, 2, 5, 3, 1, 4, 6, 5]) await stage(stream, seq);
    expect((await staged(place.organisationId)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  });

  test('another token, attempt or epoch is lost, whatever the number', async () => {
    const { stream } = await begin();
    await stage(stream, 1);
    const batch = batchOf(2, siteRecords('prod', []));
    for (const lease of [
      { ...stream.lease, leaseToken: 'canary-other' },
      { ...stream.lease, attempt: 2 },
    ])
      expect(await stageBatch(world.sql, stream.session, lease, batch)).toEqual({ result: 'lost', durableSeq: 0 });
    const older = { ...stream.session, epoch: stream.session.epoch - 1 };
    expect(await stageBatch(world.sql, older, stream.lease, batch)).toEqual({ result: 'lost', durableSeq: 0 });
  });
});
