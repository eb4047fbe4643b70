import { createHash, timingSafeEqual } from 'node:crypto';
import { utf16 } from './derivation.ts';
import { MAX_CERTIFICATES, StoreFailure } from './failure.ts';

const MAGIC = 0xfeed_feed;
const PRIVATE_KEY = 1;
const TRUSTED = 2;
/** SHA-1 at the end of the file. */
const CHECK_BYTES = 20;
/** Mixed into the check by Java since its first version. */
const WHITENER = Buffer.from('Mighty Aphrodite', 'utf8');

export interface Jks {
  /** The trusted certificates, as DER. */
  readonly certificates: readonly Buffer[];
  /** Entries with a private key, which are skipped with their certificates. */
  readonly keys: number;
  /** False when there was no password to check the file with. */
  readonly verified: boolean;
}

/** Reads big-endian values and never beyond the end. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new StoreFailure('damaged', 'the file ends early, or is damaged');
    const piece = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return piece;
  }

  uint32(): number {
    return this.take(4).readUInt32BE(0);
  }

  /** What DataOutputStream.writeUTF wrote; only ASCII is ever compared. */
  text(): string {
    return this.take(this.take(2).readUInt16BE(0)).toString('latin1');
  }
}

const readEntries = (body: Buffer): Omit<Jks, 'verified'> => {
  const cursor = new Cursor(body);
  if (cursor.uint32() !== MAGIC) throw new StoreFailure('damaged', 'the file is not a JKS store');
  const version = cursor.uint32();
  if (version !== 1 && version !== 2)
    throw new StoreFailure('unsupported', `the file is a JKS store of version ${version}`);
  const count = cursor.uint32();
  if (count > MAX_CERTIFICATES)
    throw new StoreFailure('too_many', `the file holds more than ${MAX_CERTIFICATES} entries`);
  const certificates: Buffer[] = [];
  const certificate = (): Buffer | undefined => {
    const type = version === 1 ? 'X.509' : cursor.text();
    const der = cursor.take(cursor.uint32());
    return type === 'X.509' || type === 'X509' ? der : undefined;
  };
  let keys = 0;
  for (let i = 0; i < count; i += 1) {
    const tag = cursor.uint32();
    cursor.text(); // the alias
    cursor.take(8); // when it was made
    if (tag === TRUSTED) {
      const der = certificate();
      if (der !== undefined) certificates.push(der);
    } else if (tag === PRIVATE_KEY) {
      keys += 1;
      cursor.take(cursor.uint32());
      for (let left = cursor.uint32(); left > 0; left -= 1) certificate();
    } else {
      throw new StoreFailure('damaged', 'the file is damaged: it holds an entry of no known kind');
    }
  }
  if (!cursor.atEnd) throw new StoreFailure('damaged', 'the file is damaged: more follows the last entry');
  return { certificates, keys };
};

/**
 * The trusted certificates of a Java key store (JKS). Certificates in it are not encrypted: the password only proves that
 * the file was not changed, and without one that is not checked, as in Java. Throws a {@link StoreFailure}.
 */
export const readJks = (bytes: Buffer, password: string | undefined): Jks => {
  const end = bytes.length - CHECK_BYTES;
  if (end < 12) throw new StoreFailure('damaged', 'the file ends early');
  const body = bytes.subarray(0, end);
  const entries = readEntries(body);
  if (password === undefined || password === '') return { ...entries, verified: false };
  const check = createHash('sha1').update(utf16(password)).update(WHITENER).update(body).digest();
  if (!timingSafeEqual(check, bytes.subarray(end)))
    throw new StoreFailure('password', 'the password is wrong, or the file was changed');
  return { ...entries, verified: true };
};
