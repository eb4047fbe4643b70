import { rm } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SimulatedSite } from '../../demo/site.ts';
import { lookAt } from './look-at.ts';
import { headerFile, Setting } from './setting.ts';

let setting: Setting;
let site: SimulatedSite;

beforeAll(async () => {
  setting = await Setting.make();
  site = await setting.site(5, 4);
}, 180_000);
afterAll(() => setting?.[Symbol.asyncDispose]());

test('an agent with a session is ready, and says what it does', async () => {
  const { get, culvert, facts, metric } = lookAt(setting.folder);
  await setting.connect('prod', headerFile(site, { code: 'prod' }));
  expect((await setting.pipe.crawl('prod')).state).toBe('published');
  expect(await get('/livez')).toEqual({ status: 200, text: 'ok\n' });
  expect(await get('/readyz')).toEqual({ status: 200, text: 'ok\n' });
  expect(await facts()).toMatchObject({
    ready: true,
    link: { state: 'open', way: 'directly', error: null, epoch: expect.any(Number) },
    connections: [{ code: 'prod', state: 'ready' }],
    spool: { attempts: 0, error: null },
  });
  expect(await metric('ready')).toBe('1');
  expect(await metric('jobs_total{kind="crawl",result="ok"}')).toBe('1');
  for (const stage of ['spooled', 'sent', 'acked'])
    expect(Number(await metric(`batches_total{stage="${stage}"}`)), stage).toBeGreaterThan(0);
  expect(await metric('batch_bytes_total{stage="acked"}')).toBe(await metric('batch_bytes_total{stage="spooled"}'));
  const truth = await site.ask<{ assets: Record<string, number> }>('/truth');
  expect(await metric('records_total{kind="sheet"}')).toBe(String(truth.assets['sheet']));
  const { code, stdout } = await culvert('status');
  expect(code, stdout).toBe(0);
  expect(stdout).toContain('running, all well');
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('what it tells holds no secret and no name of an app, and has help for every figure', async () => {
  const { get } = lookAt(setting.folder);
  const all = (await Promise.all(['/metrics', '/statusz'].map((path) => get(path)))).map(({ text }) => text);
  expect(all.join()).not.toContain(site.addresses.header.headerValue);
  const [metrics = ''] = all;
  const named = new Set([...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  expect(named.size).toBeGreaterThan(25);
  for (const name of named) {
    expect(name).toMatch(/^culvert_agent_[a-z_]+$/);
    expect(metrics).toContain(`# HELP ${name} `);
  }
  // Labels are of small sets, so there are few lines however large the site is.
  expect(metrics.split('\n').length).toBeLessThan(400);
  expect(metrics).not.toContain('prod');
});

test('the catalog tells its own figures to this machine, and nothing of any organisation', async () => {
  const { address } = setting.pipe.api;
  const text = await (await fetch(`${address}/metrics`)).text();
  const value = (name: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`culvert_catalog_${name} `))
        ?.split(' ')
        .at(-1),
    );
  expect(value('sessions')).toBe(1);
  expect(value('handshakes_total{result="accepted"}')).toBeGreaterThan(0);
  expect(value('batches_total{result="stored"}')).toBeGreaterThan(0);
  expect(value('batch_bytes_total')).toBeGreaterThan(0);
  expect(value('jobs{kind="crawl",state="published"}')).toBe(1);
  expect(value('publish_lag_seconds_count')).toBe(value('batches_total{result="stored"}'));
  for (const secret of ['prod', 'Demo', 'demo', site.addresses.header.headerValue]) expect(text).not.toContain(secret);
  const elsewhere = await new Promise<number>((resolve, reject) => {
    const { port } = new URL(address);
    const headers = { host: 'attacker.example', authorization: 'Bearer wrong' };
    request({ host: '127.0.0.1', port, path: '/metrics', headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
  expect(elsewhere).toBe(401);
  expect((await fetch(`${address}/readyz`)).status).toBe(200);
});

test('a page whose name was bound anew to this machine reads nothing', async () => {
  const { get } = lookAt(setting.folder);
  for (const path of ['/livez', '/readyz', '/metrics', '/statusz'])
    expect((await get(path, 'attacker.example')).status, path).toBe(421);
});

test('the catalog makes it log more for a while; a restart ends that, and the audit log tells of it', async () => {
  const { facts, culvert } = lookAt(setting.folder);
  const { pipe } = setting;
  type Agents = { items: { id: string; logLevel: { level: string; until: string | null } | null }[] };
  const agent = async () => (await pipe.api.get<Agents>('/api/v1/agents')).items[0];
  const path = `/api/v1/agents/${(await agent())?.id}/log-level`;
  await pipe.api.call('POST', path, { level: 'debug', minutes: 30 });
  await expect.poll(async () => (await facts()).log.level).toBe('debug');
  await expect.poll(async () => (await agent())?.logLevel?.level).toBe('debug');
  const until = Date.parse((await facts()).log.raisedUntil ?? '');
  expect((until - Date.now()) / 60_000).toBeGreaterThan(28);
  expect((await culvert('status')).stdout).toContain('as the catalog asked until');
  await expect(pipe.api.call('POST', path, { level: 'debug', minutes: 10_000 })).rejects.toThrow('400');
  await pipe.api.call('POST', path, { level: 'debug', minutes: 0 });
  await expect.poll(async () => (await facts()).log.level).toBe('info');
  await pipe.api.call('POST', path, { level: 'debug', minutes: 30 });
  await expect.poll(async () => (await facts()).log.level).toBe('debug');
  await pipe.restartAgent();
  expect((await facts()).log).toMatchObject({ level: 'info', raisedUntil: null });
  await expect.poll(async () => (await agent())?.logLevel).toBeNull();
  expect((await culvert('audit')).stdout).toContain('the catalog set the log to debug for 30 minutes');
}, 120_000);

test('a file that is broken makes it unwell, and status says where', async () => {
  const { culvert, get } = lookAt(setting.folder);
  await setting.drop('odd.conf', 'name = "odd\n');
  await expect.poll(async () => (await culvert('status')).stdout).toContain('odd.conf:1:');
  const { code, stdout } = await culvert('status', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ verdict: 'unwell', agent: { ready: true } });
  expect((await get('/readyz')).status).toBe(200);
  await rm(join(setting.pipe.connections, 'odd.conf'));
});

test('an agent that hangs is found by its lock', async () => {
  const { culvert } = lookAt(setting.folder);
  const { pid } = setting.pipe.agent;
  process.kill(pid, 'SIGSTOP');
  try {
    const { code, stdout } = await culvert('status');
    expect([code, stdout]).toEqual([1, expect.stringContaining('and does not answer')]);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});

test('without its catalog it lives on, is not ready, and says why; stopped it leaves what status needs', async () => {
  const { get, culvert, facts, metric } = lookAt(setting.folder);
  await setting.pipe.catalog[Symbol.asyncDispose]();
  await expect.poll(async () => (await get('/readyz')).status).toBe(503);
  await expect.poll(async () => (await facts()).link.error?.code).toBe('bridge.unreachable');
  expect((await get('/livez')).status).toBe(200);
  expect((await get('/readyz')).text).toMatch(/^There is no session with the catalog: .*\[bridge\.unreachable\]\.\n$/);
  expect(await metric('ready')).toBe('0');
  await expect.poll(async () => Number(await metric('link_ends_total{code="unreachable"}'))).toBeGreaterThan(0);
  const away = await culvert('status');
  expect([away.code, away.stdout]).toEqual([1, expect.stringContaining('running, not well')]);
  await setting.pipe.agent[Symbol.asyncDispose]();
  const down = await culvert('status');
  expect(down.code).toBe(3);
  expect(down.stdout).toContain('culvert: not running');
  expect(down.stdout).toContain('bridge.unreachable');
  expect(Math.max(...down.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});
