import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Expression, SetExpression, Span } from '#agent/lineage/syntax/expression.ts';
import { code, tokens } from '#agent/lineage/syntax/lexer.ts';
import { parseExpression, parseExpressionAt } from '#agent/lineage/syntax/parser.ts';

const kinds = (text: string): string[] => tokens(text).map(({ kind, text: piece }) => `${kind} ${piece}`);

test('a token is a piece of the text as it was written', () => {
  expect(kinds("a.b$(v)<>[x]]y]'O''H'$(=f(')')) 1.5//c\n/*d*/;")).toEqual([
    'word a.b$(v)',
    'symbol <>',
    'bracket [x]]y]',
    "text 'O''H'",
    "expansion $(=f(')'))",
    'blank  ',
    'number 1.5',
    'comment //c',
    'blank \n',
    'comment /*d*/',
    'symbol ;',
  ]);
  expect(kinds("x 'y")).toEqual(['word x', 'blank  ', "unclosed 'y"]);
  expect(kinds('$(x; y)')).toEqual(['word $', 'symbol (', 'word x', 'symbol ;', 'blank  ', 'word y', 'symbol )']);
});

const PIECES = [
  'Sum(',
  'Aggr(',
  ')',
  '{<',
  '>}',
  '{',
  '}',
  '<',
  '>',
  '=',
  '-=',
  '$(',
  '$(=',
  '[',
  ']',
  '"',
  '"=',
  "'",
  '`',
  '//',
  '/*',
  '*/',
  '\n',
  ',',
  ';',
  'TOTAL ',
  'DISTINCT ',
  'P(',
  'E(',
  'not ',
  ' and ',
  ' like ',
  'AS ',
  'FROM ',
  'Feld ü',
  '%Key',
  '@1:2',
  '1.5',
  '.5',
  '::',
  ' ',
  '\u200b',
  '&',
  '+',
  '-',
  '*',
  '/',
  '$',
  '#',
  '\\',
  '\ud83d',
  '😀',
];
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 80 }).map((pieces) => pieces.join('')),
);

test('whatever it is, the pieces are the text again, and so is a stretch of it', () => {
  fc.assert(
    fc.property(texts, fc.nat(200), fc.nat(200), (text, a, b) => {
      const [start, end] = [Math.min(a, b, text.length), Math.min(Math.max(a, b), text.length)];
      for (const [from, to] of [
        [0, text.length],
        [start, end],
      ] as const) {
        const found = tokens(text, from, to);
        expect(found.map((token) => token.text).join('')).toBe(text.slice(from, to));
        expect(code(text, from, to)).toEqual(found.filter(({ kind }) => kind !== 'blank' && kind !== 'comment'));
        let at = from;
        for (const token of found) {
          expect(token.start).toBe(at);
          expect(token.end).toBeGreaterThan(at);
          expect(token.text).toBe(text.slice(token.start, token.end));
          at = token.end;
        }
      }
    }),
    { numRuns: 3_000 },
  );
});

test('every stretch of every joint of two pieces is read to its end', () => {
  for (const left of PIECES) {
    for (const right of PIECES) {
      const text = `${left}${right}$(x)`;
      for (let start = 0; start <= text.length; start++) {
        for (let end = start; end <= text.length; end++) {
          expect(
            tokens(text, start, end)
              .map((token) => token.text)
              .join(''),
          ).toBe(text.slice(start, end));
        }
      }
    }
  }
});

test('the parser takes everything, and what it makes lies within the text and within its parent', () => {
  fc.assert(
    fc.property(texts, fc.constantFrom('script' as const, 'chart' as const), (text, mode) => {
      check(parseExpression(text, { mode }).expression, { start: 0, end: text.length });
      const found = code(text);
      const { next } = parseExpressionAt(found, 0, mode);
      expect(next).toBeLessThanOrEqual(found.length);
    }),
    { numRuns: 3_000 },
  );
});

/** Throws when something lies outside of what it is a part of; a bare `throw`, as there are many of them. */
const check = (expression: Expression, within: Span): void => {
  const { span } = expression;
  inside(span, within);
  switch (expression.type) {
    case 'unary':
      check(expression.operand, span);
      return;
    case 'binary':
      check(expression.left, span);
      check(expression.right, span);
      return;
    case 'call':
      for (const arg of expression.args) check(arg, span);
      for (const field of expression.total ?? []) check(field, span);
      if (expression.set !== undefined) checkSet(expression.set, span);
      return;
    default:
      return;
  }
};

const checkSet = (set: SetExpression, within: Span): void => {
  for (const entity of set.entities) {
    for (const { field, values, span } of entity.modifiers) {
      check(field, within);
      inside(span, within);
      for (const value of values) {
        if (value.type === 'search') check(value.expression, span);
        if (value.type === 'field') check(value.field, span);
        if (value.type === 'possible' && value.set !== undefined) checkSet(value.set, span);
      }
    }
  }
};

const inside = ({ start, end }: Span, within: Span): void => {
  if (start < within.start || end > within.end || end < start) {
    throw new Error(`${start}-${end} is not within ${within.start}-${within.end}`);
  }
};

test('spans in searches are those of the text around them', () => {
  const text = 'Sum({<N={"=Max({<A={""x""}>} [y]) > z"}>} w)';
  const names: string[] = [];
  const visit = (expression: Expression): void => {
    if (expression.type === 'name') names.push(text.slice(expression.span.start, expression.span.end));
    if (expression.type === 'binary') [expression.left, expression.right].forEach(visit);
    if (expression.type === 'call') {
      for (const { modifiers } of expression.set?.entities ?? []) {
        for (const { field, values } of modifiers) {
          visit(field);
          for (const value of values) if (value.type === 'search') visit(value.expression);
        }
      }
      expression.args.forEach(visit);
    }
  };
  visit(parseExpression(text, { mode: 'chart' }).expression);
  expect(names).toEqual(['N', 'A', '[y]', 'z', 'w']);
});

test('deep, long and broken texts are read in one go', () => {
  for (const piece of [
    ...PIECES,
    '((',
    '{"=Sum({<A={',
    '$(=$(',
    'x$(',
    ']]',
    '- ',
    'not (',
    'a+b-',
    'a or b and c=d&e+f*(',
    'Aggr(x,(',
    '{<A={"=',
    "'",
    '<a=P({',
  ]) {
    const text = piece.repeat(Math.ceil(50_000 / piece.length));
    const { expression, diagnostics } = parseExpression(text, { mode: 'chart' });
    check(expression, { start: 0, end: text.length });
    expect(diagnostics.length).toBeLessThanOrEqual(50);
  }
});
