import type { Prefix } from '../script/syntax.ts';
import { inRole, NO_ORIGINS, type Origins, union } from './origins.ts';
import type { Here } from './session.ts';
import { fieldEverywhere, type State } from './state.ts';
import { type Field, fieldsOf, lookUp, numberedOpen, openOrigins, type Row } from './tables.ts';

const field = (name: string, origins: Origins): Field => ({ name, origins, expression: undefined });

/** What a prefix makes of the fields that a LOAD gives; most leave them as they are. */
export const shaped = (row: Row, prefix: Prefix, state: State, here: Here): Pick<Row, 'fields' | 'opens'> => {
  switch (prefix.type) {
    case 'crosstable':
      return crosstable(row, prefix);
    case 'hierarchy':
      return hierarchy(row, prefix.args);
    case 'hierarchybelongsto':
      return belongsTo(row, prefix.args);
    case 'intervalmatch':
      return intervalMatch(row, prefix, state, here);
    default:
      return row;
  }
};

/** The first columns stay; of the others the names become one field and the values another. */
const crosstable = (
  row: Row,
  { attribute, data, kept }: Extract<Prefix, { readonly type: 'crosstable' }>,
): Pick<Row, 'fields' | 'opens'> => {
  const columns = [...row.fields.values()];
  const turned = columns.slice(kept);
  const values = union(...turned.map(({ origins }) => origins), openOrigins(row));
  return {
    fields: fieldsOf([...columns.slice(0, kept), field(attribute, inRole(values, 'attribute')), field(data, values)]),
    // The columns that stay are among those that nobody knows.
    opens: columns.length < kept ? row.opens : [],
  };
};

/** `HIERARCHY (node, parent, name [, parentName [, pathSource [, pathName [, delimiter [, depth]]]]])`. */
const hierarchy = (row: Row, args: readonly string[]): Pick<Row, 'fields' | 'opens'> => {
  const [node = '', parent = '', name = '', parentName = '', pathSource = '', pathName = '', , depth = ''] = args;
  const of = (column: string): Origins => lookUp(row, column) ?? NO_ORIGINS;
  const added: Field[] = [];
  if (parentName !== '') added.push(field(parentName, of(name)));
  if (pathName !== '') added.push(field(pathName, of(pathSource === '' ? name : pathSource)));
  if (depth !== '') added.push(field(depth, inRole(union(of(node), of(parent)), 'key')));
  return {
    fields: fieldsOf([...row.fields.values(), ...added]),
    opens: name === '' ? row.opens : [...row.opens, numberedOpen(name, of(name))],
  };
};

/** `HIERARCHYBELONGSTO (node, parent, name, ancestor, ancestorName [, depthDifference])`. */
const belongsTo = (row: Row, args: readonly string[]): Pick<Row, 'fields' | 'opens'> => {
  const [node = '', parent = '', name = '', ancestor = '', ancestorName = '', difference = ''] = args;
  const of = (column: string): Origins => lookUp(row, column) ?? NO_ORIGINS;
  const made = [
    field(node, of(node)),
    field(ancestor, union(of(node), inRole(of(parent), 'key'))),
    field(ancestorName, of(name)),
    field(difference, inRole(union(of(node), of(parent)), 'key')),
  ];
  return { fields: fieldsOf(made.filter(({ name }) => name !== '')), opens: [] };
};

/** The intervals, and the field whose values lie in them, from the tables that have it. */
const intervalMatch = (
  row: Row,
  prefix: Extract<Prefix, { readonly type: 'intervalmatch' }>,
  state: State,
  here: Here,
): Pick<Row, 'fields' | 'opens'> => {
  const matched = (name: string): Origins =>
    union(
      ...fieldEverywhere(state, name).map(({ origins }) => origins),
      ...[...state.tables.values()]
        .filter(({ fields }) => !fields.has(name))
        .flatMap((table) => {
          const found = state.tables.size === 1 ? lookUp(table, name) : undefined;
          return found === undefined ? [] : [found];
        }),
    );
  const keys = prefix.keys.map((name) => {
    const known = row.fields.get(name)?.origins ?? NO_ORIGINS;
    return field(name, union(known, inRole(matched(name), 'key')));
  });
  const value = matched(prefix.field);
  if (![...state.tables.values()].some((table) => lookUp(table, prefix.field) !== undefined)) {
    here.session.say(
      'info',
      'field-missing',
      `no table has the field ${prefix.field} that intervals are matched with`,
      here.circumstances.place,
    );
  }
  return {
    fields: fieldsOf([field(prefix.field, value), ...row.fields.values(), ...keys]),
    opens: row.opens,
  };
};
