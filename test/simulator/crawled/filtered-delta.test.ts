/** However a site and its filter change between crawls: what is published is what one whole crawl with that filter brings. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { serverPath } from '#config/connection/server-path.ts';
import type { Filter } from '#config/filter/filter.ts';
import { narrowed, settingsFilter } from '#config/filter/settings.ts';
import type { ConnectorSettings } from '#protocol/job-options.ts';
import type { StreamRecord } from '#protocol/records.ts';
import type { App } from '#test/simulator/model/types.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { type Crawled, connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';
import { qvdFile } from '#test/unit/lineage/qvd.ts';
import { Published } from './published.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
const HOUR_MS = 3_600_000;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Crawls of one site with a filter, what a catalog has after them, and changes that move no date of an app. */
class FilteredSite {
  readonly simulator: Simulator;
  readonly published = new Published('sim');
  readonly folder = mkdtempSync(join(tmpdir(), 'culvert-filtered-'));
  readonly qvds = join(this.folder, 'qvds');
  settings: ConnectorSettings;
  nowMs = Date.now();
  #checkpoint: string | null = null;
  #job = 0;

  constructor(simulator: Simulator, settings: ConnectorSettings) {
    this.simulator = simulator;
    this.settings = settings;
    folders.push(this.folder);
    mkdirSync(this.qvds);
  }

  get filter(): Filter {
    return settingsFilter(this.settings);
  }

  #connection() {
    const from = serverPath('lib://QVD (corp_svc_qlik)');
    if (from === undefined) throw new Error('no path');
    return connectionFor(this.simulator, 'jwt', {
      paths: { qvds: [{ from, folder: this.qvds }], qvs: [], logs: [] },
    });
  }

  /** The next crawl that goes on from the one before. */
  async next(filter = this.filter): Promise<Crawled> {
    this.nowMs += HOUR_MS;
    const crawled = await this.#crawl(filter, { mode: 'delta', checkpoint: this.#checkpoint, pictures: false });
    this.#checkpoint = crawled.outcomes.get('sim')?.checkpoint ?? this.#checkpoint;
    return crawled;
  }

  /** A run for some apps. */
  run(apps: string[]): Promise<Crawled> {
    this.nowMs += HOUR_MS;
    return this.#crawl(this.filter, { mode: 'full', pictures: false, only: { apps, streams: [] } });
  }

  async #crawl(filter: Filter, asked: NonNullable<Parameters<typeof crawlSimulated>[1]>['asked']): Promise<Crawled> {
    this.#job += 1;
    const crawled = await crawlSimulated(this.#connection(), {
      filter,
      asked,
      wallNow: () => this.nowMs,
      checkpoints: { folder: this.folder, job: `job-${this.#job}`, owner: 'catalog agent', crawler: '1.0.0' },
    });
    this.published.take(crawled.records);
    return crawled;
  }

  /** What is published is what one whole crawl brings, and nothing of it names what the filter rejects. */
  async expectWhole(filter = this.filter): Promise<void> {
    const whole = new Published('sim');
    const { records } = await crawlSimulated(this.#connection(), { filter });
    whole.take(records);
    expect(differences(this.published.content, whole.content)).toEqual([]);
  }

  stream(id: string | null): Writable<Simulator['site']['streams'][number]> {
    const found = this.simulator.site.streams.find((one) => one.id === id);
    if (found === undefined) throw new Error('no such stream');
    return found;
  }

  renameStream(id: string | null, name: string): void {
    Object.assign(this.stream(id), { name, modifiedDate: new Date(this.nowMs + 60_000).toISOString() });
  }

  change(appId: string, change: Partial<Omit<App, 'id'>>): void {
    this.simulator.mutate({
      action: 'change',
      appId,
      change: { modifiedDate: new Date(this.nowMs + 60_000).toISOString(), ...change },
    });
  }

  /** A file that says that an app made it. */
  qvd(name: string, appId: string): void {
    const lineage: [string, string][] = [['Provider=X;', `LOAD * FROM canary_${name}`]];
    writeFileSync(
      join(this.qvds, `${name}.qvd`),
      qvdFile({ table: name, creator: appId.toUpperCase(), rows: 1, fields: [{ name: 'a', symbols: 1 }], lineage }),
    );
  }
}

