import { expect, test } from 'vitest';
import { scriptContents } from '#agent/lineage/script/contents.ts';
import { statements } from '#agent/lineage/script/statements.ts';

const kindsOf = (text: string): string[] => [...statements(text)].map(({ kind }) => kind);

test.each<[string, string[]]>([
  ["SET a='x;y';\nLET b = 1;\nc = 2;", ['set', 'let', 'let']],
  ['// LOAD 1;\n/* LOAD 2; */ REM LOAD 3; LOAD 4 AUTOGENERATE 1;', ['rem', 'load']],
  ["TRACE It's fine;\nLOAD 1 AUTOGENERATE 1;", ['trace', 'load']],
  ['Orders: LOAD *;\nSQL SELECT * FROM dbo.o;', ['load', 'select']],
  ['LEFT JOIN (Orders) LOAD a FROM [lib://x;y/z.qvd] (qvd);', ['load']],
  ['M:\nMAPPING LOAD a, b INLINE [\na, b\n1; LOAD 3;, 2\n];\nDROP TABLE x;', ['mapping', 'drop']],
  [
    "IF a = 1 THEN\n LOAD 1 AUTOGENERATE 1;\nEND IF\nFOR EACH f IN FileList('a*.qvd')\nNEXT f",
    ['if', 'load', 'end if', 'for', 'next'],
  ],
  ['SUB Load (a)\n CALL x(1)\nEND SUB;\nEXIT SCRIPT;', ['sub', 'call', 'end sub', 'exit']],
  ['$(Must_Include=lib://QVD/a.qvs);\n$(Include=b.qvs)\nSTORE x INTO y;', ['include', 'include', 'store']],
  ["LIB CONNECT TO 'DWH';\nSECTION ACCESS;\nBINARY a.qvf;", ['connect', 'section', 'binary']],
  ['HIERARCHY (a, b, c) LOAD a FROM x;CROSSTABLE (m, v, 2)\nLOAD * FROM y;', ['load', 'load']],
])('%j', (text, kinds) => {
  expect(kindsOf(text)).toEqual(kinds);
});

test('contents: variables, mappings, subroutines, connections, includes and section access', () => {
  const text = [
    "SET vPath = 'lib://QVD/';",
    'LET [v Odd] = 1;',
    'LET v$(x) = 2;',
    'REM nothing;',
    'CountryMap:',
    'MAPPING LOAD a, b FROM [x.qvd] (qvd);',
    'SUB LoadFolder (vFolder)',
    'END SUB',
    "LIB CONNECT TO 'DWH (corp_x)';",
    '$(Must_Include=[lib://QVD/scripts/common.qvs]);',
    '  $(Include=$(vPath)more.qvs)',
    'SECTION ACCESS;',
  ].join('\r\n');
  const found = scriptContents(text);
  expect(found).toMatchObject({
    statements: 10,
    variables: ['vPath', 'v Odd'],
    mappings: ['CountryMap'],
    subroutines: ['LoadFolder'],
    connections: ['DWH (corp_x)'],
    sectionAccess: true,
  });
  expect(found.includes).toEqual([
    { path: 'lib://QVD/scripts/common.qvs', must: true, line: 10 },
    { path: '$(vPath)more.qvs', must: false, line: 11 },
  ]);
});

test('a hostile script is read in one go', () => {
  for (const piece of ['//inline', '[', "'", 'inline[', '/*', 'a:', 'LOAD ', ';', '$(include=', '\n', 'sub ', '"']) {
    expect(scriptContents(piece.repeat(Math.ceil(100_000 / piece.length))).statements).toBeGreaterThanOrEqual(0);
  }
});
