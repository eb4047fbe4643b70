import { Cursor, isName, type Mode, nameOf, type SyntaxDiagnostic } from './cursor.ts';
import type { Binary, Call, Expression, Name, SetExpression } from './expression.ts';
import { code, type Token, unquoted } from './lexer.ts';
import { parseSet } from './parser-sets.ts';

export interface ParsedExpression {
  readonly expression: Expression;
  readonly diagnostics: readonly SyntaxDiagnostic[];
}

/** The tighter, the higher. `not` stands between `and` and the comparisons. */
const PRECEDENCE: ReadonlyMap<string, number> = new Map(
  [
    ['or'],
    ['xor'],
    ['and'],
    [],
    ['=', '<>', '<', '>', '<=', '>=', 'like', 'follows', 'precedes', 'is'],
    ['&'],
    ['+', '-'],
    ['*', '/', 'div', 'mod'],
    ['bitand', 'bitor', 'bitxor'],
  ].flatMap((operators, level) => operators.map((operator) => [operator, level + 1] as const)),
);
const NOT = 4;
const SIGN = 10;
/** Their order does not matter: long chains of one of them become a tree that is not deep. */
const ASSOCIATIVE: ReadonlySet<string> = new Set(['or', 'xor', 'and', '&', '+', '*', '']);
const LONG_CHAIN = 100;
const LONGEST_CHAIN = 2_000;
/** Words that end an expression of a script even where a parenthesis is open: it was forgotten. */
const ENDS: ReadonlySet<string> = new Set(
  'as from resident inline autogenerate where while from_field extension group order load select'.split(' '),
);
/** Functions that may begin with TOTAL: in others it is the name of a field, `If(Total < 5, …)`. */
const WITH_TOTAL: ReadonlySet<string> = new Set(
  (
    'avg concat correl count firstsortedvalue fractile fractileexc irr kurtosis linest_b linest_df linest_f linest_m ' +
    'linest_r2 linest_seb linest_sem linest_sey linest_ssreg linest_ssresid max maxstring median min minstring ' +
    'missingcount mode npv nullcount numericcount only skew stdev sterr steyx sum textcount xirr xnpv above below ' +
    'before after top bottom first last rowno columnno noofrows noofcolumns rank hrank vrank'
  ).split(' '),
);
const COUNTERS: ReadonlySet<string> = new Set(['rowno', 'columnno', 'noofrows', 'noofcolumns']);
const QUALIFIERS: ReadonlySet<string> = new Set(['distinct', 'nodistinct', 'total', 'all']);

/**
 * The expression that `text` is, from `start` to `end`. Never throws: what cannot be read is an {@link Unreadable} among
 * the rest, and said in `diagnostics`. Time grows with the length; depth is bounded.
 */
export const parseExpression = (
  text: string,
  options: { readonly mode: Mode; readonly start?: number; readonly end?: number },
): ParsedExpression => {
  const cursor = new Cursor(code(text, options.start, options.end), options.mode);
  return { expression: whole(cursor), diagnostics: cursor.diagnostics };
};

/**
 * The expression that begins at the token `at` of `tokens` (blanks and comments taken out), and the index of the token
 * behind it: a comma, a closing parenthesis, `;`, or a word such as AS and FROM where an operator would stand. `gaveUp`: it
 * is too much to be read, and nobody looked where it ends.
 */
export const parseExpressionAt = (
  found: readonly Token[],
  at: number,
  mode: Mode,
): ParsedExpression & { readonly next: number; readonly gaveUp: boolean } => {
  const cursor = new Cursor(found, mode, at);
  const expression = binary(cursor, 0);
  return { expression, diagnostics: cursor.diagnostics, next: cursor.at, gaveUp: cursor.gaveUp };
};

/** All tokens of the cursor, come what may. */
const whole = (cursor: Cursor): Expression => {
  if (cursor.mode === 'chart') cursor.skip('=');
  const first = binary(cursor, 0);
  return cursor.token === undefined ? first : rest(cursor, first, () => false);
};

