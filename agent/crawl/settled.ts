/** A result that was asked for early and is looked at later: it keeps its failure until {@link resultOf} asks. */
export type Settled<T> = Promise<{ readonly value: T } | { readonly error: unknown }>;

export const settled = <T>(work: Promise<T>): Settled<T> =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

export const resultOf = async <T>(work: Settled<T>): Promise<T> => {
  const result = await work;
  if ('error' in result) throw result.error;
  return result.value;
};

export const resultsOf = async <T>(works: readonly Settled<T>[]): Promise<T[]> => {
  const values: T[] = [];
  for (const work of works) values.push(await resultOf(work));
  return values;
};
