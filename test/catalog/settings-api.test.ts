import { afterAll, beforeAll, expect, test } from 'vitest';
import type {
  ApiError,
  Asset,
  AssetSummary,
  Difference,
  Inventory,
  InventoryItem,
  Job,
  Publish,
  ScopeOutcome,
  SettingsChange,
  SettingsProblem,
  StoredSettings,
} from '#catalog/api/contract.ts';
import { takeOverConnection } from '#catalog/store/connections.ts';
import { readSettings } from '#catalog/store/connector-settings.ts';
import { appRecords, connectionState, siteRecords, TestStream } from './agent.ts';
import { type Reply, Served } from './served.ts';

let served: Served;
let own: Awaited<ReturnType<Served['organisation']>>;
let crawled: Awaited<ReturnType<Served['crawled']>>;
beforeAll(async () => {
  served = await Served.open();
  own = await served.organisation('Ours', 'us@example.com');
  crawled = await served.crawled(own.organisationId, 'prod', { a: ['s1'], b: [] });
});
afterAll(() => served?.[Symbol.asyncDispose]());

const AT = '/api/v1/connections/prod';
const ask = <T>(body: unknown): Promise<Reply<T>> => own.client.ask<T>('POST', `${AT}/jobs`, body);
const put = (settings: object, version: number) =>
  own.client.ask<StoredSettings & ApiError>('PUT', `${AT}/settings`, { settings, version });
/** What the agent is told to do next, which is then ended without a record. */
const offered = async (): Promise<Record<string, unknown>> => {
  const offer = await crawled.backend.claim(crawled.session);
  if (!offer) throw new Error('no offer');
  await crawled.backend.accept(crawled.session, offer);
  await new TestStream(crawled.backend, crawled.session, offer).finish();
  return (JSON.parse(offer.spec) as { options: Record<string, unknown> }).options;
};
const items = async (path: string) =>
  (await own.client.get<{ items: InventoryItem[]; next: string | null }>(path)).body;

test('settings are stored with who changed what, compared by their version, and travel with the next job', async () => {
  expect((await own.client.get<StoredSettings>(`${AT}/settings`)).body).toEqual({
    settings: {},
    version: 0,
    changedAt: null,
    changedBy: null,
  });
  const first = { excludeStreams: ['Test*'], unpublishedApps: false, includeApps: [], filter: ' ' };
  const made = await put(first, 0);
  // What says nothing is left out.
  expect(made.body).toMatchObject({
    settings: { excludeStreams: ['Test*'], unpublishedApps: false },
    version: 1,
    changedBy: 'us@example.com',
  });
  expect((await put(made.body.settings, 1)).body.version).toBe(1);
  expect(await put({ deletion: 'delete' }, 0)).toMatchObject({ status: 409, body: { code: 'api.conflict' } });
  expect((await put({ excludeStreams: ['Test*', 'Old'], deletion: 'delete' }, 1)).body.version).toBe(2);
  const { body: history } = await own.client.get<{ items: SettingsChange[] }>(`${AT}/settings/history`);
  expect(history.items).toMatchObject([
    {
      version: 2,
      changedBy: 'us@example.com',
      changes: [
        { setting: 'excludeStreams', from: ['Test*'], to: ['Test*', 'Old'] },
        { setting: 'unpublishedApps', from: false, to: null },
        { setting: 'deletion', from: null, to: 'delete' },
      ],
    },
    {
      version: 1,
      changes: [
        { setting: 'excludeStreams', from: null },
        { setting: 'unpublishedApps', to: false },
      ],
    },
  ]);
  await ask({ kind: 'crawl' });
  const settings = { excludeStreams: ['Test*', 'Old'], deletion: 'delete' };
  expect(await offered()).toMatchObject({ settings });
  await ask({ kind: 'inventory' });
  expect(await offered()).toEqual({ settings });
  // What is tried out is not what is stored.
  await ask({ kind: 'inventory', options: { sheets: false, settings: { includeApps: ['Sales'] } } });
  expect(await offered()).toEqual({ sheets: false, settings: { includeApps: ['Sales'] } });
  await ask({ kind: 'preview', options: { app: 'a1' } });
  expect(await offered()).toMatchObject({ app: 'a1', settings });
  await ask({ kind: 'test' });
  expect(await offered()).toEqual({ settings: true });
});

