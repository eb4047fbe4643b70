import { expect, test } from 'vitest';
import { csvLine } from '#catalog/api/csv.ts';

test.each([
  ['=HYPERLINK("http://evil")', `"'=HYPERLINK(""http://evil"")"`],
  [' =1+1', "' =1+1"],
  ['\n=1+1', `"'\n'=1+1"`],
  ['＝1+1', "'＝1+1"],
  ['a;=1+1', "a;'=1+1"],
  ['a;\t@SUM(1)', "a;\t'@SUM(1)"],
  ['a;"=1+1;b', `"a;""'=1+1;b"`],
  ['a\t" "+1', `"a\t"" ""'+1"`],
  ['Sales - Europe', 'Sales - Europe'],
  ['a;b', 'a;b'],
])('the name %j of a stranger is no formula in a spreadsheet, whatever parts its cells', (name, expected) => {
  expect(csvLine(['x', name])).toBe(`x,${expected}\r\n`);
});

test('a name of nothing but signs between cells costs time by its length alone', () => {
  const name = '\t ;'.repeat(100_000);
  expect(csvLine([name])).toBe(`'${name}\r\n`);
});
