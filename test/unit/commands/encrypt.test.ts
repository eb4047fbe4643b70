import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectionFile } from '#test/demo/connection-file.ts';
import { startSimulator } from '#test/simulator/simulator.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'agent', 'main.ts');

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-encrypt-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const culvert = (stdin: string | Buffer, ...args: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...args], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end(stdin);
  });
/** The file of the demo with another value of the header. */
const withValue = (text: string, value: string): string =>
  text.replace(/auth\.value = """.*"""/, () => `auth.value = ${value}`);
const sealed = async (value: string): Promise<string> => {
  const { code, stdout, stderr } = await culvert(value, 'encrypt');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^encrypted:v1:[\w-]+\n$/);
  return stdout.trim();
};

describe('culvert encrypt', () => {
  test('prints what a connection takes in place of the secret, and a crawl opens it', async () => {
    await using simulator = await startSimulator({ seed: 5, apps: 1, folder });
    await writeFile(join(folder, 'agent.conf'), 'state = state\n');
    const value = simulator.addresses.header.headerValue;
    const encrypted = await sealed(`${value}\r\n`);
    await writeFile(join(folder, 'q.conf'), withValue(connectionFile(simulator.addresses), `"${encrypted}"`));
    const { code, stdout, stderr } = await culvert('', 'crawl', 'q.conf', '--out', 'out.ndjson', '--json');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ appsTotal: 1 });
    if (process.platform !== 'win32')
      expect((await stat(join(folder, 'state', 'secrets.key'))).mode & 0o777).toBe(0o600);
  });

  test('and a secret of the file of the secret manager, which agent.conf names, leads into the site', async () => {
    await using simulator = await startSimulator({ seed: 5, apps: 1, folder });
    await writeFile(
      join(folder, 'agent.conf'),
      'secret-manager { provider = file, key = qlik, configuration.file-path = secrets.conf }\n',
    );
    const encrypted = await sealed(simulator.addresses.header.headerValue);
    await writeFile(join(folder, 'secrets.conf'), `qlik { svc.user = "${encrypted}" }\n`, { mode: 0o600 });
    const reference = `$${'{secret_manager.svc.user}'}`;
    const text = withValue(connectionFile(simulator.addresses), reference);
    await writeFile(join(folder, 'q.conf'), `${text}secret_manager.enabled = true\n`);
    const valid = await culvert('', 'validate', 'q.conf');
    expect([valid.code, valid.stdout]).toEqual([0, '1 file, 0 errors, 0 warnings\n']);
    const crawled = await culvert('', 'crawl', 'q.conf', '--out', 'out.ndjson', '--json');
    expect([crawled.code, crawled.stderr]).toEqual([0, '']);
    const other = await culvert('', 'validate', 'q.conf', '--config', join(folder, 'nope.conf'));
    expect(other).toMatchObject({ code: 4, stderr: expect.stringContaining('config.unreadable') });
    // A file is looked at beside an agent.conf that is broken, unless that one was named.
    await writeFile(join(folder, 'agent.conf'), 'log.level = loud\n');
    const beside = await culvert('', 'validate', 'q.conf');
    expect(beside).toMatchObject({ code: 1, stderr: expect.stringContaining('agent.conf cannot be used') });
    expect(beside.stdout).toContain('secret_manager.enabled is true');
    expect((await culvert('', 'validate', 'q.conf', '--config', 'agent.conf')).stdout).toBe('');
  });

  test('works though agent.conf holds values that it cannot open, since that is when it is needed', async () => {
    await writeFile(
      join(folder, 'agent.conf'),
      'proxy { hostname = p, port = 1, username = u, password = "encrypted:v1:AAAA" }\n',
    );
    await sealed('canary');
  });

  test('prints with --for what another connection cannot use', async () => {
    await writeFile(join(folder, 'agent.conf'), '');
    const { stdout } = await culvert('canary', 'encrypt', '--for', 'mine');
    const file = (code: string): string =>
      `name = Q, connector_id = qlik-sense, code = ${code}, connection { url = "https://q.example.com/vp", auth { key = X-User, value = "${stdout.trim()}" } }`;
    await writeFile(join(folder, 'a.conf'), file('mine'), { mode: 0o600 });
    await writeFile(join(folder, 'b.conf'), file('yours'), { mode: 0o600 });
    expect(await culvert('', 'validate', 'a.conf')).toMatchObject({ code: 0, stderr: '' });
    if (process.platform !== 'win32') {
      await chmod(join(folder, 'agent.conf'), 0o666);
      const strict = await culvert('', 'validate', 'a.conf', '--strict');
      expect([strict.code, strict.stdout.includes('may write agent.conf')]).toEqual([1, true]);
    }
    const other = await culvert('', 'validate', 'b.conf');
    expect(other.code).toBe(1);
    expect(other.stdout).toContain('encrypted for another connection');
    expect(other.stdout).not.toContain('canary');
  });

  test('refuses what cannot be meant, and repeats nothing of it', async () => {
    await writeFile(join(folder, 'agent.conf'), '');
    for (const [stdin, message, expected] of [
      ['\n', 'no value', 2],
      [Buffer.from([0xe9, 0x63]), 'not UTF-8', 4],
      ['canary'.repeat(20_000), 'larger than 64 KiB', 4],
    ] as const) {
      const { code, stdout, stderr } = await culvert(stdin, 'encrypt');
      expect([code, stdout]).toEqual([expected, '']);
      expect(stderr).toContain(message);
      expect(stderr).not.toContain('canary');
    }
    expect(await culvert('canary', 'encrypt', '--config', 'nope.conf')).toMatchObject({ code: 4, stdout: '' });
    expect((await culvert('', 'encrypt', 'canary')).code).toBe(2);
    const audit = await culvert('', 'audit', '--since', 'yesterday');
    expect(audit.code).toBe(2);
    expect(audit.stderr).toContain('--since yesterday is no time');
  });

  test.skipIf(process.platform === 'win32')('does not use a key that others may read', async () => {
    await writeFile(join(folder, 'agent.conf'), '');
    await sealed('canary');
    const key = join(folder, 'state', 'secrets.key');
    await chmod(key, 0o644);
    const before = await readFile(key);
    const { code, stderr } = await culvert('canary', 'encrypt');
    expect(code).toBe(4);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain('chmod 600');
    expect(await readFile(key)).toEqual(before);
  });

  test.runIf(process.getuid?.() === 0)('by root makes nothing in the state folder of the agent', async () => {
    await writeFile(join(folder, 'agent.conf'), '');
    await writeFile(join(folder, 'q.conf'), 'name = Q\n');
    await mkdir(join(folder, 'state'));
    await chown(join(folder, 'state'), 12_345, 12_345);
    const encrypted = await culvert('canary', 'encrypt');
    expect(encrypted.code).toBe(4);
    expect(encrypted.stderr.replaceAll(/\s+/g, ' ')).toContain("sudo -u '#12345'");
    const examined = await culvert('', 'doctor', 'q.conf');
    expect(examined.stderr).toContain('No sessions are kept in the state folder');
    expect(await readdir(join(folder, 'state'))).toEqual([]);
  });
});
