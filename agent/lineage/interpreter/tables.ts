import type { Place } from '../result.ts';
import { NO_ORIGINS, type Origins, ofColumn, union, weakened } from './origins.ts';

/** A field of a table at one moment of the script. */
export interface Field {
  readonly name: string;
  readonly origins: Origins;
  /** The expression that made it; undefined for a plain copy. */
  readonly expression: string | undefined;
}

/** Fields that a `*` brought and whose names nobody knows. */
export interface Open {
  /** With `*` as their column. */
  readonly origins: Origins;
  /** In front of the names that the columns have there: of QUALIFY. */
  readonly prefix: string;
  /** Names that are not among them: dropped or renamed ones. */
  readonly except: ReadonlySet<string>;
  /** They are called by this and a number, and all come from `origins` as they stand. */
  readonly numbered: string | undefined;
  /** Whatever they are called, they come from `origins` as they stand. */
  readonly whole: boolean;
}

/** What a step of a load reads or gives. */
export interface Row {
  readonly fields: ReadonlyMap<string, Field>;
  readonly opens: readonly Open[];
  /** Where a name that is not among the fields comes from for certain, since the statement itself names it. */
  readonly direct: Open | undefined;
  /** Names may be written in another case: of a SELECT, whose names some databases fold. */
  readonly anyCase?: boolean | undefined;
}

export interface Table extends Row {
  /** In the order of their making. */
  readonly id: number;
  readonly name: string;
  readonly conditional: boolean;
  /** Not every way of the script makes it. */
  readonly partial: boolean;
  /** The text adds to it and does not make it. */
  readonly external: boolean;
  readonly place: Place;
  /** What decides which rows there are. */
  readonly influences: Origins;
}

export const NO_FIELDS: ReadonlyMap<string, Field> = new Map();
const NONE: ReadonlySet<string> = new Set();

export const openOf = (origins: Origins, prefix = ''): Open => ({
  origins,
  prefix,
  except: NONE,
  numbered: undefined,
  whole: false,
});

/** Any name stands for these origins. */
export const wholeOpen = (origins: Origins): Open => ({ ...openOf(origins), whole: true });

/** Fields called `Name1`, `Name2`, … as HIERARCHY makes them. */
export const numberedOpen = (name: string, origins: Origins): Open => ({
  ...openOf(origins),
  numbered: name,
});

export const fieldsOf = (fields: Iterable<Field>): ReadonlyMap<string, Field> => {
  const found = new Map<string, Field>();
  for (const field of fields) found.set(field.name, field);
  return found;
};

/** Where a column of the row comes from; undefined: it has none of this name. */
export const lookUp = (row: Row, name: string): Origins | undefined => {
  const known = row.fields.get(name);
  if (known !== undefined) return known.origins;
  const { opens } = row;
  const possible = opens.length === 0 ? [] : opens.flatMap((open) => listed(throughOpen(open, name)));
  // The only place that it can come from: the text alone says so.
  if (possible.length === 1) return possible[0];
  if (possible.length > 1) return weakened(union(...possible), 'candidate', 'join-candidate');
  return row.direct === undefined ? inOtherCase(row, name) : throughOpen(row.direct, name);
};

const inOtherCase = ({ fields, anyCase }: Row, name: string): Origins | undefined => {
  const found = anyCase === true ? withoutCase(fields).get(name.toLowerCase()) : undefined;
  return found && weakened(found.origins, 'inferred', 'case');
};

const WITHOUT_CASE = new WeakMap<Row['fields'], ReadonlyMap<string, Field | undefined>>();

/** Fields by their names in lower case; undefined where several differ in case alone. Made once: wide tables ask for every field. */
const withoutCase = (fields: Row['fields']): ReadonlyMap<string, Field | undefined> => {
  const before = WITHOUT_CASE.get(fields);
  if (before !== undefined) return before;
  const found = new Map<string, Field | undefined>();
  for (const field of fields.values()) {
    const name = field.name.toLowerCase();
    found.set(name, found.has(name) ? undefined : field);
  }
  WITHOUT_CASE.set(fields, found);
  return found;
};

