import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConnectionFolder } from '#config/folder.ts';
import { clearSecrets } from '#config/lint/clear-secrets.ts';
import { lintFile, lintFolder } from '#config/lint/lint.ts';
import { issue } from './certificates.ts';
import { byPath, ingestion, user } from './openmetadata.ts';
import { head, header } from './sample.ts';

const DAY_MS = 86_400_000;
const nowMs = Date.UTC(2026, 10, 22);
const inDays = (days: number): Date => new Date(nowMs + days * DAY_MS);
const soon = issue('canary-soon', inDays(-300), inDays(20));
const late = issue('canary-late', inDays(-1), inDays(900));
const over = issue('canary-over', inDays(-300), inDays(-3));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-lint-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, text: string, mode = 0o600): void => {
  writeFileSync(join(folder, name), text);
  chmodSync(join(folder, name), mode);
};
const said = async (): Promise<string[]> =>
  (await lintFolder(folder, { nowMs, env: {} })).flatMap(({ file, problems }) =>
    problems.map(({ code, message }) => `${file}: ${code}: ${message}`),
  );
const certificate = `connection.auth { type = certificate, certificate { path = "client.pem", key_path = "client_key.pem", ca_path = "root.pem" }, user_directory = A, user_id = b }\n`;
const withPair = (pair: typeof soon, root = late): void => {
  put('client.pem', pair.certificate);
  put('client_key.pem', pair.key);
  put('root.pem', root.certificate);
};

describe('the linter', () => {
  test('has nothing to say of a file in order', async () => {
    put('a.conf', head + header);
    expect(await said()).toEqual([]);
  });

  test('warns of folders that cannot be read, and not of those that can', async () => {
    mkdirSync(join(folder, 'qvd'));
    put(
      'a.conf',
      `${head}${header}paths { qvds = "${folder}/qvd", logs = [{ from = "lib://L", to = "${folder}/none" }] }\n`,
    );
    const [problem, ...others] = await said();
    expect(problem).toContain(`paths.logs names ${folder}/none, and there is no such folder on this machine.`);
    expect(others).toEqual([]);
    put('a.conf', `${head}${header}paths.qvs = "${folder}/b.pem"\n`);
    put('b.pem', '');
    expect((await said())[0]).toContain('it is no folder');
  });

  test('names files that clash, and files whose last extension Windows hid', async () => {
    put('a.conf', head + header);
    put('b.conf', head + header);
    put('c.conf.txt', head + header);
    put('d.schema.json', '{}');
    const all = await said();
    expect(all.filter((line) => line.includes('config.duplicate_code')).length).toBe(2);
    expect(all).toContain('c.conf.txt: config.misnamed: The name ends in .txt, so this file is not read.');
    expect(all.some((line) => line.startsWith('d.schema'))).toBe(false);
  });

  test('names secrets that every user of the machine may read', async () => {
    put('a.conf', head + header, 0o644);
    put('b.conf', `${head.replace('qlik-prod', 'b')}connection.auth { key = X, value = \${?NOT_SET} }\n`, 0o644);
    expect((await said()).filter((line) => line.includes('config.exposed'))).toEqual([
      'a.conf: config.exposed: Every user of this machine may read a.conf (mode 644), and it holds connection.auth.value.',
    ]);
  });

  test('takes no mapping file for a secret, however short', async () => {
    put('a.conf', `${head}connection.auth { key = X, value = \${?NOT_SET} }\ncrawl.lineage_mapping = "a.lineage"\n`);
    put('a.lineage', 'variables { vEnvironment = prod }\n', 0o644);
    expect((await said()).filter((line) => line.includes('config.exposed'))).toEqual([]);
  });

  test('names private keys and tokens in side files that every user may read', async () => {
    withPair(late);
    chmodSync(join(folder, 'client_key.pem'), 0o644);
    chmodSync(join(folder, 'client.pem'), 0o644);
    put('a.conf', head + certificate);
    put('b.conf', `${head.replace('qlik-prod', 'b')}connection.auth.token_file = "b.jwt"\n`);
    put('b.jwt', 'eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.canary', 0o604);
    expect((await said()).filter((line) => line.includes('config.exposed'))).toEqual([
      'a.conf: config.exposed: Every user of this machine may read client_key.pem (mode 644), and it holds a private key.',
      'b.conf: config.exposed: Every user of this machine may read b.jwt (mode 604), and it holds a token.',
    ]);
  });

  test.skipIf(process.platform === 'win32')(
    'names what others may write: the folder, its files and side files',
    async () => {
      withPair(late);
      put('a.conf', head + certificate, 0o620);
      chmodSync(join(folder, 'root.pem'), 0o602);
      chmodSync(folder, 0o777);
      const name = basename(folder);
      expect((await said()).filter((line) => line.includes('config.exposed'))).toEqual([
        `${name}: config.exposed: Every user of this machine may write the folder ${name} (mode 777), and with it decide where the agent sends its secrets.`,
        expect.stringMatching(/^a\.conf: config\.exposed: The group with the id \d+ may write a\.conf \(mode 620\)/),
        expect.stringMatching(/^a\.conf: config\.exposed: Every user of this machine may write root\.pem \(mode 602\)/),
      ]);
      chmodSync(folder, 0o700);
      const one = await lintFile(join(folder, 'a.conf'), { nowMs, env: {} });
      expect(one?.problems.map(({ advice }) => advice)).toContain('Let only its owner write it: chmod go-w a.conf');
    },
  );

  test('names included parts with secrets that every user may read', async () => {
    put('a.conf', `${head}include "part.conf"\n`);
    put('part.conf', header, 0o644);
    expect((await said()).filter((line) => line.includes('config.exposed'))).toEqual([
      'a.conf: config.exposed: Every user of this machine may read part.conf (mode 644), and it holds connection.auth.value.',
    ]);
  });

  test('tells of certificates that end within thirty days, and of a root that has ended', async () => {
    withPair(soon, over);
    put('a.conf', head + certificate);
    expect((await said()).filter((line) => line.includes('config.expiring'))).toEqual([
      'a.conf: config.expiring: The client certificate (canary-soon) expires on 2026-12-12.',
      'a.conf: config.expiring: The root certificate of the site holds a certificate that has expired or will within 30 days: canary-over on 2026-11-19.',
    ]);
  });

  test('tells of a trust store whose certificates end, in one line', async () => {
    put('store.pem', over.certificate + late.certificate + soon.certificate);
    put('a.conf', `${head}${header}tls.truststore.path = "store.pem"\n`);
    expect(await said()).toEqual([
      'a.conf: config.expiring: tls.truststore holds certificates that have expired or will within 30 days: canary-over on 2026-11-19; canary-soon on 2026-12-12.',
    ]);
  });

  test('tells of a token that ends soon, and of a key that is not the one of its certificate', async () => {
    const claims = Buffer.from(JSON.stringify({ exp: inDays(2).getTime() / 1000 })).toString('base64url');
    put('a.conf', `${head}connection.auth.token = "eyJhbGciOiJSUzI1NiJ9.${claims}.x"\n`);
    withPair({ certificate: late.certificate, key: soon.key });
    put('b.conf', head.replace('qlik-prod', 'b') + certificate);
    const all = await said();
    expect(all).toContain('a.conf: config.expiring: The token expires at 2026-11-24T00:00:00.000Z.');
    expect(all).toContain('b.conf: tls.client_certificate: The private key does not belong to the client certificate.');
  });

  test('tells of the certificate of a signing key that ends soon', async () => {
    put('key.pem', soon.key);
    put('cert.pem', soon.certificate);
    const jwt =
      'connection.auth.jwt { key_path = "key.pem", certificate_path = "cert.pem", user_id = a, user_directory = B }\n';
    put('a.conf', head + jwt);
    expect((await said()).filter((line) => line.includes('config.expiring'))).toEqual([
      'a.conf: config.expiring: The certificate cert.pem (canary-soon) expires on 2026-12-12.',
    ]);
  });

  test('warns of a URL without prefix only where a prefix is needed', async () => {
    const url = head.replace('/vp"', '"');
    put('a.conf', url + header);
    put('b.conf', `${url.replace('qlik-prod', 'b')}connection.auth { username = "A\\\\b", password = canary }\n`);
    expect((await said()).filter((line) => line.includes('no prefix')).length).toBe(1);
  });

  test('names certificates and keys that no connection names, unless a file cannot be read', async () => {
    withPair(late);
    put('spare.pem', late.certificate);
    put('notes.txt', 'x');
    mkdirSync(join(folder, 'old'));
    put('a.conf', head + certificate);
    const unused = async () => (await said()).filter((line) => line.includes('config.unused_file'));
    expect(await unused()).toEqual([
      'spare.pem: config.unused_file: No connection file of this folder names this file.',
    ]);
    put('b.conf', 'name = "');
    expect(await unused()).toEqual([]);
  });

  test('checks one file alone', async () => {
    put('a.conf', head + header, 0o644);
    const linted = await lintFile(join(folder, 'a.conf'), { nowMs });
    expect(linted).toMatchObject({
      file: 'a.conf',
      code: 'qlik-prod',
      name: 'Qlik',
      problems: [{ code: 'config.exposed' }],
    });
    expect(await lintFile(join(folder, 'none.conf'))).toBeUndefined();
  });
});

