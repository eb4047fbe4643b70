import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
import { formatProblem } from '#config/connection/problem.ts';
import { loadConnectionFile } from '#config/loading.ts';
import { loadSettings } from '#config/settings.ts';
import { authorities, FIXTURES, fixture, jksOf, PASSWORD, WIDE_PASSWORD } from './keystore/stores.ts';
import { head, header } from './sample.ts';
import { connectionFile, Watched } from './watching.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-truststore-'));
  copyFileSync(join(FIXTURES, 'keytool.jks'), join(folder, 'really-jks.p12'));
  copyFileSync(join(FIXTURES, 'openssl-modern.p12'), join(folder, 'really-pkcs12.jks'));
  copyFileSync(join(FIXTURES, 'canary-ec.pem'), join(folder, 'really-pem.jks'));
  copyFileSync(join(FIXTURES, 'openssl-modern.p12'), join(folder, 'cacerts'));
  writeFileSync(join(folder, 'binary.cer'), new X509Certificate(fixture('canary-ec.pem')).raw);
  writeFileSync(join(folder, 'short.p12'), fixture('keytool-modern.p12').subarray(0, 300));
  writeFileSync(join(folder, 'noise.jks'), 'noise');
  writeFileSync(join(folder, 'store.bks'), Buffer.from(`0000000200000014${'00'.repeat(60)}`, 'hex'));
  writeFileSync(join(folder, 'odd.jks'), jksOf([new X509Certificate(fixture('canary-ec.pem')).raw, Buffer.from('no')]));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const parse = (tls: string) =>
  parseConnection(`${head}${header}tls.truststore { ${tls} }`, 'qlik.conf', { folder, env: {}, nowMs: Date.now() });
const store = (name: string, password: string | undefined = PASSWORD, more = '') =>
  parse(`path = "${join(FIXTURES, name)}"${password === undefined ? '' : `, password = "${password}"`}${more}`);

