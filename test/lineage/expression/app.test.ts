import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type KnownNames, type Resolved, resolve } from '#agent/lineage/expression/app-names.ts';
import { expanded } from '#agent/lineage/expression/expansion.ts';
import { macroExpression } from '#agent/lineage/expression/macro.ts';

const FIELDS = 8;
const APP: KnownNames = {
  fields: new Set(['Sales', 'Cost', 'Year', 'Region', 'Date', 'Both', 'vField', 'Orders.Id']),
  variables: new Map([
    ['vSales', 'Sum(Sales)'],
    ['vMax', '=Max(Year)'],
    ['vMargin', '(Sum($1) - Sum($2)) / Sum($1)'],
    ['vSet', '<Region={"N*"}>'],
    ['vLoop', '1 + $(vLoop2)'],
    ['vLoop2', '1 + $(vLoop)'],
    ['vBoth', '10'],
    ['vName', 'Sales'],
  ]),
  measures: new Map([
    ['Margin', { id: 'm1', expression: 'Sum(Sales) - [Total Cost]' }],
    ['Total Cost', { id: 'm2', expression: 'Sum({<Region={1}>} Cost)' }],
    ['Both', { id: 'm3', expression: 'Sum(Cost)' }],
    ['Loop', { id: 'm4', expression: '[Loop] + Sum(Sales)' }],
  ]),
  complete: true,
};

const shown = ({ fields }: Resolved): string[] =>
  fields.map(
    ({ name, roles, direct, reasons }) => `${name} ${[...roles].join('+')}${direct ? '' : ` by ${reasons.join(' ')}`}`,
  );
const read = (text: string, columns?: ReadonlyMap<string, string>, known = APP): Resolved =>
  resolve([{ text, role: 'value' }], known, columns);

test.each<[string, string[]]>([
  ['Sum(Sales) / $(vSales)', ['Sales value']],
  ['Sum(Cost) / $(vSales)', ['Cost value', 'Sales value by variable:vSales']],
  ['$(vMargin(Sales, Cost))', ['Sales value', 'Cost value']],
  ['Sum({$(vSet)} Sales)', ['Region filter by variable:vSet', 'Sales value']],
  ['Sum({<Year={$(vMax)}>} Sales)', ['Year filter', 'Sales value']],
  ['vMax', ['Year value by variable:vMax']],
  ['$(vLoop) + Sum(Sales)', ['Sales value']],
  ['Sum($(vName)) + Sum([$(vName)])', ['Sales value by variable:vName']],
  [
    '[Margin]',
    [
      'Sales value by measure:Margin',
      'Region filter by measure:Margin measure:Total Cost',
      'Cost value by measure:Margin measure:Total Cost',
    ],
  ],
  ['Both', ['Both value']],
  ['[Loop]', ['Sales value by measure:Loop']],
  [
    'If([Total Cost] > 0, Sum(Sales))',
    ['Region filter by measure:Total Cost', 'Cost condition by measure:Total Cost', 'Sales value'],
  ],
  ['Sum([Total Cost])', []],
  ['[Date.autoCalendar.Year] & [Date.Calendar.Month]', ['Date value']],
  ['vField + Sum(Orders.Id)', ['vField value', 'Orders.Id value']],
])('%s', (text, fields) => {
  expect(shown(read(text)).sort()).toEqual([...fields].sort());
});

test('a name is a field, else a measure, else a column of the chart, else a variable', () => {
  const columns = new Map([
    ['Share', 'Sum(Sales) / Sum(TOTAL Sales)'],
    ['Margin', 'Sum(Year)'],
    ['Sales', 'Sum(Cost)'],
  ]);
  expect(shown(read('[Share] * 2', columns))).toEqual(['Sales value by column:Share']);
  expect(shown(read('Sales', columns))).toEqual(['Sales value']);
  expect(read('[Margin] + [Total Cost]', columns).measures).toEqual(['m1', 'm2']);
  expect(read('[vBoth] + $(vSales) + vMax').variables).toEqual(['vBoth', 'vMax', 'vSales']);
});

