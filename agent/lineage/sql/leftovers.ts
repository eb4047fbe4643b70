import { clausesOf } from './clauses.ts';
import { closing, isSign, isWord, type SqlToken } from './tokens.ts';

/** Hints of SQL Server, in parentheses behind a table. */
const TABLE_HINTS = [
  'nolock',
  'readuncommitted',
  'readcommitted',
  'readpast',
  'holdlock',
  'rowlock',
  'paglock',
  'tablock',
  'tablockx',
  'updlock',
  'xlock',
  'index',
  'forceseek',
  'forcescan',
  'noexpand',
  'serializable',
  'repeatableread',
  'snapshot',
];
const UNITS = [
  'year',
  'years',
  'month',
  'months',
  'day',
  'days',
  'hour',
  'hours',
  'minute',
  'minutes',
  'second',
  'seconds',
];

/** `{ts '…'}`, `{d '…'}`, `{fn UCASE(x)}`, `{oj …}` without their braces, which drivers read and databases do not. */
export function odbcEscapes(tokens: readonly SqlToken[]): SqlToken[] {
  if (!tokens.some((token) => isSign(token, '{'))) return [...tokens];
  return tokens.filter((token, i) => {
    if (isSign(token, '{') || isSign(token, '}')) return false;
    return !(isSign(tokens[i - 1], '{') && isWord(token, 'ts', 'd', 't', 'fn', 'oj'));
  });
}

const TYPES =
  'decimal dec numeric number char varchar character byteint smallint int integer bigint float real date timestamp'.split(
    ' ',
  );
const NO_OPERANDS = 'select distinct in and or not on where when then else like any all values between having by'.split(
  ' ',
);

/**
 * What Teradata writes behind a column: `amount (DECIMAL(18,2))`, `day (DATE, FORMAT 'YYYY')`, `no (TITLE 'Number')`,
 * `no (NAMED Number)`. A type alone counts behind `t.column` and `)` only, where it is no column in a parenthesis.
 */
function isPhrase(tokens: readonly SqlToken[], i: number): boolean {
  const [before, next, third] = [tokens[i - 1], tokens[i + 1], tokens[i + 2]];
  if (isWord(next, 'format', 'title') && third?.type === 'text') return true;
  if (isWord(next, 'named') && isSign(tokens[i + 3], ')')) return true;
  const free = before !== undefined && before.end < (tokens[i]?.start ?? 0) && !isWord(before, ...NO_OPERANDS);
  if (!free || !isWord(next, ...TYPES)) return false;
  const column = isSign(before, ')') || isSign(tokens[i - 2], '.');
  const behind = isSign(third, '(') ? closing(tokens, i + 2) + 1 : i + 2;
  const ends =
    isSign(tokens[behind], ')') || (isSign(tokens[behind], ',') && isWord(tokens[behind + 1], 'format', 'title'));
  return ends && (column || (before.type !== 'sign' && isSign(third, '(')));
}

/** Index behind the hint, property or isolation level that begins at `i`; `i` when none does. */
function hintEnd(tokens: readonly SqlToken[], i: number, from: boolean): number {
  const token = tokens[i];
  const next = tokens[i + 1];
  const third = tokens[i + 2];
  const ends = third === undefined || isSign(third, ')') || isWord(third, 'for', 'optimize', 'use', 'keep');
  if (isWord(token, 'with')) {
    if (isWord(next, 'properties', 'connection', 'hint') && isSign(third, '(')) return closing(tokens, i + 2) + 1;
    if (isWord(next, 'ur', 'cs', 'rs', 'rr', 'nc') && ends) return i + 2;
    if (isSign(next, '(') && isWord(third, ...TABLE_HINTS)) return closing(tokens, i + 1) + 1;
    return i;
  }
  if (isSign(token, '(')) {
    if (from && isWord(next, ...TABLE_HINTS) && closing(tokens, i) <= i + 8) return closing(tokens, i) + 1;
    // Parameters of HANA's views: `"_SYS_BIC"."p/V" ('PLACEHOLDER' = ('$$P$$', '1'))`.
    const placeholder = next?.value.toLowerCase() === 'placeholder' && (next.type === 'text' || next.type === 'word');
    if (placeholder) return closing(tokens, i) + 1;
    if (isPhrase(tokens, i)) return closing(tokens, i) + 1;
    // The mark of an outer join in Oracle.
    return isSign(next, '+') && isSign(third, ')') ? i + 3 : i;
  }
  // Informix: `name[1,5]`, a part of a text.
  if (isSign(token, '[') && isSign(tokens[i + 2], ',') && isSign(tokens[i + 4], ']')) return i + 5;
  if (isWord(token, 'option') && isSign(next, '(') && tokens[i - 1]?.value !== '.') return closing(tokens, i + 1) + 1;
  if (isWord(token, 'optimize') && isWord(next, 'for')) return i + 4;
  if (isWord(token, 'for') && isWord(next, 'update', 'read', 'fetch', 'browse', 'share')) {
    return isWord(third, 'only') ? i + 3 : i + 2;
  }
  return i;
}

