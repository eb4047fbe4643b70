import { expect, test } from 'vitest';
import { codesOf, fieldsOf, tablesOf, told } from './told.ts';

test('a field comes from what its expression names, each in its role', () => {
  expect(
    tablesOf(`
      Rates: MAPPING LOAD Code, Rate FROM rates.qvd (qvd);
      T: LOAD Id, If(State = 'open', Amount, 0) AS Open, ApplyMap('Rates', Currency, Fallback) AS Rate,
        Net & '-' & Gross AS Both, Pick(Match(Kind, 'a', 'b'), X, Y) AS Picked, 1 AS One
      FROM [lib://Data/t.qvd] (qvd) WHERE Deleted = 0;`),
  ).toEqual({
    T: {
      Id: ['lib://Data/t.qvd: Id'],
      Open: ['lib://Data/t.qvd: State', 'lib://Data/t.qvd: Amount'],
      Rate: ['rates.qvd: Rate', 'lib://Data/t.qvd: Currency (map-key)', 'lib://Data/t.qvd: Fallback'],
      Both: ['lib://Data/t.qvd: Net', 'lib://Data/t.qvd: Gross'],
      Picked: ['lib://Data/t.qvd: Kind', 'lib://Data/t.qvd: X', 'lib://Data/t.qvd: Y'],
      One: [],
    },
  });
});

test('what decides about rows belongs to the table and to none of its fields', () => {
  const [table] = told("T: LOAD Id, Sum(Amount) AS Total FROM t.qvd (qvd) WHERE Kind = 'x' GROUP BY Id;").tables;
  expect(fieldsOf(table?.fields ?? [])).toEqual({ Id: ['t.qvd: Id'], Total: ['t.qvd: Amount'] });
  expect(table?.influences?.map(({ field, role }) => [field, role])).toEqual([
    ['Kind', 'filter'],
    ['Id', 'group'],
  ]);
});

test('a preceding load reads the one below, and the label is that of the uppermost', () => {
  expect(
    tablesOf('T: LOAD *, b * 2 AS c; LOAD a, a + x AS b; LOAD a, y AS x FROM t.csv (txt, embedded labels);'),
  ).toEqual({ T: { a: ['t.csv: a'], b: ['t.csv: a', 't.csv: y'], c: ['t.csv: a', 't.csv: y'] } });
});

test('a load waits for its source across control statements', () => {
  expect(
    tablesOf("T: LOAD *, a & 'x' AS b;\nIF 1 = 2 THEN\nLOAD a AS wrong;\nEND IF\nLOAD a FROM t.qvd (qvd);"),
  ).toEqual({
    T: { a: ['t.qvd: a'], b: ['t.qvd: a'] },
  });
});

test('a table without a label is called by its file, sheet, table or object', () => {
  const names = told(`
    LOAD a FROM [lib://Data/Sales 2020.qvd] (qvd);
    LOAD b FROM x.xlsx (ooxml, embedded labels, table is Sheet1);
    NOCONCATENATE LOAD a RESIDENT [Sales 2020];
    SQL SELECT c FROM dbo.Orders;
  `).tables.map(({ name }) => name);
  expect(names).toEqual(['Sales 2020', 'Sheet1', 'Sales 2020-1', 'Orders']);
});

test('loads with the same fields are one table, whatever their labels, unless they are kept apart', () => {
  const script = 'A: LOAD x, y FROM a.qvd (qvd); B: LOAD y, x FROM b.qvd (qvd);';
  expect(tablesOf(script)).toEqual({ A: { x: ['a.qvd: x', 'b.qvd: x'], y: ['a.qvd: y', 'b.qvd: y'] } });
  expect(Object.keys(tablesOf(script.replace('B:', 'B: NOCONCATENATE')))).toEqual(['A', 'B']);
  expect(Object.keys(tablesOf('A: LOAD x FROM a.qvd (qvd); A: LOAD y FROM b.qvd (qvd);'))).toEqual(['A', 'A-1']);
  // All of A again is A again.
  expect(tablesOf('A: LOAD * FROM a.qvd (qvd); B: LOAD * RESIDENT A; C: LOAD c RESIDENT B;')).toEqual({
    A: { '*': ['a.qvd: *'] },
    C: { c: ['resident:B: c'] },
  });
});

