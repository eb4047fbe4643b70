import { afterAll, beforeAll, expect, test } from 'vitest';
import { deleteConnection } from '#catalog/store/connections.ts';
import type { AssetRecord, EdgeRecord, GoneRecord, ListedRecord, OutcomeRecord } from '#protocol/records.ts';
import { appRecords, asset, scopeRecords, siteRecords, TestStream } from './agent.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

type Place = Awaited<ReturnType<World['enter']>>;

/** A crawl that published this site before, and left a checkpoint. */
const crawled = async (apps: readonly string[], deletion?: string): Promise<Place> => {
  const place = await world.enter('prod');
  if (deletion !== undefined)
    await world.sql`update connection set status = status || ${JSON.stringify({
      settings: [{ name: 'deletion', value: deletion }],
    })}::text::jsonb where organisation_id = ${place.organisationId}`;
  const { stream } = await world.crawl(place, 'prod');
  await stream.publish(siteRecords('prod', apps, { checkpoint: 'first' }));
  for (const app of apps) await stream.publish(appRecords('prod', app, ['s1', 's2']));
  await stream.finish();
  return place;
};

/** A site scope of which only differences came. */
const changes = (
  apps: readonly string[],
  body: readonly (AssetRecord | EdgeRecord | GoneRecord)[],
  outcome: Partial<OutcomeRecord> = {},
) =>
  scopeRecords(
    'prod',
    'site',
    [...body, ...apps.map((app): ListedRecord => ({ t: 'listed', scope: 'prod', key: `prod/${app}`, name: app }))],
    { outcome: 'updated', ...outcome },
  );

const gone = (key: string): GoneRecord => ({ t: 'gone', scope: 'prod', key });
const keys = async ({ organisationId }: Place, where = '%'): Promise<string[]> =>
  (
    await world.sql<{ key: string }[]>`select key || case when gone_at is null then '' else ' (gone)' end as key
      from asset where organisation_id = ${organisationId} and key like ${where} order by key`
  ).map(({ key }) => key);
const scope = async ({ organisationId }: Place, key: string) =>
  (
    await world.sql`select outcome, missing, reason, gone_at is not null as gone, looked_at > published_at as looked
    from scope where organisation_id = ${organisationId} and key = ${key}`
  )[0];
const optionsOf = async ({ session, organisationId }: Place): Promise<unknown> => {
  await world.job(organisationId, 'prod');
  const offer = await world.backend.claim(session);
  if (!offer) throw new Error('no offer');
  await world.backend.accept(session, offer);
  await new TestStream(world.backend, session, offer).finish();
  return (JSON.parse(offer.spec) as { options: { checkpoint?: unknown } }).options.checkpoint;
};

test('updated: what came replaces, what is named goes, the rest stays, and edges follow their asset', async () => {
  const place = await crawled(['a']);
  const owns = (user: string): EdgeRecord => ({
    t: 'edge',
    scope: 'prod',
    kind: 'owns',
    from: `prod/user/${user}`,
    to: 'prod/tag/t',
  });
  const produces = (app: string): EdgeRecord => ({
    t: 'edge',
    scope: 'prod',
    kind: 'produces',
    from: `prod/${app}`,
    to: 'prod/tag/t',
  });
  const { stream: first } = await world.crawl(place, 'prod');
  await first.publish(changes(['a'], [asset('prod', 'prod/tag/t', 'tag', 'Old', 'prod'), owns('one'), produces('a')]));
  await first.finish();
  const { stream, job } = await world.crawl(place, 'prod');
  await stream.publish(
    changes(['a'], [asset('prod', 'prod/tag/t', 'tag', 'New', 'prod'), owns('two'), gone('prod/stream/s')]),
  );
  await stream.finish();
  expect(await keys(place)).toEqual(['prod', 'prod/a', 'prod/a/s1', 'prod/a/s2', 'prod/tag/t']);
  const edges = await world.sql`select from_key as "from" from edge where organisation_id = ${place.organisationId}`;
  expect(edges.map((edge) => edge['from'])).toEqual(['prod/user/two']);
  expect((await world.scopes(place.organisationId, job.id))[0]).toMatchObject({
    outcome: 'updated',
    added: 0,
    changed: 1,
    removed: 1,
  });
});

