import { type FileHandle, lstat, opendir, readdir, readlink, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { FolderMapping } from '#config/connection/readable-paths.ts';
import { beneath, namesBelow, type ServerPath, serverPath } from '#config/connection/server-path.ts';
import { openPlainFile, READ_PLAIN_NO_LINK } from '#config/plain-file.ts';

/** A file of the Qlik server as the agent reaches it. */
export interface MappedFile {
  /** How the server calls it: below the folder of a data connection when that is known, else below `lib://`. */
  readonly path: ServerPath;
  readonly mapping: FolderMapping;
  /** Below the mapping's folder. */
  readonly names: readonly string[];
}

/** What came of reading one file. */
export type FileRead =
  | {
      readonly type: 'read';
      readonly path: ServerPath;
      readonly bytes: Buffer;
      readonly sizeBytes: number;
      readonly cut: boolean;
      readonly modifiedMs: number;
    }
  /** There is no such file in the folder. */
  | { readonly type: 'missing' }
  /** In none of the folders that the agent may read, or the path is not fully known. */
  | { readonly type: 'elsewhere' }
  /** A link that leads out of the folder, no plain file, larger than allowed, or not readable. */
  | { readonly type: 'refused'; readonly why: string };

export interface FoundFile extends MappedFile {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  open(): Promise<FileHandle>;
}

export interface WalkLimits {
  readonly files: number;
  readonly entries: number;
  readonly depth: number;
}

/** Folder paths of data connections on the server, by name in lower case. */
export type Libraries = ReadonlyMap<string, string>;

const READ_MS = 15_000;
const WALK: WalkLimits = { files: 20_000, entries: 500_000, depth: 16 };

/**
 * Reads files of the Qlik server in folders that the agent was given. Nothing outside of these is ever opened: `..` is
 * worked off before anything is looked up, and what a link leads to has to lie in the folder, too.
 */
export class MappedFolders {
  readonly #mappings: readonly FolderMapping[];
  readonly #libraries: Libraries;

  constructor(mappings: readonly FolderMapping[], libraries: Libraries) {
    this.#mappings = mappings;
    this.#libraries = libraries;
  }

  /** Where a path of the server lies; undefined when the agent cannot reach it. The longest mapping wins. */
  locate(text: string): MappedFile | undefined {
    const asked = serverPath(text);
    if (asked === undefined) return undefined;
    const physical = this.physical(asked);
    const found = this.#mappings.flatMap((mapping) => {
      for (const path of [asked, physical]) {
        const names = namesBelow(mapping.from, path) ?? namesBelow(this.physical(mapping.from), path);
        if (names !== undefined) return [{ path: physical, mapping, names }];
      }
      return [];
    });
    return found.sort((a, b) => a.names.length - b.names.length)[0];
  }

  /** The path with `lib://Connection` replaced by the folder that the connection names, if that is known. */
  physical(path: ServerPath): ServerPath {
    if (!path.root.startsWith('lib://')) return path;
    const folder = serverPath(this.#libraries.get(path.root.slice(6).toLowerCase()) ?? '');
    return (folder && beneath(folder, path.names)) ?? path;
  }

  /** A file of at most `maxBytes`; of a larger one nothing, or its head. Rejects only with the signal's reason. */
  async read(
    text: string,
    maxBytes: number,
    signal?: AbortSignal,
    larger: 'refuse' | 'head' = 'refuse',
  ): Promise<FileRead> {
    const file = this.locate(text);
    if (file === undefined) return { type: 'elsewhere' };
    return await deadline(async () => {
      const path = await withinFolder(file.mapping.folder, file.names);
      if (typeof path !== 'string') return path;
      await using handle = await openPlain(path, file.mapping);
      const { size, mtimeMs } = await handle.stat();
      const cut = size > maxBytes;
      if (cut && larger === 'refuse') return { type: 'refused', why: `it is larger than ${maxBytes} bytes` };
      const bytes = Buffer.alloc(Math.min(size, maxBytes));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
      return {
        type: 'read',
        path: file.path,
        bytes: bytes.subarray(0, bytesRead),
        sizeBytes: size,
        cut,
        modifiedMs: mtimeMs,
      };
    }, signal);
  }

  /** As {@link read}, for whoever reads a file piece by piece; undefined where there is none, or it cannot be read. */
  async look<T>(
    text: string,
    look: (file: FileHandle) => Promise<T>,
    signal?: AbortSignal | undefined,
  ): Promise<T | undefined> {
    const file = this.locate(text);
    if (file === undefined) return undefined;
    try {
      return await promptly(async () => {
        const path = await withinFolder(file.mapping.folder, file.names);
        if (typeof path !== 'string') return undefined;
        await using handle = await openPlain(path, file.mapping);
        return await look(handle);
      }, signal);
    } catch (error) {
      if (signal?.aborted === true) throw error;
      return undefined;
    }
  }

  /**
   * All files of an ending (`.qvd`) in all folders, links left out. `onGap` is told of folders that cannot be read and of
   * limits that were reached. Ends at the signal with its reason.
   */
  async *walk(
    ending: string,
    onGap: (where: string, why: string) => void,
    signal?: AbortSignal,
    limits: WalkLimits = WALK,
  ): AsyncGenerator<FoundFile> {
    let [files, entries] = [0, 0];
    const seen = new Set<string>();
    for (const mapping of this.#mappings) {
      const root = this.physical(mapping.from);
      const waiting: (readonly string[])[] = [[]];
      for (let names = waiting.pop(); names !== undefined; names = waiting.pop()) {
        signal?.throwIfAborted();
        const shown = [mapping.from.root, ...mapping.from.names, ...names].join('/');
        try {
          for await (const entry of await opendir(join(mapping.folder, ...names))) {
            signal?.throwIfAborted();
            entries += 1;
            if (entries > limits.entries || files >= limits.files) {
              onGap(shown, `there is more than ${limits.files} files or ${limits.entries} entries`);
              return;
            }
            const below = [...names, entry.name];
            if (entry.isDirectory()) {
              if (below.length < limits.depth) waiting.push(below);
              else onGap(shown, `there are folders deeper than ${limits.depth}`);
            } else if (entry.isFile() && entry.name.toLowerCase().endsWith(ending)) {
              const path = beneath(root, below);
              const key = path === undefined ? '' : identity(path);
              if (path === undefined || seen.has(key)) continue;
              seen.add(key);
              files += 1;
              yield await found({ path, mapping, names: below }, join(mapping.folder, ...below));
            }
          }
        } catch (error) {
          if (signal?.aborted === true) throw error;
          onGap(shown, reasonOf(error));
        }
      }
    }
  }
}