describe("a trust store as Zeenea's files name it", () => {
  test.each([
    ['keytool-modern.p12', PASSWORD, ''],
    ['keytool-legacy.p12', PASSWORD, ', type = PKCS12'],
    ['keytool.jks', PASSWORD, ', type = "jks"'],
    ['keytool.jks', PASSWORD, ''],
    ['openssl-wide.p12', WIDE_PASSWORD, ''],
    ['openssl-empty-password.p12', '', ''],
    ['keytool-clear.p12', undefined, ''],
  ])('%s is read, with its EC authority', (name, password, more) => {
    const { connection, problems } = store(name, password, more);
    expect(problems).toEqual([]);
    expect([...(connection?.tls.extraAuthorities ?? [])].sort()).toEqual(authorities().sort());
  });

  test.each([
    ['keytool-modern.p12', PASSWORD, ''],
    ['keytool.jks', PASSWORD, ', type = JKS'],
    ['canary-ec.pem', undefined, ''],
  ])('%s is read for an https proxy, too, and counts for the proxy alone', (name, password, more) => {
    const secret = password === undefined ? '' : `, password = "${password}"`;
    const { connection, problems } = parseConnection(
      `${head}${header}proxy { scheme = https, hostname = p, port = 1
tls.truststore { path = "${join(FIXTURES, name)}"${secret}${more} } }`,
      'qlik.conf',
      { folder, env: {} },
    );
    expect(problems).toEqual([]);
    expect(connection?.tls.extraAuthorities).toEqual([]);
    const proxy = connection?.proxy?.type === 'fixed' ? connection.proxy.proxy : undefined;
    const wanted = authorities().filter((one) => name !== 'canary-ec.pem' || one === fixture(name).toString());
    expect([...(proxy?.extraAuthorities ?? [])].sort()).toEqual(wanted.sort());
  });

  test('a store of an https proxy that does not open is named by its own key', () => {
    const { problems } = parseConnection(
      `${head}${header}proxy { scheme = https, hostname = p, port = 1
tls.truststore { path = "${join(FIXTURES, 'keytool.jks')}", password = canary-wrong } }`,
      'qlik.conf',
      { folder, env: {} },
    );
    expect(problems).toMatchObject([
      {
        code: 'config.store_password',
        message: expect.stringContaining('proxy.tls.truststore.password does not open'),
      },
    ]);
    expect(JSON.stringify(problems)).not.toContain('canary-wrong');
  });

  test.each([
    ['really-jks.p12', '', 'The name of the trust store says PKCS12, but the file is JKS'],
    ['really-pkcs12.jks', '', 'The name of the trust store says JKS, but the file is PKCS12'],
    ['cacerts', ', type = JKS', 'tls.truststore.type says JKS, but the file is PKCS12'],
  ])('%s is read as what it is, with a warning', (name, more, message) => {
    const { connection, problems } = parse(`path = ${name}, password = "${PASSWORD}"${more}`);
    expect(connection?.tls.extraAuthorities).toHaveLength(2);
    expect(problems).toMatchObject([
      { severity: 'warning', code: 'config.suspicious_value', line: 6, message: expect.stringContaining(message) },
    ]);
  });

  test('without an extension needs no type', () => {
    expect(parse(`path = cacerts, password = "${PASSWORD}"`)).toMatchObject({
      problems: [],
      connection: { tls: { extraAuthorities: { length: 2 } } },
    });
  });

  test('may be one certificate in DER; PEM under another name is read, too', () => {
    expect(parse('path = binary.cer')).toMatchObject({
      problems: [],
      connection: { tls: { extraAuthorities: [authorities()[1]] } },
    });
    expect(parse(`path = really-pem.jks, password = "${PASSWORD}"`)).toMatchObject({
      connection: { tls: { extraAuthorities: [authorities()[1]] } },
      problems: [
        { severity: 'warning', message: expect.stringContaining('but the file is PEM') },
        { severity: 'warning', message: expect.stringContaining('password has no effect') },
      ],
    });
  });

  test('is used unchecked without its password, and what cannot be used is said', () => {
    expect(store('keytool.jks', '')).toMatchObject({
      connection: { tls: { extraAuthorities: { length: 2 } } },
      problems: [{ severity: 'warning', message: expect.stringContaining('not checked for changes') }],
    });
    expect(store('keytool-with-key.p12')).toMatchObject({
      connection: { tls: { extraAuthorities: { length: 2 } } },
      problems: [{ severity: 'warning', message: expect.stringContaining('private key') }],
    });
    expect(parse(`path = odd.jks, password = "${PASSWORD}"`)).toMatchObject({
      connection: { tls: { extraAuthorities: { length: 1 } } },
      problems: [{ severity: 'warning', message: expect.stringContaining('left out: 1.') }],
    });
  });

  test.each([
    [
      'keytool-modern.p12',
      'canary-wrong',
      'config.store_password',
      'tls.truststore.password does not open keytool-modern.p12',
    ],
    ['keytool.jks', 'canary-wrong', 'config.store_password', 'tls.truststore.password does not open keytool.jks'],
    ['openssl-no-mac.p12', 'canary-wrong', 'config.store_password', 'does not open openssl-no-mac.p12'],
    ['keytool-modern.p12', '', 'config.missing_key', 'keytool-modern.p12 needs a password'],
    ['openssl-rc4.p12', PASSWORD, 'config.not_supported_yet', '(1.2.840.113549.1.12.1.1)'],
    ['keytool.jceks', PASSWORD, 'config.not_supported_yet', 'a JCEKS store'],
    ['bundle.p7b', PASSWORD, 'config.not_supported_yet', 'a PKCS7 bundle'],
    ['keytool-key-only.jks', PASSWORD, 'config.store_empty', 'no certificate of an authority'],
    ['short.p12', PASSWORD, 'config.invalid', 'short.p12 cannot be read: the file ends early'],
    ['noise.jks', PASSWORD, 'config.invalid', 'noise.jks cannot be read: the file ends early'],
    ['store.bks', PASSWORD, 'config.not_supported_yet', 'a BKS store'],
    ['gone.p12', PASSWORD, 'config.unreadable', 'it does not exist'],
  ])('%s with password %j is refused, once and without the password', (name, password, code, message) => {
    const path = ['short.p12', 'noise.jks', 'store.bks', 'gone.p12'].includes(name) ? name : join(FIXTURES, name);
    const { connection, problems } = parse(`path = "${path}"\npassword = "${password}"\n`);
    expect(connection).toBeUndefined();
    expect(problems.filter(({ severity }) => severity === 'error')).toMatchObject([
      { code, message: expect.stringContaining(message), line: message.includes('does not open') ? 7 : 6 },
    ]);
    for (const problem of problems)
      expect(`${JSON.stringify(problem)}${formatProblem(problem)}`).not.toMatch(/canary-(wrong|password)/);
  });

  test('of a foreign kind comes with the command that converts it', () => {
    expect(store('keytool.jceks').problems[0]?.advice).toContain(
      'keytool -importkeystore -srckeystore keytool.jceks -srcstoretype JCEKS',
    );
    expect(store('bundle.p7b').problems[0]?.advice).toContain('openssl pkcs7 -print_certs');
  });
});