const listed = (origins: Origins | undefined): readonly Origins[] => (origins === undefined ? [] : [origins]);

const throughOpen = (open: Open, name: string): Origins | undefined => {
  if (open.except.has(name)) return undefined;
  if (open.numbered !== undefined) {
    const number = name.startsWith(open.numbered) ? name.slice(open.numbered.length) : '';
    return /^\d{1,3}$/.test(number) ? open.origins : undefined;
  }
  if (open.whole) return open.origins;
  if (!name.startsWith(open.prefix)) return undefined;
  return ofColumn(open.origins, name.slice(open.prefix.length));
};

/** Whether rows have the same fields, as far as can be told: all known names, and the same unknown ones. */
export const sameFields = (one: Row, other: Row): boolean =>
  one.fields.size === other.fields.size &&
  [...one.fields.keys()].every((name) => other.fields.has(name)) &&
  openKey(one) === openKey(other);

const openKey = (row: Row): string =>
  row.opens
    .map((open) => `${open.prefix}|${open.numbered ?? ''}|${open.origins.map((origin) => origin.key).join('+')}`)
    .sort()
    .join('\n');

/** Rows of both, one below the other. */
export const appended = (one: Row, other: Row): Pick<Row, 'fields' | 'opens'> => {
  let fields: Map<string, Field> | undefined;
  for (const [name, field] of other.fields) {
    const known = one.fields.get(name);
    const joined = known === undefined ? field : both(known, field);
    if (joined === known) continue;
    fields ??= new Map(one.fields);
    fields.set(name, joined);
  }
  return { fields: fields ?? one.fields, opens: joinOpens(one.opens, other.opens) };
};

export const both = (one: Field, other: Field): Field => {
  if (one === other) return one;
  const origins = union(one.origins, other.origins);
  const expression = one.expression ?? other.expression;
  return origins === one.origins && expression === one.expression ? one : { name: one.name, origins, expression };
};

export const joinOpens = (one: readonly Open[], other: readonly Open[]): readonly Open[] => {
  if (other.length === 0 || one === other) return one;
  const found = new Map<string, Open>();
  for (const open of [...one, ...other]) {
    const key = `${open.prefix}|${open.numbered ?? ''}|${open.origins.map((origin) => origin.key).join('+')}`;
    const known = found.get(key);
    const except =
      known === undefined ? open.except : new Set([...known.except].filter((name) => open.except.has(name)));
    found.set(key, { ...open, except });
  }
  return [...found.values()];
};

/** What all of the unknown fields come from. */
export const openOrigins = (row: Row): Origins =>
  row.opens.length === 0 ? NO_ORIGINS : union(...row.opens.map((open) => open.origins));

/** Without these fields, known or not. */
export const without = (table: Table, names: ReadonlySet<string>): Table => {
  const touched = table.opens.length > 0 || [...names].some((name) => table.fields.has(name));
  if (!touched) return table;
  return {
    ...table,
    fields: new Map([...table.fields].filter(([name]) => !names.has(name))),
    opens: table.opens.map((open) => ({ ...open, except: new Set([...open.except, ...names]) })),
  };
};

/** With one field under another name, in its place. A field that only a `*` can have brought gets known by it. */
export const renamed = (table: Table, from: string, to: string): Table => {
  if (table.fields.has(to)) return table;
  if (table.fields.has(from)) {
    const fields = fieldsOf(
      [...table.fields.values()].map((field) => (field.name === from ? { ...field, name: to } : field)),
    );
    return { ...table, fields };
  }
  const origins = lookUp({ ...table, direct: undefined }, from);
  if (origins === undefined) return table;
  const opened = without(table, new Set([from]));
  return { ...opened, fields: new Map([...opened.fields, [to, { name: to, origins, expression: undefined }]]) };
};
