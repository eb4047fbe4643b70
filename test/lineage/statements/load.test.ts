import { describe, expect, test } from 'vitest';
import { one } from './plain.ts';

/** A LOAD as it comes out, from its only step. */
const load = (step: object, around: object = {}): object => ({
  type: 'load',
  ...around,
  steps: [{ type: 'load', ...step }],
});
const file = (path: string, format: object = {}): object => ({
  source: { type: 'file', path, ...(Object.keys(format).length > 0 ? { format } : {}) },
});
const QVD = { kind: 'qvd' };

describe('the fields of a LOAD', () => {
  test.each<[string, string[]]>([
    ['a, b AS [B 1], c as "C", d As `D`, e aS \'E\'', ['a', 'b AS B 1', 'c AS C', 'd AS D', 'e AS E']],
    ['*, a + b AS s, *', ['*', 'a + b AS s', '*']],
    ['[a b], "c d", `e f`', ['[a b] CALLED a b', '"c d" CALLED c d', '`e f` CALLED e f']],
    ["Sum(a), d & 'x'", ['Sum(a)', "d & 'x'"]],
    ['@1, @2 AS x, @1:8 AS y, @9:n', ['@1', '@2 AS x', '@1:8 AS y', '@9:n']],
    [
      '[a/b/@c], %Key, #No, T.f, _x, Größe, Клиент',
      ['[a/b/@c] CALLED a/b/@c', '%Key', '#No', 'T.f', '_x', 'Größe', 'Клиент'],
    ],
    ['From, To, Group, Order, Where, Load', ['From', 'To', 'Group', 'Order', 'Where', 'Load']],
    ['From AS a, Resident as b, Extension AS c', ['From AS a', 'Resident AS b', 'Extension AS c']],
    ['If(a = \'x;y\', [b]]c], "d""e") AS f', ['If(a = \'x;y\', [b]]c], "d""e") AS f']],
    ['a // the first, not\n, b /* , c */, d', ['a', 'b', 'd']],
    ["ApplyMap('M', k, Null()) AS v", ["ApplyMap('M', k, Null()) AS v"]],
    // What nobody could expand stands for fields of its own, commas included, or is a part of a name.
    ['$(vAll), a $(vMore), $(vFirst) b', ['$(vAll)', 'a', '$(vMore)', '$(vFirst)', 'b']],
    [
      '$(p)_key, [$(p) key] AS $(q), Sum($(vExpr)) AS s',
      ['$(p)_key', '[$(p) key] CALLED $(p) key AS $(q)', 'Sum($(vExpr)) AS s'],
    ],
  ])('%s', (fields, expected) => {
    const wanted = expected.map((item) => item.replace(/ CALLED .* AS /, ' AS '));
    expect(one(`LOAD ${fields} FROM f;`)).toEqual(load({ fields: wanted, ...file('f') }));
  });

  test.each<[string, string[], number[]]>([
    ['a, b, , c,', ['a', 'b', 'c'], [11, 14]],
    [', a', ['a'], [5]],
    ['a, $(vMore),', ['a', '$(vMore)'], [16]],
  ])('%s: commas that no field belongs to are told, and the others stay', (fields, expected, strayCommas) => {
    expect(one(`LOAD ${fields} FROM f;`)).toEqual(load({ fields: expected, strayCommas, ...file('f') }));
  });

  test('DISTINCT and the clauses, in any order', () => {
    const clauses = {
      fields: ['a', 'Sum(b) AS s'],
      source: { type: 'resident', table: 'T' },
      where: "Exists(k, 'x') and not a = 1",
      groupBy: ['a', 'Year(d)'],
      orderBy: ['a', 'b'],
    };
    expect(
      one(
        "LOAD DISTINCT a, Sum(b) AS s RESIDENT T WHERE Exists(k, 'x') and not a = 1 GROUP BY a, Year(d) ORDER BY a ASC, b DESC;",
      ),
    ).toEqual(load({ distinct: true, ...clauses }));
    expect(
      one(
        "load a, Sum(b) AS s\nresident T\norder by a, b desc\ngroup by a, Year(d)\nwhere Exists(k, 'x') and not a = 1",
      ),
    ).toEqual(load(clauses));
    expect(one('LOAD IterNo() AS i RESIDENT T WHILE IterNo() <= n;')).toEqual(
      load({ fields: ['IterNo() AS i'], source: { type: 'resident', table: 'T' }, while: 'IterNo() <= n' }),
    );
    expect(one('LOAD a FROM f (qvd) WHERE $(vCondition) $(vMore);')).toEqual(
      load({ fields: ['a'], ...file('f', QVD), where: '$(vCondition) $(vMore)' }),
    );
  });
});

