import type { KeyStore } from '../secrets/key-store.ts';
import type { SecretLookup } from '../secrets/manager.ts';
import { namesOf } from '../secrets/names.ts';
import { digestOfLookup } from '../secrets/secrets.ts';
import type { KnownSecrets } from './secret-references.ts';

/** Remembers what one file took from elsewhere, other than from files: that decides, too, which version it is. */
export class OutsideValues {
  /** The manager, if there is one; what it is asked for is remembered. */
  readonly secrets: KnownSecrets | undefined;
  readonly #keys: KeyStore | undefined;
  readonly #lookups = new Map<string, SecretLookup>();
  readonly #files = new Set<string>();
  #keyVersion = '';

  constructor(secrets: KnownSecrets | undefined, keys: KeyStore | undefined) {
    this.#keys = keys;
    this.secrets = secrets && {
      name: secrets.name,
      standardKey: secrets.standardKey,
      files: secrets.files,
      lookup: (key) => {
        const lookup = secrets.lookup(key);
        this.#lookups.set(key, lookup);
        for (const file of secrets.files) this.#files.add(file);
        return lookup;
      },
    };
  }

  /** Files to watch. */
  get files(): Iterable<string> {
    return this.#files;
  }

  /** The agent's key was needed. */
  readonly needKey = (): void => {
    for (const file of this.#keys?.files ?? []) this.#files.add(file);
    const stored = this.#keys?.read();
    this.#keyVersion = stored?.type === 'key' ? Buffer.from(stored.key).toString('base64') : (stored?.reason ?? '');
  };

  /** A digest of each secret by its name, as the journal calls it; stays in this process. */
  digests(): ReadonlyMap<string, string> {
    return new Map([...this.#lookups].map(([key, lookup]) => [`secret ${namesOf([key])}`, digestOfLookup(lookup)]));
  }

  /** Whatever decides what is read, for a keyed hash only. */
  versions(): readonly string[] {
    return [this.#keyVersion, ...[...this.digests()].map(([name, digest]) => `${name}\0${digest}`)];
  }
}
