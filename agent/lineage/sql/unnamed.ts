import { clausesOf } from './clauses.ts';
import { closing, isSign, isWord, type SqlToken } from './tokens.ts';

/** The items of the first select list that is not within parentheses: their tokens. */
function items(tokens: readonly SqlToken[]): SqlToken[][] {
  const clauses = clausesOf(tokens);
  const found: SqlToken[][] = [];
  let i = 0;
  while (i < tokens.length && !isWord(tokens[i], 'select'))
    i = isSign(tokens[i], '(') && i > 0 ? closing(tokens, i) + 1 : i + 1;
  i += 1;
  while (isWord(tokens[i], 'distinct', 'all')) i += 1;
  let item: SqlToken[] = [];
  while (i < tokens.length && clauses[i] === 'select' && !isSign(tokens[i], ')')) {
    const end = isSign(tokens[i], '(') ? Math.min(closing(tokens, i), tokens.length - 1) : i;
    if (isSign(tokens[i], ',')) {
      found.push(item);
      item = [];
    } else item.push(...tokens.slice(i, end + 1));
    i = end + 1;
  }
  found.push(item);
  return found;
}

/**
 * What the database calls a column that the statement does not name: PostgreSQL and its like after the function, others
 * after the text. Literals are left out of the text.
 */
export function unnamedColumns(tokens: readonly SqlToken[], dialect: string | undefined): (index: number) => string {
  let list: SqlToken[][] | undefined;
  return (index) => {
    list ??= items(tokens);
    const item = list[index] ?? [];
    const [first, second] = item;
    if (dialect === 'postgresql' || dialect === 'redshift') {
      if (isWord(first, 'case')) return 'case';
      // A cast keeps the column's name.
      const cast = isWord(first, 'cast') ? 'as' : '::';
      const end = item.findIndex((token) => token.value.toLowerCase() === cast);
      const named = item[end - 1];
      if (end > 0 && (named?.type === 'word' || named?.type === 'quoted')) return named.value;
      if (first?.type === 'word' && isSign(second, '(')) return first.value.toLowerCase();
      return '?column?';
    }
    let text = '';
    let end = first?.start ?? 0;
    for (const token of item) {
      if (token.start > end) text += ' ';
      text += token.type === 'text' ? "''" : token.value;
      end = token.end;
    }
    return text;
  };
}
