import { describe, expect, test } from 'vitest';
import { splitScript } from '#agent/lineage/script/statements.ts';

/** `kind label line-endLine` of each statement. */
const outline = (text: string): string[] =>
  splitScript(text).map(({ kind, label, line, endLine, broken }) =>
    [kind, ...(label === undefined ? [] : [`<${label}>`]), `${line}-${endLine}`, ...(broken ? ['!'] : [])].join(' '),
  );

describe('the statements of a script', () => {
  test('have the lines and columns that they stand on', () => {
    const text = '///$tab Main\r\nSET a = 1;\r\n\r\n  T: LOAD a;\r\n LOAD b\r\n  FROM c;\rDROP TABLE T;SLEEP 1';
    expect(splitScript(text).map(({ kind, line, column, endLine }) => [kind, line, column, endLine])).toEqual([
      ['set', 2, 1, 2],
      ['load', 4, 3, 6],
      ['drop', 7, 1, 7],
      ['sleep', 7, 14, 7],
    ]);
  });

  test.each<[string, string, string[]]>([
    [
      'a quote hides a semicolon, in every kind of quotes',
      'LOAD \';\' AS a, [b;] , "c;", `d;` FROM e; NEXT',
      ['load 1-1', 'next 1-1'],
    ],
    ['a backslash is no escape', "LET a = 'c:\\dir\\'; LET b = 1;", ['let 1-1', 'let 1-1']],
    [
      'slashes in quotes and paths begin no comment',
      "LOAD a FROM [lib://a;b] ; STORE T INTO lib://D/x.qvd; LET u = 'http://x;';",
      ['load 1-1', 'store 1-1', 'let 1-1'],
    ],
    [
      'an inline table is no code',
      'T: LOAD * INLINE [\na;b, it\'s\n"x, /* y\n]; DROP TABLE T;',
      ['load <T> 1-4', 'drop 4-4'],
    ],
    [
      'a lone apostrophe in TRACE, REM and SET hurts nobody',
      "TRACE it's;\nREM it's;\nSET a = it's;\nLET b = 'x';",
      ['trace 1-1', 'rem 2-2', 'set 3-3', 'let 4-4'],
    ],
    ['a comment hides everything', '// LOAD a; \n/* LOAD b; \n */ LOAD c FROM d;', ['load 3-3']],
    [
      'SET keeps what SQL would make of it',
      "SET vSql = SELECT a FROM b WHERE c = 'x;y';\nSQL $(vSql);",
      ['set 1-1', 'other 2-2'],
    ],
    [
      'control statements end with their line',
      'IF a THEN\nLET b = 1;\nEND IF\nFOR i = 1 to 3\nNEXT\n',
      ['if 1-1', 'let 2-2', 'end if 3-3', 'for 4-4', 'next 5-5'],
    ],
    [
      'a label may hold expansions and colons',
      '$(a):\nLOAD 1 AUTOGENERATE 1;\n[b: c]:\nSQL SELECT 1;',
      ['load <$(a)> 1-2', 'select <b: c> 3-4'],
    ],
    [
      'zero-width and no-break spaces are blanks',
      '\ufeffSET a = 1;\u200b\u00a0LET b = 2;\u200bDROP TABLE c;',
      ['set 1-1', 'let 1-1', 'drop 1-1'],
    ],
    [
      'a script of one line, or with CR alone',
      'SET a = 1;\rIF a THEN\rLET b = 2;\rEND IF\rSLEEP 1;',
      ['set 1-1', 'if 2-2', 'let 3-3', 'end if 4-4', 'sleep 5-5'],
    ],
    [
      'prefixes and labels change places',
      'LEFT JOIN (a)\nb:\nLOAD c FROM d;\ne: NoConcatenate LOAD f FROM g;',
      ['load 1-3', 'load <e> 4-4'],
    ],
    ['mapping loads are a kind of their own', 'M: MAPPING LOAD a, b FROM c;', ['mapping <M> 1-1']],
  ])('%s', (_, text, expected) => {
    expect(outline(text)).toEqual(expected);
  });
});

describe('a statement that was not ended', () => {
  test.each<[string, string, string[]]>([
    ['an apostrophe is missing', "LET a = 'x;\nLET b = 'y';\nLOAD c FROM 'd';", ['let 1-1 !', 'let 2-2', 'load 3-3']],
    [
      'a quote is missing in a long LOAD',
      'T:\nLOAD "a,\n b\nFROM [x.qvd] (qvd);\nU:\nLOAD "c" FROM y;',
      ['load <T> 1-4 !', 'load <U> 5-6'],
    ],
    ['a bracket is missing', 'LOAD a FROM [x.qvd (qvd);\nDROP TABLE [y];\n', ['load 1-1 !', 'drop 2-2']],
    ['the last apostrophe of all is missing', "LOAD 'a FROM b;\nSLEEP 1;", ['load 1-1 !', 'sleep 2-2']],
    [
      'the end of an inline table is missing: the next section goes on',
      'LOAD * INLINE [\na\n1\n///$tab Two\nLOAD b AS [c] FROM d;',
      ['load 1-3 !', 'load 5-5'],
    ],
    [
      'a semicolon is missing in front of a section',
      'LOAD a FROM b\n///$tab Two\nSLEEP 1;',
      ['load 1-1 !', 'sleep 3-3'],
    ],
    [
      'a semicolon is missing in front of END IF',
      'IF a THEN\nLET b = 1\nEND IF\nSLEEP 1;',
      ['if 1-1', 'let 2-2 !', 'end if 3-3', 'sleep 4-4'],
    ],
    ['a semicolon is missing in front of LET', 'SET a = 1\nLET b = 2;', ['set 1-1 !', 'let 2-2']],
    [
      'a quote over several lines is one, when something sensible follows',
      "LET a = 'SELECT x\nFROM y;\nDROP TABLE z;\n';\nSLEEP 1;",
      ['let 1-4', 'sleep 5-5'],
    ],
    [
      'a section begins within an inline table in backticks, and is data',
      'LOAD * INLINE `\n///$tab A\nSQL SELECT [a];\n` (no labels);\nSLEEP 1;',
      ['load 1-4', 'sleep 5-5'],
    ],
  ])('%s', (_, text, expected) => {
    expect(outline(text)).toEqual(expected);
  });
});
