import type { JsonObject, JsonValue } from './attributes.ts';

/** Reading what authors and extensions wrote into properties: JSON of any shape, so every step looks before it leaps. */
export type Tree = Readonly<Record<string, unknown>>;

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const treeAt = (value: unknown, ...path: readonly string[]): Tree | undefined => {
  let at: unknown = value;
  for (const name of path) at = isTree(at) ? at[name] : undefined;
  return isTree(at) ? at : undefined;
};

export const listAt = (value: unknown, name: string): readonly unknown[] => {
  const list = isTree(value) ? value[name] : undefined;
  return Array.isArray(list) ? list : [];
};

/** A text, or the expression that makes it (`{qStringExpression: {qExpr}}`); empty when it is neither. */
export const textAt = (value: unknown, name: string): string => {
  const text = isTree(value) ? value[name] : undefined;
  if (typeof text === 'string') return text;
  const expression = isTree(text) ? text['qStringExpression'] : undefined;
  if (typeof expression === 'string') return expression;
  return isTree(expression) && typeof expression['qExpr'] === 'string' ? expression['qExpr'] : '';
};

/** Whether the text of {@link textAt} is an expression that the engine evaluates. */
export const isExpression = (value: unknown, name: string): boolean =>
  isTree(isTree(value) ? value[name] : undefined) || textAt(value, name).startsWith('=');

/** What `{qStringExpression: …}` and `{qValueExpression: …}` evaluate; empty when a value is neither. */
export const expressionOf = (value: unknown): string => {
  if (!isTree(value)) return '';
  const expression = value['qStringExpression'] ?? value['qValueExpression'];
  return typeof expression === 'string' ? expression : textAt(expression, 'qExpr');
};

/** A condition: as text, as an expression, or within `qv` or `qCond`. */
export const conditionAt = (value: unknown, name: string): string => {
  const condition = isTree(value) ? value[name] : undefined;
  if (typeof condition === 'string') return condition;
  return expressionOf(condition) || textAt(treeAt(condition, 'qCond'), 'qv') || textAt(condition, 'qv');
};

export const textsAt = (value: unknown, name: string): string[] =>
  listAt(value, name).filter((text) => typeof text === 'string');

export const numberAt = (value: unknown, name: string): number | undefined => {
  const number = isTree(value) ? value[name] : undefined;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
};

export const flagAt = (value: unknown, name: string): boolean | undefined => {
  const flag = isTree(value) ? value[name] : undefined;
  return typeof flag === 'boolean' ? flag : undefined;
};

/** `qNumFormat` of a measure, `qNumberPresentations` of a dimension: how values are shown. Absent for "as the engine likes". */
export const numberFormatOf = (value: unknown): JsonObject | undefined =>
  shownFormat(treeAt(value, 'qNumFormat') ?? listAt(value, 'qNumberPresentations').find(isTree));

const shownFormat = (format: Tree | undefined): JsonObject | undefined => {
  const type = textAt(format, 'qType');
  if (format === undefined || type === '' || type === 'U') return undefined;
  const shown: Record<string, JsonValue> = { type };
  const pattern = textAt(format, 'qFmt');
  if (pattern !== '') shown['pattern'] = pattern;
  const decimals = numberAt(format, 'qnDec');
  if (decimals !== undefined) shown['decimals'] = decimals;
  if (textAt(format, 'qDec') !== '') shown['decimalSeparator'] = textAt(format, 'qDec');
  if (numberAt(format, 'qUseThou') === 1) shown['thousandSeparator'] = textAt(format, 'qThou');
  return shown;
};

/** A time as the engine gives it; "never" (1 January 1753) and nothing are undefined. */
export const timeAt = (value: unknown, name: string): string | undefined => {
  const time = textAt(value, name);
  return time === '' || time.startsWith('1753-') ? undefined : time;
};

export type Grouping = 'single' | 'drillDown' | 'cyclic';
/** `qGrouping`: N, H (hierarchy, drill-down) or C (cyclic). */
export const groupingAt = (value: unknown): Grouping => {
  switch (textAt(value, 'qGrouping')) {
    case 'H':
      return 'drillDown';
    case 'C':
      return 'cyclic';
    default:
      return 'single';
  }
};
