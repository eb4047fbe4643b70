import { describe, expect, test } from 'vitest';
import { parseStatement } from '#agent/lineage/script/parser/parse.ts';
import { one } from './plain.ts';

test.each<[string, object]>([
  ['STORE T INTO x.qvd', { table: 'T', path: 'x.qvd' }],
  ['STORE T INTO [lib://D a/x.qvd] (qvd)', { table: 'T', path: 'lib://D a/x.qvd', format: { kind: 'qvd' } }],
  [
    "store * from [T 1] into '$(p)$(t).qvd' (qvd)",
    { fields: ['*'], table: 'T 1', path: '$(p)$(t).qvd', format: { kind: 'qvd' } },
  ],
  [
    "STORE a, [b c] AS d FROM 'T 1' INTO lib://D/$(t).csv (txt, delimiter is ';')",
    { fields: ['a', '[b c] AS d'], table: 'T 1', path: 'lib://D/$(t).csv', format: { kind: 'txt', delimiter: ';' } },
  ],
  ['STORE $(t) INTO $(p)\\$(t).qvd(qvd)', { table: '$(t)', path: '$(p)\\$(t).qvd', format: { kind: 'qvd' } }],
  [
    'STORE T INTO x.parquet (parquet, compression is snappy)',
    { table: 'T', path: 'x.parquet', format: { kind: 'parquet' } },
  ],
  ['STORE my-table INTO x', { table: 'my-table', path: 'x' }],
])('%s', (text, expected) => {
  expect(one(`${text};`)).toEqual({ type: 'store', ...expected });
});

test('several tables in one parquet file are stored one by one', () => {
  expect(one('STORE A, [B c] INTO x.parquet (parquet);')).toMatchObject([
    { type: 'store', table: 'A', path: 'x.parquet' },
    { type: 'store', table: 'B c', path: 'x.parquet' },
  ]);
});

test.each<[string, object]>([
  ['DROP TABLE T', { what: 'table', names: ['T'] }],
  ['drop tables T, [U v], \'$(w)\', "x"', { what: 'table', names: ['T', 'U v', '$(w)', 'x'] }],
  ['DROP FIELD a', { what: 'field', names: ['a'] }],
  ['DROP FIELDS a, [b c] FROM T, [U v]', { what: 'field', names: ['a', 'b c'], from: ['T', 'U v'] }],
])('%s', (text, expected) => {
  expect(one(`${text};`)).toEqual({ type: 'drop', ...expected });
});

test.each<[string, object]>([
  ['RENAME TABLE a TO b', { type: 'rename', what: 'table', pairs: [{ from: 'a', to: 'b' }] }],
  [
    "RENAME TABLES a TO [b c], 'd' TO $(e)",
    {
      type: 'rename',
      what: 'table',
      pairs: [
        { from: 'a', to: 'b c' },
        { from: 'd', to: '$(e)' },
      ],
    },
  ],
  [
    'Rename Fields a to b, [c d] to "e"',
    {
      type: 'rename',
      what: 'field',
      pairs: [
        { from: 'a', to: 'b' },
        { from: 'c d', to: 'e' },
      ],
    },
  ],
  ['RENAME FIELDS USING [m n]', { type: 'rename', what: 'field', using: 'm n' }],
  [
    'ALIAS a AS b, [c d] AS e',
    {
      type: 'alias',
      pairs: [
        { from: 'a', to: 'b' },
        { from: 'c d', to: 'e' },
      ],
    },
  ],
  ['QUALIFY *', { type: 'qualify', names: ['*'] }],
  [
    'UNQUALIFY a, b*, [c d], \'*Key\', T.?x, "%*", $(v)',
    { type: 'unqualify', names: ['a', 'b*', 'c d', '*Key', 'T.?x', '%*', '$(v)'] },
  ],
  ['MAP Country, c*, [d e] USING M', { type: 'map', names: ['Country', 'c*', 'd e'], using: 'M' }],
  ["MAP * USING 'M 1'", { type: 'map', names: ['*'], using: 'M 1' }],
  ['UNMAP *', { type: 'unmap', names: ['*'] }],
  ['COMMENT FIELD a WITH It\'s a "b; c"', { type: 'comment', what: 'field', names: ['a'], text: 'It\'s a "b; c"' }],
  ["COMMENT TABLE [T 1] WITH 'all''s; well'", { type: 'comment', what: 'table', names: ['T 1'], text: "all's; well" }],
  ['COMMENT FIELDS USING m', { type: 'comment', what: 'field', using: 'm' }],
  ["TAG FIELDS a, b* WITH '$key'", { type: 'tag', what: 'field', names: ['a', 'b*'], text: '$key' }],
  ['TAG TABLES USING m', { type: 'tag', what: 'table', using: 'm' }],
  ["UNTAG FIELD a WITH '$x'", { type: 'untag', what: 'field', names: ['a'], text: '$x' }],
  ['BINARY [lib://Apps/x y.qvf]', { type: 'binary', path: 'lib://Apps/x y.qvf' }],
  ['BINARY ..\\x.qvw', { type: 'binary', path: '..\\x.qvw' }],
  ['BINARY 52a5b1f0-0000-4000-8000-00000000c0de', { type: 'binary', path: '52a5b1f0-0000-4000-8000-00000000c0de' }],
  ['SECTION ACCESS', { type: 'section', section: 'access' }],
  ['Section Application', { type: 'section', section: 'application' }],
  ['DIRECTORY', { type: 'directory' }],
  ['DIRECTORY [lib://D/x]', { type: 'directory', path: 'lib://D/x' }],
  ['Directory c:\\data', { type: 'directory', path: 'c:\\data' }],
  [
    "[cal]: DECLARE FIELD DEFINITION TAGGED ('$date', '$x') PARAMETERS first = 1 FIELDS Dual(Year($1), YearStart($1)) AS [Year] TAGGED ('$axis', '$year'), Month($1) AS M TAGGED '$m', Day($1) AS D GROUPS Year, M TYPE drilldown AS YM",
    {
      type: 'declare',
      name: 'cal',
      fields: ['Dual(Year($1), YearStart($1)) AS Year', 'Month($1) AS M', 'Day($1) AS D'],
    },
  ],
  ['DERIVE FIELDS FROM FIELDS [d 1], e USING cal', { type: 'derive', name: 'cal', from: ['d 1', 'e'], by: 'fields' }],
  [
    "DERIVE FIELDS FROM EXPLICIT TAGS '$date', '$x' USING cal",
    { type: 'derive', name: 'cal', from: ['$date', '$x'], by: 'explicit tags' },
  ],
  ['DERIVE FIELDS FROM IMPLICIT TAG USING cal', { type: 'derive', name: 'cal', by: 'implicit tag' }],
])('%s', (text, expected) => {
  expect(one(`${text};`)).toEqual(expected);
});