test('settings that nobody could use are refused, and say which and why', async () => {
  expect(await put({ includeStream: ['x'] }, 2)).toMatchObject({ status: 400, body: { code: 'api.invalid_request' } });
  expect((await put({ includeStreams: [''] }, 2)).status).toBe(400);
  expect((await put({ includeStreams: ['\u0000'] }, 2)).status).toBe(400);
  const long = await put({ includeStreams: Array.from({ length: 30 }, (_, n) => `${n}${'x'.repeat(400)}`) }, 2);
  expect([long.status, long.body.message]).toEqual([400, expect.stringContaining('8000 fit into a job')]);
  expect((await own.client.ask('PUT', '/api/v1/connections/none/settings', { settings: {}, version: 0 })).status).toBe(
    404,
  );
  expect((await own.client.get('/api/v1/connections/none/settings')).status).toBe(404);
});

test('what an agent could not use is said while one types, and not stored', async () => {
  const settings = {
    includeApps: ['Sales', 'regex:(?=x)y'],
    excludeStreams: ['regex:('],
    filter: "stream = 'Sales'\n  and colour = 'red'",
  };
  const check = await own.client.ask<{ problems: SettingsProblem[] }>('POST', `${AT}/settings/check`, { settings });
  expect(check.body.problems).toMatchObject([
    { setting: 'excludeStreams', index: 0, line: null, advice: expect.stringMatching(/./) },
    { setting: 'includeApps', index: 1, message: expect.stringContaining('looks ahead') },
    { setting: 'filter', index: null, line: 2, column: 7, message: expect.stringContaining('colour') },
  ]);
  const refused = await put(settings, 2);
  expect([refused.status, refused.body.message]).toEqual([
    400,
    expect.stringMatching(/^excludeStreams 1: .*\(2 more\)$/),
  ]);
  expect((await ask({ kind: 'inventory', options: { settings } })).status).toBe(400);
  const good = { settings: { filter: "stream = 'Sales' and not name starts with 'Old'", includeApps: ['regex:A.*'] } };
  const fine = await own.client.ask('POST', `${AT}/settings/check`, good);
  expect([fine.status, fine.body]).toEqual([200, { problems: [] }]);
  // A check stores nothing.
  expect((await own.client.get<StoredSettings>(`${AT}/settings`)).body.version).toBe(2);
});

test('settings of another organisation are neither seen nor changed', async () => {
  const other = await served.organisation('Theirs', 'them@example.com');
  expect((await other.client.get(`${AT}/settings`)).status).toBe(404);
  expect((await other.client.get(`${AT}/settings/history`)).status).toBe(404);
  expect((await other.client.get(`${AT}/publishes`)).status).toBe(404);
  expect((await other.client.ask('PUT', `${AT}/settings`, { settings: {}, version: 2 })).status).toBe(404);
  expect((await other.client.get(`/api/v1/jobs/${crawled.job.id}/inventory`)).status).toBe(404);
  expect((await other.client.get(`/api/v1/jobs/${crawled.job.id}/difference?scope=prod`)).status).toBe(404);
  expect((await other.client.get(`/api/v1/jobs/${crawled.job.id}/inventory.csv`)).status).toBe(404);
});

test('a job that asks for the same waits once; what asks for something else is queued behind it', async () => {
  const full = await ask<Job>({ kind: 'crawl', options: { mode: 'full' } });
  expect(full).toMatchObject({ status: 201, body: { options: { mode: 'full' } } });
  const some = { streams: ['s1', 's2'], apps: ['a'] };
  const only = await ask<Job>({ kind: 'crawl', options: { only: some } });
  expect(only).toMatchObject({ status: 201, body: { options: { mode: 'delta', only: some } } });
  const same = await ask<Job>({
    kind: 'crawl',
    options: { only: { apps: ['a'], streams: ['s2', 's1'] }, mode: 'delta' },
  });
  expect([same.status, same.body.id]).toEqual([200, only.body.id]);
  expect((await ask<Job>({ kind: 'crawl', options: { mode: 'full' } })).body.id).toBe(full.body.id);
  const whole = await ask<Job>({ kind: 'crawl' });
  expect(whole.status).toBe(201);
  expect((await ask<Job>({ kind: 'crawl', options: {} })).body.id).toBe(whole.body.id);
  // In the order in which they were asked for, each as it was.
  expect(await offered()).toMatchObject({ mode: 'full' });
  expect(await offered()).toMatchObject({ only: some });
  expect(await offered()).not.toHaveProperty('only');
});

