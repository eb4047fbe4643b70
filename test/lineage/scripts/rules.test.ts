import { describe, expect, test } from 'vitest';
import { sourceName } from '#agent/lineage/result-json.ts';
import { decodeText } from '#agent/lineage/text/decode.ts';
import { lineageOf, told } from './told.ts';

/** Each line of what is expected was written from the rules of the language. */
const rules: Readonly<Record<string, readonly [script: string, expected: readonly string[]][]>> = {
  'LOAD and its sources': [
    ['T: LOAD a, b AS c, a & b AS d FROM x.qvd (qvd);', ['T.a < x.qvd:a', 'T.c < x.qvd:b', 'T.d < x.qvd:a, x.qvd:b']],
    ['T: LOAD a FROM [b c.xlsx] (ooxml, embedded labels, table is [S 1]);', ['T.a < b c.xlsx#S 1:a']],
    ['LOAD a FROM [lib://D/my sales.qvd] (qvd);', ['my sales.a < lib://D/my sales.qvd:a']],
    ['T: LOAD * INLINE [a, b\n1, 2];', ['T.a < inline::a', 'T.b < inline::b']],
    ['T: LOAD RowNo() AS n, 1 AS one AUTOGENERATE 5;', ['T.n', 'T.one']],
    ['A: LOAD a FROM x.qvd (qvd); B: LOAD a AS b RESIDENT A; DROP TABLE A;', ['-A.a < x.qvd:a', 'B.b < x.qvd:a']],
    ['T: LOAD a RESIDENT Elsewhere;', ['T.a < resident:Elsewhere:a']],
    ['T: LOAD x + 1 AS y; LOAD a * 2 AS x FROM f.csv (txt);', ['T.y < f.csv:a']],
    ['T: LOAD *, a AS b FROM f.qvd (qvd);', ['T.b < f.qvd:a', 'T.* < f.qvd:*']],
    ["T: LOAD a EXTENSION R.Eval('x', S{a});", ['T.a < extension:R.Eval:a']],
  ],
  'columns of a SELECT in another case': [
    ['T: LOAD ID, Name; SQL SELECT id, NAME FROM t;', ['T.ID < t:id inferred', 'T.Name < t:NAME inferred']],
    ['T: LOAD ID; SQL SELECT id, Id FROM t;', ['T.ID']],
    ['T: LOAD ID; LOAD id FROM x.qvd (qvd);', ['T.ID']],
  ],
  'names and paths made by variables': [
    [
      "SET p = 'lib://D/'; LET y = 2000 + 20; T_$(y): LOAD a FROM [$(p)s_$(y).qvd] (qvd);",
      ['T_2020.a < lib://D/s_2020.qvd:a'],
    ],
    ['T: LOAD a FROM [$(vUnknown)x.qvd] (qvd);', ['T.a < $(vUnknown)x.qvd:a inferred']],
    ['SET f = ($1 + $2); T: LOAD $(f(a, b)) AS c FROM x.qvd (qvd);', ['T.c < x.qvd:a, x.qvd:b']],
    [
      'SET j = Left Join (T); T: LOAD k FROM x.qvd (qvd); $(j) LOAD k, b FROM y.qvd (qvd);',
      ['T.k < (key) y.qvd:k, x.qvd:k', 'T.b < y.qvd:b'],
    ],
  ],
  'where rows go': [
    [
      'T: LOAD a, b FROM x.qvd (qvd); CONCATENATE LOAD a, c FROM y.qvd (qvd);',
      ['T.a < x.qvd:a, y.qvd:a', 'T.b < x.qvd:b', 'T.c < y.qvd:c'],
    ],
    [
      'T: LOAD a, b FROM x.qvd (qvd); U: LOAD b, a FROM y.qvd (qvd);',
      ['T.a < x.qvd:a, y.qvd:a', 'T.b < x.qvd:b, y.qvd:b'],
    ],
    ['T: LOAD a FROM x.qvd (qvd); U: NOCONCATENATE LOAD a FROM y.qvd (qvd);', ['T.a < x.qvd:a', 'U.a < y.qvd:a']],
    [
      'T: LOAD k FROM x.qvd (qvd); U: LOAD z FROM z.qvd (qvd); LEFT JOIN (T) LOAD k, b FROM y.qvd (qvd);',
      ['T.k < (key) y.qvd:k, x.qvd:k', 'T.b < y.qvd:b', 'U.z < z.qvd:z'],
    ],
    [
      'T: LOAD k FROM x.qvd (qvd); INNER KEEP U: LOAD k, b FROM y.qvd (qvd);',
      ['T.k < x.qvd:k', 'U.k < y.qvd:k', 'U.b < y.qvd:b'],
    ],
    [
      "M_A: MAPPING LOAD k, v FROM m.qvd (qvd); T: LOAD ApplyMap('M_' & 'A', c) AS n, ApplyMap('M_' & b, c) AS o FROM x.qvd (qvd);",
      ['T.n < (map-key) x.qvd:c, m.qvd:v', 'T.o < (map-key) x.qvd:c'],
    ],
    [
      "M: MAPPING LOAD k, v FROM m.qvd (qvd); T: LOAD ApplyMap('M', c, 'none') AS n FROM x.qvd (qvd);",
      ['T.n < (map-key) x.qvd:c, m.qvd:v'],
    ],
    [
      'CROSSTABLE (Month, Amount, 2) T: LOAD a, b, Jan, Feb FROM x.qvd (qvd);',
      [
        'T.a < x.qvd:a',
        'T.b < x.qvd:b',
        'T.Month < (attribute) x.qvd:Feb, (attribute) x.qvd:Jan',
        'T.Amount < x.qvd:Feb, x.qvd:Jan',
      ],
    ],
  ],
  'what is done to tables': [
    ['T: LOAD a, b FROM x.qvd (qvd); RENAME FIELD a TO c; RENAME TABLE T TO U; DROP FIELD b;', ['U.c < x.qvd:a']],
    ['M: MAPPING LOAD * INLINE [o, n\na, z]; T: LOAD a FROM x.qvd (qvd); RENAME FIELDS USING M;', ['T.z < x.qvd:a']],
    ['ALIAS a AS b; T: LOAD a FROM x.qvd (qvd);', ['T.b < x.qvd:a']],
    ['QUALIFY *; UNQUALIFY k; T: LOAD k, a FROM x.qvd (qvd);', ['T.k < x.qvd:k', 'T.T.a < x.qvd:a']],
    [
      'T: LOAD a, b FROM x.qvd (qvd); STORE T INTO [y.qvd] (qvd); STORE a AS z FROM T INTO z.csv (txt);',
      ['T.a < x.qvd:a', 'T.b < x.qvd:b', 'T > y.qvd: a, b', 'T > z.csv: z'],
    ],
    [
      'T: LOAD a FROM x.qvd (qvd); STORE T INTO y.qvd (qvd); DROP TABLE T; U: LOAD a AS b FROM y.qvd (qvd);',
      ['-T.a < x.qvd:a', 'U.b < x.qvd:a', 'T > y.qvd: a'],
    ],
  ],
  'the way through the script': [
    ["FOR EACH y IN '1', '2'\nT: LOAD a FROM [x$(y).qvd] (qvd);\nNEXT", ['T.a < x1.qvd:a, x2.qvd:a']],
    [
      'FOR i = 1 TO 2\nT$(i): NOCONCATENATE LOAD a FROM [x$(i).qvd] (qvd);\nNEXT i',
      ['T1.a < x1.qvd:a', 'T2.a < x2.qvd:a'],
    ],
    ["SUB L(t, f)\n[$(t)]: LOAD a FROM [$(f)] (qvd);\nEND SUB\nCALL L('T 1', 'x.qvd')", ['T 1.a < x.qvd:a']],
    [
      'SET v = 1; IF $(v) = 1 THEN\nT: LOAD a FROM x.qvd (qvd);\nELSE\nT: LOAD a FROM y.qvd (qvd);\nEND IF',
      ['T.a < x.qvd:a'],
    ],
    [
      "SWITCH 'b'\nCASE 'a'\nT: LOAD a FROM x.qvd (qvd);\nCASE 'b'\nT: LOAD a FROM y.qvd (qvd);\nEND SWITCH",
      ['T.a < y.qvd:a'],
    ],
    ['T: LOAD a FROM x.qvd (qvd); EXIT SCRIPT; U: LOAD a FROM y.qvd (qvd);', ['T.a < x.qvd:a']],
    [
      'S: LOAD a FROM x.qvd (qvd); T: LOAD a AS b RESIDENT S; DROP TABLE S; EXIT SCRIPT;',
      ['-S.a < x.qvd:a', 'T.b < x.qvd:a'],
    ],
    ['WHEN 1 = 2 LOAD a FROM x.qvd (qvd); UNLESS 1 = 2 T: LOAD a FROM y.qvd (qvd);', ['T.a < y.qvd:a']],
  ],
  databases: [
    [
      "LIB CONNECT TO 'ERP'; T: SQL SELECT o.id, o.total AS amount FROM dbo.orders o;",
      ['T.id < connection:ERP#dbo.orders:id', 'T.amount < connection:ERP#dbo.orders:total'],
    ],
    [
      "LIB CONNECT TO 'ERP'; T: LOAD amount * 2 AS double; SELECT total AS amount FROM dbo.orders;",
      ['T.double < connection:ERP#dbo.orders:total'],
    ],
    // Oracle gives `A` for `a`, PostgreSQL `a` for `A`; what a LOAD has named is one way only.
    [
      "LIB CONNECT TO 'E'; T: LOAD A, B AS X; SQL SELECT a, b, c, C FROM t; U: SQL SELECT d FROM u; V: LOAD D AS W RESIDENT U; Y: LOAD x AS Z RESIDENT T;",
      [
        'T.A < connection:E#t:a inferred',
        'T.X < connection:E#t:b inferred',
        'U.d < connection:E#u:d',
        'V.W < connection:E#u:d inferred',
        'Y.Z',
      ],
    ],
    [
      'OLEDB CONNECT TO [Provider=Microsoft.ACE.OLEDB.12.0;Data Source=D.mdb]; T: SQL SELECT Format(a, "yyyy") AS y FROM t;',
      ['T.y < connection:D.mdb#t:a'],
    ],
  ],
  'what a script wrote itself': [
    [
      `T: LOAD id, v FROM new.csv (txt); CONCATENATE LOAD * FROM [lib://D/all.qvd] (qvd) WHERE NOT EXISTS(id);
STORE T INTO [LIB://D/all.qvd] (qvd);`,
      [
        'T.id < lib://D/all.qvd:id, new.csv:id',
        'T.v < lib://D/all.qvd:v inferred, new.csv:v',
        'T > LIB://D/all.qvd: id, v',
      ],
    ],
    [
      'T: LOAD id, v FROM new.csv (txt); CONCATENATE LOAD * FROM old.qvd (qvd); STORE T INTO all.qvd (qvd);',
      ['T.id < new.csv:id', 'T.v < new.csv:v', 'T.* < old.qvd:*', 'T > all.qvd: id, v, *'],
    ],
    [
      `FOR EACH y IN 1, 2; A: LOAD a FROM x$(y).csv (txt); STORE A INTO [D/p_$(y).qvd] (qvd); DROP TABLE A; NEXT
T: LOAD * FROM [D/p_*.qvd] (qvd);`,
      ['-A.a < x1.csv:a', '-A.a < x2.csv:a', 'T.a < x1.csv:a, x2.csv:a', 'A > D/p_1.qvd: a', 'A > D/p_2.qvd: a'],
    ],
    [
      'A: LOAD a FROM x.csv (txt); STORE A INTO [D/p.qvd] (qvd); DROP TABLE A; T: LOAD a FROM [D/*.qvd] (qvd);',
      ['-A.a < x.csv:a', 'T.a < D/*.qvd:a', 'A > D/p.qvd: a'],
    ],
  ],
  'what the script asks of its own tables': [
    [
      `L: LOAD t, f AS k INLINE [t, f\nX, XId\nY, YId];
FOR i = 0 TO NoOfRows('L') - 1; LET vT = Peek('t', $(i), 'L'); LET vK = Peek('k', i, 'L');
[$(vT)]: LOAD [$(vK)] FROM [$(vT).qvd] (qvd); NEXT i; DROP TABLE L;`,
      ['-L.t < inline::t', '-L.k < inline::f', 'X.XId < X.qvd:XId', 'Y.YId < Y.qvd:YId'],
    ],
    [
      `A: LOAD a FROM a.csv (txt); B: LOAD b FROM b.csv (txt);
FOR i = NoOfTables() - 1 TO 0 STEP -1; LET t = TableName($(i)); STORE [$(t)] INTO lib://Q/$(t).qvd (qvd); DROP TABLE [$(t)]; NEXT`,
      ['-A.a < a.csv:a', '-B.b < b.csv:b', 'B > lib://Q/B.qvd: b', 'A > lib://Q/A.qvd: a'],
    ],
    [
      `T: LOAD a, b FROM a.csv (txt);
FOR i = 1 TO NoOfFields('T'); LET f = FieldName($(i), 'T'); RENAME FIELD [$(f)] TO [T.$(f)]; NEXT`,
      ['T.T.a < a.csv:a', 'T.T.b < a.csv:b'],
    ],
    [
      "L: LOAD * INLINE [c\nD\nF\nD]; FOR EACH x IN FieldValueList('c'); S: LOAD s FROM [s_$(x).csv] (txt); NEXT",
      ['L.c < inline::c', 'S.s < s_D.csv:s, s_F.csv:s'],
    ],
    [
      `L: LOAD * INLINE [t,new,old\nT,n,a\nT,m,b]; M: MAPPING LOAD old, new RESIDENT L; N: MAPPING LOAD new, t INLINE [t,new,old\nx,n,a];
T: LOAD a, b FROM t.qvd (qvd); RENAME FIELDS USING M; RENAME FIELDS USING N;`,
      ['L.t < inline::t', 'L.new < inline::new', 'L.old < inline::old', 'T.x < t.qvd:a', 'T.m < t.qvd:b'],
    ],
    [
      `L: LOAD * INLINE [c\nD\nE]; K: NOCONCATENATE LOAD c RESIDENT L; DROP TABLE L; LET x = Peek('c', 1, 'K');
O: LOAD c AS d RESIDENT K ORDER BY c DESC; LET y = Peek('d', 0, 'O'); S: LOAD s FROM [s_$(x)_$(y).csv] (txt);`,
      ['-L.c < inline::c', 'K.c < inline::c', 'O.d < inline::c', 'S.s < s_E_$(y).csv:s inferred'],
    ],
    [
      `L: LOAD * INLINE [c\nD]; CONCATENATE (L) LOAD c FROM more.csv (txt); LET x = Peek('c', 0, 'L');
S: LOAD s FROM [s_$(x).csv] (txt);`,
      ['L.c < inline::c, more.csv:c', 'S.s < s_$(x).csv:s inferred'],
    ],
    [
      `G: GENERIC LOAD k, n, v FROM g.qvd (qvd); R: LOAD DISTINCT k FROM g.qvd (qvd);
FOR i = NoOfTables() - 1 TO 0 STEP -1; LET t = TableName(i);
IF WildMatch('$(t)', 'G.*') THEN; LEFT JOIN (R) LOAD * RESIDENT [$(t)]; DROP TABLE [$(t)]; END IF; NEXT`,
      ['-G.*.k < g.qvd:k', '-G.*.* < g.qvd:v', 'R.k < g.qvd:k', 'R.* < g.qvd:v'],
    ],
    [
      `G: GENERIC LOAD k, n, v FROM g.qvd (qvd); R: LOAD DISTINCT k FROM g.qvd (qvd);
FOR i = 0 TO NoOfTables(); LET t = TableName($(i));
IF SubField('$(t)', '.', 1) = 'G' THEN; LEFT JOIN (R) LOAD * RESIDENT [$(t)]; DROP TABLE [$(t)]; END IF; NEXT`,
      ['-G.*.k < g.qvd:k', '-G.*.* < g.qvd:v', 'R.k < g.qvd:k', 'R.* < g.qvd:v'],
    ],
    [
      `BINARY x.qvf; R: LOAD k FROM r.qvd (qvd); LET t = TableName(0); LET n = NoOfTables();
S: LOAD s FROM [$(t)_$(n).csv] (txt);`,
      ['R.k < r.qvd:k', 'S.s < $(t)_$(n).csv:s inferred'],
    ],
  ],
  'the keys of joins': [
    ['T: LOAD k FROM x.qvd (qvd); JOIN LOAD k, b FROM y.qvd (qvd);', ['T.k < x.qvd:k, y.qvd:k', 'T.b < y.qvd:b']],
    [
      'T: LOAD k FROM x.qvd (qvd); INNER JOIN LOAD k, b FROM y.qvd (qvd);',
      ['T.k < (key) y.qvd:k, x.qvd:k', 'T.b < y.qvd:b'],
    ],
  ],
};

