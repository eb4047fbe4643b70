import { expect, test } from 'vitest';
import { fieldsOfExpressions } from '#agent/lineage/expression/expressions-json.ts';
import { fieldsIn } from './fields.ts';

test.each<[string, string]>([
  ['Region', 'Region'],
  ['=Region', 'Region'],
  ['=[Sales Region]', 'Sales Region'],
  ['"Sales Region"', 'Sales Region'],
  ['[a]]b] & "c""d"', 'a]b | c"d'],
  ['Sum([#Sales]) + Sum(%Key) + Sum(_x) + Sum(@1)', '#Sales | %Key | _x | @1'],
  ['Sum(Umsatz_für_Jahr) + Sum([Продажи]) + Sum(Кол.Во) + Sum(売上)', 'Umsatz_für_Jahr | Продажи | Кол.Во | 売上'],
  ['Sum(Orders.Amount)', 'Orders.Amount'],
  ['[OrderDate.autoCalendar.YearMonth]', 'OrderDate'],
  ['Sum({<[OrderDate.autoCalendar.Year]={2025}>} Sales)', 'OrderDate f | Sales'],
  ['Only($Field) & Only([$Table])', '$Field | $Table'],
  ['Left', 'Left'],
  ['Sum(Date) + Sum(Month)', 'Date | Month'],
  ['Sum([Sum(Sales)])', 'Sum(Sales)'],
  ['Sum([a,b {c} <d> "e"])', 'a,b {c} <d> "e"'],
  // Comments.
  ['// Sum(No)\nSum(Yes)', 'Yes'],
  ['Sum(Yes) /* Sum([No "either) */', 'Yes'],
  ['Sum(/* in between */ Yes) // at the end', 'Yes'],
  ['Sum([http://x]) // y', 'http://x'],
  ['// nothing else', ''],
  ['', ''],
  ['=', ''],
  // Expansions.
  ['$(vSales)', ''],
  ['$(=Max(Year))', 'Year'],
  ['Sum($(vField))', ''],
  ['Sum([$(vField)]) + Sum(Plan)', 'Plan'],
  ['Sum(Sales$(vYear)) + Sum($(vPrefix)Sales)', ''],
  ['$(vMargin(Sum(Net), Sum(Cost)))', 'Net | Cost'],
  ['$(vGrowth(Sales, 2025))', 'Sales'],
  ['$(vA($(vB(Sum(X), 1)), Y))', 'X | Y'],
  ["Num($(#vRate) * Sum(Sales), '$(vFormat)')", 'Sales'],
  ["=$(='[' & Concat(DISTINCT Name, '],[') & ']')", 'Name'],
  ["='Sales in $(=Only(Year))' & Region", 'Year | Region'],
  ["If('$(vMode)' = 'A', Sum(A), Sum(B))", 'A | B'],
  ['Sum(A) $(vOperator) Sum(B)', 'A | B'],
  ['$(=vCurrent) + Sum(A)', 'A'],
  ['vTop', ''],
  ['=vShow = 1 and Sum(A) > v_Limit', 'A'],
  ['[vTop] + Sum(vendor)', 'vTop | vendor'],
  ['$(=$(=$(=Max(A))))', 'A'],
  ['Sum({<Y={$1}>} $2)', 'Y f'],
  // Damaged ones.
  ['Sum(Amount', 'Amount'],
  ['Sum([Amount', ''],
  ['Sum(A) Sum(B)', 'A | B'],
  ['Sum(A)) + Sum(B)', 'A | B'],
  ['Sum(A,,B)', 'A | B'],
])('%s', (expression, fields) => {
  expect(fieldsIn(expression).split(' | ').sort()).toEqual(fields.split(' | ').sort());
});

test('each expression gets its answer, by its id, with what is wrong with it', () => {
  const found = fieldsOfExpressions([
    { id: 'a', expression: 'Sum(A' },
    { id: 'b', expression: 'Sum({<Y={$(vY)}>} If(A > 1, A))' },
  ]);
  expect(found.map(({ id }) => id)).toEqual(['a', 'b']);
  expect(found[0]?.diagnostics).toEqual([
    { severity: 'warning', code: 'lineage.expression_syntax', message: '")" is missing', start: 5, end: 5 },
  ]);
  expect(found[1]?.diagnostics).toEqual([
    { severity: 'info', code: 'lineage.variable_unknown', message: 'The value of the variable vY is not known here' },
  ]);
  expect(found[1]?.fields).toEqual([
    { name: 'Y', role: 'filter' },
    { name: 'A', role: 'condition' },
    { name: 'A', role: 'value' },
  ]);
});
