import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EdgeRecord, ListedRecord, OutcomeRecord } from '#protocol/records.ts';
import { appRecords, asset, scopeRecords, siteRecords } from './agent.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

describe('a site of which one list is out of reach for good', () => {
  const tag = (name: string) => asset('prod', `prod/tag/${name}`, 'tag', name, 'prod');
  const user = asset('prod', 'prod/user/u', 'user', 'Ann', 'prod');
  const owns = (of: string): EdgeRecord => ({ t: 'edge', scope: 'prod', kind: 'owns', from: 'prod/user/u', to: of });
  const listed = (app: string): ListedRecord => ({ t: 'listed', scope: 'prod', key: `prod/${app}`, name: app });
  const known = async (deletion?: string) => {
    const place = await world.enter('prod');
    if (deletion !== undefined)
      await world.sql`update connection set status = status || ${JSON.stringify({
        settings: [{ name: 'deletion', value: deletion }],
      })}::text::jsonb where organisation_id = ${place.organisationId}`;
    const { stream } = await world.crawl(place, 'prod');
    const site = asset('prod', 'prod', 'site', 'Site', undefined);
    const body = [site, user, tag('kept'), tag('gone'), owns('prod/tag/kept'), owns('prod/tag/gone')];
    await stream.publish(scopeRecords('prod', 'site', [...body, listed('a'), listed('b')]));
    for (const app of ['a', 'b']) await stream.publish(appRecords('prod', app, ['s1']));
    await stream.finish();
    return place;
  };
  const left = async ({ organisationId }: Awaited<ReturnType<typeof known>>) => ({
    keys: (
      await world.sql<{ key: string }[]>`select key || case when gone_at is null then '' else ' (gone)' end as key
        from asset where organisation_id = ${organisationId} and kind <> 'sheet' order by key`
    ).map(({ key }) => key),
    owned: (
      await world.sql<
        { key: string }[]
      >`select to_key as key from edge where organisation_id = ${organisationId} order by 1`
    ).map(({ key }) => key),
  });
  const crawlWithout = async (place: Awaited<ReturnType<typeof known>>, outcome: Partial<OutcomeRecord>) => {
    const { stream, job } = await world.crawl(place, 'prod');
    const body = [asset('prod', 'prod', 'site', 'Site'), tag('kept'), listed('a')];
    await stream.publish(scopeRecords('prod', 'site', body, { outcome: 'partial', ...outcome }));
    await stream.publish(appRecords('prod', 'a', [], { outcome: 'partial' }));
    await stream.finish();
    expect((await world.state(place.organisationId, job.id)).state).toBe('published');
    return await world.scopes(place.organisationId, job.id);
  };

  test('what is gone of the kinds that came whole goes, with its edges; the rest stays', async () => {
    const place = await known();
    const scopes = await crawlWithout(place, { whole: ['tag', 'app'] });
    expect(scopes).toMatchObject([
      { scope: 'prod', outcome: 'partial', removed: 1 },
      { scope: 'prod/a', removed: 0 },
      { scope: 'prod/b', outcome: 'gone', removed: 2 },
    ]);
    expect(await left(place)).toEqual({
      keys: ['prod', 'prod/a', 'prod/tag/kept', 'prod/user/u'],
      owned: ['prod/tag/kept'],
    });
    expect((await world.counts(place.organisationId)).sheet).toBe(1);
  });

  test('an app that lacks one part for good loses what is gone of the others', async () => {
    const place = await known();
    const { stream } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a', 'b'], { outcome: 'partial' }));
    await stream.publish(appRecords('prod', 'a', ['s2'], { outcome: 'partial', whole: ['sheet', 'chart'] }));
    await stream.publish(appRecords('prod', 'b', ['s2'], { outcome: 'partial', whole: ['chart'] }));
    await stream.finish();
    const sheets = await world.sql<{ key: string }[]>`select key from asset
      where organisation_id = ${place.organisationId} and kind = 'sheet' order by key`;
    expect(sheets.map(({ key }) => key)).toEqual(['prod/a/s2', 'prod/b/s1', 'prod/b/s2']);
  });

  test('apps that are not all listed stay, and so do kinds that are not named', async () => {
    const place = await known();
    await crawlWithout(place, { whole: ['user'] });
    expect(await left(place)).toEqual({
      keys: ['prod', 'prod/a', 'prod/b', 'prod/tag/gone', 'prod/tag/kept'],
      owned: [],
    });
  });

  test('it is marked where the policy says so', async () => {
    const place = await known('flag');
    await crawlWithout(place, { whole: ['tag', 'app'] });
    expect(await left(place)).toEqual({
      keys: ['prod', 'prod/a', 'prod/b (gone)', 'prod/tag/gone (gone)', 'prod/tag/kept', 'prod/user/u'],
      owned: ['prod/tag/gone', 'prod/tag/kept'],
    });
  });

  test.each(['delete', 'flag', 'keep'])(
    'what came has the owner that came, and no earlier one (%s)',
    async (policy) => {
      const place = await known(policy);
      const app = asset('prod/a', 'prod/a', 'app', 'App a', 'prod');
      const publish = async (by: string, end: Partial<OutcomeRecord>) => {
        const { stream } = await world.crawl(place, 'prod');
        const body = [asset('prod', 'prod', 'site', 'Site'), user, tag('kept'), { ...owns('prod/tag/kept'), from: by }];
        await stream.publish(scopeRecords('prod', 'site', [...body, listed('a'), listed('b')], end));
        await stream.publish(
          scopeRecords('prod/a', 'app', [app, { ...owns('prod/a'), scope: 'prod/a', from: by }], end),
        );
        await stream.finish();
        return await world.sql<{ from: string; to: string }[]>`select from_key as from, to_key as to from edge
        where organisation_id = ${place.organisationId} and to_key in ('prod/a', 'prod/tag/kept') order by to_key`;
      };
      const owned = (by: string) => [
        { from: by, to: 'prod/a' },
        { from: by, to: 'prod/tag/kept' },
      ];
      expect(await publish('prod/user/u', { outcome: 'complete' })).toEqual(owned('prod/user/u'));
      const whole: OutcomeRecord['whole'] = ['site', 'user', 'tag', 'app'];
      expect(await publish('prod/user/v', { outcome: 'partial', whole })).toEqual(owned('prod/user/v'));
      expect(await publish('prod/user/w', { outcome: 'complete' })).toEqual(owned('prod/user/w'));
    },
  );

  test('a job that fails removes no app', async () => {
    const place = await known();
    const { stream } = await world.crawl(place, 'prod');
    await stream.publish(siteRecords('prod', ['a'], { outcome: 'partial', whole: ['app'] }));
    await stream.finish({ result: 'error' });
    expect((await world.counts(place.organisationId)).app).toBe(2);
  });
});
