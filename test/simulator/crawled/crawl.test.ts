import { expect, test } from 'vitest';
import type { CrawlOptions } from '#agent/crawl/options.ts';
import { assetKey } from '#protocol/keys.ts';
import { StreamRecord } from '#protocol/records.ts';
import { truthOfApp } from '#test/simulator/model/truth.ts';
import { PROFILE_NAMES } from '#test/simulator/profiles.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { type Crawled, connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';

/** Compares what was crawled with what the simulator says there is: number by number, then key by key. */
const expectTruth = (simulator: Simulator, { summary, assets, records, outcomes }: Crawled): void => {
  const truth = simulator.truth();
  const found = Object.fromEntries(Object.entries(truth.assets).map(([kind]) => [kind, 0]));
  for (const { kind } of assets) found[kind] = (found[kind] ?? 0) + 1;
  expect(found).toEqual(truth.assets);
  const key = (parts: readonly string[]): string => (parts.length === 0 ? 'sim' : `sim/${assetKey(...parts)}`);
  const expected = simulator.site.apps.flatMap(({ id }) => [...truthOfApp(simulator.site, id).list]);
  const inApps = assets.filter(({ scope }) => scope !== 'sim');
  const line = (kind: string, one: string, parent: string | undefined): string => `${kind} ${one} < ${parent ?? '-'}`;
  expect(inApps.map((asset) => line(asset.kind, asset.key, asset.parent)).sort()).toEqual(
    expected.map((asset) => line(asset.kind, key(asset.key), key(asset.parent))).sort(),
  );
  const uses = [
    ...simulator.site.apps.flatMap(({ id }) => {
      const own = truthOfApp(simulator.site, id);
      return [...own.uses, ...own.usesExtensions];
    }),
    ...simulator.site.reloadTasks.map(({ id, appId }) => ({ from: ['reloadTask', id], to: [appId] })),
  ];
  expect(
    records
      .flatMap((record) => (record.t === 'edge' && record.kind === 'uses' ? [`${record.from} > ${record.to}`] : []))
      .sort(),
  ).toEqual(uses.map(({ from, to }) => `${key(from)} > ${key(to)}`).sort());
  const owns = simulator.site.apps.flatMap(({ id }) => [...truthOfApp(simulator.site, id).owns]);
  expect(
    records
      .flatMap((record) =>
        record.t === 'edge' && record.kind === 'owns' && record.scope !== 'sim'
          ? [`${record.from} > ${record.to}`]
          : [],
      )
      .sort(),
  ).toEqual(owns.map(({ from, to }) => `${key(from)} > ${key(to)}`).sort());
  expect(summary.edges.owns).toBe(truth.edges.owns);
  const contains = (summary.edges.contains ?? 0) + assets.length - 1;
  expect(contains).toBe(truth.edges.contains);
  expect(new Set(assets.map((asset) => asset.key)).size).toBe(assets.length);
  const ended: Record<string, number> = {};
  for (const [scope, { outcome }] of outcomes) if (scope !== 'sim') ended[outcome] = (ended[outcome] ?? 0) + 1;
  expect(ended).toEqual(truth.outcomes);
};

test.each([1, 2, 3, 5, 8, 13, 21, 34, 55, 89])('seed %i: the crawl finds exactly what there is', async (seed) => {
  await using simulator = await simulate({ seed, apps: 12 });
  const crawled = await crawlSimulated(connectionFor(simulator));
  expect(crawled.outcomes.get('sim')?.outcome).toBe('complete');
  expectTruth(simulator, crawled);
  for (const record of crawled.records) StreamRecord.parse(record);
  const { opensWithData, engineSockets, proxySessions, pings } = simulator.record.snapshot();
  expect({ opensWithData, proxy: proxySessions.total, pings }).toEqual({ opensWithData: 0, proxy: 1, pings: 0 });
  expect(engineSockets.max).toBeLessThanOrEqual(2);
});

