import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import forge from 'node-forge';
import { describe, expect, test } from 'vitest';
import { StoreFailure } from '#config/keystore/failure.ts';
import { storeKindOf } from '#config/keystore/kind.ts';
import { readPkcs12 } from '#config/keystore/pkcs12.ts';
import { openJksTruststore, openPkcs12Truststore } from '#config/keystore/truststore.ts';
import { authorities, fixture, jksOf, PASSWORD, WIDE_PASSWORD } from './stores.ts';

const open = (bytes: Buffer, password: string | undefined) =>
  (storeKindOf(bytes) === 'JKS' ? openJksTruststore : openPkcs12Truststore)(bytes, password);
const failure = (action: () => unknown): StoreFailure => {
  try {
    action();
  } catch (error) {
    if (error instanceof StoreFailure) return error;
    throw error;
  }
  throw new Error('it did not fail');
};
const der = (name: string): Buffer => new X509Certificate(fixture(name)).raw;

describe('a store with both authorities', () => {
  test.each([
    ['openssl-modern.p12', PASSWORD],
    ['openssl-legacy.p12', PASSWORD],
    ['openssl-rc2-128.p12', PASSWORD],
    ['openssl-2des.p12', PASSWORD],
    ['openssl-sha512.p12', PASSWORD],
    ['openssl-no-mac.p12', PASSWORD],
    ['openssl-clear.p12', PASSWORD],
    ['openssl-empty-password.p12', ''],
    ['openssl-empty-password.p12', undefined],
    ['openssl-wide.p12', WIDE_PASSWORD],
    ['openssl-wide-legacy.p12', WIDE_PASSWORD],
    ['keytool-modern.p12', PASSWORD],
    ['keytool-legacy.p12', PASSWORD],
    ['keytool-clear.p12', undefined],
    ['keytool-clear.p12', PASSWORD],
    ['keytool.jks', PASSWORD],
  ])('%s opens with %j', (name, password) => {
    const store = open(fixture(name), password);
    expect([...store.certificates].sort()).toEqual(authorities().sort());
    expect(store).toMatchObject({ keys: 0, unreadable: 0, verified: true });
  });

  test.each(['keytool-with-key.p12', 'keytool-with-key.jks'])('%s gives no certificate of its private key', (name) => {
    const store = open(fixture(name), PASSWORD);
    expect([...store.certificates].sort()).toEqual(authorities().sort());
    expect(store.keys).toBe(1);
  });

  test.each(['openssl-clear.p12', 'keytool.jks'])('%s opens unchecked without its password, as in Java', (name) => {
    expect(open(fixture(name), undefined)).toMatchObject({ verified: false });
    expect(open(fixture(name), undefined).certificates).toHaveLength(2);
  });

  test('in BER of unknown length, as old programs write it', () => {
    const bytes = fixture('openssl-modern.p12');
    const content = bytes.subarray(2 + ((bytes[1] ?? 0) & 0x7f));
    const ber = Buffer.concat([Buffer.from([0x30, 0x80]), content, Buffer.alloc(2)]);
    expect(storeKindOf(ber)).toBe('PKCS12');
    expect(open(ber, PASSWORD).certificates).toHaveLength(2);
  });

  test('gives a certificate once, and counts those that it cannot read', () => {
    const store = open(jksOf([der('canary-ec.pem'), der('canary-ec.pem'), Buffer.from('noise')]), PASSWORD);
    expect(store).toMatchObject({ certificates: [authorities()[1]], unreadable: 1 });
    expect(open(jksOf([der('canary-ec.pem')], { version: 1 }), PASSWORD).certificates).toHaveLength(1);
    expect(open(jksOf([der('canary-ec.pem')], { type: 'PGP' }), PASSWORD).certificates).toEqual([]);
    expect(open(jksOf([der('canary-ec.pem')], { password: 'canary-ü' }), 'canary-ü').verified).toBe(true);
  });
});

