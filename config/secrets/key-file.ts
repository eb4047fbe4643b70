import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, linkSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unreadable } from '../files.ts';
import { READ_PLAIN } from '../plain-file.ts';
import { whyNotToWrite } from '../state-folder.ts';
import type { KeyStore, StoredKey } from './key-store.ts';

const KEY_BYTES = 32;

/** Rights of the group and of others; Windows keeps rights elsewhere and reports none of these truly. */
const OTHERS = 0o077;

/**
 * The agent's key in `secrets.key` of the state folder: 32 random bytes, readable by its owner alone. A few bytes on a
 * local disk, read without waiting.
 */
export class KeyFile implements KeyStore {
  readonly name: string;
  readonly files: readonly string[];
  readonly #path: string;

  constructor(stateFolder: string) {
    this.#path = join(stateFolder, 'secrets.key');
    this.name = this.#path;
    this.files = [this.#path];
  }

  read(): StoredKey {
    let handle: number | undefined;
    try {
      handle = openSync(this.#path, READ_PLAIN);
      const found = fstatSync(handle);
      const { mode, size } = found;
      if (!found.isFile()) return { type: 'unusable', reason: 'it is not a regular file' };
      if (process.platform !== 'win32' && (mode & OTHERS) !== 0)
        return { type: 'unusable', reason: 'users other than its owner may read or change it (chmod 600 mends that)' };
      const key = Buffer.alloc(KEY_BYTES);
      if (size !== KEY_BYTES || readSync(handle, key) !== KEY_BYTES)
        return { type: 'unusable', reason: `it is damaged: it must hold ${KEY_BYTES} bytes` };
      return { type: 'key', key };
    } catch (error) {
      const { type, reason } = reasonOf(error);
      return { type: type === 'missing' ? 'missing' : 'unusable', reason };
    } finally {
      if (handle !== undefined) closeSync(handle);
    }
  }

  obtain(): StoredKey {
    const there = this.read();
    if (there.type !== 'missing') return there;
    const folder = dirname(this.#path);
    const whyNot = whyNotToWrite(folder);
    if (whyNot !== undefined) return { type: 'unusable', reason: `it does not exist yet, and ${whyNot}` };
    const temporary = `${this.#path}.${randomUUID()}.tmp`;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const handle = openSync(temporary, 'wx', 0o600);
      try {
        writeSync(handle, randomBytes(KEY_BYTES));
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      // A link fails when another process was first, where a rename would overwrite its key.
      linkSync(temporary, this.#path);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
        return { type: 'unusable', reason: `it cannot be made: ${reasonOf(error).reason}` };
    } finally {
      rmSync(temporary, { force: true });
    }
    return this.read();
  }
}

const reasonOf = (error: unknown): { readonly type: string; readonly reason: string } => {
  const found = unreadable(error);
  return { type: found.type, reason: 'reason' in found ? found.reason : '' };
};
