/** A piece of SQL text. `start` and `end` are offsets in UTF-16 code units; `end` is behind the last one. */
export interface SqlToken {
  /** A `word` may begin with a digit (`2024_sales`) and hold unresolved `$(…)`. `text` is a literal. */
  readonly type: 'word' | 'quoted' | 'text' | 'number' | 'sign';
  /** Without quotes; a sign as it is. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
  /** A `$(…)` stands in it. */
  readonly hole: boolean;
}

const CLOSING: Record<string, string> = { '"': '"', '`': '`', '[': ']' };
const SPACE = /\s|\u00a0|\ufeff|\u200b/;
/** A date of Access. */
const DATE = /^#\d{1,4}[-/]\d{1,2}[-/]\d{1,4}[^#\n]{0,14}#/;
const WORD = /[\p{L}\p{N}_$#@]/u;
const SIGNS = ['<=>', '||', '<>', '!=', '<=', '>=', '::', '=>', '->', ':='];

/** Behind the parenthesis that closes the one of `$(` at `at`; the text's end when there is none. */
export function endOfHole(text: string, at: number): number {
  let depth = 0;
  for (let i = at + 1; i < text.length; i += 1) {
    const c = text[i];
    if (c === '(') depth += 1;
    else if (c === ')') {
      depth -= 1;
      if (depth === 0) return i + 1;
    }
  }
  return text.length;
}

/** {@link endOfHole} for all of a text in one pass: one of nothing but `$(` would be read to its end for each of them. */
class HoleEnds {
  readonly #text: string;
  #ends: ReadonlyMap<number, number> | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  of(at: number): number {
    this.#ends ??= this.#find();
    return this.#ends.get(at + 1) ?? this.#text.length;
  }

  #find(): ReadonlyMap<number, number> {
    const ends = new Map<number, number>();
    const open: number[] = [];
    for (let i = 0; i < this.#text.length; i += 1) {
      const code = this.#text.charCodeAt(i);
      if (code === 40) open.push(i);
      else if (code === 41) ends.set(open.pop() ?? -1, i + 1);
    }
    return ends;
  }
}

/** Behind the closing quote; a doubled one stands for itself. */
function endOfQuoted(text: string, at: number, close: string, holes: HoleEnds): number {
  for (let i = at + 1; i < text.length; i += 1) {
    if (text[i] === '$' && text[i + 1] === '(') {
      const end = holes.of(i);
      // An expansion that never closes is text like any other, so that it does not swallow the rest.
      if (end < text.length || text.endsWith(')')) i = end - 1;
      continue;
    }
    if (text[i] !== close) continue;
    if (text[i + 1] !== close) return i + 1;
    i += 1;
  }
  return text.length;
}

const BRACKETS: Record<string, string> = { '[': ']', '(': ')', '{': '}', '<': '>' };

/** Behind a literal of Oracle with quotes of its own choice, `q'[it's]'`; 0 when it never ends. */
function endOfAlternative(text: string, at: number): number {
  const open = text.indexOf("'", at) + 1;
  const sign = text[open] ?? '';
  return text.indexOf(`${BRACKETS[sign] ?? sign}'`, open + 1) + 2 - (sign === '' ? 2 : 0);
}

