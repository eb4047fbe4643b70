import { describe, expect, test } from 'vitest';
import { allPairs, type Factors, type Impossible } from '#test/network/matrix/pairs.ts';

/** All pairs of values of two factors that come together in one of the cases, found apart from the generator. */
const pairsIn = (cases: readonly Readonly<Record<string, string>>[]): Set<string> => {
  const found = new Set<string>();
  for (const one of cases)
    for (const [name, value] of Object.entries(one))
      for (const [other, otherValue] of Object.entries(one))
        if (name < other) found.add(`${name}=${value} ${other}=${otherValue}`);
  return found;
};

/** Every case that there can be, by counting all combinations. */
const everyCase = (factors: Factors, impossible: readonly Impossible<Factors>[]): Record<string, string>[] => {
  let cases: Record<string, string>[] = [{}];
  for (const [name, values] of Object.entries(factors))
    cases = cases.flatMap((one) => values.map((value) => ({ ...one, [name]: value })));
  return cases.filter((one) =>
    impossible.every(({ pair }) => Object.entries(pair).some(([name, value]) => one[name] !== value)),
  );
};

const random = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

/** Two to six factors of one to six values, some pairs of which are impossible. */
const someFactors = (seed: number): { factors: Factors; impossible: Impossible<Factors>[] } => {
  const next = random(seed);
  const upTo = (most: number): number => Math.floor(next() * most);
  const factors = Object.fromEntries(
    Array.from({ length: 2 + upTo(5) }, (_, factor) => [
      `f${factor}`,
      Array.from({ length: 1 + upTo(6) }, (__, value) => `v${value}`),
    ]),
  );
  const names = Object.keys(factors);
  const impossible = Array.from({ length: upTo(12) }, () => {
    const one = upTo(names.length - 1);
    const other = one + 1 + upTo(names.length - one - 1);
    const pick = (at: number): [string, string] => {
      const name = names[at] ?? '';
      return [name, factors[name]?.[upTo(factors[name].length)] ?? ''];
    };
    return { pair: Object.fromEntries([pick(one), pick(other)]), reason: 'by chance' };
  });
  return { factors, impossible };
};

describe('all pairs', () => {
  test.each(Array.from({ length: 60 }, (_, seed) => seed))('every possible pair is covered (%i)', (seed) => {
    const { factors, impossible } = someFactors(seed);
    const table = allPairs(factors, impossible);
    const possible = everyCase(factors, impossible);
    expect(pairsIn(table.cases)).toEqual(pairsIn(possible));
    expect(table.covered).toBe(pairsIn(possible).size);
    const whole = pairsIn(everyCase(factors, [])).size;
    expect(table.covered + table.impossible + table.unexplained.length).toBe(whole);
    const allowed = new Set(possible.map((one) => JSON.stringify(one)));
    for (const one of table.cases) expect(allowed).toContain(JSON.stringify(one));
    expect(new Set(table.cases.map((one) => JSON.stringify(one))).size).toBe(table.cases.length);
  });

  test('the same factors give the same cases', () => {
    const { factors, impossible } = someFactors(7);
    expect(allPairs(factors, impossible)).toEqual(allPairs(factors, impossible));
  });

  test('needs little more cases than the two largest factors have pairs', () => {
    const four = ['1', '2', '3', '4'];
    const { cases, covered } = allPairs({ a: four, b: four, c: four, d: four, e: four }, []);
    expect(covered).toBe(160);
    expect(cases.length).toBeLessThanOrEqual(24);
  });

  test('a pair that others make impossible is named, since nobody said why', () => {
    const factors = { a: ['1', '2'], b: ['1', '2'], c: ['1'] };
    const { unexplained } = allPairs(factors, [{ pair: { a: '1', c: '1' }, reason: 'so' }]);
    expect(unexplained).toEqual(['a: 1 × b: 1', 'a: 1 × b: 2']);
  });

  test('what is no pair of two factors is refused', () => {
    const factors = { a: ['1'], b: ['1'] } as Factors;
    for (const pair of [{ a: '1' }, { a: '1', b: '2' }, { a: '1', z: '1' }, { a: '1', b: '1', c: '1' }])
      expect(() => allPairs(factors, [{ pair, reason: '' }])).toThrow(RangeError);
  });
});
