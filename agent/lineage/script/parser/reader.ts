import type { Expression, Span } from '../../syntax/expression.ts';
import { code, type Token, unquoted } from '../../syntax/lexer.ts';
import { parseExpressionAt } from '../../syntax/parser.ts';
import { isBlank, parenthesisEnd } from '../gaps.ts';

/** A statement that its parser cannot make sense of; caught where statements are told apart, never seen outside. */
export class NotUnderstood extends Error {
  readonly at: number;

  constructor(why: string, at: number) {
    super(why);
    this.at = at;
  }
}

const NAMES: ReadonlySet<string> = new Set(['word', 'bracket', 'quoted', 'tick', 'text', 'expansion', 'number']);
/** Behind a path without quotes, these are no part of it. */
const BEHIND_PATH = /\s(?:(?:where|while|group\s+by|order\s+by)\b|\/\/|\/\*)/iy;
/** What holds a table's name together when it was written without quotes. */
const INNER = new Set('-/\\:+&~!?^');

/** Goes through the tokens of one statement; blanks and comments are not among them. */
export class Reader {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  tokens: readonly Token[];
  at = 0;
  /** The last expression was too much to be read: nobody knows where it ends. */
  gaveUp = false;
  /** Where commas stand in a list of fields that have no field in front of them or behind. */
  readonly strayCommas: number[] = [];

  constructor(text: string, start: number, end: number) {
    this.text = text;
    this.start = start;
    this.end = end;
    this.tokens = code(text, start, end);
  }

  get token(): Token | undefined {
    return this.tokens[this.at];
  }

  get done(): boolean {
    return this.at >= this.tokens.length;
  }

  /** Where the current token begins; the end of the statement behind the last one. */
  get position(): number {
    return this.token?.start ?? this.end;
  }

  /** Where the token in front of this one ends. */
  get behind(): number {
    return this.tokens[this.at - 1]?.end ?? this.start;
  }

  spanFrom(start: number): Span {
    return { start, end: Math.max(start, this.behind) };
  }

  fail(why: string): never {
    throw new NotUnderstood(why, this.position);
  }

  /** The word `ahead` of here in lower case; '' for everything else. */
  word(ahead = 0): string {
    const token = this.tokens[this.at + ahead];
    return token?.kind === 'word' ? token.text.toLowerCase() : '';
  }

  is(symbol: string, ahead = 0): boolean {
    const token = this.tokens[this.at + ahead];
    return token?.kind === 'symbol' && token.text === symbol;
  }

  skip(symbol: string): boolean {
    if (!this.is(symbol)) return false;
    this.at += 1;
    return true;
  }

  expect(symbol: string): void {
    if (!this.skip(symbol)) this.fail(`"${symbol}" is missing`);
  }

  /** Steps over one of the words, and gives it. */
  takeWord(...words: readonly string[]): string | undefined {
    const found = this.word();
    if (found === '' || !words.includes(found)) return undefined;
    this.at += 1;
    return found;
  }

  expectWord(...words: readonly string[]): string {
    return this.takeWord(...words) ?? this.fail(`${words.map((word) => word.toUpperCase()).join(' or ')} is missing`);
  }

  expectDone(): void {
    // What nobody could expand may stand for anything that may stand here, and for nothing.
    while (this.token?.kind === 'expansion') this.at += 1;
    if (!this.done) this.fail(`"${excerpt(this.token?.text ?? '')}" was not expected`);
  }

  get atName(): boolean {
    return this.token !== undefined && NAMES.has(this.token.kind);
  }

  /** A name, with or without quotes, of any kind: what it is called. */
  name(what: string): string {
    const { token } = this;
    if (token === undefined || !NAMES.has(token.kind)) return this.fail(`${what} is missing`);
    this.at += 1;
    if (token.kind === 'bracket' || token.kind === 'quoted' || token.kind === 'tick' || token.kind === 'text') {
      return unquoted(token);
    }
    return this.#joined(token);
  }

