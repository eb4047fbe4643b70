/** Windows logins against Apache with mod_auth_gssapi: a real web server that answers 401 itself, without any detour. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dialer } from '#agent/network/dialer.ts';
import { CookieJar } from '#agent/qlik/auth/cookies.ts';
import { logInWindowsUser } from '#agent/qlik/auth/windows.ts';
import { Secret } from '#config/secret.ts';
import { openPki } from '#test/simulator/pki.ts';
import { missingForNtlm } from '#test/simulator/proxy/ntlm-acceptor.ts';
import { connectionTo } from '#test/unit/qlik/fake-site.ts';

const APACHE = '/usr/sbin/apache2';
const MODULES = '/usr/lib/apache2/modules';
const missing =
  missingForNtlm() ??
  ([APACHE, `${MODULES}/mod_auth_gssapi.so`].every((path) => existsSync(path))
    ? null
    : 'apt-get install apache2-bin libapache2-mod-auth-gssapi');
const needs = missing === null ? '' : ` (needs: ${missing})`;
test.skipIf(missing !== null && process.env['CI'] === undefined)(`the packages for Apache are there${needs}`, () => {
  expect(missing, `type: ${missing}`).toBeNull();
});

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

const configuration = (folder: string, port: number): string => `
ServerRoot /usr/lib/apache2
ServerName localhost
PidFile ${folder}/apache.pid
DefaultRuntimeDir ${folder}
Listen 127.0.0.1:${port}
${['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'auth_gssapi', 'headers', 'ssl', 'socache_shmcb']
  .map((name) => `LoadModule ${name}_module modules/mod_${name}.so`)
  .join('\n')}
User www-data
Group www-data
ErrorLog ${folder}/error.log
DocumentRoot ${folder}/www
KeepAlive On
SSLEngine on
SSLCertificateFile ${folder}/cert.pem
SSLCertificateKeyFile ${folder}/key.pem
<Location "/">
  AuthType GSSAPI
  AuthName "Windows"
  GssapiAllowedMech ntlmssp
  GssapiConnectionBound On
  GssapiNegotiateOnce Off
  ForceType application/json
  Require valid-user
</Location>
Header always set Set-Cookie "expr=user=%{REMOTE_USER}"
`;

describe.skipIf(missing !== null)(`Apache${needs}`, () => {
  let folder: string;
  let apache: ChildProcess;
  let port: number;
  let root: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'culvert-apache-'));
    // Its workers are another user when it is started as root.
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'www', 'qrs'), { recursive: true });
    writeFileSync(join(folder, 'www', 'qrs', 'about'), '{"buildVersion":"1"}');
    writeFileSync(join(folder, 'users.txt'), 'TESTDOM:alice:canary-S3cret!pw\nTESTDOM:bob:canary-pässwörd\n');
    chmodSync(join(folder, 'users.txt'), 0o644);
    const pki = openPki(join(folder, 'pki'), ['127.0.0.1', 'localhost']);
    const server = pki.server('valid');
    root = pki.rootPem;
    writeFileSync(join(folder, 'cert.pem'), server.cert);
    writeFileSync(join(folder, 'key.pem'), server.key, { mode: 0o600 });
    port = await freePort();
    writeFileSync(join(folder, 'apache.conf'), configuration(folder, port));
    apache = spawn(APACHE, ['-f', join(folder, 'apache.conf'), '-D', 'FOREGROUND'], {
      stdio: 'inherit',
      env: { PATH: '/usr/sbin:/usr/bin:/bin', LANG: 'C.UTF-8', NTLM_USER_FILE: join(folder, 'users.txt') },
    });
    while (!(await listens(port))) {
      if (apache.exitCode !== null)
        throw new Error(`apache2 ended with ${apache.exitCode}: ${readFileSync(join(folder, 'error.log'), 'utf8')}`);
      await sleep(50);
    }
  });
  afterAll(async () => {
    if (apache !== undefined && apache.exitCode === null) {
      apache.kill('SIGTERM');
      await once(apache, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const logIn = async (user: string, password: string): Promise<string> => {
    const jar = new CookieJar();
    const connection = connectionTo(`https://127.0.0.1:${port}`, { prefix: '' });
    const login = {
      type: 'windows' as const,
      domain: 'TESTDOM',
      user,
      password: new Secret(password),
      method: 'ntlm' as const,
    };
    const trusting = { ...connection, tls: { ...connection.tls, extraAuthorities: [root] } };
    await logInWindowsUser(trusting, login, new Dialer(), jar);
    return jar.header();
  };

  test('knows who logged in, also by a password that is not ASCII', async () => {
    expect(await logIn('alice', 'canary-S3cret!pw')).toBe('user=TESTDOM\\alice');
    expect(await logIn('bob', 'canary-pässwörd')).toBe('user=TESTDOM\\bob');
  });

  test('refuses a wrong password', async () => {
    await expect(logIn('alice', 'canary-other')).rejects.toMatchObject({
      code: 'qlik.password_refused',
      message: expect.stringContaining('Windows refused the user or the password'),
    });
  });
});