/** An array's index (`a[1]`) and not a name in brackets. */
function isIndex(text: string, at: number, last: SqlToken | undefined): boolean {
  if (last === undefined || last.end !== at || (last.type === 'sign' && last.value !== ')' && last.value !== ']'))
    return false;
  return last.type !== 'word' || /^\[\s*(?:\d+(?:\s*,\s*\d+)?|'[^']*'|-\d+)\s*\]/.test(text.slice(at, at + 80));
}

/**
 * The tokens of a SELECT for whatever database: quotes of all of them, comments left out. `//` is a comment as well, for
 * Qlik takes such lines away before it sends the statement. Never throws.
 */
export function tokenize(text: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  const holes = new HoleEnds(text);
  const add = (type: SqlToken['type'], value: string, start: number, end: number) => {
    tokens.push({ type, value, start, end, hole: type !== 'sign' && value.includes('$(') });
    return end;
  };
  let i = 0;
  while (i < text.length) {
    const c = text[i] as string;
    const two = text.slice(i, i + 2);
    if (SPACE.test(c)) i += 1;
    else if (two === '--' || two === '//') {
      const end = text.slice(i).search(/[\r\n]/);
      i = end < 0 ? text.length : i + end;
    } else if (two === '/*') {
      const end = text.indexOf('*/', i + 2);
      i = end < 0 ? text.length : end + 2;
    } else if (c === '#' && DATE.test(text.slice(i, i + 40))) {
      const end = text.indexOf('#', i + 1) + 1;
      i = add('text', text.slice(i + 1, end - 1), i, end);
    } else if (c === "'") {
      const end = endOfQuoted(text, i, "'", holes);
      i = add('text', text.slice(i + 1, Math.max(i + 1, end - 1)), i, end);
    } else if (/^n?q'/i.test(text.slice(i, i + 3)) && endOfAlternative(text, i) > 0) {
      const end = endOfAlternative(text, i);
      i = add('text', text.slice(text.indexOf("'", i) + 2, end - 2), i, end);
    } else if (CLOSING[c] !== undefined && !(c === '[' && isIndex(text, i, tokens.at(-1)))) {
      const close = CLOSING[c];
      const end = endOfQuoted(text, i, close, holes);
      i = add('quoted', text.slice(i + 1, Math.max(i + 1, end - 1)).replaceAll(close + close, close), i, end);
    } else if (two === '$(' || WORD.test(c) || (c >= '\ud800' && c <= '\udfff')) {
      i = word(text, i, holes, add);
    } else {
      const sign = SIGNS.find((s) => text.startsWith(s, i)) ?? c;
      i = add('sign', sign, i, i + sign.length);
    }
  }
  return tokens;
}

function word(
  text: string,
  start: number,
  holes: HoleEnds,
  add: (type: SqlToken['type'], value: string, start: number, end: number) => number,
): number {
  let end = start;
  if (/[0-9]/.test(text[start] as string)) {
    const number = /^(?:0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)/i.exec(text.slice(start, start + 100));
    end = start + (number?.[0].length ?? 1);
    if (!WORD.test(text[end] ?? ' ') && !text.startsWith('$(', end))
      return add('number', text.slice(start, end), start, end);
    // Names may begin with digits: `0MATERIAL`, `2024_sales`.
    end = start;
  }
  while (end < text.length) {
    if (text.startsWith('$(', end)) {
      end = holes.of(end);
      continue;
    }
    const c = text[end] as string;
    if (!WORD.test(c) && !(c >= '\ud800' && c <= '\udfff')) break;
    end += 1;
  }
  return add('word', text.slice(start, end), start, end);
}

/** It is this word, outside of quotes. */
export function isWord(token: SqlToken | undefined, ...words: readonly string[]): boolean {
  return token?.type === 'word' && words.includes(token.value.toLowerCase());
}

/** It is this sign. */
export function isSign(token: SqlToken | undefined, sign: string): boolean {
  return token?.type === 'sign' && token.value === sign;
}

/** Where each `(` of a list of tokens closes, found once for all: a text of nothing but parentheses must not take minutes. */
const matches = new WeakMap<readonly SqlToken[], ReadonlyMap<number, number>>();

function matchesOf(tokens: readonly SqlToken[]): ReadonlyMap<number, number> {
  let found = matches.get(tokens);
  if (found === undefined) {
    const closed = new Map<number, number>();
    const open: number[] = [];
    tokens.forEach((token, i) => {
      if (isSign(token, '(')) open.push(i);
      else if (isSign(token, ')')) closed.set(open.pop() ?? -1, i);
    });
    found = closed;
    matches.set(tokens, found);
  }
  return found;
}

/** Index of the `)` that closes the `(` at `open`; the end of the tokens when there is none. The list may not change any more. */
export const closing = (tokens: readonly SqlToken[], open: number): number =>
  matchesOf(tokens).get(open) ?? tokens.length;
