/** A filter expression that cannot be read: what is wrong, where in its text, and what to write instead. */
export class ExpressionError extends Error {
  /** In UTF-16 code units from the beginning of the expression. */
  readonly offset: number;
  readonly advice: string;

  constructor(offset: number, message: string, advice: string) {
    super(message);
    this.offset = offset;
    this.advice = advice;
  }
}

export type Token =
  | { readonly type: 'word'; readonly value: string; readonly at: number }
  | { readonly type: 'text'; readonly value: string; readonly at: number }
  | { readonly type: 'regex'; readonly value: string; readonly flags: string; readonly at: number }
  | { readonly type: 'sign'; readonly value: string; readonly at: number }
  | { readonly type: 'end'; readonly at: number };

/** The longest expression, in characters. */
export const EXPRESSION_CHARS = 100_000;

const SINGLE_QUOTES = "Texts stand in single quotes: 'Sales'; in one a quote is written \\' and a backslash \\\\.";

/** What other languages write, and what it is here. */
const FOREIGN: Readonly<Record<string, string>> = {
  '==': 'Write = for ==.',
  '<>': 'Write != for <>.',
  '!~': 'Write not matches: name not matches /…/.',
  '=~': 'Write ~ or matches.',
  '<': 'Only texts are compared here, and only by =, !=, ~, starts with, ends with and contains.',
  '>': 'Only texts are compared here, and only by =, !=, ~, starts with, ends with and contains.',
  '%': "Any text is * here: name ~ 'Sales*'.",
  '|': 'Write or, or ||.',
  '&': 'Write and, or &&.',
};

/** The end of a text that begins with a sign at `start`: where that sign stands again without a backslash. */
const closing = (text: string, start: number, sign: string): number => {
  for (let i = start + 1; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === sign) return i;
  }
  return -1;
};

const textAt = (source: string, at: number): { readonly token: Token; readonly end: number } => {
  const close = closing(source, at, "'");
  if (close < 0) throw new ExpressionError(at, "A text that begins with ' has no end.", SINGLE_QUOTES);
  const value = source.slice(at + 1, close).replaceAll(/\\([\s\S])/g, '$1');
  return { token: { type: 'text', value, at }, end: close + 1 };
};

const regexAt = (source: string, at: number): { readonly token: Token; readonly end: number } => {
  const close = closing(source, at, '/');
  if (close < 0)
    throw new ExpressionError(
      at,
      'A regular expression that begins with / has no end.',
      'Close it with /; a / within it is written \\/.',
    );
  const flags = /^[A-Za-z]*/.exec(source.slice(close + 1, close + 40))?.[0] ?? '';
  const value = source
    .slice(at + 1, close)
    .replaceAll('\\/', '/')
    .trim();
  return { token: { type: 'regex', value, flags, at }, end: close + 1 + flags.length };
};

const wrong = (source: string, at: number): ExpressionError => {
  const rest = source.slice(at, at + 2);
  const c = source[at] ?? '';
  if (c === '"' || /[“”„‘’‚]/.test(c)) return new ExpressionError(at, `${c} begins no text here.`, SINGLE_QUOTES);
  const found = FOREIGN[rest] === undefined ? c : rest;
  return new ExpressionError(
    at,
    `${found} means nothing in a filter.`,
    FOREIGN[found] ?? `Take it out, or put the text that it belongs to in single quotes.`,
  );
};

/** Cuts an expression into words, texts, regular expressions and signs; comments run from # to the end of the line. */
export const tokensOf = (source: string): readonly Token[] => {
  const tokens: Token[] = [];
  const blank = /(?:\s+|#[^\n]*)+/y;
  const word = /[_A-Za-z][_A-Za-z0-9]*/y;
  for (let at = 0; ; ) {
    blank.lastIndex = at;
    if (blank.test(source)) at = blank.lastIndex;
    if (at >= source.length) return [...tokens, { type: 'end', at }];
    word.lastIndex = at;
    const name = word.exec(source)?.[0];
    if (name !== undefined) {
      tokens.push({ type: 'word', value: name, at });
      at += name.length;
    } else if (source[at] === "'" || source[at] === '/') {
      const { token, end } = source[at] === '/' ? regexAt(source, at) : textAt(source, at);
      tokens.push(token);
      at = end;
    } else {
      const two = source.slice(at, at + 2);
      const sign = FOREIGN[two] === undefined && ['!=', '||', '&&'].includes(two) ? two : (source[at] ?? '');
      if (FOREIGN[two] !== undefined || !['!=', '||', '&&', '(', ')', ',', '=', '!', '~'].includes(sign))
        throw wrong(source, at);
      tokens.push({ type: 'sign', value: sign, at });
      at += sign.length;
    }
  }
};
