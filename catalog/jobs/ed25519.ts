import { createPublicKey, verify } from 'node:crypto';

/** The DER of an Ed25519 public key (SPKI), given in base64; undefined for anything else. */
export const readEd25519 = (base64: string): Buffer | undefined => {
  try {
    const der = Buffer.from(base64, 'base64');
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ed25519' ? key.export({ type: 'spki', format: 'der' }) : undefined;
  } catch {
    return undefined;
  }
};

/** Whether the key (SPKI, DER) signed exactly this text; false for whatever is no key or no signature. */
export const signatureHolds = (publicKey: Uint8Array, text: string, signature: string): boolean => {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
    return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
};
