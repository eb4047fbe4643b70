import { expect, test } from 'vitest';
import { readScriptLog } from '#agent/lineage/logs/script-log.ts';
import { lineageOf, told } from '#test/lineage/scripts/told.ts';

const TIME = '20250304T050607.123+0100';
/** Numbered lines are script; those behind `|` are the engine's own words, in whatever language. */
const log = (...lines: readonly string[]): Buffer =>
  Buffer.from(
    lines
      .map((line, i) =>
        line.startsWith('|')
          ? `${TIME}      ${line.slice(1)}`
          : line.startsWith('>')
            ? line.slice(1)
            : `${TIME} ${String(i + 1).padStart(4, '0')} ${line}`,
      )
      .join('\r\n'),
  );
const statements = (...lines: readonly string[]): string[] =>
  readScriptLog(log(...lines), 10_000).statements.split('\n');

test('a log is a script again: loops unrolled, variables resolved, semicolons back', async () => {
  const { statements: text } = readScriptLog(
    log(
      '|Ausführung gestartet.',
      "SET ThousandSep='.'",
      "LET vRoot = 'lib://QVD'",
      'FOR EACH vYear IN 2024, 2025',
      '[Orders_2024]:',
      'LOAD OrderID,',
      '    Amount,',
      '    Comment',
      'FROM [lib://QVD/2024/Orders.qvd] (qvd)',
      '|3 Felder gefunden: OrderID, Amount, Comment,',
      '|12.345 Zeilen gelesen',
      'NEXT vYear',
      '[Orders_2025]:',
      'NOCONCATENATE',
      'LOAD OrderID, Amount',
      'FROM [lib://QVD/2025/Orders.qvd] (qvd)',
      '|2 Felder gefunden',
      'NEXT vYear',
      'Totals:',
      'LOAD OrderID, Sum(Amount) AS Total',
      'GROUP BY OrderID',
      'LOAD OrderID, Amount RESIDENT [Orders_2025]',
      "LIB CONNECT TO 'DWH'",
      '|Verbunden',
      'Customers:',
      'SQL SELECT c.ID, x.NAME',
      'FROM dbo.Customer c',
      'LEFT JOIN dbo.Names x ON x.ID = c.ID',
      '|2 Felder gefunden',
      'LEFT JOIN (Customers)',
      'LOAD ID, Region INLINE [',
      'ID, Region',
      'SET, DROP',
      ']',
      'STORE Totals INTO [lib://QVD/totals.qvd] (qvd)',
      'DROP TABLE Totals',
      '|Ausführung beendet.',
    ),
    10_000,
  );
  const lineage = await lineageOf(text);
  expect(lineage.diagnostics).toEqual([]);
  expect(lineage.statements.opaque).toBe(0);
  expect(lineage.variables.get('vRoot')).toBe('lib://QVD');
  expect(told(lineage)).toEqual([
    'Orders_2024.OrderID < lib://QVD/2024/Orders.qvd:OrderID',
    'Orders_2024.Amount < lib://QVD/2024/Orders.qvd:Amount',
    'Orders_2024.Comment < lib://QVD/2024/Orders.qvd:Comment',
    'Orders_2025.OrderID < lib://QVD/2025/Orders.qvd:OrderID',
    'Orders_2025.Amount < lib://QVD/2025/Orders.qvd:Amount',
    '-Totals.OrderID < lib://QVD/2025/Orders.qvd:OrderID',
    '-Totals.Total < lib://QVD/2025/Orders.qvd:Amount',
    'Customers.ID < (key) inline::ID, connection:DWH#dbo.Customer:ID',
    'Customers.NAME < connection:DWH#dbo.Names:NAME',
    'Customers.Region < inline::Region',
    'Totals > lib://QVD/totals.qvd: OrderID, Total',
  ]);
});

test('what a line of its own begins is no statement where a list goes on', () => {
  expect(statements('T:', 'LOAD a,', 'First,', '  Set', 'FROM x.qvd (qvd)', 'TRACE done')).toEqual([
    ...['T:', 'LOAD a,', 'First,', '  Set', 'FROM x.qvd (qvd);'],
    'TRACE done;',
  ]);
});

test('what steers is left out, and semicolons that are there are not doubled', () => {
  expect(
    statements('IF 1 = 1 THEN', 'SET a = 1;', 'ELSE', 'END IF', 'SUB x(y)', 'END SUB', "CALL x('z')", 'EXIT SCRIPT'),
  ).toEqual(['SET a = 1;']);
});

test('a statement goes on in lines without a number', () => {
  expect(statements('T:', 'LOAD * INLINE [', '>a, b', '>1, 2', '>];', 'DROP TABLE T')).toEqual([
    ...['T:', 'LOAD * INLINE [', 'a, b', '1, 2', '];'],
    'DROP TABLE T;',
  ]);
});

test('a long log costs time by its length alone', () => {
  const fields = Array.from({ length: 20_000 }, (_, i) => `f${i},`);
  const { statements: text } = readScriptLog(log('T:', 'LOAD', ...fields, 'z FROM x.qvd (qvd)'), 1_000_000);
  expect(text.endsWith('z FROM x.qvd (qvd);')).toBe(true);
});

test.each([
  ['prefixes', 'left '.repeat(5_000)],
  ['pairs of prefixes', 'left join '.repeat(5_000)],
  ['prefixes in lines', 'inner\tkeep(a)\n'.repeat(5_000)],
  ['blanks', `a${' '.repeat(200_000)}`],
  ['rows that end', `${'inline['.repeat(50_000)}]`],
])('%s of which there are more than anybody writes cost time by their length alone', (_, text) => {
  const { statements: made } = readScriptLog(log(`${text}x`, 'LOAD a', 'FROM b'), 1_000_000);
  expect(made.endsWith('LOAD a\nFROM b;')).toBe(true);
});

test.each([
  'LEFT',
  'Inner  Join (Orders)',
  'T: MAPPING',
  '[My: table] :',
  'first 10 concatenate (a:b)',
  'Sample 0.5',
  "CROSSTABLE (a, b) 'Label':",
])('%s and what follows in the next line are one statement', (prefix) => {
  const waits = !prefix.endsWith("'Label':");
  expect(statements(prefix, 'LOAD a FROM b')).toEqual(
    waits ? [prefix, 'LOAD a FROM b;'] : [`${prefix};`, 'LOAD a FROM b;'],
  );
});
