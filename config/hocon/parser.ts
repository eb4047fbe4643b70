import { Cursor } from './cursor.ts';
import { HoconError, type HoconReason } from './error.ts';
import type { Includer } from './include.ts';
import { readIncludeStatement } from './include.ts';
import { lex, type Token } from './lexer.ts';
import { type ListNode, MAX_MERGE_STACK, type Node, type ObjectNode, setField } from './nodes.ts';
import { readPath } from './path.ts';
import type { Source } from './source.ts';

/** How deep objects and lists may be nested. */
const MAX_DEPTH = 128;

/** A key and its value as they stand in a file, for checks on the text itself. */
export interface Field {
  readonly path: readonly string[];
  readonly source: Source;
  readonly key: number;
  /** Tokens from after the separator to the first token that is no longer part of the value (included). */
  readonly tokens: readonly Token[];
  /** True for `key =` with nothing after it, which counts as absent. */
  readonly empty: boolean;
}

/** Reads one file and what it includes, and notes every field in `fields`. Throws {@link HoconError}. */
export const parseSource = (source: Source, include: Includer, fields: Field[]): ObjectNode =>
  new Parser(source, include, fields, []).document();

class Parser {
  readonly #source: Source;
  readonly #cursor: Cursor;
  readonly #include: Includer;
  readonly #fields: Field[];
  /** Keys above this file, when it was included below a key. */
  readonly #prefix: readonly string[];
  #path: readonly string[];
  #depth = 0;
  #lists = 0;

  constructor(source: Source, include: Includer, fields: Field[], prefix: readonly string[]) {
    this.#source = source;
    this.#cursor = new Cursor(source, lex(source));
    this.#include = include;
    this.#fields = fields;
    this.#prefix = prefix;
    this.#path = prefix;
  }

  document(): ObjectNode {
    const first = this.#cursor.peekMeaningful();
    if (first.type === '[') throw this.#fail('root_list', first, 'the file must hold keys and values, not a list');
    if (first.type !== '{') return this.#objectBody(first, false);
    this.#cursor.next();
    const root = this.#objectBody(first, true);
    const after = this.#cursor.nextMeaningful();
    if (after.type === '}') throw this.#unbalanced(after);
    if (after.type !== 'end') throw this.#fail('trailing', after, 'nothing may follow the closing brace of the file');
    return root;
  }

  #fail(reason: HoconReason, token: Token, message: string): HoconError {
    return new HoconError(reason, this.#source.at(token.start), message, { field: this.#cursor.field });
  }

