import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
import { head, header } from './sample.ts';

let folder: string;
let outside: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-connection-'));
  outside = mkdtempSync(join(tmpdir(), 'culvert-outside-'));
  writeFileSync(join(folder, 'store.jks'), Buffer.from('feedfeed00000002', 'hex'));
  writeFileSync(join(outside, 'x.conf'), 'description = outside');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(outside, { recursive: true, force: true });
});

const parse = (text: string, file = 'qlik.conf', env: Record<string, string> = {}) =>
  parseConnection(text, file, { folder, env });

const errors = (text: string) =>
  parse(text)
    .problems.filter(({ severity }) => severity === 'error')
    .map(({ code, line, message }) => [code, line, message]);

describe('a Zeenea file', () => {
  test('works as it is', () => {
    const { connection, problems } = parse(`name = "Qlik Sense"
code = "qlik-prod"
connector_id = "qlik-sense"
enabled = yes
catalog_code = default
connection {
  url = "https://qlik.example.com:8443/vp/"
  auth.key = "X-Qlik-User"
  auth.value = """CORP\\svc x"""
}
`);
    expect(problems).toEqual([]);
    expect(connection).toMatchObject({
      file: 'qlik.conf',
      code: 'qlik-prod',
      name: 'Qlik Sense',
      enabled: true,
      origin: 'https://qlik.example.com:8443',
      prefix: 'vp',
      engineUrl: 'wss://qlik.example.com:8443/vp',
      displayUrl: 'https://qlik.example.com:8443/vp',
      authentication: { type: 'header', header: 'X-Qlik-User' },
      tls: {
        extraAuthorities: [],
        replaceDefaultRoots: false,
        systemAuthorities: false,
        verifyHostName: true,
        bypassCertificateValidation: false,
      },
      crawl: { engineSessions: 2, appTimeoutMs: 600_000, sheetId: 'engine' },
    });
    expect(connection?.authentication.type === 'header' && connection.authentication.value.reveal()).toBe(
      'CORP\\svc x',
    );
  });

  test('warns of a catalog of its own: an agent has one', () => {
    const { connection, problems } = parse(`${head}${header}\ncatalog_code = sales\n`);
    expect(connection).toBeDefined();
    expect(problems).toMatchObject([{ severity: 'warning', code: 'config.unknown_key', line: expect.any(Number) }]);
    expect(problems[0]?.message).toContain('catalog_code has no effect');
  });

  test('may hold keys of other connectors, which warn', () => {
    const { connection, problems } = parse(`${head}${header}
alias = ["host:1521/db"]
inventory.mode = full
multi_catalog.enabled = false
contact.role_filter = "x"
lineage.view.enabled = true
dsn.configuration = "file:dsn.conf"
cache { enabled = true, path = x, ttl = PT1H }
connection.timeout = 10000
connection.max_retries = 3
`);
    expect(connection).toBeDefined();
    expect(problems.map(({ severity, code }) => `${severity} ${code}`)).toEqual(
      Array.from({ length: 9 }, () => 'warning config.unknown_key'),
    );
  });

  test('with a key that is misspelt says which was meant', () => {
    const { problems } = parse(`${head}${header}conection.engine_url = "wss://x"\ntls.verify_hostname = true\nzzz = 1`);
    expect(problems.map(({ line, message }) => [line, message])).toEqual([
      [6, expect.stringContaining('Did you mean connection.engine_url?')],
      [7, expect.stringContaining('Did you mean tls.verify_host_name?')],
      [8, expect.not.stringContaining('Did you mean')],
    ]);
  });

  test('with empty optional blocks is not refused for them', () => {
    const { connection } = parse(
      `${head}${header}proxy {\n scheme =\n hostname =\n port =\n}\ntls.truststore { path = "", type = null }\nsecret_manager.enabled = false\nfilter = ""`,
    );
    expect(connection).toBeDefined();
  });
});

