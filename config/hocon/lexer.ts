import { HoconError, type HoconReason } from './error.ts';
import type { Source } from './source.ts';

interface Span {
  /** Offsets into the source: first character, and the one after the last. */
  readonly start: number;
  readonly end: number;
}

export type Token = Span &
  (
    | { readonly type: 'end' | 'comma' | 'equals' | 'colon' | 'plusEquals' | '{' | '}' | '[' | ']' }
    | { readonly type: 'newline' | 'comment' }
    /** Whitespace that means nothing. Whitespace between two simple values is a `text` token instead. */
    | { readonly type: 'space' }
    | { readonly type: 'string'; readonly value: string; readonly triple: boolean }
    | { readonly type: 'number'; readonly value: number; readonly text: string }
    | { readonly type: 'literal'; readonly value: boolean | null }
    | { readonly type: 'text'; readonly text: string }
    | { readonly type: 'reference'; readonly optional: boolean; readonly expression: readonly Token[] }
    /** The text cannot be read from here on; the parser throws when it gets here, not before. */
    | { readonly type: 'problem'; readonly error: HoconError }
  );

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are whitespace to Java, and so to HOCON.
const WHITESPACE = /[\p{Zs}\p{Zl}\p{Zp}\t\v\f\r\u001c-\u001f\ufeff]/u;
const SPACES = new RegExp(`${WHITESPACE.source}*`, 'uy');
const NOT_IN_TEXT = '$"{}[]:=,+#`^?!@*&\\';
const NUMBER = /[-0-9][-0-9eE+.]*/y;
const INTEGER = /^[-+]?\d+$/;
const FLOAT = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;
const PUNCTUATION = {
  ',': 'comma',
  '=': 'equals',
  ':': 'colon',
  '{': '{',
  '}': '}',
  '[': '[',
  ']': ']',
} as const;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
/** Bounds what a file takes in memory. */
const MAX_TOKENS = 200_000;
const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

const isSimple = (token: Token): boolean =>
  token.type === 'string' ||
  token.type === 'number' ||
  token.type === 'literal' ||
  token.type === 'text' ||
  token.type === 'reference';

/** True for text that is nothing but whitespace between two simple values. */
export const isBlankText = (token: Token): boolean => token.type === 'text' && token.text.trim() === '';

/** Cuts HOCON into tokens as Lightbend's reader does, with their offsets. The last token is `end` or `problem`. */
export const lex = (source: Source): readonly Token[] => new Lexer(source).all();

class Lexer {
  readonly #source: Source;
  readonly #text: string;
  #at = 0;
  #count = 0;

  constructor(source: Source) {
    this.#source = source;
    this.#text = source.text;
  }

