import { hash as digest, pbkdf2Sync } from 'node:crypto';
import { StoreFailure } from './failure.ts';

/**
 * How much hashing one store may cost before it is refused. Deriving a key blocks the process, and the file says how
 * long: what the tools write needs 2,000 to 600,000 rounds, two million take some three seconds.
 */
const MAX_ROUNDS = 2_000_000;

/** Counts the rounds of hashing that one store asks for, before they are made. */
export class Effort {
  #left = MAX_ROUNDS;

  /** Throws a {@link StoreFailure} when the store asks for too much. */
  spend(iterations: number, blocks: number): void {
    const rounds = iterations * Math.max(1, blocks);
    if (iterations < 1) throw new StoreFailure('damaged', 'an iteration count of the file is zero');
    if (rounds > this.#left)
      throw new StoreFailure('costly', `the file wants its password hashed more than ${MAX_ROUNDS} times`);
    this.#left -= rounds;
  }
}

/** A password in the two forms in which files of this kind use it. */
export interface Passphrase {
  /** UTF-16 big-endian with two zero bytes at the end: for the key derivation of PKCS12 itself (RFC 7292, B.1). */
  readonly wide: Buffer;
  /** UTF-8: for PBES2. */
  readonly utf8: Buffer;
}

/** UTF-16 big-endian. */
export const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

const wide = (text: string): Buffer => Buffer.concat([utf16(text), Buffer.alloc(2)]);

/**
 * The forms that a password may have had when the file was made, likeliest first. Without a password: the empty one, as
 * two zero bytes or as nothing at all. OpenSSL before 1.1 widened the bytes of UTF-8 one by one.
 */
export const passphrases = (password: string | undefined): readonly Passphrase[] => {
  if (password === undefined || password === '')
    return [wide(''), Buffer.alloc(0)].map((form) => ({ wide: form, utf8: Buffer.alloc(0) }));
  const utf8 = Buffer.from(password, 'utf8');
  const usual = { wide: wide(password), utf8 };
  return utf8.length === password.length ? [usual] : [usual, { wide: wide(utf8.toString('latin1')), utf8 }];
};

export type Hash = 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

const SIZES: Readonly<Record<Hash, readonly [outputBytes: number, blockBytes: number]>> = {
  md5: [16, 64],
  sha1: [20, 64],
  sha224: [28, 64],
  sha256: [32, 64],
  sha384: [48, 128],
  sha512: [64, 128],
};

/** How many bytes a hash gives. */
export const hashBytes = (hash: Hash): number => SIZES[hash][0];

/** What derived bytes are for (RFC 7292, B.3). */
export const PURPOSE = { key: 1, iv: 2, mac: 3 } as const;

const repeated = (bytes: Buffer, block: number): Buffer =>
  Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes.length === 0 ? 0 : bytes);

/** The key derivation of PKCS12 (RFC 7292, appendix B.2). */
export const derivePkcs12 = (
  hash: Hash,
  password: Buffer,
  salt: Buffer,
  purpose: number,
  iterations: number,
  length: number,
  effort: Effort,
): Buffer => {
  const [size, block] = SIZES[hash];
  const count = Math.ceil(length / size);
  effort.spend(iterations, count);
  const diversifier = Buffer.alloc(block, purpose);
  const input = Buffer.concat([repeated(salt, block), repeated(password, block)]);
  const output: Buffer[] = [];
  for (let i = 0; i < count; i += 1) {
    let round = digest(hash, Buffer.concat([diversifier, input]), 'buffer');
    for (let r = 1; r < iterations; r += 1) round = digest(hash, round, 'buffer');
    output.push(round);
    const addend = Buffer.alloc(block, round);
    for (let at = 0; at < input.length; at += block) {
      let carry = 1;
      for (let j = block - 1; j >= 0; j -= 1) {
        carry += (input[at + j] ?? 0) + (addend[j] ?? 0);
        input[at + j] = carry & 0xff;
        carry >>= 8;
      }
    }
  }
  return Buffer.concat(output).subarray(0, length);
};

/** PBKDF2 (RFC 8018), with its cost counted. */
export const derivePbkdf2 = (
  hash: Hash,
  password: Buffer,
  salt: Buffer,
  iterations: number,
  length: number,
  effort: Effort,
): Buffer => {
  effort.spend(iterations, Math.ceil(length / hashBytes(hash)));
  return pbkdf2Sync(password, salt, iterations, length, hash);
};
