import { execFile } from 'node:child_process';
import { appendFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { strFromU8, unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SimulatedSite } from '../../demo/site.ts';
import { headerFile, Setting } from './setting.ts';

const run = promisify(execFile);
const AGENT = join(import.meta.dirname, '..', '..', '..', 'agent', 'main.ts');
let setting: Setting;
let site: SimulatedSite;

beforeAll(async () => {
  setting = await Setting.make();
  site = await setting.site(5, 3);
  await setting.connect('prod', headerFile(site, { code: 'prod' }));
  await setting.pipe.crawl('prod');
}, 180_000);
afterAll(() => setting?.[Symbol.asyncDispose]());

interface Made {
  readonly files: Readonly<Record<string, string>>;
  readonly stdout: string;
  readonly mode: number;
}

const bundle = async (env: Record<string, string>, ...args: string[]): Promise<Made> => {
  const out = join(setting.folder, 'bundle.zip');
  await rm(out, { force: true });
  const { stdout } = await run(
    process.execPath,
    [AGENT, 'support-bundle', '--config', join(setting.folder, 'agent.conf'), '--out', out, ...args],
    { env: { ...process.env, ...env } },
  );
  const files = Object.fromEntries(
    Object.entries(unzipSync(new Uint8Array(await readFile(out)))).map(([name, bytes]) => [
      name.slice(name.indexOf('/') + 1),
      strFromU8(bytes),
    ]),
  );
  return { files, stdout, mode: (await stat(out)).mode & 0o777 };
};

const results = ({ files }: Made) =>
  JSON.parse(files['task-result.json'] ?? '') as {
    collector: string;
    ok: boolean;
    durationMs: number;
    leftOut: string[];
  }[];

test('a bundle holds what helps, and no secret of any file, log, key or variable', { timeout: 180_000 }, async () => {
  const state = join(setting.folder, 'state');
  const log = join(state, 'logs', 'agent.log');
  await writeFile(join(setting.folder, 'token.txt'), 'canary-in-a-secret-file');
  await setting.drop(
    'broken.conf',
    'name = "broken"\ncode = "broken"\nconnection.auth { type = windows, password = "canary-in-a-broken-file\n',
  );
  await setting.drop(
    'odd.conf',
    headerFile(site, {
      code: 'odd',
      further: `# canary-in-a-comment
pasword = "canary-under-a-misspelt-key"
description = "canary-under-a-misspelt-key stands here, too"
proxy { scheme = http, hostname = "proxy.example", port = 1, username = u, password = "file:../token.txt" }
enabled = false`,
    }),
  );
  await setting.drop(
    'env.conf',
    headerFile(site, { code: 'env', further: `proxy.password = \${?CANARY_PASSWORD}\nenabled = false` }),
  );
  const secret = site.addresses.header.headerValue;
  await appendFile(
    log,
    `${[
      { level: 30, msg: `said ${secret}` },
      { level: 30, msg: `said canary-in-a-secret-file and ${encodeURIComponent('canary in the environment!')}` },
      { level: 30, msg: `Basic ${Buffer.from('user:canary-in-a-secret-file').toString('base64')}` },
      { level: 30, headers: { authorization: 'canary-under-a-key-of-the-log' }, msg: 'x' },
    ]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join('')}canary-in-a-line-that-is-no-json\n`,
  );
  const made = await bundle({ CANARY_PASSWORD: 'canary in the environment!' });
  const all = Object.entries(made.files)
    .map(([name, text]) => `${name}\n${text}`)
    .join('\n');
  expect(all.match(/.{0,60}canary[ -](?:in|under).{0,40}/i)?.[0]).toBeUndefined();
  expect(all).not.toContain('canary%20in');
  expect(all).not.toContain(Buffer.from('canary-in-a-secret').toString('base64').slice(4, 20));
  expect(all).not.toContain(secret);
  const { privateKey } = JSON.parse(await readFile(join(state, 'identity.json'), 'utf8')) as { privateKey: string };
  for (const line of privateKey.split('\n').filter((text) => text.length > 20 && !text.includes('-----')))
    expect(all).not.toContain(line);
  expect(all).not.toContain('PRIVATE KEY');
  expect(all).not.toContain((await readFile(join(state, 'secrets.key'), 'utf8')).trim());

  // And what helps is there.
  expect(made.mode).toBe(0o600);
  expect(Object.keys(made.files).sort()).toEqual([
    'audit.ndjson',
    'config/agent.conf.txt',
    'config/connections/env.conf.txt',
    'config/connections/odd.conf.txt',
    'config/connections/prod.conf.txt',
    'connections.json',
    'doctor.json',
    'identity.json',
    'logs/agent.log',
    'metrics.txt',
    'settings-problems.json',
    'spool.json',
    'status.json',
    'status.txt',
    'system.json',
    'task-result.json',
  ]);
  expect(made.files['config/connections/prod.conf.txt']).toContain('connection.auth.value = [redacted]');
  expect(made.files['config/connections/prod.conf.txt']).toContain(`connection.url = "${site.addresses.header.url}"`);
  expect(made.files['config/agent.conf.txt']).toContain('gateway.url = "ws://127.0.0.1');
  expect(made.files['logs/agent.log']).toContain('agent started');
  expect(made.files['status.txt']).toContain('running');
  expect(made.files['metrics.txt']).toContain('culvert_agent_ready 1');
  expect(made.files['system.json']).toContain('CANARY_PASSWORD');
  expect(JSON.parse(made.files['doctor.json'] ?? '')).toMatchObject({ connections: expect.any(Array) });
  const tasks = results(made);
  expect(
    tasks.every(({ ok }) => ok),
    JSON.stringify(tasks),
  ).toBe(true);
  expect(tasks.flatMap(({ leftOut }) => leftOut).join('\n')).toMatch(
    /broken\.conf: it cannot be parsed[\s\S]*agent\.log: 1 lines that cannot be parsed/,
  );
  expect(made.stdout).toContain('Nothing was sent');
  expect(Math.max(...made.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  // The machine's owner finds it in the audit log, into which the running agent takes it.
  await expect
    .poll(
      async () =>
        (await run(process.execPath, [AGENT, 'audit', '--json', '--config', join(setting.folder, 'agent.conf')]))
          .stdout,
      { timeout: 60_000 },
    )
    .toContain('supportBundle');
});

test('a bundle is made of an agent that is down, too, and over no file that is there', {
  timeout: 60_000,
}, async () => {
  await setting.pipe.agent[Symbol.asyncDispose]();
  const made = await bundle({}, '--no-doctor');
  expect(made.files['status.txt']).toContain('not running');
  expect(made.files['doctor.json']).toBeUndefined();
  expect(made.files['metrics.txt']).toBeUndefined();
  const again = run(process.execPath, [
    AGENT,
    'support-bundle',
    '--no-doctor',
    '--config',
    join(setting.folder, 'agent.conf'),
    '--out',
    join(setting.folder, 'bundle.zip'),
  ]);
  await expect(again).rejects.toMatchObject({ code: 4, stderr: expect.stringContaining('EEXIST') });
});