test('CONCATENATE appends to the table that it names, or to the last one', () => {
  expect(
    tablesOf(`A: LOAD x FROM a.qvd (qvd); B: LOAD y FROM b.qvd (qvd);
      CONCATENATE (A) LOAD x, z FROM c.qvd (qvd); CONCATENATE LOAD w FROM d.qvd (qvd);`),
  ).toEqual({ A: { x: ['a.qvd: x', 'c.qvd: x'], z: ['c.qvd: z'], w: ['d.qvd: w'] }, B: { y: ['b.qvd: y'] } });
});

test('JOIN adds fields to its target, and what both have is a key', () => {
  expect(
    tablesOf(`A: LOAD k, x FROM a.qvd (qvd); B: LOAD q FROM b.qvd (qvd);
      LEFT JOIN (A) LOAD k, y FROM c.qvd (qvd); DROP TABLE B; LEFT JOIN LOAD k, z FROM d.qvd (qvd);`),
  ).toEqual({
    A: { k: ['a.qvd: k', 'c.qvd: k (key)', 'd.qvd: k (key)'], x: ['a.qvd: x'], y: ['c.qvd: y'], z: ['d.qvd: z'] },
  });
});

test('KEEP leaves two tables, and the keys decide about their rows', () => {
  const { tables } = told('A: LOAD k, x FROM a.qvd (qvd); B: LEFT KEEP (A) LOAD k, y FROM b.qvd (qvd);');
  expect(tables.map(({ name, fields }) => [name, Object.keys(fieldsOf(fields))])).toEqual([
    ['A', ['k', 'x']],
    ['B', ['k', 'y']],
  ]);
  expect(tables[1]?.influences?.map(({ field, role }) => `${field} ${role}`)).toEqual(['k key', 'k key']);
});

test('a join with columns that nobody knows says that it is not sure', () => {
  const [table] = told(`A: LOAD * FROM a.qvd (qvd); JOIN LOAD * FROM b.qvd (qvd);
    NOCONCATENATE B: LOAD x RESIDENT A; DROP TABLE A;`).tables.filter(({ final }) => final);
  expect(table?.fields[0]?.origins.map(({ confidence, reasons }) => [confidence, reasons])).toEqual([
    ['candidate', ['join-candidate']],
    ['candidate', ['join-candidate']],
  ]);
});

test('CROSSTABLE turns the columns behind the kept ones', () => {
  expect(tablesOf('T: CROSSTABLE (Month, Amount, 2) LOAD Id, Name, Jan, Feb FROM t.xlsx (ooxml, table is S);')).toEqual(
    {
      T: {
        Id: ['t.xlsx#S: Id'],
        Name: ['t.xlsx#S: Name'],
        Month: ['t.xlsx#S: Jan (attribute)', 't.xlsx#S: Feb (attribute)'],
        Amount: ['t.xlsx#S: Jan', 't.xlsx#S: Feb'],
      },
    },
  );
});

test('GENERIC makes tables that only a reload knows', () => {
  expect(tablesOf('T: GENERIC LOAD Id, Attribute, Value FROM t.qvd (qvd);')).toEqual({
    'T.*': { Id: ['t.qvd: Id'], '*': ['t.qvd: Value'] },
  });
});

test('HIERARCHY adds the names of the levels, the parent and the path', () => {
  expect(
    tablesOf(`T: HIERARCHY (Id, Parent, Name, ParentName, Name, Path, '/', Depth) LOAD Id, Parent, Name FROM h.qvd (qvd);
      U: NOCONCATENATE LOAD Name1 RESIDENT T; DROP TABLE T;`),
  ).toEqual({ U: { Name1: ['h.qvd: Name'] } });
});

test('INTERVALMATCH brings the field that is matched', () => {
  expect(
    tablesOf(`E: LOAD Time, Line FROM e.qvd (qvd);
      I: INTERVALMATCH (Time, Line) LOAD Start, End, Line FROM o.qvd (qvd);`),
  ).toEqual({
    E: { Time: ['e.qvd: Time'], Line: ['e.qvd: Line'] },
    I: {
      Time: ['e.qvd: Time'],
      Start: ['o.qvd: Start'],
      End: ['o.qvd: End'],
      Line: ['o.qvd: Line', 'e.qvd: Line (key)'],
    },
  });
});

