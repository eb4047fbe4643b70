import { readdir } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Problem } from '#protocol/status.ts';

const EXTENSIONS = new Set(['.conf', '.hocon', '.json', '.yaml', '.yml']);

/** How many files of one folder are read. */
export const MAX_FILES = 1000;

/** True for names that can be connection files; temporary files of editors and of Kubernetes, and schemas, are not. */
export const isConnectionFileName = (name: string): boolean =>
  EXTENSIONS.has(extname(name).toLowerCase()) && !/^[.#]|[~#]$|\.schema\.json$/.test(name);

export type Listing =
  | {
      readonly type: 'files';
      readonly names: readonly string[];
      /** Files that were meant to be connection files and are not read for their names. */
      readonly misnamed: readonly string[];
      /** Whatever else lies there. */
      readonly others: readonly string[];
    }
  | { readonly type: 'unreadable'; readonly reason: string };

/** Windows hides the second extension, and Notepad adds it. */
const isMisnamed = (name: string): boolean => /^[^.#].*\.(?:conf|hocon|json|ya?ml)\.txt$/i.test(name);

/** The names of the connection files in a folder, sorted. Never throws; gives up after ten seconds. */
export const listFolder = async (folder: string): Promise<Listing> => {
  const { promise: late, resolve: giveUp } = Promise.withResolvers<Listing>();
  const timer = setTimeout(() => giveUp({ type: 'unreadable', reason: 'reading it takes too long' }), 10_000);
  const read = async (): Promise<Listing> => {
    try {
      const all = (await readdir(folder)).sort();
      const names = all.filter(isConnectionFileName);
      const misnamed = all.filter(isMisnamed);
      const others = all.filter((name) => !isConnectionFileName(name) && !isMisnamed(name));
      return { type: 'files', names: names.slice(0, MAX_FILES), misnamed, others };
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

/** What is said of a file that is not read for its name. */
export const misnamedProblem = (name: string): Omit<Problem, 'file'> => ({
  severity: 'warning',
  code: 'config.misnamed',
  message: 'The name ends in .txt, so this file is not read.',
  advice: `Rename it to ${name.slice(0, -4)}.`,
});
