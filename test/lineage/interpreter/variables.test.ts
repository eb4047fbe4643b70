import { expect, test } from 'vitest';
import { tablesOf, told } from './told.ts';

/** The paths that are read, after expansion. */
const read = (script: string, surroundings = {}): string[] =>
  told(script, surroundings).datasets.flatMap(({ source, reads }) =>
    reads && source.type === 'file' ? [source.path] : [],
  );
const load = (path: string): string => `T: LOAD a FROM [${path}] (qvd);`;

test.each([
  ['SET v = lib://Data;', 'lib://Data/x.qvd'],
  ["SET v = 'lib://Data';", 'lib://Data/x.qvd'],
  ["LET v = 'lib://' & 'Data';", 'lib://Data/x.qvd'],
  ["v = 'a';", 'a/x.qvd'],
  ['SET w = a; SET v = $(w)/b; SET w = c;', 'a/b/x.qvd'],
  ['LET v = 2 * (3 + 4);', '14/x.qvd'],
  ["LET v = Upper(Left('abcdef', 2)) & SubField('p/q/r', '/', -1);", 'ABr/x.qvd'],
  ["LET v = Replace('a-b', '-', '_') & Mid('xyz', 2) & Len('abc');", 'a_byz3/x.qvd'],
  ["LET v = If(1 < 2, 'yes', 'no');", 'yes/x.qvd'],
  ["LET v = Pick(2, 'a', 'b') & Match('q', 'p', 'q');", 'b2/x.qvd'],
  ["LET v = Date(MakeDate(2020, 2, 3), 'YYYYMMDD');", '20200203/x.qvd'],
  [
    "SET DateFormat='DD.MM.YYYY'; LET a = MakeDate(2023, 12, 31); LET v = Date(AddMonths(a, 2), 'YYYYMMDD');",
    '20240229/x.qvd',
  ],
  ["LET a = MakeDate(2024, 1, 31); LET b = a; LET v = Date(AddMonths(b, 1), 'YYYYMMDD');", '20240229/x.qvd'],
  ["LET v = Date(MonthEnd(Date#('2024-02-11', 'YYYY-MM-DD'), 1), 'YYYYMMDD');", '20240331/x.qvd'],
  [
    "LET v = Date(QuarterStart(AddYears(MakeDate(2024, 6, 7), -1)), 'MM') & Num(Month(MakeDate(2024, 5)), '00');",
    '0405/x.qvd',
  ],
  [
    "SET DateFormat='D/M/YYYY'; LET a = YearEnd(MakeDate(2024)); LET v = (a < MakeDate(2025)) & Year('1/2/2023');",
    '-12023/x.qvd',
  ],
  [
    "SET DateFormat='YYYY-MM-DD'; SET MonthNames='Jan;Feb'; LET v = MakeDate(2024, 1, 9) & Month(MakeDate(2024, 2));",
    '2024-01-09Feb/x.qvd',
  ],
  ["LET v = Chr(65) & Repeat('x', 3) & TextBetween('<b>', '<', '>');", 'Axxxb/x.qvd'],
  ["LET v = KeepChar('a1b2', '12') & PurgeChar('a1b2', '12');", '12ab/x.qvd'],
  ["LET v = Num(7, '000');", '007/x.qvd'],
  ['SET v =;', '/x.qvd'],
])('%s', (script, path) => {
  expect(read(`${script}${load('$(v)/x.qvd')}`)).toEqual([path]);
});

test.each([
  ['LET v = Today();', '$(v)/x.qvd'],
  ["LET v = 'sales_' & MakeDate(2024, 1, 9);", '$(v)/x.qvd'],
  ["LET a = MakeDate(2024, 1, 9); LET v = 'sales_' & a;", '$(v)/x.qvd'],
  ['LET v = Month(MakeDate(2024, 1));', '$(v)/x.qvd'],
  ["LET v = Year('2024-01-09');", '$(v)/x.qvd'],
  ["SET DateFormat='YYYY-MM-DD'; LET v = Year('2024-01-09 10:00');", '$(v)/x.qvd'],
  ['LET v = If($(w) = 1, MakeDate(2024), MakeDate(2025));', '$(v)/x.qvd'],
  ["LET v = Peek('a', 0, 'T');", '$(v)/x.qvd'],
  ["LET v = 'a/' & $(w);", 'a/$(w)/x.qvd'],
  ["LET v = 'a/$(w)';", 'a/$(w)/x.qvd'],
  ["LET v = '$(w)' & '/b';", '$(w)/b/x.qvd'],
])('what only a reload knows stays a hole: %s', (script, path) => {
  expect(read(`${script}${load('$(v)/x.qvd')}`)).toEqual([path]);
});

