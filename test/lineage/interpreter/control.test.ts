import { expect, test } from 'vitest';
import { LIMITS, tablesOf, told } from './told.ts';

const read = (script: string): string[] =>
  told(script).datasets.flatMap(({ source }) => (source.type === 'file' ? [source.path] : []));

test('an arm that is certainly not gone leaves nothing, and is understood all the same', () => {
  const script = 'SET v = 1;\nIF $(v) = 1 THEN\nLOAD a FROM a.qvd (qvd);\nELSE\nLOAD b FROM b.qvd (qvd);\nEND IF';
  expect(read(script)).toEqual(['a.qvd']);
  expect(told(script).statements).toEqual({ total: 6, understood: 6, opaque: 0 });
});

test('both arms are gone when nobody knows, and what they bring is conditional', () => {
  const { tables } = told(
    'IF Today() > 1 THEN\nA: LOAD x FROM a.qvd (qvd);\nELSEIF $(v) = 2 THEN\nA: LOAD x FROM b.qvd (qvd);\nELSE\nB: LOAD y FROM c.qvd (qvd);\nEND IF\nC: LOAD z FROM d.qvd (qvd);',
  );
  expect(
    tables.map(({ name, conditional, fields }) => [name, conditional, fields[0]?.origins.map((o) => o.conditional)]),
  ).toEqual([
    ['A', true, [true, true]],
    ['B', true, [true]],
    ['C', false, [false]],
  ]);
});

test('a parameter that gets no argument is NULL, and so is what Null() gives; an empty text may be neither', () => {
  const script = (call: string): string =>
    `SUB S(a, b)\nIF IsNull(b) THEN\nLET b = 'std';\nEND IF\nLOAD x FROM [$(a)_$(b).csv] (txt);\nEND SUB\n${call};`;
  expect(read(script("CALL S('one')"))).toEqual(['one_std.csv']);
  expect(read(script("CALL S('two', 'new')"))).toEqual(['two_new.csv']);
  expect(read(script("LET n = Null(); CALL S('three', n)"))).toEqual(['three_std.csv']);
  expect(read(script("LET n = ''; CALL S('four', n)"))).toEqual(['four_std.csv', 'four_.csv']);
});

test('a guard on a variable that only the surroundings set does not end the script', () => {
  expect(
    read("IF Len('$(vPath)') = 0 THEN\nSET vPath = default;\nEND IF\nLOAD a FROM [$(vPath)/a.qvd] (qvd);"),
  ).toEqual(['default/a.qvd']);
  expect(read("IF '$(vGo)' = '' THEN\nEXIT SCRIPT;\nEND IF\nLOAD a FROM a.qvd (qvd);")).toEqual(['a.qvd']);
});

test('alternatives that belong to one choice are never mixed', () => {
  const { datasets } = told(
    `IF OSUser() = 'x' THEN\nSET p = prod; SET f = big;\nELSE\nSET p = test; SET f = small;\nEND IF\nT: LOAD a FROM [$(p)/$(f).qvd] (qvd);`,
  );
  expect(datasets.map(({ source, confidence }) => [source.type === 'file' && source.path, confidence])).toEqual([
    ['prod/big.qvd', 'candidate'],
    ['test/small.qvd', 'candidate'],
  ]);
});

test('the same open condition goes the same way again', () => {
  expect(
    read(`IF OSUser() = 'x' THEN\nSET p = prod;\nELSE\nSET p = test;\nEND IF
      IF OSUser() = 'x' THEN\nLOAD a FROM [$(p)/a.qvd] (qvd);\nEND IF`),
  ).toEqual(['prod/a.qvd']);
});

test('nothing behind EXIT SCRIPT is run', () => {
  expect(read('LOAD a FROM a.qvd (qvd);\nEXIT SCRIPT;\nLOAD b FROM b.qvd (qvd);')).toEqual(['a.qvd']);
  expect(
    Object.keys(tablesOf('A: LOAD a FROM a.qvd (qvd);\nEXIT SCRIPT WHEN $(x) = 1;\nB: LOAD b FROM b.qvd (qvd);')),
  ).toEqual(['A', 'B']);
});

