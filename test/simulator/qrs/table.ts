import { randomUUID } from 'node:crypto';
import { type Json, type JsonObject, Refusal } from './answer.ts';
import { mayHave, valuesAt } from './match.ts';
import { sortedBy } from './sort.ts';
import type { Turns } from './turns.ts';

interface Column {
  readonly name: string;
  readonly columnType: 'Property' | 'Function' | 'List';
  readonly path: readonly string[];
  readonly list: readonly Column[];
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const COUNT = /^count\(\s*([\w.]+)\s*\)$/i;

const columnOf = (value: unknown): Column => {
  if (!isObject(value)) throw new Refusal(400, 'A column must be an object');
  const { name, columnType, definition, list } = value;
  if (typeof name !== 'string' || name === '' || /\s/.test(name)) {
    throw new Refusal(400, 'A column needs a name without blanks');
  }
  const type = String(columnType).toLowerCase();
  const path = typeof definition === 'string' ? definition : '';
  switch (type) {
    case 'property':
      if (path === '') throw new Refusal(400, `Column ${name} needs a definition`);
      return { name, columnType: 'Property', path: path.split('.'), list: [] };
    case 'function': {
      const counted = COUNT.exec(path)?.[1];
      if (counted === undefined) throw new Refusal(400, `Column ${name}: unknown function ${path}`);
      return { name, columnType: 'Function', path: counted.split('.'), list: [] };
    }
    case 'list':
      if (!Array.isArray(list) || list.length === 0) throw new Refusal(400, `Column ${name} needs a list of columns`);
      // The definition names the class of the members (`Tag`), the name the property that holds them (`tags`).
      return { name, columnType: 'List', path: [name], list: list.map(columnOf) };
    default:
      throw new Refusal(400, `Column ${name}: unknown columnType ${String(columnType)}`);
  }
};

const cellOf = (column: Column, row: Json): Json => {
  const values = valuesAt(row, column.path);
  switch (column.columnType) {
    case 'Property':
      return values.length > 1 ? values : (values[0] ?? null);
    case 'Function':
      return values.length;
    case 'List':
      return {
        columnNames: column.list.map(({ name }) => name),
        rows: values.map((value) => column.list.map((inner) => cellOf(inner, value))),
      };
    default:
      return column.columnType satisfies never;
  }
};

const wholeNumber = (text: string | null, name: string): number | null => {
  if (text === null || text === '') return null;
  if (!/^\d{1,9}$/.test(text)) throw new Refusal(400, `${name} must be a whole number`);
  return Number(text);
};

/**
 * The table resource: chosen columns of the rows that passed the filter, sorted by a column (or any property) and cut to a
 * page. `rows` are full JSON objects made on demand by `full`. `isSorted`: they are in this order already. Throws {@link Refusal} 400 for a definition that is wrong.
 */
export function* tableOf(
  definition: unknown,
  query: { get(name: string): string | null },
  chosen: readonly unknown[],
  full: (row: unknown) => JsonObject,
  schemaPath: string,
  isSorted = false,
): Turns<{ table: JsonObject; count: number; sorted: readonly unknown[] }> {
  const columns = isObject(definition) ? definition['columns'] : undefined;
  if (!Array.isArray(columns) || columns.length === 0) throw new Refusal(400, 'A table needs columns');
  const wanted = columns.map(columnOf);
  const [first] = chosen;
  if (first !== undefined) {
    const sample = full(first);
    for (const { name, path } of wanted) {
      if (!mayHave(sample, path)) throw new Refusal(400, `Column ${name}: no property ${path.join('.')}`);
    }
  }
  const skip = wholeNumber(query.get('skip'), 'skip') ?? 0;
  const take = wholeNumber(query.get('take'), 'take') ?? chosen.length;
  const sortColumn = query.get('sortColumn');
  let sorted = chosen;
  if (sortColumn !== null && sortColumn !== '') {
    const column = wanted.find(({ name }) => name.toLowerCase() === sortColumn.toLowerCase());
    const path = column?.path ?? sortColumn.split('.');
    if (first !== undefined && !mayHave(full(first), path))
      throw new Refusal(400, `No column ${sortColumn} to sort by`);
    const ascending = query.get('orderAscending')?.toLowerCase() !== 'false';
    if (!isSorted) sorted = yield* sortedBy(chosen, [{ path, ascending }], full);
  }
  const rows: Json[] = [];
  for (const row of sorted.slice(skip, skip + take)) {
    yield;
    const json = full(row);
    rows.push(wanted.map((column) => cellOf(column, json)));
  }
  return {
    count: rows.length,
    sorted,
    table: {
      id: randomUUID(),
      schemaPath: `${schemaPath}.Table`,
      columnNames: wanted.map(({ name }) => name),
      rows,
    },
  };
}
