import type { AttemptRecord } from '#agent/spool/attempt-record.ts';
import type { BatchContent } from '#agent/spool/attempt-spool.ts';
import { type Disk, type DiskFile, nodeDisk } from '#agent/spool/disk.ts';

export const attemptRecord = (changes: Partial<AttemptRecord> = {}): AttemptRecord => ({
  jobId: 'job-1',
  attempt: 1,
  leaseToken: 'canary-lease',
  stream: 3,
  spec: '{}',
  signature: 'c2ln',
  acceptedAt: '2026-01-01T00:00:00.000Z',
  ...changes,
});

export const batch = (text: string, completed: readonly string[] = []): BatchContent => {
  const payload = Buffer.from(text);
  return { codec: 'none', records: 1, rawBytes: payload.length, payload, completed };
};

export const errno = (code: string): Error => Object.assign(new Error(`${code}: made up`), { code });

/** The real disk, whose files call `before` first: it may throw, wait, or count. */
export const watchedDisk = (before: (what: keyof DiskFile | keyof Disk, path: string) => void): Disk => {
  const watch = (file: DiskFile, path: string): DiskFile => ({
    write: async (bytes, position) => {
      before('write', path);
      await file.write(bytes, position);
    },
    datasync: async () => {
      before('datasync', path);
      await file.datasync();
    },
    truncate: (bytes) => file.truncate(bytes),
    read: async (position, length) => {
      before('read', path);
      return await file.read(position, length);
    },
    size: () => file.size(),
    close: () => file.close(),
  });
  return {
    ...nodeDisk,
    open: async (path) => watch(await nodeDisk.open(path), path),
    create: async (path) => {
      before('create', path);
      return watch(await nodeDisk.create(path), path);
    },
    removeFile: async (path) => {
      before('removeFile', path);
      await nodeDisk.removeFile(path);
    },
    replaceFile: async (path, bytes) => {
      before('replaceFile', path);
      await nodeDisk.replaceFile(path, bytes);
    },
  };
};
