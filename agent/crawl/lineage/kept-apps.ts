import { createHmac, timingSafeEqual } from 'node:crypto';
import { lstat, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants as zlib, zstdCompress, zstdDecompress } from 'node:zlib';
import type { Log } from '#agent/qlik/log.ts';
import { errnoOf, replaceFile } from '#config/durable-file.ts';
import { openPlainFile, READ_PLAIN_NO_LINK } from '#config/plain-file.ts';
import { decryptBytes, encryptBytes } from '#config/secrets/aead.ts';
import type { KeyStore } from '#config/secrets/key-store.ts';
import { derivedKey } from '#config/secrets/sealed.ts';
import type { AppContent } from '../app-content.ts';
import { fileStem, makeFolder } from '../delta/checkpoint.ts';
import { keptBytes, readKept } from './kept-content.ts';

/** Where the contents of apps are kept, and for whom. */
export interface KeptPlace {
  readonly folder: string;
  readonly keys: KeyStore;
  /** The catalog and the agent: what was kept for another catalog is not used. */
  readonly owner: string;
  /** Of one connection. */
  readonly quotaBytes?: number | undefined;
  readonly log: Log;
}

/** The folder below the state folder. */
export const KEPT_FOLDER = 'kept';

/** Some thousand apps: script, properties and data model of one are some 50 KB when they are packed. */
const QUOTA_BYTES = 256 * 1024 * 1024;
/** So much of the disk stays free of them: the spool and the audit log need it more. */
const LEFT_FREE_BYTES = 64 * 1024 * 1024;
const MOST_FILE_BYTES = 32 * 1024 * 1024;
const MOST_TEXT_BYTES = 64 * 1024 * 1024;
const PURPOSE = 'kept apps v1';
const MAC_BYTES = 32;
const NAME = /^[0-9a-f]{32}$/;

const pack = promisify(zstdCompress);
const unpack = promisify(zstdDecompress);
const LEVEL = { params: { [zlib.ZSTD_c_compressionLevel]: 3 } };

/**
 * Keeps what lineage is made of (script, expressions, data model) of each app of a connection, so that it can be made anew
 * without opening the app: one file each, AES-256-GCM by the agent's key, and rewritten only when the content is another. A
 * file's name tells nobody which app it is of. What cannot be kept costs an opened app another day, and fails nothing.
 */
export class KeptApps {
  readonly #folder: string;
  readonly #place: KeptPlace;
  readonly #code: string;
  readonly #key: Uint8Array;
  /** Sizes of the files that there are, by name. */
  readonly #sizes: Map<string, number>;
  #usedBytes: number;
  #isTold = false;