test('an inline table gives the fields of its head, by any delimiter', () => {
  expect(
    tablesOf(`A: LOAD * INLINE [
      x, "y z"
      1, 2
    ];
    B: LOAD p AS q INLINE [
p;o
1;2] (delimiter is ';');`),
  ).toEqual({ A: { x: ['inline:: x'], 'y z': ['inline:: y z'] }, B: { q: ['inline:: p'] } });
});

test('Peek reads what the load makes, Previous what it reads, Lookup another table', () => {
  expect(
    tablesOf(`R: LOAD Code, Text FROM r.qvd (qvd);
      T: LOAD Id, RangeSum(Amount, Peek('Running')) AS Running, Previous(Day) AS Before,
        Lookup('Text', 'Code', Kind, 'R') AS Text FROM t.qvd (qvd); DROP TABLE R;`),
  ).toEqual({
    T: {
      Id: ['t.qvd: Id'],
      Running: ['t.qvd: Amount'],
      Before: ['t.qvd: Day'],
      Text: ['r.qvd: Text', 't.qvd: Kind (map-key)'],
    },
  });
});

test('FieldValue reads a field of the tables before', () => {
  expect(
    tablesOf(`T: LOAD Day FROM t.qvd (qvd);
      C: LOAD Min(FieldValue('Day', RecNo())) AS First AUTOGENERATE FieldValueCount('Day');`),
  ).toEqual({ T: { Day: ['t.qvd: Day'] }, C: { First: ['t.qvd: Day'] } });
});

test('FROM_FIELD and EXTENSION are sources', () => {
  expect(tablesOf('T: LOAD Raw FROM t.qvd (qvd); U: LOAD a FROM_FIELD (T, Raw) (txt, embedded labels);')).toEqual({
    T: { Raw: ['t.qvd: Raw'] },
    U: { a: ['t.qvd: Raw'] },
  });
  expect(tablesOf('T: LOAD a EXTENSION Engine.Guess(T{x});')).toEqual({ T: { a: ['extension:Engine.Guess: a'] } });
});

test('a table that the text does not make is a source by its name', () => {
  expect(tablesOf('T: LOAD a RESIDENT Other;')).toEqual({ T: { a: ['resident:Other: a'] } });
});

test('a load over a SELECT goes back to the database', () => {
  expect(
    tablesOf(
      "LIB CONNECT TO 'ERP'; T: LOAD A AS x, B; SQL SELECT A, C AS B FROM dbo.Orders; DISCONNECT; SELECT q FROM z;",
    ),
  ).toEqual({
    T: { x: ['connection:ERP#dbo.Orders: A'], B: ['connection:ERP#dbo.Orders: C'] },
    z: { q: ['z: q'] },
  });
});

test('a SELECT of all is known by the names that loads take from it', () => {
  expect(tablesOf("LIB CONNECT TO 'ERP'; T: LOAD A, B AS x; SQL SELECT * FROM dbo.Orders;")).toEqual({
    T: { A: ['connection:ERP#dbo.Orders: A'], x: ['connection:ERP#dbo.Orders: B'] },
  });
});

test('columns of a star are learnt from the head of a file, or from the model of the app', () => {
  const columns = () => ['a', 'b'];
  expect(tablesOf('T: LOAD *, a & b AS c FROM t.qvd (qvd);', { columns })).toEqual({
    T: { a: ['t.qvd: a'], b: ['t.qvd: b'], c: ['t.qvd: a', 't.qvd: b'] },
  });
  const model = new Map([['T', ['a', 'z']]]);
  const [table] = told('T: LOAD * FROM t.qvd (qvd);', { model }).tables;
  expect(table?.open).toBe(false);
  expect(table?.fields.map(({ name, origins }) => [name, origins[0]?.confidence])).toEqual([
    ['a', 'inferred'],
    ['z', 'inferred'],
  ]);
});

test('a statement that is not understood leaves the others alone', () => {
  const script = 'Nonsense here is;\nT: LOAD a FROM t.qvd (qvd);';
  expect(tablesOf(script)).toEqual({ T: { a: ['t.qvd: a'] } });
  expect(codesOf(script)).toEqual(['lineage.opaque']);
  expect(told(script).statements).toEqual({ total: 2, understood: 1, opaque: 1 });
});
