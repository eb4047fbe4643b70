import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SecretManagerSettings } from '#config/secrets/manager.ts';
import { loadSettings } from '#config/settings.ts';
import { issue } from '../certificates.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-managers-'));
  writeFileSync(join(folder, 'ca.pem'), issue('ca', new Date(0), new Date(Date.UTC(2100, 0))).certificate);
  writeFileSync(join(folder, 'token'), 'canary-token\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = (text: string) => {
  writeFileSync(join(folder, 'agent.conf'), text);
  return loadSettings(join(folder, 'agent.conf'), {});
};
const manager = (text: string): SecretManagerSettings => {
  const { settings, problems } = load(text);
  expect(problems).toEqual([]);
  if (settings?.secretManager === undefined) throw new Error('no secret manager');
  expect(JSON.stringify(settings) + inspect(settings, { depth: 9 })).not.toContain('canary');
  return settings.secretManager;
};
const plain = { tls: { extraAuthorities: [], replaceDefaultRoots: false, systemAuthorities: false }, proxy: undefined };

describe('secret_manager in agent.conf', () => {
  test('may be the file of Zeenea, in its spelling and in ours', () => {
    const expected = { provider: 'file', path: join(folder, 'secrets.conf'), key: 'qlik' };
    expect(
      manager('secret-manager { provider = "file", key = qlik, configuration { file-path = secrets.conf } }'),
    ).toEqual(expected);
    expect(
      manager(
        'secret_manager { provider = file, key = qlik }\nsecret_manager.configuration.file_path = "file:secrets.conf"',
      ),
    ).toEqual(expected);
  });

  test('may be Vault, with a token, with the file of one, or by AppRole', () => {
    const vault = (login: string): SecretManagerSettings =>
      manager(
        `secret_manager { provider = vault, configuration { url = "https://vault.example.com:8200/", ${login} } }`,
      );
    const standard = {
      provider: 'vault',
      url: 'https://vault.example.com:8200',
      mount: 'secret',
      kvVersion: 'auto',
      namespace: undefined,
      key: undefined,
      cacheMs: 300_000,
      route: plain,
    };
    const token = vault('auth.token = canary-token');
    expect(token).toMatchObject({ ...standard, login: { method: 'token' } });
    if (token.provider === 'vault' && token.login.method === 'token')
      expect(token.login.token.reveal()).toBe('canary-token');
    expect(vault('auth.token_file = token')).toEqual({
      ...standard,
      login: { method: 'token-file', path: join(folder, 'token') },
    });
    const role = vault(
      'mount = /kv/team/, kv_version = 1, namespace = a/b/, auth { role_id = role, secret_id = "file:token", mount = corp }',
    );
    expect(role).toMatchObject({
      mount: 'kv/team',
      kvVersion: 1,
      namespace: 'a/b',
      login: { method: 'approle', mount: 'corp', roleId: 'role' },
    });
    if (role.provider === 'vault' && role.login.method === 'approle')
      expect(role.login.secretId.reveal()).toBe('canary-token');
    expect(vault('auth { role_id = role, secret_id_file = token }')).toMatchObject({
      login: { method: 'approle', mount: 'approle' },
    });
  });

  test('may be the one of AWS, in the words of Zeenea, with its own proxy and trust', () => {
    const aws = manager(`secret-manager {
      provider = "aws-secrets-manager", cache-lifetime = 30s
      configuration { region = eu-west-1, access_key_id = AKIA-example, secret_access_key = canary-key }
      proxy { scheme = http, hostname = proxy.example.com, port = 3128, username = u, password = canary-proxy }
      tls.truststore.path = ca.pem
    }`);
    expect(aws).toMatchObject({
      provider: 'aws-secrets-manager',
      region: 'eu-west-1',
      accessKeyId: 'AKIA-example',
      profile: undefined,
      endpoint: undefined,
      cacheMs: 30_000,
      route: {
        tls: { extraAuthorities: [expect.stringContaining('BEGIN CERTIFICATE')] },
        proxy: { type: 'fixed', proxy: { hostname: 'proxy.example.com', from: 'secret_manager.proxy.hostname' } },
      },
    });
    expect(manager('secret_manager.provider = aws-secrets-manager')).toMatchObject({
      region: undefined,
      accessKeyId: undefined,
    });
  });

  test('may be the one of Azure', () => {
    const azure = (more: string): SecretManagerSettings =>
      manager(
        `secret_manager { provider = azure-key-vault, configuration { url = "https://name.vault.azure.net"${more} } }`,
      );
    expect(azure('')).toMatchObject({ authority: 'https://login.microsoftonline.com', clientSecret: undefined });
    expect(azure(', tenant_id = t, client_id = c, client_secret = canary')).toMatchObject({
      tenantId: 't',
      clientId: 'c',
    });
  });

  test.each([
    ['secret_manager.key = a', 'config.missing_key', 'secret_manager.provider is missing'],
    ['secret_manager.provider = keychain', 'config.invalid', 'secret_manager.provider must be "file" or'],
    ['secret_manager.provider = file', 'config.missing_key', 'secret_manager.configuration.file_path is missing'],
    [
      'secret_manager { provider = vault, configuration { url = "https://v", auth.token_file = nope } }',
      'config.invalid',
      'does not exist',
    ],
    [
      'secret_manager { provider = vault, configuration { url = "https://v" } }',
      'config.missing_key',
      'auth.token is missing',
    ],
    [
      'secret_manager { provider = vault, configuration { url = "https://v", auth.role_id = r } }',
      'config.missing_key',
      'auth.secret_id is missing',
    ],
    [
      'secret_manager { provider = vault, configuration { url = "http://v", auth.token = canary } }',
      'config.invalid',
      'must be an https:// address',
    ],
    [
      'secret_manager { provider = vault, configuration { url = "https://u:canary@v", auth.token = t } }',
      'config.invalid',
      'must be an https:// address',
    ],
    [
      'secret_manager { provider = aws-secrets-manager, configuration.access_key_id = a }',
      'config.missing_key',
      'secret_access_key is missing',
    ],
    [
      'secret_manager { provider = azure-key-vault, configuration { url = "https://v", client_secret = canary } }',
      'config.missing_key',
      'client_id is missing',
    ],
    [
      'secret_manager { provider = aws-secrets-manager, proxy.port = 1 }',
      'config.missing_key',
      'secret_manager.proxy.hostname is missing',
    ],
    [
      'secret_manager { provider = aws-secrets-manager, tls.truststore.path = nope }',
      'config.unreadable',
      'secret_manager.tls.truststore.path',
    ],
    ['secret_manager.provider = file\nsecret-manager.provider = file', 'config.invalid', 'are both there'],
  ])('refuses %s', (text, code, message) => {
    const { settings, problems } = load(text);
    expect(settings).toBeUndefined();
    expect(problems).toContainEqual(
      expect.objectContaining({ severity: 'error', code, message: expect.stringContaining(message) }),
    );
    expect(problems[0]?.line).toBeGreaterThan(0);
    expect(JSON.stringify(problems)).not.toContain('canary');
  });

  test('says which keys are of another provider, or of none', () => {
    const { problems } = load(
      'secret_manager { provider = file, configuration { file_path = s, region = x, file-pth = y } }',
    );
    expect(problems.map(({ message }) => message)).toEqual([
      'secret_manager.configuration.region has no effect: the provider is file.',
      expect.stringContaining('Did you mean secret_manager.configuration.file_path?'),
    ]);
  });

  test('says that the answers of a file are not kept', () => {
    const block = (provider: string) => load(`secret_manager { ${provider}, cache_lifetime = 1m }`).problems;
    expect(block('provider = file, configuration.file_path = s').map(({ message }) => message)).toEqual([
      'secret_manager.cache_lifetime has no effect: the provider is file.',
    ]);
    expect(block('provider = aws-secrets-manager')).toEqual([]);
  });
});
