import { lstat, readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { readPlainFile } from './read-plain-file.ts';

const MOST_MIB = 8;

/**
 * Finds the scripts that another includes in a folder of this machine, whatever machine the paths were written for: below
 * `lib://Name/…` the rest counts, with or without the name; names are taken in any case, as Windows does. What is asked for
 * by an absolute path is looked for there and nowhere else.
 */
export class LocalIncludes {
  readonly #folder: string;
  readonly #decode: (bytes: Uint8Array, file: string) => string;
  readonly #refused = new Map<string, string>();

  constructor(folder: string, decode: (bytes: Uint8Array, file: string) => string) {
    this.#folder = folder;
    this.#decode = decode;
  }

  /** The text of an included script; undefined when it is not there, or nothing that can be read as one. */
  async read(path: string): Promise<string | undefined> {
    for (const [folder, names] of this.#places(path)) {
      const file = await found(folder, names);
      if (file === undefined) continue;
      const read = await readPlainFile(file, MOST_MIB);
      if (typeof read !== 'string') return this.#decode(read, file);
      this.#refused.set(path, read);
    }
    return undefined;
  }

  /** Why what is at a path was not read; undefined: nothing is there. */
  whyNot(path: string): string | undefined {
    return this.#refused.get(path);
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
