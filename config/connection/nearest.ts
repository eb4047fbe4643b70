/** Edits between two names: insert, delete, replace, or swap neighbours. */
export const distance = (a: string, b: string): number => {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
};

/** A name that was typed by mistake has so many edits at most; with more it means something else. */
export const mostEdits = (name: string): number => Math.max(2, Math.floor(name.length / 5));

/** The longest that is compared: the work grows with the square. */
const LONGEST = 80;

/** The name that was meant, as far as the spelling tells; undefined when none is near. */
export const nearestName = (name: string, known: Iterable<string>): string | undefined => {
  if (name.length > LONGEST) return undefined;
  const [best] = [...known]
    .filter((one) => one.length <= LONGEST)
    .map((one) => ({ one, cost: distance(name, one) }))
    .sort((a, b) => a.cost - b.cost);
  return best !== undefined && best.cost <= mostEdits(name) ? best.one : undefined;
};
