import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, patiently, replaceFile, syncFolder, writeAll } from '#config/durable-file.ts';
import { Fault } from '#protocol/errors.ts';
import { type AskedEvent, type AuditEvent, CHAIN_START, openEntry, type PolicyEntry, sealEntry } from './entry.ts';
import {
  auditFile,
  auditFiles,
  HEAD_FILE,
  headText,
  NOTES_FOLDER,
  names,
  RESERVE_FILE,
  readHead,
  readLines,
} from './files.ts';

const FILE_BYTES = 10 * 1024 * 1024;
/** Hard: with the one that is written, so that the log never takes more than this times {@link FILE_BYTES}. */
const FILES = 8;
/** About a thousand entries. */
const RESERVE_BYTES = 256 * 1024;
const NOTE = /^\d{15}-[0-9a-f]{16}\.json$/;
const MAX_NOTES = 1_000;
/** How often it is looked for notes while nothing else is told. */
const LOOK_MS = 15_000;
/** Entries an hour that the catalog can cause by a word: at this rate it takes weeks until older ones have to go. */
const ASKED_AN_HOUR = 200;
const HOUR_MS = 3_600_000;

export interface AuditLogOptions {
  readonly fileBytes?: number;
  readonly files?: number;
  /** Between two looks for notes. */
  readonly lookMs?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** An attempt in the log, as one key. */
const attemptOf = (job: string, attempt: number): string => `${attempt}/${job}`;

/**
 * What left this machine: an append-only log of JSON lines, each of which ends in a hash over itself and the line before,
 * so that a line which was changed or taken out is noticed. One process writes it, the agent that holds the state folder;
 * others leave notes (see {@link leaveNote}), which it takes in within seconds. An entry is on the disk when {@link AuditLog.append}
 * resolves. A line that was half written when the process ended is cut, as nothing that hangs on it was done yet.
 */
export class AuditLog implements AsyncDisposable {
  readonly #folder: string;
  readonly #fileBytes: number;
  readonly #files: number;
  readonly #now: () => number;
  /** The last batch that is told of, by attempt. */
  readonly #batches = new Map<string, number>();
  readonly #notes = new Set<string>();
  #file: FileHandle | undefined;
  #head: FileHandle | undefined;
  #number = 1;
  #bytes = 0;
  #n = 0;
  #hash = CHAIN_START;
  #reserved = true;
  #policy: PolicyEntry | undefined;
  #looking: NodeJS.Timeout | undefined;
  #askedSinceMs = Number.NEGATIVE_INFINITY;
  #asked = 0;
  #unlisted = 0;
  #tail: Promise<void> = Promise.resolve();

  private constructor(folder: string, options: AuditLogOptions) {
    this.#folder = folder;
    this.#fileBytes = options.fileBytes ?? FILE_BYTES;
    this.#files = options.files ?? FILES;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Opens the log in its folder (made if need be), for the process that holds the state folder.
   * @throws Fault `spool.failed`
   */
  static async open(folder: string, options: AuditLogOptions = {}): Promise<AuditLog> {
    const log = new AuditLog(folder, options);
    try {
      await patiently(() => mkdir(folder, { recursive: true, mode: 0o700 }));
      await log.#load();
    } catch (error) {
      await log.close();
      throw failed(folder, error);
    }
    // What cannot be written now is tried again with the next entry, which says so.
    log.#looking = setInterval(() => void log.append([]).catch(() => undefined), options.lookMs ?? LOOK_MS).unref();
    return log;
  }

  /** The last batch of an attempt that is told of; 0 when there is none. */
  lastBatch(job: string, attempt: number): number {
    return this.#batches.get(attemptOf(job, attempt)) ?? 0;
  }

  /** The policy that was told of last. */
  get policy(): PolicyEntry | undefined {
    return this.#policy;
  }

  /** Nothing more comes of this attempt. */
  forget(job: string, attempt: number): void {
    this.#batches.delete(attemptOf(job, attempt));
  }

  /**
   * Adds entries, all or none of them; they are on the disk when this resolves.
   * @throws Fault `spool.failed`
   */
  append(events: readonly AuditEvent[]): Promise<void> {
    const added = this.#tail.then(async () => {
      try {
        await this.#takeNotes();
        await this.#add(events);
      } catch (error) {
        throw failed(this.#folder, error);
      }
    });
    this.#tail = added.catch(() => undefined);
    return added;
  }