test('options that mean nothing or do not fit are refused', async () => {
  const refused = async (options: object, kind = 'crawl') => {
    const { status, body } = await ask<ApiError>({ kind, options });
    return [status, body.message];
  };
  expect(await refused({ only: {} })).toEqual([400, 'only: names neither a stream nor an app']);
  const apps = Array.from({ length: 200 }, (_, n) => `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`);
  expect(await refused({ only: { apps } })).toEqual([400, expect.stringContaining('than fit into one job')]);
  expect((await refused({ only: { apps: ['\u0000'] } }))[0]).toBe(400);
  expect((await refused({ mode: 'some' }))[0]).toBe(400);
  expect((await refused({}, 'preview'))[0]).toBe(400);
  expect((await ask({ kind: 'none' })).status).toBe(400);
});

test('an inventory is given per rule, page by page, and as a table in which nothing is a formula', async () => {
  const { body: job } = await ask<Job>({ kind: 'inventory', options: { settings: { excludeApps: ['=*'] } } });
  expect(job).toMatchObject({ kind: 'inventory', tried: true, options: { sheets: true }, inventory: null });
  expect(job.options).not.toHaveProperty('settings');
  const stream = await TestStream.begin(crawled.backend, crawled.session);
  const rule = 'exclude app "=*" (catalog)';
  await stream.publish([
    { t: 'inventory', rules: [rule] },
    { t: 'item', kind: 'app', key: 'prod/1', name: '=cmd|"x"!A1', within: 'Sales, EU', kept: false, rule },
    { t: 'item', kind: 'app', key: 'prod/2', name: 'Übersicht', kept: true },
    { t: 'item', kind: 'stream', key: 'prod/stream/1', name: 'Sales, EU', kept: true },
  ]);
  await stream.finish();
  const at = `/api/v1/jobs/${job.id}/inventory`;
  const { body: rules } = await own.client.get<Inventory>(at);
  expect(rules).toEqual({
    kept: { stream: 1, app: 1, sheet: 0 },
    rejected: { stream: 0, app: 1, sheet: 0 },
    rules: [
      { number: 1, rule, kept: { stream: 0, app: 0, sheet: 0 }, rejected: { stream: 0, app: 1, sheet: 0 } },
      { number: 0, rule: null, kept: { stream: 1, app: 1, sheet: 0 }, rejected: { stream: 0, app: 0, sheet: 0 } },
    ],
  });
  const first = await items(`${at}/items?limit=2`);
  expect(first.items.map(({ name }) => name)).toEqual(['=cmd|"x"!A1', 'Sales, EU']);
  const second = await items(`${at}/items?limit=2&after=${first.next}`);
  expect([second.items.map(({ name }) => name), second.next]).toEqual([['Übersicht'], null]);
  expect((await items(`${at}/items?kept=false&kind=app&rule=1&q=CMD`)).items).toHaveLength(1);
  expect((await own.client.get(`${at}/items?kept=maybe`)).status).toBe(400);
  const csv = await own.client.get<string>(`${at}.csv`);
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(csv.headers.get('content-disposition')).toBe('attachment; filename="inventory-prod.csv"');
  expect(csv.body.replace('\uFEFF', '').split('\r\n')).toEqual([
    'kind,verdict,name,within,rule,key',
    `app,rejected,"'=cmd|""x""!A1","Sales, EU","exclude app ""=*"" (catalog)",prod/1`,
    'stream,kept,"Sales, EU",,,prod/stream/1',
    'app,kept,Übersicht,,,prod/2',
    '',
  ]);
  expect((await own.client.get<string>(`${at}.csv?kept=false`)).body.split('\r\n')).toHaveLength(3);
});

