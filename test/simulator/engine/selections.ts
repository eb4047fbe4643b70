/** What is selected in one session: element numbers by field. Selections are kept and shown; nothing is calculated. */
export class Selections {
  readonly #byField = new Map<string, ReadonlySet<number>>();

  /** Undefined: nothing is selected in the field. */
  in(field: string): ReadonlySet<number> | undefined {
    return this.#byField.get(field);
  }

  /** The fields with selections, the oldest first. */
  get fields(): readonly string[] {
    return [...this.#byField.keys()];
  }

  /** Selects these elements instead of what was selected, or turns each over. Says whether anything was meant. */
  select(field: string, elements: readonly number[], toggle: boolean): boolean {
    if (elements.length === 0) return false;
    const selected = new Set(toggle ? this.#byField.get(field) : []);
    for (const element of elements) if (!toggle || !selected.delete(element)) selected.add(element);
    if (selected.size === 0) this.#byField.delete(field);
    else this.#byField.set(field, selected);
    return true;
  }

  clear(field: string): void {
    this.#byField.delete(field);
  }

  clearAll(except?: string): void {
    for (const field of this.#byField.keys()) if (field !== except) this.#byField.delete(field);
  }
}

/** How many values of a field are looked at: there are no more in any layout. */
const MAX_VALUES = 1_000;

/** The text of an element of a field; values are made up. */
export const valueText = (field: string, element: number): string => `${field} ${element + 1}`;

/** The elements whose text a search means: `a`, `"a b"`, `(a|b)`, with `*` and `?`. */
export function elementsMatching(field: string, cardinal: number, search: string): readonly number[] {
  const inner = /^\((.*)\)$/s.exec(search.trim())?.[1] ?? search.trim();
  const patterns = inner.split('|').map((part) => {
    const text = part
      .trim()
      .replace(/^(?:"(.*)"|'(.*)'|\[(.*)\])$/s, '$1$2$3')
      .replace(/^=/, '');
    const escaped = text
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return new RegExp(`^${escaped}$`, 'iu');
  });
  return Array.from({ length: Math.min(cardinal, MAX_VALUES) }, (_, element) => element).filter((element) =>
    patterns.some((pattern) => pattern.test(valueText(field, element))),
  );
}
