import { describe, expect, test } from 'vitest';
import { ask } from './asked.ts';

describe('roles', () => {
  test('keys of joins, conditions, groups and sorting are apart from values', async () => {
    const asked = await ask(
      `SELECT o.region AS region, SUM(o.amount) AS total FROM orders o JOIN customers c ON c.id = o.cid
       WHERE c.country = 'X' AND o.id IN (SELECT r.oid FROM returns r WHERE r.kind = 1)
       GROUP BY o.region HAVING SUM(o.paid) > 0 ORDER BY total DESC, 1`,
    );
    expect(asked.values).toEqual({ region: ['orders#region'], total: ['orders#amount'] });
    expect(asked.in('key')).toEqual(['customers#id', 'orders#cid']);
    expect(asked.in('filter')).toEqual([
      'customers#country',
      'orders#id',
      'returns#kind',
      'returns#oid',
      'orders#paid',
    ]);
    expect(asked.in('group')).toEqual(['orders#region']);
    expect(asked.in('sort')).toEqual(['orders#amount', 'orders#region']);
    const roles = asked.analysis.columns.flatMap(({ from }) => from.map(({ role }) => role));
    expect(new Set(roles)).toEqual(new Set(['value']));
  });

  test('what a CASE tests decides about its value', async () => {
    const asked = await ask(
      "SELECT CASE WHEN a = 1 THEN b ELSE c END AS x, CASE a WHEN 'K' THEN 1 END AS flag, IIF(d > 1, e, 0) AS y FROM t",
      'tsql',
    );
    expect(asked.values).toEqual({ x: ['t#a', 't#b', 't#c'], flag: ['t#a'], y: ['t#d', 't#e'] });
  });

  test('a window is a group and a sort of its column, and its value where it has no other', async () => {
    const asked = await ask(
      'SELECT SUM(x) OVER (PARTITION BY p ORDER BY o) AS a, RANK() OVER w AS b FROM t WINDOW w AS (ORDER BY q)',
      'postgresql',
    );
    expect(asked.values).toEqual({ a: ['t#x'], b: ['t#q'] });
    expect(asked.in('group')).toEqual(['t#p']);
    expect(asked.in('sort')).toEqual(['t#o']);
  });
});

describe('columns without a table', () => {
  const join = 'SELECT id, name, qty FROM a JOIN b ON a.k = b.k';
  test('are candidates of all tables when nothing is known', async () => {
    const asked = await ask(join);
    expect(asked.values['id']).toEqual(['a#id?', 'b#id?']);
    expect(asked.analysis.diagnostics.map((d) => d.code)).toEqual(['lineage.sql.ambiguous']);
  });

  test('have one candidate when the columns of the other table are known', async () => {
    const asked = await ask(join, undefined, { a: ['k', 'id'] });
    expect(asked.values).toEqual({ id: ['a#id~'], name: ['b#name~'], qty: ['b#qty~'] });
    expect(asked.analysis.diagnostics).toEqual([]);
  });

  test('belong to the query that is known to give them', async () => {
    const asked = await ask(
      'SELECT total, other FROM (SELECT k, SUM(v) AS total FROM a GROUP BY k) s, b WHERE b.k = s.k',
    );
    expect(asked.values).toEqual({ total: ['a#v'], other: ['b#other~'] });
  });

  test('belong to both sides of USING', async () => {
    const asked = await ask('SELECT k, a.x FROM a JOIN b USING (k)', 'postgresql');
    expect(asked.values).toEqual({ k: ['a#k', 'b#k'], x: ['a#x'] });
    expect(asked.in('key')).toEqual(['a#k', 'b#k']);
  });

  test('of a subquery may be the outer one’s', async () => {
    const asked = await ask('SELECT (SELECT MAX(v) FROM b WHERE bk = ak) AS m FROM a', undefined, {
      a: ['ak'],
      b: ['bk', 'v'],
    });
    expect(asked.values).toEqual({ m: ['b#v'] });
    expect(asked.in('filter')).toEqual(['b#bk', 'a#ak']);
  });
});

