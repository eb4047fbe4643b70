import { getDiffieHellman } from 'node:crypto';
import { createServer as createHttp } from 'node:http';
import { connect, createServer as createTcp } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { thisMachine } from '#agent/network/probe/system.ts';
import { Secret } from '#config/secret.ts';
import { Authority } from '../authority.ts';
import { DAY_MS, inDays, probe, Served, statuses, stepOf, verdict } from './served.ts';

const root = new Authority('Corp Root', { notAfter: inDays(90) });
const wanted = { name: 'localhost', dns: ['localhost'], addresses: ['127.0.0.1'], notAfter: inDays(90) };
const leaf = root.issue(wanted);
const tls = { extraAuthorities: [root.certificate] };

const served = new Served();
afterEach(() => served.close());
const at = (port: number, host = 'localhost'): string => `https://${host}:${port}`;

test('which certificate has expired, and since when', async () => {
  const old = root.issue({ ...wanted, notBefore: inDays(-30), notAfter: inDays(-12.5) });
  const own = verdict(await probe(at(await served.tls(old)), { tls }));
  expect(own).toMatch(/^tls\.expired .*certificate of the server \(localhost\) expired on .*, 12 days ago; the clock/);
  const issuer = new Authority('Old Issuing', { issuer: root, notBefore: inDays(-9), notAfter: inDays(-2.5) });
  const above = verdict(await probe(at(await served.tls(issuer.issue(wanted), [issuer.certificate])), { tls }));
  expect(above).toMatch(/^tls\.expired .*authority Old Issuing, which the server sends, expired on .*, 2 days ago/);
  const dead = new Authority('Dead Root', { notBefore: inDays(-9), notAfter: inDays(-2.5) });
  const ours = { extraAuthorities: [dead.certificate] };
  const trusted = verdict(await probe(at(await served.tls(dead.issue(wanted))), { tls: ours }));
  expect(trusted).toMatch(/^tls\.expired .*trusted authority Dead Root expired/);
});

