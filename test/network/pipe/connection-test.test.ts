import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { kill } from 'node:process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Check, Connection } from '#catalog/api/contract.ts';
import { eventually } from '#test/catalog/database.ts';
import { headerFile, Setting } from '#test/catalog/pipe/setting.ts';
import type { SimulatedSite } from '#test/demo/site.ts';

let setting: Setting;
let site: SimulatedSite;
beforeAll(async () => {
  setting = await Setting.make();
  site = await setting.site(11, 4);
}, 120_000);
afterAll(() => setting?.[Symbol.asyncDispose]());

const ids = (checks: readonly Check[]): string[] => checks.map(({ target, check }) => `${target}/${check}`);

/** Runs a test through the real programs. */
const tested = async (code: string, options: { readonly link?: boolean } = {}) => {
  const { api } = setting.pipe;
  const job = await setting.pipe.follow((await api.startTest(code, options)).id, undefined, 90_000);
  return { job, checks: await api.checks(job.id) };
};

/** The settings that the command line prints for the same connection, of the same folder. */
const printed = async (code: string): Promise<readonly unknown[]> => {
  const main = join(import.meta.dirname, '..', '..', '..', 'agent', 'main.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'doctor', code, '--json'], {
    cwd: setting.folder,
  });
  const report = JSON.parse(stdout) as { connections: readonly { settings: readonly unknown[] }[] };
  return report.connections[0]?.settings ?? [];
};

const closedPort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
};

describe('a test of a connection, through the real programs', () => {
  test('of a healthy one: every check passes, and nothing comes into the catalog', { timeout: 120_000 }, async () => {
    await setting.connect('healthy', headerFile(site, { code: 'healthy' }));
    const { job, checks } = await tested('healthy');
    expect(job).toMatchObject({ kind: 'test', state: 'published', error: null, attempt: 1 });
    const failed = checks.filter(({ status }) => status === 'fail');
    expect(failed).toEqual([]);
    expect(ids(checks).slice(0, 3)).toEqual(['connection/file', 'connection/secrets', 'connection/dns']);
    expect(checks.length).toBeGreaterThan(10);
    expect(job.test).toMatchObject({ failed: 0, failure: null });
    expect((await setting.pipe.api.counts('healthy')).assets).toEqual({});
    const connection = await setting.pipe.api.get<Connection>('/api/v1/connections/healthy');
    expect(connection).toMatchObject({ lastJob: null, lastTest: { id: job.id, state: 'published' } });
    const { settings } = await setting.pipe.api.found(job.id);
    expect(settings.map(({ mends }) => mends)).toEqual([false, false]);
    const told = settings.map(({ title, fields }) => ({
      title,
      fields: Object.fromEntries(fields.map(({ name, value }) => [name, value])),
    }));
    expect(told).toEqual(await printed('healthy'));
  });

  test('of one whose user sees no app: what Qlik needs says which form mends it', { timeout: 120_000 }, async () => {
    // Of its own: a connection rests between two tests.
    await setting.connect('unseen', headerFile(site, { code: 'unseen' }));
    await site.ask('/faults', { emptyLists: ['app'] });
    try {
      const { job } = await tested('unseen');
      expect(job.test?.failure).toMatchObject({ check: 'objects', code: 'qlik.nothing_visible' });
      const { settings } = await setting.pipe.api.found(job.id);
      expect(settings.map(({ title, mends }) => [title.slice(0, 20), mends])).toEqual([
        ['QMC > Security rules', true],
        ['QMC > Virtual proxie', false],
      ]);
    } finally {
      await site.ask('/faults', { emptyLists: [] });
    }
  });

  test('of the way to the catalog as well, without disturbing the session that the agent has', {
    timeout: 120_000,
  }, async () => {
    await setting.connect('linked', headerFile(site, { code: 'linked' }));
    const before = await setting.pipe.connection('linked', ({ agentHealth }) => agentHealth === 'online');
    const { job, checks } = await tested('linked', { link: true });
    expect(job).toMatchObject({ state: 'published', attempt: 1, test: { failed: 0 } });
    const targets = checks.map(({ target }) => target);
    expect(targets.lastIndexOf('connection')).toBeLessThan(targets.indexOf('link'));
    expect(ids(checks)).toEqual(expect.arrayContaining(['link/file', 'link/upgrade', 'link/enrolment']));
    const link = JSON.stringify(checks.filter(({ target }) => target === 'link'));
    expect(link).toContain('state folder state');
    expect(link).not.toContain(setting.folder);
    const after = await setting.pipe.api.get<Connection>('/api/v1/connections/linked');
    expect([after.agentId, after.agentHealth]).toEqual([before.agentId, 'online']);
  });

  test('of one behind a proxy that is down: one FAIL with what to do, the rest skipped, and no secret anywhere', {
    timeout: 120_000,
  }, async () => {
    const proxy = `proxy { hostname = "127.0.0.1", port = ${await closedPort()}, username = "ann", password = "canary-proxy-password" }`;
    await setting.connect('behind', headerFile(site, { code: 'behind', further: proxy }));
    const { job, checks } = await tested('behind');
    expect(job).toMatchObject({ state: 'published', test: { failed: 1, failure: { code: 'proxy.unreachable' } } });
    const [failed] = checks.filter(({ status }) => status === 'fail');
    expect(failed?.advice).toMatch(/proxy\.(hostname|port)/);
    const after = checks.slice(checks.findIndex(({ status }) => status === 'fail') + 1);
    expect(after.length).toBeGreaterThan(4);
    expect(new Set(after.map(({ status }) => status))).toEqual(new Set(['skip']));
    expect(JSON.stringify([job, checks])).not.toContain('canary');
    expect(setting.pipe.agent.tail()).not.toContain('canary');
  });

  test('of one whose file was never good: the file is the check that fails', { timeout: 120_000 }, async () => {
    await setting.drop('broken.conf', headerFile(site, { code: 'broken', further: 'crawl.engine_sessions = 40' }));
    await setting.pipe.connection('broken', ({ status }) => status.state === 'error' && status.inForce === null);
    const { job, checks } = await tested('broken');
    expect(job).toMatchObject({ state: 'published', test: { passed: 0, failed: 1, failure: { check: 'file' } } });
    expect(checks[0]?.seen).toMatch(/broken\.conf.*crawl\.engine_sessions/s);
    expect(new Set(checks.slice(1).map(({ status }) => status))).toEqual(new Set(['skip']));
  });

  test('of one that is disabled', { timeout: 120_000 }, async () => {
    await setting.drop('off.conf', headerFile(site, { code: 'off', further: 'enabled = false' }));
    await setting.pipe.connection('off', ({ status }) => status.state === 'disabled');
    const { job } = await tested('off');
    expect(job).toMatchObject({ state: 'published', test: { failed: 0 } });
  });
});