/** What is not the same in both, each in a few words. */
const differences = (now: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): string[] => [
  ...[...now.keys()].filter((id) => !wanted.has(id)).map((id) => `too much: ${id}`),
  ...[...wanted].flatMap(([id, entry]) => {
    const other = now.get(id);
    return other === undefined ? [`missing: ${id}`] : other === entry ? [] : [`other: ${other}, wanted: ${entry}`];
  }),
];

const scopesRead = ({ outcomes }: Crawled): string[] =>
  [...outcomes].flatMap(([scope, { outcome }]) => (scope === 'sim' || outcome === 'unchanged' ? [] : [scope])).sort();

/** Lists of more rows than these are asked for differences only. */
const MANY = 105;

/** The streams of the site that have apps, the fullest last. */
const streamsOf = ({ site }: Simulator): { id: string; name: string; apps: readonly App[] }[] =>
  site.streams
    .map(({ id, name }) => ({ id, name, apps: site.apps.filter(({ streamId }) => streamId === id) }))
    .filter(({ apps }) => apps.length > 1)
    .sort((a, b) => a.apps.length - b.apps.length);

test.each([20, MANY])(
  'a site of %i apps whose apps, streams and filters change',
  async (count) => {
    await using simulator = await simulate({ seed: 31, apps: count, sessionsPerUser: 1_000 });
    const [small, other] = streamsOf(simulator);
    if (small === undefined || other === undefined) throw new Error('too few streams');
    const [kept, second] = small.apps;
    const [rejected] = other.apps;
    if (kept === undefined || second === undefined || rejected === undefined) throw new Error('too few apps');
    // Names, as people write filters: what stands in no list changes what is kept by being renamed.
    const includeApps = [...small.apps.slice(0, 2), ...other.apps.slice(0, 2)].map(({ id }) => id);
    const site = new FilteredSite(simulator, {
      includeStreams: [small.name],
      excludeStreams: ['Secret*'],
      includeApps,
      excludeApps: ['Secret*'],
    });
    site.qvd('kept', kept.id);
    site.qvd('rejected', rejected.id);
    await site.next();
    await site.expectWhole();

    // A kept app becomes rejected by its name, and comes back by another.
    site.change(kept.id, { name: 'Secret plan' });
    expect(scopesRead(await site.next())).toEqual([]);
    await site.expectWhole();
    site.change(kept.id, { name: 'No plan' });
    expect(scopesRead(await site.next())).toEqual([`sim/${kept.id}`]);
    await site.expectWhole();

    // By its stream.
    site.change(second.id, { streamId: other.id });
    await site.next();
    await site.expectWhole();
    site.change(second.id, { streamId: small.id });
    site.change(rejected.id, { streamId: small.id });
    expect(scopesRead(await site.next())).toEqual([`sim/${second.id}`, `sim/${rejected.id}`].sort());
    await site.expectWhole();

    // A stream gets another name: the dates of its apps stay.
    site.renameStream(small.id, 'Secret stream');
    expect(scopesRead(await site.next())).toEqual([]);
    await site.expectWhole();
    site.renameStream(other.id, small.name);
    await site.next();
    await site.expectWhole();
    site.renameStream(other.id, other.name);
    site.renameStream(small.id, small.name);
    await site.next();
    await site.expectWhole();

    // A run for one app, and for one that is not kept, between two others.
    site.change(kept.id, { name: 'Read for itself' });
    expect(scopesRead(await site.run([kept.id, other.apps[1]?.id ?? '']))).toEqual([`sim/${kept.id}`]);
    await site.next();
    await site.expectWhole();
    site.change(kept.id, { name: 'Secret again' });
    expect(scopesRead(await site.run([kept.id]))).toEqual([]);
    await site.next();
    await site.expectWhole();

    // Another filter, in the catalog and in the file: everything is read again.
    site.settings = { includeStreams: [other.name], includeApps, excludeApps: ['Secret*'] };
    expect((await site.next()).outcomes.get('sim')?.reason?.code).toBe('filter_changed');
    await site.expectWhole();
    const ofFile = settingsFilter({ unpublishedSheets: false });
    const both = narrowed(ofFile, site.settings);
    expect((await site.next(both)).outcomes.get('sim')?.reason?.code).toBe('filter_changed');
    await site.expectWhole(both);
    expect((await site.next(both)).outcomes.get('sim')?.reason?.code).toBe('delta');
    await site.expectWhole(both);
  },
  120_000,
);