test('a certificate of the future says when it begins, and what clock is to blame', async () => {
  const early = root.issue({ ...wanted, notBefore: inDays(3.5) });
  const port = await served.tls(early);
  const alone = verdict(await probe(at(port), { tls }));
  expect(alone).toMatch(
    /^tls\.not_yet_valid .*\(localhost\) is valid from .* on, in 3 days; the clock of this machine says/,
  );
  const behind = verdict(await probe(at(port), { tls, aheadMs: -5 * DAY_MS }));
  expect(behind).toMatch(/which is 5 days behind the server's \| Set the clock of this machine/);
  const little = verdict(await probe(at(port), { tls, aheadMs: -1 * DAY_MS }));
  expect(little).toMatch(/1 day behind the server's \| Check the clock of this machine first/);
});

test('the Date of a server that answers HTTP on its TLS port tells the skew', async () => {
  const old = root.issue({ ...wanted, notBefore: inDays(-30), notAfter: inDays(-2) });
  const secure = await served.tls(old);
  const date = inDays(-10).toUTCString();
  // As nginx does: TLS by the first byte, and HTTP 400 to who forgot it.
  const front = await served.listen(
    createTcp((client) => {
      client.once('data', (first: Buffer) => {
        if (first[0] !== 22) return void client.end(`HTTP/1.1 400 Bad Request\r\nDate: ${date}\r\n\r\n`);
        const upstream = connect(secure, '127.0.0.1').on('error', () => client.destroy());
        upstream.write(first);
        client.pipe(upstream).pipe(client);
      });
    }),
  );
  const found = verdict(await probe(at(front), { tls }));
  expect(found).toMatch(/^tls\.expired .*which is \d+ days ahead of the server's \| Set the clock of this machine/);
});

test('what ends within 30 days passes with a word about it', async () => {
  const soon = root.issue({ ...wanted, notAfter: inDays(20.5) });
  const found = await probe(at(await served.tls(soon)), { tls });
  expect(stepOf(found, 'tls')).toMatchObject({ status: 'pass', fault: { code: 'tls.expires_soon' } });
  expect(stepOf(found, 'tls').seen).toContain('in 20 days');
  expect(stepOf(await probe(at(await served.tls(leaf)), { tls }), 'tls').fault).toBeUndefined();
});

test('for whom a certificate is, and which name would do', async () => {
  const one = await served.tls(root.issue({ name: 'q', dns: ['qlik.corp.example', 'other.corp.example'] }));
  const byAddress = verdict(await probe(at(one, '127.0.0.1'), { tls }));
  expect(byAddress).toMatch(/^tls\.wrong_host .*for qlik\.corp\.example, other\.corp\.example, not for 127\.0\.0\.1/);
  expect(byAddress).toContain('connection.alias_host = "qlik.corp.example"');
  expect(verdict(await probe(at(one), { tls, speaks: 'link' }))).toContain(
    'Write qlik.corp.example into `gateway.url`',
  );
  expect(statuses(await probe(at(one), { tls, aliasHost: 'qlik.corp.example' }))).toContain('tls pass');
  const wild = await served.tls(root.issue({ name: 'q', dns: ['*.corp.example'] }));
  expect(verdict(await probe(at(wild), { tls }))).toContain('localhost.corp.example');
  expect(verdict(await probe(at(wild, '127.0.0.1'), { tls }))).toContain('a name that fits *.corp.example');
  const unchecked = await probe(at(one), { tls: { ...tls, verifyHostName: false } });
  expect(stepOf(unchecked, 'tls').details).toContain('the host name is not checked (tls.verify_host_name = false)');
});

const demanding = { requestCert: true, rejectUnauthorized: true, ca: root.certificate };
const credentials = (issued: { certificate: string; key: string }) => ({
  ...tls,
  clientCertificate: { certificate: issued.certificate, key: new Secret(issued.key) },
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'client certificates with %s: demanded, good, foreign, expired',
  async (version) => {
    const port = await served.tls(leaf, [], { ...demanding, maxVersion: version, minVersion: version });
    const none = verdict(await probe(at(port), { tls }));
    expect(none).toMatch(/^tls\.client_certificate_missing .*connection\.auth\.certificate/);
    expect(verdict(await probe(at(port), { tls, speaks: 'link' }))).toContain('as no catalog does');
    const mine = await probe(at(port), { tls: credentials(root.issue({ name: 'agent', notAfter: inDays(90) })) });
    expect(statuses(mine)).toContain('tls pass');
    expect(stepOf(mine, 'tls').details.join('\n')).toContain(
      'our client certificate: CN=agent; issued by CN=Corp Root',
    );
    const foreign = verdict(await probe(at(port), { tls: credentials(new Authority('Nobody').issue({ name: 'x' })) }));
    expect(foreign).toMatch(
      /^tls\.client_certificate .*ours was issued by CN=Nobody.* \| Export the certificates again/,
    );
    const old = root.issue({ name: 'agent', notBefore: inDays(-9), notAfter: inDays(-2) });
    const expired = verdict(await probe(at(port), { tls: credentials(old) }));
    expect(expired).toMatch(/^tls\.client_certificate_expired .*expired on/);
  },
);

test('a client certificate that ends soon, and a key that is not its own', async () => {
  const port = await served.tls(leaf, [], demanding);
  const soon = await probe(at(port), { tls: credentials(root.issue({ name: 'agent', notAfter: inDays(5.5) })) });
  expect(stepOf(soon, 'tls').seen).toContain('our client certificate expires on');
  const other = root.issue({ name: 'agent' });
  const mixed = { certificate: root.issue({ name: 'agent' }).certificate, key: other.key };
  const found = await probe(at(port), { tls: credentials(mixed) });
  expect(verdict(found)).toMatch(/^tls\.client_certificate .*key values mismatch/);
  expect(JSON.stringify(found.steps)).not.toContain('PRIVATE KEY');
});

/** The Diffie-Hellman group of 1024 bits that old servers use, as PEM. */
const smallGroup = (): string => {
  const prime = getDiffieHellman('modp2').getPrime();
  const integer = Buffer.concat([Buffer.from([0x02, 0x81, prime.length + 1, 0x00]), prime]);
  const body = Buffer.concat([integer, Buffer.from([0x02, 0x01, 0x02])]);
  const der = Buffer.concat([Buffer.from([0x30, 0x81, body.length]), body]);
  return `-----BEGIN DH PARAMETERS-----\n${der.toString('base64')}\n-----END DH PARAMETERS-----\n`;
};

test('a server of TLS 1.1 and one with a weak key are named', async () => {
  const old = await served.tls(leaf, [], { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' });
  expect(verdict(await probe(at(old), { tls }))).toMatch(
    /^tls\.old_version .*speaks TLS 1\.1 at most.*Enable TLS 1\.2/,
  );
  const weak = await served.tls(root.issue({ ...wanted, bits: 1024 }), [], { ciphers: 'ALL:@SECLEVEL=0' });
  const found = await probe(at(weak), { tls });
  expect(verdict(found)).toMatch(/^tls\.weak /);
  expect(stepOf(found, 'tls').details.join('\n')).toContain('RSA 1024');
  const small = await served.tls(leaf, [], {
    maxVersion: 'TLSv1.2',
    ciphers: 'DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0',
    dhparam: smallGroup(),
  });
  expect(verdict(await probe(at(small), { tls }))).toMatch(
    /^tls\.weak .*offers only what is too weak .*dh key too small/,
  );
});

test('a port that speaks HTTP, SSH, nothing, or hangs up is none of TLS', async () => {
  const http = await served.listen(createHttp((_request, response) => response.end('hello')));
  expect(verdict(await probe(at(http), { tls }))).toMatch(/^tls\.not_tls .*speaks HTTP, not TLS.*http:\/\//);
  expect(verdict(await probe(at(http), { speaks: 'link' }))).not.toContain('http://');
  const ssh = await served.listen(createTcp((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')));
  expect(verdict(await probe(at(ssh)))).toMatch(/^tls\.not_tls .*speaks SSH/);
  const silent = await served.listen(createTcp(() => undefined));
  expect(verdict(await probe(at(silent), { timeoutMs: 400 }))).toMatch(/^network\.timeout .*does not answer the TLS/);
  const curt = await served.listen(createTcp((socket) => socket.once('data', () => socket.resetAndDestroy())));
  expect(verdict(await probe(at(curt)))).toMatch(/^network\.reset .*cut in the TLS handshake/);
});

test.each([
  [112, /^tls\.wrong_host .*knows no site of this name/],
  [40, /^tls\.client_certificate_missing .*as it does when a client certificate is missing/],
  [70, /^tls\.failed .*protocol version/],
  [80, /^tls\.failed .*internal error/],
])('alert %i in place of a handshake is told', async (alert, expected) => {
  const fatal = Buffer.from([0x15, 3, 3, 0, 2, 2, alert]);
  const port = await served.listen(createTcp((socket) => socket.once('data', () => socket.end(fatal))));
  expect(verdict(await probe(at(port), { tls }))).toMatch(expected);
});

test('without TLS there is nothing to shake hands about', async () => {
  const http = await served.listen(createHttp((_request, response) => response.end('hello')));
  const found = await probe(`http://localhost:${http}`);
  expect(statuses(found)).toBe('dns pass, tcp pass, proxy skip, tls skip');
});

test('an abort ends the probe with its reason, wherever it is', async () => {
  const silent = await served.listen(createTcp(() => undefined));
  const stop = new AbortController();
  const reason = new Error('stop');
  const found = probe(at(silent), {
    signal: stop.signal,
    onStep: ({ name }) => name === 'proxy' && setImmediate(() => stop.abort(reason)),
  });
  await expect(found).rejects.toBe(reason);
  await expect(probe(at(silent), { signal: stop.signal, system: thisMachine })).rejects.toBe(reason);
});