describe('a slow site', () => {
  let slow: SimulatedSite;
  beforeAll(async () => {
    slow = await setting.site(12, 3);
    await setting.connect('slow', headerFile(slow, { code: 'slow' }));
  }, 120_000);

  test('is tested while its crawl runs; its checks are there before the test ends, and it can be cancelled', {
    timeout: 120_000,
  }, async () => {
    const { api } = setting.pipe;
    await slow.ask('/faults', { latencyMs: 2_000 });
    const crawl = await api.startCrawl('slow');
    await eventually(async () => (await api.job(crawl.id)).state === 'running');
    const { id } = await api.startTest('slow');
    const early = await eventually(async () => {
      const job = await api.job(id);
      return job.state === 'running' && (job.test?.passed ?? 0) >= 3 && job.progress?.current.length === 1 && job;
    });
    expect(early.progress?.current[0]).toMatch(/^connection\/[a-z_]+$/);
    expect((await api.checks(id)).length).toBeGreaterThanOrEqual(3);
    expect((await api.job(crawl.id)).state).toBe('running');
    for (const job of [id, crawl.id]) await api.call('POST', `/api/v1/jobs/${job}/cancel`);
    await slow.ask('/faults', { latencyMs: 0 });
    expect((await setting.pipe.follow(id)).state).toBe('cancelled');
    await setting.pipe.follow(crawl.id);
    expect((await api.checks(id)).length).toBeGreaterThanOrEqual(3);
  });

  test('an agent that is killed in the middle of a test does it again after its restart: one list, not two', {
    timeout: 180_000,
  }, async () => {
    const { pipe } = setting;
    // A connection of its own: one that was tested just now rests for a while first.
    await setting.connect('killed', headerFile(slow, { code: 'killed' }));
    await slow.ask('/faults', { latencyMs: 2_000 });
    const { id } = await pipe.api.startTest('killed');
    await eventually(async () => ((await pipe.api.job(id)).test?.passed ?? 0) >= 3);
    kill(pipe.agent.pid, 'SIGKILL');
    await pipe.agent.ended;
    expect((await pipe.api.job(id)).state).toBe('running');
    await slow.ask('/faults', { latencyMs: 0 });
    await pipe.restartAgent();
    const job = await pipe.follow(id, undefined, 150_000);
    expect(job).toMatchObject({ state: 'published', error: null, test: { failed: 0 } });
    const found = ids(await pipe.api.checks(id));
    expect(new Set(found).size).toBe(found.length);
    expect(found[0]).toBe('connection/file');
    expect(found.length).toBeGreaterThan(10);
  });
});
