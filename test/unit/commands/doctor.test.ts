import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHECK_IDS, CheckRecord, LINK_CHECK_IDS } from '#protocol/checks.ts';
import { connectionFile } from '#test/demo/connection-file.ts';
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'agent', 'main.ts');

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
let site: Simulator;
/** A folder of an agent with one healthy and one broken connection, and a catalog where there is none. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-doctor-'));
  site = await startSimulator({ seed: 5, apps: 4, folder });
  await mkdir(join(folder, 'connections'));
  const healthy = connectionFile(site.addresses);
  await writeFile(join(folder, 'connections', 'good.conf'), healthy);
  await writeFile(
    join(folder, 'connections', 'wrong.conf'),
    healthy.replace(/^code = .*$/m, 'code = "wrong"').replace(/^tls[^}]*\}$/m, ''),
  );
  await writeFile(
    join(folder, 'agent.conf'),
    'gateway.url = "ws://127.0.0.1:9"\nconnections = "connections"\nstate = "state"\n',
  );
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const doctor = (...args: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'doctor', ...args], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });

test('a file by its path, without any settings of an agent: one screen, exit code 0', async () => {
  const alone = join(folder, 'alone');
  await mkdir(alone);
  const file = join(alone, 'site.conf');
  await writeFile(file, await readFile(join(folder, 'connections', 'good.conf')));
  const ran = await new Promise<Ran>((resolve) => {
    execFile(process.execPath, [MAIN, 'doctor', file], { cwd: alone }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(ran.stdout).toMatch(/^PASS {2}/);
  expect(ran.stdout).not.toContain('\u001b');
  expect(Math.max(...ran.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('without a code: every connection and the link; the JSON says what failed first, exit code 1', async () => {
  const { code, stdout } = await doctor('--json');
  expect(code).toBe(1);
  const { connections, link } = JSON.parse(stdout) as {
    connections: { code: string; ok: boolean; verdict: { check: string } | null; checks: CheckRecord[] }[];
    link: { ok: boolean; verdict: object; checks: CheckRecord[] };
  };
  expect(connections.map(({ code: name, ok, verdict }) => [name, ok, verdict?.check])).toEqual([
    [expect.any(String), true, undefined],
    ['wrong', false, 'tls'],
  ]);
  for (const { checks } of connections) expect(checks.map(({ check }) => check)).toEqual(CHECK_IDS);
  expect(link).toMatchObject({ ok: false, verdict: { check: 'tcp', code: 'network.refused' } });
  expect(link.checks.map(({ check }) => check)).toEqual(LINK_CHECK_IDS);
  for (const record of [...connections.flatMap(({ checks }) => checks), ...link.checks])
    expect(CheckRecord.parse(record)).toEqual(record);
});

test('what is missing to trust a server is saved for a review, and no file is overwritten', async () => {
  const file = join(folder, 'missing.pem');
  const first = await doctor('wrong', '--save-ca', file);
  expect(first.code).toBe(1);
  expect(first.stdout.replaceAll(/\s+/g, ' ')).toContain(`then write into wrong.conf: tls.truststore.path = "${file}"`);
  const saved = await readFile(file, 'utf8');
  expect(saved).toMatch(/^# CHECK WITH YOUR ADMINISTRATOR/);
  expect(saved).toContain(site.pki.rootPem.trim());
  const second = await doctor('wrong', '--save-ca', file);
  expect(second.stderr.replaceAll(/\s+/g, ' ')).toContain('is there already');
  expect(await readFile(file, 'utf8')).toBe(saved);
  // And it is what was missing.
  await writeFile(
    join(folder, 'mended.conf'),
    `${await readFile(join(folder, 'connections', 'wrong.conf'), 'utf8')}\ntls.truststore.path = "${file}"\n`,
  );
  expect((await doctor(join(folder, 'mended.conf'))).code).toBe(0);
});

test('authorities of two places are never saved into one file; one connection alone is, and the link alone is looked at', async () => {
  const other = join(folder, 'connections', 'other.conf');
  const text = await readFile(join(folder, 'connections', 'wrong.conf'), 'utf8');
  await writeFile(other, text.replace(/^code = .*$/m, 'code = "other"'));
  const file = join(folder, 'both.pem');
  try {
    const both = await doctor('--save-ca', file);
    expect(both.code).toBe(1);
    expect(both.stdout).toContain('Nothing was saved');
    for (const name of ['other', 'wrong'])
      expect(both.stdout).toContain(`  tls.truststore.path of connections/${name}.conf\n`);
    expect(both.stdout).toContain('culvert doctor --link --save-ca');
    await expect(readFile(file)).rejects.toThrow('ENOENT');
    expect((await doctor('other', '--save-ca', file)).stdout).toContain('write into other.conf');
    expect(await readFile(file, 'utf8')).toContain(site.pki.rootPem.trim());
  } finally {
    await rm(other);
  }
});

test('--link without a code looks at the link alone, and says where the trust for it belongs', async () => {
  const config = join(folder, 'untrusted.conf');
  const { origin } = new URL(site.addresses.header.url);
  await writeFile(
    config,
    `gateway.url = "${origin.replace('https', 'wss')}"\nconnections = "connections"\nstate = "state"\n`,
  );
  const file = join(folder, 'link.pem');
  const { code, stdout } = await doctor('--link', '--config', config, '--save-ca', file);
  expect(code).toBe(1);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`then write into untrusted.conf: tls.truststore.path = "${file}"`);
  expect(stdout).not.toContain('wrong');
  const json = JSON.parse((await doctor('--link', '--config', config, '--json')).stdout) as { connections: unknown[] };
  expect(json.connections).toEqual([]);
  expect(await readFile(file, 'utf8')).toContain(site.pki.rootPem.trim());
});

test('a code that no file has, a folder without settings and a wrong option are wrong usage or say what to do', async () => {
  const unknown = await doctor('nobody');
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toContain('There are: ');
  expect(unknown.stderr).toContain('wrong');
  expect((await doctor('--timeout', 'soon')).code).toBe(2);
  expect((await doctor('--sprout')).code).toBe(2);
});

test('--rules prints what the QMC needs, for the user that the site named', async () => {
  const { code, stdout } = await doctor('wrong', '--rules');
  expect(code).toBe(1);
  expect(stdout).toContain('QMC > Security rules');
  expect(stdout).toContain('QMC > Virtual proxies > "header"');
});
