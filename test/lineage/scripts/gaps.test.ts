import { describe, expect, test } from 'vitest';
import { lineageOf, told } from './told.ts';

/** Of what real scripts get wrong, or write as nobody would think of: what is expected is what is meant. */
const scripts: Readonly<Record<string, readonly [script: string, expected: readonly string[]][]>> = {
  'a field that is none': [
    [
      'T: LOAD a, b + + AS bad, Sum(c)) AS worse, d e, f AS good FROM x.qvd (qvd);',
      ['T.a < x.qvd:a', 'T.bad', 'T.worse', 'T.good < x.qvd:f'],
    ],
    ['T: LOAD Net*1.19as Gross, [Ship Via]as Via FROM[x.qvd](qvd);', ['T.Gross < x.qvd:Net', 'T.Via < x.qvd:Ship Via']],
  ],
  'paths without brackets': [
    [
      'T: LOAD a FROM lib://D/*.xlsx (ooxml, table is S); U: LOAD x /* c */, y/* d */ FROM [u.qvd] (qvd);',
      ['T.a < lib://D/*.xlsx#S:a', 'U.x < u.qvd:x', 'U.y < u.qvd:y'],
    ],
  ],
  'a forgotten ; behind LET': [
    ['LET a = 1 +\n2\nSET b = x;\nLET c = $(a) + 1\nT_$(a)$(b): LOAD f FROM [$(c).qvd] (qvd);', ['T_3x.f < 4.qvd:f']],
  ],
  'a `*` brings what its own WHERE asks for': [
    [
      `T: LOAD id, v FROM new.csv (txt); CONCATENATE LOAD * FROM old.qvd (qvd) WHERE NOT EXISTS(id);
U: NOCONCATENATE LOAD id AS u RESIDENT T; DROP TABLE T;`,
      ['-T.id < new.csv:id, old.qvd:id', '-T.v < new.csv:v', '-T.* < old.qvd:*', 'U.u < new.csv:id, old.qvd:id'],
    ],
  ],
  'SQL that gives no rows makes no table, and is not what a join without a name joins to': [
    [
      `LIB CONNECT TO 'DB'; T: LOAD id FROM t.qvd (qvd); SQL SET NOCOUNT ON; SQL ALTER SESSION SET CURRENT_SCHEMA = X;
SQL INSERT INTO log (a) SELECT x FROM y; SQL SELECT a INTO #t FROM dbo.big; SQL CREATE TABLE #u (a int);
SQL IF OBJECT_ID('tempdb..#t') IS NOT NULL DROP TABLE #t; LEFT JOIN LOAD id, w FROM w.qvd (qvd); P: SQL SET NOCOUNT ON EXEC dbo.p; Q: SQL SET NOCOUNT ON SELECT q FROM dbo.q;`,
      [
        'T.id < (key) w.qvd:id, t.qvd:id',
        'T.w < w.qvd:w',
        'P.* < connection:DB#dbo.p:*',
        'Q.q < connection:DB#dbo.q:q',
      ],
    ],
  ],
  'the operation of a MERGE is no field of the table': [
    [
      'T: LOAD k, v FROM t.qvd (qvd); MERGE (s, vSeq) ON k CONCATENATE (T) LOAD Op, k, v FROM d.qvd (qvd);',
      ['T.k < d.qvd:k, t.qvd:k', 'T.v < d.qvd:v, t.qvd:v'],
    ],
  ],
  'a bracket in the name of a table': [
    ['[T [1]]]: LOAD a FROM x.qvd (qvd); U: LOAD a AS b RESIDENT [T [1]]];', ['T [1].a < x.qvd:a', 'U.b < x.qvd:a']],
  ],
  'a path in the wrong quotes': [
    [
      'LET p = "lib://D/"; LET q = "$(p)y"; T: LOAD a FROM [$(p)x.qvd] (qvd); U: LOAD b FROM [$(q).qvd] (qvd);',
      ['T.a < lib://D/x.qvd:a', 'U.b < lib://D/y.qvd:b'],
    ],
  ],
  'brackets in the rows of an inline table': [
    [
      `T: LOAD * INLINE [\nName, Formula\nSales, Sum([Net Sales])\n[x], 'y'\n] (delimiter is ','); U: LOAD u FROM u.qvd (qvd);
V: LOAD * INLINE [a]; W: LOAD * INLINE [b\n[];`,
      ['T.Name < inline::Name', 'T.Formula < inline::Formula', 'U.u < u.qvd:u', 'V.a < inline::a', 'W.b < inline::b'],
    ],
  ],
  'what SET is given': [
    [
      `SET f = [Net Sales]; SET p = [lib://D/x.qvd]; SET s = 'it''s'; SET q = 'a' & 'b'; SET [v w] = "z";
T_$(v w): LOAD $(f) AS n, $(q) AS ab FROM [$(p)] (qvd); STORE T_z INTO [$(s).qvd] (qvd);`,
      ['T_z.n < lib://D/x.qvd:Net Sales', 'T_z.ab', "T_z > it's.qvd: n, ab"],
    ],
  ],
  'a connection that depends on what nobody knows': [
    [
      `IF '$(vEnv)' = 'P' THEN; LIB CONNECT TO 'ERP'; ELSE; LIB CONNECT TO 'Test'; END IF
T: SELECT a FROM t; U: SELECT * FROM u; V: LOAD x RESIDENT U; LIB CONNECT TO 'ERP'; W: SELECT w FROM t;`,
      [
        'T.a < connection:ERP#t:a candidate, connection:Test#t:a candidate',
        'U.* < connection:ERP#u:* candidate, connection:Test#u:* candidate',
        'V.x < connection:ERP#u:x candidate, connection:Test#u:x candidate',
        'W.w < connection:ERP#t:w',
      ],
    ],
  ],
  'MAP … USING with wildcards': [
    [
      `M: MAPPING LOAD k, v FROM m.csv (txt); MAP City*, x USING M; T: LOAD CityA, Cit, x FROM t.csv (txt); UNMAP City*;
U: LOAD CityA AS z, CityB FROM u.csv (txt);`,
      [
        'T.CityA < (map-key) t.csv:CityA, m.csv:v',
        'T.Cit < t.csv:Cit',
        'T.x < (map-key) t.csv:x, m.csv:v',
        'U.z < u.csv:CityA',
        'U.CityB < u.csv:CityB',
      ],
    ],
  ],
  'QUALIFY tells names apart by their case, and names fields after the table that they get into': [
    [
      'QUALIFY *; UNQUALIFY k, A*; T: LOAD k, a, Abc FROM x.qvd (qvd); LEFT JOIN LOAD k, b FROM y.qvd (qvd);',
      ['T.k < (key) y.qvd:k, x.qvd:k', 'T.T.a < x.qvd:a', 'T.Abc < x.qvd:Abc', 'T.T.b < y.qvd:b'],
    ],
    [
      'QUALIFY *; T: LOAD a FROM x.qvd (qvd); CONCATENATE (T) LOAD a, c FROM y.qvd (qvd);',
      ['T.T.a < x.qvd:a, y.qvd:a', 'T.T.c < y.qvd:c'],
    ],
  ],
  'more than one ELSE': [
    [
      `IF f() THEN; IF g() THEN; A: LOAD a FROM a.qvd (qvd); ELSE; A: LOAD a FROM b.qvd (qvd); ELSE
B: LOAD c FROM c.qvd (qvd); END IF; ELSE; C: LOAD d FROM d.qvd (qvd); END IF`,
      ['A.a < a.qvd:a, b.qvd:a', 'B.c < c.qvd:c', 'C.d < d.qvd:d'],
    ],
  ],
  'what connectors list without commas, and what they list of themselves': [
    [
      "LIB CONNECT TO 'SAP'; V: LOAD VBELN AS Doc; SQL SELECT VBELN FKDAT NETWR FROM VBRK WHERE FKDAT GE '20240101';",
      ['V.Doc < connection:SAP#VBRK:VBELN'],
    ],
    ["LIB CONNECT TO 'ERP'; T: LOAD TABLE_NAME AS Name; SQLTABLES;", ['T.Name < connection:ERP#SQLTABLES:TABLE_NAME']],
    [
      "LIB CONNECT TO 'ERP'; T: SELECT (SELECT MAX(p.at) FROM pay p WHERE p.o = o.id) AS paid, o.* FROM orders o;",
      ['T.paid < connection:ERP#pay:at', 'T.* < connection:ERP#orders:*'],
    ],
  ],
};

describe.each(Object.entries(scripts))('%s', (_, cases) => {
  test.each(cases)('%s', async (script, expected) => {
    expect(told(await lineageOf(script))).toEqual(expected);
  });
});

test('a LOAD of which a field could not be read is not counted as understood', async () => {
  const { statements, diagnostics } = await lineageOf('T: LOAD a, b c d, e FROM x.qvd (qvd);');
  expect(statements).toEqual({ total: 1, understood: 0, opaque: 1 });
  expect(diagnostics.map(({ code }) => code)).toEqual(['lineage.expression']);
});