describe.each(Object.entries(rules))('%s', (_, cases) => {
  test.each(cases)('%s', async (script, expected) => {
    const lineage = await lineageOf(script);
    expect(told(lineage)).toEqual(expected);
    expect(lineage.statements.opaque).toBe(0);
  });
});

test('section access is reported, and nothing of it comes out', async () => {
  const lineage = await lineageOf(`SECTION ACCESS;
A: LOAD * INLINE [ACCESS, USERID, REGION
ADMIN, canary-user, *];
SECTION APPLICATION;
T: LOAD REGION, b FROM x.qvd (qvd);`);
  expect(lineage.sectionAccess).toBe(true);
  expect(told(lineage)).toEqual(['T.REGION < x.qvd:REGION', 'T.b < x.qvd:b']);
  expect(JSON.stringify({ ...lineage, variables: [...lineage.variables] })).not.toContain('canary');
});

/** What a script is told to be wrong with: line and column in front. */
const wrongs = async (script: string): Promise<string[]> =>
  (await lineageOf(script)).diagnostics.map(({ code, place }) => `${place.line}:${place.column} ${code}`);

test('a comma that no field belongs to is told where it stands, also behind an expansion, and the fields stay', async () => {
  const script = 'SET b = B;\nT:\nLOAD A, $(b),\n  C,\nFROM x.qvd (qvd);\nU: LOAD D,; LOAD D FROM y.qvd (qvd);';
  expect(told(await lineageOf(script))).toEqual([
    ...['T.A < x.qvd:A', 'T.B < x.qvd:B', 'T.C < x.qvd:C'],
    'U.D < y.qvd:D',
  ]);
  expect(await wrongs(script)).toEqual(['4:4 lineage.comma', '6:10 lineage.comma']);
});

