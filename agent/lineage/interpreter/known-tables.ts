import type { LoadStep } from '../script/syntax.ts';
import { tableNamed } from './expression-origins.ts';
import { inlineFields, inlineRows } from './inline.ts';
import { toNumber } from './numbers.ts';
import type { State } from './state.ts';
import type { Table } from './tables.ts';
import { hasHoles } from './values.ts';

/** What stands in an inline table of the script, by field: such tables often list what a loop goes through. */
export interface InlineContent {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, readonly string[]>;
}

/** By table as it was made; one that is changed afterwards is another object, and has none. */
export type InlineContents = WeakMap<Table, InlineContent>;

/** The content of an inline table that is taken as it stands, in the script or from a table that was. */
export const inlineContent = (step: LoadStep, state: State, contents: InlineContents): InlineContent | undefined => {
  if (step.distinct || step.where !== undefined || step.while !== undefined) return undefined;
  if (step.groupBy.length > 0 || step.orderBy.length > 0) return undefined;
  const read = contentOf(step.source, state, contents);
  if (read === undefined) return undefined;
  const names = [...read.columns.keys()];
  const columns = new Map<string, readonly string[]>();
  for (const item of step.fields) {
    if (item.type === 'unreadable') return undefined;
    const taken: readonly (readonly [string, string])[] =
      item.type === 'all'
        ? names.map((name) => [name, name])
        : item.expression.type === 'name'
          ? [[item.name, item.expression.name]]
          : [];
    for (const [as, name] of taken) {
      const values = read.columns.get(name);
      if (values !== undefined) columns.set(as, values);
    }
  }
  return { rows: read.rows, columns };
};

const contentOf = (source: LoadStep['source'], state: State, contents: InlineContents): InlineContent | undefined => {
  if (source?.type === 'resident') {
    const table = tableNamed(source.table, state);
    return table && contents.get(table);
  }
  if (source?.type !== 'inline' || hasHoles(source.body)) return undefined;
  const rows = inlineRows(source.body, source.format);
  const names = inlineFields(source.body, source.format);
  return { rows: rows.length, columns: new Map(names.map((name, at) => [name, rows.map((row) => row[at] ?? '')])) };
};

/** Functions that ask for the tables that there are, outside of LOAD. */
export const ASKS_TABLES: ReadonlySet<string> = new Set(
  'peek noofrows fieldvalue fieldvaluecount nooftables tablename tablenumber nooffields fieldname fieldnumber'.split(
    ' ',
  ),
);

/** What one of {@link ASKS_TABLES} gives, where the text of the script tells it. */
export const askTables = (
  name: string,
  [first = '', second = '', third]: readonly string[],
  state: State,
  contents: InlineContents,
): string | undefined => {
  const tables = [...state.tables.values()];
  const certain = state.imported === undefined && tables.every(({ partial, external }) => !partial && !external);
  const fieldsOf = (asked: string): readonly string[] | undefined => {
    const table = tableNamed(asked, state);
    return table === undefined || table.opens.length > 0 ? undefined : [...table.fields.keys()];
  };
  switch (name) {
    case 'peek': {
      const table = third === undefined ? undefined : tableNamed(third, state);
      const values = table && contents.get(table)?.columns.get(first);
      const row = second === '' ? -1 : toNumber(second);
      return row === undefined ? undefined : values?.at(Math.trunc(row));
    }
    case 'noofrows': {
      const table = tableNamed(first, state);
      return numbered(table && contents.get(table)?.rows);
    }
    case 'fieldvalue':
      return valuesOfField(first, state, contents)?.[(toNumber(second) ?? 0) - 1];
    case 'fieldvaluecount':
      return numbered(valuesOfField(first, state, contents)?.length);
    case 'nooftables':
      return certain && tables.length > 0 ? numbered(tables.length) : undefined;
    case 'tablename': {
      const at = toNumber(first);
      // A loop that goes on behind the last table, as one to NoOfTables() does, finds no name.
      return certain && at !== undefined ? (tables[at]?.name ?? '') : undefined;
    }
    case 'tablenumber': {
      const at = tables.findIndex((table) => table.name === first);
      return certain && at !== -1 ? numbered(at) : undefined;
    }
    case 'nooffields':
      return numbered(fieldsOf(first)?.length);
    case 'fieldname':
      return fieldsOf(second)?.[(toNumber(first) ?? 0) - 1];
    case 'fieldnumber':
      return numbered(fieldsOf(second)?.indexOf(first), 1);
    default:
      return undefined;
  }
};

const numbered = (number: number | undefined, more = 0): string | undefined =>
  number === undefined ? undefined : String(number + more);

/** The distinct values of a field, when every table that may have it is an inline one. */
export const valuesOfField = (name: string, state: State, contents: InlineContents): readonly string[] | undefined => {
  const found: string[] = [];
  for (const table of state.tables.values()) {
    const values = contents.get(table)?.columns.get(name);
    if (values !== undefined) found.push(...values);
    else if (table.fields.has(name) || table.opens.length > 0) return undefined;
  }
  return found.length === 0 ? undefined : [...new Set(found)];
};
