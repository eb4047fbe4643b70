import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
import { type Issued, issue } from './certificates.ts';
import { head, header } from './sample.ts';

const NOW = Date.UTC(2026, 0, 15);
const day = 86_400_000;
let folder: string;
let client: Issued;
let expired: Issued;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-connection-'));
  client = issue('client', new Date(NOW - day), new Date(NOW + day));
  expired = issue('old', new Date(NOW - 2 * day), new Date(NOW - day));
  mkdirSync(join(folder, 'exported'));
  writeFileSync(join(folder, 'exported', 'client.pem'), client.certificate);
  writeFileSync(join(folder, 'exported', 'client_key.pem'), client.key);
  writeFileSync(join(folder, 'exported', 'root.pem'), client.certificate);
  writeFileSync(join(folder, 'both.pem'), client.certificate + client.key);
  writeFileSync(join(folder, 'authorities.pem'), client.certificate + expired.certificate);
  writeFileSync(join(folder, 'noise.pem'), 'nothing');
  writeFileSync(join(folder, 'token.jwt'), `\ufeff${jwt()}\r\n`);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (exp?: number): string => `${encode({ alg: 'RS256' })}.${encode({ userId: 'x', exp })}.c2ln`;

const parse = (text: string, file = 'qlik.conf', env: Record<string, string> = {}) =>
  parseConnection(text, file, { folder, env, nowMs: NOW });

const certificate = 'connection.auth { user_directory = INTERNAL, user_id = sa_api }\n';

const errors = (text: string) =>
  parse(text)
    .problems.filter(({ severity }) => severity === 'error')
    .map(({ code, line, message }) => [code, line, message]);

describe('a token', () => {
  test('is read from the file or from a file beside it', () => {
    for (const line of [
      `token = "${jwt()}"`,
      'token_file = token.jwt',
      `token_file = "${join(folder, 'token.jwt')}"`,
    ]) {
      const { connection, problems, sideFiles } = parse(`${head}connection.auth.${line}`);
      expect(problems).toEqual([]);
      expect(connection?.authentication.type === 'jwt' && connection.authentication.token.reveal()).toBe(jwt());
      expect(sideFiles).toEqual(line.startsWith('token_file') ? [join(folder, 'token.jwt')] : []);
    }
  });

  test('that is expired warns; one that is none is refused', () => {
    expect(parse(`${head}connection.auth.token = "${jwt(NOW / 1000 - 1)}"`)).toMatchObject({
      connection: { authentication: { type: 'jwt' } },
      problems: [{ severity: 'warning', message: expect.stringContaining('2026-01-14T23:59:59') }],
    });
    expect(errors(`${head}connection.auth.token = abc`)).toMatchObject([['config.invalid', 5, expect.anything()]]);
    expect(errors(`${head}connection.auth.token_file = nope`)).toMatchObject([
      ['config.unreadable', 5, expect.anything()],
    ]);
  });
});

