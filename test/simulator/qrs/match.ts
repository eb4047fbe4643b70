import { type Json, type JsonObject, Refusal } from './answer.ts';
import type { Filter, Literal, Operator } from './filter.ts';

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member by name, whatever its case: the repository does not care. */
const member = (object: JsonObject, name: string): Json | undefined => {
  const own = object[name];
  if (own !== undefined) return own;
  const lower = name.toLowerCase();
  for (const key of Object.keys(object)) if (key.toLowerCase() === lower) return object[key];
  return undefined;
};

/** All values at a path; a list on the way gives those of all its members. Unknown names give nothing. */
export const valuesAt = (row: Json, path: readonly string[]): Json[] => {
  let values: Json[] = [row];
  for (const name of path) {
    values = values
      .flatMap((value) => (Array.isArray(value) ? value : [value]))
      .flatMap((value) => {
        const found = isObject(value) ? member(value, name) : undefined;
        return found === undefined ? [] : [found];
      });
  }
  return values.flatMap((value) => (Array.isArray(value) ? value : [value]));
};

/** Whether a row of this shape may have the path: false only when a name is surely wrong. */
export const mayHave = (row: Json, path: readonly string[]): boolean => {
  let values: Json[] = [row];
  for (const name of path) {
    const objects = values.flatMap((value) => (Array.isArray(value) ? value : [value])).filter(isObject);
    if (objects.length === 0) return true;
    const found = objects.flatMap((object) => member(object, name) ?? []);
    if (found.length === 0 && objects.every((object) => member(object, name) === undefined)) return false;
    values = found;
  }
  return true;
};

/** The status of a task's execution by name, as filters may spell it. */
const STATUS_NAMES = [
  'neverstarted',
  'triggered',
  'started',
  'queued',
  'abortinitiated',
  'aborting',
  'aborted',
  'finishedsuccess',
  'finishedfail',
  'skipped',
  'retry',
  'error',
  'reset',
  'distributionqueue',
  'distributionrunning',
];

const ISO_DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

const order = (left: number | string, right: number | string, operator: Operator): boolean => {
  switch (operator) {
    case 'eq':
      return left === right;
    case 'ne':
      return left !== right;
    case 'gt':
      return left > right;
    case 'ge':
      return left >= right;
    case 'lt':
      return left < right;
    case 'le':
      return left <= right;
    case 'sw':
      return String(left).startsWith(String(right));
    case 'ew':
      return String(left).endsWith(String(right));
    case 'so':
      return String(left).includes(String(right));
    default:
      return operator satisfies never;
  }
};

const compare = (value: Json, operator: Operator, literal: Literal): boolean => {
  if (literal.type === 'null' || value === null) {
    const same = literal.type === 'null' && value === null;
    return operator === 'eq' ? same : operator === 'ne' && !same;
  }
  if (typeof value === 'number') {
    const wanted =
      literal.type === 'number'
        ? literal.value
        : literal.type === 'boolean'
          ? Number(literal.value)
          : STATUS_NAMES.indexOf(literal.value.toLowerCase());
    return wanted >= 0 || literal.type === 'number' ? order(value, wanted, operator) : operator === 'ne';
  }
  if (typeof value === 'boolean') return order(String(value), String(literal.value).toLowerCase(), operator);
  if (typeof value !== 'string') return operator === 'ne';
  const wanted = String(literal.value);
  if (ISO_DATE.test(value) && ISO_DATE.test(wanted)) return order(Date.parse(value), Date.parse(wanted), operator);
  return order(value.toLowerCase(), wanted.toLowerCase(), operator);
};

/** Values of the custom property that `@Name` stands for. */
const customValues = (row: Json, name: string): Json[] =>
  valuesAt(row, ['customProperties']).filter(
    (value) => String(valuesAt(value, ['definition', 'name'])[0] ?? '').toLowerCase() === name.toLowerCase(),
  );

/** Whether the row (its full JSON) passes. A list passes when one of its members does. */
export const matches = (filter: Filter, row: JsonObject): boolean => {
  switch (filter.type) {
    case 'and':
      return matches(filter.left, row) && matches(filter.right, row);
    case 'or':
      return matches(filter.left, row) || matches(filter.right, row);
    case 'not':
      return !matches(filter.of, row);
    case 'compare': {
      const [first = ''] = filter.path;
      const values = first.startsWith('@')
        ? customValues(row, first.slice(1)).flatMap((value) => valuesAt(value, ['value']))
        : valuesAt(row, filter.path);
      return values.some((value) => compare(value, filter.operator, filter.literal));
    }
    default:
      return filter satisfies never;
  }
};

/** Throws {@link Refusal} 400 when the filter names a property that rows of this shape do not have. */
export const checkPaths = (filter: Filter, sample: JsonObject): void => {
  switch (filter.type) {
    case 'and':
    case 'or':
      checkPaths(filter.left, sample);
      checkPaths(filter.right, sample);
      return;
    case 'not':
      checkPaths(filter.of, sample);
      return;
    case 'compare':
      if (filter.path[0]?.startsWith('@') === true || mayHave(sample, filter.path)) return;
      throw new Refusal(400, `Invalid filter expression: no property ${filter.path.join('.')}`);
    default:
      filter satisfies never;
  }
};
