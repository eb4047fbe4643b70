import { expect, test } from 'vitest';
import { Holes } from '#agent/lineage/sql/holes.ts';
import { named, type Out, outOf, united } from '#agent/lineage/sql/relations.ts';
import { tokenize } from '#agent/lineage/sql/tokens.ts';

// Each of these took from half a minute to hours while what it does was done once for every other one.
const MANY = 60_000;
const out = (name: string): Out => ({ name, origins: [], star: false });
const each = <T>(of: (i: number) => T): T[] => Array.from({ length: MANY }, (_, i) => of(i));

test('branches of a UNION that have a name of their own each', () => {
  const { outs } = united(each((i) => ({ outs: [out('Id'), out(`a${i}`), out('ID')], rest: [`t${i}`] })));
  expect(outs).toHaveLength(MANY + 1);
  expect(outs[0]?.name).toBe('Id');
});

test('columns that are asked for by their names, while the list still grows', () => {
  const outs: Out[] = [];
  for (let i = 0; i < MANY; i++) {
    outs.push(out(`Name${i}`));
    expect(outOf({ outs, rest: [] }, `NAME${i >> 1}`)).toBe(outs[i >> 1]);
  }
  outs.push(out('name7'));
  expect(outOf({ outs, rest: [] }, 'name7')).toBe(outs[7]);
  expect(outOf({ outs, rest: [] }, 'none')).toBeUndefined();
});

test('columns of one name are numbered', () => {
  const names = named(each(() => out('a'))).map(({ name }) => name);
  expect(names.slice(0, 3)).toEqual(['a', 'a1', 'a2']);
  expect(new Set(names).size).toBe(MANY);
  expect(named([out('a'), out('a1'), out('a'), out('a')]).map(({ name }) => name)).toEqual(['a', 'a1', 'a2', 'a3']);
});

test('expansions that nothing closes, in a text and outside', () => {
  expect(tokenize(`'${'$('.repeat(MANY * 4)}'`)).toHaveLength(1);
  const [first, second] = tokenize(`'a$(b(')c' ${'x$('.repeat(MANY * 4)}`);
  expect([first?.type, second?.type]).toEqual(['text', 'sign']);
});

test('expansions that all are different', () => {
  const holes = new Holes();
  const words = each((i) => holes.cover(`$(v${i})`));
  expect(holes.cover('$(v5)')).toBe(words[5]);
  expect(holes.restore(words[MANY - 1] ?? '')).toBe(`$(v${MANY - 1})`);
});