test('loops over known values are run turn by turn', () => {
  expect(read('FOR i = 1 TO 3\nLOAD a FROM [a$(i).qvd] (qvd);\nNEXT i')).toEqual(['a1.qvd', 'a2.qvd', 'a3.qvd']);
  expect(read("FOR EACH v IN 'x', 'y'\nLOAD a FROM [$(v).qvd] (qvd);\nNEXT v")).toEqual(['x.qvd', 'y.qvd']);
  expect(read("SET l = 'x','y'; FOR EACH v IN $(l)\nLOAD a FROM [$(v).qvd] (qvd);\nNEXT v")).toEqual([
    'x.qvd',
    'y.qvd',
  ]);
  expect(read('LET i = 1;\nDO WHILE i < 3\nLOAD a FROM [a$(i).qvd] (qvd);\nLET i = i + 1;\nLOOP')).toEqual([
    'a1.qvd',
    'a2.qvd',
  ]);
});

test('loops over files read a pattern', () => {
  expect(
    read(
      "FOR EACH d IN DirList('lib://D/*')\nFOR EACH f IN FileList('$(d)/*.qvd')\nLOAD a FROM [$(f)] (qvd);\nNEXT f\nNEXT d",
    ),
  ).toEqual(['lib://D/*/*.qvd']);
});

test('of the name of a file behind a pattern functions tell nothing', () => {
  expect(
    read(
      "FOR EACH f IN FileList('d/*.qvd')\nLET n = SubField('$(f)', '/', -1);\nLOAD a FROM [$(f)] (qvd);\nLOAD b FROM [x/$(n)] (qvd);\nNEXT f",
    ),
  ).toEqual(['d/*.qvd', 'x/$(n)']);
});

test('loops whose turns nobody knows are run once, with their variable as a hole', () => {
  expect(
    read("FOR i = 0 TO NoOfRows('T') - 1\nLET v = Peek('n', i, 'T');\nLOAD a FROM [$(v)_$(i).qvd] (qvd);\nNEXT"),
  ).toEqual(['$(v)_$(i).qvd']);
  const script = 'DO WHILE $(x) = 1\nLOAD a FROM a.qvd (qvd);\nLET n = n + 1;\nLOOP';
  expect(read(script)).toEqual(['a.qvd']);
});

test('a table that the turn before made is no source from outside', () => {
  expect(
    tablesOf(
      "SET p = 'T:';\nFOR i = 0 TO NoOfRows('X')\n$(p)\nLOAD k, a$(i) FROM t.qvd (qvd);\nSET p = 'JOIN (T)';\nNEXT",
    ),
  ).toEqual({ T: { k: ['t.qvd: k'], 'a$(i)': ['t.qvd: a$(i)'] } });
});

test('subroutines get values, and give back what they were given by name', () => {
  expect(
    read(`SUB Read(name, result)\nLOAD a FROM [$(name).qvd] (qvd);\nLET result = '$(name)2';\nEND SUB
      CALL Read('x', out);\nCALL Read('$(out)');\nLOAD b FROM [$(name)b.qvd] (qvd);`),
  ).toEqual(['x.qvd', 'x2.qvd', '$(name)b.qvd']);
});

test('a subroutine that calls itself is followed once', () => {
  const script = `SUB Walk(dir)\nFOR EACH f IN FileList('$(dir)/*.qvd')\nLOAD a FROM [$(f)] (qvd);\nNEXT f
    FOR EACH d IN DirList('$(dir)/*')\nCALL Walk('$(d)');\nNEXT d\nEND SUB\nCALL Walk('lib://D');`;
  expect(read(script)).toEqual(['lib://D/*.qvd']);
  expect(told(script).diagnostics.map(({ code }) => code)).toEqual(['lineage.recursion']);
});