test('what is named goes with all that lies below it, and with their edges', async () => {
  const place = await crawled(['a']);
  const uses = (from: string, to: string): EdgeRecord => ({ t: 'edge', scope: 'prod/a', kind: 'uses', from, to });
  const publish = async (body: Parameters<typeof scopeRecords>[2], outcome: OutcomeRecord['outcome']) => {
    const { stream } = await world.crawl(place, 'prod');
    await stream.publish(changes(['a'], []));
    await stream.publish(scopeRecords('prod/a', 'app', body, { outcome }));
    await stream.finish();
  };
  const [app, sheet, chart, other] = [
    asset('prod/a', 'prod/a', 'app', 'App a', 'prod'),
    asset('prod/a', 'prod/a/s1', 'sheet', 'Sheet', 'prod/a'),
    asset('prod/a', 'prod/a/s1/c', 'chart', 'Chart', 'prod/a/s1'),
    asset('prod/a', 'prod/a/m', 'masterMeasure', 'Measure', 'prod/a'),
  ];
  const edges = [uses('prod/a/s1/c', 'prod/a/m'), uses('prod/a/m', 'prod/a/s1/c'), uses('prod/a/m', 'prod/a')];
  await publish([app, sheet, chart, other, ...edges], 'complete');
  await publish([{ ...gone('prod/a/s1'), scope: 'prod/a' }], 'updated');
  expect(await keys(place, 'prod/a%')).toEqual(['prod/a', 'prod/a/m']);
  const left = await world.sql`select from_key as "from", to_key as "to" from edge
    where organisation_id = ${place.organisationId}`;
  expect([...left]).toEqual([{ from: 'prod/a/m', to: 'prod/a' }]);
});

test('an app that a difference does not list is gone; one that it lists as unchanged keeps its outcome and what it lacks', async () => {
  const place = await crawled(['a', 'b']);
  const missing = [{ what: 'load script', code: 'qlik.forbidden', message: 'no', advice: 'Allow it.' }];
  const { stream: before } = await world.crawl(place, 'prod');
  await before.publish(changes(['a', 'b'], []));
  await before.publish(appRecords('prod', 'a', ['s1'], { outcome: 'partial', missing }));
  await before.finish();
  const { stream } = await world.crawl(place, 'prod');
  await stream.publish(changes(['a'], []));
  const reason = { code: 'unchanged', message: 'Nothing of it changed.' };
  await stream.publish(scopeRecords('prod/a', 'app', [], { outcome: 'unchanged', reason }));
  await stream.finish();
  expect(await keys(place, 'prod/b%')).toEqual([]);
  expect(await keys(place, 'prod/a%')).toEqual(['prod/a', 'prod/a/s1', 'prod/a/s2']);
  expect(await scope(place, 'prod/a')).toMatchObject({ outcome: 'partial', missing, reason, looked: true });
});

test('gone apps and assets are marked, once, when the policy says so, and lose the mark when they come back', async () => {
  const place = await crawled(['a', 'b'], 'flag');
  const { stream, job } = await world.crawl(place, 'prod');
  await stream.publish(changes(['a'], [gone('prod/stream/s')]));
  await stream.publish(appRecords('prod', 'a', ['s1']));
  await stream.finish();
  expect(await keys(place)).toEqual([
    ...['prod', 'prod/a', 'prod/a/s1', 'prod/a/s2 (gone)', 'prod/b (gone)', 'prod/b/s1 (gone)', 'prod/b/s2 (gone)'],
    'prod/stream/s (gone)',
  ]);
  expect(await scope(place, 'prod/b')).toMatchObject({ outcome: 'gone', gone: true });
  expect((await world.scopes(place.organisationId, job.id)).at(-1)).toMatchObject({ outcome: 'gone', removed: 3 });
  const { stream: next, job: later } = await world.crawl(place, 'prod');
  await next.publish(siteRecords('prod', ['a', 'b']));
  await next.publish(appRecords('prod', 'b', ['s1', 's2']));
  await next.finish();
  expect((await keys(place)).filter((key) => key.endsWith('(gone)'))).toEqual(['prod/a/s2 (gone)']);
  expect((await world.scopes(place.organisationId, later.id)).map(({ outcome }) => outcome)).not.toContain('gone');
});

test('gone apps and assets stay as they are when the policy says so', async () => {
  const place = await crawled(['a', 'b'], 'keep');
  const before = await keys(place);
  const { stream } = await world.crawl(place, 'prod');
  await stream.publish(changes(['a'], [gone('prod/stream/s')]));
  await stream.finish();
  expect(await keys(place)).toEqual(before);
});

test('a checkpoint comes back with the next crawl, until assets are removed by hand', async () => {
  const place = await crawled(['a']);
  expect(await optionsOf(place)).toBe('first');
  await deleteConnection(world.sql, place.organisationId, 'prod');
  expect(await optionsOf(place)).toBeNull();
});

test('the checkpoint of a job of which a scope was refused is not kept', async () => {
  const place = await crawled(['a']);
  const { stream } = await world.crawl(place, 'prod');
  await stream.publish(changes(['a'], [], { checkpoint: 'second' }));
  await stream.publish(scopeRecords('prod/a', 'app', [], { sha256: '0'.repeat(64) }));
  await stream.finish();
  expect(await optionsOf(place)).toBe('first');
});
