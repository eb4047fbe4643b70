import { Refusal } from './answer.ts';

/** The operators of the repository's filters; `so` is "substring of". */
const OPERATORS = ['eq', 'ne', 'gt', 'ge', 'lt', 'le', 'sw', 'ew', 'so'] as const;
export type Operator = (typeof OPERATORS)[number];

/** `word`: unquoted and no number: a GUID, or the name of an enumeration's value. */
export type Literal =
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'word'; readonly value: string }
  | { readonly type: 'number'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'null' };

export type Filter =
  | { readonly type: 'and' | 'or'; readonly left: Filter; readonly right: Filter }
  | { readonly type: 'not'; readonly of: Filter }
  /** A path of properties, or `@Name` for a custom property. */
  | {
      readonly type: 'compare';
      readonly path: readonly string[];
      readonly operator: Operator;
      readonly literal: Literal;
    };

type Token =
  | { readonly type: '(' | ')' | 'end'; readonly at: number }
  | { readonly type: 'text' | 'word'; readonly value: string; readonly at: number };

const MAX_LENGTH = 100_000;
const MAX_DEPTH = 200;

const bad = (at: number, what: string): Refusal =>
  new Refusal(400, `Invalid filter expression at position ${at}: ${what}`);

function* tokens(text: string): Generator<Token> {
  const pattern = /\s+|([()])|'((?:[^']|'')*)'|([^\s()']+)/y;
  let at = 0;
  while (at < text.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) throw bad(at, "a text that starts with ' has no end");
    const [, bracket, quotedText, word] = match;
    if (bracket === '(' || bracket === ')') yield { type: bracket, at };
    else if (quotedText !== undefined) yield { type: 'text', value: quotedText.replaceAll("''", "'"), at };
    else if (word !== undefined) yield { type: 'word', value: word, at };
    at = pattern.lastIndex;
  }
  yield { type: 'end', at };
}

const PATH = /^(@[^\s]+|[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)*)$/;
const NUMBER = /^-?\d+(\.\d+)?$/;

const literalOf = (token: Token): Literal => {
  if (token.type === 'text') return { type: 'text', value: token.value };
  if (token.type !== 'word') throw bad(token.at, 'a value is missing');
  const lower = token.value.toLowerCase();
  if (lower === 'true' || lower === 'false') return { type: 'boolean', value: lower === 'true' };
  if (lower === 'null') return { type: 'null' };
  if (NUMBER.test(token.value)) return { type: 'number', value: Number(token.value) };
  if (!/^[\w-]+$/.test(token.value)) throw bad(token.at, `texts and dates need single quotes: ${token.value}`);
  return { type: 'word', value: token.value };
};

const isOperator = (word: string): word is Operator => (OPERATORS as readonly string[]).includes(word);

/**
 * Reads a filter: comparisons `path operator value` joined by `and` (binds tighter) and `or`, with parentheses and `not`.
 * Texts stand in single quotes, doubled to be quoted. Throws {@link Refusal} 400 with the position of the mistake.
 */
export const parseFilter = (text: string): Filter => {
  if (text.length > MAX_LENGTH) throw new Refusal(414, 'The filter is too long');
  const all = [...tokens(text)];
  let next = 0;
  const peek = (): Token => all[next] as Token;
  const take = (): Token => all[next++] as Token;
  const isWord = (word: string): boolean => {
    const token = peek();
    return token.type === 'word' && token.value.toLowerCase() === word;
  };
  const comparison = (): Filter => {
    const path = take();
    if (path.type !== 'word' || !PATH.test(path.value)) throw bad(path.at, 'a property name is missing');
    const operator = take();
    const name = operator.type === 'word' ? operator.value.toLowerCase() : '';
    if (!isOperator(name)) throw bad(operator.at, `an operator (${OPERATORS.join(', ')}) is missing`);
    const literal = literalOf(take());
    const parts = path.value.startsWith('@') ? [path.value] : path.value.split('.');
    return { type: 'compare', path: parts, operator: name, literal };
  };
  const primary = (depth: number): Filter => {
    if (depth > MAX_DEPTH) throw bad(peek().at, 'too many parentheses');
    if (isWord('not')) {
      take();
      return { type: 'not', of: primary(depth + 1) };
    }
    if (peek().type !== '(') return comparison();
    take();
    const inner = either(depth + 1);
    const end = take();
    if (end.type !== ')') throw bad(end.at, 'a closing parenthesis is missing');
    return inner;
  };
  const both = (depth: number): Filter => {
    let left = primary(depth);
    while (isWord('and')) {
      take();
      left = { type: 'and', left, right: primary(depth) };
    }
    return left;
  };
  const either = (depth: number): Filter => {
    let left = both(depth);
    while (isWord('or')) {
      take();
      left = { type: 'or', left, right: both(depth) };
    }
    return left;
  };
  const filter = either(0);
  const rest = peek();
  if (rest.type !== 'end') throw bad(rest.at, 'nothing more was expected here');
  return filter;
};

/** The properties that a filter asks for, as it spells them. */
export const pathsOf = (filter: Filter): readonly string[] => {
  switch (filter.type) {
    case 'compare':
      return [filter.path.join('.')];
    case 'not':
      return pathsOf(filter.of);
    case 'and':
    case 'or':
      return [...pathsOf(filter.left), ...pathsOf(filter.right)];
    default:
      return filter satisfies never;
  }
};

/**
 * The values that `path` must equal for the filter to hold, when it says so (`app.id eq a or app.id eq b`): lets a caller
 * read less. Null when other rows may match too.
 */
export const requiredValues = (filter: Filter | null, path: string): ReadonlySet<string> | null => {
  if (filter === null) return null;
  switch (filter.type) {
    case 'compare': {
      const { literal } = filter;
      if (filter.operator !== 'eq' || filter.path.join('.').toLowerCase() !== path.toLowerCase()) return null;
      return literal.type === 'word' || literal.type === 'text' ? new Set([literal.value.toLowerCase()]) : null;
    }
    case 'not':
      return null;
    case 'and':
      return requiredValues(filter.left, path) ?? requiredValues(filter.right, path);
    case 'or': {
      const left = requiredValues(filter.left, path);
      const right = requiredValues(filter.right, path);
      return left === null || right === null ? null : new Set([...left, ...right]);
    }
    default:
      return filter satisfies never;
  }
};