describe('the default roots', () => {
  test('are extended, replaced only when the file says so, never by nothing', () => {
    const pem = join(FIXTURES, 'canary-ec.pem');
    expect(parse(`path = "${pem}"`).connection?.tls).toMatchObject({ replaceDefaultRoots: false });
    expect(parse(`path = "${pem}", replace_default_roots = yes`).connection?.tls).toMatchObject({
      replaceDefaultRoots: true,
      systemAuthorities: false,
    });
    expect(parse('replace_default_roots = true')).toMatchObject({
      connection: undefined,
      problems: [{ code: 'config.invalid', line: 6, message: expect.stringContaining('nobody would be trusted') }],
    });
    const brought = parseConnection(
      `${head}connection.auth { user_directory = D, user_id = u, certificate {
        path = "${join(FIXTURES, 'openssl-client.pfx')}", password = "${PASSWORD}", ca_path = "${pem}"
      } }\ntls.truststore.replace_default_roots = true`,
      'qlik.conf',
      { folder, env: {} },
    );
    expect(brought.connection?.tls).toMatchObject({ replaceDefaultRoots: true, extraAuthorities: [] });
    const system = parseConnection(
      `${head}${header}tls { truststore.replace_default_roots = true, system_authorities = on }`,
      'qlik.conf',
      { folder, env: {} },
    );
    expect(system.problems).toEqual([]);
    expect(system.connection?.tls).toMatchObject({ replaceDefaultRoots: true, systemAuthorities: true });
  });
});

describe('agent.conf', () => {
  test('takes the same stores and switches for the link to the catalog', () => {
    const file = join(folder, 'agent.conf');
    writeFileSync(
      file,
      `gateway.url = "wss://catalog.example.com"
tls { system_authorities = true, truststore { path = really-jks.p12, password = "${PASSWORD}", replace_default_roots = true } }`,
    );
    const { settings, problems } = loadSettings(file, {});
    expect(settings?.tls).toMatchObject({ replaceDefaultRoots: true, systemAuthorities: true });
    expect([...(settings?.tls.extraAuthorities ?? [])].sort()).toEqual(authorities().sort());
    expect(problems).toMatchObject([{ severity: 'warning', message: expect.stringContaining('but the file is JKS') }]);
    writeFileSync(file, 'tls.truststore { path = cacerts, password = "canary-wrong" }');
    const refused = loadSettings(file, {});
    expect(refused.settings).toBeUndefined();
    expect(refused.problems).toMatchObject([
      { code: 'config.store_password', message: expect.stringContaining('cacerts') },
    ]);
    expect(JSON.stringify(refused.problems)).not.toContain('canary-wrong');
  });
});

