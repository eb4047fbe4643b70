import { expect, test } from 'vitest';
import { codesOf, fieldsOf, tablesOf, told } from './told.ts';

test('STORE writes the fields of a table, some of them, or under other names', () => {
  const { stores } = told(`T: LOAD a, b FROM t.qvd (qvd);
    STORE T INTO [lib://Out/t.qvd] (qvd); STORE a AS x FROM T INTO t.csv (txt); STORE * FROM T INTO all.parquet (parquet);`);
  expect(stores.map(({ target, format, table, fields }) => [target, format, table, fieldsOf(fields)])).toEqual([
    ['lib://Out/t.qvd', 'qvd', 'T', { a: ['t.qvd: a'], b: ['t.qvd: b'] }],
    ['t.csv', 'txt', 'T', { x: ['t.qvd: a'] }],
    ['all.parquet', 'parquet', 'T', { a: ['t.qvd: a'], b: ['t.qvd: b'] }],
  ]);
});

test('a file that the script stored is traced through, however its path is written', () => {
  const script = `T: LOAD a AS x FROM t.qvd (qvd); STORE T INTO [lib://Out/T.qvd] (qvd); DROP TABLE T;
    U: LOAD x AS y FROM [LIB://out/./t.QVD] (qvd); V: NOCONCATENATE LOAD * FROM [lib://Out\\\\T.qvd] (qvd);`;
  expect(tablesOf(script)).toEqual({ U: { y: ['t.qvd: a'] }, V: { x: ['t.qvd: a'] } });
  expect(told(script).datasets.map(({ reads, writes }) => [reads, writes])).toEqual([
    [true, false],
    [true, true],
  ]);
});

test('what is read before it is stored is a source', () => {
  expect(
    tablesOf(`T: LOAD Id, x FROM db.csv (txt); CONCATENATE (T) LOAD Id, x FROM h.qvd (qvd); STORE T INTO h.qvd (qvd);`),
  ).toEqual({ T: { Id: ['db.csv: Id', 'h.qvd: Id'], x: ['db.csv: x', 'h.qvd: x'] } });
});

test('dropped tables are told, and are not there in the end', () => {
  const { tables } = told(
    'A: LOAD x FROM a.qvd (qvd); B: LOAD y FROM b.qvd (qvd); DROP TABLES A, B; A: LOAD z FROM c.qvd (qvd);',
  );
  expect(tables.map(({ name, final, fields }) => [name, final, Object.keys(fieldsOf(fields))])).toEqual([
    ['A', false, ['x']],
    ['B', false, ['y']],
    ['A', true, ['z']],
  ]);
});

test('DROP FIELD takes a field from all tables, or from those that it names', () => {
  const script = 'A: LOAD k, x FROM a.qvd (qvd); B: LOAD k, y FROM b.qvd (qvd);';
  expect(tablesOf(`${script} DROP FIELDS x, k FROM A;`)).toEqual({
    A: {},
    B: { k: ['b.qvd: k'], y: ['b.qvd: y'] },
  });
  expect(Object.keys(tablesOf(`${script} DROP FIELD k;`)['B'] ?? {})).toEqual(['y']);
});

test('RENAME FIELD renames everywhere, unless there is such a field already', () => {
  const script = 'A: LOAD k, x FROM a.qvd (qvd); B: LOAD k, y FROM b.qvd (qvd);';
  expect(tablesOf(`${script} RENAME FIELD k TO key, x TO y;`)).toEqual({
    A: { key: ['a.qvd: k'], x: ['a.qvd: x'] },
    B: { key: ['b.qvd: k'], y: ['b.qvd: y'] },
  });
  expect(tablesOf(`M: MAPPING LOAD * INLINE [from, to\nk, Key\nx, X]; ${script} RENAME FIELDS USING M;`)).toMatchObject(
    { A: { Key: ['a.qvd: k'], X: ['a.qvd: x'] }, B: { Key: ['b.qvd: k'] } },
  );
});

test('a field that only a star can have brought is known by its renaming', () => {
  expect(tablesOf('A: LOAD * FROM a.qvd (qvd); RENAME FIELD x TO y; DROP FIELD z;')).toEqual({
    A: { y: ['a.qvd: x'], '*': ['a.qvd: *'] },
  });
});

test('RENAME TABLE', () => {
  expect(tablesOf('A: LOAD x FROM a.qvd (qvd); RENAME TABLE A TO B; LEFT JOIN LOAD x, y FROM c.qvd (qvd);')).toEqual({
    B: { x: ['a.qvd: x', 'c.qvd: x (key)'], y: ['c.qvd: y'] },
  });
});

test('ALIAS, QUALIFY and UNQUALIFY name the fields of later loads', () => {
  expect(tablesOf('ALIAS a AS b; T: LOAD a, c FROM t.qvd (qvd);')).toEqual({ T: { b: ['t.qvd: a'], c: ['t.qvd: c'] } });
  const script =
    "QUALIFY *; UNQUALIFY Id, 'k*'; T: LOAD Id, key, x FROM t.qvd (qvd); UNQUALIFY *; U: LOAD x FROM u.qvd (qvd);";
  expect(tablesOf(script)).toEqual({
    T: { Id: ['t.qvd: Id'], key: ['t.qvd: key'], 'T.x': ['t.qvd: x'] },
    U: { x: ['u.qvd: x'] },
  });
  expect(tablesOf('QUALIFY *; T: LOAD * FROM t.qvd (qvd); UNQUALIFY *; U: LOAD T.x RESIDENT T; DROP TABLE T;')).toEqual(
    {
      U: { 'T.x': ['t.qvd: x'] },
    },
  );
});

