import type { Expression, Name, Span } from './expression.ts';
import { closingOf, type Token, unquoted } from './lexer.ts';

/** What the parser stumbled over; offsets are those of the tokens. */
export interface SyntaxDiagnostic {
  readonly start: number;
  readonly end: number;
  readonly message: string;
}

/** `script`: words such as FROM and AS end an expression. `chart`: a leading `=` is skipped. */
export type Mode = 'script' | 'chart';

const MOST_DIAGNOSTICS = 50;
/**
 * Expressions within expressions, operators of rising precedence included: people stop at some fifty. A stack of the
 * usual size has room for twice as many, and what is below on it takes some.
 */
const DEEPEST = 500;

/** Goes through the tokens of an expression; blanks and comments must not be among them. */
export class Cursor {
  readonly tokens: readonly Token[];
  readonly mode: Mode;
  readonly diagnostics: SyntaxDiagnostic[];
  at: number;
  depth: number;
  /** The rest was taken as one, since it is too much to be read. */
  gaveUp = false;
  /** Searches within searches that stand around this one. */
  readonly searches: number;

  constructor(tokens: readonly Token[], mode: Mode, at = 0, outer?: Cursor) {
    this.tokens = tokens;
    this.mode = mode;
    this.at = at;
    this.diagnostics = outer?.diagnostics ?? [];
    this.depth = outer?.depth ?? 0;
    this.searches = outer === undefined ? 0 : outer.searches + 1;
  }

  get token(): Token | undefined {
    return this.tokens[this.at];
  }

  peek(ahead: number): Token | undefined {
    return this.tokens[this.at + ahead];
  }

  /** Whether the token `ahead` of here is that symbol. */
  is(symbol: string, ahead = 0): boolean {
    const token = this.tokens[this.at + ahead];
    return token?.kind === 'symbol' && token.text === symbol;
  }

  /** Steps over a symbol when it is there. */
  skip(symbol: string): boolean {
    if (!this.is(symbol)) return false;
    this.at += 1;
    return true;
  }

  /** The word `ahead` of here in lower case; '' for everything else. */
  word(ahead = 0): string {
    const token = this.tokens[this.at + ahead];
    return token?.kind === 'word' ? token.text.toLowerCase() : '';
  }

  /** Where the current token begins, or the last one ends. */
  get position(): number {
    return this.token?.start ?? this.end;
  }

  /** Where the token before this one ends. */
  get end(): number {
    return this.tokens[this.at - 1]?.end ?? this.tokens[0]?.start ?? 0;
  }

  spanFrom(start: number): Span {
    return { start, end: Math.max(start, this.end) };
  }

  expect(symbol: string): void {
    if (!this.skip(symbol)) this.complain(`"${symbol}" is missing`);
  }

  complain(message: string): void {
    if (this.diagnostics.length >= MOST_DIAGNOSTICS) return;
    const start = this.position;
    this.diagnostics.push({ start, end: this.token?.end ?? start, message });
  }

  /** Runs `read` some levels deeper; undefined when that is too deep: then the rest is given up. */
  within<T>(read: () => T, levels = 1): T | undefined {
    if (this.depth >= DEEPEST) return undefined;
    this.depth += levels;
    const found = read();
    this.depth -= levels;
    return found;
  }

  /** Everything from here to the token `until` as one {@link Unreadable}. */
  unreadable(why: string, until: number): Expression {
    this.complain(why);
    this.gaveUp ||= until > this.at && until === this.tokens.length;
    const start = until > this.at ? this.position : this.end;
    const taken = this.tokens.slice(this.at, until);
    this.at = Math.max(this.at, until);
    return { type: 'unreadable', text: taken.map(({ text }) => text).join(' '), why, span: this.spanFrom(start) };
  }

  /** The current token as a name, and steps over it. */
  takeName(token: Token): Name {
    this.at += 1;
    return nameOf(token);
  }
}

export const nameOf = (token: Token): Name => {
  const closing = closingOf(token.kind);
  const quote = closing === undefined ? '' : closing === ']' ? '[' : (closing as Name['quote']);
  return { type: 'name', name: unquoted(token), quote, span: { start: token.start, end: token.end } };
};

type NameKind = 'word' | 'bracket' | 'quoted' | 'tick';

/** Whether a token can be the name of a field: with or without quotes, but no `'…'`. */
export const isName = (token: Token | undefined): token is Token & { readonly kind: NameKind } =>
  token !== undefined &&
  (token.kind === 'word' || token.kind === 'bracket' || token.kind === 'quoted' || token.kind === 'tick');