test.each([20, MANY])(
  'a site of %i apps whose tags decide',
  async (count) => {
    await using simulator = await simulate({ seed: 32, apps: count, sessionsPerUser: 1_000 });
    const tags = simulator.site.tags as Writable<Simulator['site']['tags'][number]>[];
    const [tag, another] = tags
      .map((one) => ({ one, apps: simulator.site.apps.filter(({ tagIds }) => tagIds.includes(one.id)) }))
      .filter(({ apps }) => apps.length > 0)
      .sort((a, b) => a.apps.length - b.apps.length);
    if (tag === undefined || another === undefined) throw new Error('too few tags');
    const site = new FilteredSite(simulator, { filter: `any t in tags match t = '${tag.one.name}'` });
    await site.next();
    expect(site.published.content.size).toBeGreaterThan(0);
    await site.expectWhole();
    const { name } = tag.one;
    tag.one.name = 'renamed';
    await site.next();
    await site.expectWhole();
    another.one.name = name;
    await site.next();
    await site.expectWhole();
    // A tag that is deleted is taken from its apps, whose dates stay.
    tags.splice(tags.indexOf(another.one), 1);
    for (const { id, tagIds } of another.apps)
      simulator.mutate({
        action: 'change',
        appId: id,
        change: { tagIds: tagIds.filter((one) => one !== another.one.id) },
      });
    await site.next();
    await site.expectWhole();
  },
  120_000,
);

test('names of apps that a filter rejects are in nothing that leaves', async () => {
  await using simulator = await simulate({ seed: 31, apps: 40, sessionsPerUser: 1_000 });
  const [small] = streamsOf(simulator);
  if (small === undefined) throw new Error('too few streams');
  const site = new FilteredSite(simulator, { includeStreams: [small.name] });
  for (const { id } of simulator.site.apps) {
    site.change(id, { name: `App-of-site ${id}` });
    site.qvd(id, id);
  }
  const kept = new Set(small.apps.map(({ id }) => id));
  const expectDiscreet = (records: readonly StreamRecord[]): void => {
    const text = JSON.stringify(
      records.filter((record) => record.t !== 'asset' || record.kind !== 'app'),
      (key, value) =>
        ['originApp', 'targetApp', 'path', 'library', 'table', 'key', 'name', 'parent'].includes(key) ? '' : value,
    ).toLowerCase();
    for (const { id } of simulator.site.apps) if (!kept.has(id)) expect([id, text.includes(id)]).toEqual([id, false]);
  };
  const first = await site.next();
  expectDiscreet(first.records);
  expect(first.records.filter((record) => record.t === 'edge' && record.kind === 'produces')).toHaveLength(kept.size);
  const tasks = simulator.site.reloadTasks.filter(({ appId }) => kept.has(appId));
  expect(simulator.site.reloadTasks.length).toBeGreaterThan(tasks.length);
  expect(
    first.assets
      .filter(({ kind }) => kind === 'reloadTask')
      .map(({ key }) => key)
      .sort(),
  ).toEqual(tasks.map(({ id }) => `sim/reloadTask/${id}`).sort());
  expectDiscreet((await site.next()).records);
}, 60_000);