describe('statements without any effect on lineage', () => {
  test.each([
    "TRACE it's (not) [closed",
    'TRACE',
    "REM LOAD it's a FROM b",
    'SLEEP 1000',
    'FLUSHLOG',
    'EXECUTE cmd.exe /C dir',
    'SEARCH INCLUDE *, [a b]',
    'NULLASVALUE a, b',
    'NULLASNULL *',
    'STAR IS *',
    'LOOSEN TABLES a, b',
    'FORCE CASE UPPER',
    'AUTONUMBER a, b',
    'UNLOCK',
  ])('%s', (text) => {
    expect(one(`${text};`)).toEqual({ type: 'neutral', keyword: text.toLowerCase().split(' ')[0] });
  });
});

describe('CONNECT', () => {
  test.each<[string, object]>([
    ["LIB CONNECT TO 'DWH (corp_x)'", { kind: 'lib', name: 'DWH (corp_x)' }],
    ['lib connect to [a b]', { kind: 'lib', name: 'a b' }],
    ["LIB CONNECT TO '$(vConn)'", { kind: 'lib', name: '$(vConn)' }],
    ["CONNECT TO 'a'", { kind: 'plain', name: 'a' }],
    ['ODBC CONNECT TO MyDsn (XUserId is canary-u, XPassword is canary-p)', { kind: 'odbc', name: 'MyDsn' }],
    ['ODBC CONNECT TO [My Dsn;UID=canary-u;PWD=canary-p]', { kind: 'odbc', name: 'My Dsn' }],
    ['ODBC CONNECT32 TO "DSN=My Dsn;DATABASE=d;PWD={canary;p}"', { kind: 'odbc', name: 'My Dsn', database: 'd' }],
    [
      'OLEDB CONNECT64 TO [Provider=SQLNCLI11.1;Password=canary-p;User ID=canary-u;Initial Catalog=Sales;Data Source=srv\\i;]',
      { kind: 'oledb', name: 'srv\\i', provider: 'SQLNCLI11.1', database: 'Sales' },
    ],
    [
      'CUSTOM CONNECT TO "Provider=QvRestConnector.exe;url=https://a/b?c=d;password=canary-p;"',
      { kind: 'custom', name: 'https://a/b?c=d', provider: 'QvRestConnector.exe' },
    ],
    ['DISCONNECT', { kind: 'disconnect' }],
  ])('%s', (text, expected) => {
    expect(one(`${text};`)).toEqual({ type: 'connect', ...expected });
    expect(JSON.stringify(parseStatement(`${text};`))).not.toContain('canary');
  });
});

test.each<[string, object]>([
  ['FOO BAR', { kind: 'other', why: 'no statement begins like this' }],
  ['STORE T', { kind: 'store', why: 'INTO is missing' }],
  ["STORE a b FROM T INTO 'x.qvd'", { kind: 'store', writes: ['x.qvd'], reads: ['T'] }],
  ['DROP T', { kind: 'drop', why: 'TABLE or TABLES or FIELD or FIELDS is missing' }],
  ['LOAD a b RESIDENT [T 1]', { kind: 'load', residents: ['T 1'] }],
  ['[stop here]', { kind: 'other' }],
  ['LEFT (T) LOAD a RESIDENT b', { kind: 'load', why: 'JOIN or KEEP is missing', residents: ['b'] }],
])('what is not understood says why, and what can be told of it: %s', (text, expected) => {
  expect(one(`${text};`)).toMatchObject({ type: 'opaque', ...expected });
});
