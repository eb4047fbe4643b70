import { X509Certificate } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { authorityFile } from '#agent/network/probe/authority-file.ts';
import { readCertificates } from '#config/connection/pem.ts';
import { Authority } from '../authority.ts';
import { inDays, probe, Served, statuses, stepOf, verdict } from './served.ts';

const root = new Authority('Corp Root', { organisation: 'Corp', notAfter: inDays(90) });
const issuing = new Authority('Corp Issuing', { organisation: 'Corp', issuer: root, notAfter: inDays(90) });
const stranger = new Authority('Somebody Else');
const wanted = { name: 'localhost', dns: ['localhost'], addresses: ['127.0.0.1'] };
const later = { ...wanted, notAfter: inDays(90) };
const leaf = issuing.issue(later);
const tls = { extraAuthorities: [root.certificate] };

const served = new Served();
afterEach(() => served.close());
const at = (port: number): string => `https://localhost:${port}`;
const fingerprint = (pem: string): string => new X509Certificate(pem).fingerprint256;

test('a whole chain passes and is shown: names, validity, key, fingerprint, who is trusted; nothing was sent', async () => {
  const whole = await served.tls(leaf, [issuing.certificate]);
  const told: string[] = [];
  const found = await probe(at(whole), { tls, onStep: ({ name }) => told.push(name) });
  expect(statuses(found)).toBe('dns pass, tcp pass, proxy skip, tls pass');
  expect(told).toEqual(['dns', 'tcp', 'proxy', 'tls']);
  const { seen, details } = stepOf(found, 'tls');
  expect(seen).toMatch(/^TLSv1\.3 \(TLS_[A-Z0-9_]+\); certificate of localhost, valid until \d{4}-\d\d-\d\d\./);
  const text = details.join('\n');
  expect(text).toContain('server: CN=localhost; issued by CN=Corp Issuing, O=Corp; valid ');
  expect(text).toContain(`RSA 2048; SHA-256 ${fingerprint(leaf.certificate)}`);
  expect(text).toContain('intermediate: CN=Corp Issuing, O=Corp; issued by CN=Corp Root, O=Corp');
  expect(text).toContain('names of the server: localhost, 127.0.0.1');
  expect(text).toMatch(/trusted authorities: \d+ default roots, 1 of the settings/);
  expect(found.chain).toHaveLength(2);
  expect(authorityFile(found, 'x')).toBeUndefined();
  expect(served.bytes).toBe(0);
});

test('a missing intermediate is told from an unknown root: by its kin that is trusted, or by where it says that it is', async () => {
  const kin = verdict(await probe(at(await served.tls(leaf)), { tls }));
  expect(kin).toMatch(/^tls\.incomplete_chain .*does not send the intermediate certificate Corp Issuing.*Corp Root/);
  const address = issuing.issue({ ...later, issuerAt: 'http://pki.corp.example/issuing.crt' });
  const known = verdict(await probe(at(await served.tls(address))));
  expect(known).toMatch(/^tls\.incomplete_chain .*http:\/\/pki\.corp\.example\/issuing\.crt/);
  const foreign = stranger.issue(later);
  const unknown = verdict(await probe(at(await served.tls(foreign)), { tls }));
  expect(unknown).toMatch(/^tls\.untrusted .*issued by CN=Somebody Else, which the server did not send/);
  const halfway = verdict(await probe(at(await served.tls(leaf, [issuing.certificate]))));
  expect(halfway).toMatch(
    /^tls\.untrusted .*certificate of Corp Issuing was issued by CN=Corp Root, O=Corp.*that of Corp Issuing will do, too/,
  );
});

test('the wrong intermediate does not hide that the right one is missing; disorder does no harm', async () => {
  const other = new Authority('Corp Other', { organisation: 'Corp', issuer: root, notAfter: inDays(90) });
  const found = await probe(at(await served.tls(leaf, [other.certificate])), { tls });
  expect(verdict(found)).toMatch(/^tls\.incomplete_chain .*does not send the intermediate certificate Corp Issuing/);
  expect(stepOf(found, 'tls').details[1]).toContain('sent, but not of this chain: CN=Corp Other');
  expect(found.authority?.fingerprint256).toBe(fingerprint(leaf.certificate));
  const mixed = await probe(at(await served.tls(leaf, [root.certificate, issuing.certificate])));
  expect(mixed.authority?.fingerprint256).toBe(fingerprint(root.certificate));
  expect(stepOf(mixed, 'tls').details.join()).not.toContain('not of this chain');
});

test('a root that the server sent, and a self-signed server, have verdicts of their own', async () => {
  const sent = verdict(await probe(at(await served.tls(leaf, [issuing.certificate, root.certificate]))));
  expect(sent).toMatch(/^tls\.untrusted .*chain ends in the authority Corp Root, which the server sent.*--save-ca/);
  const own = Authority.selfSigned(later);
  const port = await served.tls(own);
  const alone = verdict(await probe(at(port)));
  expect(alone).toMatch(/^tls\.self_signed .*signed by itself/);
  expect(statuses(await probe(at(port), { tls: { extraAuthorities: [own.certificate] } }))).toContain('tls pass');
});

test('an authority that was made anew under its old name is not called unknown', async () => {
  const before = new Authority('QLIKSERVER-CA');
  const after = new Authority('QLIKSERVER-CA');
  const old = { extraAuthorities: [before.certificate] };
  for (const more of [[], [after.certificate]]) {
    const found = verdict(await probe(at(await served.tls(after.issue(later), more)), { tls: old }));
    expect(found).toMatch(/^tls\.untrusted .*QLIKSERVER-CA was made anew.* Export the authority again/);
    expect(found).toContain(fingerprint(before.certificate));
  }
});

