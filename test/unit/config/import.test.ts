import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
import { planImport } from '#config/import/import.ts';
import { Secret } from '#config/secret.ts';
import { connectionText, type FileFormat } from '#config/writing/connection-file.ts';
import { byPath, escaped, ingestion, pair, user } from './openmetadata.ts';
import { head, header } from './sample.ts';

const client = pair();
let folder: string;
let target: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-import-'));
  target = join(folder, 'target');
  mkdirSync(target);
  writeFileSync(join(folder, 'client.pem'), client.certificate);
  writeFileSync(join(folder, 'client_key.pem'), client.key);
  writeFileSync(join(folder, 'root.pem'), client.certificate);
  writeFileSync(join(folder, 'token.jwt'), 'eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.canary');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const plan = (text: string, file: string, env: Record<string, string> = {}, into: 'file' | 'output' = 'file') => {
  const planned = planImport(
    Buffer.from(text),
    { file, folder, target: into === 'file' ? target : undefined, stem: 'new' },
    env,
  );
  if (planned.type === 'refused') throw new Error(JSON.stringify(planned.problems));
  return planned;
};
const refused = (text: string, file: string): string[] => {
  const planned = planImport(Buffer.from(text), { file, folder, target, stem: 'new' }, {});
  return planned.type === 'plan' ? [] : planned.problems.map(({ message }) => message);
};

/** Everything of a connection, secrets revealed, but the name of the file and what depends on where things stand. */
const meaning = (text: string, file: string, where: string, env: Record<string, string>): unknown => {
  const { connection, problems } = parseConnection(text, file, { folder: where, env });
  if (connection === undefined) throw new Error(JSON.stringify(problems, null, 2) + text);
  const { file: _, contentHash: __, repositoryAssumed: ___, outside: ____, filter, ...others } = connection;
  const rest = { ...others, filter: filter?.digest };
  const reveal = (value: unknown): unknown => {
    if (value instanceof Secret) return { secret: value.reveal() };
    if (Array.isArray(value)) return value.map(reveal);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reveal(inner)]));
  };
  return reveal(rest);
};

const EXTENSIONS = { hocon: 'conf', yaml: 'yaml', json: 'json' } as const;
const imported = (text: string, file: string, env: Record<string, string> = {}, format: FileFormat = 'hocon') => {
  const { items, sideFiles } = plan(text, file, env);
  const out = connectionText(items, format);
  for (const { name, content } of sideFiles) writeFileSync(join(target, name), content);
  return { out, meaning: meaning(out, `new.${EXTENSIONS[format]}`, target, env) };
};
const same = (text: string, file: string, env: Record<string, string> = {}): void => {
  const before = meaning(text, file, folder, env);
  expect(imported(text, file, env).meaning).toEqual(before);
  // To the standard output, for the same folder.
  const printed = connectionText(plan(text, file, env, 'output').items, 'hocon');
  expect(meaning(printed, 'new.conf', folder, env)).toEqual(before);
};

const current = (indent: string): string[] => [
  'certificates:',
  '  sslConfig:',
  `${indent}sslCertificate: ${escaped(client.certificate)}`,
  `${indent}sslKey: ${escaped(client.key)}`,
  `${indent}caCertificate: ${escaped(client.certificate)}`,
];

