import { matchesCase } from './functions.ts';
import type { Qualification } from './state.ts';
import { type Field, fieldsOf, type Open, type Row } from './tables.ts';

/** Fields under the names that QUALIFY gives them: `Table.Field`. */
export const qualified = (
  row: { readonly fields: readonly Field[]; readonly opens: readonly Open[] },
  table: string,
  rules: readonly Qualification[],
): Pick<Row, 'fields' | 'opens'> => {
  if (rules.length === 0) return { fields: fieldsOf(row.fields), opens: row.opens };
  const all = isQualified('*', rules);
  return {
    fields: fieldsOf(
      row.fields.map((field) =>
        isQualified(field.name, rules) ? { ...field, name: `${table}.${field.name}` } : field,
      ),
    ),
    opens: all ? row.opens.map((open) => ({ ...open, prefix: `${table}.${open.prefix}` })) : row.opens,
  };
};

/** The last rule that fits decides. */
const isQualified = (name: string, rules: readonly Qualification[]): boolean =>
  rules.findLast(({ pattern }) => (name === '*' ? pattern === '*' : matchesCase(name, pattern)))?.qualifies ?? false;
