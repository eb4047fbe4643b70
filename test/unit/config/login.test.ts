import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
import { type Issued, issue } from './certificates.ts';
import { head } from './sample.ts';

const NOW = Date.UTC(2026, 0, 15);
const day = 86_400_000;
let folder: string;
let pair: Issued;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-login-'));
  pair = issue('signing', new Date(NOW - day), new Date(NOW + day));
  const other = issue('other', new Date(NOW - day), new Date(NOW + day));
  writeFileSync(join(folder, 'key.pem'), pair.key);
  writeFileSync(join(folder, 'certificate.pem'), pair.certificate);
  writeFileSync(join(folder, 'other.pem'), other.certificate);
  writeFileSync(join(folder, 'both.pem'), pair.certificate + pair.key);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(join(folder, 'ec.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const parse = (text: string) => parseConnection(text, 'qlik.conf', { folder, env: {}, nowMs: NOW });
const errors = (text: string): string[] =>
  parse(text)
    .problems.filter(({ severity }) => severity === 'error')
    .map(({ message }) => message);

describe('tokens that the agent signs', () => {
  const jwt = (keys: string): string =>
    `${head}connection.auth.jwt { key_path = key.pem, user_id = svc, user_directory = CORP\n${keys} }`;

  test('need a key and a user; claims and lifetime have defaults', () => {
    const { connection, problems, sideFiles } = parse(jwt(''));
    expect(problems).toEqual([]);
    expect(connection?.authentication).toMatchObject({
      type: 'signed-jwt',
      claims: { userId: 'svc', userDirectory: 'CORP' },
      lifetimeMs: 300_000,
    });
    expect(sideFiles).toEqual([join(folder, 'key.pem')]);
    expect(JSON.stringify(connection)).not.toContain('PRIVATE KEY');
  });

  test('can have other names for the claims, more of them, and another lifetime', () => {
    const { connection, problems } = parse(
      jwt(
        'certificate_path = certificate.pem, user_id_claim = sub, user_directory_claim = dir, lifetime = 2m\nclaims { email = "a@b.example", groups = [x, y] }',
      ),
    );
    expect(problems).toEqual([]);
    expect(connection?.authentication).toMatchObject({
      claims: { sub: 'svc', dir: 'CORP', email: 'a@b.example', groups: ['x', 'y'] },
      lifetimeMs: 120_000,
    });
  });

  test('are refused when the key is none, is not RSA, or has another certificate', () => {
    expect(errors(jwt('key_path = nope.pem'))).toEqual([expect.stringContaining('private key cannot be read')]);
    expect(errors(jwt('key_path = certificate.pem'))).toEqual(['There is no private key in PEM.']);
    expect(errors(jwt('key_path = ec.pem'))).toEqual([expect.stringContaining('must be an RSA key')]);
    expect(errors(jwt('certificate_path = other.pem'))).toEqual([expect.stringContaining('does not belong')]);
    expect(errors(`${head}connection.auth.jwt.key_path = key.pem`)).toEqual([
      expect.stringContaining('jwt.user_id is missing'),
      expect.stringContaining('jwt.user_directory is missing'),
    ]);
  });

  test('set their times themselves, and no claim twice', () => {
    expect(errors(jwt('claims { exp = 1 }'))).toEqual([expect.stringContaining('exp is set when a token is signed')]);
    expect(errors(jwt('claims { userId = x }'))).toEqual([expect.stringContaining('userId is set twice')]);
    expect(errors(jwt('lifetime = 5s'))).toEqual([expect.stringContaining('must be a duration')]);
  });

  test('carry no whole files and no control characters, and claims of any name', () => {
    writeFileSync(join(folder, 'passwd'), 'root:canary\nother:canary\n');
    writeFileSync(join(folder, 'one-line'), 'canary-claim\n');
    for (const claim of ['"file:passwd"', '["x", "file:passwd"]', '{ deep = "file:passwd" }']) {
      const { connection, problems } = parse(jwt(`claims { email = ${claim} }`));
      expect(connection).toBeUndefined();
      expect(problems).toMatchObject([
        { code: 'config.invalid', message: expect.stringContaining('control character') },
      ]);
      expect(JSON.stringify(problems)).not.toContain('canary');
    }
    const { connection } = parse(jwt('claims { email = "file:one-line", "__proto__" = p, toString = t }'));
    if (connection?.authentication.type !== 'signed-jwt') throw new Error('no signed token');
    expect(Object.entries(connection.authentication.claims)).toEqual([
      ['email', 'canary-claim'],
      ['__proto__', 'p'],
      ['toString', 't'],
      ['userId', 'svc'],
      ['userDirectory', 'CORP'],
    ]);
    expect(errors(jwt('user_id_claim = toString'))).toEqual([]);
  });

  test('and a ready-made token exclude each other', () => {
    expect(errors(`${jwt('')}\nconnection.auth.token = "a.b.c"`)).toEqual([expect.stringContaining('both there')]);
  });
});

describe('tickets', () => {
  const ticket = (keys: string): string =>
    `${head}connection.auth { type = ticket, certificate.path = both.pem, user_directory = CORP, user_id = svc\n${keys} }`;
  const originOf = (keys: string): string | undefined => {
    const { connection, problems } = parse(ticket(keys));
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    return connection?.authentication.type === 'ticket' ? connection.authentication.proxyServiceOrigin : undefined;
  };

  test('come from port 4243 of the site unless said otherwise', () => {
    expect(parse(ticket('')).problems).toEqual([]);
    expect(originOf('')).toBe('https://qlik.example.com:4243');
    expect(originOf('proxy_service_url = "https://proxy.example.com"')).toBe('https://proxy.example.com:4243');
    expect(originOf('proxy_service_url = "https://proxy.example.com:443/qps"')).toBe('https://proxy.example.com');
    expect(originOf('proxy_service_url = "https://proxy.example.com:9443"')).toBe('https://proxy.example.com:9443');
  });

  test('go through the virtual proxy, with its prefix', () => {
    expect(parse(ticket('')).connection).toMatchObject({
      origin: 'https://qlik.example.com',
      prefix: 'vp',
      engineUrl: 'wss://qlik.example.com/vp',
    });
  });

  test('are refused without certificate, and from an address that is none', () => {
    expect(errors(`${head}connection.auth { type = ticket, user_directory = CORP, user_id = svc }`)).toEqual([
      expect.stringContaining('certificate.path is missing'),
    ]);
    expect(errors(ticket('proxy_service_url = "http://proxy.example.com"'))).toEqual([
      expect.stringContaining('must be an address that begins with https://'),
    ]);
  });

  test('say which keys of other ways have no effect', () => {
    const { problems } = parse(ticket('token = "a.b.c"'));
    expect(problems).toMatchObject([{ severity: 'warning', message: expect.stringContaining('has no effect') }]);
  });
});

describe('a Windows user', () => {
  const windows = (username: string, keys = ''): string =>
    `${head}connection.auth { username = ${username}, password = "canary-password"${keys} }`;
  test.each([
    ['"CORP\\\\svc"', { domain: 'CORP', user: 'svc' }],
    ['"""CORP\\svc"""', { domain: 'CORP', user: 'svc' }],
    ['"CORP/svc"', { domain: 'CORP', user: 'svc' }],
    ['"svc@corp.example"', { domain: '', user: 'svc@corp.example' }],
    ['".\\\\svc"', { domain: { of: 'server' }, user: 'svc' }],
    ['svc', { domain: undefined, user: 'svc' }],
    ['" corp\\\\Jörg Müller "', { domain: 'corp', user: 'Jörg Müller' }],
  ])('%s is understood', (username, who) => {
    const { connection, problems } = parse(windows(username));
    expect(problems).toEqual([]);
    expect(connection?.authentication).toMatchObject({ type: 'windows', method: 'auto', ...who });
    expect(JSON.stringify(connection)).not.toContain('canary');
  });

  test.each([
    ['"CORP\\svc"', 'escape'],
    ['"CORP\\nadia"', 'line end'],
    ['"""CORP\\\\svc"""', 'two of them'],
    ['CORP\\svc', 'backslash'],
    ["'CORP'", 'Single quotes'],
    ['"CORP\\\\\\\\svc"', 'two backslashes'],
    ['"\\\\svc"', 'no domain'],
    ['"CORP\\\\"', 'no user'],
    ['"A\\\\B\\\\c"', 'more than one'],
    ['"CORP\\\\svc@corp.example"', 'twice'],
    ['"a@b@c"', 'user@domain'],
    ['"CORP\\\\a:b"', 'no name in Windows'],
  ])('%s is refused once, with the reason', (username, reason) => {
    const messages = parse(windows(username))
      .problems.filter(({ severity }) => severity === 'error')
      .map(({ message, advice }) => `${message} ${advice}`);
    expect(messages).toEqual([expect.stringContaining(reason)]);
    expect(messages.join(' ')).not.toContain('canary');
  });

  test('logs in through the virtual proxy, by the form only when told so', () => {
    expect(parse(windows('svc', ', method = forms')).connection).toMatchObject({
      origin: 'https://qlik.example.com',
      prefix: 'vp',
      authentication: { method: 'forms' },
    });
    expect(errors(`${head}connection.auth { type = windows }`)).toEqual([
      'connection.auth.username is missing.',
      'connection.auth.password is missing.',
    ]);
  });
});
