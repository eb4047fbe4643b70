import { describe, expect, test } from 'vitest';
import { one, plain } from './plain.ts';

describe('control statements', () => {
  test.each<[string, object]>([
    ["IF '$(a)' = 'x' THEN", { type: 'if', condition: "'$(a)' = 'x'" }],
    ['if(not IsNull(a)) then', { type: 'if', condition: '(not IsNull(a))' }],
    // The engine does without THEN at the end of a line.
    ['If $(vFound) = 0;', { type: 'if', condition: '$(vFound) = 0' }],
    ['IF a = 1\n  AND b = 2 THEN', { type: 'if', condition: 'a = 1\n  AND b = 2' }],
    ['ELSEIF a THEN', { type: 'elseif', condition: 'a' }],
    ['Else If a Then', { type: 'elseif', condition: 'a' }],
    ['ELSE', { type: 'else' }],
    ['ENDIF', { type: 'endif' }],
    ['END IF;', { type: 'endif' }],
    ['end   if // a', { type: 'endif' }],
    ['SUB Load', { type: 'sub', name: 'Load' }],
    ['SUB Qvc.Log (a, [b c], $(d));', { type: 'sub', name: 'Qvc.Log', parameters: ['a', 'b c', '$(d)'] }],
    ['END SUB;', { type: 'endsub' }],
    ['EndSub', { type: 'endsub' }],
    ['CALL Load', { type: 'call', name: 'Load' }],
    [
      "CALL Qvc.Log('a, b', , $(c), d & 'e')",
      { type: 'call', name: 'Qvc.Log', args: ["'a, b'", '', '$(c)', "d & 'e'"] },
    ],
    ["CALL Load ('a',\n  'b')", { type: 'call', name: 'Load', args: ["'a'", "'b'"] }],
    ['CALL $(vSub)(1);', { type: 'call', name: '$(vSub)', args: ['1'] }],
    ['FOR i = 1 TO 10', { type: 'for', variable: 'i', first: '1', last: '10' }],
    [
      "for [i j]=NoOfRows('T')-1 to 0 step -1",
      { type: 'for', variable: 'i j', first: "NoOfRows('T')-1", last: '0', step: '-1' },
    ],
    ["FOR EACH f IN 'a', 'b;c', d", { type: 'foreach', variable: 'f', items: ["'a'", "'b;c'", 'd'] }],
    ["FOR EACH f IN 'a',\n  'b'", { type: 'foreach', variable: 'f', items: ["'a'", "'b'"] }],
    ["for each f in FileList('$(p)\\*.qvd')", { type: 'foreach', variable: 'f', items: ["FileList('$(p)\\*.qvd')"] }],
    ["FOR EACH v IN FieldValueList('F')", { type: 'foreach', variable: 'v', items: ["FieldValueList('F')"] }],
    ['FOR EACH v IN $(vList)', { type: 'foreach', variable: 'v', items: ['$(vList)'] }],
    ['NEXT', { type: 'next' }],
    ['NEXT i;', { type: 'next', variable: 'i' }],
    ['DO', { type: 'do' }],
    ['DO WHILE a < 3', { type: 'do', test: 'while', condition: 'a < 3' }],
    ['do until Len(a) = 0;', { type: 'do', test: 'until', condition: 'Len(a) = 0' }],
    ['LOOP', { type: 'loop' }],
    ['LOOP WHILE a', { type: 'loop', test: 'while', condition: 'a' }],
    ['SWITCH vKind', { type: 'switch', value: 'vKind' }],
    ["CASE 'a', 2", { type: 'case', values: ["'a'", '2'] }],
    ['DEFAULT', { type: 'default' }],
    ['END SWITCH', { type: 'endswitch' }],
    ['EXIT SCRIPT', { type: 'exit', what: 'script' }],
    ["Exit Script when '$(a)' = 1;", { type: 'exit', what: 'script', test: 'when', condition: "'$(a)' = 1" }],
    ['EXIT SUB', { type: 'exit', what: 'sub' }],
    ['EXIT FOR UNLESS a', { type: 'exit', what: 'for', test: 'unless', condition: 'a' }],
    ['EXIT DO;', { type: 'exit', what: 'do' }],
    [
      'WHEN a = 1 EXIT SCRIPT;',
      { type: 'guarded', test: 'when', condition: 'a = 1', statement: { type: 'exit', what: 'script' } },
    ],
    [
      'UNLESS a DROP TABLE T;',
      { type: 'guarded', test: 'unless', condition: 'a', statement: { type: 'drop', what: 'table', names: ['T'] } },
    ],
    [
      'WHEN a SET b = c;',
      {
        type: 'guarded',
        test: 'when',
        condition: 'a',
        statement: { type: 'assign', kind: 'set', name: 'b', text: 'c' },
      },
    ],
    [
      "when $(a) call Log('x');",
      { type: 'guarded', test: 'when', condition: '$(a)', statement: { type: 'call', name: 'Log', args: ["'x'"] } },
    ],
  ])('%s', (text, expected) => {
    expect(one(text)).toEqual(expected);
  });

  test('each stands on its own line, with or without a semicolon', () => {
    const text = `SUB Load(p)
  IF p = 1 THEN // one
    LET a = 1; END IF
  FOR i = 1 TO 2; FOR EACH x IN 'a'
    DO WHILE i
      SWITCH i
        CASE 1
          EXIT FOR
        DEFAULT
          CALL Load(2) // again
      END SWITCH
    LOOP
  NEXT; NEXT i
END SUB`;
    expect(plain(text).map((statement) => (statement as { type: string }).type)).toEqual(
      'sub if assign endif for foreach do switch case exit default call endswitch loop next next endsub'.split(' '),
    );
  });

  test('ELSE and THEN may be followed by a statement on the same line', () => {
    expect(plain("IF a THEN TRACE it's a; ELSE LET b = 2; ENDIF")).toEqual([
      { type: 'if', condition: 'a' },
      { type: 'neutral', keyword: 'trace' },
      { type: 'else' },
      { type: 'assign', kind: 'let', name: 'b', text: '2', value: '2' },
      { type: 'endif' },
    ]);
  });

  test.each([
    'FOR i = 1',
    'SUB',
    'CALL',
    'EXIT',
    'END',
    'SWITCH',
    'CASE',
    'FOR EACH x',
    'IF',
    'DO WHILE',
    'EXIT SCRIPT WHEN',
  ])('one that lacks something is not understood: %s', (text) => {
    expect(one(`${text}\n`)).toMatchObject({ type: 'opaque' });
  });
});

