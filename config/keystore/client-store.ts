import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { StoreFailure } from './failure.ts';
import { readPkcs12 } from './pkcs12.ts';
import { remembering } from './remembered.ts';

/** A client certificate out of a PFX file. */
export interface ClientStore {
  /** The certificate itself first, then its issuers as far as they are there. */
  readonly chain: readonly X509Certificate[];
  readonly key: KeyObject;
  /** Private keys in the file; the first that has its certificate is the one. */
  readonly keys: number;
}

const keyFrom = (der: Buffer): KeyObject => {
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch {
    throw new StoreFailure('damaged', 'the private key in the file cannot be read');
  }
};

/** A certificate with its issuers, without end even if two issued each other. */
const chainOf = (first: X509Certificate, all: readonly X509Certificate[]): readonly X509Certificate[] => {
  const chain = [first];
  for (let last = first; ; ) {
    const issuer = all.find((one) => !chain.includes(one) && last.checkIssued(one));
    if (issuer === undefined) return chain;
    chain.push(issuer);
    last = issuer;
  }
};

/** Opens a PKCS12 file (`.pfx`, `.p12`) with a client certificate and its key. Throws a {@link StoreFailure}. */
export const openClientStore = remembering((bytes, password): ClientStore => {
  const store = readPkcs12(bytes, password, true);
  const certificates = store.certificates.map(({ der }) => {
    try {
      return new X509Certificate(der);
    } catch {
      throw new StoreFailure('damaged', 'a certificate in the file cannot be read');
    }
  });
  for (const { der } of store.keys) {
    const key = keyFrom(der);
    const own = certificates.find((one) => one.checkPrivateKey(key));
    if (own !== undefined) return { chain: chainOf(own, certificates), key, keys: store.keys.length };
  }
  throw new StoreFailure(
    'no_key',
    store.keys.length === 0
      ? 'the file holds no private key'
      : 'the file holds no certificate that belongs to its private key',
  );
});
