import type { Role } from '../result.ts';
import type { Call, Expression } from '../syntax/expression.ts';
import { inRole, NO_ORIGINS, type Origins, union } from './origins.ts';
import type { Mapping, State } from './state.ts';
import { lookUp, type Row } from './tables.ts';
import { hasHoles } from './values.ts';

/** What an expression in a LOAD is read with. */
export interface Reading {
  readonly row: Row;
  readonly state: State;
  /** A field that the same LOAD makes, for Peek; undefined: it makes none of this name, or is just making it. */
  readonly output: (name: string) => Origins | undefined;
  /** Told of names that the input does not have. */
  readonly missing: (name: string) => void;
  /** Told of an expansion that nobody could resolve, or text that is none of the language. */
  readonly unreadable: (text: string) => void;
}

const MOST_DEPTH = 400;

/** The columns that an expression takes its value from, and those that decide about it. */
export const expressionOrigins = (expression: Expression, reading: Reading, role: Role = 'value'): Origins =>
  read(expression, reading, role, 0);

const read = (expression: Expression, reading: Reading, role: Role, depth: number): Origins => {
  if (depth > MOST_DEPTH) return NO_ORIGINS;
  switch (expression.type) {
    case 'number':
    case 'text':
      return NO_ORIGINS;
    case 'name':
      return named(expression.name, reading, role);
    case 'expansion':
      reading.unreadable(expression.text);
      return NO_ORIGINS;
    case 'unreadable':
      reading.unreadable(expression.text);
      return NO_ORIGINS;
    case 'unary':
      return read(expression.operand, reading, role, depth + 1);
    case 'binary':
      return union(read(expression.left, reading, role, depth + 1), read(expression.right, reading, role, depth + 1));
    case 'call':
      return called(expression, reading, role, depth + 1);
    default:
      return expression satisfies never;
  }
};

const named = (name: string, reading: Reading, role: Role): Origins => {
  const found = lookUp(reading.row, name);
  if (found !== undefined) return inRole(found, role);
  if (hasHoles(name)) reading.unreadable(name);
  else reading.missing(name);
  return NO_ORIGINS;
};

/** A name that stands as a text, as Peek and its kin take it. */
const textOf = (expression: Expression | undefined): string | undefined =>
  expression?.type === 'name' ? expression.name : joined(expression, 0);

/** Texts that stand as one, or that `&` puts together. */
const joined = (expression: Expression | undefined, depth: number): string | undefined => {
  if (expression?.type === 'text') return expression.value;
  if (expression?.type !== 'binary' || expression.operator !== '&' || depth > MOST_DEPTH) return undefined;
  const [left, right] = [joined(expression.left, depth + 1), joined(expression.right, depth + 1)];
  return left === undefined || right === undefined ? undefined : left + right;
};

const called = (call: Call, reading: Reading, role: Role, depth: number): Origins => {
  const { args } = call;
  const each = (list: readonly Expression[], as: Role = role): Origins =>
    union(...list.map((arg) => read(arg, reading, as, depth)));
  const [first, second, third, fourth] = args;
  switch (call.name) {
    case 'applymap':
    case 'mapsubstring': {
      const mapping = mappingNamed(textOf(first), reading.state);
      if (mapping === undefined && textOf(first) !== undefined) reading.missing(textOf(first) ?? '');
      return union(
        inRole(mapping?.value ?? NO_ORIGINS, role),
        each(call.name === 'applymap' ? args.slice(1, 2) : args.slice(1), role === 'value' ? 'map-key' : role),
        each(args.slice(2)),
      );
    }
    case 'lookup': {
      const [wanted, table] = [textOf(first), textOf(fourth)];
      const source = table === undefined ? undefined : tableNamed(table, reading.state);
      const value = wanted === undefined ? undefined : source === undefined ? undefined : lookUp(source, wanted);
      return union(
        inRole(value ?? (wanted === undefined ? NO_ORIGINS : everywhere(wanted, reading.state)), role),
        each(third === undefined ? [] : [third], role === 'value' ? 'map-key' : role),
      );
    }
    case 'peek':
      return union(inRole(peeked(args, reading), role), each(args.slice(1, 2).filter((arg) => arg.type !== 'name')));
    case 'exists':
      return each(second === undefined ? asNames(args) : [second]);
    case 'fieldvalue':
    case 'fieldindex':
    case 'fieldvaluecount': {
      const field = textOf(first);
      const found = field === undefined ? NO_ORIGINS : everywhere(field, reading.state);
      return union(inRole(found, role), call.name === 'fieldindex' ? each(args.slice(1)) : NO_ORIGINS);
    }
    case 'firstsortedvalue':
      return union(each(args.slice(0, 1)), each(args.slice(1, 2), role === 'value' ? 'sort' : role));
    case 'concat':
      return union(each(args.slice(0, 2)), each(args.slice(2), role === 'value' ? 'sort' : role));
    case 'noofrows':
    case 'nooffields':
    case 'fieldname':
    case 'fieldnumber':
    case 'tablename':
    case 'tablenumber':
      return NO_ORIGINS;
  }
  return each(args);
};

/** Exists takes the field as a name or as a text. */
const asNames = (args: readonly Expression[]): readonly Expression[] =>
  args.map((arg) => (arg.type === 'text' ? { type: 'name', name: arg.value, quote: "'", span: arg.span } : arg));

const peeked = (args: readonly Expression[], reading: Reading): Origins => {
  const [field, table] = [textOf(args[0]), textOf(args[2])];
  // A field given as an expression is not known by its name.
  if (field === undefined) return NO_ORIGINS;
  if (table !== undefined) {
    const found = tableNamed(table, reading.state);
    return (found === undefined ? undefined : lookUp(found, field)) ?? NO_ORIGINS;
  }
  return reading.output(field) ?? NO_ORIGINS;
};

/** A field of this name in any table: known by its name, or else of the one table that may have it. */
const everywhere = (name: string, state: State): Origins => {
  const tables = [...state.tables.values()];
  const known = tables.flatMap((table) => table.fields.get(name)?.origins ?? []);
  if (known.length > 0) return union(known);
  const possible = tables.flatMap((table) => {
    const origins = lookUp(table, name);
    return origins === undefined ? [] : [origins];
  });
  const [only] = possible;
  return possible.length === 1 && only !== undefined ? only : NO_ORIGINS;
};

/** Names of tables are taken as written, and else whatever their case is. */
export const tableNamed = <T>(name: string, { tables }: { readonly tables: ReadonlyMap<string, T> }): T | undefined =>
  inAnyCase(tables, name);

export const mappingNamed = (name: string | undefined, { mappings }: State): Mapping | undefined =>
  name === undefined ? undefined : inAnyCase(mappings, name);

const inAnyCase = <T>(map: ReadonlyMap<string, T>, name: string): T | undefined => {
  const exact = map.get(name);
  if (exact !== undefined) return exact;
  const asked = name.toLowerCase();
  for (const [key, value] of map) if (key.toLowerCase() === asked) return value;
  return undefined;
};
