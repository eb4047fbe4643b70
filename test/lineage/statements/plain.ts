import { parseStatement } from '#agent/lineage/script/parser/parse.ts';
import type { FieldItem } from '#agent/lineage/script/syntax.ts';
import type { Expression } from '#agent/lineage/syntax/expression.ts';

const EXPRESSIONS: ReadonlySet<unknown> = new Set('number text name expansion unary binary call unreadable'.split(' '));

/**
 * What the parser makes of a text, made easy to compare: without spans and all that is empty or false, expressions as the
 * text that they were read from, fields as `expression AS name`.
 */
export const plain = (text: string): unknown[] => parseStatement(text).map((statement) => bare(statement, text));

/** Of a text that is one statement. */
export const one = (text: string): unknown => {
  const found = plain(text);
  return found.length === 1 ? found[0] : found;
};

const bare = (value: unknown, text: string): unknown => {
  if (Array.isArray(value)) return value.map((piece) => bare(piece, text));
  if (typeof value !== 'object' || value === null) return value;
  if (isExpression(value)) return written(value, text);
  if (isField(value)) return field(value, text);
  const entries = Object.entries(value)
    .filter(([key]) => key !== 'span' && !(key === 'text' && 'headerLines' in value))
    .map(([key, piece]) => [key, bare(piece, text)] as const)
    .filter(([, piece]) => !isEmpty(piece));
  return Object.fromEntries(entries);
};

const written = ({ type, span: { start, end } }: Expression, text: string): string =>
  `${type === 'unreadable' ? 'unreadable: ' : ''}${text.slice(start, end)}`;

const field = (item: FieldItem, text: string): string => {
  if (item.type === 'all') return '*';
  if (item.type === 'unreadable') return `unreadable: ${text.slice(item.span.start, item.span.end)}`;
  const from = written(item.expression, text);
  return item.aliased ? `${from} AS ${item.name}` : item.name === from ? from : `${from} CALLED ${item.name}`;
};

/** Some statements have the type of an expression: BINARY and CALL. */
const isExpression = (value: object): value is Expression =>
  'type' in value && EXPRESSIONS.has(value.type) && !('path' in value) && (value.type !== 'call' || 'sorting' in value);

const isField = (value: object): value is FieldItem =>
  'type' in value &&
  (value.type === 'field'
    ? 'aliased' in value
    : value.type === 'all' || (value.type === 'unreadable' && !('why' in value)));

const isEmpty = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === '' || value === 0 || value === false;
};