describe('stars', () => {
  test('stay open when nobody knows the columns, through subqueries too', async () => {
    const asked = await ask('SELECT s.*, b.x FROM (SELECT * FROM a) s JOIN b ON b.k = s.k');
    expect(asked.values).toEqual({ x: ['b#x'] });
    expect(asked.analysis.open).toBe(true);
    expect(asked.in('key')).toEqual(['b#k', 'a#k']);
  });

  test('are inferred from columns known elsewhere, in order, EXCEPT and RENAME included', async () => {
    const known = { a: ['id', 'x', 'y'], b: ['id', 'z'] };
    const asked = await ask('SELECT * EXCLUDE (y) RENAME (x AS ex), b.z zz FROM a, b', 'snowflake', known);
    expect(asked.values).toEqual({ id: ['a#id~'], ex: ['a#x~'], id1: ['b#id~'], z: ['b#z~'], zz: ['b#z'] });
    expect(asked.analysis.open).toBe(false);
  });

  test('of one table give that table’s columns', async () => {
    const asked = await ask('SELECT b.* FROM a JOIN b ON a.k = b.k', undefined, { b: ['k', 'v'] });
    expect(asked.values).toEqual({ k: ['b#k~'], v: ['b#v~'] });
    expect(asked.analysis.open).toBe(false);
  });

  test('a column asked for by name is exact though it comes through a star', async () => {
    const asked = await ask('SELECT x FROM (SELECT * FROM (SELECT * FROM dbo.t) a) b');
    expect(asked.values).toEqual({ x: ['dbo.t#x'] });
  });
});

describe('several queries in one', () => {
  test('UNION column by column, EXCEPT without values', async () => {
    const asked = await ask('SELECT a, b FROM t UNION ALL SELECT c, d FROM u EXCEPT SELECT e, f FROM v');
    expect(asked.values).toEqual({ a: ['t#a', 'u#c'], b: ['t#b', 'u#d'] });
    expect(asked.analysis.objects).toEqual(['t', 'u', 'v']);
  });

  test('a name of WITH hides a table, and the table is read within it', async () => {
    const asked = await ask('WITH t AS (SELECT id, v FROM t WHERE ok = 1), u (n) AS (SELECT v FROM t) SELECT n FROM u');
    expect(asked.values).toEqual({ n: ['t#v'] });
    expect(asked.analysis.objects).toEqual(['t']);
  });

  test('a recursive query comes to an end', async () => {
    const asked = await ask(
      `WITH c AS (SELECT id, pid, 0 AS lvl FROM node WHERE pid IS NULL
       UNION ALL SELECT n.id, n.pid, c.lvl + 1 FROM node n JOIN c ON c.id = n.pid) SELECT id, pid, lvl FROM c`,
      'tsql',
    );
    expect(asked.values).toEqual({ id: ['node#id'], pid: ['node#pid'], lvl: [] });
  });

  test('PIVOT and UNPIVOT give and take columns', async () => {
    const pivot = await ask(
      'SELECT g, [A], [B] FROM (SELECT g, k, v FROM t) s PIVOT (SUM(v) FOR k IN ([A],[B])) p',
      'tsql',
    );
    expect(pivot.values).toEqual({ g: ['t#g'], A: ['t#v'], B: ['t#v'] });
    expect(pivot.in('attribute')).toEqual(['t#k']);
    const unpivot = await ask('SELECT * FROM t UNPIVOT (v FOR m IN (a, b)) u', 'tsql', { t: ['id', 'a', 'b'] });
    expect(unpivot.values).toEqual({ id: ['t#id~'], v: ['t#a~', 't#b~'], m: [] });
    expect(unpivot.in('attribute')).toEqual(['t#a~', 't#b~']);
  });

  test('functions that return tables are read', async () => {
    const asked = await ask('SELECT f.x, * FROM dbo.fnOrders(1, 2) f', 'tsql');
    expect(asked.values).toEqual({ x: ['dbo.fnOrders#x'] });
    expect(asked.analysis).toMatchObject({ open: true, objects: ['dbo.fnOrders'] });
  });
});

describe('what could not be expanded', () => {
  test('stays in names of tables and columns', async () => {
    const asked = await ask('SELECT $(p)_id, t.[x $(q)] AS y_$(r) FROM $(db).dbo.F_$(vYear) t');
    expect(asked.values).toEqual({
      '$(p)_id': ['$(db).dbo.F_$(vYear)#$(p)_id'],
      'y_$(r)': ['$(db).dbo.F_$(vYear)#x $(q)'],
    });
  });

  test('for a list of columns leaves the result open', async () => {
    const asked = await ask('SELECT id, $(vFields) FROM dbo.T');
    expect(asked.values).toEqual({ id: ['dbo.T#id'] });
    expect(asked.analysis.open).toBe(true);
    expect(asked.analysis.diagnostics.map((d) => d.code)).toEqual(['lineage.sql.expansion']);
  });

  test('in an expression makes its column one of the table', async () => {
    const asked = await ask('SELECT $(vExpr) AS x, CASE WHEN a = $(v) THEN 1 END AS y FROM dbo.T');
    expect(asked.values).toEqual({ x: ['dbo.T#*!'], y: ['dbo.T#a', 'dbo.T#*!'] });
  });

  test.each([
    ['SELECT a FROM t $(vWhere)'],
    ['SELECT a FROM t WHERE $(vCondition)'],
    ['SELECT a FROM t WHERE b = 1 $(vMore) AND c = 2'],
    ["SELECT a FROM t WHERE d >= '$(=Date(Today(), 'YYYY'))' AND e IN ($(vList))"],
    ['SELECT $(vTop) a FROM t'],
    ['SELECT TOP $(n) a FROM t'],
    ['SELECT a FROM t LIMIT $(n)'],
    ['$(vWith) SELECT a FROM t'],
    ['SELECT a FROM t ORDER BY $(vOrder)'],
    ['SELECT a FROM $(t) WHERE b = 1'],
  ])('is no column of its own: %s', async (sql) => {
    const asked = await ask(sql);
    const table = sql.includes('FROM $(t)') ? '$(t)' : 't';
    expect(asked.values).toEqual({ a: [`${table}#a`] });
    expect(asked.analysis.how).toBe('parser');
  });
});