describe('values', () => {
  test('keep the text that stood in the file where a text is wanted', () => {
    const text = (value: string) => {
      const { connection } = parse(`${head}connection.auth { key = X, value = ${value} }`);
      return connection?.authentication.type === 'header' ? connection.authentication.value.reveal() : undefined;
    };
    expect(text('0123')).toBe('0123');
    expect(text('1.10')).toBe('1.10');
    expect(text('1e3')).toBe('1e3');
    expect(text('true')).toBe('true');
    expect(text('12345678901234567890')).toBe('12345678901234567890');
  });

  test('outside their bounds are named', () => {
    expect(
      errors(`${head}${header}crawl { engine_sessions = 5, app_timeout = soon, sheet_id = both }\nenabled = maybe`),
    ).toEqual([
      ['config.invalid', 6, 'crawl.engine_sessions must be a whole number from 1 to 4.'],
      ['config.invalid', 6, 'crawl.app_timeout must be a duration from 1s to 1d.'],
      ['config.invalid', 6, 'crawl.sheet_id must be "engine" or "repository".'],
      ['config.invalid', 7, 'enabled must be true or false.'],
    ]);
    expect(
      parse(`${head}${header}crawl { engine_sessions = "4", app_timeout = 90s, sheet_id = repository }`),
    ).toMatchObject({ connection: { crawl: { engineSessions: 4, appTimeoutMs: 90_000, sheetId: 'repository' } } });
  });

  test('of the wrong kind are named', () => {
    expect(errors(`${head}${header}environment { a = 1 }\naccess_notes = [1]`)).toEqual([
      ['config.invalid', 6, 'environment must be a text, not an object.'],
      ['config.invalid', 7, 'access_notes must be a text, not a list.'],
    ]);
  });

  test('with control characters are named, however they came in', () => {
    const yaml =
      'name: x\ncode: x\nconnector_id: qlik-sense\nconnection:\n  url: "https://q.example.com\\t/x"\n  auth: { key: X, value: "a\\nb" }\n';
    const { problems } = parse(yaml, 'q.yaml');
    expect(problems.map(({ line, message }) => [line, message])).toEqual([
      [5, expect.stringContaining('connection.url holds')],
      [6, expect.stringContaining('connection.auth.value holds')],
    ]);
    expect(errors(`${head}${header}tls.truststore.path = "C:\\temp\\new"`.replaceAll('\\\\t', '\\t'))).toHaveLength(1);
  });

  test('where an object should be are named', () => {
    expect(errors(`${head}${header}tls = on`)).toEqual([
      ['config.invalid', 6, 'tls must be an object, not a single value.'],
    ]);
  });

  test('of another way to log in warn', () => {
    expect(parse(`${head}${header}connection.auth { type = header, user_id = x }`)).toMatchObject({
      connection: { authentication: { type: 'header' } },
      problems: [{ severity: 'warning', line: 6, message: expect.stringContaining('connection.auth.user_id') }],
    });
  });

  test('of a code outside its letters are encoded, once', () => {
    const { connection, problems } = parse(`${head}${header}code = "Qlik prod/é%"`);
    expect(connection?.code).toBe('Qlik%20prod%2F%C3%A9%25');
    expect(problems).toMatchObject([
      { severity: 'warning', line: 6, message: expect.stringContaining('already') },
      { severity: 'warning', line: 6, message: expect.stringContaining('begin with') },
    ]);
  });

  test('come from the environment and from included files, but not from outside the folder', () => {
    expect(parse(`${head}${header}environment = \${STAGE}`, 'q.conf', { STAGE: 'test' }).connection?.environment).toBe(
      'test',
    );
    writeFileSync(join(folder, 'shared.conf'), 'description = shared\nenvironment = [1]');
    const { problems } = parse(`include "shared"\n${head}${header}`);
    expect(problems).toMatchObject([{ file: 'shared.conf', line: 2, column: 1 + 'environment = '.length }]);
    symlinkSync(join(outside, 'x.conf'), join(folder, 'link.conf'));
    for (const include of [
      `"${outside}/x.conf"`,
      '"../x.conf"',
      '"link.conf"',
      'url("http://x/y")',
      '"http://x/y"',
      'required("nope")',
    ])
      expect(errors(`include ${include}\n${head}${header}`)).toMatchObject([['config.syntax', 1, expect.anything()]]);
  });
});

