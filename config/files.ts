import { readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';

/** What is at a path. `reason` says in words why it could not be read. */
export type FileContent =
  | {
      readonly type: 'file';
      readonly bytes: Buffer;
      readonly realPath: string;
      /** True when every user of the machine may read it, as far as the system says that by a mode. */
      readonly forEveryone?: boolean;
    }
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

const forEveryone = ({ mode }: Stats): { readonly forEveryone?: true } =>
  process.platform !== 'win32' && (mode & 0o007) !== 0 ? { forEveryone: true } : {};

/** Reads from the disk, at most {@link MAX_FILE_BYTES}. */
export const readFromDisk: FileReader = (path) => {
  try {
    const realPath = realpathSync(path);
    const stats = statSync(realPath);
    return noFile(stats, realPath) ?? { type: 'file', bytes: readFileSync(realPath), realPath, ...forEveryone(stats) };
  } catch (error) {
    return unreadable(error);
  }
};

/** How long one file may take; a network share that hangs must not stop the agent. */
const READ_LIMIT_MS = 10_000;

/** Reads a file without blocking; gives up after ten seconds. Never throws. */
export const readFromDiskAsync = async (path: string, signal?: AbortSignal): Promise<FileContent> => {
  const limit = AbortSignal.timeout(READ_LIMIT_MS);
  const ended = signal === undefined ? limit : AbortSignal.any([limit, signal]);
  const gone = new Promise<FileContent>((give) => {
    ended.addEventListener('abort', () => give({ type: 'unreadable', reason: 'reading it takes too long' }), {
      once: true,
    });
  });
  const work = async (): Promise<FileContent> => {
    try {
      const realPath = await realpath(path);
      const stats = await stat(realPath);
      return (
        noFile(stats, realPath) ?? {
          type: 'file',
          bytes: await readFile(realPath, { signal: ended }),
          realPath,
          ...forEveryone(stats),
        }
      );
    } catch (error) {
      return unreadable(error);
    }
  };
  return Promise.race([work(), gone]);
};
