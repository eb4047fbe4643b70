import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { chown, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type KeptSession, type SessionStore, sessionBinding } from '#agent/qlik/auth/session-store.ts';
import type { Log } from '#agent/qlik/log.ts';
import type { Connection } from '#config/connection/connection.ts';
import type { KeyStore } from '#config/secrets/key-store.ts';
import { derivedKey } from '#config/secrets/sealed.ts';
import { asFault } from '#protocol/errors.ts';

const FOLDER = 'sessions';
const NONCE_BYTES = 12;
const MAC_BYTES = 16;
const MAX_BYTES = 1024 * 1024;
/** Neither a session nor a refusal is of use for so long. */
const OLD_MS = 2 * 3_600_000;
const PURPOSE = 'kept sessions v1';

/**
 * Keeps sessions in `sessions` of the state folder: a file for each connection, readable by its owner alone, AES-256-GCM
 * by the agent's key. What the session belongs to is authenticated and not stored: with another key, host, file or
 * password a kept session does not open, as if there were none.
 *
 * Several processes may use it at once, such as a running agent and `culvert crawl`: a session is its cookie, and as many
 * may use it as like. Of two that open one at the same time the later is kept.
 */
export class SessionFiles implements SessionStore {
  readonly #stateFolder: string;
  readonly #folder: string;
  readonly #keys: KeyStore;
  readonly #log: Log;
  /** What is to be written, the latest only, by file; one writer for each. */
  readonly #waiting = new Map<string, Connection>();
  readonly #latest = new Map<string, KeptSession>();
  readonly #writing = new Map<string, Promise<void>>();
  #troubled = false;
  #swept = false;

  constructor(stateFolder: string, keys: KeyStore, log: Log) {
    this.#stateFolder = stateFolder;
    this.#folder = join(stateFolder, FOLDER);
    this.#keys = keys;
    this.#log = log;
  }

  async read(connection: Connection): Promise<KeptSession | undefined> {
    const stored = this.#keys.read();
    if (stored.type !== 'key') return undefined;
    try {
      const path = this.#pathOf(connection);
      if ((await stat(path)).size > MAX_BYTES) return undefined;
      return opened(await readFile(path), derivedKey(stored.key, PURPOSE), connection);
    } catch {
      // None was kept, or it was for another file, host, password or key: the next one takes its place.
      return undefined;
    }
  }

  keep(connection: Connection, kept: KeptSession): Promise<void> {
    const path = this.#pathOf(connection);
    this.#waiting.set(path, connection);
    this.#latest.set(path, kept);
    const writing =
      this.#writing.get(path) ??
      this.#write(path)
        .catch((error: unknown) => this.#trouble(asFault(error).message))
        .finally(() => this.#writing.delete(path));
    this.#writing.set(path, writing);
    return writing;
  }

  #pathOf({ code }: Connection): string {
    return join(this.#folder, createHash('sha256').update(code).digest('hex').slice(0, 32));
  }

  async #write(path: string): Promise<void> {
    const stored = this.#keys.obtain();
    if (stored.type !== 'key') {
      this.#trouble(`the key ${this.#keys.name} cannot be used: ${stored.reason}`);
      return;
    }
    const key = derivedKey(stored.key, PURPOSE);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#own(this.#folder);
    if (!this.#swept) {
      this.#swept = true;
      await this.#sweep();
    }
    for (;;) {
      const connection = this.#waiting.get(path);
      const kept = this.#latest.get(path);
      if (connection === undefined || kept === undefined) return;
      this.#waiting.delete(path);
      this.#latest.delete(path);
      if (kept.cookies.length === 0 && kept.refused === undefined) {
        await rm(path, { force: true });
        continue;
      }
      const temporary = `${path}.${process.pid}`;
      const file = await open(temporary, 'w', 0o600);
      try {
        await file.writeFile(sealed(kept, key, connection));
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#own(temporary);
      await rename(temporary, path);
    }
  }

  /** What root keeps is for the user that runs the agent: the one whom the state folder belongs to. */
  async #own(path: string): Promise<void> {
    if (process.getuid?.() !== 0) return;
    const { uid, gid } = await stat(this.#stateFolder);
    if (uid !== 0) await chown(path, uid, gid);
  }

  /** Deletes what connections left that are no more, and what a process left that was killed while it wrote. */
  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      const found = await stat(path).catch(() => undefined);
      if (found?.isFile() === true && Date.now() - found.mtimeMs > OLD_MS) await rm(path, { force: true });
    }
  }

  #trouble(reason: string): void {
    const fields = { folder: this.#folder, reason };
    const text = 'sessions with proxies cannot be kept: each start of the agent will take another one';
    if (this.#troubled) this.#log.debug(fields, text);
    else this.#log.warn(fields, text);
    this.#troubled = true;
  }
}

const boundTo = (connection: Connection): Buffer => Buffer.from(`${PURPOSE} ${sessionBinding(connection)}`);

const sealed = (kept: KeptSession, key: Uint8Array, connection: Connection): Buffer => {
  const nonce = randomBytes(NONCE_BYTES);
  const aes = createCipheriv('aes-256-gcm', key, nonce);
  aes.setAAD(boundTo(connection));
  return Buffer.concat([nonce, aes.update(JSON.stringify(kept), 'utf8'), aes.final(), aes.getAuthTag()]);
};

/** @throws Error when it was changed, or sealed for something else */
const opened = (bytes: Buffer, key: Uint8Array, connection: Connection): KeptSession => {
  if (bytes.length < NONCE_BYTES + MAC_BYTES) throw new RangeError('too short');
  const aes = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: MAC_BYTES });
  aes.setAAD(boundTo(connection));
  aes.setAuthTag(bytes.subarray(-MAC_BYTES));
  const text = Buffer.concat([aes.update(bytes.subarray(NONCE_BYTES, -MAC_BYTES)), aes.final()]).toString('utf8');
  // Only this class, of this version, can have written it.
  return JSON.parse(text) as KeptSession;
};
