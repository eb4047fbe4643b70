import { readFileSync, realpathSync, type Stats, statSync } from 'node:fs';

/** What is at a path. `reason` says in words why it could not be read. */
export type FileContent =
  | { readonly type: 'file'; readonly bytes: Buffer; readonly realPath: string }
  | { readonly type: 'folder'; readonly reason: string; readonly realPath: string }
  | { readonly type: 'missing'; readonly reason: string }
  | { readonly type: 'unreadable'; readonly reason: string };

/** Reads one file by its absolute path. Never throws. */
export type FileReader = (path: string) => FileContent;

/** The largest connection file or side file that is read. */
export const MAX_FILE_BYTES = 1024 * 1024;

/** Why a file could not be read, from what Node threw. */
export const unreadable = (error: unknown): FileContent => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') return { type: 'missing', reason: 'it does not exist' };
  if (code === 'EACCES' || code === 'EPERM') return { type: 'unreadable', reason: 'permission denied' };
  return { type: 'unreadable', reason: code === '' ? 'it cannot be read' : `it cannot be read (${code})` };
};

export const TOO_LARGE = 'it is larger than 1 MiB';

/** What is at a path when it is no file that may be read; undefined when it is one. */
export const noFile = (stats: Stats, realPath: string): FileContent | undefined => {
  if (stats.isDirectory()) return { type: 'folder', reason: 'it is a folder', realPath };
  if (!stats.isFile()) return { type: 'unreadable', reason: 'it is not a regular file' };
  return stats.size > MAX_FILE_BYTES ? { type: 'unreadable', reason: TOO_LARGE } : undefined;
};

/** Reads from the disk, at most {@link MAX_FILE_BYTES}. */
export const readFromDisk: FileReader = (path) => {
  try {
    const realPath = realpathSync(path);
    return noFile(statSync(realPath), realPath) ?? { type: 'file', bytes: readFileSync(realPath), realPath };
  } catch (error) {
    return unreadable(error);
  }
};
