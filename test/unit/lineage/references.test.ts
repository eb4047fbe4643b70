import { expect, test } from 'vitest';
import { referencesOf } from '#agent/lineage/expression/references.ts';

/** Expression, the names in it, and `?` when a part of it is known only to the engine. */
const CASES: readonly [string, readonly string[], '?'?][] = [
  ['Sum(Amount)', ['Amount']],
  ['=Sum([Net Amount]) / Count(DISTINCT "Order ID")', ['Net Amount', 'Order ID']],
  ['Sum({<Year={2025}, [Sales Region]-={"A*",\'B\'}>} Amount)', ['Year', 'Sales Region', 'Amount']],
  ['Sum({$<Year={$(vYear)}>} Amount)', ['Year', 'Amount'], '?'],
  ['Sum({$<Date={">=$(=YearStart(Max(Posted)))<=$(=Today())"}>} Amount)', ['Date', 'Posted', 'Amount'], '?'],
  ['Only({<Name={"=Sum(Amount) > 100"}>} Name)', ['Name', 'Amount']],
  ["Sum({1-$<Name=P({<Kind={'x'}>} Other)>} Amount)", ['Name', 'Kind', 'Other', 'Amount']],
  ['Sum({<Name=P()>} Amount)', ['Name', 'Amount']],
  ['Sum({<Name=Twin>} Amount)', ['Name', 'Twin', 'Amount']],
  ['Sum({<Year+={2024}+{2025}, Month=>} Amount)', ['Year', 'Month', 'Amount']],
  ['Sum({BM01*<Kind-={x, y}>} Amount)', ['Kind', 'Amount']],
  ['Sum({[Group 1]<Kind={x}>+State2<Size={1}>} Amount)', ['Kind', 'Size', 'Amount']],
  ['{<Year={2025}>} Sum(Amount) / Sum(Cost)', ['Year', 'Amount', 'Cost']],
  ['Sum({<[=Year(Date)]={2025}>} Amount)', ['Date', 'Amount']],
  ['Sum(Amount) / Sum(TOTAL <Region, [Sales Rep]> Amount)', ['Amount', 'Region', 'Sales Rep']],
  ['Sum(TOTAL Amount)', ['Amount']],
  ['Sum(Aggr(Max(Amount), Customer, (Date, (NUMERIC, ASCENDING))))', ['Amount', 'Customer', 'Date']],
  ['Aggr(NODISTINCT Sum(A), (B, TEXT))', ['A', 'B']],
  ["If(Match(Country, 'A', 'B') and not IsNull(City) or x like 'z*', City, 'rest; of [it]')", ['Country', 'City', 'x']],
  ['// Sum(No)\nSum(Yes) /* Sum([No "either) */', ['Yes']],
  ["'O''Hara' & [a]]b]", ['a]b']],
  ['Sum([a]]b [c]]])', ['a]b [c]']],
  ['$(vMargin(Sum(Net), Sum(Cost)))', ['Net', 'Cost'], '?'],
  ['Sum(Sales$(vYear))', [], '?'],
  ['Sum([Sales $(vYear)]) + Sum(Plan)', ['Plan'], '?'],
  ['Sum($(vPrefix)Sales)', [], '?'],
  ["=$(='[' & Concat(DISTINCT Name, '],[') & ']')", ['Name'], '?'],
  ['Sum([Amount', [], '?'],
  ['Sum(Amount', ['Amount'], '?'],
  ['2019Sales + Amount', ['Amount'], '?'],
  ['1.5e3 + .5 + 2', []],
  ["FieldValue('Region', 1) & FieldIndex('City', 'X') & Date(Now(), 'YYYY')", ['Region', 'City']],
  [
    'Umsatz_für_Jahr + %Key + #Zahl + @1 + Date.autoCalendar.Year',
    ['Umsatz_für_Jahr', '%Key', '#Zahl', '@1', 'Date.autoCalendar.Year'],
  ],
  ['RangeSum(Above(Sum(A), 0, RowNo()))', ['A']],
  ['', []],
];

test.each(CASES)('%s', (expression, names, unknown) => {
  const found = referencesOf(expression);
  expect(found.names).toEqual(names);
  expect(found.unknown).toBe(unknown === '?');
});

test('names outside of aggregations may be labels; in Aggr, too', () => {
  expect([...referencesOf('[Total Sales] / Sum(Cost)').outside]).toEqual(['Total Sales']);
  expect([...referencesOf('Max(Aggr([Total Sales], Customer))').outside]).toEqual(['Total Sales', 'Customer']);
  expect([...referencesOf('Sum({<Year={1}>} Cost)').outside]).toEqual([]);
});

test('variables of dollar expansions are named', () => {
  expect(referencesOf('Sum($(vSet) A) * $(#vRate) + $(v(1,B)) + $(=Max(C))')).toMatchObject({
    variables: ['vSet', 'vRate', 'v'],
    names: ['A', 'B', 'C'],
  });
});

test('whatever stands in a text, it is read in one go', () => {
  for (const piece of [
    '$(',
    '{<',
    '[',
    '"=',
    '((',
    "'",
    '{"=Sum({<A={',
    '$(=',
    '/*',
    'a',
    '>',
    ')',
    '}',
    '<a=',
    'x$(',
    ']]',
  ]) {
    const text = piece.repeat(Math.ceil(50_000 / piece.length));
    expect(referencesOf(text).names.length).toBeLessThanOrEqual(200);
  }
});