  /** A name that was written without quotes goes on while nothing stands between its pieces: `my-table`. */
  #joined(first: Token): string {
    const from = this.at - 1;
    for (let token = this.token; token !== undefined && token.start === this.behind; token = this.token) {
      const inner = token.kind === 'symbol' && INNER.has(token.text);
      if (!inner && !(token.kind === 'word' || token.kind === 'number' || token.kind === 'expansion')) break;
      this.at += 1;
    }
    return this.at === from + 1 ? first.text : this.text.slice(first.start, this.behind);
  }

  /** Names with wildcards between commas: `a, b*, "c d", *`. */
  names(what: string): string[] {
    const found: string[] = [];
    do {
      if (this.done) break;
      const { token } = this;
      if (token !== undefined && NAMES.has(token.kind) && token.kind !== 'word' && token.kind !== 'number') {
        found.push(this.name(what));
        continue;
      }
      const start = this.position;
      while (this.#isPattern(start)) this.at += 1;
      if (this.behind <= start) this.fail(`${what} is missing`);
      found.push(this.text.slice(start, this.behind));
    } while (this.skip(','));
    return found;
  }

  /** Whether the token belongs to the name that began at `start`: nothing stands between them. */
  #isPattern(start: number): boolean {
    const { token } = this;
    if (token === undefined || (token.start !== start && token.start !== this.behind)) return false;
    if (token.kind === 'symbol') return '*?'.includes(token.text) || INNER.has(token.text);
    return token.kind === 'word' || token.kind === 'number' || token.kind === 'expansion';
  }

  /** Names in a parenthesis: `(a, [b c], 'd')`. Empty ones stay: their place matters. */
  arguments(): string[] {
    this.expect('(');
    const found: string[] = [];
    for (;;) {
      if (this.skip(')')) return found;
      if (this.is(',')) found.push('');
      else found.push(this.#argument());
      if (this.skip(',')) {
        if (this.is(')')) found.push('');
        continue;
      }
      this.expect(')');
      return found;
    }
  }

  #argument(): string {
    const { token } = this;
    const alone = this.is(',', 1) || this.is(')', 1);
    if (alone && token !== undefined && NAMES.has(token.kind)) return this.name('an argument');
    const start = this.position;
    for (let depth = 0; !this.done; this.at++) {
      if (this.is('(')) depth += 1;
      else if (this.is(')') && depth-- === 0) break;
      else if (this.is(',') && depth === 0) break;
    }
    return this.text.slice(start, this.behind);
  }

  /** The expression from here on, as far as it goes. */
  expression(): Expression {
    const parsed = parseExpressionAt(this.tokens, this.at, 'script');
    this.at = parsed.next;
    this.gaveUp = parsed.gaveUp;
    return parsed.expression;
  }

  /** An expression that must be there. */
  needed(what: string): Expression {
    if (this.done) this.fail(`${what} is missing`);
    const from = this.at;
    const found = this.expression();
    if (this.at === from) this.fail(`${what} is missing`);
    return found;
  }

  /** The path of a file: in brackets or any quotes, or as it stands there up to a parenthesis, a comma or a clause. */
  path(): string {
    const { token } = this;
    if (token === undefined) return this.fail('a path is missing');
    if (token.kind === 'bracket' || token.kind === 'text' || token.kind === 'quoted' || token.kind === 'tick') {
      this.at += 1;
      return unquoted(token).trim();
    }
    const start = token.start;
    const end = this.#pathEnd(start);
    const path = this.text.slice(start, end).trim();
    if (path === '') this.fail('a path is missing');
    this.seek(end);
    return path;
  }

  #pathEnd(start: number): number {
    let at = start;
    while (at < this.end) {
      const character = this.text[at] ?? '';
      if (character === '$' && this.text[at + 1] === '(') {
        at = parenthesisEnd(this.text, at + 1, this.end) ?? at + 2;
        continue;
      }
      if ('(,;\n\r'.includes(character)) break;
      if (isBlank(character.charCodeAt(0))) {
        BEHIND_PATH.lastIndex = at;
        if (BEHIND_PATH.test(this.text)) break;
      }
      at += 1;
    }
    return at;
  }

  /** Goes on at an offset. Tokens are made anew where what was skipped was no code: slashes in it began no comment. */
  seek(offset: number): void {
    const from = this.position;
    const skipped = this.text.slice(from, offset);
    if (!skipped.includes('//') && !skipped.includes('/*')) {
      let at = this.at;
      while ((this.tokens[at]?.end ?? Number.POSITIVE_INFINITY) <= offset) at += 1;
      if ((this.tokens[at]?.start ?? offset) >= offset) {
        this.at = at;
        return;
      }
    }
    const before = this.tokens.slice(0, this.at);
    if (skipped !== '') before.push({ kind: 'word', text: skipped, start: from, end: offset });
    this.tokens = [...before, ...code(this.text, offset, this.end)];
    this.at = before.length;
  }
}

/** Of what stands in a script: never so much that a secret would be told. */
const excerpt = (text: string): string => (/^[\w.$()]{1,20}$/.test(text) ? text : (text[0] ?? ''));
