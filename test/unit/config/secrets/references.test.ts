import { describe, expect, test } from 'vitest';
import { type ParsedConnection, parseConnection } from '#config/connection/parse.ts';
import { Secret } from '#config/secret.ts';
import type { SecretLookup } from '#config/secrets/manager.ts';

const FIELDS = {
  user: 'CORP\\canary-user',
  password: 'canary-pass"word#//$',
  'eu-west-1.password': 'canary-dotted',
  'eu-west-1.user': 'CORP\\canary-dotted-user',
  port: '3128',
};

const secretOf = (fields: Readonly<Record<string, string>>): SecretLookup => ({
  type: 'secret',
  fields: new Map(Object.entries(fields).map(([name, value]) => [name, new Secret(value)])),
});

interface Manager {
  readonly asked: string[];
  readonly lookup: (key: string) => SecretLookup;
}

const manager = (secrets: Readonly<Record<string, SecretLookup>>): Manager => {
  const asked: string[] = [];
  return {
    asked,
    lookup: (key) => {
      asked.push(key);
      return secrets[key] ?? { type: 'missing', reason: 'it holds qlik-prod' };
    },
  };
};

const parse = (
  text: string,
  given: { file?: string; manager?: Manager | null; standardKey?: string } = {},
): ParsedConnection => {
  const { lookup } = given.manager ?? manager({ 'qlik-prod': secretOf(FIELDS) });
  return parseConnection(text.replaceAll('€', '$'), given.file ?? 'qlik.conf', {
    folder: '/nowhere',
    env: {},
    ...(given.manager === null
      ? {}
      : { secrets: { name: 'the vault of this test', standardKey: given.standardKey, files: [], lookup } }),
  });
};

/** `lines` begin at line 5. */
const file = (lines: string, block = 'secret_manager { enabled = true, key = qlik-prod }'): string =>
  `name = "Qlik"\ncode = qlik-prod\nconnector_id = "qlik-sense"\nconnection.url = "https://qlik.example.com/vp"\n${lines}\n${block}\n`;

const windows = ({ connection, problems }: ParsedConnection) => {
  expect(problems).toEqual([]);
  if (connection?.authentication.type !== 'windows') throw new Error('no Windows login');
  const { domain, user, password } = connection.authentication;
  return { domain, user, password: password.reveal() };
};

const LOGIN = 'connection.auth { username = €{secret_manager.user}, password = €{secret_manager.password} }';