test('each publish names what came, changed and went, and a connection has their history', async () => {
  await ask({ kind: 'crawl' });
  const stream = await TestStream.begin(crawled.backend, crawled.session);
  await stream.publish(siteRecords('prod', ['a']));
  await stream.publish(appRecords('prod', 'a', ['s2']));
  await stream.finish();
  const { jobId } = stream.lease;
  const { body: changed } = await own.client.get<{ items: ScopeOutcome[] }>(
    `/api/v1/jobs/${jobId}/scopes?changed=true`,
  );
  expect(changed.items.map(({ scope, outcome, reason }) => [scope, outcome, reason?.code ?? null])).toEqual([
    ['prod/a', 'complete', null],
    ['prod/b', 'gone', 'not_listed'],
  ]);
  const difference = (scope: string) =>
    own.client.get<Difference>(`/api/v1/jobs/${jobId}/difference?scope=${encodeURIComponent(scope)}`);
  expect((await difference('prod/a')).body).toEqual({
    isFirst: false,
    counts: { added: 1, changed: 0, removed: 1 },
    added: [{ key: 'prod/a/s2', kind: 'sheet', name: 'Sheet s2', exists: true }],
    changed: [],
    removed: [{ key: 'prod/a/s1', kind: 'sheet', name: 'Sheet s1', exists: false }],
  });
  expect((await difference('prod/none')).status).toBe(404);
  const before = await own.client.get<Difference>(`/api/v1/jobs/${crawled.job.id}/difference?scope=prod%2Fa`);
  expect(before.body).toMatchObject({ isFirst: true, counts: { added: 2 }, added: [] });
  const { body } = await own.client.get<{ items: Publish[]; next: null }>(`${AT}/publishes`);
  expect(body.items).toMatchObject([
    { job: jobId, mode: 'delta', scopes: 3, scopesChanged: 2, added: 1, changed: 0, removed: 2 },
    { job: crawled.job.id, scopes: 3, scopesChanged: 3, added: 5, changed: 0, removed: 0 },
  ]);
});

test('an app says what became of it in the newest crawl, and why', async () => {
  await ask({ kind: 'crawl' });
  const stream = await TestStream.begin(crawled.backend, crawled.session);
  const missing = [{ what: 'load script', code: 'qlik.script', message: 'None came.', advice: 'Add the rule.' }];
  await stream.publish(siteRecords('prod', ['a']));
  await stream.publish(appRecords('prod', 'a', ['s2'], { outcome: 'partial', missing }));
  await stream.finish();
  const asset = async (key: string) =>
    (await own.client.get<Asset>(`/api/v1/asset?key=${encodeURIComponent(key)}`)).body.lastRead;
  expect(await asset('prod/a')).toMatchObject({ job: stream.lease.jobId, outcome: 'partial', missing, error: null });
  expect(await asset('prod')).toMatchObject({ outcome: 'complete', missing: [] });
  expect(await asset('prod/a/s2')).toBeNull();
});

test('what is gone and kept by policy is shown with its date', async () => {
  const { version } = await readSettings(served.sql, own.organisationId, 'prod');
  expect((await put({ deletion: 'flag' }, version)).status).toBe(200);
  await ask({ kind: 'crawl' });
  const stream = await TestStream.begin(crawled.backend, crawled.session);
  await stream.publish(siteRecords('prod', ['a']));
  await stream.publish(appRecords('prod', 'a', ['s3']));
  await stream.finish();
  const { body } = await own.client.get<{ items: AssetSummary[] }>('/api/v1/assets?parent=prod%2Fa');
  expect(body.items.map(({ name, goneAt }) => [name, goneAt !== null])).toEqual([
    ['Sheet s2', true],
    ['Sheet s3', false],
  ]);
  expect((await own.client.get<Asset>('/api/v1/asset?key=prod%2Fa%2Fs2')).body.goneAt).toMatch(/^\d{4}-/);
});

test('settings go with the assets when a file gets another code', async () => {
  const { agent, backend } = crawled;
  const before = (await readSettings(served.sql, own.organisationId, 'prod')).settings;
  agent.connections = [connectionState('prod-2', { file: 'prod.conf' })];
  await agent.open(backend);
  await takeOverConnection(served.sql, own.organisationId, 'prod-2', 'prod');
  expect((await readSettings(served.sql, own.organisationId, 'prod-2')).settings).toEqual(before);
  expect(before).not.toEqual({});
});
