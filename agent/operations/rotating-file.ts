import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** What a log needs of the disk, all of it synchronous: the last lines before an end must be there. */
export interface LogDisk {
  makeFolder(folder: string): void;
  /** Opens for appending, made with mode 0600. */
  open(path: string): number;
  sizeOf(path: string): number;
  append(file: number, text: Uint8Array): void;
  empty(file: number): void;
  close(file: number): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
}

export const logDisk: LogDisk = {
  makeFolder: (folder) => void mkdirSync(folder, { recursive: true, mode: 0o700 }),
  open: (path) => openSync(path, 'a', 0o600),
  sizeOf: (path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0,
  append: (file, text) => {
    const before = fstatSync(file).size;
    try {
      let written = 0;
      while (written < text.length) written += writeSync(file, text, written);
    } catch (error) {
      // Half a line would spoil the next one, too.
      ftruncateSync(file, before);
      throw error;
    }
  },
  empty: (file) => ftruncateSync(file, 0),
  close: closeSync,
  rename: renameSync,
  remove: (path) => rmSync(path, { force: true }),
};

export interface RotatingFileOptions {
  readonly path: string;
  /** Size of one file. */
  readonly maxBytes: number;
  /** How many there are at most, the one being written included. */
  readonly files: number;
  readonly disk?: LogDisk;
}

/** After a rotation that failed it is not tried again before this much more was written. */
const RETRY_SHARE = 16;

/**
 * A log file that is followed by another when it is full: `agent.log`, then `agent.log.1` and so on to the oldest. All
 * together never take more than `maxBytes` × `files`, whatever fails: where a file cannot be moved or deleted (on Windows
 * another program may have it open), it is written over, and at last lines are left out and counted. Nothing here throws
 * after the file was opened: a log that cannot be written must not end the agent.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  readonly #disk: LogDisk;
  #file: number | undefined;
  #bytes = 0;
  /** Of the older files together, as measured after the last rotation. */
  #olderBytes = 0;
  #rotateAtBytes: number;
  #dropped = 0;

  /** @throws Error when the file cannot be opened */
  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.#disk = options.disk ?? logDisk;
    this.#rotateAtBytes = options.maxBytes;
    this.#disk.makeFolder(dirname(options.path));
    this.#measure();
    this.#file = this.#disk.open(options.path);
    this.#bytes = this.#disk.sizeOf(options.path);
  }

  /** Lines that were left out since the start, as the disk was full or the files could not be moved. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Appends a whole line. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#rotateAtBytes) this.#rotate();
    const { maxBytes, files } = this.#options;
    try {
      this.#file ??= this.#disk.open(this.#options.path);
      if (this.#bytes + bytes.length > maxBytes * files - this.#olderBytes || bytes.length > maxBytes) {
        this.#dropped += 1;
        return;
      }
      this.#disk.append(this.#file, bytes);
      this.#bytes += bytes.length;
    } catch {
      this.#dropped += 1;
    }
  }

  close(): void {
    if (this.#file !== undefined) this.#quietly(() => this.#disk.close(this.#file as number));
    this.#file = undefined;
  }

  #older(number: number): string {
    return `${this.#options.path}.${number}`;
  }

  /** Also finds files of an earlier start with other settings, which count and go first. */
  #measure(): void {
    const { files } = this.#options;
    for (let number = files; number < files + 100; number++)
      if (this.#sizeOf(this.#older(number)) > 0) this.#quietly(() => this.#disk.remove(this.#older(number)));
    this.#olderBytes = 0;
    for (let number = 1; number < files + 100; number++) this.#olderBytes += this.#sizeOf(this.#older(number));
  }

  #rotate(): void {
    const { path, files, maxBytes } = this.#options;
    // Windows moves no file that is open, not even for the one who has it open.
    this.close();
    let moved = true;
    if (files > 1) this.#quietly(() => this.#disk.remove(this.#older(files - 1)));
    for (let number = files - 2; number >= 0 && moved; number--)
      moved = this.#move(number === 0 ? path : this.#older(number), this.#older(number + 1));
    this.#measure();
    try {
      this.#file = this.#disk.open(path);
      this.#bytes = this.#disk.sizeOf(path);
      // What cannot be moved grows into the room that is free, and is begun anew when there is none.
      const room = maxBytes * files - this.#olderBytes;
      if (files === 1 || (this.#bytes > 0 && this.#bytes + maxBytes / RETRY_SHARE > Math.min(room, 2 * maxBytes))) {
        this.#disk.empty(this.#file);
        this.#bytes = 0;
      }
    } catch {
      // The next line tries again.
    }
    this.#rotateAtBytes = this.#bytes === 0 ? maxBytes : this.#bytes + maxBytes / RETRY_SHARE;
  }

  #move(from: string, to: string): boolean {
    if (this.#sizeOf(from) === 0) return true;
    return this.#quietly(() => this.#disk.rename(from, to));
  }

  #sizeOf(path: string): number {
    try {
      return this.#disk.sizeOf(path);
    } catch {
      return 0;
    }
  }

  #quietly(act: () => void): boolean {
    try {
      act();
      return true;
    } catch {
      return false;
    }
  }
}
