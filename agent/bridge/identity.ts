import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { Fault } from '#protocol/errors.ts';
import { catalogKeyText, challenge, keyProof } from '#protocol/messages.ts';
import { damaged, readIdentity, type StoredIdentity, storeIdentity } from './identity-file.ts';
import type { MachineName } from './machine.ts';

/** Predecessors of the catalog's key that are kept for jobs on the disk; a job lies there for hours, not for years. */
const EARLIER_KEYS = 8;

interface OwnKey {
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly publicKey: string;
}

const ownKey = (privateKey: KeyObject, keyId?: string): OwnKey => {
  if (privateKey.asymmetricKeyType !== 'ed25519')
    throw new Fault('bridge.not_enrolled', 'The identity does not hold Ed25519 keys');
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { privateKey, publicKey: der.toString('base64'), keyId: keyId ?? nameOfKey(der) };
};

/** How the catalog names a key (PROTOCOL.md): the first 32 hex digits of the SHA-256 of its public half (SPKI, DER). */
export const nameOfKey = (spki: Uint8Array): string => createHash('sha256').update(spki).digest('hex').slice(0, 32);

const catalogKeyOf = (base64: string): KeyObject => {
  const key = createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
  if (key.asymmetricKeyType !== 'ed25519')
    throw new Fault('bridge.not_enrolled', 'The identity does not hold Ed25519 keys');
  return key;
};

/**
 * Who this agent is, and whose jobs it takes. Prints without its keys. What changes (a next key of its own, a successor of
 * the catalog's key) is in memory at once and goes to the disk in order; {@link Identity.settled} waits for that.
 */
export class Identity {
  readonly agentId: string;
  readonly organisation: string;
  readonly #save: ((stored: StoredIdentity) => Promise<void>) | undefined;
  #stored: StoredIdentity;
  #key: OwnKey;
  #next: OwnKey | undefined;
  /** The next session is opened with the next key. */
  #tryNext = false;
  /** The key that the present session was opened with. */
  #signedWith: OwnKey;
  /** By base64 SPKI: the pinned one, and in the session in which it was pinned those before it. */
  #offerKeys: Map<string, KeyObject>;
  #saving: Promise<void> = Promise.resolve();
  #unsaved = false;

  /** `save` makes a change durable; without it nothing outlives the process. */
  constructor(stored: StoredIdentity, save?: (stored: StoredIdentity) => Promise<void>) {
    this.agentId = stored.agentId;
    this.organisation = stored.organisation;
    this.#stored = stored;
    this.#save = save;
    this.#key = ownKey(createPrivateKey(stored.privateKey), stored.keyId);
    this.#signedWith = this.#key;
    this.#next = stored.next === undefined ? undefined : ownKey(createPrivateKey(stored.next.privateKey));
    this.#offerKeys = new Map([[stored.catalogKey, catalogKeyOf(stored.catalogKey)]]);
  }

  /** The key that the next challenge is signed with. */
  get keyId(): string {
    return this.#candidate.keyId;
  }

  /** A next key was made, and it is not known whether the catalog took it. */
  get hasNextKey(): boolean {
    return this.#next !== undefined;
  }

  /** When the key in use was made, in ms since 1970 by this machine's clock; undefined when that is not known. */
  get keyMadeAtMs(): number | undefined {
    const at = Date.parse(this.#stored.keyMadeAt ?? '');
    return Number.isFinite(at) ? at : undefined;
  }

  /** From when on the key's age counts, where nothing is known of it. */
  dateKey(madeAt: string): void {
    if (this.#stored.keyMadeAt === undefined) this.#change({ ...this.#stored, keyMadeAt: madeAt });
  }

  get #candidate(): OwnKey {
    return this.#tryNext && this.#next !== undefined ? this.#next : this.#key;
  }

  /** Signs with the key that the catalog knows for sure; for what is carried to it by hand. */
  sign(text: (agentId: string, keyId: string) => string): { readonly keyId: string; readonly signature: Buffer } {
    const { keyId, privateKey } = this.#key;
    return { keyId, signature: sign(null, Buffer.from(text(this.agentId, keyId)), privateKey) };
  }

  /** The answer to a gateway's challenge, base64: a session begins. */
  signChallenge(host: string, nonce: string, bootId: string): string {
    // In a new session the catalog signs with the newest key that it has told of.
    this.#offerKeys = new Map([[this.#stored.catalogKey, catalogKeyOf(this.#stored.catalogKey)]]);
    this.#signedWith = this.#candidate;
    const text = challenge(host, nonce, this.agentId, bootId);
    return sign(null, Buffer.from(text), this.#signedWith.privateKey).toString('base64');
  }

  /** The catalog does not know the key: of the two that there may be the other one is tried next. */
  keyRefused(): void {
    this.#tryNext = this.#next !== undefined && !this.#tryNext;
  }

  /** The session is open: the key that it was signed with is one that the catalog knows. Whether it is a new one. */
  keyAccepted(): boolean {
    if (this.#next === undefined || this.#signedWith !== this.#next) return false;
    this.#promote();
    return true;
  }

  /**
   * The next key, made and stored if there is none, and its proof for a session.
   * @throws Fault `spool.failed` when it cannot be stored: then nobody may be told of it
   */
  async proveNextKey(nonce: string, madeAt: string): Promise<{ readonly publicKey: string; readonly proof: string }> {
    if (this.#next === undefined) {
      const { privateKey } = generateKeyPairSync('ed25519');
      this.#next = ownKey(privateKey);
      this.#change({
        ...this.#stored,
        next: { privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), madeAt },
      });
    }
    const { publicKey, privateKey } = this.#next;
    await this.settled();
    const proof = sign(null, Buffer.from(keyProof(this.agentId, nonce, publicKey)), privateKey).toString('base64');
    return { publicKey, proof };
  }

