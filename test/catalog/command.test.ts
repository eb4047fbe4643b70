import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const main = join(import.meta.dirname, '../../catalog/main.ts');
const env = { ...process.env, DATABASE_URL: '' };

let folder: string;
let data: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-test-'));
  chmodSync(folder, 0o711);
  data = join(folder, 'data');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (...args: string[]) => promisify(execFile)(process.execPath, [main, ...args], { env });

const serve = async () => {
  const child = spawn(process.execPath, [main, 'serve', '--data', data, '--port', '0', '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    ready: JSON.parse(line) as { ready: boolean; address: string; gateway: string },
    log: () => log,
    stop: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = await gone;
      return code as number | null;
    },
  };
};

test('serve, add a user, make tokens, log in; stop; all is there at the next start', async () => {
  const first = await serve();
  expect(first.ready).toEqual({
    ready: true,
    address: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    gateway: expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+$/),
  });
  const { stdout: link } = await run('user', 'add', '--data', data, '--email', 'ann@example.com', '--one-time-login');
  const url = new URL(link.trim().split('\n').at(-1) ?? '');
  expect(url.origin + url.pathname).toBe(`${first.ready.address}/login`);
  const oneTimeToken = new URLSearchParams(url.hash.slice(1)).get('token') ?? '';
  const { stdout: made } = await run('token', 'create', '--data', data, '--api');
  const { stdout: enrolment } = await run('token', 'create', '--data', data, '--enrolment');
  expect([made, enrolment]).toEqual([expect.stringMatching(/^cva_\S{43}\n$/), expect.stringMatching(/^cve_\S{43}\n$/)]);
  const me = async (address: string) =>
    (await fetch(`${address}/api/v1/me`, { headers: { authorization: `Bearer ${made.trim()}` } })).json();
  expect(await me(first.ready.address)).toMatchObject({ user: { email: 'ann@example.com' } });
  const login = await fetch(`${first.ready.address}/api/v1/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ oneTimeToken }),
  });
  expect(login.status).toBe(200);
  expect(await first.stop()).toBe(0);
  for (const secret of [oneTimeToken, made.trim(), enrolment.trim()]) expect(first.log()).not.toContain(secret);

  // Without a running catalog the commands start the database for as long as they take.
  const { stdout: path } = await run('user', 'add', '--data', data, '--email', 'bob@example.com', '--one-time-login');
  expect(path).toMatch(/put the address of the catalog before it:\n\/login#token=\S+\n$/);
  const second = await serve();
  expect(await me(second.ready.address)).toMatchObject({ user: { email: 'ann@example.com' } });
  expect(await second.stop()).toBe(0);
});

test('what is wrong is said in one line, with what to do, and nothing else', async () => {
  const failing = async (...args: string[]): Promise<{ code: number; stderr: string }> => {
    try {
      await run(...args);
    } catch (error) {
      return error as { code: number; stderr: string };
    }
    throw new Error('it should have failed');
  };
  const open = await failing('serve', '--data', data, '--host', '0.0.0.0', '--port', '0', '--log-level', 'silent');
  expect(open.code).toBe(1);
  expect(open.stderr).toMatch(/^catalog\.unavailable: Listening on 0\.0\.0\.0 without TLS.*\nGive --tls-cert/);
  const what = await failing('token', 'create', '--data', data);
  expect(what.stderr).toBe(
    'config.missing_key: What is the token for?\nGive --enrolment (for one agent) or --api (for a program).\n',
  );
  const nobody = await failing('user', 'add', '--data', data, '--email', 'nonsense', '--one-time-login');
  expect(nobody.stderr).toMatch(/^config\.invalid: nonsense is not an e-mail address\n/);
});

test.each([
  ['nonsense', 'config.invalid: DATABASE_URL is not the address of a PostgreSQL database\n'],
  [
    'postgres://culvert:canary-secret@[bad/x',
    'config.invalid: DATABASE_URL is not the address of a PostgreSQL database\n',
  ],
  [
    'postgres://culvert:canary-secret@127.0.0.1:1/x',
    'catalog.unavailable: The database cannot be used: connect ECONNREFUSED',
  ],
])('a DATABASE_URL that cannot be used is no defect of Culvert: %s', async (DATABASE_URL, said) => {
  const failed = promisify(execFile)(process.execPath, [main, 'serve', '--port', '0', '--log-level', 'warn'], {
    env: { ...env, DATABASE_URL },
  });
  const { stderr } = await failed.catch((error: { stderr: string }) => error);
  expect(stderr.startsWith(said), stderr).toBe(true);
  expect(stderr).not.toContain('canary');
});
