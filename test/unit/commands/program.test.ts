import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamRecord } from '#protocol/records.ts';
import { connectionFile } from '#test/demo/connection-file.ts';
import { startSimulator } from '#test/simulator/simulator.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'agent', 'main.ts');

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const culvert = (...args: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const env = { ...process.env, CULVERT_ENROL_TOKEN: undefined };
    const child = execFile(process.execPath, [MAIN, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end();
  });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-commands-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('culvert crawl', () => {
  test('writes the records of a whole site to a file, with no catalog', async () => {
    await using simulator = await startSimulator({ seed: 5, apps: 4, folder });
    const file = join(folder, 'demo.conf');
    await writeFile(file, connectionFile(simulator.addresses));
    const out = join(folder, 'records.ndjson');
    const { code, stdout } = await culvert('crawl', file, '--out', out, '--json');
    expect(code).toBe(0);
    const summary = JSON.parse(stdout) as { records: number; appsTotal: number };
    expect(summary.appsTotal).toBe(4);
    const lines = (await readFile(out, 'utf8')).trimEnd().split('\n');
    const records = lines.map((line) => JSON.parse(line) as StreamRecord);
    // Every scope begins and ends; what is between is what the summary counts.
    const of = (t: StreamRecord['t']): StreamRecord[] => records.filter((record) => record.t === t);
    expect([of('scope').length, of('outcome').length]).toEqual([5, 5]);
    expect(records.length - 10).toBe(summary.records);
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    expect(await readFile(out, 'utf8')).not.toContain(simulator.addresses.header.headerValue);
  });

  test('says which file it cannot write, and what to do', async () => {
    await using simulator = await startSimulator({ seed: 5, apps: 1, folder });
    const file = join(folder, 'demo.conf');
    await writeFile(file, connectionFile(simulator.addresses));
    const { code, stderr } = await culvert('crawl', file, '--out', join(folder, 'nowhere', 'records.ndjson'));
    expect(code).toBe(7);
    expect(stderr).toContain('spool.failed');
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain('Choose a file that this user may write.');
  });
});

describe('culvert schema', () => {
  test('prints what editors check a file with', async () => {
    const connection = JSON.parse((await culvert('schema', 'connection')).stdout) as { $id: string };
    expect(connection.$id).toBe('urn:culvert:connection-file');
    const agent = JSON.parse((await culvert('schema', 'agent')).stdout) as { $id: string };
    expect(agent.$id).toBe('urn:culvert:agent-conf');
    expect(await culvert('schema', 'toString')).toMatchObject({ code: 2 });
  });
});

describe('culvert validate', () => {
  test('shows place, line and fix of a broken file, and ends with 1', async () => {
    const file = join(folder, 'broken.conf');
    await writeFile(file, 'name = "Qlik\ncode = x\n');
    const { code, stdout } = await culvert('validate', file);
    expect(code).toBe(1);
    expect(stdout).toMatch(/broken\.conf:1:\d+: error:/);
    expect(stdout).toContain('1 file, 1 error, 0 warnings');
  });

  test('prints a shape that programs can rely on', async () => {
    const own = await mkdtemp(join(folder, 'shape-'));
    await writeFile(join(own, 'a.conf'), 'name = Qlik\ncode = a\nconnector_id = "qlik-sense"\nconnection.url = 1\n');
    const { code, stdout } = await culvert('validate', own, '--json');
    expect(code).toBe(1);
    const report = JSON.parse(stdout) as { problems: unknown[] };
    expect(Object.keys(report)).toEqual(['version', 'files', 'errors', 'warnings', 'ok', 'connections', 'problems']);
    expect(report).toMatchObject({
      version: 1,
      files: 1,
      errors: 2,
      warnings: 0,
      ok: false,
      connections: [{ file: 'a.conf', code: 'a', name: 'Qlik', usable: false }],
    });
    expect(report.problems[1]).toMatchObject({
      severity: 'error',
      code: 'config.missing_key',
      file: 'a.conf',
      line: 4,
    });
  });

  test('fails for warnings only with --strict, and ends with 2 when there is nothing to check', async () => {
    const own = await mkdtemp(join(folder, 'strict-'));
    const file = join(own, 'a.conf');
    await writeFile(
      file,
      `name = Qlik\ncode = a\nconnector_id = "qlik-sense"\nconnection.url = "https://q.example.com"
connection.auth { key = X-Qlik-User, value = canary }\n`,
    );
    expect(await culvert('validate', file)).toMatchObject({ code: 0 });
    const strict = await culvert('validate', file, '--strict');
    expect(strict).toMatchObject({ code: 1 });
    expect(strict.stdout).toContain('which count, with --strict');
    expect(strict.stdout).not.toContain('canary');
    expect(await culvert('validate', join(own, 'none.conf'))).toMatchObject({ code: 2 });
    expect(await culvert('validate', '--wrong')).toMatchObject({ code: 2 });
  });

  test('of a folder names the files whose last extension Windows hid', async () => {
    const named = await mkdtemp(join(folder, 'named-'));
    await writeFile(join(named, 'qlik.conf.txt'), 'name = "Qlik"\n');
    const { stdout } = await culvert('validate', named);
    expect(stdout).toContain('qlik.conf.txt: warning: The name ends in .txt');
    expect(stdout).toContain('Rename it to qlik.conf.');
  });

  test('that finds no file says so', async () => {
    const { code, stderr } = await culvert('validate', join(folder, 'missing.conf'));
    expect(code).toBe(2);
    expect(stderr).toContain('config.unreadable');
  });
});

describe('culvert enroll', () => {
  const settings = async (): Promise<string> => {
    const file = join(folder, 'agent.conf');
    await writeFile(file, 'gateway.url = "ws://127.0.0.1:1"\n');
    return file;
  };

  test('without a token, or with a file that is not there, says what to do', async () => {
    const config = await settings();
    expect((await culvert('enroll', '--config', config)).stderr).toContain('config.missing_key');
    const missing = join(folder, 'no-token');
    const { code, stderr } = await culvert('enroll', '--config', config, '--token-file', missing);
    expect(code).toBe(4);
    expect(stderr).toContain('config.unreadable');
    expect(stderr.replaceAll(/\s+/g, '')).toContain(missing);
  });

  test('with a catalog that is not there names it, and does not show the token', async () => {
    const token = join(folder, 'token');
    await writeFile(token, 'canary-token');
    const { code, stderr } = await culvert('enroll', '--config', await settings(), '--token-file', token);
    expect(code).toBe(9);
    expect(stderr).toContain('bridge.unreachable: 127.0.0.1:1');
    expect(stderr).not.toContain('canary');
  });
});

test('culvert run before it was enrolled says so and ends', async () => {
  const config = join(folder, 'fresh.conf');
  await writeFile(config, 'gateway.url = "ws://127.0.0.1:1"\nstate = "fresh-state"\n');
  const { code, stderr } = await culvert('run', '--config', config);
  expect(code).toBe(5);
  expect(stderr).toContain('bridge.not_enrolled');
  expect(stderr).toContain('culvert enroll');
});

test('culvert run without settings says that they are to be written', async () => {
  const { code, stderr } = await culvert('run', '--config', join(folder, 'no-such.conf'));
  expect(code).toBe(4);
  expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(/^config\.unreadable: There is no .*Write it, with gateway\.url/);
});

test('an option that there is not ends with 2', async () => {
  const { code, stderr } = await culvert('run', '--colour');
  expect(code).toBe(2);
  expect(stderr).toContain('--colour');
});
