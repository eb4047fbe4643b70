/**
 * The probe against servers that are not node's: openssl's own, a port behind which packets are dropped, the system's
 * store of authorities, and squid that breaks TLS open.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { authorityFile } from '#agent/network/probe/authority-file.ts';
import { readCertificates } from '#config/connection/pem.ts';
import { Secret } from '#config/secret.ts';
import { Authority, type Issued } from '#test/unit/network/authority.ts';
import { inDays, probe, Served, statuses, stepOf, verdict } from '#test/unit/network/probe/served.ts';
import { Inspector, noInspector } from './proxies/inspector.ts';
import { missingPrograms, runBeside } from './spawned.ts';

const root = new Authority('Corp Root', { notAfter: inDays(90) });
const wanted = { name: 'localhost', dns: ['localhost'], addresses: ['127.0.0.1'], notAfter: inDays(90) };
const leaf = root.issue(wanted);
const tls = { extraAuthorities: [root.certificate] };

const served = new Served();
const children: ChildProcess[] = [];
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-probe-'));
  writeFileSync(join(folder, 'root.pem'), root.certificate);
});
afterEach(async () => {
  served.close();
  for (const child of children.splice(0)) {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    await ended;
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const missing = missingPrograms({ openssl: ['version'] });
if (missing.length > 0) {
  if (process.env['CI']) throw new Error('openssl is missing: as root, type  apt-get install openssl');
  process.stderr.write('\n*** the probe of openssl servers skipped. As root, type  apt-get install openssl\n\n');
}

/** `openssl s_server` with `issued` and more of its options. */
const openssl = async (issued: Issued, ...options: readonly string[]): Promise<number> => {
  writeFileSync(join(folder, 'leaf.pem'), issued.certificate);
  writeFileSync(join(folder, 'leaf.key'), issued.key);
  const child = spawn(
    'openssl',
    ['s_server', '-accept', '127.0.0.1:0', '-cert', 'leaf.pem', '-key', 'leaf.key', ...options],
    { cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] },
  );
  children.push(child);
  let said = '';
  for await (const piece of child.stdout) {
    said += String(piece);
    const port = /ACCEPT 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
    if (port !== undefined) {
      child.stdout.resume();
      return Number(port);
    }
  }
  throw new Error(`openssl s_server ended: ${said}`);
};

describe.skipIf(missing.length > 0)('openssl s_server', () => {
  test.each([
    ['-tls1', 'TLS 1.0'],
    ['-tls1_1', 'TLS 1.1'],
  ])('%s only is an old version', async (version, name) => {
    const port = await openssl(leaf, version, '-cipher', 'ALL:@SECLEVEL=0');
    const found = await probe(`https://localhost:${port}`, { tls });
    expect(verdict(found)).toMatch(/^tls\.old_version /);
    expect(stepOf(found, 'tls').seen).toContain(`speaks ${name} at most`);
  });

  test.each(['-tls1_2', '-tls1_3'])(
    '%s: a client certificate is demanded, taken, and refused by its alert',
    async (version) => {
      const port = await openssl(leaf, version, '-Verify', '2', '-verify_return_error', '-CAfile', 'root.pem');
      const ask = async (own?: Issued): Promise<string> => {
        const clientCertificate = own && { certificate: own.certificate, key: new Secret(own.key) };
        const mine = clientCertificate === undefined ? tls : { ...tls, clientCertificate };
        return verdict(await probe(`https://localhost:${port}`, { tls: mine }));
      };
      expect(await ask()).toMatch(/^tls\.client_certificate_missing /);
      expect(await ask(root.issue({ name: 'agent', notAfter: inDays(90) }))).toMatch(/^none \| TLSv1\.[23] /);
      expect(await ask(new Authority('Nobody').issue({ name: 'agent' }))).toMatch(
        /^tls\.client_certificate .*ours was issued by CN=Nobody/,
      );
      expect(await ask(root.issue({ name: 'agent', notBefore: inDays(-9), notAfter: inDays(-2) }))).toMatch(
        /^tls\.client_certificate_expired /,
      );
    },
  );
});

test('a port behind which packets are dropped is a timeout of TCP, not a refusal', async () => {
  // A program that listens and is stopped: once its few places are taken, the kernel drops what comes.
  const program =
    "const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => process.stdout.write(String(s.address().port)))";
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [said] = await once(child.stdout, 'data');
  const port = Number(said);
  child.kill('SIGSTOP');
  const taken: Socket[] = [];
  for (;;) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    taken.push(socket);
    await Promise.race([once(socket, 'connect'), sleep(1_000)]);
    // After a turn of the loop: on a busy machine what connected long ago is heard of after the timer.
    await setImmediate();
    if (socket.connecting) break;
  }
  const found = await probe(`https://127.0.0.1:${port}`, { timeoutMs: 800 });
  for (const socket of taken) socket.destroy();
  expect(statuses(found)).toBe('dns skip, tcp fail, proxy skip, tls skip');
  expect(stepOf(found, 'tcp').fault?.code).toBe('network.timeout');
});

test("what only the system's store vouches for needs one line in the file, which then is enough", async () => {
  const port = await served.tls(leaf);
  const walk = async (
    more: object,
  ): Promise<readonly { name: string; status: string; code?: string; advice?: string }[]> => {
    const input = JSON.stringify({ origin: `https://localhost:${port}`, tls: more });
    // Without what the machine that tests adds to the default roots.
    const env = { SSL_CERT_FILE: join(folder, 'root.pem'), NODE_EXTRA_CA_CERTS: '' };
    return JSON.parse(await runBeside(fileURLToPath(new URL('probe-route.ts', import.meta.url)), env, input));
  };
  expect((await walk({})).at(-1)).toMatchObject({
    name: 'tls',
    status: 'fail',
    code: 'tls.in_system_store',
    advice: 'Set `tls.system_authorities = true`.',
  });
  expect((await walk({ systemAuthorities: true })).at(-1)).toMatchObject({ name: 'tls', status: 'pass' });
});

describe.skipIf(noInspector())('squid that breaks TLS open', () => {
  test('is told by what it shows, its authority can be saved, and trusting that works', async () => {
    const port = await served.tls(leaf);
    // Its name says nothing: only the comparison with the certificate of the server tells.
    await using squid = await Inspector.start(mkdtempSync(join(folder, 'squid-')), 'Quiet Name', root.certificate);
    const proxy = {
      type: 'fixed' as const,
      proxy: {
        scheme: 'http' as const,
        hostname: 'localhost',
        port: squid.port,
        username: undefined,
        password: undefined,
        extraAuthorities: [],
        from: 'https_proxy',
      },
    };
    const found = await probe(`https://localhost:${port}`, { tls, proxy, pastProxy: true });
    expect(statuses(found)).toBe('dns pass, tcp pass, proxy pass, tls fail');
    expect(verdict(found)).toMatch(/^tls\.intercepted .*issuer Quiet Name\).*the server shows one of Corp Root/);
    const file = authorityFile(found, `localhost:${port}`) ?? '';
    expect(file).toContain('subject:     ');
    const extraAuthorities = readCertificates(Buffer.from(file)).map((certificate) => certificate.toString());
    const trusted = await probe(`https://localhost:${port}`, { tls: { extraAuthorities }, proxy });
    expect(statuses(trusted)).toBe('dns pass, tcp pass, proxy pass, tls pass');
  });
});
