import { matchesGlob } from 'node:path';
import type { FieldLineage, ScriptLineage, TableLineage } from '../../../agent/lineage/result.ts';
import { sourceName } from '../../../agent/lineage/result-json.ts';
import type { Label, LabelledTable } from './labels.ts';

/** What was to be found and what was. */
export interface Score {
  readonly right: number;
  /** As `table.field <- source#column`. */
  readonly missing: readonly string[];
  readonly extra: readonly string[];
}

/** How far an interpretation agrees with a label. */
export interface Agreement {
  readonly sources: Score;
  readonly stores: Score;
  /** Tables whose end in the app is another. */
  readonly finals: readonly string[];
}

/** Compares two sets. */
export function compare(expected: ReadonlySet<string>, found: ReadonlySet<string>): Score {
  const missing = [...expected].filter((entry) => !found.has(entry));
  return { right: expected.size - missing.length, missing, extra: [...found].filter((entry) => !expected.has(entry)) };
}

/** 1 when nothing was there to be found, or nothing was found. */
export const precision = ({ right, extra }: Score): number =>
  right + extra.length === 0 ? 1 : right / (right + extra.length);
export const recall = ({ right, missing }: Score): number =>
  right + missing.length === 0 ? 1 : right / (right + missing.length);

/** Both together. */
export const sum = (a: Score, b: Score): Score => ({
  right: a.right + b.right,
  missing: [...a.missing, ...b.missing],
  extra: [...a.extra, ...b.extra],
});

/** Holds a script's lineage to its label: value sources of fields, stores, and which tables stay. */
export function agreement(label: Label, lineage: ScriptLineage): Agreement {
  const expected = new Set<string>();
  const found = new Set<string>();
  const finals: string[] = [];
  const named = new Set(label.tables.flatMap(({ name }) => name ?? []));
  const free = lineage.tables.filter(({ name }) => !named.has(name));
  // Several tables may have one name, one after the other: they are compared together.
  for (const name of named) {
    const labelled = label.tables.filter((table) => table.name === name);
    const made = lineage.tables.filter((table) => table.name === name);
    if (made.some((t) => t.final) !== labelled.some((t) => t.final)) finals.push(name);
    for (const table of labelled) addExpected(expected, name, table);
    const sure = new Set(labelled.flatMap((table) => Object.keys(table.fields)));
    const unsure = labelled.flatMap((table) => table.unsure ?? []);
    for (const table of made) addFound(found, name, table.fields, sure, unsure);
  }
  for (const [i, table] of label.tables.entries()) {
    if (table.name !== null) continue;
    const name = `(${i + 1})`;
    addExpected(expected, name, table);
    const like = closest(table, free);
    if (like === undefined) continue;
    free.splice(free.indexOf(like), 1);
    if (like.final !== table.final) finals.push(like.name);
    addFound(found, name, like.fields, new Set(Object.keys(table.fields)), table.unsure ?? []);
  }
  if (label.otherTables !== true) for (const table of free) addFound(found, table.name, table.fields, new Set(), []);
  const stores = new Set((label.stores ?? []).map(({ target, table }) => `${table} -> ${target}`));
  const stored = label.stores === undefined ? [] : lineage.stores;
  return {
    sources: compare(expected, found),
    stores: compare(stores, new Set(stored.map(({ target, table }) => `${table} -> ${target}`))),
    finals,
  };
}

function addExpected(expected: Set<string>, name: string, { fields }: LabelledTable): void {
  for (const [field, origins] of Object.entries(fields))
    for (const [source, column] of origins) expected.add(`${name}.${field} <- ${source}#${column}`);
}

function addFound(
  found: Set<string>,
  name: string,
  fields: readonly FieldLineage[],
  sure: ReadonlySet<string>,
  unsure: readonly string[],
): void {
  for (const { name: field, origins } of fields) {
    if (!sure.has(field) && unsure.some((pattern) => matches(field, pattern))) continue;
    for (const origin of origins) {
      // A field made of nothing says so by its source alone.
      if (origin.role !== 'value' || origin.source.type === 'autogenerate') continue;
      found.add(`${name}.${field} <- ${sourceName(origin.source)}#${origin.field}`);
    }
  }
}

const matches = (field: string, pattern: string): boolean => matchesGlob(field.replaceAll('/', '_'), pattern);

/** The table that has most of these fields. */
function closest(table: LabelledTable, candidates: readonly TableLineage[]): TableLineage | undefined {
  const names = new Set(Object.keys(table.fields));
  const common = (t: TableLineage) => t.fields.filter(({ name }) => names.has(name)).length;
  return candidates.filter((t) => common(t) > 0).sort((a, b) => common(b) - common(a))[0];
}