describe('an import means the same as its source', () => {
  test('for every kind of OpenMetadata file', () => {
    const text = fc.string({
      unit: fc.constantFrom(...'aZ0 ._-äß#"\'\\/{}[]:=,+$@`^?!*&|'),
      minLength: 1,
      maxLength: 20,
    });
    const scalar = (value: string): string => JSON.stringify(value);
    fc.assert(
      fc.property(
        fc.constantFrom(
          'wss://q.example.com:4747',
          'wss://q.example.com',
          'wss://q.example.com/a/b',
          'wss://10.0.0.1:4747/',
        ),
        fc.constantFrom(byPath, current('    ')),
        fc.constantFrom('true', 'false', undefined),
        fc.option(fc.constantFrom('https://portal.example.com/x', 'https://p.example.com:8443')),
        text.filter((name) => name.trim() !== ''),
        text.filter((name) => name.trim() !== ''),
        fc.boolean(),
        (hostPort, certificates, verify, display, service, id, filtered) => {
          const file = ingestion(
            [
              `hostPort: ${hostPort}`,
              ...certificates,
              ...(verify === undefined ? [] : [`validateHostName: ${verify}`]),
              ...(display === null ? [] : [`displayUrl: ${display}`]),
              'userDirectory: CORP',
              `userId: ${scalar(id)}`,
            ],
            filtered ? ['chartFilterPattern:', '  includes: [a]', 'includeTags: true'] : [],
          ).replace('local_qliksense', () => scalar(service));
          const parsed = parseConnection(file, 'om.yaml', { folder, env: {} });
          fc.pre(parsed.connection !== undefined);
          rmSync(target, { recursive: true, force: true });
          mkdirSync(target);
          same(file, 'om.yaml');
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    ['header', header],
    ['a password with everything', 'connection.auth { username = "CORP\\\\svc", password = """a"b$c#d{e}//f""" }\n'],
    ['a token file', 'connection.auth.token_file = "token.jwt"\n'],
    ['a token file by file:', 'connection.auth.token_file = "file:token.jwt"\n'],
    ['a trust store', `${header}tls { truststore.path = root.pem, verify_host_name = no, system_authorities = yes }\n`],
    [
      'a proxy',
      `${header}proxy { scheme = https, hostname = p.example.com, port = "3128", username = u, password = p }\n`,
    ],
    [
      'texts',
      `${header}environment = "Test: 1"\ndescription = """two\nlines \\ x"""\naccess_notes = "say \\"please\\""\nenabled = off\n`,
    ],
    ['crawl options', `${header}crawl { engine_sessions = 3, app_timeout = 5 minutes, sheet_id = repository }\n`],
    [
      'keys of other connectors',
      `${header}filter = """name = 'x'"""\nalias = ["a"]\ncatalog_code = default\ncache { ttl = PT1H }\n`,
    ],
    [
      'filters',
      `${header}filter = """stream = 'a\\'b' # c\n and not app ~ '*"x"*'"""\nfilters = [{ id = a, action = REJECT, rules { stream = "Test*" } }]\ncrawl { include.streams = [a, "b c"], exclude.apps = "regex:x.*", unpublished_apps = no }\n`,
    ],
    ['own substitutions', `host = a\n${header}proxy { hostname = \${host}".example.com", port = 1 }\n`],
    [
      'certificates in a folder',
      `connection.auth { type = certificate, certificate.path = ".", user_directory = A, user_id = "0123" }\n`
        .replace('"."', '"client.pem"')
        .replace('certificate.path', 'certificate.key_path = client_key.pem, certificate.path'),
    ],
  ])('for a Zeenea file with %s', (_, rest) => same(head + rest, 'zeenea.conf'));

  test('substitutions of the environment stay what they are', () => {
    const env = { QLIK_USER: 'CORP\\canary', PROXY: 'canary-password' };
    const text = `${head}connection.auth { key = X, value = \${QLIK_USER} }\nproxy { hostname = p, port = 1, username = "a"\${?NOT_SET}, password = \${?PROXY} }\n`;
    same(text, 'zeenea.conf', env);
    const { out } = imported(text, 'zeenea.conf', env);
    expect(out).not.toContain('canary');
    expect(out).toContain(`value = $\{QLIK_USER}`);
    const om = ingestion(['hostPort: wss://q:4747', ...byPath, 'userDirectory: A', 'userId: x-$QLIK_ID-$NO']);
    same(om, 'om.yaml', { QLIK_ID: 'canary' });
    expect(imported(om, 'om.yaml', { QLIK_ID: 'canary' }).out).toContain(`user_id = "x-"$\{QLIK_ID}"-$NO"`);
  });

  test.each(['yaml', 'json'] as const)('written as %s', (format) => {
    const rest = `${header}tls.verify_host_name = false\ncrawl.engine_sessions = 3\nproxy { hostname = p, port = 3128 }\ndescription = """a\nb"""\n`;
    const before = meaning(head + rest, 'zeenea.conf', folder, {});
    const { out, meaning: after } = imported(head + rest, 'zeenea.conf', {}, format);
    expect(after).toEqual(before);
    expect(out).toContain('connection.schema.json');
    const planned = plan(`${head}connection.auth { key = X, value = \${?V} }\n`, 'zeenea.conf');
    expect(() => connectionText(planned.items, format)).toThrow('only HOCON can say');
  });
});

describe('an import', () => {
  test('puts certificates by value into files beside it, never into the text', () => {
    const planned = plan(ingestion(['hostPort: wss://q:4747', ...current('    '), ...user]), 'om.yaml');
    expect(planned.sideFiles.map(({ name }) => name)).toEqual(['new-client.pem', 'new-client_key.pem', 'new-root.pem']);
    expect(planned.sideFiles[1]?.content).toBe(client.key);
    expect(connectionText(planned.items, 'hocon')).not.toContain('PRIVATE KEY');
  });

  test('says at the place what it left out and why, in lines of 80 columns', () => {
    const text = ingestion(
      ['hostPort: wss://q:4747', ...byPath, ...user, 'includeDraftDashboard: false', 'oddOption: canary'],
      ['includeOwners: true'],
    );
    const out = connectionText(plan(text, 'om.yaml').items, 'hocon');
    const one = out.replaceAll(/\n\s*# /g, ' ');
    expect(one).toMatch(/crawl \{ includeDraftDashboard\n {2}unpublished_apps = false\n\}/);
    expect(one).toContain('Left out: includeOwners, which is what Culvert does anyway.');
    expect(one).toContain('Left out: workflowConfig has no effect');
    expect(out).not.toContain('canary');
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    const zeenea = connectionText(
      plan(`${head}${header}odd = canary\npassphrase.x = canary\n`, 'z.conf').items,
      'hocon',
    );
    expect(zeenea).toContain('# Left out: odd. Culvert does not know it.');
    expect(zeenea).not.toContain('canary');
  });

  test('advises where a secret stands in clear', () => {
    expect(connectionText(plan(head + header, 'z.conf').items, 'hocon')).toContain('Better not in clear');
    const sealed = `${head}connection.auth { key = X, value = \${?V} }\n`;
    expect(connectionText(plan(sealed, 'z.conf').items, 'hocon')).not.toContain('Better not in clear');
  });

  test('refuses other connectors and what it cannot read', () => {
    expect(refused(head.replace('"qlik-sense"', 'qlik-cloud') + header, 'z.conf')).toEqual([
      'This file is for the connector qlik-cloud; Culvert reads Qlik Sense Enterprise on Windows (qlik-sense) only.',
    ]);
    expect(refused('a = 1', 'z.conf')[0]).toContain('connector_id is missing');
    expect(refused('a = {', 'z.conf').length).toBe(1);
    expect(refused(ingestion(['hostPort: wss://q:4747']), 'om.yaml').length).toBe(2);
    expect(refused(ingestion([]).replace('type: qliksense', 'type: looker'), 'om.yaml')[0]).toContain('another source');
  });
});

test('a claim may have any name, in JSON too', () => {
  const text = `${head}connection.auth.jwt { key_path = k.pem, user_id = u, user_directory = D, claims { "__proto__" = { polluted = canary }, constructor = c } }\n`;
  const json = connectionText(plan(text, 'old.conf').items, 'json');
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  const claims = (JSON.parse(json) as { connection: { auth: { jwt: { claims: object } } } }).connection.auth.jwt.claims;
  expect(Object.entries(claims)).toEqual([
    ['__proto__', { polluted: 'canary' }],
    ['constructor', 'c'],
  ]);
});
