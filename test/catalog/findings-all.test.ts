import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countFindings, listFindings } from '#catalog/store/findings.ts';
import { scopeRecords, type TestStream } from './agent.ts';
import { app, inApp, sited } from './judged.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const place = () => sited(world);

describe('what holds for all', () => {
  const broken = (name = 'Salse') => ({
    attributes: {},
    body: [inApp('a', 'c/m/0', 'chartMeasure', 'x', { missingFields: [name] })],
  });

  test('is new when the newest crawl saw it first, and not in the first crawl', async () => {
    const { crawl, organisationId } = await place();
    expect((await crawl({ a: broken() })).map(({ isNew }) => isNew)).toEqual([false, false, false]);
    const found = await crawl({ a: broken(), b: { attributes: {} } });
    expect(found.filter(({ isNew }) => isNew).map(({ key }) => key)).toEqual(['prod/b', 'prod/b']);
    const counts = await countFindings(world.sql, organisationId, {});
    expect(counts.map(({ code, count, new: fresh }) => [code, count, fresh])).toEqual([
      ['reload.never', 2, 1],
      ['field.missing', 1, 0],
      ['owner.none', 2, 1],
    ]);
    expect((await crawl({ a: broken(), b: { attributes: {} } })).filter(({ isNew }) => isNew)).toEqual([]);
  });

  test('holds after a crawl that found nothing changed, and goes with the app', async () => {
    const { crawl, session, told, organisationId } = await place();
    await crawl({ a: broken() });
    const before = await told();
    expect(before.length).toBe(3);
    const { stream } = await world.crawl({ organisationId, session }, 'prod');
    await stream.publish(
      scopeRecords('prod', 'site', [{ t: 'listed', scope: 'prod', key: 'prod/a', name: 'a' }], { outcome: 'updated' }),
    );
    await stream.publish(scopeRecords('prod/a', 'app', [], { outcome: 'unchanged' }));
    await stream.finish();
    expect(await told()).toEqual(before);
    await crawl({});
    expect(await told()).toEqual([]);
  });

  test('does not count what policy keeps with a mark', async () => {
    const { crawl, told, organisationId } = await place();
    await crawl({ a: broken() });
    await world.sql`update connection set status = status || '{"settings": [{"name": "deletion", "value": "flag"}]}'
      where organisation_id = ${organisationId}`;
    await crawl({ a: {} });
    expect(await told()).toEqual([]);
    await crawl({ a: broken() });
    expect((await told()).length).toBe(3);
    await crawl({});
    expect(await told()).toEqual([]);
    expect(
      (await world.sql`select from asset where organisation_id = ${organisationId} and gone_at is not null`).length,
    ).toBeGreaterThan(0);
  });

  test('goes with the publish that mended it, though the crawl ends badly', async () => {
    const { crawl, session, told, organisationId } = await place();
    await crawl({ a: broken() });
    const { stream } = await world.crawl({ organisationId, session }, 'prod');
    await stream.publish(app('a', {}));
    expect(await told()).toEqual(['reload.never prod/a']);
    await finishBadly(stream);
    expect(await told()).toEqual(['reload.never prod/a']);
  });

  test('an attempt that was lost judges nothing', async () => {
    const { crawl, session, told, organisationId } = await place();
    await crawl({ a: broken() });
    const before = await told();
    const { stream, job } = await world.crawl({ organisationId, session }, 'prod');
    await world.sql`update attempt set state = 'lost' where organisation_id = ${organisationId} and job_id = ${job.id}`;
    await stream.send(app('a', {})).catch(() => {});
    await stream.finish();
    expect(await told()).toEqual(before);
  });

  test('is shown to nobody else, and narrowed by code, severity and page', async () => {
    const { crawl, told, organisationId } = await place();
    const stranger = await place();
    await crawl({ a: broken() });
    expect(await stranger.told()).toEqual([]);
    expect(await stranger.told({ app: 'prod/a' })).toEqual([]);
    expect(await told({ code: 'field.missing' })).toEqual(['field.missing prod/a/c/m/0']);
    expect(await told({ severity: 'error' })).toEqual([]);
    expect(await told({ code: 'field.missing', severity: 'error' })).toEqual([]);
    expect(await told({ connection: 'other' })).toEqual([]);
    const seen: string[] = [];
    for (let after: readonly string[] | undefined; ; ) {
      const page = await listFindings(world.sql, organisationId, { after, limit: 1 });
      seen.push(...page.items.map(({ code, key }) => `${code} ${key}`));
      if (page.next === null) break;
      after = page.next;
    }
    expect(seen).toEqual(await told());
    expect(new Set(seen).size).toBe(3);
  });
});

const finishBadly = (stream: TestStream) =>
  stream.finish({
    result: 'error',
    error: { code: 'qlik.unreachable', message: 'away', retryable: false, advice: 'wait' },
  });
