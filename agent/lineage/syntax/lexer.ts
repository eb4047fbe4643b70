/**
 * `word`: a name without quotes, a keyword or a part of both, with the expansions in it (`Sales$(v)`). `expansion`: `$(…)`
 * that stands alone. `text`: `'…'`. `bracket`, `quoted`, `tick`: a name in `[…]`, `"…"`, `` `…` ``. `symbol`: one
 * character, or `<>`, `<=`, `>=`. `unclosed`: from a quote that nothing closes to the end. `blank` and `comment` mean
 * nothing.
 */
export type TokenKind =
  | 'word'
  | 'number'
  | 'text'
  | 'bracket'
  | 'quoted'
  | 'tick'
  | 'expansion'
  | 'symbol'
  | 'unclosed'
  | 'blank'
  | 'comment';

/** A piece of text as it was written; `start` and `end` in UTF-16 code units of the text that was given. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const BLANK = 1;
const WORD = 2;
const DIGIT = 3;
const SYMBOL = 4;
/** What an ASCII character begins; quotes are symbols here and are looked at first. */
const CLASSES = new Uint8Array(128).map((_, code) => {
  const character = String.fromCharCode(code);
  if (code <= 32 || code === 127) return BLANK;
  if (character >= '0' && character <= '9') return DIGIT;
  return /[A-Za-z_%#@$.]/.test(character) ? WORD : SYMBOL;
});
/** Beyond ASCII: what a blank looks like to people, the mark of a byte order and signs without width included. */
const BLANKS: ReadonlySet<number> = new Set([
  0x85, 0xa0, 0x1680, 0x180e, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a,
  0x200b, 0x2028, 0x2029, 0x202f, 0x205f, 0x2060, 0x3000, 0xfeff,
]);
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?/iy;
/** A column of a file with fixed widths: `@1:8`, `@9:n`; a letter says how to read bytes: `@1:4I`. */
const FIXED = /@\d+:(?:\d+(?:[iurbt]\b)?|n\b)/iy;
const QUOTES: Readonly<Record<string, readonly [TokenKind, string]>> = {
  "'": ['text', "'"],
  '[': ['bracket', ']'],
  '"': ['quoted', '"'],
  '`': ['tick', '`'],
};

const classOf = (code: number): number => {
  if (code < 128) return CLASSES[code] as number;
  return BLANKS.has(code) ? BLANK : WORD;
};

/**
 * All of `text` between `start` and `end`, in pieces: joined, they are the text again. Scripts and charts have one lexis:
 * no backslash escapes, a doubled closing quote stands for itself, a dollar expansion is balanced and may stand within
 * names and quotes. Never throws; time grows with the length.
 */
export const tokens = (text: string, start = 0, end = text.length): Token[] => {
  const expansions = new Expansions(text, start, end);
  const found: Token[] = [];
  for (let at = start; at < end; ) {
    const token = tokenAt(text, at, end, expansions);
    found.push(token);
    at = token.end;
  }
  return found;
};

/** The tokens of {@link tokens} that mean something: blanks and comments, nearly half of all, are not even made. */
export const code = (text: string, start = 0, end = text.length): Token[] => {
  const expansions = new Expansions(text, start, end);
  const found: Token[] = [];
  for (let at = start; at < end; ) {
    const behind = gapEnd(text, at, end);
    if (behind > at) {
      at = behind;
      continue;
    }
    const token = tokenAt(text, at, end, expansions);
    found.push(token);
    at = token.end;
  }
  return found;
};

/** Behind the blanks or the comment that begin at `at`; `at` when neither does. */
const gapEnd = (text: string, at: number, limit: number): number => {
  const code = text.charCodeAt(at);
  if (classOf(code) === BLANK) {
    let end = at + 1;
    while (end < limit && classOf(text.charCodeAt(end)) === BLANK) end += 1;
    return end;
  }
  if (code !== 47 || at + 1 >= limit) return at;
  const next = text.charCodeAt(at + 1);
  return next === 47 ? endOfLine(text, at, limit) : next === 42 ? endOfBlock(text, at, limit) : at;
};

/** What stands between the quotes of a name or a text, a doubled closing quote as one; other tokens as they are. */
export const unquoted = ({ kind, text }: Token): string => {
  const closing = closingOf(kind);
  if (closing === undefined) return text;
  const inner = text.slice(1, -1);
  return inner.includes(closing) && !inner.includes('$(') ? inner.replaceAll(closing + closing, closing) : inner;
};

/** The closing quote of a kind of token; undefined for those without quotes. */
export const closingOf = (kind: TokenKind): string | undefined => {
  switch (kind) {
    case 'text':
      return "'";
    case 'bracket':
      return ']';
    case 'quoted':
      return '"';
    case 'tick':
      return '`';
    default:
      return undefined;
  }
};

/** Dollar expansions in a text: where each begins and ends (behind its parenthesis), the outermost ones only. */
export const expansionsIn = (text: string): readonly { readonly start: number; readonly end: number }[] => {
  const found: { start: number; end: number }[] = [];
  if (!text.includes('$(')) return found;
  const expansions = new Expansions(text, 0, text.length);
  for (let at = text.indexOf('$('); at !== -1; ) {
    const end = expansions.endOf(at);
    if (end !== undefined) found.push({ start: at, end });
    at = text.indexOf('$(', end ?? at + 2);
  }
  return found;
};

const pieceOf = (kind: TokenKind, text: string, start: number, end: number): Token => ({
  kind,
  text: text.slice(start, end),
  start,
  end,
});

const tokenAt = (text: string, start: number, limit: number, expansions: Expansions): Token => {
  const character = text[start] as string;
  const kind = classOf(text.charCodeAt(start));
  if (kind === BLANK) return pieceOf('blank', text, start, gapEnd(text, start, limit));
  const next = start + 1 < limit ? text[start + 1] : undefined;
  if (kind === SYMBOL) {
    const gap = character === '/' ? gapEnd(text, start, limit) : start;
    if (gap > start) return pieceOf('comment', text, start, gap);
    const quote = QUOTES[character];
    if (quote !== undefined) {
      const end = endOfQuoted(text, start + 1, limit, quote[1], expansions);
      return end === undefined ? pieceOf('unclosed', text, start, limit) : pieceOf(quote[0], text, start, end);
    }
    const double = (character === '<' && (next === '>' || next === '=')) || (character === '>' && next === '=');
    return pieceOf('symbol', text, start, start + (double ? 2 : 1));
  }
  if (kind === DIGIT || (character === '.' && next !== undefined && next >= '0' && next <= '9')) {
    NUMBER.lastIndex = start;
    const end = Math.min(limit, start + (NUMBER.exec(text)?.[0].length ?? 1));
    const beyond = endOfWord(text, end, limit, expansions);
    // `Net*1.19as Gross`: nothing but a number can be what AS follows.
    const named = beyond - end === 2 && text.slice(end, beyond).toLowerCase() === 'as';
    return named
      ? pieceOf('number', text, start, end)
      : pieceOf(beyond === end ? 'number' : 'word', text, start, beyond);
  }
  if (character === '@') {
    FIXED.lastIndex = start;
    const length = FIXED.exec(text)?.[0].length ?? 0;
    if (length > 0 && start + length <= limit) return pieceOf('word', text, start, start + length);
  }
  const end = endOfWord(text, start, limit, expansions);
  return pieceOf(expansions.endOf(start) === end ? 'expansion' : 'word', text, start, end);
};

const endOfWord = (text: string, start: number, limit: number, expansions: Expansions): number => {
  let at = start;
  while (at < limit) {
    const kind = classOf(text.charCodeAt(at));
    if (kind !== WORD && kind !== DIGIT) break;
    at = expansions.endOf(at) ?? at + 1;
  }
  return at;
};

const endOfLine = (text: string, start: number, limit: number): number => {
  for (let at = start; at < limit; at++) {
    const character = text.charCodeAt(at);
    if (character === 10 || character === 13) return at;
  }
  return limit;
};

const endOfBlock = (text: string, start: number, limit: number): number => {
  const end = text.indexOf('*/', start + 2);
  return end === -1 || end + 2 > limit ? limit : end + 2;
};

/** Behind the closing quote; quotes within an expansion are the expansion's, which is done before anything is read. */
const endOfQuoted = (
  text: string,
  start: number,
  limit: number,
  closing: string,
  expansions: Expansions,
): number | undefined => {
  const code = closing.charCodeAt(0);
  for (let at = start; at < limit; ) {
    const character = text.charCodeAt(at);
    if (character === code) {
      if (at + 1 >= limit || text.charCodeAt(at + 1) !== code) return at + 1;
      at += 2;
    } else {
      at = (character === 36 ? expansions.endOf(at) : undefined) ?? at + 1;
    }
  }
  return undefined;
};

interface Open {
  readonly start: number;
  depth: number;
  quote: number;
}

/** Where the dollar expansions of a text end. The first that is asked for finds all in one pass. */
class Expansions {
  readonly #text: string;
  readonly #start: number;
  readonly #end: number;
  #ends: Map<number, number> | undefined;
  #left: Map<number, number> | undefined;

  constructor(text: string, start: number, end: number) {
    this.#text = text;
    this.#start = start;
    this.#end = end;
  }

  /** Behind the parenthesis that closes the expansion which begins at `at`; undefined when none does. */
  endOf(at: number): number | undefined {
    if (this.#text.charCodeAt(at) !== 36 || this.#text.charCodeAt(at + 1) !== 40) return undefined;
    this.#ends ??= this.#find(true);
    const end = this.#ends.get(at);
    if (end !== undefined) return end;
    // A lone apostrophe in it: then parentheses are all there is to go by.
    this.#left ??= this.#find(false);
    return this.#left.get(at);
  }

  #find(quotes: boolean): Map<number, number> {
    const ends = new Map<number, number>();
    const text = this.#text;
    const open: Open[] = [];
    let at = this.#next(this.#start);
    while (at < this.#end) {
      const code = text.charCodeAt(at);
      if (code === 36 && at + 1 < this.#end && text.charCodeAt(at + 1) === 40) {
        open.push({ start: at, depth: 1, quote: 0 });
        at += 2;
        continue;
      }
      const top = open.at(-1);
      if (top === undefined) {
        at = this.#next(at);
        continue;
      }
      at += 1;
      if (top.quote !== 0) {
        if (code === top.quote) top.quote = 0;
      } else if (code === 40) top.depth += 1;
      else if (code === 41) {
        top.depth -= 1;
        if (top.depth === 0) {
          open.pop();
          ends.set(top.start, at);
        }
      } else if (code === 59) {
        // No expansion goes beyond its statement.
        open.length = 0;
      } else if (quotes && (code === 39 || code === 34 || code === 96)) top.quote = code;
      else if (quotes && code === 91) top.quote = 93;
    }
    return ends;
  }

  /** Where the next expansion opens within the stretch; one whose parenthesis lies beyond it is none. */
  #next(from: number): number {
    const at = this.#text.indexOf('$(', from);
    return at === -1 || at + 1 >= this.#end ? this.#end : at;
  }
}
