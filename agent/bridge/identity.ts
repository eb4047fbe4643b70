import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { nodeDisk } from '#agent/spool/disk.ts';
import { errnoOf } from '#config/durable-file.ts';
import { Fault } from '#protocol/errors.ts';
import { challenge } from '#protocol/messages.ts';

const IDENTITY_FILE = 'identity.json';

const Stored = z.object({
  version: z.literal(1),
  agentId: z.string(),
  keyId: z.string(),
  organisation: z.string(),
  /** PKCS #8, PEM. Made on this machine; it never leaves it. */
  privateKey: z.string(),
  /** The catalog's signing key (SPKI, base64 DER), pinned at enrolment. */
  catalogKey: z.string(),
});
type Stored = z.infer<typeof Stored>;

/** Who this agent is, and whose jobs it takes. Prints without its keys. */
export class Identity {
  readonly agentId: string;
  readonly keyId: string;
  readonly organisation: string;
  readonly #privateKey: KeyObject;
  readonly #catalogKey: KeyObject;

  constructor(stored: Omit<Stored, 'version'>) {
    this.agentId = stored.agentId;
    this.keyId = stored.keyId;
    this.organisation = stored.organisation;
    this.#privateKey = createPrivateKey(stored.privateKey);
    this.#catalogKey = createPublicKey({ key: Buffer.from(stored.catalogKey, 'base64'), format: 'der', type: 'spki' });
    if (this.#privateKey.asymmetricKeyType !== 'ed25519' || this.#catalogKey.asymmetricKeyType !== 'ed25519')
      throw new Fault('bridge.not_enrolled', 'The identity does not hold Ed25519 keys');
  }

  /** The answer to a gateway's challenge, base64. */
  signChallenge(host: string, nonce: string, bootId: string): string {
    return sign(null, Buffer.from(challenge(host, nonce, this.agentId, bootId)), this.#privateKey).toString('base64');
  }

  /** Whether the catalog that this agent enrolled with signed exactly this text. */
  verifyJob(spec: string, signature: string): boolean {
    return verify(null, Buffer.from(spec), this.#catalogKey, Buffer.from(signature, 'base64'));
  }
}

/** A new key pair: the public key as enrolment sends it (SPKI, base64 DER), the private key as it is stored (PEM). */
export const newKeyPair = (): { readonly publicKey: string; readonly privateKey: string } => {
  const pair = generateKeyPairSync('ed25519');
  return {
    publicKey: pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    privateKey: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
};

/**
 * Reads the identity from the state folder.
 * @throws Fault `bridge.not_enrolled` when there is none or it cannot be used
 */
export const loadIdentity = async (stateFolder: string): Promise<Identity> => {
  const path = join(stateFolder, IDENTITY_FILE);
  let bytes: Uint8Array;
  try {
    bytes = await nodeDisk.readFile(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw new Fault('bridge.not_enrolled', `There is no ${path}`);
    throw new Fault('bridge.not_enrolled', `${path} cannot be read (${errnoOf(error)})`, {
      advice: 'Let the agent read its state folder.',
      cause: error,
    });
  }
  try {
    return new Identity(Stored.parse(JSON.parse(Buffer.from(bytes).toString())));
  } catch {
    // The cause is left out: a parser may quote the key.
    throw new Fault('bridge.not_enrolled', `${path} is damaged`);
  }
};

/** Stores the identity for this user only, whole or not at all. @throws Fault `spool.failed` */
export const storeIdentity = async (stateFolder: string, stored: Omit<Stored, 'version'>): Promise<void> => {
  try {
    await nodeDisk.makeFolder(stateFolder);
    const text = `${JSON.stringify({ version: 1, ...stored }, undefined, 2)}\n`;
    await nodeDisk.replaceFile(join(stateFolder, IDENTITY_FILE), Buffer.from(text));
  } catch (error) {
    throw new Fault('spool.failed', `The state folder ${stateFolder} cannot be written (${errnoOf(error)})`, {
      cause: error,
    });
  }
};

/** Fails early when nothing could be stored. @throws Fault `spool.failed` */
export const checkStateFolder = async (stateFolder: string): Promise<void> => {
  const probe = join(stateFolder, 'write-test');
  try {
    await nodeDisk.makeFolder(stateFolder);
    await nodeDisk.replaceFile(probe, Buffer.from('\n'));
    await nodeDisk.removeFile(probe);
  } catch (error) {
    throw new Fault('spool.failed', `The state folder ${stateFolder} cannot be written (${errnoOf(error)})`, {
      cause: error,
    });
  }
};