/** One text for each file, however its path is spelled. */
export const identity = ({ root, names, ignoresCase }: ServerPath): string => {
  const text = [root === '/' ? '' : root, ...names].join('/');
  return ignoresCase ? text.toLowerCase() : text;
};

const found = async (file: MappedFile, local: string): Promise<FoundFile> => {
  const { size, mtimeMs } = await lstat(local);
  return {
    ...file,
    sizeBytes: size,
    modifiedMs: mtimeMs,
    open: () => openPlain(local, file.mapping),
  };
};

/** What was opened has to lie in the mapping's folder: a folder on the way may have become a link since it was looked at. */
const openPlain = async (path: string, { folder, whyNot }: FolderMapping): Promise<FileHandle> => {
  const handle = await openPlainFile(path, READ_PLAIN_NO_LINK);
  try {
    // Of an open file Linux tells itself where it lies.
    const real = process.platform === 'linux' ? await readlink(`/proc/self/fd/${handle.fd}`) : await realpath(path);
    if (leadsOut(await realpath(folder), real))
      throw Object.assign(new Error('a link leads out of the folder'), { code: 'ELOOP' });
    // A folder may hold that of the agent's state, or the settings.
    if (whyNot?.(real) !== undefined) throw Object.assign(new Error('it may not be read'), { code: 'EACCES' });
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
};

const leadsOut = (root: string, path: string): boolean => {
  const way = relative(root, path);
  return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
};

/** The real path of a file in a folder; names are found whatever their case, as on the server. */
const withinFolder = async (folder: string, names: readonly string[]): Promise<string | FileRead> => {
  // A colon names a stream of a file on Windows.
  if (names.length === 0 || names.some((name) => name.includes(':') && sep === '\\')) return { type: 'missing' };
  const root = await realpath(folder);
  let path = root;
  for (const name of names) {
    const next = await childOf(path, name);
    if (next === undefined) return { type: 'missing' };
    path = await realpath(next);
    if (leadsOut(root, path)) return { type: 'refused', why: 'a link leads out of the folder' };
  }
  return path;
};

const childOf = async (folder: string, name: string): Promise<string | undefined> => {
  const entries = await readdir(folder);
  const exact = entries.includes(name);
  const same = exact ? name : entries.find((entry) => entry.toLowerCase() === name.toLowerCase());
  return same === undefined ? undefined : join(folder, same);
};

const GONE = 'it does not exist';

/** Why something of the disk could not be read, in words. */
export const reasonOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return GONE;
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ETIMEDOUT':
      return `it was not read in ${READ_MS} ms`;
    case 'EISDIR':
    case 'ENXIO':
      return 'it is no plain file';
    case 'ELOOP':
      return 'it is a link';
    default:
      return code === '' ? 'it cannot be read' : `it cannot be read (${code})`;
  }
};

/** A network share that hangs must not hold up a crawl. */
const deadline = async (work: () => Promise<FileRead>, signal: AbortSignal | undefined): Promise<FileRead> => {
  try {
    return await promptly(work, signal);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const why = reasonOf(error);
    return why === GONE ? { type: 'missing' } : { type: 'refused', why };
  }
};

/** Rejects when work with one file takes longer than a share that is well would. */
export const promptly = async <T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => reject(Object.assign(new Error(), { code: 'ETIMEDOUT' })), READ_MS);
  const onAbort = (): void => reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  work().then(resolve, reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
};
