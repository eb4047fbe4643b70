import {
  type ExpressionFields,
  fieldsOfExpressions,
  type GivenExpression,
} from '#agent/lineage/expression/expressions-json.ts';
import { Fault } from '#protocol/errors.ts';

const wrong = (path: string, why: string): Fault =>
  new Fault('config.invalid', `${path} ${why}`, {
    advice: 'Write a list such as [{"id": "1", "expression": "Sum(Amount)"}].',
  });

const isGiven = (one: unknown): one is GivenExpression =>
  typeof one === 'object' &&
  one !== null &&
  'id' in one &&
  (typeof one.id === 'string' || typeof one.id === 'number') &&
  'expression' in one &&
  typeof one.expression === 'string';

/**
 * The fields of the expressions in a JSON file.
 *
 * @throws Fault `config.invalid` for what is no list of expressions
 */
export const expressionsIn = (path: string, text: string): ExpressionFields[] => {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (cause) {
    throw new Fault('config.invalid', `${path} is not JSON`, { cause, advice: wrong(path, '').advice });
  }
  if (!Array.isArray(given)) throw wrong(path, 'holds no list');
  for (const [index, one] of given.entries())
    if (!isGiven(one)) throw wrong(path, `holds no id and expression at position ${index + 1}`);
  return fieldsOfExpressions(given as GivenExpression[]);
};
