import { decrypt } from './decryption.ts';
import {
  type Der,
  encodeDer,
  explicit0,
  implicitOctets0,
  objectId,
  octets,
  parseDer,
  sequence,
  set,
  smallNumber,
  textBytes,
} from './der.ts';
import { Effort, type Passphrase, passphrases } from './derivation.ts';
import { MAX_CERTIFICATES, StoreFailure } from './failure.ts';
import { hasIntegrity } from './integrity.ts';

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const BAG = '1.2.840.113549.1.12.10.1.';
const X509 = '1.2.840.113549.1.9.22.1';
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21';
/** Bags inside bags; no tool makes any. */
const MAX_NESTING = 4;

export interface Pkcs12 {
  readonly certificates: readonly {
    readonly der: Buffer;
    /** Ties a certificate to its key. */
    readonly keyId: string | undefined;
  }[];
  readonly keys: readonly {
    /** PKCS8; empty when keys were not asked for. */
    readonly der: Buffer;
    readonly keyId: string | undefined;
  }[];
  /** False when the check value could not be checked for want of a password. */
  readonly verified: boolean;
}

interface Reading {
  readonly password: Passphrase;
  /** True when the check value proved the password. */
  readonly sure: boolean;
  readonly effort: Effort;
  readonly wantKeys: boolean;
  readonly certificates: Pkcs12['certificates'][number][];
  readonly keys: Pkcs12['keys'][number][];
}

const keyIdOf = (attributes: Der | undefined): string | undefined => {
  if (attributes === undefined) return undefined;
  for (const attribute of set(attributes)) {
    const [id, values] = sequence(attribute);
    if (objectId(id) === LOCAL_KEY_ID) return textBytes(set(values)[0]).toString('hex');
  }
  return undefined;
};

const readBags = (safe: Der, into: Reading, depth = 0): void => {
  for (const bag of sequence(safe)) {
    const [idNode, wrapped, attributes] = sequence(bag);
    const id = objectId(idNode);
    const value = explicit0(wrapped);
    const keyId = keyIdOf(attributes);
    switch (id.startsWith(BAG) ? id.slice(BAG.length) : '') {
      case '1':
        into.keys.push({ der: into.wantKeys ? encodeDer(value) : Buffer.alloc(0), keyId });
        break;
      case '2': {
        // For trust a private key is not needed, so it is not even decrypted.
        const [by, data] = sequence(value);
        const der = into.wantKeys ? decrypt(by, octets(data), into.password, into.effort) : Buffer.alloc(0);
        into.keys.push({ der, keyId });
        break;
      }
      case '3': {
        const [kind, certificate] = sequence(value);
        if (objectId(kind) !== X509) break;
        if (into.certificates.length === MAX_CERTIFICATES)
          throw new StoreFailure('too_many', `the file holds more than ${MAX_CERTIFICATES} certificates`);
        into.certificates.push({ der: octets(explicit0(certificate)), keyId });
        break;
      }
      case '6':
        if (depth === MAX_NESTING) throw new StoreFailure('damaged', 'the bags of the file are nested too deep');
        readBags(value, into, depth + 1);
        break;
      default:
        // Revocation lists and other secrets are of no use here.
        break;
    }
    if (into.keys.length > MAX_CERTIFICATES)
      throw new StoreFailure('too_many', `the file holds more than ${MAX_CERTIFICATES} keys`);
  }
};

const readSafes = (content: Buffer, into: Reading): void => {
  for (const part of sequence(parseDer(content))) {
    const [kind, wrapped] = sequence(part);
    const id = objectId(kind);
    if (id === DATA) {
      readBags(parseDer(octets(explicit0(wrapped))), into);
      continue;
    }
    if (id !== ENCRYPTED_DATA)
      throw new StoreFailure('unsupported', `a part of the file is encrypted other than by a password (${id})`);
    const [, encrypted] = sequence(explicit0(wrapped));
    const [, by, data] = sequence(encrypted);
    const plain = decrypt(by, implicitOctets0(data), into.password, into.effort);
    try {
      readBags(parseDer(plain), into);
    } catch (error) {
      // A wrong password sometimes leaves a padding that looks right; what it decrypts to is then noise.
      if (into.sure || !(error instanceof StoreFailure) || error.fault !== 'damaged') throw error;
      throw new StoreFailure('password', 'the password is wrong, or the file was changed');
    }
  }
};

/**
 * Reads a PKCS12 file (`.p12`, `.pfx`; RFC 7292). Node's own reader takes neither stores without a key nor the old
 * ciphers. The password may be absent; without one the check value need not fit, as in Java. Blocks for as long as the
 * file wants its password hashed, which is bounded. Throws a {@link StoreFailure}.
 */
export const readPkcs12 = (bytes: Buffer, password: string | undefined, wantKeys: boolean): Pkcs12 => {
  const [version, authSafe, macData] = sequence(parseDer(bytes));
  if (smallNumber(version) !== 3) throw new StoreFailure('damaged', 'the file is not a PKCS12 store of version 3');
  const [kind, wrapped] = sequence(authSafe);
  const id = objectId(kind);
  if (id !== DATA) throw new StoreFailure('unsupported', `the file is signed, not protected by a password (${id})`);
  const content = octets(explicit0(wrapped));
  const effort = new Effort();
  const forms = passphrases(password);
  const fitting =
    macData === undefined ? undefined : forms.find((form) => hasIntegrity(macData, content, form, effort));
  if (macData !== undefined && fitting === undefined && password !== undefined && password !== '')
    throw new StoreFailure('password', 'the password is wrong, or the file was changed');
  let failure: unknown;
  for (const form of fitting === undefined ? forms : [fitting]) {
    const into: Reading = { password: form, sure: fitting !== undefined, effort, wantKeys, certificates: [], keys: [] };
    try {
      readSafes(content, into);
      return {
        certificates: into.certificates,
        keys: into.keys,
        verified: macData === undefined || fitting !== undefined,
      };
    } catch (error) {
      if (!(error instanceof StoreFailure) || error.fault !== 'password') throw error;
      failure = error;
    }
  }
  if (password === undefined || password === '') throw new StoreFailure('no_password', 'the file needs a password');
  throw failure;
};
