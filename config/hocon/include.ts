import { dirname, extname, isAbsolute, relative, resolve, sep } from 'node:path';
import type { FileReader } from '../files.ts';
import type { Cursor } from './cursor.ts';
import { HoconError } from './error.ts';
import { Source } from './source.ts';

/** What a file says to include, resolved by the caller; empty when there is nothing to include. */
export type Includer = (request: {
  readonly name: string;
  readonly required: boolean;
  readonly source: Source;
  readonly start: number;
}) => readonly Source[];

const MAX_INCLUDES = 64;
const MAX_INCLUDE_DEPTH = 16;

/** Reads what follows the word `include`: `"x"`, `file("x")`, `required(…)` of both. Throws {@link HoconError}. */
export const readIncludeStatement = (cursor: Cursor): { readonly name: string; readonly required: boolean } => {
  let head = '';
  let token = cursor.nextMeaningful();
  const first = token;
  const fail = (reason: 'include' | 'include_refused', message: string) =>
    new HoconError(reason, cursor.source.at(first.start), message);
  while (token.type === 'text') {
    head += token.text;
    token = cursor.nextMeaningful();
  }
  const kind = /^(?:required\()?(?:(file|url|classpath)\()?$/.exec(head);
  if (kind === null || token.type !== 'string')
    throw fail('include', 'include must be followed by a file name in double quotes');
  if (kind[1] === 'url' || kind[1] === 'classpath')
    throw fail('include_refused', `include ${kind[1]}(…) is not allowed: only files of the connections folder are`);
  const parentheses = head.split('(').length - 1;
  let tail = '';
  while (tail.length < parentheses) {
    const close = cursor.nextMeaningful();
    if (close.type !== 'text' || !/^\)+$/.test(close.text) || tail.length + close.text.length > parentheses)
      throw new HoconError('include', cursor.source.at(close.start), 'a ) is missing here');
    tail += close.text;
  }
  return { name: token.value, required: head.startsWith('required') };
};

/**
 * Reads included files from below `folder` and from nowhere else. A name is relative to the file that includes it; one
 * without an extension stands for `.conf` and `.json`, the former on top.
 */
export const folderIncluder = (folder: string, read: FileReader): Includer => {
  const root = resolve(folder);
  const depths = new Map<Source, number>();
  let count = 0;
  const inside = (path: string, base: string): boolean => {
    const way = relative(base, path);
    return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
  };
  return ({ name, required, source, start }) => {
    const fail = (reason: 'include_refused' | 'include_missing' | 'limit', message: string) =>
      new HoconError(reason, source.at(start), message);
    if (/^[a-z][a-z0-9+.-]+:/i.test(name))
      throw fail('include_refused', 'an include may name a file of the connections folder, not a URL');
    if (isAbsolute(name) || /^[\\/]|^[a-z]:/i.test(name))
      throw fail('include_refused', 'an include may not name an absolute path: give it relative to this file');
    if (name === '' && !required) return [];
    const path = resolve(root, dirname(source.file), name);
    if (!inside(path, root)) throw fail('include_refused', 'an include may not leave the connections folder');
    const extension = extname(path);
    if (extension === '.properties') throw fail('include_refused', 'files of type .properties cannot be included');
    const depth = (depths.get(source) ?? 0) + 1;
    if (depth > MAX_INCLUDE_DEPTH) throw fail('limit', 'includes are nested too deeply: does a file include itself?');
    const candidates =
      extension === '.conf' || extension === '.json' || extension === '.hocon'
        ? [path]
        : [`${path}.json`, `${path}.conf`];
    const found: Source[] = [];
    for (const candidate of candidates) {
      const file = read(candidate);
      if (file.type === 'missing') continue;
      if (file.type !== 'file') throw fail('include_missing', `the included file cannot be read: ${file.reason}`);
      if (!inside(file.realPath, file.realPath === candidate ? root : realFolder(root, read)))
        throw fail('include_refused', 'an include may not leave the connections folder, not by a link either');
      count += 1;
      if (count > MAX_INCLUDES) throw fail('limit', `a file may include at most ${MAX_INCLUDES} others`);
      const included = new Source(relative(root, candidate).split(sep).join('/'), file.bytes.toString('utf8'));
      depths.set(included, depth);
      found.push(included);
    }
    if (required && found.length === 0) throw fail('include_missing', 'the included file does not exist');
    return found;
  };
};

const realFolder = (root: string, read: FileReader): string => {
  const folder = read(root);
  return folder.type === 'folder' ? folder.realPath : root;
};
