import type { KeyObject, X509Certificate } from 'node:crypto';
import { openClientStore } from '../keystore/client-store.ts';
import { StoreFailure } from '../keystore/failure.ts';
import { type StoreKind, storeKindOf } from '../keystore/kind.ts';
import type { Place } from '../tree.ts';
import type { Problems } from './problem.ts';
import type { Placed } from './values.ts';

/** A client certificate with its key. */
export interface ClientPair {
  readonly chain: readonly X509Certificate[];
  readonly key: KeyObject;
}

/** True for a store that holds certificate and key in one file; Java's own are refused by {@link readClientPfx}. */
export const isClientStore = (bytes: Buffer): boolean => {
  const kind = storeKindOf(bytes);
  return kind === 'PKCS12' || (kind !== undefined && JAVA.has(kind));
};

const JAVA: ReadonlySet<StoreKind> = new Set<StoreKind>(['JKS', 'JCEKS', 'BKS']);

/** Certificate, chain and key out of a PFX (PKCS12) file. Undefined when it does not open, which is reported. */
export const readClientPfx = (
  bytes: Buffer,
  at: Place,
  password: Placed<string> | undefined,
  problems: Problems,
): ClientPair | undefined => {
  const kind = storeKindOf(bytes);
  if (kind !== undefined && JAVA.has(kind)) {
    problems.error(
      'config.not_supported_yet',
      at,
      `connection.auth.certificate.path names a ${kind} store; PEM and PFX (PKCS12) are read.`,
      `Convert it: keytool -importkeystore -srckeystore STORE -srcstoretype ${kind} -destkeystore client.pfx -deststoretype PKCS12`,
    );
    return undefined;
  }
  try {
    const store = openClientStore(bytes, password?.value);
    if (store.keys > 1)
      problems.warn(
        'config.suspicious_value',
        at,
        `The PFX file holds ${store.keys} private keys; the first with its certificate is used.`,
        'Export only the one that is meant.',
      );
    return store;
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    report(error, at, password, problems);
    return undefined;
  }
};

const report = (failure: StoreFailure, at: Place, password: Placed<string> | undefined, problems: Problems): void => {
  switch (failure.fault) {
    case 'password':
      problems.error(
        'config.store_password',
        password?.at ?? at,
        `connection.auth.certificate.password does not open the PFX file: ${failure.message}.`,
        'Try it: openssl pkcs12 -info -noout -in client.pfx',
      );
      return;
    case 'no_password':
      problems.error(
        'config.missing_key',
        at,
        'The PFX file of the client certificate needs a password.',
        'Add connection.auth.certificate.password.',
      );
      return;
    case 'unsupported':
      problems.error(
        'config.not_supported_yet',
        at,
        `The PFX file of the client certificate cannot be read: ${failure.message}.`,
        'Convert it: openssl pkcs12 -legacy -in client.pfx -nodes -out client.pem',
      );
      return;
    case 'costly':
    case 'too_many':
    case 'damaged':
    case 'no_key':
      problems.error(
        'tls.client_certificate',
        at,
        `The PFX file of the client certificate cannot be used: ${failure.message}.`,
        'Export it again, with its private key.',
      );
      return;
    default:
      failure.fault satisfies never;
  }
};
