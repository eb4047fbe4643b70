import { type Clause, clausesOf } from './clauses.ts';
import { cutHints, cutLimits, odbcEscapes } from './leftovers.ts';
import { closing, isSign, isWord, type SqlToken, tokenize } from './tokens.ts';

/** A statement that a parser of SQL can read, as tokens with the places they had. */
export interface Prepared {
  readonly tokens: readonly SqlToken[];
  /** `$(…)` that stand for a clause or a keyword and were left out: where. */
  readonly cut: readonly SqlToken[];
  readonly direct: boolean;
}

const KEYWORDS = new Set(
  `select distinct all from where and or not on using by group order having union join inner left right full outer cross
   as in like between is case when then else exists top limit offset with asc desc interval values over partition apply
   lateral natural intersect except minus qualify any some set percent escape first next skip fetch rows row start connect
   prior unique`.split(/\s+/),
);
const COUNTS = ['limit', 'offset', 'fetch', 'first', 'next', 'top', 'skip', 'sample'];

/** A word or sign made up, at the place of another. */
function made(type: SqlToken['type'], value: string, at: number): SqlToken {
  return { type, value, start: at, end: at, hole: false };
}

/**
 * Takes away what Qlik, ODBC or one database alone understands and no parser does: the keyword SQL, properties of
 * connectors, isolation levels and hints, ODBC's braces, commas too many; rewrites T-SQL's `alias = expression`.
 */
export function prepare(text: string, dialect: string | undefined): Prepared {
  let tokens = tokenize(text);
  while (isSign(tokens.at(-1), ';')) tokens.pop();
  if (isWord(tokens[0], 'sql')) tokens = tokens.slice(1);
  const direct = isWord(tokens[0], 'direct') || isWord(tokens[0], 'dimension');
  if (direct) tokens = directQuery(tokens);
  if (dialect === 'access' || (dialect === undefined && tokens.some(isOfAccess))) tokens = texts(tokens, text);
  tokens = cutLimits(cutHints(odbcEscapes(tokens)));
  const cut: SqlToken[] = [];
  tokens = cutExpansions(tokens, cut);
  tokens = names(tokens, dialect);
  if (dialect === 'sap' || (dialect === undefined && isSpaced(tokens))) tokens = comparisons(commas(tokens));
  if (dialect === undefined || dialect === 'tsql' || dialect === 'access') tokens = aliases(tokens);
  return { tokens, cut, direct };
}

/** `DIRECT QUERY DIMENSION a MEASURE b DETAIL c FROM t`: lists of columns under names of their use. */
function directQuery(tokens: readonly SqlToken[]): SqlToken[] {
  const out: SqlToken[] = [made('word', 'SELECT', tokens[0]?.start ?? 0)];
  let list = true;
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i] as SqlToken;
    if (i < 2 && isWord(token, 'direct', 'query')) continue;
    if (list && isWord(token, 'dimension', 'measure', 'detail', 'detach')) {
      if (out.length > 1) out.push(made('sign', ',', token.start));
    } else if (list && isWord(token, 'native') && isSign(tokens[i + 1], '(') && tokens[i + 2]?.type === 'text') {
      // The database's own SQL, as a literal.
      const inner = tokenize((tokens[i + 2] as SqlToken).value.replaceAll("''", "'"));
      for (const t of inner) out.push({ ...t, start: token.start, end: token.start });
      i = closing(tokens, i + 1);
    } else {
      if (isWord(token, 'from')) list = false;
      out.push(token);
    }
  }
  return out;
}

/** Words that only Access knows. */
const isOfAccess = (token: SqlToken, i: number, tokens: readonly SqlToken[]): boolean =>
  isWord(token, 'distinctrow', 'transform') ||
  (isWord(token, 'nz', 'cstr', 'cdbl', 'clng', 'ccur', 'dlookup', 'dateserial') && isSign(tokens[i + 1], '('));

/** Texts of Access in double quotes: `Format(d, "yyyy")`, `a & " " & b`. What is all of an item or argument stays a name. */
function texts(tokens: readonly SqlToken[], source: string): SqlToken[] {
  const clauses = clausesOf(tokens);
  return tokens.map((token, i) => {
    if (token.type !== 'quoted' || source[token.start] !== '"') return token;
    const [before, next] = [tokens[i - 1], tokens[i + 1]];
    if ([before, next].some((other) => isSign(other, '.') || isSign(other, '!'))) return token;
    const within = clauses[i] === 'inner' && !(isSign(before, '(') && isSign(next, ')'));
    const compared = before?.type === 'sign' && !['(', ')', ',', '*'].includes(before.value);
    return within || compared || isWord(before, 'like') ? { ...token, type: 'text' } : token;
  });
}

function alone(token: SqlToken | undefined): boolean {
  return token?.type === 'word' && token.hole && /^\$\((?:[^()]|\([^()]*\))*\)$/.test(token.value);
}

function operand(token: SqlToken | undefined): boolean {
  if (token === undefined) return false;
  if (token.type === 'sign') return token.value === ')' || token.value === '*';
  return token.type !== 'word' || !KEYWORDS.has(token.value.toLowerCase());
}

