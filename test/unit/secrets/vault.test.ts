// Plays what HashiCorp Vault answered (see vault/README.md). With CULVERT_TEST_VAULT (its address), _TOKEN (root) and
// _UNSEAL (the key) the same tests run against a live one and record it anew.
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { Dialer } from '#agent/network/dialer.ts';
import { openSecretManager } from '#agent/secrets/open.ts';
import { Secret } from '#config/secret.ts';
import type { SecretManager, SecretManagerSettings, VaultLogin } from '#config/secrets/manager.ts';
import { DIRECT, faultIn, fieldsIn, Machine, reasonIn } from './machine.ts';
import { Transcript } from './transcript.ts';

const LIVE = process.env['CULVERT_TEST_VAULT'];
const ROOT = process.env['CULVERT_TEST_VAULT_TOKEN'] ?? '';

/** What an administrator does at the live server; nothing when transcripts are played. */
const admin = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
  if (LIVE === undefined) return {};
  const reply = await fetch(`${LIVE}/v1/${path}`, {
    method,
    headers: { 'x-vault-token': ROOT },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
  const text = await reply.text();
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
};

const policy = (name: string, text: string): Promise<unknown> =>
  admin('PUT', `sys/policies/acl/${name}`, { policy: text });
const READ_ALL = `path "kv/data/*" { capabilities = ["read"] }\npath "old/*" { capabilities = ["read"] }\n`;

beforeAll(async () => {
  if (LIVE === undefined) return;
  const mounted = (await admin('GET', 'sys/mounts'))['data'] as Record<string, unknown>;
  for (const path of ['kv', 'old']) if (`${path}/` in mounted) await admin('DELETE', `sys/mounts/${path}`);
  await admin('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } });
  await admin('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } });
  if (!('approle/' in ((await admin('GET', 'sys/auth'))['data'] as object)))
    await admin('POST', 'sys/auth/approle', { type: 'approle' });
  await policy('reader', READ_ALL);
  await policy('blind', `${READ_ALL}path "sys/internal/ui/mounts/*" { capabilities = ["deny"] }`);
  await policy('other', 'path "kv/data/other/*" { capabilities = ["read"] }');
  await admin('POST', 'auth/approle/role/agent', { token_policies: 'reader', token_ttl: '1h', token_max_ttl: '4h' });
  const data = { username: 'canary-user', password: 'canary-password', port: 4242, tls: { verify: true } };
  // A mount of version 2 is upgraded in the background.
  await vi.waitFor(() => admin('POST', 'kv/data/qlik/prod', { data }), { timeout: 30_000, interval: 200 });
  await admin('POST', 'old/qlik/prod', { username: 'canary-user', password: 'canary-password' });
});

type VaultSettings = Extract<SecretManagerSettings, { provider: 'vault' }>;

interface Stage extends AsyncDisposable {
  readonly transcript: Transcript;
  readonly machine: Machine;
  open(login: VaultLogin, more?: Partial<VaultSettings>): SecretManager;
  /** A token with a policy, made by the live server. */
  token(name: string, policies: readonly string[], more?: object): Promise<string>;
}

const stage = async (name: string, from = 'HashiCorp Vault 1.14.1'): Promise<Stage> => {
  const file = join(import.meta.dirname, 'vault', `${name}.json`);
  const transcript = await Transcript.open(file, LIVE === undefined ? undefined : { origin: LIVE, from });
  const machine = new Machine();
  return {
    transcript,
    machine,
    open: (login, more = {}) =>
      openSecretManager(
        {
          provider: 'vault',
          url: transcript.origin,
          mount: 'kv',
          kvVersion: 'auto',
          namespace: undefined,
          login,
          key: undefined,
          route: DIRECT,
          cacheMs: 300_000,
          ...more,
        },
        new Dialer(),
        machine,
      ),
    token: (label, policies, more = {}) =>
      transcript.given(label, async () => {
        const made = await admin('POST', 'auth/token/create', { policies, ...more });
        return (made['auth'] as { client_token: string }).client_token;
      }),
    [Symbol.asyncDispose]: () => transcript[Symbol.asyncDispose](),
  };
};

const byToken = (token: string): VaultLogin => ({ method: 'token', token: new Secret(token) });
const byRole = async ({ transcript }: Stage): Promise<VaultLogin> => ({
  method: 'approle',
  mount: 'approle',
  roleId: await transcript.given('role-id', async () => {
    const read = await admin('GET', 'auth/approle/role/agent/role-id');
    return (read['data'] as { role_id: string }).role_id;
  }),
  secretId: new Secret(
    await transcript.given('secret-id', async () => {
      const made = await admin('POST', 'auth/approle/role/agent/secret-id');
      return (made['data'] as { secret_id: string }).secret_id;
    }),
  ),
});

const QLIK = { username: 'canary-user', password: 'canary-password', port: '4242', 'tls.verify': 'true' };
const OLD = { username: 'canary-user', password: 'canary-password' };

describe('the version of the engine', () => {
  test('is asked for once', async () => {
    await using the = await stage('kv2-detected');
    const vault = the.open(byToken(await the.token('token', ['reader'])));
    expect(fieldsIn(await vault.read('qlik/prod'))).toEqual(QLIK);
    expect(fieldsIn(await vault.read('qlik/prod', { fresh: true }))).toEqual(QLIK);
    expect(the.transcript.count).toBe(4);
  });

  test('may be the first', async () => {
    await using the = await stage('kv1-detected');
    const vault = the.open(byToken(await the.token('token', ['reader'])), { mount: '/old/' });
    expect(fieldsIn(await vault.read('/qlik/prod'))).toEqual(OLD);
  });

  test('shows in the answers when the policy forbids to ask: 2', async () => {
    await using the = await stage('kv2-blind');
    const vault = the.open(byToken(await the.token('token', ['blind'])));
    expect(fieldsIn(await vault.read('qlik/prod'))).toEqual(QLIK);
  });

  test('shows in the answers when the policy forbids to ask: 1', async () => {
    await using the = await stage('kv1-blind');
    const vault = the.open(byToken(await the.token('token', ['blind'])), { mount: 'old' });
    expect(fieldsIn(await vault.read('qlik/prod'))).toEqual(OLD);
  });

  test('is not asked for when the settings say it', async () => {
    await using the = await stage('kv2-stated');
    const vault = the.open(byToken(await the.token('token', ['reader'])), { kvVersion: 2 });
    expect(fieldsIn(await vault.read('qlik/prod'))).toEqual(QLIK);
  });

  test('of another kind of engine is none', async () => {
    await using the = await stage('no-kv');
    const vault = the.open(byToken(await the.token('token', ['reader'])), { mount: 'cubbyhole' });
    expect(faultIn(await vault.read('qlik/prod'))).toMatchObject({
      code: 'secrets.refused',
      message: expect.stringContaining('cubbyhole/ is no KV engine (cubbyhole)'),
    });
  });
});

describe('a secret that is not there', () => {
  test('never was, or was looked for below data/', async () => {
    await using the = await stage('missing');
    const vault = the.open(byToken(await the.token('token', ['reader'])));
    expect(reasonIn(await vault.read('qlik/none'))).toMatch(/^nothing is at kv\/data\/qlik\/none$/);
    expect(reasonIn(await vault.read('data/qlik/prod'))).toContain('leave out “data/”');
    expect(reasonIn(await vault.read('../../sys/seal-status'))).toContain('this is no path of a secret');
  });

  test('was deleted', async () => {
    await using the = await stage('deleted');
    await admin('POST', 'kv/data/qlik/gone', { data: { password: 'canary-password' } });
    await admin('DELETE', 'kv/data/qlik/gone');
    const vault = the.open(byToken(await the.token('token', ['reader'])));
    expect(reasonIn(await vault.read('qlik/gone'))).toMatch(
      /^version \d+ of kv\/data\/qlik\/gone was deleted at 20\d\d-.*kv undelete/,
    );
  });

  test('was destroyed', async () => {
    await using the = await stage('destroyed');
    await admin('POST', 'kv/data/qlik/ash', { data: { password: 'canary-password' } });
    await admin('PUT', 'kv/destroy/qlik/ash', { versions: [1, 2, 3, 4, 5] });
    const vault = the.open(byToken(await the.token('token', ['reader'])));
    expect(reasonIn(await vault.read('qlik/ash'))).toMatch(
      /^version \d+ of kv\/data\/qlik\/ash was destroyed; write a new one$/,
    );
  });

  test('in an engine of version 2 that is read as version 1', async () => {
    await using the = await stage('wrong-version');
    await policy('wide', 'path "kv/*" { capabilities = ["read"] }');
    const vault = the.open(byToken(await the.token('token', ['wide'])), { kvVersion: 1 });
    expect(reasonIn(await vault.read('qlik/prod'))).toContain('but it has version 2');
  });
});

describe('a token', () => {
  test('that is wrong', async () => {
    await using the = await stage('token-wrong');
    const vault = the.open(byToken('canary-wrong-token'));
    const fault = faultIn(await vault.read('qlik/prod'));
    expect(fault).toMatchObject({
      code: 'secrets.refused',
      message: expect.stringContaining('does not accept the token: it is wrong, expired or revoked'),
    });
    expect(JSON.stringify(fault)).not.toContain('canary-wrong');
  });

  test('that is good, but may not read this', async () => {
    await using the = await stage('token-forbidden');
    const vault = the.open(byToken(await the.token('token', ['other'])));
    expect(faultIn(await vault.read('qlik/prod'))).toMatchObject({
      code: 'secrets.refused',
      message: expect.stringContaining('the token is valid, but may not read kv/data/qlik/prod'),
      advice: 'Give it a policy with: path "kv/data/qlik/prod" { capabilities = ["read"] }',
    });
  });

  test('that ends is renewed after two thirds of its time', async () => {
    await using the = await stage('token-renewed');
    const vault = the.open(byToken(await the.token('token', ['reader'], { period: '24h' })), { kvVersion: 2 });
    expect(fieldsIn(await vault.read('qlik/prod'))).toEqual(QLIK);
    the.machine.time += 15 * 3_600_000;
    expect(fieldsIn(await vault.read('qlik/prod'))).toEqual(QLIK);
    expect(the.transcript.count).toBe(3);
    the.machine.time += 2 * 3_600_000;
    expect(fieldsIn(await vault.read('qlik/prod'))).toEqual(QLIK);
    expect(the.transcript.count).toBe(5);
  });

  test('in a file is read again', async () => {
    await using the = await stage('token-file');
    const first = await the.token('first', ['reader']);
    const second = await the.token('second', ['reader']);
    the.machine.files.set('/run/token', `${first}\n`);
    const vault = the.open({ method: 'token-file', path: '/run/token' }, { kvVersion: 2 });
    expect(fieldsIn(await vault.read('qlik/prod'))).toEqual(QLIK);
    await admin('POST', 'auth/token/revoke', { token: first });
    expect(faultIn(await vault.read('qlik/prod', { fresh: true })).advice).toContain('/run/token');
    the.machine.files.set('/run/token', second);
    expect(fieldsIn(await vault.read('qlik/prod', { fresh: true }))).toEqual(QLIK);
  });
});

describe('AppRole', () => {
  test('logs in, renews its token, and logs in again when that has ended', async () => {
    await using the = await stage('approle');
    const vault = the.open(await byRole(the), { kvVersion: 2 });
    expect(fieldsIn(await vault.read('qlik/prod'))).toEqual(QLIK);
    expect(the.transcript.count).toBe(2);
    the.machine.time += 41 * 60_000;
    expect(fieldsIn(await vault.read('qlik/prod'))).toEqual(QLIK);
    expect(the.transcript.count).toBe(4);
    the.machine.time += 61 * 60_000;
    expect(fieldsIn(await vault.read('qlik/prod'))).toEqual(QLIK);
    expect(the.transcript.count).toBe(6);
  });

  test('logs in once for many secrets', async () => {
    await using the = await stage('approle-once');
    const vault = the.open(await byRole(the), { kvVersion: 2 });
    const first = vault.read('qlik/prod');
    const both = await Promise.all([first, vault.read('qlik/prod'), first.then(() => vault.read('qlik/none'))]);
    expect(both.map(({ type }) => type)).toEqual(['secret', 'secret', 'missing']);
    expect(the.transcript.count).toBe(3);
  });

  test('logs in again when its token was revoked', async () => {
    await using the = await stage('approle-revoked');
    const vault = the.open(await byRole(the), { kvVersion: 2 });
    expect(fieldsIn(await vault.read('qlik/prod'))).toEqual(QLIK);
    await admin('PUT', 'sys/leases/revoke-prefix/auth/approle/login');
    expect(fieldsIn(await vault.read('qlik/prod', { fresh: true }))).toEqual(QLIK);
    expect(the.transcript.count).toBe(6);
  });

  test('does not use its secret id up when a policy forbids; looks for other policies after five minutes', async () => {
    await using the = await stage('approle-forbidden');
    await admin('POST', 'auth/approle/role/agent', { token_policies: 'other' });
    const vault = the.open(await byRole(the), { kvVersion: 2 });
    for (const expected of [3, 5]) {
      expect(faultIn(await vault.read('qlik/prod', { fresh: true })).message).toContain(
        'may not read kv/data/qlik/prod',
      );
      expect(the.transcript.count).toBe(expected);
    }
    await admin('POST', 'auth/approle/role/agent', { token_policies: 'reader' });
    the.machine.time += 300_000;
    expect(fieldsIn(await vault.read('qlik/prod', { fresh: true }))).toEqual(QLIK);
    expect(the.transcript.count).toBe(9);
  });

  test('with a wrong secret id', async () => {
    await using the = await stage('approle-wrong');
    const login = await byRole(the);
    const vault = the.open({ ...login, secretId: new Secret('canary-wrong-id') } as VaultLogin);
    const fault = faultIn(await vault.read('qlik/prod'));
    expect(fault).toMatchObject({
      code: 'secrets.refused',
      message: expect.stringMatching(/refuses the login by AppRole at auth\/approle\/login \(invalid/),
    });
    expect(JSON.stringify(fault)).not.toContain('canary-wrong-id');
  });

  test('that is not enabled where the settings say', async () => {
    await using the = await stage('approle-elsewhere');
    const login = await byRole(the);
    const vault = the.open({ ...login, mount: 'team/approle' } as VaultLogin);
    expect(faultIn(await vault.read('qlik/prod'))).toMatchObject({
      code: 'secrets.refused',
      message: expect.stringContaining('auth/team/approle/login'),
    });
  });
});

test('a new version is seen after the lifetime of the cache', async () => {
  await using the = await stage('rotation');
  await admin('POST', 'kv/data/qlik/turn', { data: { password: 'canary-first' } });
  const vault = the.open(byToken(await the.token('token', ['reader'])), { kvVersion: 2, cacheMs: 60_000 });
  expect(fieldsIn(await vault.read('qlik/turn'))).toEqual({ password: 'canary-first' });
  await admin('POST', 'kv/data/qlik/turn', { data: { password: 'canary-second' } });
  the.machine.time += 59_999;
  expect(fieldsIn(await vault.read('qlik/turn'))).toEqual({ password: 'canary-first' });
  the.machine.time += 1;
  expect(fieldsIn(await vault.read('qlik/turn'))).toEqual({ password: 'canary-second' });
});

test('a limit of the rate of requests says so', async () => {
  await using the = await stage('rate-limit');
  const token = await the.token('token', ['reader']);
  await admin('POST', 'sys/quotas/config', { enable_rate_limit_response_headers: true });
  await admin('POST', 'sys/quotas/rate-limit/tight', { path: 'kv', rate: 1, interval: '1h' });
  const vault = the.open(byToken(token), { kvVersion: 2 });
  expect(fieldsIn(await vault.read('qlik/prod'))).toEqual(QLIK);
  expect(faultIn(await vault.read('qlik/prod', { fresh: true }))).toMatchObject({
    code: 'secrets.unreachable',
    retryable: true,
    message: expect.stringContaining('limits the rate of requests and asks to wait'),
  });
  await admin('DELETE', 'sys/quotas/rate-limit/tight');
});

test('a sealed Vault is not called unreachable', async () => {
  await using the = await stage('sealed');
  const vault = the.open(await byRole(the), { kvVersion: 2 });
  await admin('PUT', 'sys/seal');
  expect(faultIn(await vault.read('qlik/prod'))).toMatchObject({
    code: 'secrets.unreachable',
    message: expect.stringContaining('is sealed (Vault is sealed)'),
    advice: expect.stringContaining('vault operator unseal'),
  });
  await admin('PUT', 'sys/unseal', { key: process.env['CULVERT_TEST_VAULT_UNSEAL'] });
});