  #unbalanced(token: Token): HoconError {
    return this.#fail('unbalanced_close', token, 'this } closes nothing: there is no { open before it');
  }

  #enter(token: Token): void {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.#fail('limit', token, `nesting is limited to ${MAX_DEPTH} levels`);
  }

  /** Reads fields up to the closing brace, or up to the end of the file when no brace was opened. */
  #objectBody(open: Token, braced: boolean): ObjectNode {
    this.#enter(open);
    const object: ObjectNode = { type: 'object', fields: new Map(), at: this.#source.at(open.start) };
    for (;;) {
      this.#cursor.skipBlanks();
      const token = this.#cursor.peek();
      if (token.type === '}' && braced) break;
      if (token.type === '}') throw this.#unbalanced(token);
      if (token.type === 'end') {
        if (!braced) break;
        throw this.#fail('unclosed_object', open, 'the { that stands here is not closed with a }');
      }
      if (token.type === 'text' && token.text === 'include' && !this.#keyFollows()) this.#includeStatement(object);
      else this.#field(object);
      if (this.#separator()) continue;
      const after = this.#cursor.peekMeaningful();
      if (after.type === '}' || after.type === 'end') continue;
      throw this.#fail('expected_comma', after, 'a value ends here, so a line end, a comma or a } must follow');
    }
    if (braced) this.#cursor.next();
    this.#depth -= 1;
    return object;
  }

  /** Steps over the comma or the line ends after a field or an element; false when there were none. */
  #separator(): boolean {
    const crossed = this.#cursor.skipBlanks();
    if (this.#cursor.peek().type !== 'comma') return crossed;
    this.#cursor.next();
    return true;
  }

  /**
   * The word that stands here is followed by what only a key is followed by. Such an `include` could be nothing else, and
   * `crawl { include { … } }` is what people write.
   */
  #keyFollows(): boolean {
    const [, ...rest] = this.#cursor.rest();
    const next = rest.find((token) => token.type !== 'space');
    return next !== undefined && ['{', 'equals', 'colon', 'plusEquals'].includes(next.type);
  }

  #includeStatement(object: ObjectNode): void {
    const start = this.#cursor.next();
    const statement = readIncludeStatement(this.#cursor);
    for (const included of this.#include({ ...statement, source: this.#source, start: start.start })) {
      const { fields } = new Parser(included, this.#include, this.#fields, this.#path).document();
      for (const [key, value] of fields) setField(object, key, value);
    }
  }

  #key(): { readonly path: readonly string[]; readonly token: Token } {
    const start = this.#cursor.peek();
    const from = this.#cursor.index;
    for (;;) {
      const token = this.#cursor.peek();
      if (token.type !== 'string' && token.type !== 'number' && token.type !== 'literal' && token.type !== 'text')
        break;
      this.#cursor.next();
    }
    if (this.#cursor.index === from) throw this.#fail('expected_key', start, 'a key must stand here');
    return {
      path: readPath(this.#source, this.#cursor.slice(from, this.#cursor.index), start.start),
      token: start,
    };
  }

  #field(object: ObjectNode): void {
    const key = this.#key();
    const outer = this.#path;
    const path = [...outer, ...key.path];
    const crossed = this.#cursor.skipBlanks();
    const separator = this.#cursor.peek();
    const appends = separator.type === 'plusEquals';
    if (separator.type !== '{') {
      if (separator.type !== 'equals' && separator.type !== 'colon' && !appends)
        // On a later line stands something else: what is wrong is the key without anything.
        throw this.#fail(
          'expected_separator',
          crossed || separator.type === '}' || separator.type === 'end' ? key.token : separator,
          'after a key must come =, :, += or {',
        );
      this.#cursor.next();
    }
    if (appends && this.#lists > 0)
      throw this.#fail('plus_equals_in_list', separator, '+= may not stand inside a list');
    const from = this.#cursor.index;
    const record = (empty: boolean) =>
      this.#fields.push({
        path,
        source: this.#source,
        key: key.token.start,
        tokens: this.#cursor.slice(from, empty ? from + 2 : this.#cursor.index + 1),
        empty,
      });
    this.#cursor.field = path;
    if (separator.type !== '{' && this.#isAbsent()) {
      this.#cursor.field = undefined;
      record(true);
      return;
    }
    this.#path = path;
    if (appends) this.#lists += 1;
    // A brace right after the key is the whole value: nothing can be joined to it.
    let value = separator.type === '{' ? this.#braced(separator) : this.#value();
    if (appends) {
      this.#lists -= 1;
      value = this.#appended(value, path);
    }
    record(false);
    this.#cursor.field = undefined;
    this.#path = outer;
    this.#assign(object, key.path, value);
  }

  #assign(object: ObjectNode, path: readonly string[], value: Node): void {
    let nested = value;
    for (const key of path.slice(1).reverse())
      nested = { type: 'object', fields: new Map([[key, nested]]), at: value.at };
    const first = path[0] ?? '';
    setField(object, first, nested);
    const set = object.fields.get(first);
    if (set?.type === 'merge' && set.stack.length > MAX_MERGE_STACK)
      throw new HoconError('limit', value.at, `a key may be set at most ${MAX_MERGE_STACK} times with substitutions`);
  }

  /** `a += x` stands for `a = ${?a} [x]`. */
  #appended(value: Node, path: readonly string[]): Node {
    const list: ListNode = { type: 'list', items: [value], at: value.at };
    return {
      type: 'concatenation',
      pieces: [
        {
          type: 'reference',
          path,
          prefixLength: this.#prefix.length,
          optional: true,
          field: path,
          alone: true,
          at: value.at,
        },
        list,
      ],
      field: path,
      at: value.at,
    };
  }

  /**
   * After a separator: nothing follows but a `}`, the end, or on a later line another key with its separator. Lightbend
   * refuses that; published templates are full of it, so the key counts as absent and the lint warns.
   */
  #isAbsent(): boolean {
    const from = this.#cursor.index;
    const crossed = this.#cursor.skipBlanks();
    const first = this.#cursor.peek();
    let absent = first.type === '}' || first.type === 'end';
    if (crossed && !absent) {
      let any = false;
      // Looked at without throwing: what cannot be read is reported when it is really read.
      for (const token of this.#cursor.rest()) {
        const { type } = token;
        if (type === 'string' || type === 'number' || type === 'literal' || type === 'text') any = true;
        else if (type !== 'space') {
          absent = any && (type === 'equals' || type === 'colon' || type === 'plusEquals' || type === '{');
          break;
        }
      }
    }
    this.#cursor.index = from;
    return absent;
  }

  /** A value with all that is concatenated to it on its line. */
  #value(): Node {
    this.#cursor.skipBlanks();
    const start = this.#cursor.peek();
    const pieces: Node[] = [];
    for (;;) {
      const token = this.#cursor.peek();
      if (token.type === 'space') {
        this.#cursor.next();
        continue;
      }
      const piece = this.#piece(token);
      if (piece === undefined) break;
      pieces.push(piece);
    }
    const [first] = pieces;
    if (first === undefined) throw this.#fail('expected_value', start, 'a value must stand here');
    if (pieces.length === 1) return first.type === 'reference' ? { ...first, alone: true } : first;
    const mixed = mixtureIn(pieces);
    if (mixed !== undefined)
      throw new HoconError('mixed_concatenation', mixed, 'a text cannot be joined to an object or a list', {
        field: this.#path,
      });
    return { type: 'concatenation', pieces, field: this.#path, at: this.#source.at(start.start) };
  }

  #braced(open: Token): ObjectNode {
    this.#cursor.next();
    return this.#objectBody(open, true);
  }

  #piece(token: Token): Node | undefined {
    const at = this.#source.at(token.start);
    switch (token.type) {
      case 'string':
        this.#cursor.next();
        return { type: 'scalar', value: token.value, text: token.value, quoted: true, at };
      case 'text':
        this.#cursor.next();
        return { type: 'scalar', value: token.text, text: token.text, quoted: false, at };
      case 'number':
        this.#cursor.next();
        return { type: 'scalar', value: token.value, text: token.text, quoted: false, at };
      case 'literal':
        this.#cursor.next();
        return { type: 'scalar', value: token.value, text: String(token.value), quoted: false, at };
      case 'reference':
        this.#cursor.next();
        return {
          type: 'reference',
          path: [...this.#prefix, ...readPath(this.#source, token.expression, token.start)],
          prefixLength: this.#prefix.length,
          optional: token.optional,
          field: this.#path,
          alone: false,
          at,
        };
      case '{':
        return this.#braced(token);
      case '[':
        this.#cursor.next();
        return this.#list(token);
      default:
        return undefined;
    }
  }

  #unclosedList(open: Token): HoconError {
    return this.#fail('unclosed_list', open, 'the [ that stands here is not closed with a ]');
  }

  #list(open: Token): Node {
    this.#enter(open);
    this.#lists += 1;
    const items: Node[] = [];
    for (;;) {
      this.#cursor.skipBlanks();
      const token = this.#cursor.peek();
      if (token.type === ']') break;
      if (token.type === 'end' || token.type === '}') throw this.#unclosedList(open);
      items.push(this.#value());
      if (this.#separator()) continue;
      const after = this.#cursor.peekMeaningful();
      if (after.type === 'end' || after.type === '}') throw this.#unclosedList(open);
      if (after.type !== ']')
        throw this.#fail('expected_comma', after, 'an element ends here, so a comma, a line end or a ] must follow');
    }
    this.#cursor.next();
    this.#lists -= 1;
    this.#depth -= 1;
    return { type: 'list', items, at: this.#source.at(open.start) };
  }
}

/** The place of the first piece that can never be joined to the one before it, whatever the substitutions are. */
const mixtureIn = (pieces: readonly Node[]): Node['at'] | undefined => {
  // An object with numbers for keys can stand for a list.
  const convertible = pieces.some(
    (piece) => piece.type === 'object' && [...piece.fields.keys()].some((key) => /^\d+$/.test(key)),
  );
  let left: 'text' | 'object' | 'list' | undefined;
  for (const piece of pieces) {
    const right =
      piece.type === 'object' || piece.type === 'list' ? piece.type : piece.type === 'scalar' ? 'text' : undefined;
    if (right === undefined) {
      left = undefined;
      continue;
    }
    const dropped =
      left !== undefined &&
      left !== 'text' &&
      piece.type === 'scalar' &&
      !piece.quoted &&
      typeof piece.value === 'string';
    const possible =
      left === undefined || left === right || dropped || (convertible && left !== 'text' && right !== 'text');
    if (!possible) return piece.at;
    if (!dropped) left = right;
  }
  return undefined;
};
