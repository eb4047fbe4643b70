import { isSign, isWord, type SqlToken } from './tokens.ts';

/**
 * Where a token stands: in a select list, among the sources, in a join's condition, elsewhere in a query, in the arguments
 * of a function or another parenthesis (`inner`), or before the first query.
 */
export type Clause = 'none' | 'select' | 'from' | 'on' | 'other' | 'inner';

const ENDS_FROM = new Set(
  'where group having order qualify connect start limit fetch offset window union intersect except minus for option'.split(
    ' ',
  ),
);
const JOINS = ['join', 'inner', 'left', 'right', 'full', 'cross', 'natural', 'straight_join', 'lateral', 'outer'];

/** The clause of every token. A parenthesis among the sources that holds no query counts as sources itself. */
export function clausesOf(tokens: readonly SqlToken[]): Clause[] {
  const clauses: Clause[] = [];
  const outer: Clause[] = [];
  const queries = queriesIn(tokens);
  let current: Clause = 'none';
  tokens.forEach((token, i) => {
    const next = tokens[i + 1];
    if (isSign(token, '(')) {
      clauses.push(current);
      outer.push(current);
      const before = tokens[i - 1];
      const free = before === undefined || before.type === 'sign' || isWord(before, 'from', 'join', 'apply');
      if (isWord(next, 'select', 'sel', 'with')) current = 'none';
      else if (queries.has(i + 1)) current = 'none';
      else current = current === 'from' && free ? 'from' : 'inner';
      return;
    }
    if (isSign(token, ')')) {
      current = outer.pop() ?? current;
      clauses.push(current);
      return;
    }
    current = step(current, token, next);
    clauses.push(current);
  });
  return clauses;
}

/** Where parentheses open behind which, and behind others like them, a SELECT begins. */
function queriesIn(tokens: readonly SqlToken[]): ReadonlySet<number> {
  const found = new Set<number>();
  for (let i = tokens.length - 1; i >= 0; i -= 1) {
    if (isSign(tokens[i], '(') && (isWord(tokens[i + 1], 'select', 'sel') || found.has(i + 1))) found.add(i);
  }
  return found;
}

function step(current: Clause, token: SqlToken, next: SqlToken | undefined): Clause {
  if (current === 'inner') return current;
  if (current === 'on' && isSign(token, ',')) return 'from';
  if (token.type !== 'word') return current;
  const word = token.value.toLowerCase();
  if (word === 'select' || word === 'sel') return 'select';
  if (word === 'from' && current === 'select') return 'from';
  if ((word === 'on' || word === 'using') && current === 'from') return 'on';
  if (current === 'on' && JOINS.includes(word) && !isSign(next, '(')) return 'from';
  if ((current === 'from' || current === 'on' || word === 'union') && ENDS_FROM.has(word)) return 'other';
  return current;
}
