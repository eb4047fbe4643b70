import { basename, dirname } from 'node:path';
import type { Disk, DiskFile } from '#agent/spool/disk.ts';

/** Files by path, in memory: thousands of damaged disks are opened in seconds. */
export const memoryDisk = (files: Map<string, Buffer>): Disk => {
  const bytesOf = (path: string): Buffer => {
    const bytes = files.get(path);
    if (!bytes) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
    return bytes;
  };
  const fileAt = (path: string): DiskFile => ({
    write: async (bytes, position) => {
      const before = bytesOf(path);
      const after = Buffer.alloc(Math.max(before.length, position + bytes.length));
      before.copy(after);
      after.set(bytes, position);
      files.set(path, after);
    },
    datasync: async () => undefined,
    truncate: async (bytes) => void files.set(path, bytesOf(path).subarray(0, bytes)),
    read: async (position, length) => bytesOf(path).subarray(position, position + length),
    size: async () => bytesOf(path).length,
    close: async () => undefined,
  });
  return {
    makeFolder: async () => undefined,
    list: async (folder) => {
      const names = [...files.keys()].filter((path) => path.startsWith(`${folder}/`));
      return [...new Set(names.map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''))];
    },
    readFile: async (path) => bytesOf(path),
    replaceFile: async (path, bytes) => void files.set(path, Buffer.from(bytes)),
    open: async (path) => {
      bytesOf(path);
      return fileAt(path);
    },
    create: async (path) => {
      files.set(path, Buffer.alloc(0));
      return fileAt(path);
    },
    removeFile: async (path) => void files.delete(path),
    removeFolder: async (folder) => {
      for (const path of [...files.keys()])
        if (dirname(path) === folder || basename(path) === folder) files.delete(path);
    },
    freeBytes: async () => 1e12,
  };
};
