import { HoconError } from './error.ts';
import { isBlankText, type Token } from './lexer.ts';
import type { Source } from './source.ts';

/** Walks over the tokens of one file. A token that cannot be read is thrown when it is reached. */
export class Cursor {
  readonly source: Source;
  readonly #tokens: readonly Token[];
  #index = 0;
  /** The field being read, for messages. */
  field: readonly string[] | undefined;

  constructor(source: Source, tokens: readonly Token[]) {
    this.source = source;
    this.#tokens = tokens;
  }

  get index(): number {
    return this.#index;
  }

  set index(to: number) {
    this.#index = to;
  }

  next(): Token {
    const token = this.peek();
    this.#index += 1;
    return token;
  }

  peek(): Token {
    const token = this.#tokens[this.#index] ?? this.#tokens[this.#tokens.length - 1];
    if (token === undefined) throw new RangeError('a text has at least its end as a token');
    if (token.type === 'problem')
      throw new HoconError(token.error.reason, token.error.at, token.error.message, { field: this.field });
    return token;
  }

  /** Steps over whitespace, comments and line ends; true when a line end was among them. */
  skipBlanks(): boolean {
    let crossed = false;
    for (;;) {
      const token = this.peek();
      if (token.type === 'newline') crossed = true;
      else if (token.type !== 'space' && token.type !== 'comment' && !isBlankText(token)) return crossed;
      this.#index += 1;
    }
  }

  /** The next token after whitespace, comments and line ends. */
  nextMeaningful(): Token {
    this.skipBlanks();
    return this.next();
  }

  /** Like {@link Cursor.nextMeaningful}, but stays in front of the token. */
  peekMeaningful(): Token {
    this.skipBlanks();
    return this.peek();
  }

  /** The tokens from here on, without throwing on one that cannot be read. */
  *rest(): Generator<Token> {
    for (let i = this.#index; i < this.#tokens.length; i += 1) {
      const token = this.#tokens[i];
      if (token !== undefined) yield token;
    }
  }

  slice(from: number, to: number): readonly Token[] {
    return this.#tokens.slice(from, to);
  }
}
