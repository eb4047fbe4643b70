import { createHmac, timingSafeEqual } from 'node:crypto';
import { algorithm, hashOf, hmacOf, pbkdf2By } from './algorithms.ts';
import { type Der, octets, sequence, smallNumber } from './der.ts';
import { derivePkcs12, type Effort, hashBytes, type Passphrase, PURPOSE } from './derivation.ts';

/** PBMAC1 (RFC 9579), which OpenSSL writes since 3.4 when it is asked to. */
const PBMAC1 = '1.2.840.113549.1.5.14';

const equal = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b);

/** True when the check value of a PKCS12 file belongs to its content and this password. */
export const hasIntegrity = (macData: Der, content: Buffer, password: Passphrase, effort: Effort): boolean => {
  const [digestInfo, saltNode, iterationsNode] = sequence(macData);
  const [by, expectedNode] = sequence(digestInfo);
  const expected = octets(expectedNode);
  const { id, parameters } = algorithm(by);
  if (id === PBMAC1) {
    const [derivation, scheme] = sequence(parameters);
    const key = pbkdf2By(derivation, password.utf8, undefined, effort);
    return equal(createHmac(hmacOf(scheme), key).update(content).digest(), expected);
  }
  const hash = hashOf(by);
  const iterations = iterationsNode === undefined ? 1 : smallNumber(iterationsNode);
  const key = derivePkcs12(hash, password.wide, octets(saltNode), PURPOSE.mac, iterations, hashBytes(hash), effort);
  return equal(createHmac(hash, key).update(content).digest(), expected);
};