describe('addresses', () => {
  const addresses = (url: string, more = '') => {
    const { connection, problems } = parse(`${head}${header}connection.url = "${url}"\n${more}`);
    return { connection, messages: problems.map(({ message }) => message).filter((m) => !m.includes('already')) };
  };
  test.each([
    ['ftp://qlik.example.com', 'not ftp://'],
    ['qlik.example.com/vp', 'must begin with https://'],
    ['https://', 'is not a URL'],
    ['https://user:canary@qlik.example.com', 'user or a password'],
    ['wss://qlik.example.com', 'must begin with https://'],
  ])('%s is refused', (url, message) => {
    const { connection, messages } = addresses(url);
    expect(connection).toBeUndefined();
    expect(messages).toEqual([expect.stringContaining(message)]);
  });

  test('without TLS are taken, with a loud warning unless they are of this machine', () => {
    expect(addresses('http://qlik.example.com/vp')).toMatchObject({
      connection: {
        origin: 'http://qlik.example.com',
        prefix: 'vp',
        engineUrl: 'ws://qlik.example.com/vp',
        displayUrl: 'http://qlik.example.com/vp',
      },
      messages: [expect.stringContaining('connection.url is without TLS: credentials')],
    });
    expect(addresses('http://qlik.example.com:8080').connection?.engineUrl).toBe('ws://qlik.example.com:8080');
    for (const host of ['localhost', '127.0.0.1:8080', '[::1]'])
      expect(addresses(`http://${host}/vp`)).toMatchObject({ connection: { origin: `http://${host}` }, messages: [] });
    expect(addresses('https://qlik.example.com', 'connection.engine_url = "ws://qlik.example.com/vp"')).toMatchObject({
      connection: { origin: 'https://qlik.example.com', engineUrl: 'ws://qlik.example.com/vp' },
      messages: [expect.stringContaining('connection.engine_url is without TLS')],
    });
  });

  test('without TLS are refused with a client certificate', () => {
    const login = 'connection.auth { type = certificate, certificate.path = x, user_directory = D, user_id = u }';
    for (const line of [
      'connection.url = "http://qlik.example.com"',
      'connection.engine_url = "ws://qlik.example.com"',
    ])
      expect(errors(`${head}${login}\n${line}`)).toContainEqual([
        'config.invalid',
        6,
        'A client certificate can be shown only over TLS.',
      ]);
  });

  test('of a page are cut to the prefix, with a warning', () => {
    expect(addresses('https://qlik.example.com/vp/hub/my/work')).toMatchObject({
      connection: { origin: 'https://qlik.example.com', prefix: 'vp' },
      messages: [expect.stringContaining('page')],
    });
    expect(addresses('https://qlik.example.com/sense/app/1').connection?.prefix).toBe('');
  });

  test('of the engine, of links and of the alias are their own', () => {
    expect(
      addresses(
        'https://10.0.0.1',
        'connection { engine_url = "wss://engine.example.com:4747/", display_url = "https://qlik.example.com/x/", alias_host = qlik.example.com }',
      ).connection,
    ).toMatchObject({
      engineUrl: 'wss://engine.example.com:4747',
      displayUrl: 'https://qlik.example.com/x',
      aliasHost: 'qlik.example.com',
    });
    expect(addresses('https://10.0.0.1', 'connection.alias_host = "https://x"').messages).toEqual([
      expect.stringContaining('host name'),
    ]);
  });
});

describe('YAML and JSON', () => {
  test('mean the same as HOCON', () => {
    const yaml = `name: Qlik
code: 0123
connector_id: qlik-sense
connection:
  url: https://qlik.example.com/vp
  auth:
    key: X-Qlik-User
    value: 1.10
`;
    const json = JSON.stringify({
      name: 'Qlik',
      code: '0123',
      connector_id: 'qlik-sense',
      connection: { url: 'https://qlik.example.com/vp', auth: { key: 'X-Qlik-User', value: '1.10' } },
    });
    for (const [text, file] of [
      [yaml, 'q.yaml'],
      [json, 'q.json'],
      [json, 'q.yml'],
      [`\ufeff${yaml.replaceAll('\n', '\r\n')}`, 'q.yml'],
    ] as const) {
      const { connection, problems } = parse(text, file);
      expect(problems).toEqual([]);
      expect(connection).toMatchObject({ code: '0123', origin: 'https://qlik.example.com', prefix: 'vp' });
      expect(connection?.authentication.type === 'header' && connection.authentication.value.reveal()).toBe('1.10');
    }
  });

  test('name the place of a mistake and keep secrets back', () => {
    const { problems } = parse('name: x\nconnection:\n  auth:\n    value: "canary-1\n  url: x\n', 'q.yaml');
    expect(problems[0]).toMatchObject({ code: 'config.syntax', severity: 'error' });
    expect(JSON.stringify(problems)).not.toContain('canary-1');
    expect(parse('a: &x [1]\nb: *x\n', 'q.yaml').problems[0]?.message).toContain('Aliases');
    expect(parse('a: 1\na: 2\n', 'q.yaml').problems[0]).toMatchObject({ line: 2, column: 1 });
    expect(parse('- a\n', 'q.yaml').problems[0]?.message).toContain('keys and values');
    expect(parse('', 'q.yaml').problems[0]?.message).toContain('keys and values');
    expect(parse('a: b: c\n', 'q.yaml').problems[0]).toMatchObject({ line: 1 });
  });
});