  /** The catalog took the key of this name; it counts from now on. False when it is not the next one. */
  keyRotated(keyId: string): boolean {
    if (this.#next?.keyId !== keyId) return false;
    this.#promote();
    return true;
  }

  #promote(): void {
    const { next, ...stored } = this.#stored;
    if (this.#next === undefined || next === undefined) return;
    this.#key = this.#next;
    this.#next = undefined;
    this.#tryNext = false;
    const { keyId } = this.#key;
    this.#change({ ...stored, keyId, privateKey: next.privateKey, keyMadeAt: next.madeAt });
  }

  /**
   * Takes over a successor of the catalog's key, if the pinned one signed it for this organisation. Jobs of the present
   * session may still be signed by the one before.
   */
  pin(publicKey: string, signature: string): 'pinned' | 'known' | 'refused' {
    const { catalogKey, earlierCatalogKeys = [] } = this.#stored;
    if (publicKey === catalogKey || earlierCatalogKeys.includes(publicKey)) return 'known';
    try {
      const successor = catalogKeyOf(publicKey);
      const text = Buffer.from(catalogKeyText(this.organisation, publicKey));
      if (!verify(null, text, catalogKeyOf(catalogKey), Buffer.from(signature, 'base64'))) return 'refused';
      this.#offerKeys.set(publicKey, successor);
    } catch {
      return 'refused';
    }
    const earlier = [...earlierCatalogKeys, catalogKey].slice(-EARLIER_KEYS);
    this.#change({ ...this.#stored, catalogKey: publicKey, earlierCatalogKeys: earlier });
    return 'pinned';
  }

  /** Whether the catalog signed exactly this text, offered now. */
  verifyJob(spec: string, signature: string): boolean {
    return [...this.#offerKeys.values()].some((key) => signed(key, spec, signature));
  }

  /** The same for a job that was taken before and lies on the disk: a key may have been replaced since. */
  verifyHeldJob(spec: string, signature: string): boolean {
    const { catalogKey, earlierCatalogKeys = [] } = this.#stored;
    return [catalogKey, ...earlierCatalogKeys].some((key) => signed(catalogKeyOf(key), spec, signature));
  }

  /** How the identity stands to this machine; `other`: it was made for another one. An identity of before is bound now. */
  bind(machine: MachineName | undefined): 'same' | 'other' {
    const name = machine?.(this.agentId);
    if (name === undefined || this.#stored.machine === name) return 'same';
    if (this.#stored.machine !== undefined) return 'other';
    this.#change({ ...this.#stored, machine: name });
    return 'same';
  }

  /** Resolves when all that changed is on the disk; what failed before is tried again. @throws Fault `spool.failed` */
  async settled(): Promise<void> {
    await this.#saving;
    if (!this.#unsaved) return;
    this.#write();
    await this.#saving;
    if (this.#unsaved) throw new Fault('spool.failed', 'The identity cannot be stored');
  }

  #change(stored: StoredIdentity): void {
    this.#stored = stored;
    this.#write();
  }

  #write(): void {
    this.#unsaved = true;
    this.#saving = this.#saving.then(async () => {
      const stored = this.#stored;
      try {
        await this.#save?.(stored);
        if (stored === this.#stored) this.#unsaved = false;
      } catch {
        // `settled` tries again and says so.
      }
    });
  }
}

const signed = (key: KeyObject, text: string, signature: string): boolean =>
  verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'));

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
  const stored = await readIdentity(stateFolder);
  try {
    return new Identity(stored, (changed) => storeIdentity(stateFolder, changed));
  } catch {
    throw damaged(stateFolder);
  }
};