  /**
   * As {@link AuditLog.append}, for what the catalog, or who sits between, can have happen as often as he likes. The log is
   * only so large: he must not be able to have the agent forget what left. Beyond 200 an hour they are counted only.
   * @throws Fault `spool.failed`
   */
  appendAsked(event: AskedEvent): Promise<void> {
    const now = this.#now();
    if (Math.abs(now - this.#askedSinceMs) >= HOUR_MS) {
      this.#askedSinceMs = now;
      this.#asked = 0;
    }
    if (this.#asked >= ASKED_AN_HOUR) {
      this.#unlisted += 1;
      return Promise.resolve();
    }
    this.#asked += 1;
    const unlisted = this.#unlisted;
    this.#unlisted = 0;
    return this.append([unlisted === 0 ? event : { ...event, unlisted }]);
  }

  async close(): Promise<void> {
    clearInterval(this.#looking);
    await this.#tail;
    await this.#file?.close();
    await this.#head?.close();
    this.#file = undefined;
    this.#head = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #load(): Promise<void> {
    const numbers = await auditFiles(this.#folder);
    for (const number of numbers) {
      const { lines, torn, bytes } = await readLines(this.#folder, number);
      this.#number = number;
      this.#bytes = bytes - Buffer.byteLength(torn);
      for (const line of lines) {
        const read = openEntry(line);
        // Whoever verifies the log is told; the chain goes on from what can be read.
        if (read === undefined) continue;
        this.#n = read.entry.n;
        this.#hash = read.hash;
        this.#remember(read.entry, read.entry.note);
      }
    }
    await this.#openFile();
    const head = await readHead(this.#folder);
    this.#head = await patiently(() => open(join(this.#folder, HEAD_FILE), head === undefined ? 'w+' : 'r+', 0o600));
    await this.#reserve();
    if (head !== undefined && head.n > this.#n) {
      const from = this.#n + 1;
      this.#n = head.n;
      await this.#add([{ event: 'missing', from, to: head.n }]);
    }
    await this.#takeNotes();
  }

  /** The file that is written, without what a process wrote half. */
  async #openFile(): Promise<void> {
    const path = join(this.#folder, auditFile(this.#number));
    this.#file = await patiently(() =>
      open(path, 'r+').catch((error: unknown) => {
        if (errnoOf(error) !== 'ENOENT') throw error;
        this.#bytes = 0;
        return open(path, 'w+', 0o600);
      }),
    );
    await this.#file.truncate(this.#bytes);
    await syncFolder(this.#folder);
  }

  async #add(events: readonly AuditEvent[], note?: string): Promise<void> {
    if (events.length === 0) return;
    if (!this.#reserved) await this.#reserve();
    const at = new Date(this.#now()).toISOString();
    let [n, hash] = [this.#n, this.#hash];
    let text = '';
    for (const event of events) {
      n += 1;
      const sealed = sealEntry({ n, at, ...event, ...(note === undefined ? {} : { note }), prev: hash });
      hash = sealed.hash;
      text += sealed.line;
    }
    const bytes = Buffer.from(text);
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#fileBytes) await this.#rotate();
    await this.#write(bytes);
    [this.#n, this.#hash] = [n, hash];
    for (const event of events) this.#remember(event, note);
    // Not synced: it may lag behind after a power cut, never run ahead.
    await this.#head?.write(headText(n, hash), 0).catch(() => undefined);
  }

  async #write(bytes: Buffer): Promise<void> {
    const file = this.#file;
    if (!file) throw new Error('the audit log is closed');
    const write = async (): Promise<void> => {
      try {
        await writeAll(file, bytes, this.#bytes);
        await file.datasync();
      } catch (error) {
        await file.truncate(this.#bytes).catch(() => undefined);
        throw error;
      }
    };
    try {
      await write();
    } catch (error) {
      if (errnoOf(error) !== 'ENOSPC' && errnoOf(error) !== 'EDQUOT') throw error;
      // What left is told before the spool gives its room back, so the room for telling it must come from elsewhere.
      if (!this.#reserved) throw error;
      await unlink(join(this.#folder, RESERVE_FILE));
      this.#reserved = false;
      await write();
    }
    this.#bytes += bytes.length;
  }

  async #rotate(): Promise<void> {
    const path = join(this.#folder, auditFile(this.#number + 1));
    const file = await patiently(() => open(path, 'wx+', 0o600));
    await this.#file?.close();
    this.#file = file;
    this.#number += 1;
    this.#bytes = 0;
    await syncFolder(this.#folder);
    // One that is held is tried again with the next rotation.
    for (const number of (await auditFiles(this.#folder)).slice(0, -this.#files))
      await patiently(() => unlink(join(this.#folder, auditFile(number)))).catch(() => undefined);
    await this.#reserve();
  }

  async #reserve(): Promise<void> {
    const path = join(this.#folder, RESERVE_FILE);
    try {
      const file = await open(path, 'wx', 0o600);
      try {
        await writeAll(file, Buffer.alloc(RESERVE_BYTES, ' '), 0);
      } finally {
        await file.close();
      }
      this.#reserved = true;
    } catch (error) {
      this.#reserved = errnoOf(error) === 'EEXIST';
      if (!this.#reserved) await unlink(path).catch(() => undefined);
    }
  }

  async #takeNotes(): Promise<void> {
    const folder = join(this.#folder, NOTES_FOLDER);
    const found = (await names(folder)).filter((name) => NOTE.test(name)).sort();
    for (const name of found) {
      const path = join(folder, name);
      if (!this.#notes.has(name)) {
        let event: AuditEvent;
        try {
          event = JSON.parse(await readFile(path, 'utf8')) as AuditEvent;
        } catch (error) {
          // One that cannot be read waits; it keeps nothing else from being told.
          if (error instanceof SyntaxError) await unlink(path).catch(() => undefined);
          continue;
        }
        await this.#add([event], name);
      }
      await patiently(() => unlink(path)).catch(() => undefined);
    }
  }

  #remember(event: AuditEvent, note: string | undefined): void {
    if (event.event === 'batch') this.#batches.set(attemptOf(event.job, event.attempt), event.seq);
    if (event.event === 'policy') this.#policy = event;
    if (note === undefined) return;
    this.#notes.add(note);
    const [oldest] = this.#notes;
    if (this.#notes.size > MAX_NOTES && oldest !== undefined) this.#notes.delete(oldest);
  }
}

const failed = (folder: string, error: unknown): Fault =>
  error instanceof Fault
    ? error
    : new Fault('spool.failed', `The audit log in ${folder} cannot be written: ${errnoOf(error) || String(error)}`, {
        cause: error,
        advice: 'Let the agent write its state folder; until then batches stay in the spool.',
      });

/**
 * Leaves word of what this process did for the audit log, when it does not hold the state folder itself: the agent takes
 * it in as it runs, or when it starts next. On the disk when this resolves.
 */
export const leaveNote = async (auditFolder: string, event: AuditEvent, now = Date.now): Promise<void> => {
  const folder = join(auditFolder, NOTES_FOLDER);
  await patiently(() => mkdir(folder, { recursive: true, mode: 0o700 }));
  const name = `${String(now()).padStart(15, '0')}-${randomBytes(8).toString('hex')}.json`;
  await replaceFile(join(folder, name), Buffer.from(`${JSON.stringify(event)}\n`));
};