test('EXIT SUB and EXIT FOR leave what they stand in', () => {
  expect(read('SUB S\nEXIT SUB;\nLOAD a FROM a.qvd (qvd);\nEND SUB\nCALL S;\nLOAD b FROM b.qvd (qvd);')).toEqual([
    'b.qvd',
  ]);
  expect(
    read('FOR i = 1 TO 5\nEXIT FOR WHEN i = 3;\nLOAD a FROM [a$(i).qvd] (qvd);\nNEXT\nLOAD b FROM b.qvd (qvd);'),
  ).toEqual(['a1.qvd', 'a2.qvd', 'b.qvd']);
});

test('SWITCH takes the case that fits, or all when nobody knows', () => {
  const cases =
    "\nCASE 'a'\nLOAD a FROM a.qvd (qvd);\nCASE 'b', 'c'\nLOAD b FROM b.qvd (qvd);\nDEFAULT\nLOAD d FROM d.qvd (qvd);\nEND SWITCH";
  expect(read(`SET v = c;\nSWITCH '$(v)'${cases}`)).toEqual(['b.qvd']);
  expect(read(`SET v = q;\nSWITCH '$(v)'${cases}`)).toEqual(['d.qvd']);
  expect(read(`SWITCH OSUser()${cases}`)).toEqual(['a.qvd', 'b.qvd', 'd.qvd']);
});

test('WHEN and UNLESS hold for what stands behind them', () => {
  expect(read('SET v = 0;\nWHEN $(v) = 1 LOAD a FROM a.qvd (qvd);\nUNLESS $(v) = 1 LOAD b FROM b.qvd (qvd);')).toEqual([
    'b.qvd',
  ]);
  const { tables } = told('T: LOAD a FROM a.qvd (qvd);\nWHEN $(debug) = 0 DROP TABLE T;');
  expect(tables.map(({ final, conditional }) => [final, conditional])).toEqual([[true, true]]);
});

test('what has no partner is said and stops nothing', () => {
  const script = 'END IF\nIF 1 = 1 THEN\nLOAD a FROM a.qvd (qvd);';
  expect(read(script)).toEqual(['a.qvd']);
  expect(told(script).diagnostics.map(({ code, place }) => [code, place.line])).toEqual([
    ['lineage.unbalanced', 1],
    ['lineage.unbalanced', 2],
  ]);
});

test.each([
  ['steps', 'FOR i = 1 TO 90\nFOR j = 1 TO 90\nFOR k = 1 TO 90\nLET x = 1;\nNEXT\nNEXT\nNEXT'],
  ['fields', 'FOR i = 1 TO 90\nFOR j = 1 TO 90\nT$(i)_$(j): NOCONCATENATE LOAD a, b, c FROM x.qvd (qvd);\nNEXT\nNEXT'],
])('the limit on %s cuts and says so', (limit, script) => {
  const { cut, diagnostics, tables } = told(
    `First: LOAD q FROM q.qvd (qvd);\nIF Now() = 1 THEN\nLET z = 1;\nEND IF\n${script}`,
  );
  expect(cut).toBe(limit);
  expect(tables[0]?.name).toBe('First');
  expect(diagnostics.map(({ code }) => code)).toContain('lineage.limit');
});

test('alternatives do not multiply without end', () => {
  const choices = Array.from(
    { length: 20 },
    (_, i) => `IF Now() = ${i} THEN\nSET v${i} = a;\nELSE\nSET v${i} = b;\nEND IF`,
  );
  const all = Array.from({ length: 20 }, (_, i) => `$(v${i})`).join('');
  const { datasets } = told(`${choices.join('\n')}\nLOAD a FROM [${all}.qvd] (qvd);`, {}, LIMITS);
  expect(datasets.length).toBeLessThanOrEqual(8);
});
