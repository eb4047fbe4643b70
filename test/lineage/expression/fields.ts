import { fieldsOfExpressions } from '#agent/lineage/expression/expressions-json.ts';

const SHORT: Readonly<Record<string, string>> = {
  value: '',
  filter: ' f',
  dimension: ' d',
  sort: ' s',
  condition: ' c',
};

/** Fields of an expression in a short form: `Amount | Year f`; f: filter, d: dimension, s: sort, c: condition. */
export const fieldsIn = (expression: string): string =>
  (fieldsOfExpressions([{ id: 'x', expression }])[0]?.fields ?? [])
    .map(({ name, role }) => `${name}${SHORT[role] ?? ` ${role}`}`)
    .join(' | ');
