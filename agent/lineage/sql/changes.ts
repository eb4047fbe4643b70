import { isSign, isWord, type SqlToken } from './tokens.ts';

/** They change what is in the database, or how it works; behind IF and DECLARE a query may follow. */
const CHANGES = (
  'insert update delete merge truncate create alter drop rename grant revoke use set begin commit rollback analyze ' +
  'refresh vacuum copy unload if declare print waitfor'
).split(' ');
/** What stands in front of a SELECT that is a part of the one before it. */
const CONTINUES = ['union', 'all', 'distinct', 'except', 'intersect', 'minus', 'as'];

/**
 * Whether a statement gives no rows, so that no table comes of it: `INSERT …`, `CREATE TABLE … AS SELECT …`,
 * `SELECT … INTO #t FROM …`. One that is followed by a query, as batches of SQL Server are, does give some.
 */
export function givesNoRows(tokens: readonly SqlToken[]): boolean {
  const changes = isWord(tokens[0], ...CHANGES);
  if (!changes && !isWord(tokens[0], 'select', 'with')) return false;
  let depth = 0;
  let queries = 0;
  let into = false;
  let from = false;
  for (const [i, token] of tokens.entries()) {
    if (isSign(token, '(')) depth += 1;
    else if (isSign(token, ')')) depth -= 1;
    if (depth > 0) continue;
    if (isWord(token, 'returning', 'output')) return false;
    // A procedure that is not asked for what is inserted.
    if (isWord(token, 'exec', 'execute', 'call') && !isWord(tokens[0], 'insert')) return false;
    if (isWord(token, 'select') && !isWord(tokens[i - 1], ...CONTINUES)) queries += 1;
    else if (isWord(token, 'from')) from = true;
    else if (isWord(token, 'into') && !from) into = true;
  }
  if (changes) return queries <= (isWord(tokens[0], 'insert', 'create', 'merge') ? 1 : 0);
  return into && queries === 1;
}

/** Without `SET NOCOUNT ON` in front, which people write so that the rows of a procedure arrive. */
export const withoutSettings = (tokens: readonly SqlToken[]): readonly SqlToken[] =>
  isWord(tokens[0], 'set') && isWord(tokens[1], 'nocount') && isWord(tokens[2], 'on') && tokens.length > 3
    ? tokens.slice(3)
    : tokens;
