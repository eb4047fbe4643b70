import { parseStatement } from '#agent/lineage/script/parser/parse.ts';
import type { Expression } from '#agent/lineage/syntax/expression.ts';

const EXPRESSIONS: ReadonlySet<unknown> = new Set('number text name expansion unary binary call unreadable'.split(' '));

/**
 * What the parser makes of a text, made easy to compare: without spans and all that is empty, and with expressions as the
 * text that they were read from.
 */
export const plain = (text: string): unknown[] => parseStatement(text).map((statement) => bare(statement, text));

const bare = (value: unknown, text: string): unknown => {
  if (Array.isArray(value)) return value.map((one) => bare(one, text));
  if (typeof value !== 'object' || value === null) return value;
  if (isExpression(value)) {
    const { start, end } = value.span;
    return value.type === 'unreadable' ? { unreadable: text.slice(start, end) } : text.slice(start, end);
  }
  const kept = Object.entries(value).filter(
    ([key, one]) =>
      key !== 'span' && one !== undefined && one !== '' && one !== 0 && !(Array.isArray(one) && one.length === 0),
  );
  const entries = kept.map(([key, one]) => [key, bare(one, text)] as const);
  return Object.fromEntries(entries.filter(([, one]) => !isEmpty(one)));
};

/** Some statements have the type of an expression: BINARY and CALL. */
const isExpression = (value: object): value is Expression =>
  'type' in value && EXPRESSIONS.has(value.type) && !('path' in value) && (value.type !== 'call' || 'sorting' in value);

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
