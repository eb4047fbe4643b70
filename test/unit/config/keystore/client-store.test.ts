import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openClientStore } from '#config/keystore/client-store.ts';
import { fixture, PASSWORD } from './stores.ts';

describe('a PFX file with a client certificate', () => {
  test.each(['openssl-client.pfx', 'openssl-client-legacy.pfx', 'openssl-client-clear.pfx'])(
    '%s gives key, certificate and the issuers that belong to it',
    (name) => {
      const { chain, key, keys } = openClientStore(fixture(name), PASSWORD);
      expect(chain.map(({ subject }) => subject)).toEqual(['CN=canary-client', 'CN=canary-ec']);
      expect(new X509Certificate(fixture('canary-client.pem')).checkPrivateKey(key)).toBe(true);
      expect(keys).toBe(1);
    },
  );

  test('of keytool opens, too, and a store without a key does not', () => {
    expect(openClientStore(fixture('keytool-with-key.p12'), PASSWORD).chain.map(({ subject }) => subject)).toEqual([
      'CN=canary-own',
    ]);
    expect(() => openClientStore(fixture('keytool-modern.p12'), PASSWORD)).toThrow('no private key');
    expect(() => openClientStore(fixture('openssl-client.pfx'), 'canary-wrong')).toThrow('the password is wrong');
    expect(() => openClientStore(fixture('openssl-client.pfx'), undefined)).toThrow('needs a password');
  });
});