test('MAP … USING brings the values of the map', () => {
  expect(
    tablesOf(`M: MAPPING LOAD k, v FROM m.qvd (qvd); MAP Country USING M; T: LOAD Country, x FROM t.qvd (qvd);
      UNMAP Country; U: LOAD Country FROM u.qvd (qvd);`),
  ).toEqual({
    T: { Country: ['m.qvd: v', 't.qvd: Country (map-key)'], x: ['t.qvd: x'] },
    U: { Country: ['u.qvd: Country'] },
  });
});

test('derived fields come from the field that they are derived of', () => {
  expect(
    tablesOf(`T: LOAD Day FROM t.qvd (qvd);
      cal: DECLARE FIELD DEFINITION TAGGED '$date' FIELDS Year($1) AS Year TAGGED '$year', Month($1) AS Month;
      DERIVE FIELDS FROM FIELDS [Day] USING cal;`),
  ).toEqual({
    T: { Day: ['t.qvd: Day'], 'Day.cal.Year': ['t.qvd: Day'], 'Day.cal.Month': ['t.qvd: Day'] },
  });
});

test('the tables of a section access are none of the app', () => {
  const lineage = told(`SECTION ACCESS; Users: LOAD * INLINE [ACCESS, USERID
    USER, canary-user]; SECTION APPLICATION; T: LOAD a FROM t.qvd (qvd);`);
  expect(lineage.sectionAccess).toBe(true);
  expect(lineage.tables.map(({ name }) => name)).toEqual(['T']);
  expect(JSON.stringify(lineage)).not.toContain('canary-user');
});

test('BINARY reads a whole app', () => {
  expect(told('BINARY [lib://Apps/base.qvf];').datasets.map(({ source }) => source)).toEqual([
    { type: 'binary', path: 'lib://Apps/base.qvf' },
  ]);
});

test('the tables that BINARY brought are those of the app that the text does not make', () => {
  const model = new Map([
    ['Orders', ['Id', 'Total']],
    ['Own', ['Id', 'x']],
    ['Lines', ['Id', 'Net', 'Note']],
    ['Calc', ['Twice']],
  ]);
  const script = `BINARY [base.qvf]; DROP FIELD Gone; RENAME FIELD Amount TO Net;
    Own: LOAD Id, x FROM o.qvd (qvd); RENAME FIELD x TO y;
    Calc: LOAD Amount2 * 2 AS Twice RESIDENT Lines; DROP TABLE Third;
    LEFT JOIN (Lines) LOAD Id, Note FROM n.qvd (qvd);`;
  expect(tablesOf(script, { model })).toEqual({
    Orders: { Id: ['binary:base.qvf: Id'], Total: ['binary:base.qvf: Total'] },
    Own: { Id: ['o.qvd: Id'], y: ['o.qvd: x'] },
    Calc: { Twice: ['binary:base.qvf: Amount2'] },
    Lines: {
      Id: ['binary:base.qvf: Id', 'n.qvd: Id (key)'],
      Net: ['binary:base.qvf: Amount'],
      Note: ['n.qvd: Note'],
    },
  });
  // One of these names may stand for any of them.
  expect(Object.keys(tablesOf('BINARY [base.qvf]; [$(vName)]: LOAD a FROM t.qvd (qvd);', { model }))).toEqual([
    '$(vName)',
  ]);
  const named =
    'BINARY [base.qvf]; [O$(vName)er$(vOf)s]: LOAD a FROM t.qvd (qvd); [L$(vName)e]: LOAD b FROM t.qvd (qvd);';
  expect(Object.keys(tablesOf(named, { model }))).toEqual(['Own', 'Lines', 'Calc', 'O$(vName)er$(vOf)s', 'L$(vName)e']);
});

test('a path that does not say where it begins is one below what DIRECTORY said, and is told as it was written', () => {
  const { datasets, stores } = told(`DIRECTORY [lib://In/2025];
    A: LOAD a FROM x.qvd (qvd); STORE A INTO out.qvd (qvd);
    B: NOCONCATENATE LOAD a AS b FROM [lib://In/2025/out.qvd] (qvd); C: LOAD c FROM [/abs/x.qvd] (qvd);
    DIRECTORY; D: LOAD d FROM x.qvd (qvd);`);
  expect(datasets.map(({ source }) => source)).toMatchObject([
    { path: 'x.qvd', directory: 'lib://In/2025' },
    { path: 'out.qvd', directory: 'lib://In/2025' },
    { path: '/abs/x.qvd' },
    { path: 'x.qvd' },
  ]);
  expect(datasets.flatMap(({ source }) => ('directory' in source ? [1] : []))).toHaveLength(2);
  expect(stores).toMatchObject([{ target: 'out.qvd', directory: 'lib://In/2025' }]);
  // Traced through what the script stored there itself.
  expect(
    tablesOf(`DIRECTORY [lib://In/2025]; A: LOAD a FROM x.qvd (qvd); STORE A INTO out.qvd (qvd);
      B: NOCONCATENATE LOAD a AS b FROM [lib://In/2025/out.qvd] (qvd);`)['B'],
  ).toEqual({ b: ['x.qvd: a'] });
});

test('mapping tables are no tables, and one that is missing is said', () => {
  expect(tablesOf('M: MAPPING LOAD a, b FROM m.qvd (qvd);')).toEqual({});
  expect(codesOf("T: LOAD ApplyMap('Gone', a) AS x FROM t.qvd (qvd);")).toEqual(['lineage.field-missing']);
});

test('secrets in expressions are not told', () => {
  const [table] = told("T: LOAD Replace(a, 'x', 'y') & 'password=canary-secret' AS b FROM t.qvd (qvd);").tables;
  expect(table?.fields[0]?.expression).toContain('Replace(a,');
  expect(table?.fields[0]?.expression).not.toContain('canary-secret');
});