describe('a store that does not open', () => {
  const stores = [
    'openssl-modern.p12',
    'openssl-legacy.p12',
    'openssl-clear.p12',
    'openssl-wide.p12',
    'openssl-wide-legacy.p12',
    'openssl-empty-password.p12',
    'openssl-no-mac.p12',
    'keytool-modern.p12',
    'keytool-legacy.p12',
    'keytool.jks',
  ];

  test.each(stores)('%s names a wrong password as the cause, and never shows it', (name) => {
    const { fault, message } = failure(() => open(fixture(name), 'canary-wrong'));
    expect(fault).toBe('password');
    expect(message).not.toContain('canary');
  });

  test.each([
    'openssl-modern.p12',
    'openssl-legacy.p12',
    'openssl-no-mac.p12',
    'keytool-modern.p12',
    'keytool-legacy.p12',
  ])('%s says that it needs a password', (name) => {
    expect(failure(() => open(fixture(name), undefined)).fault).toBe('no_password');
  });

  test.each(stores)('%s that ends early is called damaged', (name) => {
    const bytes = fixture(name);
    const password = name.includes('wide') ? WIDE_PASSWORD : name.includes('empty') ? '' : PASSWORD;
    for (const length of [16, 64, 200, bytes.length - 30, bytes.length - 1])
      expect([name, length, failure(() => open(bytes.subarray(0, length), password)).fault]).toEqual([
        name,
        length,
        'damaged',
      ]);
  });

  test.each(['openssl-modern.p12', 'openssl-legacy.p12', 'keytool.jks'])(
    '%s with any byte changed gives nothing that was not in it',
    (name) => {
      const bytes = fixture(name);
      const known = new Set(authorities());
      fc.assert(
        fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
          const changed = Buffer.from(bytes);
          changed[at] = (changed[at] ?? 0) ^ change;
          try {
            const read = name.endsWith('.jks') ? openJksTruststore : openPkcs12Truststore;
            for (const certificate of read(changed, PASSWORD).certificates) expect(known).toContain(certificate);
          } catch (error) {
            expect(error).toBeInstanceOf(StoreFailure);
          }
        }),
        { numRuns: 100 },
      );
    },
    // A change may hit an iteration count and make it as large as is allowed.
    60_000,
  );

  test('any bytes at all end in a failure of their own kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        const bytes = Buffer.from(noise);
        for (const read of [openJksTruststore, openPkcs12Truststore]) failure(() => read(bytes, PASSWORD));
        storeKindOf(bytes);
      }),
      { numRuns: 300 },
    );
  });

  test('says which cipher it cannot read', () => {
    expect(failure(() => open(fixture('openssl-rc4.p12'), PASSWORD))).toMatchObject({
      fault: 'unsupported',
      message: expect.stringContaining('1.2.840.113549.1.12.1.1'),
    });
  });

  test('JKS of another version, kind of entry or length is told apart', () => {
    const ec = [der('canary-ec.pem')];
    expect(failure(() => open(jksOf(ec, { version: 3 }), PASSWORD)).fault).toBe('unsupported');
    expect(failure(() => open(jksOf(ec, { tag: 7 }), PASSWORD)).fault).toBe('damaged');
    expect(failure(() => open(jksOf(ec, { claimed: 0 }), PASSWORD)).fault).toBe('damaged');
  });
});