/** Leaves out expansions that stand where a name cannot: for a WHERE clause, for DISTINCT, for a whole hint. */
function cutExpansions(tokens: readonly SqlToken[], cut: SqlToken[]): SqlToken[] {
  const out: SqlToken[] = [];
  const clauses = clausesOf(tokens);
  tokens.forEach((token, i) => {
    const before = out.at(-1);
    const next = tokens[i + 1];
    if (!alone(token) || isSign(before, '.') || isSign(next, '.')) {
      out.push(token);
    } else if (isWord(before, ...COUNTS)) {
      out.push(made('number', '1', token.start));
    } else if (
      before === undefined ||
      (operand(before) && !isSign(before, '*')) ||
      (isSign(before, '*') && clauses[i] !== 'select') ||
      (isWord(before, 'select', 'distinct') && next?.type !== 'sign' && operand(next))
    ) {
      cut.push(token);
    } else out.push(token);
  });
  return out;
}

/** `LIB/TABLE` of DB2 for i and `db:table` of Informix as one name; `table!column` of Access and `table~column` of SAP with points. */
function names(tokens: readonly SqlToken[], dialect: string | undefined): SqlToken[] {
  const clauses = clausesOf(tokens);
  const isName = (token: SqlToken | undefined) => token?.type === 'word' || token?.type === 'quoted';
  const out: SqlToken[] = [];
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i] as SqlToken;
    const [before, next] = [out.at(-1), tokens[i + 1]];
    const glued = before?.end === token.start && next?.start === token.end && isName(before) && isName(next);
    if (token.type !== 'sign' || !glued) out.push(token);
    else if ((token.value === '!' || token.value === '~') && dialect !== 'postgresql')
      out.push({ ...token, value: '.' });
    else if (clauses[i] === 'from' && (token.value === '/' || token.value === ':')) {
      const value = `${before?.value}${token.value}${next?.value}`;
      const hole = before?.hole === true || next?.hole === true;
      out.splice(-1, 1, { type: 'quoted', value, start: before?.start ?? 0, end: next?.end ?? token.end, hole });
      i += 1;
    } else out.push(token);
  }
  return out;
}

/** Lists of SAP's connector need no commas: `SELECT VBELN POSNR FROM VBAP`. */
function commas(tokens: readonly SqlToken[]): SqlToken[] {
  const clauses = clausesOf(tokens);
  const out: SqlToken[] = [];
  tokens.forEach((token, i) => {
    const before = tokens[i - 1];
    const named = token.type === 'quoted' || (token.type === 'word' && !KEYWORDS.has(token.value.toLowerCase()));
    const follows = before !== undefined && before.type !== 'sign' && operand(before);
    if (clauses[i] === 'select' && named && follows) out.push(made('sign', ',', token.start));
    out.push(token);
  });
  return out;
}

const COMPARISONS: Readonly<Record<string, string>> = { eq: '=', ne: '<>', gt: '>', ge: '>=', lt: '<', le: '<=' };

/** `MTART EQ 'FERT'`, as ABAP has it. */
function comparisons(tokens: readonly SqlToken[]): SqlToken[] {
  return tokens.map((token, i) => {
    const sign = token.type === 'word' ? COMPARISONS[token.value.toLowerCase()] : undefined;
    return sign === undefined || !operand(tokens[i - 1]) ? token : { ...token, type: 'sign', value: sign };
  });
}

/** Whether three names or more follow each other and nothing else stands in the list: no other connector takes that. */
function isSpaced(tokens: readonly SqlToken[]): boolean {
  const start = tokens.findIndex((token) => isWord(token, 'select')) + 1;
  const from = tokens.findIndex((token) => isWord(token, 'from'));
  const list = tokens.slice(isWord(tokens[start], 'distinct', 'single') ? start + 1 : start, Math.max(from, 0));
  const isName = ({ type, value }: SqlToken) =>
    type === 'quoted' || (type === 'word' && !KEYWORDS.has(value.toLowerCase()));
  return start > 0 && list.length > 2 && list.every(isName);
}

/** Where items of select lists begin and end: behind SELECT [DISTINCT] or a comma, before the next comma or the end. */
function itemEnd(tokens: readonly SqlToken[], clauses: readonly Clause[], from: number): number {
  let i = from;
  while (i < tokens.length) {
    const token = tokens[i] as SqlToken;
    if (isSign(token, '(')) {
      i = closing(tokens, i) + 1;
      continue;
    }
    if (isSign(token, ',') || isSign(token, ')') || clauses[i] !== 'select' || isWord(token, 'union', 'into')) break;
    i += 1;
  }
  return Math.min(i, tokens.length);
}

/** `Total = SUM(x)` as `SUM(x) AS Total`; parsers take it for a comparison. */
function aliases(tokens: readonly SqlToken[]): SqlToken[] {
  const clauses = clausesOf(tokens);
  const skip = new Set<number>();
  const after = new Map<number, SqlToken>();
  tokens.forEach((token, i) => {
    const before = tokens[i - 1];
    const starts = isWord(before, 'select', 'distinct') || isSign(before, ',');
    const named = token.type === 'quoted' || token.type === 'text' || token.type === 'word';
    if (clauses[i] !== 'select' || clauses[i - 1] !== 'select' || !starts || !named || !isSign(tokens[i + 1], '='))
      return;
    if (token.value.startsWith('@')) return;
    const end = itemEnd(tokens, clauses, i + 2);
    if (end <= i + 2) return;
    skip.add(i).add(i + 1);
    after.set(end - 1, token);
  });
  if (skip.size === 0) return [...tokens];
  const out: SqlToken[] = [];
  tokens.forEach((token, i) => {
    if (!skip.has(i)) out.push(token);
    const alias = after.get(i);
    if (alias !== undefined) out.push(made('word', 'AS', token.end), { ...alias, type: 'quoted' });
  });
  return out;
}