describe('secrets that stand in a file as they are', () => {
  const found = (text: string, file = 'a.conf') => clearSecrets(text, file);
  test.each([
    ['a text', 'connection.auth.value = "a"', ['connection.auth.value']],
    ['a text without quotes', 'connection { auth { password = a b } }', ['connection.auth.password']],
    ['a number', 'proxy.password = 123', ['proxy.password']],
    ['a variable', `proxy.password = $\{P}`, []],
    ['a file', 'proxy.password = "file:p.txt"', []],
    ['an encrypted value', 'proxy.password = "encrypted:v1:abc"', []],
    ['a path of a key', 'connection.auth.jwt.key_path = "k.pem"', []],
    [
      'a key by value',
      'connection.auth.jwt.key_path = "-----BEGIN PRIVATE KEY-----"',
      ['connection.auth.jwt.key_path'],
    ],
    ['an open value', 'name = x', []],
    ['an empty one', 'proxy.password = ""', []],
  ])('HOCON: %s', (_, text, keys) => {
    expect(found(text)).toEqual(keys);
  });
  test('YAML, and files of OpenMetadata', () => {
    expect(found('proxy:\n  password: x\n', 'a.yaml')).toEqual(['proxy.password']);
    expect(found(`proxy:\n  password: $\{P}\n`, 'a.yaml')).toEqual([]);
    const om = ingestion(['hostPort: wss://q:4747', ...byPath, ...user]);
    expect(found(om, 'om.yaml')).toEqual(['workflowConfig.openMetadataServerConfig.securityConfig.jwtToken']);
    expect(found(om.replace('canary-jwt', '$TOKEN'), 'om.yaml')).toEqual([]);
  });
});

test('a running agent tells once of a file that is not read for its name', async () => {
  put('a.conf.txt', head + header);
  const told: string[] = [];
  const watched = new ConnectionFolder({ folder, onTrouble: (message) => told.push(message) });
  await watched.start();
  await watched.close();
  expect(told).toEqual(['a.conf.txt: The name ends in .txt, so this file is not read. Rename it to a.conf.']);
});
