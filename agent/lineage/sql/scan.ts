import type { Role } from '../result.ts';
import { UNFOLDING } from './parsed-sources.ts';
import type { Branch, Cte, From, Item, Query, Select, Use } from './query.ts';
import { closing, isSign, isWord, type SqlToken } from './tokens.ts';

const SETS = ['union', 'intersect', 'except', 'minus'];
/** Words that end the sources; the role of columns behind them. */
const CLAUSES: Record<string, Role> = {
  where: 'filter',
  having: 'filter',
  qualify: 'filter',
  connect: 'filter',
  start: 'filter',
  group: 'group',
  order: 'sort',
};
const ENDS = ['limit', 'fetch', 'offset', 'window', 'for', 'option', 'with', 'sample', 'optimize', 'into'];
const JOINS = [
  'join',
  'inner',
  'left',
  'right',
  'full',
  'outer',
  'cross',
  'natural',
  'straight_join',
  'apply',
  'lateral',
];
/** Words that are no columns, wherever they stand. */
const WORDS = new Set(
  `and or not in is null like ilike rlike regexp between exists case when then else end as distinct all any some from
   using over partition by order asc desc nulls first last rows range preceding following unbounded current row interval
   cast date timestamp time year month day hour minute second escape collate within group true false union select where
   on at zone top percent sysdate current_date current_timestamp current_time varchar char integer int decimal numeric
   nvarchar float double bigint smallint string`.split(/\s+/),
);
const MAX_DEPTH = 600;