describe('DIRECT QUERY and catalogs', () => {
  test('lists of columns under names of their use', async () => {
    const asked = await ask(
      "DIRECT QUERY DIMENSION Id, Region AS R MEASURE Qty DETAIL NATIVE('ISNULL(Note, ''-'')') AS Note FROM dbo.Sales WHERE Y = 1",
      'tsql',
    );
    expect(asked.values).toEqual({
      Id: ['dbo.Sales#Id'],
      R: ['dbo.Sales#Region'],
      Qty: ['dbo.Sales#Qty'],
      Note: ['dbo.Sales#Note'],
    });
  });

  test.each(['SQLTABLES', 'sqlcolumns', 'SQLTYPES;'])('%s is a source without known columns', async (sql) => {
    const { analysis } = await ask(sql);
    expect(analysis).toMatchObject({ objects: [sql.replace(';', '').toUpperCase()], open: true, columns: [] });
  });

  test('a cube is a source without known columns', async () => {
    const { analysis } = await ask(
      'SELECT [Measures].[Sales] ON COLUMNS, [Date].[Year].MEMBERS ON ROWS FROM [Sales Cube]',
    );
    expect(analysis).toMatchObject({ objects: ['Sales Cube'], open: true, columns: [], diagnostics: [] });
  });

  test('columns of related objects keep their whole names', async () => {
    const asked = await ask('SELECT Id, Account.Name, Owner.Manager.Email FROM Opportunity WHERE Account.Type = 1');
    expect(asked.values).toEqual({
      Id: ['Opportunity#Id'],
      'Account.Name': ['Opportunity#Account.Name~'],
      'Owner.Manager.Email': ['Opportunity#Owner.Manager.Email~'],
    });
    expect((await ask('SELECT geo.country FROM sessions', 'bigquery')).values).toEqual({ country: ['sessions#geo~'] });
  });

  test('functions that unfold a column are no tables, and their alias is what they unfold', async () => {
    const lateral = 'SELECT x.val FROM docs d CROSS JOIN LATERAL jsonb_array_elements(d.items) AS x(val)';
    expect(await ask(lateral, 'postgresql')).toMatchObject({ values: { val: ['docs#items~'] } });
    const asked = await ask('SELECT d.id, x FROM docs d, jsonb_array_elements_text(d.items) x', 'postgresql');
    expect(asked.values).toEqual({ id: ['docs#id'], x: ['docs#items~'] });
    expect(asked.analysis.objects).toEqual(['docs']);
  });

  test('what changes the database gives no rows, unless a query follows or rows are asked for', async () => {
    const changes = [
      'TRUNCATE TABLE a',
      'INSERT INTO a SELECT x FROM b UNION ALL SELECT y FROM c',
      'UPDATE a SET b = (SELECT 1)',
    ];
    const asked = [
      'INSERT INTO a (x) VALUES (1) RETURNING id',
      'SELECT a FROM b',
      'CREATE TABLE #a (x int) EXEC dbo.p',
    ];
    for (const text of changes) expect((await ask(text)).analysis.rowless, text).toBe(true);
    for (const text of asked) expect((await ask(text)).analysis.rowless, text).toBeUndefined();
  });

  test('a procedure is a source without known columns', async () => {
    const { analysis } = await ask("EXEC [dbo].[sp Orders] @from = 'canary-secret'", 'tsql');
    expect(analysis).toMatchObject({ objects: ['dbo.sp Orders'], open: true, columns: [] });
  });
});

