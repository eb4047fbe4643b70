import { type FileHandle, mkdir, open, readdir, readFile, rm, statfs, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, patiently, replaceFile, syncFolder, writeAll } from '#config/durable-file.ts';

/** An open file of the spool. Offsets and lengths in bytes. */
export interface DiskFile {
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** All that was written is on the disk when this resolves. */
  datasync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  /** Fewer than `length` bytes at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** What the spool needs of a disk; tests give it one that fails. */
export interface Disk {
  makeFolder(path: string): Promise<void>;
  list(path: string): Promise<readonly string[]>;
  readFile(path: string): Promise<Uint8Array>;
  /** The whole file is on the disk under its name, or the old one still is. */
  replaceFile(path: string, bytes: Uint8Array): Promise<void>;
  open(path: string): Promise<DiskFile>;
  /** A new file, whose name is on the disk when this resolves. */
  create(path: string): Promise<DiskFile>;
  removeFile(path: string): Promise<void>;
  removeFolder(path: string): Promise<void>;
  freeBytes(path: string): Promise<number>;
}

const diskFile = (file: FileHandle): DiskFile => ({
  // A scanner that locks a part of the file makes these fail as well.
  write: (bytes, position) => patiently(() => writeAll(file, bytes, position)),
  datasync: () => patiently(() => file.datasync()),
  truncate: (bytes) => patiently(() => file.truncate(bytes)),
  read: async (position, length) => {
    // Only what was read is given out.
    const bytes = Buffer.allocUnsafeSlow(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await patiently(() => file.read(bytes, done, length - done, position + done));
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  },
  size: async () => (await file.stat()).size,
  close: () => file.close(),
});

/** The real disk. Files are for this user only: the spool holds lease tokens and what was read from the site. */
export const nodeDisk: Disk = {
  makeFolder: async (path) => {
    await patiently(() => mkdir(path, { recursive: true, mode: 0o700 }));
    await syncFolder(dirname(path));
  },
  list: (path) => patiently(() => readdir(path)),
  readFile: (path) => patiently(() => readFile(path)),
  replaceFile,
  open: async (path) => diskFile(await patiently(() => open(path, 'r+'))),
  create: async (path) => {
    const file = await patiently(() => open(path, 'w+', 0o600));
    await syncFolder(dirname(path));
    return diskFile(file);
  },
  removeFile: (path) =>
    patiently(() =>
      unlink(path).catch((error: unknown) => {
        if (errnoOf(error) !== 'ENOENT') throw error;
      }),
    ),
  removeFolder: (path) => patiently(() => rm(path, { recursive: true, force: true })),
  freeBytes: async (path) => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};
