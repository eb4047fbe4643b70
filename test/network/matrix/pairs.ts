/** The values that each factor of a table of cases can have. */
export type Factors = Readonly<Record<string, readonly string[]>>;

/** One case: a value of every factor. */
export type Case<F extends Factors> = { readonly [Name in keyof F]: F[Name][number] };

/** Two values that cannot come together, and why. */
export interface Impossible<F extends Factors> {
  readonly pair: Partial<Case<F>>;
  readonly reason: string;
}

export interface Table<F extends Factors> {
  readonly cases: readonly Case<F>[];
  /** Pairs of values of two factors, each of which is in a case. */
  readonly covered: number;
  /** Pairs that were named as impossible. */
  readonly impossible: number;
  /** Pairs that were not named and still fit into no case, as `factor: value × factor: value`; their reasons are missing. */
  readonly unexplained: readonly string[];
}

type Chosen = Record<string, string>;

/**
 * Few cases in which every possible pair of values of two factors comes together at least once. The same factors give
 * the same cases in the same order.
 *
 * @throws RangeError when something named as impossible is not a pair of values of two of the factors
 */
export const allPairs = <const F extends Factors>(factors: F, impossible: readonly Impossible<F>[]): Table<F> => {
  const names = Object.keys(factors);
  const valuesOf = (name: string): readonly string[] => factors[name] ?? [];
  const key = (one: string, value: string, other: string, otherValue: string): string =>
    names.indexOf(one) < names.indexOf(other)
      ? `${one}: ${value} × ${other}: ${otherValue}`
      : `${other}: ${otherValue} × ${one}: ${value}`;
  const excluded = new Set(impossible.map(({ pair }) => keyOf(pair, factors, key)));
  const fits = (chosen: Chosen, name: string, value: string): boolean =>
    Object.entries(chosen).every(([other, otherValue]) => !excluded.has(key(name, value, other, otherValue)));
  /** Whether some choice of the factors that are left makes a case of it. */
  const completes = (chosen: Chosen): boolean => {
    const next = names.find((name) => chosen[name] === undefined);
    if (next === undefined) return true;
    return valuesOf(next).some((value) => fits(chosen, next, value) && completes({ ...chosen, [next]: value }));
  };
  const open = new Map<string, Chosen>();
  const unexplained: string[] = [];
  for (const [at, one] of names.entries())
    for (const other of names.slice(at + 1))
      for (const value of valuesOf(one))
        for (const otherValue of valuesOf(other)) {
          const pair = key(one, value, other, otherValue);
          const chosen = { [one]: value, [other]: otherValue };
          if (excluded.has(pair)) continue;
          if (completes(chosen)) open.set(pair, chosen);
          else unexplained.push(pair);
        }
  const covered = open.size;
  const gain = (chosen: Chosen, name: string, value: string): number =>
    Object.entries(chosen).filter(([other, otherValue]) => open.has(key(name, value, other, otherValue))).length;
  const cases: Chosen[] = [];
  for (const first of open.values()) {
    // Pairs that this case covers leave the map, so that the loop goes on with what is still open.
    const chosen: Chosen = { ...first };
    for (const name of names) {
      if (chosen[name] !== undefined) continue;
      const possible = valuesOf(name).filter(
        (value) => fits(chosen, name, value) && completes({ ...chosen, [name]: value }),
      );
      const used = (value: string): number => cases.filter((one) => one[name] === value).length;
      // Most new pairs; of equals the value that came least so far.
      const [best] = possible.toSorted((a, b) => gain(chosen, name, b) - gain(chosen, name, a) || used(a) - used(b));
      if (best === undefined) throw new RangeError('a choice that could be completed was not');
      chosen[name] = best;
    }
    for (const [at, one] of names.entries())
      for (const other of names.slice(at + 1)) open.delete(key(one, chosen[one] ?? '', other, chosen[other] ?? ''));
    cases.push(Object.fromEntries(names.map((name) => [name, chosen[name] ?? ''])));
  }
  return { cases: cases as Case<F>[], covered, impossible: excluded.size, unexplained };
};

const keyOf = (
  pair: Readonly<Record<string, string | undefined>>,
  factors: Factors,
  key: (one: string, value: string, other: string, otherValue: string) => string,
): string => {
  const known = Object.entries(pair).flatMap(([name, value]) =>
    value !== undefined && factors[name]?.includes(value) === true ? [{ name, value }] : [],
  );
  const [one, other] = known;
  if (one === undefined || other === undefined || Object.keys(pair).length !== 2)
    throw new RangeError(`not a pair of two factors: ${JSON.stringify(pair)}`);
  return key(one.name, one.value, other.name, other.value);
};