test('another root of the same organisation is no intermediate', async () => {
  const second = new Authority('Corp Root G2', { organisation: 'Corp' });
  const found = verdict(await probe(at(await served.tls(second.issue(later))), { tls }));
  expect(found).toMatch(/^tls\.untrusted .*issued by CN=Corp Root G2.*trusted of that organisation is Corp Root\)/);
});

test("the authority of a Qlik site's own services is where its certificates were exported", async () => {
  const site = new Authority('QLIKSERVER-CA');
  const found = verdict(await probe(at(await served.tls(site.issue(later)))));
  expect(found).toContain('root.pem');
  expect(verdict(await probe(at(await served.tls(site.issue(later))), { speaks: 'link' }))).not.toContain('root.pem');
});

test.each([
  ['Zscaler Intermediate Root CA (zscaler.net)', 'Zscaler'],
  ['FGT60E4Q16000000', 'Fortinet FortiGate'],
  ['Kaspersky Anti-Virus Personal Root Certificate', 'Kaspersky'],
  ['DO_NOT_TRUST_FiddlerRoot', 'Fiddler'],
  ['Corp SSL Inspection CA', 'an inspecting proxy'],
])('%s breaks TLS open, trusted or not', async (name, product) => {
  const inspector = new Authority(name, { notAfter: inDays(90) });
  const port = await served.tls(inspector.issue(later));
  const found = verdict(await probe(at(port)));
  expect(found).toMatch(/^tls\.intercepted /);
  expect(found).toContain(product);
  const trusted = await probe(at(port), { tls: { extraAuthorities: [inspector.certificate] } });
  expect(stepOf(trusted, 'tls')).toMatchObject({ status: 'pass', fault: { code: 'tls.intercepted' } });
});

test('what is not checked says what a check would find', async () => {
  const port = await served.tls(leaf);
  const found = await probe(at(port), { tls: { bypassCertificateValidation: true } });
  expect(stepOf(found, 'tls')).toMatchObject({ status: 'pass', fault: { code: 'tls.unchecked' } });
  expect(stepOf(found, 'tls').seen).toContain('if it were: ');
  const needless = await probe(at(await served.tls(leaf, [issuing.certificate])), {
    tls: { ...tls, bypassCertificateValidation: true },
  });
  expect(verdict(needless)).toMatch(/^tls\.unchecked .*would be found good.*Delete/);
});

test('the truststores in force are counted; replaced default roots are named', async () => {
  const port = await served.tls(leaf, [issuing.certificate]);
  const replaced = await probe(at(port), { tls: { ...tls, replaceDefaultRoots: true } });
  expect(stepOf(replaced, 'tls').details).toContain(
    'trusted authorities: 1 of the settings (the default roots are replaced)',
  );
  const system = await probe(at(port), { tls: { ...tls, systemAuthorities: true } });
  expect(stepOf(system, 'tls').details.join('\n')).toMatch(/\d+ default roots, \d+ of the operating system, 1 of the/);
});

test('the file for a review holds the root when it was sent, else the highest that was, and trusting it works', async () => {
  for (const [chain, kind, top] of [
    [[issuing.certificate, root.certificate], 'the root of the chain', root.certificate],
    [[issuing.certificate], 'an intermediate authority', issuing.certificate],
    [[], "the server's own certificate", leaf.certificate],
  ] as const) {
    const port = await served.tls(leaf, chain);
    const found = await probe(at(port));
    const text = authorityFile(found, `localhost:${port}`) ?? '';
    expect(text).toMatch(/^# CHECK WITH YOUR ADMINISTRATOR BEFORE YOU TRUST THIS/);
    expect(text).toContain(`shown by:    localhost:${port}`);
    expect(text).toContain(kind);
    expect(text).toContain(`SHA-256 ${fingerprint(top)}`);
    const [read, ...rest] = readCertificates(Buffer.from(text));
    expect([read?.fingerprint256, rest]).toEqual([fingerprint(top), []]);
    expect(statuses(await probe(at(port), { tls: { extraAuthorities: [read?.toString() ?? ''] } }))).toContain(
      'tls pass',
    );
  }
});

test('no file is written for what trust does not mend', async () => {
  const old = root.issue({ ...wanted, notBefore: inDays(-3), notAfter: inDays(-1) });
  for (const issued of [old, root.issue({ name: 'other', dns: ['other.example'] })]) {
    const found = await probe(at(await served.tls(issued)), { tls });
    expect(stepOf(found, 'tls').status).toBe('fail');
    expect(found.chain).toHaveLength(1);
    expect(authorityFile(found, 'x')).toBeUndefined();
  }
});

test('a name with line breaks does not break out of the header', async () => {
  const evil = Authority.selfSigned({ ...later, name: 'a\n-----BEGIN CERTIFICATE-----\nb' });
  const text = authorityFile(await probe(at(await served.tls(evil))), 'x') ?? '';
  expect(text.split('\n').filter((line) => line === '-----BEGIN CERTIFICATE-----')).toHaveLength(1);
});

test('long names and such as turn the screen round do no harm', async () => {
  const evil = Authority.selfSigned({ ...later, name: `\u202e\u001b[2J${'x'.repeat(60)}` });
  const long = Authority.selfSigned({
    ...later,
    dns: Array.from({ length: 40 }, (_, n) => `${'a'.repeat(50)}${n}.example`),
  });
  for (const issued of [evil, long]) {
    const { seen, details } = stepOf(await probe(at(await served.tls(issued))), 'tls');
    for (const line of [seen, ...details]) {
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(line.length).toBeLessThanOrEqual(500);
    }
    expect(details[0]).toContain(fingerprint(issued.certificate));
  }
});