/** Leaves out hints, isolation levels, and what tells a connector how to fetch. */
export function cutHints(tokens: readonly SqlToken[]): SqlToken[] {
  const clauses = clausesOf(tokens);
  const out: SqlToken[] = [];
  let i = 0;
  // Teradata: LOCKING ROW FOR ACCESS SELECT …
  if (isWord(tokens[0], 'locking', 'lock')) {
    const start = tokens.findIndex((token) => isWord(token, 'select', 'sel', 'with'));
    if (start > 0) i = start;
  }
  while (i < tokens.length) {
    const token = tokens[i] as SqlToken;
    const end = hintEnd(tokens, i, clauses[i] === 'from');
    if (end > i) {
      const alias = tokens[i + 2];
      if (isWord(tokens[i + 1], 'named') && isSign(token, '(') && alias !== undefined)
        out.push({ ...token, type: 'word', value: 'AS', end: token.start }, alias);
      i = end;
    } else {
      // Informix: FROM a, OUTER b. A comma before FROM or at a list's begin: Qlik's drivers forgive it, parsers do not.
      const informix = isWord(token, 'outer') && isSign(out.at(-1), ',') && !isSign(tokens[i + 1], '=>');
      const comma =
        isSign(token, ',') &&
        clauses[i] === 'select' &&
        (isWord(tokens[i + 1], 'from') || isWord(out.at(-1), 'select', 'distinct') || isSign(out.at(-1), ','));
      const root = isWord(token, 'connect_by_root') && tokens[i + 1]?.type !== 'sign';
      if (!informix && !comma && !root) out.push(sameWord(token, tokens[i + 1]));
      i += 1;
    }
  }
  return out;
}

/** Words of one database for those that all know. */
function sameWord(token: SqlToken, next: SqlToken | undefined): SqlToken {
  if (isWord(token, 'sel') && next?.type !== 'sign') return { ...token, value: 'SELECT' };
  // DB2: `a CONCAT b`.
  if (isWord(token, 'concat') && next !== undefined && next.type !== 'sign' && !isWord(next, 'from', 'as'))
    return { ...token, type: 'sign', value: '||' };
  if (isWord(token, 'subselect')) return { ...token, value: 'SELECT' };
  if (isWord(token, 'minus') && (isWord(next, 'select', 'all') || isSign(next, '(')))
    return { ...token, value: 'EXCEPT' };
  if (isWord(token, 'distinctrow', 'unique') && next !== undefined && next.type !== 'sign')
    return { ...token, value: 'DISTINCT' };
  return token;
}

/** `TOP 10 PERCENT`, `SKIP 5 FIRST 10`; `CURRENT DATE - 3 DAYS` of DB2. Columns of such names stay. */
export function cutLimits(tokens: readonly SqlToken[]): SqlToken[] {
  const out: SqlToken[] = [];
  let i = 0;
  while (i < tokens.length) {
    const token = tokens[i] as SqlToken;
    const before = out.at(-1);
    if (isWord(token, 'top', 'first', 'skip', 'limit') && isWord(before, 'select', 'distinct', 'all')) {
      const end = countEnd(tokens, i + 1);
      if (end > i + 1) {
        i = end;
        continue;
      }
    }
    const sum = isSign(out.at(-2), '+') || isSign(out.at(-2), '-');
    if (isWord(token, ...UNITS) && before?.type === 'number' && sum) i += 1;
    // Informix: `EXTEND(d, YEAR TO MONTH)`.
    else if (isWord(token, 'to') && isWord(before, ...UNITS) && isWord(tokens[i + 1], ...UNITS)) i += 2;
    // DB2: `TABLE (SELECT …) AS t`.
    else if (isWord(token, 'table') && isSign(tokens[i + 1], '(') && isWord(tokens[i + 2], 'select', 'with')) i += 1;
    else if (isWord(token, 'current') && isWord(tokens[i + 1], 'date', 'timestamp', 'time')) {
      out.push({ ...token, value: `CURRENT_${tokens[i + 1]?.value ?? ''}`, end: tokens[i + 1]?.end ?? token.end });
      i += 2;
    } else {
      out.push(token);
      i += 1;
    }
  }
  return out;
}

/** Behind the number that stands at `i`; `i` when there is none, or it is the first column. */
function countEnd(tokens: readonly SqlToken[], i: number): number {
  let end = i;
  if (isSign(tokens[i], '(')) end = closing(tokens, i) + 1;
  else if (tokens[i]?.type === 'number' || tokens[i]?.hole) end = i + 1;
  if (end === i || isSign(tokens[end], ',') || isWord(tokens[end], 'from', 'as')) return i;
  if (isWord(tokens[end], 'percent')) end += 1;
  if (isWord(tokens[end], 'with') && isWord(tokens[end + 1], 'ties')) end += 2;
  return end;
}