describe('secrets of a secret manager in a connection file', () => {
  test('stand where substitutions name them, whatever characters they hold', () => {
    expect(windows(parse(file(LOGIN)))).toEqual({
      domain: 'CORP',
      user: 'canary-user',
      password: FIELDS.password,
    });
  });

  test('are there before the block that attaches them, and under dotted names', () => {
    const dotted =
      'connection.auth { username = €{secret_manager.eu-west-1.user}, password = €{secret_manager.eu-west-1.password} }';
    expect(windows(parse(file(dotted)))).toMatchObject({ user: 'canary-dotted-user', password: 'canary-dotted' });
    const object =
      'it = €{secret_manager.eu-west-1}\nconnection.auth { username = €{it.user}, password = €{it.password} }';
    const { connection, problems } = parse(file(object));
    expect(problems.map(({ code }) => code)).toEqual(['config.unknown_key', 'config.unknown_key']);
    expect(connection?.authentication).toMatchObject({ user: 'canary-dotted-user' });
  });

  test('are joined to other text as HOCON joins values', () => {
    const joined =
      'connection.auth { username = "OTHER\\\\"€{secret_manager.port}, password = €{secret_manager.port}x€{?secret_manager.nope}y }';
    expect(windows(parse(file(joined)))).toEqual({ domain: 'OTHER', user: '3128', password: '3128xy' });
  });

  test('may fill any key, also one that is no text', () => {
    const { connection, problems } = parse(
      file(`${LOGIN}\nproxy { hostname = proxy.example.com, port = €{secret_manager.port} }`),
    );
    expect(problems).toEqual([]);
    expect(connection?.proxy).toMatchObject({ proxy: { port: 3128 } });
  });

  test.each([
    [
      'qlik.yaml',
      'name: Q\ncode: q\nconnector_id: qlik-sense\nsecret_manager: { enabled: true, key: qlik-prod }\nconnection:\n  url: https://qlik.example.com/vp\n  auth:\n    username: "€{secret_manager.user}"\n    password: €{secret_manager.password}€{?secret_manager.nope}\n',
    ],
    [
      'qlik.json',
      '{"name": "Q", "code": "q", "connector_id": "qlik-sense", "secret_manager": {"enabled": true, "key": "qlik-prod"},\n"connection": {"url": "https://qlik.example.com/vp", "auth": {"username": "€{secret_manager.user}", "password": "€{secret_manager.password}"}}}',
    ],
  ])('stand inside quotes in %s', (name, text) => {
    expect(windows(parse(text, { file: name }))).toEqual({
      domain: 'CORP',
      user: 'canary-user',
      password: FIELDS.password,
    });
  });

  test('inside quotes of HOCON are refused, not sent as they are written', () => {
    const { connection, problems } = parse(
      file('connection.auth { username = "CORP\\\\svc", password = "€{secret_manager.password}" }'),
    );
    expect(connection).toBeUndefined();
    expect(problems).toMatchObject([{ code: 'config.suspicious_value', line: 5 }]);
  });

  test('come from the secret of agent.conf when the file names none', () => {
    expect(windows(parse(file(LOGIN, 'secret_manager.enabled = yes'), { standardKey: 'qlik-prod' }))).toMatchObject({
      domain: 'CORP',
    });
    const { problems } = parse(file(LOGIN, 'secret_manager.enabled = yes'));
    expect(problems).toMatchObject([
      { code: 'config.missing_key', message: expect.stringContaining('secret_manager.key') },
    ]);
  });

  test('may be named by an environment variable, or by another key', () => {
    expect(windows(parse(file(LOGIN, 'secret_manager { enabled = true, key = €{code} }')))).toMatchObject({
      domain: 'CORP',
    });
  });

  test('are not asked for when they are switched off', () => {
    const off = manager({});
    const { connection, problems } = parse(
      file('connection.auth { key = X-User, value = abc }', 'secret_manager { enabled = false, key = qlik-prod }'),
      { manager: off },
    );
    expect(problems).toEqual([]);
    expect(connection).toBeDefined();
    expect(off.asked).toEqual([]);
    const refused = parse(file(LOGIN, ''), { manager: off });
    expect(refused.problems.map(({ code, line, column }) => [code, line, column])).toEqual([
      ['secrets.missing', 5, 30],
      ['secrets.missing', 5, 65],
    ]);
    expect(refused.problems[0]?.message).toContain('secret_manager.enabled is not true');
    expect(off.asked).toEqual([]);
  });

  test('that have no such field: place and names are told, values never', () => {
    const { connection, problems, code } = parse(
      file('connection.auth { username = €{secret_manager.user}, password = €{secret_manager.pasword} }'),
    );
    expect(connection).toBeUndefined();
    expect(code).toBe('qlik-prod');
    expect(problems).toMatchObject([
      {
        code: 'secrets.missing',
        file: 'qlik.conf',
        line: 5,
        column: 65,
        message:
          'The secret qlik-prod of the vault of this test has no field pasword; it has eu-west-1.password, eu-west-1.user, password, port, user. Did you mean password?',
      },
    ]);
    expect(JSON.stringify(problems)).not.toContain('canary');
  });

  test.each<[string, SecretLookup, string, string]>([
    ['missing', { type: 'missing', reason: 'it holds qlik-test' }, 'secrets.missing', 'it holds qlik-test'],
    [
      'out of reach',
      {
        type: 'failed',
        fault: { code: 'secrets.unreachable', message: 'nobody answers', retryable: true, advice: 'Look.' },
      },
      'secrets.unreachable',
      'nobody answers',
    ],
  ])('that are %s give one problem, and nothing that follows from it', (_, lookup, code, message) => {
    const lines = [
      LOGIN,
      'proxy { hostname = p.example.com, port = €{secret_manager.port} }',
      'tls.truststore { path = €{secret_manager.store}, password = €{secret_manager.store_password} }',
      'connection.engine_url = €{secret_manager.engine}',
      'crawl.app_timeout = €{?secret_manager.timeout}',
    ].join('\n');
    const { connection, problems, ...rest } = parse(file(lines), { manager: manager({ 'qlik-prod': lookup }) });
    expect(connection).toBeUndefined();
    expect(problems).toMatchObject([{ code, line: 10, message: expect.stringContaining(message) }]);
    expect(rest).toMatchObject({ code: 'qlik-prod', name: 'Qlik' });
  });

  test('fill what a file includes, too, also below a key', () => {
    const included = Buffer.from(
      'username = €{secret_manager.user}\npassword = €{secret_manager.password}\n'.replaceAll('€', '$'),
    );
    const parsed = parseConnection(file('connection.auth { include "login.conf" }'), 'qlik.conf', {
      folder: '/nowhere',
      env: {},
      readFile: (path) =>
        path === '/nowhere/login.conf'
          ? { type: 'file', bytes: included, realPath: path }
          : { type: 'missing', reason: 'it does not exist' },
      secrets: { name: 'm', standardKey: undefined, files: [], lookup: () => secretOf(FIELDS) },
    });
    expect(windows(parsed)).toMatchObject({ user: 'canary-user', password: FIELDS.password });
  });

  test.each([
    ['name', 'name = €{secret_manager.password}'],
    ['code', 'code = €{secret_manager.password}'],
    ['description', 'description = "see "€{secret_manager.password}'],
    ['description', 'description = €{connection.auth.password}'],
    ['environment', 'environment = €{?secret_manager.nope}€{secret_manager.user}'],
    ['access_notes', 'access_notes = €{secret_manager.password}'],
    ['connection.url', 'connection.url = "https://h.example.com/"€{secret_manager.password}'],
    ['connection.engine_url', 'connection.engine_url = €{secret_manager.password}'],
    ['connection.display_url', 'connection.display_url = "https://"€{secret_manager.port}".example.com"'],
    ['connection.alias_host', 'connection.alias_host = €{secret_manager.password}'],
    ['proxy.hostname', 'proxy { hostname = €{secret_manager.password}, port = 1 }'],
    ['tls.truststore.path', 'tls.truststore.path = €{secret_manager.password}'],
    ['crawl.app_timeout', 'crawl.app_timeout = €{secret_manager.port}'],
  ])('are refused in %s, which is no secret, and shown nowhere', (key, line) => {
    const parsed = parse(file(`${LOGIN}\n${line}`));
    const { connection, problems, name, code, outsideDigests } = parsed;
    expect(connection).toBeUndefined();
    expect(problems.filter(({ severity }) => severity === 'error')).toMatchObject([
      { code: 'config.invalid', message: expect.stringContaining(`${key} comes from a secret`) },
    ]);
    expect(JSON.stringify([problems, name, code, [...outsideDigests.keys()], parsed.sideFiles])).not.toContain(
      'canary',
    );
  });

  test('are refused in YAML and JSON alike, and as the names of files that hold PEM', () => {
    const yaml =
      'name: "Q €{secret_manager.user}"\ncode: q\nconnector_id: qlik-sense\nsecret_manager: { enabled: true, key: qlik-prod }\nconnection:\n  url: https://qlik.example.com/vp\n  auth: { key: X-User, value: x }\n';
    expect(parse(yaml, { file: 'q.yaml' }).problems).toMatchObject([{ code: 'config.invalid', line: 1 }]);
    const { problems, sideFiles, outsideDigests } = parse(
      file('connection.auth { user_directory = D, user_id = u, certificate.path = €{secret_manager.password} }'),
    );
    expect(problems[0]).toMatchObject({ code: 'config.invalid', message: expect.stringContaining('no PEM text') });
    expect(JSON.stringify([sideFiles, [...outsideDigests.keys()]])).not.toContain('canary');
  });

  test('without a secret manager in agent.conf say so once', () => {
    const { problems } = parse(file(LOGIN), { manager: null });
    expect(problems).toMatchObject([{ code: 'secrets.not_configured', line: 6, column: 28 }]);
  });

  test('belong to the version in force: another value is another hash', () => {
    const hash = (fields: Readonly<Record<string, string>>): string =>
      parse(file(LOGIN), { manager: manager({ 'qlik-prod': secretOf(fields) }) }).contentHash;
    expect(hash(FIELDS)).toBe(hash({ ...FIELDS }));
    expect(hash(FIELDS)).not.toBe(hash({ ...FIELDS, password: 'canary-other' }));
  });
});
