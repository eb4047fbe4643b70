import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Counts, Job } from '#catalog/api/contract.ts';
import { headerFile, Setting } from '#test/catalog/pipe/setting.ts';
import type { SimulatedSite } from '#test/demo/site.ts';

let setting: Setting;
let site: SimulatedSite;
let before: Counts;
const CODE = 'good';

beforeAll(async () => {
  setting = await Setting.make();
  site = await setting.site(5, 5);
  await setting.connect(CODE, headerFile(site, { code: CODE }));
  expect((await setting.pipe.crawl(CODE)).state).toBe('published');
  before = await setting.pipe.api.counts(CODE);
}, 180_000);
afterAll(() => setting?.[Symbol.asyncDispose]());

/** Puts another version of the file into force, crawls, and puts the good one back. */
const crawlWith = async (text: string): Promise<Job> => {
  const { pipe } = setting;
  const { status } = await pipe.connection(CODE, () => true);
  await setting.drop(`${CODE}.conf`, text);
  await pipe.connection(CODE, (now) => now.status.inForce !== status.inForce);
  const job = await pipe.crawl(CODE);
  await setting.drop(`${CODE}.conf`, headerFile(site, { code: CODE }));
  await pipe.connection(CODE, (now) => now.status.inForce === status.inForce);
  return job;
};

/** One clear message with code and advice, on the API and in the agent's log; what was published is untouched. */
const expectFailure = async (job: Job, code: string): Promise<void> => {
  expect(job).toMatchObject({ state: 'failed', error: { code } });
  expect(job.error?.message.length).toBeGreaterThan(10);
  expect(job.error?.advice.length).toBeGreaterThan(10);
  expect(setting.pipe.agent.tail()).toContain(code);
  expect(await setting.pipe.api.counts(CODE)).toEqual(before);
};

const certificates = (): string => site.addresses.certificates.rootPath;

test('a wrong token', async () => {
  const job = await crawlWith(`name = "x"
code = "${CODE}"
connector_id = "qlik-sense"
connection { url = "${site.addresses.jwt.url}", auth { type = "jwt", token = "eyJhbGciOiJSUzI1NiJ9.e30.bm90LXNpZ25lZA" } }
tls.truststore { path = "${certificates()}", type = "PEM" }
`);
  await expectFailure(job, 'qlik.unauthorized');
});

test('a prefix without any authentication leads to the login page', async () => {
  const text = headerFile(site, { code: CODE }).replace(site.addresses.header.url, site.addresses.proxyUrl);
  await expectFailure(await crawlWith(text), 'qlik.login_page');
});

test('an unreachable Qlik', { timeout: 60_000 }, async () => {
  // A port that was free a moment ago.
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  const url = site.addresses.header.url.replace(/:\d+/, `:${port}`);
  const { pipe } = setting;
  const good = headerFile(site, { code: CODE });
  await setting.drop(`${CODE}.conf`, good.replace(site.addresses.header.url, url));
  await pipe.connection(CODE, ({ status }) => status.url?.includes(`:${port}`) === true);
  const { id } = await pipe.api.startCrawl(CODE);
  // It may pass, so the job is tried again by itself; until then the page shows why it waits.
  let job = await pipe.api.job(id);
  for (const end = Date.now() + 30_000; job.error === null && Date.now() < end; ) job = await pipe.api.job(id);
  expect(job).toMatchObject({ state: 'queued', error: { code: 'network.refused', retryable: true } });
  expect(job.error?.message).toContain(String(port));
  expect(pipe.agent.tail()).toContain('network.refused');
  expect(await pipe.api.counts(CODE)).toEqual(before);
  await setting.drop(`${CODE}.conf`, good);
  expect((await pipe.follow(id)).state).toBe('published');
});

test('an expired certificate', async () => {
  const expired = await setting.site(5, 5, ['--certificate', 'expired']);
  await expectFailure(await crawlWith(headerFile(expired, { code: CODE })), 'tls.expired');
});

test('a certificate of an authority that is not trusted', async () => {
  const text = headerFile(site, { code: CODE }).replace(/^tls\.truststore.*$/m, '');
  await expectFailure(await crawlWith(text), 'tls.untrusted');
});

test('an unknown connection', async () => {
  await expect(setting.pipe.api.startCrawl('nowhere')).rejects.toThrow(/404.*"advice":/);
});

test('a wrong password and a wrong API token', async () => {
  const { address } = setting.pipe.api;
  const login = await fetch(`${address}/api/v1/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'demo@culvert.example', password: 'not the password' }),
  });
  expect(login.status).toBe(401);
  expect(await login.json()).toMatchObject({ message: expect.any(String), advice: expect.any(String) });
  const call = await fetch(`${address}/api/v1/connections`, { headers: { authorization: 'Bearer nothing' } });
  expect(call.status).toBe(401);
});

describe('a broken file', () => {
  test('names file, line, column and the fix, and the last good version keeps working', async () => {
    const { pipe } = setting;
    const good = headerFile(site, { code: CODE });
    await setting.drop(`${CODE}.conf`, good.replace(/auth\.value = .*/, 'auth.value = "CORP\\user1"'));
    const broken = await pipe.connection(CODE, ({ status }) => status.state === 'error');
    expect(broken.status.inForce).not.toBeNull();
    expect(broken.status.problems[0]).toMatchObject({
      severity: 'error',
      file: `${CODE}.conf`,
      line: 7,
      column: expect.any(Number),
      advice: expect.stringContaining('two backslashes'),
    });
    expect((await pipe.crawl(CODE)).state).toBe('published');
    expect(await pipe.api.counts(CODE)).toEqual(before);
    await setting.drop(`${CODE}.conf`, good);
    await pipe.connection(CODE, ({ status }) => status.state === 'ready' && status.problems.length === 0);
  });

  test('that never worked is shown all the same', async () => {
    await setting.drop('new.conf', 'name = "never\n');
    const end = Date.now() + 20_000;
    const path = '/api/v1/connections';
    type Listed = { broken: { status: { file: string; problems: { line?: number; advice: string }[] } }[] };
    let broken: Listed['broken'] = [];
    while (broken.length === 0 && Date.now() < end) ({ broken } = await setting.pipe.api.get<Listed>(path));
    expect(broken[0]?.status).toMatchObject({ file: 'new.conf', problems: [{ line: 1 }] });
    await rm(join(setting.pipe.connections, 'new.conf'));
  });
});

test('a removed file leaves its assets; the connection is absent and takes no jobs', async () => {
  const { pipe } = setting;
  await rm(join(pipe.connections, `${CODE}.conf`));
  await pipe.connection(CODE, ({ status }) => status.state === 'absent');
  await expect(pipe.api.startCrawl(CODE)).rejects.toThrow(/"advice":/);
  expect(await pipe.api.counts(CODE)).toEqual(before);
  await setting.connect(CODE, headerFile(site, { code: CODE }));
});

test('no secret of the connection files is in a log or in what the agent keeps', async () => {
  const value = site.addresses.header.headerValue;
  expect(setting.pipe.agent.tail()).not.toContain(value);
  const kept = await readFile(join(setting.folder, 'state', 'connections.json'), 'utf8');
  expect(kept).not.toContain(value);
});