/** Goes on where an expression should have ended: what follows is kept, so that no name is lost. */
const rest = (cursor: Cursor, first: Expression, ended: () => boolean): Expression => {
  const pieces = [first];
  while (cursor.token !== undefined && !ended()) {
    const before = cursor.at;
    if (cursor.token.kind === 'symbol' && !'([{'.includes(cursor.token.text)) {
      cursor.complain(`"${cursor.token.text}" was not expected`);
      cursor.at += 1;
      if (cursor.token === undefined || ended()) break;
    } else if (cursor.token.kind !== 'expansion') cursor.complain('an operator is missing');
    pieces.push(binary(cursor, 0));
    if (cursor.at === before) break;
  }
  return chain(
    pieces,
    pieces.slice(1).map(() => ''),
  );
};

/** Operators of `minimum` and tighter; `first`: the operand that they begin with, when it was read already. */
const binary = (cursor: Cursor, minimum: number, first?: Expression): Expression =>
  cursor.within(() => {
    let left = first ?? operand(cursor);
    for (;;) {
      const found = operatorAt(cursor);
      if (found === undefined || found.level < minimum) return left;
      const operands = [left];
      const operators: string[] = [];
      let mixed = !ASSOCIATIVE.has(found.operator);
      for (let next: Operator | undefined = found; next?.level === found.level; next = operatorAt(cursor)) {
        mixed ||= next.operator !== found.operator;
        if (operators.length >= LONGEST_CHAIN && mixed) {
          operators.push('');
          operands.push(cursor.unreadable('too many operators in a row', cursor.tokens.length));
          break;
        }
        cursor.at += next.length;
        operators.push(next.operator);
        operands.push(next.operator.endsWith(' null') ? omitted(cursor) : binary(cursor, found.level + 1));
      }
      left = chain(operands, operators);
    }
  }) ?? cursor.unreadable('nested too deeply', cursor.tokens.length);

interface Operator {
  readonly operator: string;
  readonly level: number;
  /** In tokens. */
  readonly length: number;
}

const operatorAt = (cursor: Cursor): Operator | undefined => {
  const { token } = cursor;
  if (token === undefined) return undefined;
  if (token.kind === 'symbol') {
    const level = PRECEDENCE.get(token.text);
    return level === undefined ? undefined : { operator: token.text, level, length: 1 };
  }
  // Nobody knows what it stands for; an operator, perhaps.
  if (token.kind === 'expansion' || isBehindExpansion(cursor, token))
    return { operator: '', level: SIGN - 1, length: 0 };
  if (token.kind !== 'word') return undefined;
  const word = token.text.toLowerCase();
  if (word === 'not' && cursor.word(1) === 'like') return { operator: 'not like', level: NOT + 1, length: 2 };
  if (word === 'is') {
    if (cursor.word(1) === 'null') return { operator: 'is null', level: NOT + 1, length: 2 };
    if (cursor.word(1) === 'not' && cursor.word(2) === 'null') {
      return { operator: 'is not null', level: NOT + 1, length: 3 };
    }
    return undefined;
  }
  const level = PRECEDENCE.get(word);
  return level === undefined ? undefined : { operator: word, level, length: 1 };
};

const isBehindExpansion = (cursor: Cursor, token: Token): boolean =>
  cursor.peek(-1)?.kind === 'expansion' && begins(token, cursor) && (cursor.mode === 'chart' || token.kind !== 'word');

const uniform = (operators: readonly string[]): boolean =>
  ASSOCIATIVE.has(operators[0] ?? '') && operators.every((operator) => operator === operators[0]);

/** Left to right; a long chain of one operator is split in the middle, so that nobody has to go down a thousand levels. */
const chain = (operands: readonly Expression[], operators: readonly string[]): Expression => {
  const [first] = operands;
  if (first === undefined) return { type: 'unreadable', text: '', why: 'nothing here', span: { start: 0, end: 0 } };
  if (operators.length > LONG_CHAIN && uniform(operators)) {
    const half = operands.length >> 1;
    const left = chain(operands.slice(0, half), operators.slice(0, half - 1));
    return joined(left, operators[0] ?? '', chain(operands.slice(half), operators.slice(half)));
  }
  return operands.slice(1).reduce((left, right, i) => joined(left, operators[i] ?? '', right), first);
};

