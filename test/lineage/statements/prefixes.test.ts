import { describe, expect, test } from 'vitest';
import { one } from './plain.ts';

const BODY = 'LOAD a RESIDENT R;';
const load = (around: object): object => ({
  type: 'load',
  ...around,
  steps: [{ type: 'load', fields: ['a'], source: { type: 'resident', table: 'R' } }],
});

describe('what stands in front of a LOAD', () => {
  test.each<[string, object[]]>([
    ['CONCATENATE', [{ type: 'concatenate' }]],
    ['CONCATENATE (T)', [{ type: 'concatenate', table: 'T' }]],
    ["concatenate('T 1')", [{ type: 'concatenate', table: 'T 1' }]],
    ['Concatenate ([T 1])', [{ type: 'concatenate', table: 'T 1' }]],
    ['Concatenate ("$(vT)")', [{ type: 'concatenate', table: '$(vT)' }]],
    ['Concatenate ($(p)_x)', [{ type: 'concatenate', table: '$(p)_x' }]],
    ['NOCONCATENATE', [{ type: 'noconcatenate' }]],
    ['MAPPING', [{ type: 'mapping' }]],
    ['GENERIC', [{ type: 'generic' }]],
    ['JOIN', [{ type: 'join', side: 'outer' }]],
    ['OUTER JOIN (T)', [{ type: 'join', side: 'outer', table: 'T' }]],
    ['LEFT JOIN', [{ type: 'join', side: 'left' }]],
    ['Left Join(T)', [{ type: 'join', side: 'left', table: 'T' }]],
    ['RIGHT JOIN\n(T)', [{ type: 'join', side: 'right', table: 'T' }]],
    ['INNER JOIN /* only */ (T)', [{ type: 'join', side: 'inner', table: 'T' }]],
    ['LEFT OUTER JOIN (T)', [{ type: 'join', side: 'left', table: 'T' }]],
    ['INNER KEEP (T)', [{ type: 'keep', side: 'inner', table: 'T' }]],
    ['LEFT KEEP', [{ type: 'keep', side: 'left' }]],
    ['CROSSTABLE (Month, Sales)', [{ type: 'crosstable', attribute: 'Month', data: 'Sales', kept: 1 }]],
    ["CrossTable([M 1], 'S 1', 3)", [{ type: 'crosstable', attribute: 'M 1', data: 'S 1', kept: 3 }]],
    ['CROSSTABLE (M, S, $(vKept))', [{ type: 'crosstable', attribute: 'M', data: 'S', kept: Number.NaN }]],
    [
      "HIERARCHY (Id, Parent, Name, , Name, Path, '/', Depth)",
      [{ type: 'hierarchy', args: ['Id', 'Parent', 'Name', '', 'Name', 'Path', '/', 'Depth'] }],
    ],
    [
      'HierarchyBelongsTo (Id, Parent, Name, TreeId, Tree, Diff)',
      [{ type: 'hierarchybelongsto', args: ['Id', 'Parent', 'Name', 'TreeId', 'Tree', 'Diff'] }],
    ],
    ['INTERVALMATCH (Time)', [{ type: 'intervalmatch', field: 'Time' }]],
    ['IntervalMatch([T 1], K, L)', [{ type: 'intervalmatch', field: 'T 1', keys: ['K', 'L'] }]],
    ['FIRST 10', [{ type: 'first', condition: '10' }]],
    ['FIRST (10)', [{ type: 'first', condition: '(10)' }]],
    ['First $(vRows)', [{ type: 'first', condition: '$(vRows)' }]],
    ['SAMPLE 0.15', [{ type: 'sample', condition: '0.15' }]],
    ['SAMPLE(1/2)', [{ type: 'sample', condition: '(1/2)' }]],
    ['BUFFER', [{ type: 'buffer' }]],
    ['BUFFER (INCREMENTAL)', [{ type: 'buffer' }]],
    ['Buffer (stale after 7 days)', [{ type: 'buffer' }]],
    ['BUNDLE', [{ type: 'bundle' }]],
    ['BUNDLE INFO', [{ type: 'bundle' }, { type: 'info' }]],
    ['INFO Image_Size(20, 30)', [{ type: 'info' }]],
    ['SEMANTIC', [{ type: 'semantic' }]],
    ['ADD', [{ type: 'add' }]],
    ['ADD ONLY', [{ type: 'add', only: true }]],
    ['Add Concatenate (T)', [{ type: 'add' }, { type: 'concatenate', table: 'T' }]],
    ['REPLACE ONLY', [{ type: 'replace', only: true }]],
    ['MERGE ON k', [{ type: 'merge', keys: ['k'] }]],
    [
      'MERGE ONLY (seq, vSeq) ON k, [l m] CONCATENATE (T)',
      [
        { type: 'merge', only: true, args: ['seq', 'vSeq'], keys: ['k', 'l m'] },
        { type: 'concatenate', table: 'T' },
      ],
    ],
    ['WHEN vFull = 1', [{ type: 'when', condition: 'vFull = 1' }]],
    ["UNLESS '$(vTest)' = 'x'", [{ type: 'unless', condition: "'$(vTest)' = 'x'" }]],
    ['MAPPING FIRST 5', [{ type: 'mapping' }, { type: 'first', condition: '5' }]],
    [
      'NOCONCATENATE CROSSTABLE (a, b) FIRST 5',
      [
        { type: 'noconcatenate' },
        { type: 'crosstable', attribute: 'a', data: 'b', kept: 1 },
        { type: 'first', condition: '5' },
      ],
    ],
    [
      'LEFT JOIN (T) INTERVALMATCH (d, k)',
      [
        { type: 'join', side: 'left', table: 'T' },
        { type: 'intervalmatch', field: 'd', keys: ['k'] },
      ],
    ],
    ['$(vJoin)', [{ type: 'macro', text: '$(vJoin)' }]],
    [
      '$(vJoin) FIRST 5',
      [
        { type: 'macro', text: '$(vJoin)' },
        { type: 'first', condition: '5' },
      ],
    ],
  ])('%s', (prefix, prefixes) => {
    expect(one(`${prefix} ${BODY}`)).toEqual(load({ prefixes }));
    expect(one(`T:\n${prefix} ${BODY}`)).toEqual(load({ label: 'T', prefixes }));
    expect(one(`${prefix}\nT:\n${BODY}`)).toEqual(load({ label: 'T', prefixes }));
  });

  test('a database is read with prefixes too', () => {
    expect(one('LEFT JOIN (T) FIRST 10 SQL SELECT a FROM b')).toEqual({
      type: 'load',
      prefixes: [
        { type: 'join', side: 'left', table: 'T' },
        { type: 'first', condition: '10' },
      ],
      steps: [{ type: 'select', kind: 'select', text: 'SELECT a FROM b' }],
    });
  });
});

