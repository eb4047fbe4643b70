// Plays what Azure answers by its documentation (azure/README.md).
import { describe, expect, test } from 'vitest';
import { Dialer } from '#agent/network/dialer.ts';
import { openSecretManager } from '#agent/secrets/open.ts';
import { Secret } from '#config/secret.ts';
import type { SecretManager, SecretManagerSettings } from '#config/secrets/manager.ts';
import { connectProxy } from '../network/proxies.ts';
import {
  appServiceToken,
  arcChallenge,
  arcToken,
  challenged,
  expired,
  login,
  loginRefused,
  machineToken,
  noIdentity,
  refused,
  secret,
  TENANT,
  VAULT,
} from './azure/exchanges.ts';
import { DIRECT, faultIn, fieldsIn, Machine, reasonIn } from './machine.ts';
import { type Exchange, Transcript } from './transcript.ts';

type AzureSettings = Extract<SecretManagerSettings, { provider: 'azure-key-vault' }>;

interface Stage extends AsyncDisposable {
  readonly transcript: Transcript;
  readonly machine: Machine;
  /** What the proxy was asked for. */
  readonly asked: readonly string[];
  open(more?: Partial<AzureSettings>): SecretManager;
}

const CLIENT = { tenantId: TENANT, clientId: 'canary-client', clientSecret: new Secret('canary/secret') };

const stage = async (exchanges: readonly Exchange[]): Promise<Stage> => {
  const transcript = await Transcript.of(exchanges);
  const { port } = transcript;
  const proxy = await connectProxy({ names: { [VAULT]: port, 'login.microsoftonline.com': port } });
  const machine = new Machine();
  machine.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] = transcript.origin;
  const server = {
    scheme: 'http',
    hostname: '127.0.0.1',
    port: proxy.port,
    username: undefined,
    password: undefined,
    extraAuthorities: [],
    from: 'secret_manager.proxy.hostname',
  } as const;
  return {
    transcript,
    machine,
    asked: proxy.asked,
    open: (more = CLIENT) =>
      openSecretManager(
        {
          provider: 'azure-key-vault',
          url: `http://${VAULT}`,
          authority: 'http://login.microsoftonline.com',
          tenantId: undefined,
          clientId: undefined,
          clientSecret: undefined,
          key: undefined,
          route: { ...DIRECT, proxy: { type: 'fixed', proxy: server } },
          cacheMs: 300_000,
          ...more,
        },
        new Dialer(),
        machine,
      ),
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await transcript[Symbol.asyncDispose]();
    },
  };
};

test('a client reads JSON and text; its token is used until five minutes before its end', async () => {
  await using the = await stage([
    challenged(),
    login('canary-token-1'),
    secret('canary-token-1', '{"username":"canary-user","port":4747}'),
    secret('canary-token-1', 'canary password', 'plain'),
    login('canary-token-2'),
    secret('canary-token-2', '{"username":"canary-other"}'),
  ]);
  const manager = the.open();
  expect(fieldsIn(await manager.read('qlik'))).toEqual({ username: 'canary-user', port: '4747' });
  expect(fieldsIn(await manager.read('plain'))).toEqual({ value: 'canary password' });
  the.machine.time += (3599 - 300) * 1000;
  expect(fieldsIn(await manager.read('qlik'))).toEqual({ username: 'canary-other' });
  expect(new Set(the.asked)).toEqual(new Set([`${VAULT}:80`, 'login.microsoftonline.com:80']));
});

test('the tenant may come from the vault', async () => {
  await using the = await stage([challenged(), login('canary-token'), secret('canary-token', 'x')]);
  expect(fieldsIn(await the.open({ ...CLIENT, tenantId: undefined }).read('qlik'))).toEqual({ value: 'x' });
});

test('a token that the vault refuses is replaced once', async () => {
  await using the = await stage([
    challenged(),
    login('canary-token-1'),
    expired('canary-token-1'),
    login('canary-token-2'),
    secret('canary-token-2', 'x'),
  ]);
  expect(fieldsIn(await the.open().read('qlik'))).toEqual({ value: 'x' });
});

test('a second refusal is told', async () => {
  await using the = await stage([
    challenged(),
    login('canary-token-1'),
    expired('canary-token-1'),
    login('canary-token-2'),
    expired('canary-token-2'),
  ]);
  expect(faultIn(await the.open().read('qlik'))).toMatchObject({
    code: 'secrets.refused',
    message: expect.stringContaining('does not accept the token of the login ([TokenExpired]'),
    advice: expect.stringContaining('tenant_id'),
  });
});

