/** Lineage without opening apps, from the site to the catalog: on demand, and by itself when one of its inputs changed. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Asset, Job, ScopeOutcome } from '#catalog/api/contract.ts';
import { headerFile, Setting } from '#test/catalog/pipe/setting.ts';
import type { SimulatedSite } from '#test/demo/site.ts';
import { qvdFile } from '../../unit/lineage/qvd.ts';

const CODE = 'lineage';
const LIBRARY = 'QVD (corp_svc_qlik)';
const LINEAGE = ['derives', 'loads', 'produces'] as const;

let setting: Setting;
let site: SimulatedSite;
let qvs: string;
let qvds: string;
/** Apps that the first crawl opened. */
let crawled: number;
let edges: Readonly<Record<string, number | undefined>>;
beforeAll(async () => {
  setting = await Setting.make(undefined, 'watch.lineage = 1s\n');
  site = await setting.site(1, 12);
  [qvs, qvds] = [join(setting.folder, 'qvs'), join(setting.folder, 'qvds')];
  put(join(qvs, 'scripts/common.qvs'), 'LET vFirst = 1;\n');
  put(join(qvds, '2_transform/finance/Accounts.qvd'), accounts('AccountID'));
  mapping('');
  const from = `lib://${LIBRARY}`;
  const further = [
    `paths.qvs = [{ from = "${from}", to = "${qvs}" }]`,
    `paths.qvds = [{ from = "${from}", to = "${qvds}" }]`,
    'crawl.lineage_mapping = "site.lineage"',
  ].join('\n');
  await setting.connect(CODE, headerFile(site, { code: CODE, further }));
  expect(await setting.pipe.crawl(CODE)).toMatchObject({ state: 'published', error: null });
  edges = await told();
  crawled = await asked();
}, 120_000);
afterAll(() => setting?.[Symbol.asyncDispose]());

const put = (path: string, content: string | Buffer): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
};
const accounts = (...names: string[]): Buffer =>
  qvdFile({ table: 'Accounts', creator: 'x.qvf', rows: 1, fields: names.map((name) => ({ name, symbols: 1 })) });
const mapping = (more: string): void =>
  put(join(setting.pipe.connections, 'site.lineage'), `variables { vNo = 1 }\n${more}`);

const told = async (): Promise<typeof edges> => {
  const counts = await setting.pipe.api.counts(CODE);
  return Object.fromEntries(LINEAGE.map((kind) => [kind, counts.edges[kind]]));
};
const datasets = async (): Promise<readonly string[]> => {
  const page = await setting.pipe.api.get<{ items: readonly Asset[] }>(
    `/api/v1/assets?connection=${CODE}&kind=dataset&limit=500`,
  );
  return page.items.map(({ key }) => key);
};
const jobs = async (): Promise<readonly Job[]> =>
  (await setting.pipe.api.get<{ items: readonly Job[] }>(`/api/v1/jobs?connection=${CODE}`)).items;
const scopesOf = async ({ id }: Job): Promise<readonly ScopeOutcome[]> =>
  (await setting.pipe.api.get<{ items: readonly ScopeOutcome[] }>(`/api/v1/jobs/${id}/scopes?limit=1000`)).items;

/** The job that nobody asks for after `change`, done. */
const byItself = async (change: () => unknown): Promise<{ job: Job; scopes: readonly ScopeOutcome[] }> => {
  const before = new Set((await jobs()).map(({ id }) => id));
  await change();
  const begun = async (): Promise<Job | undefined> => (await jobs()).find(({ id }) => !before.has(id));
  await expect.poll(begun, { message: 'no job began by itself' }).toBeDefined();
  const job = await setting.pipe.follow((await begun())?.id ?? '');
  return { job, scopes: await scopesOf(job) };
};
const asked = async (): Promise<number> => (await site.ask<{ opens: number }>('/record')).opens;
/** Apps that were opened since the first crawl. */
const opens = async (): Promise<number> => (await asked()) - crawled;
const OWN = { kind: 'lineage', state: 'published', error: null, createdBy: 'Culvert' };

