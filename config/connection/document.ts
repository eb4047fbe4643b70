import { extname } from 'node:path';
import type { FileReader } from '../files.ts';
import { parseHocon } from '../hocon/hocon.ts';
import type { OutsideReader } from '../hocon/outside.ts';
import { Source } from '../hocon/source.ts';
import { looksLikeOpenMetadata, reportStrayOptions } from '../openmetadata/recognise.ts';
import { fillTexts } from '../secrets/references.ts';
import { descend, type Place, type Tree } from '../tree.ts';
import { parseYaml } from '../yaml.ts';
import { isSecretKey } from './excerpt.ts';
import { explain } from './explain.ts';
import { checkFields } from './mistakes.ts';
import { Problems } from './problem.ts';

export interface Document {
  /** Absent when the text cannot be read at all. */
  readonly tree: Tree | undefined;
  readonly problems: Problems;
  /** Where a key was set last; undefined when it was not set in a file. */
  readonly placeOf: (path: string) => Place | undefined;
  /** Where a key stands without a value. */
  readonly emptyAt: (path: string) => Place | undefined;
}

interface DocumentContext {
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly read: FileReader;
  /** What substitutions may lead to outside the file. */
  readonly outside?: OutsideReader;
}

/** Reads the bytes of a file by its extension, with the checks on the text itself. */
export const readDocument = (bytes: Uint8Array, file: string, context: DocumentContext): Document => {
  const nothing = (problems: Problems): Document => ({
    tree: undefined,
    problems,
    placeOf: () => undefined,
    emptyAt: () => undefined,
  });
  const decoded = decode(bytes);
  if (decoded.text === undefined) {
    const problems = new Problems(file);
    problems.error('config.syntax', { file, line: decoded.line, column: 1 }, decoded.message, decoded.advice);
    return nothing(problems);
  }
  const extension = extname(file).toLowerCase();
  // JSON is YAML, too; files of OpenMetadata fill in variables inside quotes, where HOCON does not.
  const yaml = extension === '.yaml' || extension === '.yml';
  return yaml || (extension === '.json' && looksLikeOpenMetadata(decoded.text))
    ? readYaml(decoded.text, file, context)
    : readHocon(decoded.text, file, context);
};

type Decoded =
  | { readonly text: string }
  | { readonly text: undefined; readonly line: number; readonly message: string; readonly advice: string };

const decode = (bytes: Uint8Array): Decoded => {
  const failed = (line: number, message: string): Decoded => ({
    text: undefined,
    line,
    message,
    advice: 'Save the file as UTF-8 (in Notepad: Save as, Encoding UTF-8).',
  });
  const [a, b] = bytes;
  // With a byte order mark, or without one: then every other byte of what a file begins with is zero.
  const wide = (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff) || (a === 0) !== (b === 0);
  if (bytes.length > 1 && wide) return failed(1, 'The file is UTF-16, not UTF-8.');
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    const lenient = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    const line = lenient.slice(0, Math.max(0, lenient.indexOf('\uFFFD'))).split('\n').length;
    return failed(line, 'A character on this line is not UTF-8.');
  }
};

const readHocon = (text: string, file: string, context: DocumentContext): Document => {
  // JSON has nothing but texts in quotes, where HOCON replaces nothing.
  const json = extname(file).toLowerCase() === '.json';
  let outside: ReturnType<OutsideReader>;
  const document = parseHocon(text, file, {
    includes: { folder: context.folder, read: context.read },
    env: context.env,
    outside: (part) => {
      outside = context.outside?.(part);
      return outside;
    },
  });
  const sources = new Map<string, Source>([[file, document.source]]);
  for (const field of document.fields) sources.set(field.source.file, field.source);
  const hidden = new Set<string>();
  // Lines inside a string that runs over several lines may look like anything.
  for (const { source, tokens } of document.fields)
    for (const token of tokens)
      if (token.type === 'string') {
        const first = source.at(token.start).line;
        const last = source.at(Math.max(token.start, token.end - 1)).line;
        for (let line = first + 1; line <= last; line += 1) hidden.add(lineOf({ file: source.file, line }));
      }
  const secret = new Set<string>();
  for (const { path, source, key, tokens } of document.fields)
    if (isSecretKey(path) && !tokens.some(({ type }) => type === '{')) secret.add(lineOf(source.at(key)));
  if (document.error?.field !== undefined && isSecretKey(document.error.field)) secret.add(lineOf(document.error.at));
  const problems = new Problems(file, (place) => {
    const text = hidden.has(lineOf(place)) ? undefined : sources.get(place.file)?.line(place.line);
    return text === undefined ? undefined : { text, secret: secret.has(lineOf(place)) };
  });
  checkFields(document.fields, problems, { replaced: json ? outside?.root : undefined });
  if (document.error !== undefined)
    explain(document.error, sources.get(document.error.at.file), document.fields, problems);
  const places = new Map<string, Place>();
  const empties = new Map<string, Place>();
  for (const { path, source, key, empty } of document.fields)
    (empty ? empties : places).set(path.join('.'), source.at(key));
  const { tree } = document;
  return {
    tree: tree === undefined || outside === undefined || !json ? tree : fillTexts(tree, outside),
    problems,
    placeOf: (path) => places.get(path),
    // A substitution that leads nowhere leaves a key without a value, too.
    emptyAt: (path) => empties.get(path) ?? places.get(path),
  };
};

const readYaml = (text: string, file: string, context: DocumentContext): Document => {
  const source = new Source(file, text);
  const { tree: written, error } = parseYaml(text, file);
  const outside = written === undefined ? undefined : context.outside?.((path) => descend(written, path));
  const tree = written === undefined || outside === undefined ? written : fillTexts(written, outside);
  const places = new Map<string, Place>();
  if (tree !== undefined) collect(tree, '', places);
  const secret = new Set<number>();
  for (const [path, { line }] of places)
    if (isSecretKey(path.split('.')) && descend(tree, path.split('.'))?.type === 'scalar') secret.add(line);
  const problems = new Problems(file, ({ line }) =>
    insideBlock(source, line) ? undefined : { text: source.line(line), secret: secret.has(line) },
  );
  if (reportStrayOptions(text, file, problems))
    return { tree: undefined, problems, placeOf: () => undefined, emptyAt: () => undefined };
  if (error !== undefined) problems.error('config.syntax', error.at, `${capital(error.message)}.`);
  else if (tree !== undefined && tree.type !== 'object') {
    problems.error('config.syntax', tree.at, 'The file must hold keys and values.');
    return { tree: undefined, problems, placeOf: () => undefined, emptyAt: () => undefined };
  }
  return { tree, problems, placeOf: (path) => places.get(path), emptyAt: () => undefined };
};

const collect = (tree: Tree, path: string, into: Map<string, Place>): void => {
  if (path !== '') into.set(path, tree.at);
  if (tree.type === 'object')
    for (const [key, value] of tree.entries) collect(value, path === '' ? key : `${path}.${key}`, into);
};

/** True for a line of a block scalar (`key: |`), which may look like anything. */
const insideBlock = (source: Source, line: number): boolean => {
  const indent = (text: string): number => text.length - text.trimStart().length;
  const own = indent(source.line(line));
  for (let above = line - 1; above > 0; above -= 1) {
    const text = source.line(above);
    if (text.trim() !== '' && indent(text) < own) return /[|>][-+0-9]*\s*(?:#.*)?$/.test(text);
  }
  return false;
};

const lineOf = ({ file, line }: Pick<Place, 'file' | 'line'>): string => `${file}:${line}`;

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