test.each([
  `Bearer authorization="https://login.microsoftonline.com/${TENANT}", resource="https://elsewhere.example"`,
  `Bearer authorization="https://login.microsoftonline.com/${TENANT}", resource="https://azure.net.example"`,
  `Bearer authorization="https://login.microsoftonline.com/${TENANT}", resource="https://net"`,
  'Basic realm="x"',
])('a vault that asks for a token of somebody else gets none: %s', async (challenge) => {
  await using the = await stage([challenged(challenge)]);
  expect(faultIn(await the.open().read('qlik'))).toMatchObject({
    code: 'secrets.refused',
    message: expect.stringContaining('asks for a token of somebody else'),
  });
});

describe('the login is refused', () => {
  test.each([
    [401, 'invalid_client', 'AADSTS7000215: Invalid client secret provided.', 'Copy the value of a client secret'],
    [401, 'invalid_client', "AADSTS7000222: The provided client secret keys for app 'x' are expired.", 'has expired'],
    [400, 'unauthorized_client', "AADSTS700016: Application with identifier 'x' was not found.", 'not registered'],
    [400, 'invalid_request', "AADSTS90002: Tenant 'x' not found.", 'no such tenant'],
    [400, 'invalid_scope', 'AADSTS70011: The provided value for scope is not valid.', 'Check tenant_id, client_id'],
  ])('%i %s, %s', async (status, error, description, advice) => {
    await using the = await stage([challenged(), loginRefused(status, error, description)]);
    const fault = faultIn(await the.open().read('qlik'));
    expect(fault).toMatchObject({ code: 'secrets.refused', advice: expect.stringContaining(advice) });
    expect(fault.message).toContain(`refuses the login: ${error} (${description})`);
    expect(JSON.stringify(fault)).not.toContain('Trace ID');
  });

  test('for a while', async () => {
    await using the = await stage([challenged(), loginRefused(503, 'temporarily_unavailable', 'AADSTS90033: Busy.')]);
    expect(faultIn(await the.open().read('qlik'))).toMatchObject({ code: 'secrets.unreachable', retryable: true });
  });

  test('and what it says of the secret is cut', async () => {
    await using the = await stage([
      challenged(),
      loginRefused(401, 'invalid_client', 'No: canary/secret or canary%2Fsecret'),
    ]);
    expect(faultIn(await the.open().read('qlik')).message).toContain('(No: [redacted] or [redacted])');
  });
});

describe('the vault refuses', () => {
  const RBAC = 'Caller is not authorized to perform action on resource. Caller: appid=x;oid=y';
  const POLICY =
    "The user, group or application 'appid=x;oid=y' does not have secrets get permission on key vault 'c'.";
  const FIREWALL = 'Client address is not authorized and caller is not a trusted service.\nClient address: 192.0.2.1';
  test.each<[string, string, object | undefined, string, string]>([
    ['role', RBAC, { innererror: { code: 'ForbiddenByRbac' } }, 'no role that permits', 'Key Vault Secrets User'],
    ['policy', POLICY, { innererror: { code: 'AccessDenied' } }, 'access policy', 'permission Get'],
    ['policy, in words', POLICY, undefined, 'access policy', 'permission Get'],
    ['firewall', FIREWALL, { innererror: { code: 'ForbiddenByFirewall' } }, 'firewall', 'Networking'],
    ['firewall, in words', FIREWALL, undefined, 'firewall', 'Networking'],
    [
      'disabled',
      'Operation get is not allowed on a disabled secret.',
      { innerError: { code: 'SecretDisabled' } },
      'the secret “qlik” is disabled',
      'Enable its current version',
    ],
    ['else', 'No.', undefined, 'forbidden: the secret “qlik” (No.)', 'Key Vault Secrets User'],
  ])('%s', async (_name, message, inner, said, advice) => {
    await using the = await stage([
      challenged(),
      login('canary-token'),
      refused('canary-token', 403, 'Forbidden', message, inner),
    ]);
    const fault = faultIn(await the.open().read('qlik'));
    expect(fault.code).toBe('secrets.refused');
    expect(fault.message).toContain(said);
    expect(fault.advice).toContain(advice);
  });

  test('what is not there', async () => {
    await using the = await stage([
      challenged(),
      login('canary-token'),
      refused('canary-token', 404, 'SecretNotFound', 'A secret with (name/id) qlik was not found in this key vault.'),
    ]);
    const manager = the.open();
    expect(reasonIn(await manager.read('qlik'))).toBe('a deleted one comes back by az keyvault secret recover');
    expect(reasonIn(await manager.read('qlik_prod'))).toBe('a name has letters, digits and hyphens, 127 at most');
  });

  test('too many requests', async () => {
    await using the = await stage([
      challenged(),
      login('canary-token'),
      refused('canary-token', 429, 'Throttled', 'Request was not processed.', undefined, { 'retry-after': '12' }),
    ]);
    expect(faultIn(await the.open().read('qlik'))).toMatchObject({
      code: 'secrets.unreachable',
      message: expect.stringContaining('limits the rate of requests and asks to wait 12 s'),
    });
  });
});