describe('variables', () => {
  test.each<[string, object]>([
    ["SET a = 'x;y'", { kind: 'set', name: 'a', text: "'x;y'" }],
    ['set a=Sum({<b={"x"}>} c)', { kind: 'set', name: 'a', text: 'Sum({<b={"x"}>} c)' }],
    ['SET a =', { kind: 'set', name: 'a' }],
    ['SET a', { kind: 'set', name: 'a' }],
    ['SET a = http://b/c // d', { kind: 'set', name: 'a', text: 'http://b/c' }],
    ["SET a = it's fine", { kind: 'set', name: 'a', text: "it's fine" }],
    ['SET [a b] = c\nd', { kind: 'set', name: 'a b', text: 'c\nd' }],
    ['SET a.$(b)_c = $1 + $2', { kind: 'set', name: 'a.$(b)_c', text: '$1 + $2' }],
    ["LET a = 'x' & $(b)", { kind: 'let', name: 'a', text: "'x' & $(b)", value: "'x' & $(b)" }],
    ['LET a = =1+1', { kind: 'let', name: 'a', text: '=1+1', value: '1+1' }],
    ['LET a =', { kind: 'let', name: 'a' }],
    ['LET a = ) (', { kind: 'let', name: 'a', text: ') (' }],
    ["let[a b]='c'", { kind: 'let', name: 'a b', text: "'c'", value: "'c'" }],
    ["a = 'c'", { kind: 'let', name: 'a', text: "'c'", value: "'c'" }],
    ['[a b] = 1', { kind: 'let', name: 'a b', text: '1', value: '1' }],
    ['v$(x).y = 1', { kind: 'let', name: 'v$(x).y', text: '1', value: '1' }],
    ['Next = 1', { kind: 'let', name: 'Next', text: '1', value: '1' }],
    ['Map = 1', { kind: 'let', name: 'Map', text: '1', value: '1' }],
  ])('%s', (text, expected) => {
    expect(one(`${text};`)).toEqual({ type: 'assign', ...expected });
  });
});

describe('expansions that nobody could resolve', () => {
  test.each<[string, object]>([
    ['$(Include=lib://A b/c.qvs)', { type: 'include', path: 'lib://A b/c.qvs' }],
    ['$(must_include=[lib://A/c.qvs]);', { type: 'include', path: 'lib://A/c.qvs', must: true }],
    ["$(Must_Include='..\\$(v)\\c.qvs')", { type: 'include', path: '..\\$(v)\\c.qvs', must: true }],
    ['$( INCLUDE = $(v) )', { type: 'include', path: '$(v)' }],
    ['$(v);', { type: 'macro', text: '$(v)' }],
    ["$(f('a;b', c)) $(g);", { type: 'macro', text: "$(f('a;b', c)) $(g)" }],
  ])('%s', (text, expected) => {
    expect(one(text)).toEqual(expected);
  });

  test('what stands on the next line is a statement of its own', () => {
    expect(plain('$(Include=a.qvs)\n$(Include=b.qvs)\n$(v)\nNEXT\n$(w)\nLOAD a RESIDENT b;')).toMatchObject([
      { type: 'include' },
      { type: 'include' },
      { type: 'macro', text: '$(v)' },
      { type: 'next' },
      { type: 'load', prefixes: [{ type: 'macro', text: '$(w)' }] },
    ]);
  });

  test('an expansion may have become several statements, or none', () => {
    expect(plain('LET a = 1; T: LOAD a RESIDENT b; // all')).toMatchObject([
      { type: 'assign' },
      { type: 'load', label: 'T' },
    ]);
    expect(plain(' // nothing\n ;; ')).toEqual([]);
  });
});
