import { hkdfSync } from 'node:crypto';
import { Secret } from '../secret.ts';
import { AEAD_BYTES, decryptBytes, encryptBytes } from './aead.ts';
import type { KeyStore } from './key-store.ts';

const TAG = 'encrypted:v1:';
const ID_BYTES = 4;

/** True for a value that says that it is encrypted, in any version. */
export const looksSealed = (text: string): boolean => /^\s*encrypted:v\d{1,3}:/i.test(text);

/** A key for one purpose, from the key of the agent (HKDF with SHA-256): one never tells about another. */
export const derivedKey = (key: Uint8Array, purpose: string, bytes = 32): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), `culvert ${purpose}`, bytes));

/** `code`: of the connection that the value is for; undefined for any, and for agent.conf. */
const keysOf = (key: Uint8Array, code: string | undefined) => {
  const purpose = code === undefined ? 'encrypted:v1' : 'encrypted:v1 for a connection';
  const id = derivedKey(key, `${purpose} key id`, ID_BYTES);
  const whose = code === undefined ? new Uint8Array() : derivedKey(key, `${purpose} code ${code}`, ID_BYTES);
  return {
    id,
    header: Buffer.concat([id, whose]),
    cipher: derivedKey(key, purpose),
    bound: Buffer.concat([Buffer.from(TAG), id, whose, Buffer.from(code ?? '')]),
  };
};

/**
 * `encrypted:v1:` and base64url of key id (4 bytes), nonce (12 random bytes), ciphertext and tag of AES-256-GCM. The text
 * before and the key id are authenticated, so that no value can be passed off as one of another version or key.
 *
 * With `code` only the connection of that code can open it: then it has another key and another key id, which is followed
 * by 4 bytes that come from key and code, and the code is authenticated as well.
 */
export const seal = (value: Secret, key: Uint8Array, code?: string): string => {
  const { header, cipher, bound } = keysOf(key, code);
  const sealed = encryptBytes(Buffer.from(value.reveal()), cipher, bound);
  return `${TAG}${Buffer.concat([header, sealed]).toString('base64url')}`;
};

/** A value, or why it cannot be had: what is wrong, and what to do when it is not to encrypt it again. */
export type Unsealed =
  | { readonly type: 'value'; readonly value: Secret }
  | { readonly type: 'failed'; readonly reason: string; readonly advice?: string };

/** Opens what {@link seal} made; `code`: of the connection that it stands in. Never throws. */
export const unseal = (text: string, keys: KeyStore | undefined, code?: string): Unsealed => {
  const given = text.trim();
  if (!given.startsWith(TAG))
    return { type: 'failed', reason: 'its version is not known to this agent: it may be of a newer one' };
  if (keys === undefined)
    return {
      type: 'failed',
      reason: 'no settings say where the key is',
      advice: 'Name the settings of the agent: --config agent.conf.',
    };
  const stored = keys.read();
  if (stored.type !== 'key')
    return {
      type: 'failed',
      reason: `the key ${keys.name} cannot be used: ${stored.reason}`,
      advice:
        stored.type === 'missing'
          ? 'Bring the key back from a backup, or encrypt the value again: culvert encrypt.'
          : 'Let the user of the agent, and nobody else, read the key.',
    };
  const body = given.slice(TAG.length);
  const bytes = Buffer.from(body, 'base64url');
  const damaged = { type: 'failed', reason: 'it is damaged: characters are missing, or were changed' } as const;
  if (!/^[\w-]+$/.test(body) || bytes.length < ID_BYTES + AEAD_BYTES) return damaged;
  const keyId = bytes.subarray(0, ID_BYTES);
  const anyones = keysOf(stored.key, undefined);
  const forOne = keyId.equals(keysOf(stored.key, '').id);
  if (!forOne && !keyId.equals(anyones.id))
    return {
      type: 'failed',
      reason: 'it was encrypted with another key: on another machine, or before the key was lost',
    };
  const { header, cipher, bound } = forOne ? keysOf(stored.key, code ?? '') : anyones;
  if (!bytes.subarray(0, header.length).equals(header))
    return {
      type: 'failed',
      reason: 'it was encrypted for another connection, and opens in that one alone',
      advice:
        code === undefined
          ? 'Encrypt the value again for this file: culvert encrypt, without --for.'
          : `Encrypt the value again for this connection: culvert encrypt --for ${code}.`,
    };
  try {
    const value = decryptBytes(bytes.subarray(header.length), cipher, bound);
    return { type: 'value', value: new Secret(value.toString('utf8')) };
  } catch {
    return damaged;
  }
};