describe('the source of a LOAD', () => {
  test.each<[string, object]>([
    ['FROM [lib://D a/x y.qvd] (qvd)', file('lib://D a/x y.qvd', QVD)],
    ["FROM 'c:\\data\\x.qvd' (qvd)", file('c:\\data\\x.qvd', QVD)],
    ['FROM "x.qvd"(qvd)', file('x.qvd', QVD)],
    ['FROM `x.qvd`', file('x.qvd')],
    ['FROM ..\\QVD\\Sales 2020.qvd (qvd)', file('..\\QVD\\Sales 2020.qvd', QVD)],
    ['FROM lib://Data/x.qvd(qvd)', file('lib://Data/x.qvd', QVD)],
    ['FROM lib://Data/x.qvd // here\n(qvd) WHERE a', { ...file('lib://Data/x.qvd', QVD), where: 'a' }],
    ['FROM $(vPath)sales_$(vYear).qvd (qvd) WHERE a', { ...file('$(vPath)sales_$(vYear).qvd', QVD), where: 'a' }],
    ['FROM $(f(a, b)) (qvd)', file('$(f(a, b))', QVD)],
    ['FROM [$(vPath)*.qvd] (qvd)', file('$(vPath)*.qvd', QVD)],
    ['FROM x.qvd WHERE a', { ...file('x.qvd'), where: 'a' }],
    [
      'FROM a.csv, [b c.csv] (txt)',
      { source: { type: 'file', path: 'a.csv', others: ['b c.csv'], format: { kind: 'txt' } } },
    ],
    ['RESIDENT T', { source: { type: 'resident', table: 'T' } }],
    ['RESIDENT [T 1]', { source: { type: 'resident', table: 'T 1' } }],
    ["RESIDENT 'T 1' WHERE a", { source: { type: 'resident', table: 'T 1' }, where: 'a' }],
    ['RESIDENT $(p)_my-table', { source: { type: 'resident', table: '$(p)_my-table' } }],
    ['AUTOGENERATE 10', { source: { type: 'autogenerate', count: '10' } }],
    ['AUTOGENERATE(vTo - vFrom) WHILE a', { source: { type: 'autogenerate', count: '(vTo - vFrom)' }, while: 'a' }],
    [
      'FROM_FIELD (T, [f g]) (txt, no labels)',
      { source: { type: 'fromField', table: 'T', field: 'f g', format: { kind: 'txt', labels: 'none' } } },
    ],
    [
      "EXTENSION R.Eval('x<-1;(', T{a, b}, U) WHERE a",
      { source: { type: 'extension', name: 'R.Eval', tables: ['T', 'U'] }, where: 'a' },
    ],
    ['EXTENSION Py.All()', { source: { type: 'extension', name: 'Py.All' } }],
  ])('%s', (source, expected) => {
    expect(one(`LOAD * ${source};`)).toEqual(load({ fields: ['*'], ...expected }));
  });

  test.each<[string, string]>([
    ["INLINE [\na, b's\n1; // x, 2\n]", "\na, b's\n1; // x, 2\n"],
    ['INLINE "a\n[1]"', 'a\n[1]'],
    ["inline 'a\n\"1'", 'a\n"1'],
    ['INLINE `a\n]1`', 'a\n]1'],
    ['INLINE [a\n$(vRows)]', 'a\n$(vRows)'],
  ])('an inline table is what stands between its quotes: %s', (source, body) => {
    expect(one(`LOAD * ${source};`)).toEqual(load({ fields: ['*'], source: { type: 'inline', body } }));
  });

  test('an inline table may have a format', () => {
    expect(one("T: LOAD * INLINE [a|b] (txt, no labels, delimiter is '|') WHERE a;")).toEqual(
      load(
        {
          fields: ['*'],
          source: { type: 'inline', body: 'a|b', format: { kind: 'txt', labels: 'none', delimiter: '|' } },
          where: 'a',
        },
        { label: 'T' },
      ),
    );
  });
});

