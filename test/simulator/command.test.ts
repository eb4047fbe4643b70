import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Addresses } from './simulator.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'simulator-command-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const start = (...flags: string[]): ChildProcess =>
  spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--folder', folder, ...flags], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });

/** The line of JSON; rejects with what the command complained of when it ends before. */
const ready = async (child: ChildProcess): Promise<Addresses & { ready: boolean }> => {
  let complaints = '';
  child.stderr?.on('data', (data: Buffer) => {
    complaints += data.toString();
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const line = once(lines, 'line').then(([text]) => String(text));
  const end = once(child, 'exit').then(() => Promise.reject(new Error(complaints)));
  return JSON.parse(await Promise.race([line, end])) as Addresses & { ready: boolean };
};

const getAbout = (addresses: Addresses): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const token = readFileSync(addresses.jwt.tokenPath, 'utf8');
    const headers = { Authorization: `Bearer ${token}`, 'X-Qlik-Xrfkey': 'abcdefghijklmnop' };
    const ca = readFileSync(addresses.certificates.rootPath, 'utf8');
    request(`${addresses.jwt.url}/qrs/app/count?xrfkey=abcdefghijklmnop`, { headers, ca }, (response) => {
      let text = '';
      response.on('data', (data: Buffer) => {
        text += data.toString();
      });
      response.on('end', () => resolve(JSON.parse(text)));
    })
      .on('error', reject)
      .end();
  });

describe('the command', () => {
  it('prints where everything is, serves it, and ends on SIGTERM', async () => {
    const child = start('--seed', '7', '--apps', '9', '--profile', 'may2025', '--http-port', '0');
    const addresses = await ready(child);
    expect(addresses).toMatchObject({ ready: true, seed: 7, profile: 'may-2025', user: { directory: 'CORP' } });
    const { clientPath, clientKeyPath, rootPath, pfxPath } = addresses.certificates;
    for (const path of [clientPath, clientKeyPath, rootPath, pfxPath]) expect(existsSync(path)).toBe(true);
    expect(await getAbout(addresses)).toEqual({ value: 9 });
    const control = async (path: string, init?: RequestInit): Promise<Record<string, unknown>> =>
      (await (await fetch(`${addresses.controlUrl}${path}`, init)).json()) as Record<string, unknown>;
    const post = (path: string, body: unknown) => control(path, { method: 'POST', body: JSON.stringify(body) });
    expect((await control('/truth'))['assets']).toMatchObject({ site: 1, app: 9 });
    expect(await control('/record')).toMatchObject({ opens: 0, http: { 'GET /qrs/app/count': { count: 1 } } });
    expect((await control('/lower-bound?sessions=2'))['seconds']).toBeGreaterThan(0);
    expect(await post('/faults', { saturated: true })).toMatchObject({ saturated: true });
    expect(await post('/faults', { saturatedd: true })).toHaveProperty('error');
    const [app] = (await control('/apps')) as unknown as { id: string }[];
    expect(await post('/mutate', { action: 'delete', appId: app?.id })).toEqual({ done: true });
    expect((await post('/mutate', { action: 'delete', appId: app?.id }))['error']).toContain(app?.id);
    expect(await getAbout(addresses)).toEqual({ value: 8 });
    expect((await control('/record', { method: 'DELETE' }))['requests']).toBe(0);
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(0);
  });

  it('ends when its input does', async () => {
    const child = start('--apps', '4', '--service-time', '--faults', '{"fullCap":2}');
    await ready(child);
    child.stdin?.end();
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(0);
  });

  it('takes what goes wrong as flags', async () => {
    const child = start(
      ...[
        '--apps',
        '4',
        '--certificate',
        'missing-intermediate',
        '--identity-provider',
        'saml',
        '--clock-skew',
        '-600000',
      ],
      ...[
        '--down',
        'engine',
        '--allow-host',
        'qlik.example.test',
        '--windows-offers',
        'kerberos',
        '--no-windows-forms',
      ],
      ...['--windows-pattern', 'Agent', '--windows-binding', '--windows-accounts', 'locked'],
    );
    const { controlUrl } = await ready(child);
    expect(await (await fetch(`${controlUrl}/faults`)).json()).toMatchObject({
      clockSkewMs: -600_000,
      servicesDown: ['engine'],
      allowedHosts: ['qlik.example.test'],
      allowedOrigins: ['qlik.example.test'],
      windowsAccounts: 'locked',
    });
    child.stdin?.end();
    await once(child, 'exit');
  });

  it.each([
    [['--clock-skew', 'soon'], 'a whole number'],
    [['--certificate', 'good'], 'missing-intermediate'],
    [['--faults', '{"csrfToken":"lost"}'], 'csrfToken'],
    [['--profile', 'may-2031'], 'june-2018, february-2019'],
    [['--apps', 'many'], 'a whole number'],
    [['--faults', '[]'], 'a JSON object'],
    [['--faults', '{"latency":5}'], 'latencyMs'],
    [['--switches', '{"fullcap":5}'], 'fullCap'],
    [['--user', 'nobody'], 'directory\\user'],
  ])('says what is wrong with %j', async (flags, complaint) => {
    const child = start(...flags);
    await expect(ready(child)).rejects.toThrow(complaint);
  });
});