test('somebody asks for it: the same lineage, no app opened, and each app that has none says why', async () => {
  const { id } = await setting.pipe.api.call<Job>('POST', `/api/v1/connections/${CODE}/jobs`, { kind: 'lineage' });
  const job = await setting.pipe.follow(id);
  expect(job).toMatchObject({ kind: 'lineage', state: 'published', error: null });
  expect(await told()).toEqual(edges);
  const scopes = await scopesOf(job);
  expect(scopes).toHaveLength(12);
  const remade = scopes.filter(({ outcome }) => outcome === 'updated' || outcome === 'partial');
  expect(remade.length).toBeGreaterThan(6);
  for (const { added, removed, reason } of remade)
    expect([added, removed, reason?.code]).toEqual([0, 0, 'lineage_asked']);
  for (const { outcome, reason } of scopes)
    if (outcome === 'unchanged') expect(reason?.code).toMatch(/^lineage_(no_script|not_kept)$/);
  expect(await opens()).toBe(0);
});

test('a data connection leads elsewhere: all that depends on it follows by itself', async () => {
  const moved = { action: 'move-connection', connection: LIBRARY, connectionstring: '\\\\moved.example\\bi\\qvd' };
  const { job, scopes } = await byItself(() => site.ask('/mutate', moved));
  expect(job).toMatchObject(OWN);
  expect(scopes.length).toBeGreaterThan(0);
  for (const { reason } of scopes) expect(reason?.message).toContain('data connection');
  expect((await datasets()).filter((key) => key.startsWith('file://moved.example/bi/qvd/')).length).toBeGreaterThan(3);
  expect(await told()).toEqual(edges);
  expect(await opens()).toBe(0);
});

test('the mapping file is edited: all paths that it maps follow by itself', async () => {
  const paths = `paths = [{ from = "lib://${LIBRARY}", to = "//mapped.example/qvd" }]\n`;
  const { job, scopes } = await byItself(() => mapping(paths));
  expect(job).toMatchObject(OWN);
  for (const { reason } of scopes) expect(reason?.message).toContain('mapping file');
  expect((await datasets()).filter((key) => key.startsWith('file://mapped.example/qvd/')).length).toBeGreaterThan(3);
  expect(await opens()).toBe(0);
});

test('an included script changes: the lineage and its text follow by itself, and the next crawl opens nothing', async () => {
  const { job, scopes } = await byItself(() => put(join(qvs, 'scripts/common.qvs'), 'LET vSecond = 22;\n'));
  expect(job).toMatchObject(OWN);
  expect(scopes.length).toBeGreaterThan(0);
  for (const { reason } of scopes) expect(reason?.message).toContain('included script');
  const sections = await setting.pipe.api.get<{ items: readonly Asset[] }>(
    `/api/v1/assets?connection=${CODE}&kind=scriptSection&q=common.qvs`,
  );
  const [section] = sections.items;
  const { attributes } = await setting.pipe.api.get<Asset>(
    `/api/v1/asset?key=${encodeURIComponent(section?.key ?? '')}`,
  );
  expect(attributes['text']).toContain('vSecond = 22');
  const next = await setting.pipe.crawl(CODE);
  expect(next.outcomes).toEqual({ unchanged: 12, updated: 1 });
  expect(await opens()).toBe(0);
});

test('the columns of a QVD change: what reads it whole follows by itself', async () => {
  const { job, scopes } = await byItself(() =>
    put(join(qvds, '2_transform/finance/Accounts.qvd'), accounts('AccountID', 'AccountName')),
  );
  expect(job).toMatchObject(OWN);
  for (const { reason } of scopes) expect(reason?.message).toContain('columns');
  expect(scopes.length).toBeGreaterThan(0);
  expect(await opens()).toBe(0);
});

test('another interpreter makes all of it anew by itself, and the next crawl nothing', async () => {
  // The state as an agent with an older interpreter left it.
  await setting.pipe.agent[Symbol.asyncDispose]();
  const folder = join(setting.pipe.folder, 'state', 'checkpoints');
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'utf8');
    const older = text.replaceAll(/\["interpreter","[^"]*"\]/g, '["interpreter","0"]');
    const body = older.slice(older.indexOf('\n') + 1);
    const digest = createHash('sha256').update(body).digest('hex');
    writeFileSync(join(folder, name), name.endsWith('.json') ? `culvert-checkpoint ${digest}\n${body}` : older);
  }
  const { job, scopes } = await byItself(() => setting.pipe.restartAgent());
  expect(job).toMatchObject(OWN);
  expect(scopes.length).toBeGreaterThan(6);
  for (const { reason } of scopes) expect(reason?.message).toContain('interpreter');
  const next = await setting.pipe.crawl(CODE);
  expect(next.outcomes).toEqual({ unchanged: 12, updated: 1 });
  expect(await opens()).toBe(0);
  // Nothing is left to do, and nobody asks again.
  expect((await jobs()).filter(({ createdBy }) => createdBy === 'Culvert')).toHaveLength(5);
});
