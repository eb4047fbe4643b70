import { describe, expect, test } from 'vitest';
import { interpret } from '#agent/lineage/interpreter/interpret.ts';
import { hole, holeAt, holesIn, withoutHoles } from '#agent/lineage/interpreter/values.ts';
import { LIMITS, told } from './told.ts';

const outside = (...values: readonly (readonly [name: string, value: string])[]) => ({
  variables: new Map(values.map(([name, value]) => [name, { value, from: 'engine' as const }])),
});

describe('what is too much for anybody', () => {
  test('variables that name each other twice are put in so far as there is room, and not 2^50 times', () => {
    const { statements, tables } = told(
      'T: LOAD a FROM [$(vA).qvd] (qvd);',
      outside(['vA', 'x$(vB)$(vB)'], ['vB', 'y$(vA)$(vA)']),
    );
    expect(statements.total).toBe(1);
    expect(tables.length).toBeLessThanOrEqual(1);
  });

  test.each([
    ['brackets', `${'('.repeat(2_000)}c${')'.repeat(2_000)}`],
    ['conditions', `${'if(c=1,'.repeat(2_000)}c${',d)'.repeat(2_000)}`],
    ['operators of all kinds', `${'c+c-c*'.repeat(20_000)}c`],
  ])('a field of %s is told, and takes neither the other fields nor the source with it', (_, expression) => {
    const { tables, diagnostics } = told(`T: LOAD a, ${expression} as b, d FROM x.qvd (qvd);`);
    const [table] = tables;
    expect(table?.fields.map(({ name }) => name)).toEqual(['a', 'b', 'd']);
    expect(JSON.stringify(table?.fields[0])).toContain('x.qvd');
    expect(diagnostics.length).toBe(1);
    const alone = told(`T: LOAD ${expression} as b FROM x.qvd (qvd);`);
    expect(alone.diagnostics.length).toBe(1);
  });

  test('the same when the script itself makes them', () => {
    const script = `LET vA = '$' & '(vB)$' & '(vB)';\nLET vB = '$' & '(vA)$' & '(vA)';\nT: LOAD a FROM [$(vA).qvd] (qvd);`;
    expect(told(script).statements.total).toBe(3);
  });

  test('a parameter that stands a hundred thousand times in a value', () => {
    const body = '$1'.repeat(90_000);
    const argument = 'y'.repeat(15_000);
    const { statements } = told(`T: LOAD a FROM [$(vA(${argument})).qvd] (qvd);`, outside(['vA', body]));
    expect(statements.total).toBe(1);
  });

  test('a value of nothing but openings, in front of a hole and behind one', () => {
    const openings = '$('.repeat(90_000);
    const script = `SET vX = $(vNobody)${openings};\nSET vY = ${openings}$(vNobody);\nT: LOAD a FROM [$(vX)$(vY).qvd] (qvd);`;
    expect(told(script).statements.total).toBe(3);
  });

  test('functions that compare every character with every other one', () => {
    const long = 'LET vX = Repeat(9, 9999);\n'.concat('LET vX = vX & vX;\n'.repeat(4));
    const script = `${long}LET vY = KeepChar(vX, Replace(vX, 9, 0));\nLET vZ = FindOneOf(vX, Replace(vX, 9, 0));`;
    expect(told(script).variables.get('vY')).toBeUndefined();
    expect(told("LET vY = KeepChar('a1b2', '0123456789');").variables.get('vY')).toBe('12');
  });

  test('a sum of more numbers than a function has room for', () => {
    const script = `LET vMost = RangeMax(${Array.from({ length: 150_000 }, () => 1).join(',')});\nLET vNext = RangeMax(1, 3);`;
    const { variables, cut } = told(script);
    expect(variables.get('vNext')).toBe('3');
    expect(cut).toBeUndefined();
  });

  test('blocks within subroutines within others, deeper than a stack goes: it is cut, and says so', () => {
    const deep = (body: string): string => `${'IF vX THEN\n'.repeat(150)}${body}\n${'END IF\n'.repeat(150)}`;
    const subs = Array.from({ length: 60 }, (_, i) => `SUB s${i}\n${deep(`CALL s${i + 1}`)}END SUB\n`).join('');
    const { cut, diagnostics } = told(`SET vX = 1;\n${subs}CALL s0`, {}, { ...LIMITS, depth: 64, steps: 200_000 });
    expect(cut).toBe('depth');
    expect(diagnostics.map(({ code }) => code)).toContain('lineage.limit');
  });
});

describe('what a limit cuts off', () => {
  const statements = 200;
  const script = Array.from({ length: statements }, (_, i) => `T${i}: LOAD a${i} FROM x${i}.qvd (qvd);`).join('\n');

  test('is not understood, and how much was reached is told', () => {
    let now = 0;
    const clock = (): number => {
      now += 1;
      return now;
    };
    const analyse = () => ({
      columns: [],
      open: false,
      objects: [],
      tables: [],
      how: 'parser' as const,
      diagnostics: [],
    });
    const made = interpret(script, {}, { ...LIMITS, timeMs: 50 }, analyse, clock);
    expect(made.cut).toBe('time');
    const { total, understood, opaque } = made.statements;
    expect(total).toBe(statements);
    expect(understood).toBe(made.tables.length);
    expect(understood).toBeLessThan(60);
    expect(opaque).toBe(total - understood);
    expect(made.diagnostics.find(({ code }) => code === 'lineage.limit')?.message).toMatch(
      new RegExp(`${understood} of ${total} statements were reached`),
    );
  });

  test('and is no part of what was understood when it is the number of steps either', () => {
    const { statements: counted, cut } = told(script, {}, { ...LIMITS, steps: 20 });
    expect({ ...counted, cut }).toEqual({ total: 200, understood: 20, opaque: 180, cut: 'steps' });
  });
});

describe('holes in a text', () => {
  const known = `a${hole('vX', 1)}b$(c)${hole('=f($(vY))', 12)}d`;

  test('are found with their versions, and what is no hole stays', () => {
    expect(holesIn(known)).toEqual(['vX@1', 'c)$(=f($(vY))@12']);
    expect(withoutHoles(`a${hole('vX', 1)}b${hole('vY', 2)}c`)).toBe('abc');
    expect(withoutHoles('a\ue0f01)b$(c)')).toBe('a\ue0f01)b$(c)');
    expect(withoutHoles('$(a\ue0f0x)$(b\ue0f07)c')).toBe('$(a\ue0f0x)c');
    expect(holeAt(known, 1)).toBe(hole('vX', 1).length);
    expect(holeAt(`$(a)${hole('b', 1)}`, 0)).toBe(0);
    expect(holeAt('$(a\ue0f0x)', 0)).toBe(0);
  });
});