  all(): readonly Token[] {
    const tokens: Token[] = [];
    try {
      this.#run(tokens, false, 0);
    } catch (error) {
      if (!(error instanceof HoconError)) throw error;
      tokens.push({ type: 'problem', error, start: this.#at, end: this.#at });
    }
    return tokens;
  }

  #fail(reason: HoconReason, offset: number, message: string): HoconError {
    return new HoconError(reason, this.#source.at(offset), message);
  }

  #startsComment(offset: number): boolean {
    return this.#text[offset] === '#' || this.#text.startsWith('//', offset);
  }

  /** Reads tokens up to the end, or up to the `}` that closes a substitution. */
  #run(into: Token[], inSubstitution: boolean, depth: number): void {
    let afterSimple = false;
    for (;;) {
      SPACES.lastIndex = this.#at;
      const blank = SPACES.exec(this.#text)?.[0] ?? '';
      const start = this.#at + blank.length;
      const mark = this.#at;
      this.#at = start;
      const token = this.#next(depth);
      const simple = isSimple(token);
      if (blank !== '')
        into.push(
          afterSimple && simple
            ? { type: 'text', text: blank, start: mark, end: start }
            : { type: 'space', start: mark, end: start },
        );
      afterSimple = simple;
      if (inSubstitution && token.type === '}') return;
      if (inSubstitution && token.type === 'end')
        throw this.#fail('unclosed_substitution', token.start, 'a substitution is not closed with a }');
      into.push(token);
      this.#count += 1;
      if (this.#count > MAX_TOKENS) throw this.#fail('limit', start, `a file may have at most ${MAX_TOKENS} words`);
      if (token.type === 'end') return;
    }
  }

  #next(depth: number): Token {
    const start = this.#at;
    const c = this.#text[start];
    if (c === undefined) return { type: 'end', start, end: start };
    if (c === '\n') {
      this.#at += 1;
      return { type: 'newline', start, end: this.#at };
    }
    if (this.#startsComment(start)) {
      const end = this.#text.indexOf('\n', start);
      this.#at = end < 0 ? this.#text.length : end;
      return { type: 'comment', start, end: this.#at };
    }
    if (c === '"') return this.#quoted();
    if (c === '$') return this.#reference(depth);
    const type = PUNCTUATION[c as keyof typeof PUNCTUATION];
    if (type !== undefined) {
      this.#at += 1;
      return { type, start, end: this.#at };
    }
    if (c === '+') {
      if (this.#text[start + 1] !== '=') throw this.#reserved(start, c);
      this.#at += 2;
      return { type: 'plusEquals', start, end: this.#at };
    }
    if ((c >= '0' && c <= '9') || c === '-') return this.#number();
    if (NOT_IN_TEXT.includes(c)) throw this.#reserved(start, c);
    return this.#unquoted();
  }

  #reserved(offset: number, c: string): HoconError {
    return this.#fail('reserved_character', offset, `the character ${c} may stand only inside double quotes`);
  }

  #number(): Token {
    const start = this.#at;
    NUMBER.lastIndex = start;
    const text = NUMBER.exec(this.#text)?.[0] ?? '';
    this.#at = start + text.length;
    if (INTEGER.test(text)) {
      const value = BigInt(text);
      // Beyond a Java long, Lightbend keeps the digits as a string.
      if (value >= LONG_MIN && value <= LONG_MAX)
        return { type: 'number', value: Number(value), text, start, end: this.#at };
    } else if (FLOAT.test(text)) return { type: 'number', value: Number(text), text, start, end: this.#at };
    const plus = text.indexOf('+');
    if (plus >= 0) throw this.#reserved(start + plus, '+');
    return { type: 'text', text, start, end: this.#at };
  }

  #unquoted(): Token {
    const start = this.#at;
    let end = start;
    for (;;) {
      const c = this.#text[end];
      if (c === undefined || c === '\n' || NOT_IN_TEXT.includes(c) || WHITESPACE.test(c) || this.#startsComment(end))
        break;
      end += 1;
      // true, false and null are literals at the start of a text whatever follows: `truefoo` is `true` and `foo`.
      if (end - start === 4 || end - start === 5) {
        const word = this.#text.slice(start, end);
        if (word === 'true' || word === 'false' || word === 'null') {
          this.#at = end;
          return { type: 'literal', value: word === 'null' ? null : word === 'true', start, end };
        }
      }
    }
    this.#at = end;
    return { type: 'text', text: this.#text.slice(start, end), start, end };
  }

  #quoted(): Token {
    const start = this.#at;
    if (this.#text.startsWith('"""', start)) return this.#triple();
    let value = '';
    let at = start + 1;
    for (;;) {
      const c = this.#text[at];
      if (c === undefined) throw this.#fail('unclosed_string', start, 'the string that starts here is not closed');
      if (c === '"') break;
      if (c === '\n')
        throw this.#fail('unclosed_string', start, 'the string that starts here is not closed on its line');
      if (c === '\\') {
        const [decoded, length] = this.#escape(at);
        value += decoded;
        at += length;
        continue;
      }
      if (c < ' ')
        throw this.#fail(
          'control_in_string',
          at,
          `a ${c === '\t' ? 'tab' : 'control character'} may not stand inside double quotes as it is`,
        );
      value += c;
      at += 1;
    }
    this.#at = at + 1;
    return { type: 'string', value, triple: false, start, end: this.#at };
  }

  #escape(at: number): readonly [string, number] {
    const c = this.#text[at + 1];
    const simple = c === undefined ? undefined : ESCAPES[c];
    if (simple !== undefined) return [simple, 2];
    if (c !== 'u')
      throw this.#fail('bad_escape', at, 'a backslash inside double quotes starts an escape, and this is not one');
    const digits = this.#text.slice(at + 2, at + 6);
    if (!/^[0-9a-fA-F]{4}$/.test(digits))
      throw this.#fail('bad_unicode_escape', at, '\\u inside double quotes must be followed by four hex digits');
    return [String.fromCharCode(Number.parseInt(digits, 16)), 6];
  }

  #triple(): Token {
    const start = this.#at;
    const close = this.#text.indexOf('"""', start + 3);
    if (close < 0)
      throw this.#fail('unclosed_triple', start, 'the string that starts here with """ is not closed with """');
    let end = close + 3;
    // More quotes than three at the end belong to the string.
    while (this.#text[end] === '"') end += 1;
    this.#at = end;
    return { type: 'string', value: this.#text.slice(start + 3, end - 3), triple: true, start, end };
  }

  #reference(depth: number): Token {
    const start = this.#at;
    if (this.#text[start + 1] !== '{') throw this.#reserved(start, '$');
    if (depth > 16) throw this.#fail('limit', start, 'substitutions are nested too deeply');
    const optional = this.#text[start + 2] === '?';
    this.#at = start + (optional ? 3 : 2);
    const expression: Token[] = [];
    this.#run(expression, true, depth + 1);
    return { type: 'reference', optional, expression, start, end: this.#at };
  }
}