describe('spellings that only one database has, when nobody says which it is', () => {
  test.each<[called: string, sql: string, values: Readonly<Record<string, readonly string[]>>]>([
    [
      'IF as a function, which is a statement in SQL Server',
      "SELECT t.k, IF(t.a = 'R', -t.b, t.c) `Sum` FROM s.t t",
      { k: ['s.t#k'], Sum: ['s.t#a', 's.t#b', 's.t#c'] },
    ],
    [
      'an argument called OUTER',
      'SELECT f.value:sku::string AS sku FROM o, LATERAL FLATTEN(input => o.doc:lines, outer => TRUE) f',
      { sku: ['o#doc~'] },
    ],
    [
      'what PIVOT makes of texts, under their names with quotes',
      `SELECT g, "'Q1'" AS q1 FROM (SELECT g, q, v FROM t) PIVOT (SUM(v) FOR q IN ('Q1', 'Q2'))`,
      { g: ['t#g'], q1: ['t#v'] },
    ],
    [
      'names behind the alias of PIVOT',
      "SELECT * FROM (SELECT g, q, v FROM t) PIVOT (SUM(v) FOR q IN ('Q1', 'Q2')) AS p (region, q1, q2)",
      { region: ['t#g~'], q1: ['t#v~'], q2: ['t#v~'] },
    ],
    [
      'types and titles of Teradata behind columns',
      "SELECT t.a (DECIMAL(18,2)) AS x, t.b (DATE), c (CHAR(4)) (TITLE 'C') y, t.d (NAMED z), MAX(date) m FROM s.t t WHERE e IN (CHAR(39))",
      { x: ['s.t#a'], b: ['s.t#b'], y: ['s.t#c'], z: ['s.t#d'], m: ['s.t#date'] },
    ],
    [
      'quotes of one’s own choice in Oracle',
      "SELECT t.a q, q'[it; is]' AS r, t.b FROM s.t t",
      { q: ['s.t#a'], r: [], b: ['s.t#b'] },
    ],
    [
      'texts of Access in double quotes, and names',
      'SELECT DISTINCTROW a & " " & "b" AS n, IIf(c = "x", Format(d, "yyyy"), "z") AS f, "e", Sum("g") AS h FROM t',
      { n: ['t#a'], f: ['t#c', 't#d'], e: ['t#e'], h: ['t#g'] },
    ],
    [
      'a list of values, column by column',
      "SELECT v.kind, v.amount FROM t CROSS APPLY (VALUES ('net', t.net), ('gross', t.gross)) v (kind, amount)",
      { kind: [], amount: ['t#net~', 't#gross~'] },
    ],
    [
      'functions of a schema, and methods of columns',
      "SELECT dbo.net(f.a, b) AS x, [dbo].[to X](c), srv.pkg.f(d) y, f.doc.value('(/i)[1]', 'int') z, Shape.STArea() s FROM f",
      { x: ['f#a', 'f#b'], 'dbo.to X(c)': ['f#c'], y: ['f#d'], z: ['f#doc'], s: ['f#Shape'] },
    ],
    [
      'parts of texts and dates of Informix, and its tables of other servers',
      'SELECT i.name[1,5] AS part, EXTEND(i.day, YEAR TO MONTH) m FROM db@srv:"own".items i, OUTER o WHERE o.k = i.k',
      { part: ['db@srv:own.items#name'], m: ['db@srv:own.items#day'] },
    ],
    [
      'UNPIVOT with texts for its columns',
      "SELECT id, kpi, val FROM f UNPIVOT (val FOR kpi IN (rev AS 'Revenue', cost AS 'Cost'))",
      { id: ['f#id'], kpi: [], val: ['f#rev', 'f#cost'] },
    ],
    [
      'rows of XML',
      "SELECT o.k, x.n.value('(a)[1]', 'int') AS v FROM o OUTER APPLY o.doc.nodes('/r') AS x(n)",
      { k: ['o#k'], v: ['o#doc~'] },
    ],
    [
      'parameters of lambdas',
      'SELECT filter(o.tags, t -> t <> o.no) AS n, reduce(o.v, 0, (acc, x) -> acc + x) s FROM o',
      { n: ['o#tags', 'o#no'], s: ['o#v'] },
    ],
    [
      'CONCAT between its operands, and CONNECT_BY_ROOT',
      "SELECT e.a CONCAT '-' CONCAT e.b AS ab, CONNECT_BY_ROOT e.no AS root, e.concat FROM e CONNECT BY PRIOR e.no = e.boss",
      { ab: ['e#a', 'e#b'], root: ['e#no'], concat: ['e#concat'] },
    ],
    [
      'TABLE in front of a query',
      'SELECT t.k, t.v FROM TABLE (SELECT k, v FROM lib.tab) AS t',
      { k: ['lib.tab#k'], v: ['lib.tab#v'] },
    ],
    [
      'what no parser reads, with a function that unfolds a column',
      'SELECT f.value:sku::string AS sku, t.a ~! 1 AS a FROM t, LATERAL FLATTEN(input => t.doc) f',
      { sku: ['t#doc~'], a: ['t#a~'] },
    ],
  ])('%s', async (_, sql, values) => {
    expect((await ask(sql)).values).toEqual(values);
  });
});