describe('a label', () => {
  test.each<[string, string]>([
    ['T:', 'T'],
    ['T :', 'T'],
    ['[T 1]:', 'T 1'],
    ['"T: 1":', 'T: 1'],
    ["'T 1':", 'T 1'],
    ['`T 1`:', 'T 1'],
    ['Sales Orders:', 'Sales Orders'],
    ['%T-1.x#2:', '%T-1.x#2'],
    ['Größe:', 'Größe'],
    ['Продажи:', 'Продажи'],
    ['$(vT):', '$(vT)'],
    ['tmp_$(vT)_1:', 'tmp_$(vT)_1'],
    ['[$(vT) all]:', '$(vT) all'],
    ["$(f('a', b)):", "$(f('a', b))"],
    // Words of the language are names too.
    ['Map:', 'Map'],
    ['Call:', 'Call'],
    ['Default:', 'Default'],
    ['Section:', 'Section'],
    ['First:', 'First'],
    ['T: // of all\n', 'T'],
    ['T://of all\n', 'T'],
    ['T:\n/* of all */\n', 'T'],
    ['T:\u200b\n\u00a0', 'T'],
  ])('%s', (text, label) => {
    expect(one(`${text} ${BODY}`)).toEqual(load({ label }));
  });

  test('is no label when nothing can have it', () => {
    expect(one('T:\nIF a = 1 THEN')).toMatchObject([{ type: 'opaque', kind: 'label', label: 'T' }, { type: 'if' }]);
  });
});

describe('SQL', () => {
  test.each<[string, string, string]>([
    ["SQL SELECT a FROM t WHERE b = ';'", 'select', "SELECT a FROM t WHERE b = ';'"],
    ['SELECT a\nFROM t', 'select', 'SELECT a\nFROM t'],
    ["SQL SELECT a -- it's\n, b FROM t", 'select', "SELECT a -- it's\n, b FROM t"],
    ["SQL /* it's; */ SELECT a FROM t", 'select', 'SELECT a FROM t'],
    ['SQL WITH x AS (SELECT 1) SELECT * FROM x', 'select', 'WITH x AS (SELECT 1) SELECT * FROM x'],
    ["SQL EXEC dbo.p 'a'", 'select', "EXEC dbo.p 'a'"],
    ['SQLTABLES', 'sqltables', 'SQLTABLES'],
    ['SQLCOLUMNS', 'sqlcolumns', 'SQLCOLUMNS'],
    ['SQLTYPES', 'sqltypes', 'SQLTYPES'],
    [
      'DIRECT QUERY DIMENSION a, b MEASURE c DETAIL d FROM t',
      'direct',
      'DIRECT QUERY DIMENSION a, b MEASURE c DETAIL d FROM t',
    ],
    [
      'SELECT a, (SELECT b FROM "x" FK "k") FROM JSON (wrap on) "root" PK "k"\nWITH CONNECTION (URL "https://a/b;c", BODY "{1;2}")',
      'select',
      'SELECT a, (SELECT b FROM "x" FK "k") FROM JSON (wrap on) "root" PK "k"\nWITH CONNECTION (URL "https://a/b;c", BODY "{1;2}")',
    ],
    ["SELECT a FROM T WITH PROPERTIES (p='x;y')", 'select', "SELECT a FROM T WITH PROPERTIES (p='x;y')"],
  ])('%s', (text, kind, sql) => {
    expect(one(`T: ${text};`)).toEqual({ type: 'load', label: 'T', steps: [{ type: 'select', kind, text: sql }] });
  });
});