const joined = (left: Expression, operator: string, right: Expression): Binary => ({
  type: 'binary',
  operator,
  left,
  right,
  span: { start: left.span.start, end: Math.max(left.span.end, right.span.end) },
});

const operand = (cursor: Cursor): Expression => {
  const { token } = cursor;
  if (token === undefined) return cursor.unreadable('an expression is missing', cursor.at);
  const span = { start: token.start, end: token.end };
  switch (token.kind) {
    case 'number':
      cursor.at += 1;
      return { type: 'number', value: Number(token.text), span };
    case 'text':
      cursor.at += 1;
      return { type: 'text', value: unquoted(token), span };
    case 'expansion':
      if (cursor.is('(', 1)) return call(cursor, token);
      cursor.at += 1;
      return { type: 'expansion', text: token.text.slice(2, -1), span };
    case 'unclosed':
      return cursor.unreadable('a quote is not closed', cursor.at + 1);
    case 'word':
      return word(cursor, token);
    case 'symbol':
      return symbol(cursor, token);
    default:
      // `[Name](…)` is none of a function's ways to be called.
      return cursor.takeName(token);
  }
};

const word = (cursor: Cursor, token: Token): Expression => {
  const lower = token.text.toLowerCase();
  if ((lower === 'not' || lower === 'bitnot') && begins(cursor.peek(1), cursor)) {
    cursor.at += 1;
    const inner = binary(cursor, lower === 'not' ? NOT : SIGN);
    return { type: 'unary', operator: lower, operand: inner, span: cursor.spanFrom(token.start) };
  }
  return cursor.is('(', 1) ? call(cursor, token) : cursor.takeName(token);
};

const symbol = (cursor: Cursor, token: Token): Expression => {
  if (token.text === '-' || token.text === '+') {
    cursor.at += 1;
    const inner = binary(cursor, SIGN);
    return { type: 'unary', operator: token.text, operand: inner, span: cursor.spanFrom(token.start) };
  }
  if (token.text === '(') return call(cursor, undefined);
  if (token.text === '{') {
    const set = parseSet(cursor, whole);
    const inner = binary(cursor, SIGN);
    return withSet(inner, set, cursor.spanFrom(token.start));
  }
  // An operator without its left side, or what ends the expression: nothing is taken of the latter.
  if (PRECEDENCE.has(token.text)) {
    cursor.complain(`"${token.text}" was not expected`);
    cursor.at += 1;
    return binary(cursor, SIGN);
  }
  return cursor.unreadable('an expression is missing', cursor.at);
};

const withSet = (inner: Expression, set: SetExpression, span: Call['span']): Call => {
  const plain = inner.type === 'call' && inner.set === undefined;
  if (plain) return { ...inner, set, span };
  return { type: 'call', name: '', args: [inner], distinct: false, total: undefined, set, sorting: [], span };
};

/** Whether an operand can begin with a token. */
const begins = (token: Token | undefined, cursor: Cursor): boolean => {
  if (token === undefined || token.kind === 'unclosed') return false;
  if (token.kind === 'symbol') return '(-+{'.includes(token.text);
  if (token.kind !== 'word') return true;
  const lower = token.text.toLowerCase();
  return !PRECEDENCE.has(lower) && !(cursor.mode === 'script' && ENDS.has(lower));
};

/** A function, or a parenthesis when there is no name. */
const call = (cursor: Cursor, named: Token | undefined): Expression => {
  const start = cursor.position;
  const name = named?.text.toLowerCase() ?? '';
  cursor.at += named === undefined ? 1 : 2;
  const found: { -readonly [K in 'distinct' | 'total' | 'set']: Call[K] } = {
    distinct: false,
    total: undefined,
    set: undefined,
  };
  while (name !== '' && qualifier(cursor, name, found));
  const args: Expression[] = [];
  const sorting: string[] = [];
  while (!atEnd(cursor)) {
    if (cursor.skip(',')) {
      // `f(a,,b)`: an argument may be left out.
      if (args.length === 0 || cursor.is(',') || cursor.is(')')) args.push(omitted(cursor));
      continue;
    }
    const before = cursor.at;
    const sorted = name === 'aggr' && args.length > 0 && cursor.is('(') ? dimension(cursor, sorting) : undefined;
    const arg = binary(cursor, 0, sorted);
    args.push(rest(cursor, arg, () => cursor.is(',') || atEnd(cursor)));
    if (cursor.at === before) break;
  }
  cursor.expect(')');
  return { type: 'call', name, args, ...found, sorting, span: cursor.spanFrom(start) };
};