describe('the format of a file', () => {
  test.each<[string, object]>([
    [
      "(txt, codepage is 1252, embedded labels, delimiter is ';', msq)",
      { kind: 'txt', labels: 'embedded', delimiter: ';' },
    ],
    [
      "(txt, utf8, explicit labels, delimiter is ',', no quotes, header is 3 lines)",
      { kind: 'txt', labels: 'explicit', delimiter: ',', headerLines: 3 },
    ],
    ["(ansi, txt, delimiter is '\\t')", { kind: 'txt', delimiter: '\\t' }],
    ['(txt, delimiter is ,, no labels)', { kind: 'txt', delimiter: ',', labels: 'none' }],
    ['(txt, delimiter is spaces)', { kind: 'txt', delimiter: 'spaces' }],
    ['(fix, codepage is 1252, embedded labels)', { kind: 'fix', labels: 'embedded' }],
    ['(ooxml, embedded labels, table is [Sheet 1])', { kind: 'ooxml', labels: 'embedded', table: 'Sheet 1' }],
    [
      '(biff, embedded labels, header is 2 lines, table is Sheet1$)',
      { kind: 'biff', labels: 'embedded', headerLines: 2, table: 'Sheet1$' },
    ],
    ["(ooxml, no labels, table is 'It''s')", { kind: 'ooxml', labels: 'none', table: "It's" }],
    ['(ooxml, table is "a,b")', { kind: 'ooxml', table: 'a,b' }],
    ['(html, codepage is 1252, embedded labels, table is @1)', { kind: 'html', labels: 'embedded', table: '@1' }],
    ['(XmlSimple, table is [a/b/c])', { kind: 'xmlsimple', table: 'a/b/c' }],
    ['(json, table is [root/x])', { kind: 'json', table: 'root/x' }],
    ['(parquet, table is [p])', { kind: 'parquet', table: 'p' }],
    ['(kml)', { kind: 'kml' }],
    ['(dif, embedded labels)', { kind: 'dif', labels: 'embedded' }],
    ['(qvx)', { kind: 'qvx' }],
    [
      '(ooxml, embedded labels, table is $(vSheet), filters(Transpose(), Remove(Row, Pos(Top, 1))))',
      { kind: 'ooxml', labels: 'embedded', table: '$(vSheet)' },
    ],
  ])('%s', (format, expected) => {
    expect(one(`LOAD a FROM [f] ${format};`)).toEqual(load({ fields: ['a'], ...file('f', expected) }));
  });
});

describe('a preceding load', () => {
  test('reads what stands below it, over several steps', () => {
    expect(
      one(
        "T:\nLOAD *, x + 1 AS y;\nLOAD a AS x WHERE a > 0;\n// of the database\nSQL SELECT a FROM dbo.t WHERE b = ';';",
      ),
    ).toEqual({
      type: 'load',
      label: 'T',
      steps: [
        { type: 'load', fields: ['*', 'x + 1 AS y'] },
        { type: 'load', fields: ['a AS x'], where: 'a > 0' },
        { type: 'select', kind: 'select', text: "SELECT a FROM dbo.t WHERE b = ';'" },
      ],
    });
  });

  test('has prefixes of its own on lower steps', () => {
    expect(one('LEFT JOIN (T) LOAD a, Sum(b) AS s GROUP BY a; CROSSTABLE (k, b) LOAD * FROM f;')).toEqual({
      type: 'load',
      prefixes: [{ type: 'join', side: 'left', table: 'T' }],
      steps: [
        { type: 'load', fields: ['a', 'Sum(b) AS s'], groupBy: ['a'] },
        {
          type: 'load',
          prefixes: [{ type: 'crosstable', attribute: 'k', data: 'b', kept: 1 }],
          fields: ['*'],
          ...file('f'),
        },
      ],
    });
  });

  test('stays open over an expansion that nobody could resolve', () => {
    expect(one('T: LOAD a; $(vSelect);')).toEqual([
      { type: 'load', label: 'T', steps: [{ type: 'load', fields: ['a'] }] },
      { type: 'macro', text: '$(vSelect)' },
    ]);
  });

  test('whose source may be an expansion takes no labelled table for its own', () => {
    expect(one('LOAD a, b $(vFrom); U: LOAD c RESIDENT V;')).toEqual([
      load({ fields: ['a', 'b', '$(vFrom)'] }),
      load({ fields: ['c'], source: { type: 'resident', table: 'V' } }, { label: 'U' }),
    ]);
  });
});

test('a LOAD that cannot be understood still tells what it reads and is called', () => {
  expect(one('T: LOAD a b c FROM [lib://D/x.qvd] (qvd);')).toEqual({
    type: 'opaque',
    kind: 'load',
    why: 'a comma is missing between fields',
    at: 10,
    label: 'T',
    reads: ['lib://D/x.qvd'],
  });
});