describe('the identity of the machine', () => {
  test('a virtual machine; no proxy leads to it', async () => {
    const endsAt = new Machine().time + 3_599_000;
    await using the = await stage([challenged(), machineToken('canary-token', endsAt), secret('canary-token', 'x')]);
    expect(fieldsIn(await the.open({}).read('qlik'))).toEqual({ value: 'x' });
    expect(the.asked).toEqual([`${VAULT}:80`, `${VAULT}:80`]);
  });

  test('a machine that has none', async () => {
    await using the = await stage([challenged(), noIdentity]);
    expect(faultIn(await the.open({}).read('qlik'))).toMatchObject({
      code: 'secrets.refused',
      message: expect.stringContaining('gave no token (HTTP 400): Identity not found'),
      advice: expect.stringContaining('client_secret'),
    });
  });

  test('a machine that is none of Azure', async () => {
    await using the = await stage([challenged()]);
    the.machine.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] = 'http://127.0.0.1:9';
    expect(faultIn(await the.open({}).read('qlik'))).toMatchObject({
      code: 'secrets.unreachable',
      message: expect.stringMatching(/^The identity of the machine: 127\.0\.0\.1:9: the connection was refused/),
    });
  });

  test('App Service, one of several identities', async () => {
    const endsAt = new Machine().time + 3_600_000;
    await using the = await stage([
      challenged(),
      appServiceToken('canary-token-1', endsAt),
      secret('canary-token-1', 'x'),
      appServiceToken('canary-token-2', endsAt + 3_600_000),
      secret('canary-token-2', 'y'),
    ]);
    the.machine.env['IDENTITY_ENDPOINT'] = `${the.transcript.origin}/msi/token`;
    the.machine.env['IDENTITY_HEADER'] = 'canary-header';
    const manager = the.open({ clientId: 'canary-client' });
    expect(fieldsIn(await manager.read('qlik'))).toEqual({ value: 'x' });
    the.machine.time += 3_300_000;
    expect(fieldsIn(await manager.read('qlik'))).toEqual({ value: 'y' });
  });

  const proof = '/var/opt/azcmagent/tokens/canary.key';
  test.skipIf(process.platform === 'win32')('Azure Arc, proved by a file', async () => {
    await using the = await stage([
      challenged(),
      arcChallenge(proof),
      arcToken('canary-token'),
      secret('canary-token', 'x'),
    ]);
    the.machine.env['IDENTITY_ENDPOINT'] = `${the.transcript.origin}/metadata/identity/oauth2/token`;
    the.machine.env['IMDS_ENDPOINT'] = the.transcript.origin;
    the.machine.files.set(proof, 'canary-proof');
    expect(fieldsIn(await the.open({}).read('qlik'))).toEqual({ value: 'x' });
  });

  test('a proof whose place goes on and on is no proof, and is soon seen to be none', async () => {
    await using the = await stage([challenged(), arcChallenge(`x${' '.repeat(14_000)}"`)]);
    the.machine.env['IDENTITY_ENDPOINT'] = `${the.transcript.origin}/metadata/identity/oauth2/token`;
    the.machine.env['IMDS_ENDPOINT'] = the.transcript.origin;
    expect(faultIn(await the.open({}).read('qlik'))).toMatchObject({ code: 'secrets.refused' });
  });

  test.each(['/etc/shadow', '/var/opt/azcmagent/tokens/../../../../etc/x.key', 'relative.key'])(
    'a proof from elsewhere is not read: %s',
    async (file) => {
      await using the = await stage([challenged(), arcChallenge(file)]);
      the.machine.env['IDENTITY_ENDPOINT'] = `${the.transcript.origin}/metadata/identity/oauth2/token`;
      the.machine.env['IMDS_ENDPOINT'] = the.transcript.origin;
      the.machine.files.set(file, 'canary-proof');
      expect(faultIn(await the.open({}).read('qlik'))).toMatchObject({
        code: 'secrets.refused',
        message: expect.stringContaining('it is not where Azure Arc keeps it'),
      });
    },
  );
});
