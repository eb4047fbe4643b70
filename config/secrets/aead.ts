import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const MAC_BYTES = 16;

/** How much longer a text is when it is encrypted. */
export const AEAD_BYTES = NONCE_BYTES + MAC_BYTES;

/** AES-256-GCM: a random nonce, the ciphertext and its tag. `bound` is authenticated and not in it. */
export const encryptBytes = (plain: Uint8Array, key: Uint8Array, bound: Uint8Array): Buffer => {
  const nonce = randomBytes(NONCE_BYTES);
  const aes = createCipheriv('aes-256-gcm', key, nonce);
  aes.setAAD(bound);
  return Buffer.concat([nonce, aes.update(plain), aes.final(), aes.getAuthTag()]);
};

/**
 * Opens what {@link encryptBytes} made.
 *
 * @throws Error when it was changed, or made with another key or bound to something else
 */
export const decryptBytes = (bytes: Uint8Array, key: Uint8Array, bound: Uint8Array): Buffer => {
  if (bytes.length < AEAD_BYTES) throw new RangeError('too short');
  const aes = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: MAC_BYTES });
  aes.setAAD(bound);
  aes.setAuthTag(bytes.subarray(-MAC_BYTES));
  return Buffer.concat([aes.update(bytes.subarray(NONCE_BYTES, -MAC_BYTES)), aes.final()]);
};