describe('bounds', () => {
  const setIterations = (name: string, bytes: string): Buffer => {
    const pfx = forge.asn1.fromDer(fixture(name).toString('latin1'));
    const mac = (pfx.value as forge.asn1.Asn1[])[2]?.value as forge.asn1.Asn1[];
    const iterations = mac[2];
    if (iterations === undefined) throw new Error('the fixture has no iteration count');
    iterations.value = bytes;
    return Buffer.from(forge.asn1.toDer(pfx).getBytes(), 'latin1');
  };

  test('a store that wants endless hashing is refused before any of it', () => {
    // Two billion rounds would take hours.
    for (const count of ['\x7f\xff\xff\xff', '\x7f\xff\xff\xff\xff\xff\xff\xff'])
      expect(failure(() => open(setIterations('openssl-modern.p12', count), PASSWORD)).fault).toBe('costly');
    expect(failure(() => open(setIterations('openssl-modern.p12', '\0'), PASSWORD)).fault).toBe('damaged');
    expect(failure(() => open(setIterations('openssl-modern.p12', '\xff'), PASSWORD)).fault).toBe('damaged');
  });

  test('hundreds of thousands of rounds are allowed', () => {
    // The rounds are made, and then the check value does not fit.
    expect(failure(() => open(setIterations('openssl-modern.p12', '\x04\x00\x00'), PASSWORD)).fault).toBe('password');
  });

  test('a thousand certificates are read, more are not', () => {
    const one = der('canary-ec.pem');
    expect(open(jksOf(Array.from({ length: 1000 }, () => one)), PASSWORD).certificates).toHaveLength(1);
    expect(failure(() => open(jksOf(Array.from({ length: 1001 }, () => one)), PASSWORD)).fault).toBe('too_many');
    expect(failure(() => open(jksOf([one], { claimed: 0xffff_ffff }), PASSWORD)).fault).toBe('too_many');
  });

  test('a PKCS12 store with more certificates than that is refused', () => {
    const { asn1 } = forge;
    const sequence = (value: forge.asn1.Asn1[]): forge.asn1.Asn1 =>
      asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, value);
    const oid = (id: string): forge.asn1.Asn1 =>
      asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(id).getBytes());
    const octets = (bytes: string): forge.asn1.Asn1 =>
      asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OCTETSTRING, false, bytes);
    const tagged = (value: forge.asn1.Asn1): forge.asn1.Asn1 =>
      asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, true, [value]);
    const data = (value: forge.asn1.Asn1): forge.asn1.Asn1 =>
      sequence([oid('1.2.840.113549.1.7.1'), tagged(octets(asn1.toDer(value).getBytes()))]);
    const bag = sequence([
      oid('1.2.840.113549.1.12.10.1.3'),
      tagged(sequence([oid('1.2.840.113549.1.9.22.1'), tagged(octets(der('canary-ec.pem').toString('latin1')))])),
    ]);
    const store = (count: number): Buffer => {
      const safe = data(sequence(Array.from({ length: count }, () => bag)));
      const version = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.INTEGER, false, '\x03');
      return Buffer.from(asn1.toDer(sequence([version, data(sequence([safe]))])).getBytes(), 'latin1');
    };
    expect(readPkcs12(store(1000), undefined, false).certificates).toHaveLength(1000);
    expect(failure(() => readPkcs12(store(1001), undefined, false)).fault).toBe('too_many');
  });
});

test('the kind of a file is told by its bytes', () => {
  const kinds = (names: string[]) => new Set(names.map((name) => storeKindOf(fixture(name))));
  expect(kinds(['openssl-modern.p12', 'keytool-legacy.p12', 'keytool-clear.p12', 'openssl-client.pfx'])).toEqual(
    new Set(['PKCS12']),
  );
  expect(kinds(['keytool.jks', 'keytool-key-only.jks'])).toEqual(new Set(['JKS']));
  expect(kinds(['keytool.jceks'])).toEqual(new Set(['JCEKS']));
  expect(kinds(['bundle.p7b'])).toEqual(new Set(['PKCS7']));
  expect(kinds(['canary-ec.pem'])).toEqual(new Set(['PEM']));
  expect(storeKindOf(der('canary-rsa.pem'))).toBe('DER');
  expect(storeKindOf(Buffer.concat([Buffer.from('0 s:CN = canary\n'), fixture('canary-ec.pem')]))).toBe('PEM');
  expect(storeKindOf(Buffer.from(`0000000200000014${'00'.repeat(60)}`, 'hex'))).toBe('BKS');
  expect(storeKindOf(Buffer.from('noise'))).toBeUndefined();
  expect(storeKindOf(Buffer.from([0x30]))).toBeUndefined();
  expect(storeKindOf(Buffer.from([0x30, 0x03, 0x02, 0x01, 0x03]))).toBeUndefined();
});
