import type { FileReader } from '../files.ts';
import type { Tree } from '../tree.ts';
import { HoconError } from './error.ts';
import type { Includer } from './include.ts';
import { folderIncluder } from './include.ts';
import type { OutsideReader } from './outside.ts';
import { type Field, parseSource } from './parser.ts';
import { resolvePart, resolveTree } from './resolver.ts';
import { Source } from './source.ts';

export interface HoconOptions {
  /** Folder that includes are confined to, with the reader for them; without it `include` is refused. */
  readonly includes?: { readonly folder: string; readonly read: FileReader };
  /** Where `${NAME}` is looked up when the file has no such path. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What substitutions may lead to outside the file. */
  readonly outside?: OutsideReader;
}

export interface HoconDocument {
  readonly source: Source;
  /** Absent when there is an error. */
  readonly tree: Tree | undefined;
  readonly error: HoconError | undefined;
  /** Every `key = value` that was read before the error, also those of included files. */
  readonly fields: readonly Field[];
}

const refuseIncludes: Includer = ({ source, start }) => {
  throw new HoconError('include_refused', source.at(start), 'this file may not include others');
};

/**
 * Reads HOCON as Lightbend's reader does, with one declared deviation: `key =` with nothing after it counts as absent.
 * Never throws for bad text: the error is in the result.
 */
export const parseHocon = (text: string, file: string, options: HoconOptions = {}): HoconDocument => {
  const source = new Source(file, text);
  const fields: Field[] = [];
  try {
    const include =
      options.includes === undefined ? refuseIncludes : folderIncluder(options.includes.folder, options.includes.read);
    const root = parseSource(source, include, fields);
    const env = options.env ?? {};
    const outside = options.outside?.((path) => resolvePart(root, env, path));
    return { source, tree: resolveTree(root, env, outside), error: undefined, fields };
  } catch (error) {
    if (error instanceof HoconError) return { source, tree: undefined, error, fields };
    throw error;
  }
};
