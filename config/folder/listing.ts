import { readdir } from 'node:fs/promises';
import { extname } from 'node:path';

const EXTENSIONS = new Set(['.conf', '.hocon', '.json', '.yaml', '.yml']);

/** How many files of one folder are read. */
export const MAX_FILES = 1000;

/** True for names that can be connection files; temporary files of editors and of Kubernetes are not. */
export const isConnectionFileName = (name: string): boolean =>
  EXTENSIONS.has(extname(name).toLowerCase()) && !/^[.#]|[~#]$/.test(name);

export type Listing =
  | { readonly type: 'files'; readonly names: readonly string[] }
  | { readonly type: 'unreadable'; readonly reason: string };

/** The names of the connection files in a folder, sorted. Never throws; gives up after ten seconds. */
export const listFolder = async (folder: string): Promise<Listing> => {
  const { promise: late, resolve: giveUp } = Promise.withResolvers<Listing>();
  const timer = setTimeout(() => giveUp({ type: 'unreadable', reason: 'reading it takes too long' }), 10_000);
  const read = async (): Promise<Listing> => {
    try {
      const names = (await readdir(folder)).filter(isConnectionFileName).sort();
      return { type: 'files', names: names.slice(0, MAX_FILES) };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      return {
        type: 'unreadable',
        reason:
          code === 'ENOENT'
            ? 'it does not exist'
            : code === 'ENOTDIR'
              ? 'it is not a folder'
              : code === 'EACCES'
                ? 'permission denied'
                : code || 'it cannot be read',
      };
    }
  };
  try {
    return await Promise.race([read(), late]);
  } finally {
    clearTimeout(timer);
  }
};
