import { X509Certificate } from 'node:crypto';
import { readJks } from './jks.ts';
import { readPkcs12 } from './pkcs12.ts';
import { remembering } from './remembered.ts';

/** What a trust store gives. */
export interface Truststore {
  /** PEM texts, each once. */
  readonly certificates: readonly string[];
  /** Private keys in it, which are not read; certificates that belong to them are not trusted for that. */
  readonly keys: number;
  /** Certificates that cannot be read. */
  readonly unreadable: number;
  /** False when the file could not be checked for changes for want of a password. */
  readonly verified: boolean;
}

const collect = (ders: readonly Buffer[], keys: number, verified: boolean): Truststore => {
  const certificates = new Set<string>();
  let unreadable = 0;
  for (const der of ders) {
    try {
      certificates.add(new X509Certificate(der).toString());
    } catch {
      unreadable += 1;
    }
  }
  return { certificates: [...certificates], keys, unreadable, verified };
};

/** Opens a PKCS12 trust store. Throws a StoreFailure. */
export const openPkcs12Truststore = remembering((bytes, password): Truststore => {
  const store = readPkcs12(bytes, password, false);
  const own = new Set(store.keys.flatMap(({ keyId }) => (keyId === undefined ? [] : [keyId])));
  const trusted = store.certificates.filter(({ keyId }) => keyId === undefined || !own.has(keyId));
  return collect(
    trusted.map(({ der }) => der),
    store.keys.length,
    store.verified,
  );
});

/** Opens a Java trust store (JKS). Throws a StoreFailure. */
export const openJksTruststore = remembering((bytes, password): Truststore => {
  const store = readJks(bytes, password);
  return collect(store.certificates, store.keys, store.verified);
});
