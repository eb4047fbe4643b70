import { beforeEach, expect, test } from 'vitest';
import { Holes } from '#agent/lineage/sql/holes.ts';
import { named, type Out, outOf, united } from '#agent/lineage/sql/relations.ts';
import { tokenize } from '#agent/lineage/sql/tokens.ts';

/** Columns whose names are counted as they are looked at: once for every other one would be millions of times. */
const COLUMNS = 5_000;
const A_FEW_TIMES = 8 * COLUMNS;
let looks = 0;
beforeEach(() => {
  looks = 0;
});
const out = (name: string): Out => ({
  get name() {
    looks += 1;
    return name;
  },
  origins: [],
  star: false,
});
const each = <T>(count: number, of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i));

test('branches of a UNION that have a name of their own each', () => {
  const { outs } = united(each(COLUMNS, (i) => ({ outs: [out('Id'), out(`a${i}`), out('ID')], rest: [`t${i}`] })));
  expect(looks).toBeLessThan(A_FEW_TIMES);
  expect(outs).toHaveLength(COLUMNS + 1);
  expect(outs[0]?.name).toBe('Id');
});

test('columns that are asked for by their names, while the list still grows', () => {
  const outs: Out[] = [];
  const wrong = each(COLUMNS, (i) => {
    outs.push(out(`Name${i}`));
    return outOf({ outs, rest: [] }, `NAME${i >> 1}`) !== outs[i >> 1];
  }).filter(Boolean);
  expect(wrong).toEqual([]);
  expect(looks).toBeLessThan(A_FEW_TIMES);
  outs.push(out('name7'));
  expect(outOf({ outs, rest: [] }, 'name7')).toBe(outs[7]);
  expect(outOf({ outs, rest: [] }, 'none')).toBeUndefined();
});

test('columns of one name are numbered', () => {
  const columns = named(each(COLUMNS, () => out('a')));
  expect(looks).toBeLessThan(A_FEW_TIMES);
  const names = columns.map(({ name }) => name);
  expect(names.slice(0, 3)).toEqual(['a', 'a1', 'a2']);
  expect(new Set(names).size).toBe(COLUMNS);
  expect(named([out('a'), out('a1'), out('a'), out('a')]).map(({ name }) => name)).toEqual(['a', 'a1', 'a2', 'a3']);
});

// These took minutes, which no lane waits for.
test('expansions that nothing closes, in a text and outside', () => {
  const openings = 500_000;
  expect(tokenize(`'${'$('.repeat(openings)}'`)).toHaveLength(1);
  const [first, second] = tokenize(`'a$(b(')c' ${'x$('.repeat(openings)}`);
  expect([first?.type, second?.type]).toEqual(['text', 'sign']);
});

test('expansions that all are different', () => {
  const expansions = 250_000;
  const holes = new Holes();
  const words = each(expansions, (i) => holes.cover(`$(v${i})`));
  expect(holes.cover('$(v5)')).toBe(words[5]);
  expect(holes.restore(words[expansions - 1] ?? '')).toBe(`$(v${expansions - 1})`);
});
