/// <reference path="./forge.d.ts" />
import { createDecipheriv } from 'node:crypto';
import rc2 from 'node-forge/lib/rc2.js';
import util from 'node-forge/lib/util.js';
import { algorithm, pbkdf2By, unsupported } from './algorithms.ts';
import { type Der, octets, sequence, smallNumber } from './der.ts';
import { derivePkcs12, type Effort, type Passphrase, PURPOSE } from './derivation.ts';
import { StoreFailure } from './failure.ts';

const PBES2 = '1.2.840.113549.1.5.13';

/** Ciphers of PBES2, with the length of their key in bytes. */
const MODERN: Readonly<Record<string, readonly [name: string, keyBytes: number]>> = {
  '2.16.840.1.101.3.4.1.2': ['aes-128-cbc', 16],
  '2.16.840.1.101.3.4.1.22': ['aes-192-cbc', 24],
  '2.16.840.1.101.3.4.1.42': ['aes-256-cbc', 32],
  '1.2.840.113549.3.7': ['des-ede3-cbc', 24],
};

/** Ciphers of PKCS12 itself (RFC 7292, appendix C), all with SHA-1. */
const LEGACY: Readonly<Record<string, readonly [cipher: 'des3' | 'des2' | 'rc2', keyBytes: number]>> = {
  '1.2.840.113549.1.12.1.3': ['des3', 24],
  '1.2.840.113549.1.12.1.4': ['des2', 16],
  '1.2.840.113549.1.12.1.5': ['rc2', 16],
  '1.2.840.113549.1.12.1.6': ['rc2', 5],
};

const wrong = (): StoreFailure => new StoreFailure('password', 'the password is wrong, or the file was changed');

const decipher = (name: string, key: Buffer, iv: Buffer, data: Buffer): Buffer => {
  try {
    const cipher = createDecipheriv(name, key, iv);
    return Buffer.concat([cipher.update(data), cipher.final()]);
  } catch {
    throw wrong();
  }
};

/** RC2 is no longer part of OpenSSL as Node has it. */
const decipherRc2 = (key: Buffer, iv: Buffer, data: Buffer): Buffer => {
  if (data.length === 0 || data.length % 8 !== 0) throw wrong();
  const cipher = rc2.createDecryptionCipher(key.toString('latin1'), key.length * 8);
  cipher.start(iv.toString('latin1'));
  cipher.update(util.createBuffer(data.toString('latin1')));
  if (!cipher.finish()) throw wrong();
  return Buffer.from(cipher.output.getBytes(), 'latin1');
};

/** Decrypts what a PKCS12 file encrypted under a password. Throws a {@link StoreFailure}. */
export const decrypt = (by: Der | undefined, data: Buffer, password: Passphrase, effort: Effort): Buffer => {
  const { id, parameters } = algorithm(by);
  if (id === PBES2) {
    const [derivation, scheme] = sequence(parameters);
    const cipher = algorithm(scheme);
    const known = MODERN[cipher.id];
    if (known === undefined) throw unsupported('cipher', cipher.id);
    const key = pbkdf2By(derivation, password.utf8, known[1], effort);
    return decipher(known[0], key, octets(cipher.parameters), data);
  }
  const known = LEGACY[id];
  if (known === undefined) throw unsupported('cipher', id);
  const [cipher, keyBytes] = known;
  const [saltNode, iterationsNode] = sequence(parameters);
  const salt = octets(saltNode);
  const iterations = smallNumber(iterationsNode);
  const key = derivePkcs12('sha1', password.wide, salt, PURPOSE.key, iterations, keyBytes, effort);
  const iv = derivePkcs12('sha1', password.wide, salt, PURPOSE.iv, iterations, 8, effort);
  switch (cipher) {
    case 'des3':
      return decipher('des-ede3-cbc', key, iv, data);
    case 'des2':
      return decipher('des-ede3-cbc', Buffer.concat([key, key.subarray(0, 8)]), iv, data);
    case 'rc2':
      return decipherRc2(key, iv, data);
    default:
      return cipher satisfies never;
  }
};
