import { createHash, randomBytes } from 'node:crypto';
import { errorInfo, Fault } from '#protocol/errors.ts';
import type { FileBounds } from '../file-bounds.ts';
import type { KeyStore, StoredKey } from './key-store.ts';
import type { SecretLookup, SecretManager } from './manager.ts';
import { derivedKey } from './sealed.ts';

/** Where the secrets of connection files are, when they are not in the files. One for a whole agent or command. */
export interface Secrets {
  /** Undefined: `agent.conf` names none. */
  readonly manager: SecretManager | undefined;
  /** The secret of connections that name none. */
  readonly standardKey: string | undefined;
  /** How long an answer of the manager may be old. */
  readonly cacheMs: number;
  /** Undefined: nothing says where the key of encrypted values is. */
  readonly keys: KeyStore | undefined;
  /** Which files connections may name; undefined: nothing is known of an agent. */
  readonly bounds?: FileBounds | undefined;
  /** For {@link Connection.contentHash}, which leaves the network: nobody shall be able to try passwords against it. */
  readonly digestKey: Uint8Array;
}

/** For a process without a state folder: its hashes are told to nobody who could compare them with those of another. */
export const processDigestKey: Uint8Array = randomBytes(32);

/** The key of content hashes, the same after every restart of one agent; the agent's key is made when there is none. */
export const digestKeyOf = (keys: KeyStore): StoredKey => {
  const stored = keys.obtain();
  return stored.type === 'key' ? { type: 'key', key: derivedKey(stored.key, 'content hash') } : stored;
};

/** No manager, no key. */
export const noSecrets: Secrets = {
  manager: undefined,
  standardKey: undefined,
  cacheMs: 0,
  keys: undefined,
  digestKey: processDigestKey,
};

/** A manager has its own deadlines; this one is for a manager that breaks them. */
const READ_LIMIT_MS = 60_000;

/** One look at many files: each secret is asked for once, and a manager that cannot be reached is not asked again. */
export class SecretLook {
  readonly #manager: SecretManager;
  readonly #fresh: boolean;
  readonly #waitMs: number;
  readonly #known = new Map<string, SecretLookup>();
  #unreachable: SecretLookup | undefined;

  /**
   * `fresh`: not from the cache, since the last look failed. `waitMs`: how long an answer is waited for; a later one is
   * left to the manager to remember.
   */
  constructor(manager: SecretManager, options: { readonly fresh?: boolean; readonly waitMs?: number } = {}) {
    this.#manager = manager;
    this.#fresh = options.fresh ?? false;
    this.#waitMs = options.waitMs ?? READ_LIMIT_MS;
  }

  /** True when a secret was asked for at all. */
  get used(): boolean {
    return this.#known.size > 0;
  }

  /**
   * True when a secret could not be asked for: what holds it may be back soon. A refusal is none: to ask again and again
   * with wrong credentials locks them.
   */
  get failed(): boolean {
    return [...this.#known.values()].some((lookup) => lookup.type === 'failed' && lookup.fault.retryable);
  }

  /** Never throws. */
  async read(key: string, signal?: AbortSignal): Promise<SecretLookup> {
    const known = this.#known.get(key) ?? this.#unreachable;
    const lookup = known ?? (await this.#ask(key, signal));
    this.#known.set(key, lookup);
    if (lookup.type === 'failed' && lookup.fault.code === 'secrets.unreachable') this.#unreachable = lookup;
    return lookup;
  }

  async #ask(key: string, signal: AbortSignal | undefined): Promise<SecretLookup> {
    const { promise: given, resolve: give } = Promise.withResolvers<SecretLookup>();
    const { name } = this.#manager;
    const timer = setTimeout(() => give(failed(`${name} has not answered yet`)), this.#waitMs);
    const onAbort = (): void => give(failed(`${name} was not waited for`));
    signal?.addEventListener('abort', onAbort, { once: true });
    const ask = async (): Promise<SecretLookup> => {
      try {
        return await this.#manager.read(key, {
          ...(signal === undefined ? {} : { signal }),
          ...(this.#fresh ? { fresh: true } : {}),
        });
      } catch (error) {
        // Only the words of a Fault are known to hold nothing secret.
        return failed(error instanceof Fault ? error.message : `${name}: reading a secret failed unexpectedly`);
      }
    };
    void ask().then(give);
    try {
      return await given;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }
}

const failed = (message: string): SecretLookup => ({
  type: 'failed',
  fault: errorInfo('secrets.unreachable', message),
});

/** A digest of what was found, to tell whether it changed; stays in this process. */
export const digestOfLookup = (lookup: SecretLookup): string => {
  const hash = createHash('sha256').update(lookup.type);
  if (lookup.type === 'failed') hash.update(`\0${lookup.fault.code}`);
  if (lookup.type === 'secret')
    for (const [name, value] of [...lookup.fields].sort(([a], [b]) => (a < b ? -1 : 1)))
      hash.update(`\0${name}\0${value.reveal()}`);
  return hash.digest('hex');
};