/** Reads tokens between two places; end is exclusive. */
interface Range {
  readonly tokens: readonly SqlToken[];
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

const range = (r: Range, from: number, to: number): Range => ({
  ...r,
  from,
  to: Math.max(from, to),
  depth: r.depth + 1,
});
const isName = (token: SqlToken | undefined): boolean => token?.type === 'word' || token?.type === 'quoted';

/**
 * What a statement seems to read, by its words alone: for those that no parser understands. It knows SELECT, FROM, JOIN,
 * WITH, UNION and parentheses, and takes for a column what looks like one.
 */
export function scanQuery(tokens: readonly SqlToken[]): Query | undefined {
  const start = tokens.findIndex((token) => isWord(token, 'select', 'with'));
  return start < 0 ? undefined : query({ tokens, from: start, to: tokens.length, depth: 0 });
}

/** Places in a range that are not within parentheses. */
function* outermost(r: Range): Generator<number> {
  for (let i = r.from; i < r.to; i += 1) {
    yield i;
    if (isSign(r.tokens[i], '(')) {
      i = Math.min(closing(r.tokens, i), r.to) - 1;
      if (i < r.to - 1) i += 1;
    }
  }
}

function find(r: Range, from: number, test: (token: SqlToken, i: number) => boolean): number {
  for (const i of outermost({ ...r, from })) if (test(r.tokens[i] as SqlToken, i)) return i;
  return r.to;
}

function query(r: Range): Query {
  if (r.depth > MAX_DEPTH) return { ctes: [], branches: [], sort: [] };
  const ctes: Cte[] = [];
  let i = r.from;
  if (isWord(r.tokens[i], 'with')) {
    i += isWord(r.tokens[i + 1], 'recursive') ? 2 : 1;
    while (i < r.to && isName(r.tokens[i])) {
      const name = r.tokens[i]?.value ?? '';
      const as = find(r, i, (token) => isWord(token, 'as'));
      const columns = r.tokens
        .slice(i + 1, as)
        .filter(isName)
        .map((token) => token.value);
      const open = find(r, as, (token) => isSign(token, '('));
      const end = Math.min(closing(r.tokens, open), r.to);
      ctes.push({ name, columns, query: query(range(r, open + 1, end)) });
      i = end + 1;
      if (!isSign(r.tokens[i], ',')) break;
      i += 1;
    }
  }
  const branches: Branch[] = [];
  while (i < r.to) {
    const end = find(r, i, (token, at) => at > i && isWord(token, ...SETS));
    const without = i > r.from && isWord(r.tokens[i - 1], 'except', 'minus');
    branches.push(branch(range(r, i, end), without));
    i = end + 1;
    if (isWord(r.tokens[i], 'all', 'distinct')) i += 1;
  }
  return { ctes, branches, sort: [] };
}

function branch(r: Range, without: boolean): Branch {
  if (isSign(r.tokens[r.from], '(')) {
    const end = Math.min(closing(r.tokens, r.from), r.to);
    return { type: 'query', query: query(range(r, r.from + 1, end)), without };
  }
  return { type: 'select', select: select(r), without };
}

function select(r: Range): Select {
  const start = find(r, r.from, (token) => isWord(token, 'select'));
  let first = start + 1;
  while (isWord(r.tokens[first], 'distinct', 'all')) first += 1;
  const from = find(r, first, (token) => isWord(token, 'from'));
  const ends = (token: SqlToken, i: number) =>
    isWord(token, ...ENDS, ...Object.keys(CLAUSES)) && !isSign(r.tokens[i + 1], ',') && i > from;
  let at = find(r, Math.min(from + 1, r.to), ends);
  const read = sources(range(r, Math.min(from + 1, r.to), at));
  const used: Use[] = [...read.uses];
  const late: Use[] = [];
  while (at < r.to) {
    const end = find(r, at + 1, ends);
    const word = r.tokens[at]?.value.toLowerCase() ?? '';
    const role = CLAUSES[word];
    const list = ['where', 'connect', 'start'].includes(word) ? used : late;
    if (role !== undefined) list.push(...uses(range(r, at + 1, end), role));
    at = end;
  }
  return { items: pieces(range(r, first, from)).map(item), sources: read.sources, uses: used, late };
}

/** Parts between commas. */
function pieces(r: Range): Range[] {
  const parts: Range[] = [];
  let from = r.from;
  while (from < r.to) {
    const end = find(r, from, (token) => isSign(token, ','));
    if (end > from) parts.push(range(r, from, end));
    from = end + 1;
  }
  return parts;
}

function item(r: Range): Item {
  const { tokens, from, to } = r;
  const last = tokens[to - 1];
  if (isSign(last, '*') && (to - from === 1 || isSign(tokens[to - 2], '.'))) {
    const of = tokens
      .slice(from, to - 1)
      .filter(isName)
      .map((token) => token.value);
    return { type: 'star', of, except: [], rename: new Map(), replace: [] };
  }
  const path = pathAt(r, from);
  if (path !== undefined && path.end === to) {
    return { type: 'column', name: path.names.at(-1), uses: [{ type: 'column', path: path.names, role: 'value' }] };
  }
  const before = tokens[to - 2];
  const operand =
    before !== undefined && (before.type !== 'sign' || before.value === ')') && !isWord(before, 'end', 'as');
  const aliased = isWord(before, 'as') || ((operand || isWord(before, 'end')) && !isWord(last, 'end'));
  if (to - from > 1 && aliased && (isName(last) || last?.type === 'text')) {
    const end = isWord(before, 'as') ? to - 2 : to - 1;
    return { type: 'column', name: last?.value, uses: uses(range(r, from, end), 'value') };
  }
  return { type: 'column', name: undefined, uses: uses(r, 'value') };
}

/** A name with points that begins here. */
function pathAt(r: Range, from: number): { readonly names: string[]; readonly end: number } | undefined {
  if (!isName(r.tokens[from]) || from >= r.to) return undefined;
  const names = [r.tokens[from]?.value ?? ''];
  let end = from + 1;
  while (end < r.to && isSign(r.tokens[end], '.')) {
    // `db..table` has a schema without a name.
    if (isSign(r.tokens[end + 1], '.')) names.push('');
    else if (isName(r.tokens[end + 1]) && end + 1 < r.to) {
      names.push(r.tokens[end + 1]?.value ?? '');
      end += 1;
    } else break;
    end += 1;
  }
  return { names, end };
}

function uses(r: Range, role: Role): Use[] {
  const found: Use[] = [];
  if (r.depth > MAX_DEPTH) return found;
  let i = r.from;
  while (i < r.to) {
    const token = r.tokens[i] as SqlToken;
    if (isSign(token, '(') && isWord(r.tokens[i + 1], 'select', 'with')) {
      const end = Math.min(closing(r.tokens, i), r.to);
      found.push({ type: 'query', query: query(range(r, i + 1, end)), role });
      i = end + 1;
      continue;
    }
    const path = pathAt(r, i);
    if (path === undefined) {
      i += 1;
      continue;
    }
    const word = token.type === 'word' && path.names.length === 1;
    const plain = !(word && WORDS.has(token.value.toLowerCase())) && !isSign(r.tokens[path.end], '(');
    const before = r.tokens[i - 1];
    // `t.doc:part::type`: neither the part nor the type is a column. `name => value`: an argument by its name.
    const no = isWord(before, 'as') || isSign(before, '::') || isSign(before, ':') || isSign(r.tokens[path.end], '=>');
    if (plain && !no) found.push({ type: 'column', path: path.names, role });
    i = path.end;
  }
  return found;
}

/** What is read between FROM and the next clause. */
function sources(r: Range): { readonly sources: From[]; readonly uses: Use[] } {
  const read: From[] = [];
  const used: Use[] = [];
  if (r.depth > MAX_DEPTH) return { sources: read, uses: used };
  let i = r.from;
  while (i < r.to) {
    const token = r.tokens[i] as SqlToken;
    if (isSign(token, ',') || isWord(token, ...JOINS)) {
      i += 1;
    } else if (isWord(token, 'on', 'using')) {
      const end = find(r, i + 1, (t, at) => isSign(t, ',') || (isWord(t, ...JOINS) && !isSign(r.tokens[at + 1], '(')));
      used.push(...(isWord(token, 'on') ? uses(range(r, i + 1, end), 'key') : shared(range(r, i + 1, end))));
      i = end;
    } else {
      const next = source(r, i, read, used);
      i = Math.max(next, i + 1);
    }
  }
  return { sources: read, uses: used };
}

const shared = (r: Range): Use[] =>
  r.tokens
    .slice(r.from, r.to)
    .filter(isName)
    .map((token) => ({ type: 'shared', name: token.value }));

/** One table or query with its alias; where it ends. */
function source(r: Range, from: number, read: From[], used: Use[]): number {
  const { tokens } = r;
  if (isSign(tokens[from], '(')) {
    const end = Math.min(closing(tokens, from), r.to);
    let inner = from + 1;
    while (isSign(tokens[inner], '(')) inner += 1;
    if (isWord(tokens[inner], 'select', 'with')) {
      const { alias, end: behind } = aliasAt(r, end + 1);
      read.push({ type: 'query', query: query(range(r, from + 1, end)), alias, columns: [] });
      return behind;
    }
    const nested = sources(range(r, from + 1, end));
    read.push(...nested.sources);
    used.push(...nested.uses);
    return end + 1;
  }
  const path = pathAt(r, from);
  if (path === undefined) return from + 1;
  const call = isSign(tokens[path.end], '(');
  const close = Math.min(closing(tokens, path.end), r.to);
  const { alias, end } = aliasAt(r, call ? close + 1 : path.end);
  if (call && UNFOLDING.test(path.names.join('.'))) {
    // Behind COLUMNS stand their names and types.
    const inner = range(r, path.end + 1, close);
    const made = uses({ ...inner, to: find(inner, inner.from, (token) => isWord(token, 'columns')) }, 'value');
    read.push({ type: 'made', name: undefined, uses: made, alias, columns: [] });
    return end;
  }
  const parts = path.names.flatMap((name) => name.split(/[./:]/));
  read.push({ type: 'object', name: path.names.join('.'), path: parts, alias, columns: [] });
  return end;
}

function aliasAt(r: Range, from: number): { readonly alias: string | undefined; readonly end: number } {
  const at = isWord(r.tokens[from], 'as') ? from + 1 : from;
  const token = r.tokens[at];
  const free = at < r.to && isName(token) && !isWord(token, ...JOINS, 'on', 'using');
  return free ? { alias: token?.value, end: at + 1 } : { alias: undefined, end: from };
}