test('a label in front of what makes no table is told, and that runs as if it were not there', async () => {
  const script = `A: IF 1 = 1 THEN
  B: LET v = 'x';
END IF
C: SUB Load(p)
  T: LOAD a FROM [$(v)_$(p).qvd] (qvd);
END SUB
D: CALL Load('y');
E: SET w = 1;
F: TRACE hello;
Let: LOAD b FROM [z.qvd] (qvd);
G:`;
  expect(told(await lineageOf(script))).toEqual(['T.a < x_y.qvd:a', 'Let.b < z.qvd:b']);
  const at = ['1:1', '2:3', '4:1', '7:1', '8:1', '9:1', '11:1'];
  expect((await wrongs(script)).toSorted()).toEqual(at.map((place) => `${place} lineage.opaque`).toSorted());
  const { diagnostics } = await lineageOf('X: IF 1 = 1 THEN\nEND IF');
  expect(diagnostics[0]?.message).toBe(
    'this label was not understood: it names a table, and what follows it makes none',
  );
});

test('a procedure gives a table where the script or the app says so, and else nobody knows whether it gives rows', async () => {
  const script = `LIB CONNECT TO 'DB';
SQL EXEC dbo.Refresh 1;
P: SQL EXEC dbo.Orders;
LOAD a; SQL EXEC dbo.Lines;
SQL EXEC dbo.Known;`;
  const made = await lineageOf(script, { model: new Map([['Known', ['k']]]) });
  expect(told(made)).toEqual([
    'P.* < connection:DB#dbo.Orders:*',
    'Lines.a < connection:DB#dbo.Lines:a',
    'Known.k < connection:DB#dbo.Known:k inferred',
  ]);
  // It is called all the same.
  expect(made.datasets.map(({ source }) => sourceName(source))).toContain('connection:DB#dbo.Refresh');
  expect(made.diagnostics.map(({ code, place }) => `${place.line} ${code}`)).toContain('2 lineage.procedure');
});

test('a table that BINARY may have brought comes from that app; without BINARY it is one that the text does not make', async () => {
  expect(told(await lineageOf('BINARY [lib://Apps/sales.qvf];\nT: LOAD a RESIDENT Orders;'))).toEqual([
    'T.a < binary:lib://Apps/sales.qvf:a',
  ]);
  expect(told(await lineageOf('T: LOAD a RESIDENT Orders;'))).toEqual(['T.a < resident:Orders:a']);
});

test('BINARY names the app', async () => {
  const lineage = await lineageOf('BINARY [lib://Apps/sales.qvf];');
  expect(lineage.datasets.map(({ source }) => source)).toEqual([{ type: 'binary', path: 'lib://Apps/sales.qvf' }]);
});

test('a script in UTF-16 without a mark gives the same', async () => {
  const script = 'Größe: LOAD Straße AS [Weg] FROM [lib://Daten/größe.qvd] (qvd);';
  for (const bytes of [Buffer.from(script, 'utf16le'), Buffer.from(script, 'utf16le').swap16(), Buffer.from(script)]) {
    expect(told(await lineageOf(decodeText(bytes)))).toEqual(['Größe.Weg < lib://Daten/größe.qvd:Straße']);
  }
});