test('a variable that a variable names, parameters, expressions and numbers are expanded', () => {
  expect(read(`SET vA = lib://Data; SET n = A; ${load('$(v$(n))/x.qvd')}`)).toEqual(['lib://Data/x.qvd']);
  expect(read(`SET f = $1/$2/$0; ${load('$(f(a,b)).qvd')}`)).toEqual(['a/b/2.qvd']);
  expect(read(`SET y = 2020; ${load('$(=$(y)+1).qvd')}`)).toEqual(['2021.qvd']);
  expect(tablesOf('SET e = If($1 > 0, $2, B); T: LOAD $(e(A, C)) AS x FROM t.qvd (qvd);')).toEqual({
    T: { x: ['t.qvd: A', 't.qvd: C', 't.qvd: B'] },
  });
});

test('two values of one variable are never one place', () => {
  const holes = told(`LET v = Now(); ${load('$(v).qvd')} LET v = Now(); ${load('$(v).qvd')}`).datasets.map(
    (use) => use.holes,
  );
  expect(holes).toEqual([['v@1'], ['v@2']]);
});

test('a value that was taken before a variable changed keeps what was meant', () => {
  expect(read(`SET p = $(base)/x; SET base = later; ${load('$(p).qvd')}`)).toEqual(['$(base)/x.qvd']);
});

test('an expansion may be a label, a prefix, fields, or whole statements', () => {
  expect(
    tablesOf(`SET j = Left Join (T); SET all = 'S: LOAD q FROM s.qvd (qvd); DROP FIELD q';
      SET fields = k, x AS y; T: LOAD $(fields) FROM t.qvd (qvd);
      $(j)
      LOAD k, z FROM u.qvd (qvd);
      SET name = Named; $(name): LOAD n FROM n.qvd (qvd);`),
  ).toEqual({
    T: { k: ['t.qvd: k', 'u.qvd: k (key)'], y: ['t.qvd: x'], z: ['u.qvd: z'] },
    Named: { n: ['n.qvd: n'] },
  });
});

test('what an expansion does that nobody knows is said', () => {
  const { diagnostics, statements } = told('$(vWhatever);');
  expect(diagnostics.map(({ code }) => code)).toEqual(['lineage.macro']);
  expect(statements.opaque).toBe(1);
});

test('values from elsewhere are taken where the text does not tell, and said', () => {
  const variables = new Map([['vPath', { value: 'lib://Real', from: 'engine' as const }]]);
  const { datasets } = told(load('$(vPath)/x.qvd'), { variables });
  expect(datasets.map(({ source, confidence }) => [source.type === 'file' && source.path, confidence])).toEqual([
    ['lib://Real/x.qvd', 'inferred'],
  ]);
  expect(read(`SET vPath = own; ${load('$(vPath)/x.qvd')}`, { variables })).toEqual(['own/x.qvd']);
});

test('nothing is expanded in comments', () => {
  expect(read(`SET v = 'a;b'; /* $(v) */ T: LOAD a // $(v)\n FROM x.qvd (qvd);`)).toEqual(['x.qvd']);
});

test('included scripts are run where they stand, and a missing one is asked for', () => {
  const include = (path: string) =>
    path === 'lib://Scripts/paths.qvs' ? 'SET vPath = lib://Data;\nX: LOAD q FROM q.qvd (qvd);' : undefined;
  const script = `SET s = Scripts; $(Must_Include=lib://$(s)/paths.qvs);\n$(Include=[missing.qvs]);\n${load('$(vPath)/x.qvd')}`;
  expect(read(script, { include })).toEqual(['q.qvd', 'lib://Data/x.qvd']);
  const { wanted, tables } = told(script, { include });
  expect(wanted).toEqual([{ type: 'include', name: 'missing.qvs' }]);
  expect(tables[0]?.place).toMatchObject({ file: 'lib://Scripts/paths.qvs', line: 2 });
});

test('an include that includes itself ends', () => {
  const { diagnostics } = told('$(Include=a.qvs);', { include: () => '$(Include=a.qvs);' });
  expect(diagnostics.map(({ code }) => code)).toEqual(['lineage.include-depth']);
});

test('variables at the end are told when they are certain', () => {
  const { variables } = told('SET a = x; LET b = Now(); LET c = 1 + 1;');
  expect([...variables]).toEqual([
    ['a', 'x'],
    ['c', '2'],
  ]);
});