const omitted = (cursor: Cursor): Expression => ({
  type: 'text',
  value: '',
  span: { start: cursor.end, end: cursor.end },
});

const atEnd = (cursor: Cursor): boolean =>
  cursor.token === undefined ||
  cursor.is(')') ||
  cursor.is('}') ||
  cursor.is(';') ||
  (cursor.mode === 'script' && ENDS.has(cursor.word()) && endsOperand(cursor.peek(-1)));

/** Whether an operand ends with a token: then a word behind it stands in the place of an operator. */
const endsOperand = (token: Token | undefined): boolean =>
  token !== undefined && (token.kind !== 'symbol' || token.text === ')') && !PRECEDENCE.has(token.text.toLowerCase());

/** `{…}`, DISTINCT, TOTAL and ALL in front of the first argument, in any order. */
const qualifier = (
  cursor: Cursor,
  called: string,
  found: { -readonly [K in 'distinct' | 'total' | 'set']: Call[K] },
): boolean => {
  if (cursor.is('{')) {
    const set = parseSet(cursor, whole);
    found.set =
      found.set === undefined
        ? set
        : {
            entities: [...found.set.entities, ...set.entities],
            span: { start: found.set.span.start, end: set.span.end },
          };
    return true;
  }
  const keyword = cursor.word();
  if (!QUALIFIERS.has(keyword)) return false;
  const next = cursor.peek(1);
  if (keyword === 'total') {
    if (!WITH_TOTAL.has(called) && !called.includes('$(')) return false;
    if (COUNTERS.has(called) && cursor.is(')', 1)) {
      cursor.at += 1;
      found.total = [];
      return true;
    }
    const fields = totalFields(cursor);
    if (fields !== undefined) {
      found.total = fields;
      return true;
    }
  }
  const follows = next?.kind === 'symbol' ? '({'.includes(next.text) : begins(next, cursor);
  if (!follows) return false;
  cursor.at += 1;
  if (keyword === 'distinct') found.distinct = true;
  if (keyword === 'total') found.total = [];
  return true;
};

/** `TOTAL <a, b>`: undefined when it is none of that. */
const totalFields = (cursor: Cursor): readonly Name[] | undefined => {
  if (cursor.is('<>', 1)) {
    cursor.at += 2;
    return [];
  }
  if (!cursor.is('<', 1)) return undefined;
  const fields: Name[] = [];
  for (let ahead = 2; ; ahead++) {
    const token = cursor.peek(ahead);
    if (token === undefined) return undefined;
    if (isName(token) || token.kind === 'expansion') fields.push(nameOf(token));
    else if (token.kind !== 'symbol') return undefined;
    else if (token.text === '>') {
      cursor.at += ahead + 1;
      return fields;
    } else if (token.text !== ',') return undefined;
  }
};

/** `(Field, (NUMERIC, ASCENDING))` or `(Field, TEXT)` of Aggr: the cursor stands on its parenthesis. */
const dimension = (cursor: Cursor, sorting: string[]): Expression => {
  const start = cursor.position;
  cursor.at += 1;
  const field = binary(cursor, 0);
  const by: Expression[] = [];
  let open = 1;
  for (let token = cursor.token; token !== undefined && open > 0; token = cursor.token) {
    if (cursor.skip('=')) {
      // Sorted by an expression.
      by.push(binary(cursor, 0));
      continue;
    }
    if (token.kind === 'symbol' && (token.text === '}' || token.text === ';')) break;
    cursor.at += 1;
    if (token.kind === 'word') sorting.push(token.text.toLowerCase());
    else if (token.kind === 'symbol' && token.text === '(') open += 1;
    else if (token.kind === 'symbol' && token.text === ')') open -= 1;
  }
  if (open > 0) cursor.complain('")" is missing');
  const span = cursor.spanFrom(start);
  const args = [field, ...by];
  return { type: 'call', name: '', args, distinct: false, total: undefined, set: undefined, sorting: [], span };
};
