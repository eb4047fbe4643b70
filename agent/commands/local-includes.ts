import { lstat, open, readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

const MOST_BYTES = 8 * 1024 * 1024;

/**
 * Finds the scripts that another includes in a folder of this machine, whatever machine the paths were written for: below
 * `lib://Name/…` the rest counts, with or without the name; names are taken in any case, as Windows does. What is asked for
 * by an absolute path is looked for there and nowhere else.
 */
export class LocalIncludes {
  readonly #folder: string;
  readonly #decode: (bytes: Uint8Array) => string;

  constructor(folder: string, decode: (bytes: Uint8Array) => string) {
    this.#folder = folder;
    this.#decode = decode;
  }

  /** The text of an included script; undefined when it is not there, or nothing that can be read as one. */
  async read(path: string): Promise<string | undefined> {
    for (const [folder, names] of this.#places(path)) {
      const file = await found(folder, names);
      const bytes = file === undefined ? undefined : await bytesOf(file);
      if (bytes !== undefined) return this.#decode(bytes);
    }
    return undefined;
  }

  #places(path: string): readonly (readonly [folder: string, names: readonly string[]])[] {
    const [, library, rest = ''] = /^lib:\/\/([^/\\]+)[/\\]?(.*)$/i.exec(path) ?? [];
    if (library !== undefined) {
      const names = namesOf(rest);
      return [
        [this.#folder, names],
        [this.#folder, [library, ...names]],
      ];
    }
    if (isAbsolute(path)) return [['/', namesOf(path)]];
    return /^[a-z]:|^\\\\/i.test(path) ? [] : [[this.#folder, namesOf(path)]];
  }
}

const namesOf = (path: string): readonly string[] => path.split(/[\\/]+/).filter((name) => name !== '' && name !== '.');

const found = async (folder: string, names: readonly string[]): Promise<string | undefined> => {
  let at = folder;
  for (const name of names) {
    const exact = join(at, name);
    const isThere = await lstat(exact).then(
      () => true,
      () => false,
    );
    if (isThere) {
      at = exact;
      continue;
    }
    const other = (await readdir(at).catch(() => [])).find((one) => one.toLowerCase() === name.toLowerCase());
    if (other === undefined) return undefined;
    at = join(at, other);
  }
  return at;
};

const bytesOf = async (path: string): Promise<Uint8Array | undefined> => {
  try {
    await using handle = await open(path, 'r');
    const stats = await handle.stat();
    return stats.isFile() && stats.size <= MOST_BYTES ? await handle.readFile() : undefined;
  } catch {
    return undefined;
  }
};
