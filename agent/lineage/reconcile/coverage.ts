import type { ScriptLineage, TableLineage } from '../result.ts';

/** How much of an app its script explains. */
export interface Coverage {
  /** Of the app's tables: those that the script makes with exactly these fields. */
  readonly tables: { readonly total: number; readonly exact: number };
  /** Of the fields in the app's tables: those that have an origin, or that the script makes by itself. */
  readonly fields: { readonly total: number; readonly explained: number };
  /** Share of the fields that are explained, 0 to 1; null: the app has none, or nobody knows them. */
  readonly share: number | null;
}

/** `Date.autoCalendar.Year`: the engine derives it by itself. */
const isDerived = (name: string, fields: ReadonlySet<string>): boolean => {
  const [, base] = /^(.+)\.[^.]+\.[^.]+$/.exec(name) ?? [];
  return base !== undefined && fields.has(base);
};

/** Fields of a table without what the engine derives from them. */
export const ownFields = (names: readonly string[]): ReadonlySet<string> => {
  const all = new Set(names);
  return new Set(names.filter((name) => !isDerived(name, all)));
};

/** The final table of that name; of several the last, which is what the script left. */
export const finalTables = ({ tables }: Pick<ScriptLineage, 'tables'>): ReadonlyMap<string, TableLineage> =>
  new Map(tables.flatMap((table) => (table.final ? [[table.name, table] as const] : [])));

export const namesIn = ({ fields }: TableLineage): ReadonlySet<string> =>
  new Set(fields.flatMap(({ name }) => (name === '*' ? [] : [name])));

/** Then the script did not predict it: it took over what was seen. */
const isFromModel = ({ fields }: TableLineage): boolean =>
  fields.some(({ origins }) => origins.some(({ reasons }) => reasons.includes('model')));

export const coverageOf = (
  lineage: Pick<ScriptLineage, 'tables'>,
  model: ReadonlyMap<string, readonly string[]> | undefined,
): Coverage => {
  const predicted = finalTables(lineage);
  let [exact, total, explained] = [0, 0, 0];
  for (const [name, seen] of model ?? []) {
    const table = predicted.get(name);
    const fields = ownFields(seen);
    total += fields.size;
    if (table === undefined) continue;
    const known = namesIn(table);
    // What the script makes by itself, such as a row number, comes from nowhere.
    for (const field of known) if (fields.has(field)) explained += 1;
    if (
      !(table.open || isFromModel(table)) &&
      known.size === fields.size &&
      [...known].every((field) => fields.has(field))
    )
      exact += 1;
  }
  return {
    tables: { total: model?.size ?? 0, exact },
    fields: { total, explained },
    share: total === 0 ? null : explained / total,
  };
};