test('what the app has in no form is missing, but no variables and no parameters', () => {
  expect(read('Sum(Slaes) + vGone + Max($1) + [Grand Total] + vTop').missing).toEqual(['Slaes', 'Grand Total']);
  expect(read('Sum(Slaes)', undefined, { ...APP, complete: false })).toMatchObject({ missing: [], unsure: ['Slaes'] });
  expect(read('$(vGone)')).toMatchObject({ missing: [], unresolved: true });
  expect(read('$(vSales)')).toMatchObject({ unresolved: false, variables: ['vSales'] });
  expect(read('Sum({<Year={$(=Max(Gone))}>} Sales)')).toMatchObject({ missing: ['Gone'], unresolved: true });
});

test('variables are expanded as the engine does it, and no further than is good', () => {
  const known = new Map([
    ['a', '$1-$2-$3-$0'],
    ['b', '[$(a(x, f(y,z)))]'],
    ['c', '=Max(Y)'],
    ['d', '$(d)'],
    ['big', '$(big1)$(big1)$(big1)$(big1)'],
    ...Array.from(
      { length: 30 },
      (_, i) => [`big${i + 1}`, `$(big${i + 2})$(big${i + 2})$(big${i + 2})$(big${i + 2})`] as const,
    ),
  ]);
  const of = (text: string) => expanded(text, (name) => known.get(name));
  expect(of('Sum($(b)) $(#c) $(gone)')).toEqual({
    text: 'Sum([x-f(y,z)-$3-2]) $(=Max(Y)) $(gone)',
    variables: ['b', 'a', 'c', 'gone'],
    unresolved: ['gone'],
  });
  expect(of('$(d)')).toMatchObject({ text: '$(d)', unresolved: ['d'] });
  expect(of('$(a(\'x,y\', "z"))').text).toBe('\'x,y\'-"z"-$3-2');
  expect(of('$(big)').text.length).toBeLessThan(1_000_000);
});

test.each<[string, string | undefined]>([
  ['Sum(Sales)', 'Sum(Sales)'],
  ['{<Year={2025}>}', 'Sum({<Year={2025}>} 1)'],
  ['<Year={2025}>', 'Sum({<Year={2025}>} 1)'],
  ['Year={2025}, [Sales Region]={"x"}', 'Sum({<Year={2025}, [Sales Region]={"x"}>} 1)'],
  ['lib://Data/(x)/', undefined],
  ['Sales', undefined],
  ['10', undefined],
  ['#.##0,00 €;(#.##0)', undefined],
  ['Some (text) with words', undefined],
])('%s as a piece of an expression', (definition, expected) => {
  expect(macroExpression(definition)).toBe(expected);
});

test('whatever stands there, it is read in one go, and no more is found than there are names', () => {
  const pieces = [
    '$(',
    '$(=',
    '$(vLoop',
    '$(vMargin(',
    '{<',
    '"=',
    '[',
    ']',
    '"',
    "'",
    'Sum(',
    'Aggr(x,(',
    ')',
    'a ',
    '>',
  ];
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...pieces, '}', ',', '=', 'P(', '[Margin]', 'vMax'), { maxLength: 60 }),
      (text) => {
        const { fields, missing } = read(text.join(''));
        expect(fields.length + missing.length).toBeLessThanOrEqual(text.length * 10);
      },
    ),
    { numRuns: 1_000 },
  );
  for (const piece of pieces) {
    const { fields } = read(piece.repeat(Math.ceil(20_000 / piece.length)));
    expect(fields.length).toBeLessThanOrEqual(FIELDS);
  }
});

test('blanks in an expansion, however many, cost time by their number alone', () => {
  for (const inner of [' ! =', '# ! =', 'v = '])
    expect(read(`$(${inner.replaceAll(' ', ' '.repeat(200_000))})`).fields).toEqual([]);
});
