import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import type { Place, Tree } from './tree.ts';

export interface YamlDocument {
  readonly tree: Tree | undefined;
  /** Safe to show: never holds text of the file. */
  readonly error: { readonly at: Place; readonly message: string } | undefined;
}

const MAX_DEPTH = 128;
const REASONS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab may not be used to indent: use spaces',
  BAD_INDENT: 'the indentation of this line does not fit the lines around it',
  DUPLICATE_KEY: 'this key stands twice in the same object',
  MISSING_CHAR: 'a character is missing here, a quote or a bracket',
  BAD_DQ_ESCAPE: 'a backslash inside double quotes starts an escape, and this is not one',
  MULTILINE_IMPLICIT_KEY: 'a key must end on its line with a colon and a space',
  BLOCK_AS_IMPLICIT_KEY: 'a nested value must begin on a line of its own',
  UNEXPECTED_TOKEN: 'this may not stand here',
  BAD_ALIAS: 'this alias refers to nothing',
  MULTIPLE_DOCS: 'a file may hold one document only',
};

/** Reads YAML 1.2, or JSON, which is a part of it. Scalars keep their text. Never throws for bad text. */
export const parseYaml = (text: string, file: string): YamlDocument => {
  const lines = new LineCounter();
  const bom = text.startsWith('\uFEFF') ? 1 : 0;
  const document = parseDocument(text.slice(bom), {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    strict: true,
    schema: 'core',
    // Not `silent`: with that a second document is left out without a word.
    logLevel: 'error',
  });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const [first] = document.errors;
  if (first !== undefined)
    return {
      tree: undefined,
      error: { at: place(first.pos[0]), message: REASONS[first.code] ?? 'this is not valid YAML' },
    };
  let alias: number | undefined;
  // Aliases can blow a small file up; no connection needs them.
  visit(document, {
    Alias: (_, node) => {
      alias ??= node.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  if (alias !== undefined)
    return { tree: undefined, error: { at: place(alias), message: 'aliases (*name) may not be used here' } };
  try {
    return { tree: convert(document.contents, place, text.slice(bom), 0), error: undefined };
  } catch (error) {
    if (error instanceof Unfit) return { tree: undefined, error: { at: error.at, message: error.message } };
    throw error;
  }
};

class Unfit extends Error {
  readonly at: Place;
  constructor(at: Place, message: string) {
    super(message);
    this.at = at;
  }
}

const convert = (node: unknown, place: (offset: number) => Place, text: string, depth: number): Tree => {
  const at = place((node as Node | null)?.range?.[0] ?? 0);
  if (depth > MAX_DEPTH) throw new Unfit(at, `nesting is limited to ${MAX_DEPTH} levels`);
  if (node === null || node === undefined) return { type: 'scalar', value: null, text: '', at };
  if (isAlias(node)) throw new Unfit(at, 'aliases (*name) may not be used here');
  if (isSeq(node)) return { type: 'list', items: node.items.map((item) => convert(item, place, text, depth + 1)), at };
  if (isMap(node)) {
    const entries = new Map<string, Tree>();
    for (const { key, value } of node.items) {
      const keyAt = place((key as Node | null)?.range?.[0] ?? 0);
      if (!isScalar(key)) throw new Unfit(keyAt, 'a key must be a plain text');
      const name = key.source ?? String(key.value);
      entries.set(
        name,
        value === null ? { type: 'scalar', value: null, text: '', at: keyAt } : convert(value, place, text, depth + 1),
      );
    }
    return { type: 'object', entries: dotted(entries), at };
  }
  if (isScalar(node)) {
    const { value } = node;
    const source = node.source ?? '';
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null)
      return { type: 'scalar', value, text: typeof value === 'string' ? value : source, at };
    return { type: 'scalar', value: source, text: source, at };
  }
  throw new Unfit(at, 'this kind of value is not known here');
};

/** `connection.url: …` on one line means the same as nested keys, as it does in HOCON. */
const dotted = (entries: ReadonlyMap<string, Tree>): ReadonlyMap<string, Tree> => {
  const result = new Map<string, Tree>();
  for (const [key, value] of entries) {
    const parts = key.split('.');
    if (parts.some((part) => part === '')) result.set(key, value);
    else setPath(result, parts, value);
  }
  return result;
};

const setPath = (into: Map<string, Tree>, [first = '', ...rest]: readonly string[], value: Tree): void => {
  const there = into.get(first);
  const nested: Tree = rest.length === 0 ? value : { type: 'object', entries: new Map(), at: value.at };
  const base = there?.type === 'object' ? new Map(there.entries) : new Map<string, Tree>();
  if (rest.length > 0) setPath(base, rest, value);
  else if (nested.type === 'object' && there?.type === 'object')
    for (const [key, item] of nested.entries) setPath(base, [key], item);
  into.set(
    first,
    rest.length === 0 && !(nested.type === 'object' && there?.type === 'object')
      ? value
      : { type: 'object', entries: base, at: there?.at ?? value.at },
  );
};