test('progress names the apps that are being read, and counts up to all', async () => {
  await using simulator = await simulate({ seed: 3, apps: 6 });
  const seen: { done: number; reading: readonly string[] }[] = [];
  const onProgress: CrawlOptions['onProgress'] = ({ appsDone, reading }) => seen.push({ done: appsDone, reading });
  await crawlSimulated(connectionFor(simulator), { onProgress });
  const named = new Set(seen.flatMap(({ reading }) => reading));
  expect([...named].sort()).toEqual([...new Set(simulator.site.apps.map(({ name }) => name))].sort());
  // One for each engine session.
  expect(Math.max(...seen.map(({ reading }) => reading.length))).toBeLessThanOrEqual(2);
  expect(seen.at(-1)).toEqual({ done: simulator.site.apps.length, reading: [] });
});

test.each(PROFILE_NAMES)('profile %s: through the proxy everything is found', async (profile) => {
  await using simulator = await simulate({ profile });
  expectTruth(simulator, await crawlSimulated(connectionFor(simulator, 'header')));
});

test('a site without TLS is crawled like any other', async () => {
  await using simulator = await simulate({ ports: { proxyHttp: 0 } });
  const { proxyHttpUrl } = simulator.addresses;
  if (proxyHttpUrl === null) throw new Error('the simulator does not listen without TLS');
  const engineUrl = `${proxyHttpUrl.replace(/^http/, 'ws')}/${simulator.addresses.header.prefix}`;
  const connection = connectionFor(simulator, 'header', { origin: proxyHttpUrl, engineUrl });
  expectTruth(simulator, await crawlSimulated(connection));
});

test.each(PROFILE_NAMES)('profile %s: on the direct route, what the engine port gives is found', async (profile) => {
  await using simulator = await simulate({ profile });
  const crawled = await crawlSimulated(connectionFor(simulator, 'certificate'));
  expect(simulator.record.snapshot().proxySessions.total).toBe(0);
  if (profile === 'november-2024' || profile === 'may-2025') {
    expectTruth(simulator, crawled);
    return;
  }
  // Older engines do not serve data models on their own port: said so, for every app that must have one.
  const reloaded = simulator.site.apps.filter(({ lastReloadTime }) => lastReloadTime !== null);
  for (const { id } of reloaded) {
    const outcome = crawled.outcomes.get(`sim/${id}`);
    if (outcome?.outcome === 'denied') continue;
    expect(outcome?.outcome).toBe('partial');
    expect(outcome?.missing?.map(({ code }) => code)).toContain('qlik.data_model_unavailable');
  }
});

test('a listing that is cut off at 100 rows is completed, and the scope is complete', async () => {
  await using simulator = await simulate({ apps: 130, faults: { fullCap: 100 } });
  const { summary, outcomes } = await crawlSimulated(connectionFor(simulator), {
    skipScopes: new Set(simulator.site.apps.map(({ id }) => `sim/${id}`)),
  });
  expect(outcomes.get('sim')?.outcome).toBe('complete');
  expect(summary.appsTotal).toBe(130);
  expect(summary.assets.user).toBe(simulator.truth().assets['user']);
});

test('with repository ids, a sheet has the id that QRS gives it, and its charts hang below', async () => {
  await using simulator = await simulate();
  const connection = connectionFor(simulator);
  const { assets } = await crawlSimulated({ ...connection, crawl: { ...connection.crawl, sheetId: 'repository' } });
  const sheets = simulator.site.apps.flatMap(({ id }) =>
    simulator.site
      .objects(id)
      .filter(({ objectType }) => objectType === 'sheet')
      .map((sheet) => `sim/${id}/${sheet.id}`),
  );
  expect(
    assets
      .filter(({ kind }) => kind === 'sheet')
      .map(({ key }) => key)
      .sort(),
  ).toEqual(sheets.sort());
  const keys = new Set(assets.map(({ key }) => key));
  for (const { kind, parent } of assets) if (kind !== 'site' && kind !== 'app') expect(keys).toContain(parent);
});
