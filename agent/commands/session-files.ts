import { createHmac } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type KeptSession, type SessionStore, sessionBinding } from '#agent/qlik/auth/session-store.ts';
import type { Log } from '#agent/qlik/log.ts';
import type { Connection } from '#config/connection/connection.ts';
import { replaceFile } from '#config/durable-file.ts';
import { decryptBytes, encryptBytes } from '#config/secrets/aead.ts';
import type { KeyStore } from '#config/secrets/key-store.ts';
import { derivedKey } from '#config/secrets/sealed.ts';
import { whyNotToWrite } from '#config/state-folder.ts';
import { asFault } from '#protocol/errors.ts';

const FOLDER = 'sessions';
const MAX_BYTES = 1024 * 1024;
/** Neither a session nor a refusal is of use for so long. */
const OLD_MS = 2 * 3_600_000;
const SWEEP_MS = 3_600_000;
const PURPOSE = 'kept sessions v1';
/** What this class calls its files, whole or still being written (by process number, as it was once, or by chance). */
const OWN_NAME = /^[0-9a-f]{32}(?:\.(?:\d{1,10}|[0-9a-f]{16}))?$/;

/**
 * Keeps sessions in `sessions` of the state folder: a file for each connection as it is written now, readable by its
 * owner alone, AES-256-GCM by the agent's key. What the session belongs to gives the file its name (with the key, so that
 * nobody can try passwords against it) and is authenticated: for another host, file or password there is none.
 *
 * Root keeps nothing in the folder of another user (see {@link whyNotToWrite}).
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
  readonly #waiting = new Map<string, { readonly kept: KeptSession; readonly binding: string }>();
  readonly #writing = new Map<string, Promise<void>>();
  #troubled = false;
  #sweptAtMs = Number.NEGATIVE_INFINITY;

  constructor(stateFolder: string, keys: KeyStore, log: Log) {
    this.#stateFolder = stateFolder;
    this.#folder = join(stateFolder, FOLDER);
    this.#keys = keys;
    this.#log = log;
  }

  async read(connection: Connection): Promise<KeptSession | undefined> {
    const stored = this.#keys.read();
    if (stored.type !== 'key') return undefined;
    const binding = sessionBinding(connection);
    const path = this.#pathOf(binding, stored.key);
    try {
      if ((await stat(path)).size > MAX_BYTES) return undefined;
      return opened(await readFile(path), derivedKey(stored.key, PURPOSE), binding);
    } catch {
      // None was kept, or what was kept is damaged: the next one takes its place.
      return undefined;
    }
  }

  async keep(connection: Connection, kept: KeptSession): Promise<void> {
    const stored = this.#keys.obtain();
    if (stored.type !== 'key') {
      this.#trouble(`the key ${this.#keys.name} cannot be used: ${stored.reason}`);
      return;
    }
    const binding = sessionBinding(connection);
    const path = this.#pathOf(binding, stored.key);
    this.#waiting.set(path, { kept, binding });
    const writing =
      this.#writing.get(path) ??
      this.#write(path, derivedKey(stored.key, PURPOSE)).catch((error: unknown) =>
        this.#trouble(asFault(error).message),
      );
    this.#writing.set(path, writing);
    await writing;
  }

  #pathOf(binding: string, key: Uint8Array): string {
    const name = createHmac('sha256', derivedKey(key, `${PURPOSE} name`))
      .update(binding)
      .digest('hex');
    return join(this.#folder, name.slice(0, 32));
  }

  async #write(path: string, key: Uint8Array): Promise<void> {
    try {
      const whyNot = whyNotToWrite(this.#stateFolder) ?? (await this.#makeFolder());
      if (whyNot !== undefined) {
        this.#waiting.delete(path);
        this.#trouble(whyNot);
        return;
      }
      await this.#sweep();
      for (;;) {
        const next = this.#waiting.get(path);
        if (next === undefined) return;
        this.#waiting.delete(path);
        if (next.kept.cookies.length === 0 && next.kept.refused === undefined) await rm(path, { force: true });
        else await replaceFile(path, sealed(next.kept, key, next.binding));
      }
    } finally {
      // Here and not after the promise: who comes in between would wait for a writer that has gone.
      this.#writing.delete(path);
    }
  }

  /** Makes the folder when it is not there. Resolves to why what is there cannot be it. */
  async #makeFolder(): Promise<string | undefined> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const found = await lstat(this.#folder);
    if (!found.isDirectory()) return 'the folder is a link or something else';
    const self = process.getuid?.();
    if (self === undefined) return undefined;
    if (found.uid !== self) return `the folder belongs to another user (with the id ${found.uid})`;
    return (found.mode & 0o022) === 0 ? undefined : 'others than its owner may write into the folder (chmod 700)';
  }

  /** Deletes what is too old to be of use, and what a process left that was killed while it wrote; once an hour. */
  async #sweep(): Promise<void> {
    if (performance.now() - this.#sweptAtMs < SWEEP_MS) return;
    this.#sweptAtMs = performance.now();
    for (const name of await readdir(this.#folder)) {
      if (!OWN_NAME.test(name)) continue;
      const path = join(this.#folder, name);
      const found = await lstat(path).catch(() => undefined);
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

const boundTo = (binding: string): Buffer => Buffer.from(`${PURPOSE} ${binding}`);

const sealed = (kept: KeptSession, key: Uint8Array, binding: string): Buffer =>
  encryptBytes(Buffer.from(JSON.stringify(kept)), key, boundTo(binding));

/** @throws Error when it was changed, or sealed for something else */
const opened = (bytes: Buffer, key: Uint8Array, binding: string): KeptSession =>
  // Only this class, of this version, can have written it.
  JSON.parse(decryptBytes(bytes, key, boundTo(binding)).toString('utf8')) as KeptSession;
