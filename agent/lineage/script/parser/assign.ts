import { parseExpression } from '../../syntax/parser.ts';
import { skipGap } from '../gaps.ts';
import { nameEndAt } from '../labels.ts';
import type { AssignStatement, IncludeStatement } from '../syntax.ts';
import { withoutQuotes } from '../unquote.ts';
import { NotUnderstood } from './reader.ts';

const KEYWORD = /(set|let)(?=[\s[\]"'`$]|\/[/*])/iy;
const INCLUDE = /^\$\(\s*(must_)?include\s*=\s*(.*)\)$/is;

/** `SET v = text`, `LET v = expression`, `v = expression`. The text stays as it is: quotes and comments in it too. */
export const takeAssign = (text: string, start: number, end: number): AssignStatement => {
  KEYWORD.lastIndex = start;
  const keyword = KEYWORD.exec(text)?.[1];
  const kind = keyword?.toLowerCase() === 'set' ? 'set' : 'let';
  const from = skipGap(text, start + (keyword?.length ?? 0));
  const nameEnd = nameEndAt(text, from);
  const equals = skipGap(text, nameEnd);
  if (nameEnd === from) throw new NotUnderstood('a variable is missing', from);
  const name = withoutQuotes(text.slice(from, nameEnd));
  const span = { start, end };
  // `SET v;` empties it.
  if (equals >= end) return { type: 'assign', kind, name, text: '', value: undefined, span };
  if (text[equals] !== '=') throw new NotUnderstood('"=" is missing', equals);
  const value = text.slice(equals + 1, end);
  if (kind === 'set') return { type: 'assign', kind, name, text: value.trim(), value: undefined, span };
  // `LET v = =1+1`: people put in the `=` that charts have.
  const first = skipGap(text, equals + 1);
  const { expression, diagnostics } = parseExpression(text, {
    mode: 'script',
    start: text[first] === '=' && first < end ? first + 1 : equals + 1,
    end,
  });
  const known = diagnostics.length === 0 && expression.type !== 'unreadable';
  return { type: 'assign', kind, name, text: value.trim(), value: known ? expression : undefined, span };
};

/** `$(Include=path)`, `$(Must_Include=[path])`. */
export const takeInclude = (text: string, start: number, end: number): IncludeStatement => {
  const [, must, written = ''] = INCLUDE.exec(text.slice(start, end).trim()) ?? [];
  const path = withoutQuotes(written).trim();
  if (path === '') throw new NotUnderstood('the path of the include is missing', start);
  return { type: 'include', path, must: must !== undefined, span: { start, end } };
};