  private constructor(place: KeptPlace, code: string, folder: string, key: Uint8Array, sizes: Map<string, number>) {
    this.#place = place;
    this.#code = code;
    this.#folder = folder;
    this.#key = key;
    this.#sizes = sizes;
    this.#usedBytes = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Undefined when nothing can be kept, which is logged. */
  static async open(place: KeptPlace, code: string): Promise<KeptApps | undefined> {
    const stored = place.keys.obtain();
    if (stored.type !== 'key') {
      place.log.warn(
        { reason: stored.reason },
        `nothing of apps can be kept: the key ${place.keys.name} cannot be used`,
      );
      return undefined;
    }
    const folder = join(place.folder, fileStem(code));
    try {
      await makeFolder(place.folder);
      await makeFolder(folder);
      const sizes = new Map<string, number>();
      for (const name of await readdir(folder)) {
        if (!NAME.test(name)) continue;
        const found = await lstat(join(folder, name));
        // A link, or whatever else somebody put there, is nothing that was kept.
        if (found.isFile()) sizes.set(name, found.size);
      }
      return new KeptApps(place, code, folder, derivedKey(stored.key, PURPOSE), sizes);
    } catch (error) {
      place.log.warn({ reason: errnoOf(error) }, 'nothing of apps can be kept: the folder cannot be used');
      return undefined;
    }
  }

  /** Forgets all that was kept of a connection: its policy does not allow it any more. */
  static async forgetAll(folder: string, code: string): Promise<void> {
    await rm(join(folder, fileStem(code)), { recursive: true, force: true });
  }

  has(appId: string): boolean {
    return this.#sizes.has(this.#nameOf(appId));
  }

  /** Keeps what lineage needs of an app in place of what was kept before. Never throws. */
  async keep(appId: string, content: AppContent): Promise<void> {
    const name = this.#nameOf(appId);
    const path = join(this.#folder, name);
    try {
      const plain = keptBytes(content);
      if (plain === undefined) return await this.#drop(name);
      const mac = createHmac('sha256', this.#key).update(plain).digest();
      if (await isSame(path, mac)) return;
      const packed = await pack(plain, LEVEL);
      const bytes = Buffer.concat([mac, encryptBytes(packed, this.#key, this.#boundTo(appId))]);
      const before = this.#sizes.get(name) ?? 0;
      if (this.#usedBytes - before + bytes.length > (this.#place.quotaBytes ?? QUOTA_BYTES)) {
        this.#tell('there is no room for more');
        return await this.#drop(name);
      }
      if ((await freeBytes(this.#folder)) < bytes.length + LEFT_FREE_BYTES) {
        this.#tell('the disk is nearly full');
        return await this.#drop(name);
      }
      await replaceFile(path, bytes);
      this.#sizes.set(name, bytes.length);
      this.#usedBytes += bytes.length - before;
    } catch (error) {
      this.#tell(errnoOf(error) || 'it could not be written');
      await this.#drop(name);
    }
  }

  /** What was kept of an app; undefined when nothing was, or it is damaged. */
  async read(appId: string): Promise<AppContent | undefined> {
    const name = this.#nameOf(appId);
    if (!this.#sizes.has(name)) return undefined;
    try {
      const bytes = await plainFile(join(this.#folder, name));
      if (bytes === undefined) return undefined;
      const packed = decryptBytes(bytes.subarray(MAC_BYTES), this.#key, this.#boundTo(appId));
      return readKept((await unpack(packed, { maxOutputLength: MOST_TEXT_BYTES })).toString('utf8'));
    } catch {
      await this.#drop(name);
      return undefined;
    }
  }

  /** Forgets what was kept of apps that are not any more. */
  async forgetOthers(appIds: Iterable<string>): Promise<void> {
    const names = new Set(Array.from(appIds, (id) => this.#nameOf(id)));
    for (const name of [...this.#sizes.keys()]) if (!names.has(name)) await this.#drop(name);
  }

  async #drop(name: string): Promise<void> {
    this.#usedBytes -= this.#sizes.get(name) ?? 0;
    this.#sizes.delete(name);
    await rm(join(this.#folder, name), { force: true }).catch(() => undefined);
  }

  #nameOf(appId: string): string {
    const name = createHmac('sha256', this.#key).update(`${this.#place.owner}\n${this.#code}\n${appId.toLowerCase()}`);
    return name.digest('hex').slice(0, 32);
  }

  #boundTo(appId: string): Buffer {
    return Buffer.from(`${PURPOSE}\n${this.#place.owner}\n${this.#code}\n${appId.toLowerCase()}`);
  }

  #tell(reason: string): void {
    const text = 'some apps are not kept: to make their lineage anew they will be opened';
    if (this.#isTold) this.#place.log.debug({ reason }, text);
    else this.#place.log.warn({ reason, connection: this.#code }, text);
    this.#isTold = true;
  }
}

/** The bytes of a file that is not too large; undefined for one that is. @throws for a link, a pipe and the like */
const plainFile = async (path: string): Promise<Buffer | undefined> => {
  await using file = await openPlainFile(path, READ_PLAIN_NO_LINK);
  return (await file.stat()).size <= MOST_FILE_BYTES ? await file.readFile() : undefined;
};

const freeBytes = async (folder: string): Promise<number> => {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
};

const isSame = async (path: string, mac: Buffer): Promise<boolean> => {
  try {
    await using file = await openPlainFile(path, READ_PLAIN_NO_LINK);
    const head = Buffer.alloc(MAC_BYTES);
    const { bytesRead } = await file.read(head, 0, MAC_BYTES, 0);
    return bytesRead === MAC_BYTES && timingSafeEqual(head, mac);
  } catch {
    return false;
  }
};
