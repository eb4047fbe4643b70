import { type Der, isNumber, objectId, octets, sequence, smallNumber } from './der.ts';
import { derivePbkdf2, type Effort, type Hash } from './derivation.ts';
import { StoreFailure } from './failure.ts';

const HASHES: Readonly<Record<string, Hash>> = {
  '1.2.840.113549.2.5': 'md5',
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
const HMACS: Readonly<Record<string, Hash>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};
const PBKDF2 = '1.2.840.113549.1.5.12';

/** A cipher, hash or derivation that is not read here, by its object identifier. */
export const unsupported = (what: string, id: string): StoreFailure =>
  new StoreFailure('unsupported', `the file uses a ${what} that is not supported (${id})`);

/** Name and parameters of an AlgorithmIdentifier. */
export const algorithm = (node: Der | undefined): { readonly id: string; readonly parameters: Der | undefined } => {
  const [id, parameters] = sequence(node);
  return { id: objectId(id), parameters };
};

const lookUp = (table: Readonly<Record<string, Hash>>, node: Der | undefined, what: string): Hash => {
  const { id } = algorithm(node);
  const found = table[id];
  if (found === undefined) throw unsupported(what, id);
  return found;
};

export const hashOf = (node: Der | undefined): Hash => lookUp(HASHES, node, 'hash');
export const hmacOf = (node: Der | undefined): Hash => lookUp(HMACS, node, 'message authentication');

/** Derives `length` bytes as an AlgorithmIdentifier with PBKDF2 says (RFC 8018, A.2); the length may stand in there. */
export const pbkdf2By = (
  node: Der | undefined,
  password: Buffer,
  length: number | undefined,
  effort: Effort,
): Buffer => {
  const { id, parameters } = algorithm(node);
  if (id !== PBKDF2) throw unsupported('key derivation', id);
  const [salt, iterations, ...rest] = sequence(parameters);
  const stated = isNumber(rest[0]) ? smallNumber(rest.shift()) : undefined;
  const wanted = length ?? stated;
  if (wanted === undefined || wanted < 1 || wanted > 64)
    throw new StoreFailure('damaged', 'a key length in the file is wrong');
  const prf = rest[0] === undefined ? 'sha1' : hmacOf(rest[0]);
  return derivePbkdf2(prf, password, octets(salt), smallNumber(iterations), wanted, effort);
};
