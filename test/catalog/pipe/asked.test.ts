import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Counts, Inventory, InventoryItem, Job, ScopeOutcome } from '#catalog/api/contract.ts';
import type { SimulatedSite } from '../../demo/site.ts';
import { headerFile, Setting } from './setting.ts';

/** What the page asks of an agent beyond a plain crawl, through the real programs: runs for some apps, inventories, settings. */
const CODE = 'asked';
let setting: Setting;
let site: SimulatedSite;
let apps: readonly { readonly id: string; readonly name: string }[];
let whole: Counts;

beforeAll(async () => {
  setting = await Setting.make();
  site = await setting.site(9, 8);
  await setting.connect(CODE, headerFile(site, { code: CODE }));
  expect((await setting.pipe.crawl(CODE)).state).toBe('published');
  // Those that may be opened, so that all of a run can be seen.
  const read = (await scopesOf((await newest()).id)).filter(
    ({ kind, outcome }) => kind === 'app' && outcome === 'complete',
  );
  apps = read.map(({ scope, name }) => ({ id: scope.slice(CODE.length + 1), name }));
  whole = await setting.pipe.api.counts(CODE);
}, 180_000);
afterAll(() => setting?.[Symbol.asyncDispose]());

const at = `/api/v1/connections/${CODE}`;
const newest = async (): Promise<Job> => {
  const { items } = await setting.pipe.api.get<{ items: Job[] }>(`/api/v1/jobs?connection=${CODE}`);
  const [job] = items;
  if (job === undefined) throw new Error('there was no job');
  return job;
};
const scopesOf = async (job: string): Promise<readonly ScopeOutcome[]> =>
  (await setting.pipe.api.get<{ items: ScopeOutcome[] }>(`/api/v1/jobs/${job}/scopes`)).items;
const done = async (body: object): Promise<Job> =>
  setting.pipe.follow((await setting.pipe.api.call<Job>('POST', `${at}/jobs`, body)).id);
/** Stores settings, over what is stored now. */
const store = async (settings: object): Promise<void> => {
  const { version } = await setting.pipe.api.get<{ version: number }>(`${at}/settings`);
  await setting.pipe.api.call('PUT', `${at}/settings`, { settings, version });
};
const names = async (): Promise<readonly string[]> => {
  const { items } = await setting.pipe.api.get<{ items: { name: string }[] }>(
    `/api/v1/assets?connection=${CODE}&kind=app&limit=100`,
  );
  return items.map(({ name }) => name);
};

test('a run for one app publishes that app alone, and deletes nothing', async () => {
  const [one, other] = apps;
  const description = 'changed since';
  for (const { id } of apps.slice(0, 2))
    await site.ask('/mutate', {
      action: 'change',
      appId: id,
      change: { description, modifiedDate: '2026-11-20T10:00:00.000Z' },
    });
  const job = await done({ kind: 'crawl', options: { only: { apps: [one?.id ?? ''], streams: [] } } });
  expect(job.state).toBe('published');
  expect((await scopesOf(job.id)).map(({ scope }) => scope)).toEqual([`${CODE}/${one?.id}`]);
  const described = async (id: string): Promise<unknown> => {
    const { attributes } = await setting.pipe.api.get<{ attributes: Record<string, unknown> }>(
      `/api/v1/asset?key=${encodeURIComponent(`${CODE}/${id}`)}`,
    );
    return attributes['description'];
  };
  expect(await described(one?.id ?? '')).toBe(description);
  expect(await described(other?.id ?? '')).not.toBe(description);
  expect(await setting.pipe.api.counts(CODE)).toEqual(whole);
  // The next crawl reads what the run left out.
  expect((await setting.pipe.crawl(CODE)).state).toBe('published');
  expect(await described(other?.id ?? '')).toBe(description);
});

test('an inventory tells what settings that are tried out would keep, and stores nothing', async () => {
  const [one] = apps;
  const job = await done({ kind: 'inventory', options: { settings: { excludeApps: [one?.name ?? ''] } } });
  expect(job).toMatchObject({ state: 'published', tried: true });
  const found = await setting.pipe.api.get<Inventory>(`/api/v1/jobs/${job.id}/inventory`);
  expect(found.kept.app + found.rejected.app).toBe(whole.assets.app);
  expect(found.rejected.app).toBeGreaterThan(0);
  const { items } = await setting.pipe.api.get<{ items: InventoryItem[] }>(
    `/api/v1/jobs/${job.id}/inventory/items?kind=app&kept=false`,
  );
  expect(items.map(({ name }) => name)).toContain(one?.name);
  const rule = `exclude app "${one?.name}" (settings in the catalog)`;
  expect(new Set(items.map((item) => item.rule))).toEqual(new Set([rule]));
  expect(await setting.pipe.api.get(`${at}/settings`)).toMatchObject({ settings: {} });
  expect(await setting.pipe.api.counts(CODE)).toEqual(whole);
});

test('settings that are stored narrow the next crawl and every preview, and what they hid comes back with them', async () => {
  const [one] = apps;
  const name = one?.name ?? '';
  await store({ excludeApps: [name] });
  expect((await setting.pipe.crawl(CODE)).state).toBe('published');
  expect(await names()).not.toContain(name);
  const refused = await done({ kind: 'preview', options: { app: one?.id } });
  expect(refused).toMatchObject({ state: 'failed', error: { code: 'qlik.not_found' } });
  await store({});
  expect((await setting.pipe.crawl(CODE)).state).toBe('published');
  expect(await names()).toContain(name);
  expect((await done({ kind: 'preview', options: { app: one?.id } })).state).toBe('published');
  expect(await setting.pipe.api.counts(CODE)).toEqual(whole);
});
