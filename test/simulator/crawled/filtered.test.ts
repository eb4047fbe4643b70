/** A crawl with a filter brings what the filter keeps of a site, and nothing else, however much QRS is asked for. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EVERYTHING, type Filter } from '#config/filter/filter.ts';
import { appItem, streamItem } from '#config/filter/item.ts';
import { settingsFilter } from '#config/filter/settings.ts';
import { type ConnectorSettings, CrawlOptions } from '#protocol/job-options.ts';
import type { App } from '#test/simulator/model/types.ts';
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts';
import { type Crawled, connectionFor, crawlSimulated } from '#test/unit/crawl/simulated.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ seed: 31, apps: 24 });
});
afterAll(() => simulator[Symbol.asyncDispose]());

const streamOf = ({ streamId }: App) => simulator.site.streams.find(({ id }) => id === streamId) ?? null;
const item = (app: App) => appItem({ ...app, stream: streamOf(app), owner: null, tags: [], customProperties: [] });
const keys = (crawled: Crawled, kind: string) =>
  crawled.assets
    .filter((asset) => asset.kind === kind)
    .map(({ key }) => key.slice('sim/'.length))
    .sort();
const listed = ({ records }: Crawled) => records.filter(({ t }) => t === 'listed').length;
const keptApps = (filter: Filter) => simulator.site.apps.filter((app) => filter.judge(item(app)).kept);

const crawled = (filter: Filter, asked?: Partial<CrawlOptions>) =>
  crawlSimulated(connectionFor(simulator), {
    filter,
    ...(asked === undefined ? {} : { asked: CrawlOptions.parse(asked) }),
  });

const quoted = (name: string) => name.replaceAll(/[\\']/g, '\\$&');

test.each<[string, (site: Simulator['site']) => ConnectorSettings]>([
  ['streams by name', ({ streams }) => ({ includeStreams: streams.slice(0, 2).map(({ name }) => name) })],
  [
    'streams by an expression',
    ({ streams }) => ({ filter: `stream = '${quoted(streams[1]?.name ?? '')}' or stream is null` }),
  ],
  [
    'apps by id and unpublished ones',
    ({ apps }) => ({ excludeApps: apps.slice(0, 3).map(({ id }) => id), unpublishedApps: false }),
  ],
])('of %s', async (_, of) => {
  const filter = settingsFilter(of(simulator.site));
  const apps = keptApps(filter);
  expect(apps.length).toBeGreaterThan(0);
  expect(apps.length).toBeLessThan(simulator.site.apps.length);
  const result = await crawled(filter);
  expect(keys(result, 'app')).toEqual(apps.map(({ id }) => id).sort());
  expect(listed(result)).toBe(apps.length);
  expect(result.outcomes.size).toBe(apps.length + 1);
  const streams = simulator.site.streams.filter((stream) => filter.judge(streamItem(stream)).kept);
  expect(keys(result, 'stream')).toEqual(streams.map(({ id }) => `stream/${id}`).sort());
});

test('without streams and without sheets that are not published', async () => {
  const [whole, narrow] = await Promise.all([
    crawled(EVERYTHING),
    crawled(settingsFilter({ streams: false, unpublishedSheets: false })),
  ]);
  expect(keys(narrow, 'stream')).toEqual([]);
  for (const app of narrow.assets.filter(({ kind }) => kind === 'app')) expect(app.parent).toBe('sim');
  const sheets = whole.assets.filter(({ kind }) => kind === 'sheet');
  const published = sheets.filter(({ attributes }) => attributes?.['published'] === true);
  expect(published.length).toBeLessThan(sheets.length);
  expect(keys(narrow, 'sheet')).toEqual(published.map(({ key }) => key.slice('sim/'.length)).sort());
  // Nothing of what stood on the others is left.
  const all = new Set(narrow.assets.map(({ key }) => key));
  for (const { parent, kind } of narrow.assets) if (kind === 'chart') expect(all).toContain(parent);
});

test('that rejects every app is no site without apps', async () => {
  const result = await crawled(settingsFilter({ includeApps: ['no app is called so'] }));
  expect(keys(result, 'app')).toEqual([]);
  expect(result.outcomes.get('sim')).toMatchObject({ outcome: 'complete' });
});

test('and only some apps asked for: those among them that it keeps', async () => {
  const [first, second] = simulator.site.apps;
  if (first === undefined || second === undefined) throw new Error('the site has too few apps');
  const only = { apps: [first.id, second.id], streams: [] };
  const result = await crawled(settingsFilter({ excludeApps: [first.id] }), { only });
  expect([...result.outcomes.keys()]).toEqual([`sim/${second.id}`]);
});