describe('a client certificate', () => {
  const escaped = (pem: string): string => pem.trim().replaceAll('\n', '\\\\n');
  test.each([
    ['a folder', () => 'path = exported'],
    ['two files', () => 'path = exported/client.pem, key_path = exported/client_key.pem'],
    ['one file with both', () => 'path = both.pem'],
    ['a file: URL', () => `path = "${pathToFileURL(join(folder, 'both.pem')).href}"`],
    [
      'texts with escaped line ends',
      () => `path = "${escaped(client.certificate)}", key_path = "${escaped(client.key)}"`,
    ],
    ['texts with real line ends', () => `path = """${client.certificate}""", key_path = """${client.key}"""`],
    [
      'texts with line ends by the syntax',
      () => `path = ${JSON.stringify(client.certificate)}, key_path = ${JSON.stringify(client.key)}`,
    ],
  ])('is read from %s', (_, keys) => {
    const { connection, problems } = parse(
      `${head}${certificate}connection.auth.certificate { ${keys()} }\nconnection.url = "https://qlik.example.com"`,
    );
    expect(problems.filter(({ message }) => !message.includes('already'))).toEqual([]);
    expect(connection).toMatchObject({
      origin: 'https://qlik.example.com:4242',
      engineUrl: 'wss://qlik.example.com:4747',
      displayUrl: 'https://qlik.example.com',
      authentication: {
        type: 'certificate',
        userDirectory: 'INTERNAL',
        userId: 'sa_api',
        certificate: client.certificate,
      },
    });
  });

  test('says when certificate and key are swapped, and which file of the export is missing', () => {
    const wrong = (keys: string) => errors(`${head}${certificate}connection.auth.certificate { ${keys} }`);
    expect(wrong(`path = ${JSON.stringify(client.key)}, key_path = ${JSON.stringify(client.certificate)}`)).toEqual([
      ['tls.client_certificate', 6, 'What should be the client certificate is a private key.'],
      ['tls.client_certificate', 6, 'What should be the private key is a certificate only.'],
    ]);
    mkdirSync(join(folder, 'half'));
    writeFileSync(join(folder, 'half', 'client.pem'), client.certificate);
    writeFileSync(join(folder, 'half', 'root.pem'), client.certificate);
    expect(wrong('path = half')).toEqual([
      ['config.unreadable', 6, 'The private key client_key.pem cannot be read: it does not exist.'],
    ]);
  });

  test('is refused when it is expired, has another key, or lacks a part', () => {
    const wrong = (keys: string) => errors(`${head}${certificate}connection.auth.certificate { ${keys} }`);
    const pem = (text: string): string => JSON.stringify(text);
    expect(wrong(`path = ${pem(expired.certificate)}, key_path = ${pem(expired.key)}`)).toEqual([
      ['tls.client_certificate_expired', 6, 'The client certificate expired at 2026-01-14T00:00:00.000Z.'],
    ]);
    expect(wrong(`path = exported/client.pem, key_path = ${pem(expired.key)}`)).toEqual([
      ['tls.client_certificate', 6, 'The private key does not belong to the client certificate.'],
    ]);
    expect(wrong('path = exported/client.pem')).toEqual([
      ['tls.client_certificate', 6, 'There is no private key in PEM.'],
    ]);
    expect(wrong('path = nowhere.pem')).toMatchObject([['config.unreadable', 6, expect.anything()]]);
    expect(wrong('path = noise.pem')).toMatchObject([
      ['tls.client_certificate', 6, expect.anything()],
      ['tls.client_certificate', 6, expect.anything()],
    ]);
    expect(errors(`${head}connection.auth.certificate.path = exported`).map(([code]) => code)).toEqual([
      'config.missing_key',
      'config.missing_key',
    ]);
  });
});

describe('a trust store', () => {
  test('in PEM is read: relative, absolute, as a URL', () => {
    for (const path of [
      'authorities.pem',
      join(folder, 'authorities.pem'),
      'file:authorities.pem',
      pathToFileURL(join(folder, 'authorities.pem')).href,
    ]) {
      const { connection, problems, sideFiles } = parse(
        `${head}${header}tls.truststore { path = "${path}", type = pem }`,
      );
      expect(problems).toEqual([]);
      expect(connection?.tls.extraAuthorities).toHaveLength(2);
      expect(sideFiles).toEqual([join(folder, 'authorities.pem')]);
    }
  });

  test('that is missing or holds nothing is refused; bypassing it warns', () => {
    expect(errors(`${head}${header}tls.truststore.path = gone.pem`)).toMatchObject([
      ['config.unreadable', 6, expect.anything()],
    ]);
    expect(errors(`${head}${header}tls.truststore.path = noise.pem`)).toMatchObject([
      ['config.invalid', 6, expect.anything()],
    ]);
    expect(parse(`${head}${header}tls.bypass_certificate_validation = on`)).toMatchObject({
      connection: { tls: { bypassCertificateValidation: true } },
      problems: [{ severity: 'warning', line: 6 }],
    });
  });

  test('changes the hash when its content changes', () => {
    const text = `${head}${header}tls.truststore.path = moving.pem`;
    writeFileSync(join(folder, 'moving.pem'), client.certificate);
    const before = parse(text).contentHash;
    expect(parse(text).contentHash).toBe(before);
    writeFileSync(join(folder, 'moving.pem'), expired.certificate);
    expect(parse(text).contentHash).not.toBe(before);
  });
});