describe('a client certificate in a PFX file', () => {
  const login = (certificate: string) =>
    parseConnection(
      `${head}connection.url = "https://qlik.example.com"
connection.auth { user_directory = INTERNAL, user_id = sa_api, certificate {
  ${certificate}
} }`,
      'qlik.conf',
      { folder, env: {} },
    );
  const path = (name: string): string => `path = "${join(FIXTURES, name)}"`;

  test.each(['openssl-client.pfx', 'openssl-client-legacy.pfx', 'openssl-client-clear.pfx'])(
    '%s becomes certificate, chain and key in PEM',
    (name) => {
      const { connection, problems } = login(`${path(name)}, password = "${PASSWORD}"`);
      expect(problems.filter(({ message }) => !message.includes('already'))).toEqual([]);
      const { authentication } = connection ?? {};
      if (authentication?.type !== 'certificate') throw new Error('not by certificate');
      expect(authentication.certificate.match(/-----BEGIN CERTIFICATE-----/g)).toHaveLength(2);
      expect(authentication.key.reveal()).toContain('-----BEGIN PRIVATE KEY-----');
      expect(authentication.authority).toBeUndefined();
    },
  );

  test('is found in a folder that was exported for Windows, with the root', () => {
    const exported = join(folder, 'windows');
    mkdirSync(exported);
    copyFileSync(join(FIXTURES, 'openssl-client.pfx'), join(exported, 'client.pfx'));
    copyFileSync(join(folder, 'binary.cer'), join(exported, 'root.cer'));
    const { connection, sideFiles } = login(`path = windows, password = "${PASSWORD}"`);
    expect(connection?.authentication).toMatchObject({ type: 'certificate', authority: authorities()[1] });
    expect(sideFiles).toEqual(expect.arrayContaining([join(exported, 'client.pfx'), join(exported, 'root.cer')]));
  });

  test('is found there without blocking, too', async () => {
    const exported = join(folder, 'windows-too');
    mkdirSync(exported);
    copyFileSync(join(FIXTURES, 'openssl-client.pfx'), join(exported, 'client.pfx'));
    copyFileSync(join(folder, 'binary.cer'), join(exported, 'root.cer'));
    writeFileSync(
      join(folder, 'windows.conf'),
      `${head}connection.auth { user_directory = D, user_id = u, certificate { path = windows-too, password = "${PASSWORD}" } }`,
    );
    const parsed = await loadConnectionFile('windows.conf', { folder, env: {} });
    expect(parsed?.connection?.authentication.type).toBe('certificate');
  });

  test.each([
    [`path = gone.pfx, password = "${PASSWORD}"`, 'config.unreadable', 'client certificate cannot be read'],
    ['PFX, password = canary-wrong', 'config.store_password', 'connection.auth.certificate.password does not open'],
    ['PFX', 'config.missing_key', 'needs a password'],
    [`STORE, password = "${PASSWORD}"`, 'tls.client_certificate', 'the file holds no private key'],
    [`JKS, password = "${PASSWORD}"`, 'config.not_supported_yet', 'names a JKS store'],
    [`RC4, password = "${PASSWORD}"`, 'config.not_supported_yet', 'a cipher that is not supported'],
  ])('%s is refused, once and without the password', (line, code, message) => {
    const files: Record<string, string> = {
      PFX: 'openssl-client.pfx',
      STORE: 'keytool-modern.p12',
      JKS: 'keytool.jks',
      RC4: 'openssl-rc4.p12',
    };
    const { connection, problems } = login(line.replace(/^[A-Z0-9]{3,}/, (name) => path(files[name] ?? '')));
    expect(connection).toBeUndefined();
    expect(problems.filter(({ severity }) => severity === 'error')).toMatchObject([
      { code, message: expect.stringContaining(message), line: 7 },
    ]);
    expect(JSON.stringify(problems)).not.toMatch(/canary-(wrong|password)/);
  });

  test('brings its key: another one is pointed out; an expired one is refused', () => {
    expect(
      login(`${path('openssl-client.pfx')}, password = "${PASSWORD}", key_path = other.pem`).problems,
    ).toContainEqual(expect.objectContaining({ severity: 'warning', message: expect.stringContaining('key_path') }));
    const later = parseConnection(
      `${head}connection.auth { user_directory = D, user_id = u, certificate { ${path('openssl-client.pfx')}, password = "${PASSWORD}" } }`,
      'qlik.conf',
      { folder, env: {}, nowMs: Date.UTC(2200, 0, 1) },
    );
    expect(later.problems[0]).toMatchObject({
      code: 'tls.client_certificate_expired',
      message: expect.stringContaining('expired'),
    });
  });
});

test('an edited trust store is taken up without an edit of the connection file', async () => {
  const watched = await Watched.make();
  try {
    await mkdir(watched.folder);
    const trust = join(watched.folder, 'trust.p12');
    await copyFile(join(FIXTURES, 'canary-ec.pem'), trust);
    await writeFile(
      join(watched.folder, 'a.conf'),
      connectionFile('a', `tls.truststore { path = trust.p12, password = "${PASSWORD}" }`),
    );
    const subject = await watched.start();
    const count = (): number | undefined => subject.get('a')?.tls.extraAuthorities.length;
    expect(count()).toBe(1);
    await copyFile(join(FIXTURES, 'keytool-modern.p12'), trust);
    await watched.until(() => count() === 2);
    await copyFile(join(FIXTURES, 'openssl-wide.p12'), trust);
    const broken = await watched.untilState('a.conf', 'error');
    expect(broken.problems).toMatchObject([
      { code: 'config.store_password', message: expect.stringContaining('trust.p12') },
    ]);
    expect(count()).toBe(2);
    expect(watched.journal.join('\n')).not.toContain(PASSWORD);
    expect(watched.journal).toContainEqual(expect.stringMatching(/^reloaded a\.conf: /));
  } finally {
    await watched.end();
  }
});
