import type { Role } from '../result.ts';
import { joined, parsedSources, type Reading } from './parsed-sources.ts';
import type { Branch, Cte, Item, Query, Select, Use } from './query.ts';
import { at, isTree, kindOf, list, nameOf, namesOf, type Tree } from './syntax-tree.ts';

const SETS = ['union', 'intersect', 'except'];
const QUERIES = ['select', ...SETS];
/** Properties whose columns order, group or filter what a function sees. */
const INNER_ROLES: Record<string, Role> = { order_by: 'sort', partition_by: 'group', filter: 'filter' };
const UNITS = new Set(
  `year quarter month week day dayofyear weekday hour minute second millisecond microsecond nanosecond yy yyyy qq q mm m dy
   y dd d wk ww dw hh mi n ss s ms mcs ns isoweek epoch dow doy`.split(/\s+/),
);
const DATE_FUNCTION = /^(?:date|time|datetime|timestamp|months?|days?|last_day|trunc|extend)/i;
/** Methods of columns that hold XML, places or objects: `doc.value('/a', 'int')`, `shape.STArea()`. */
const METHODS =
  /^(?:value|query|exist|modify|st[a-z]+|lat|long|tostring|get(?:clob|string|number|blob)val|extract|existsnode)$/i;
/** Deeper trees than any real statement's are left alone. */
const MAX_DEPTH = 4_000;

/** The query of a parsed statement; undefined when it is none. */
export function parsedQuery(statement: unknown): Query | undefined {
  return isQuery(statement) ? query(statement, 0) : undefined;
}

function isQuery(value: unknown): boolean {
  const node = kindOf(value);
  if (node === undefined) return false;
  if (node[0] === 'subquery' || node[0] === 'paren') return isQuery(at(node[1], 'this'));
  return QUERIES.includes(node[0]) && (node[0] !== 'select' || Array.isArray(node[1]['expressions']));
}

const EMPTY: Query = { ctes: [], branches: [], sort: [] };

function query(value: unknown, depth: number): Query {
  const node = kindOf(value);
  if (node === undefined || depth > MAX_DEPTH) return EMPTY;
  const [kind, tree] = node;
  const reading = readingAt(depth + 1);
  const sort = ordered(at(tree, 'order_by'), 'sort', depth + 1);
  if (kind === 'subquery' || kind === 'paren') {
    const inner = query(at(tree, 'this'), depth + 1);
    const ctes = withOf(tree, depth);
    if (ctes.length === 0 && sort.length === 0) return inner;
    return { ctes, branches: [{ type: 'query', query: inner, without: false }], sort };
  }
  if (kind === 'select') {
    return {
      ctes: withOf(tree, depth),
      branches: [{ type: 'select', select: select(tree, reading, depth + 1), without: false }],
      sort,
    };
  }
  const branches: Branch[] = [];
  // A chain of a thousand unions is as deep on its left side, so that side is walked and not called.
  let left: unknown = value;
  const ctes: Cte[] = [];
  for (;;) {
    const next = kindOf(left);
    if (next === undefined || !SETS.includes(next[0])) break;
    const [set, inner] = next;
    if (left !== value && list(inner, 'order_by').length > 0) break;
    ctes.push(...withOf(inner, depth));
    branches.push({ type: 'query', query: query(at(inner, 'right'), depth + 1), without: set === 'except' });
    left = at(inner, 'left');
  }
  branches.push({ type: 'query', query: query(left, depth + 1), without: false });
  return { ctes, branches: branches.reverse(), sort };
}

function withOf(tree: Tree, depth: number): Cte[] {
  const clause = at(tree, 'with');
  if (!isTree(clause)) return [];
  return list(clause, 'ctes').flatMap((cte) => {
    if (!isTree(cte)) return [];
    const name = nameOf(at(cte, 'alias'));
    if (name === undefined) return [];
    return [{ name, columns: namesOf(list(cte, 'columns')), query: query(at(cte, 'this'), depth + 1) }];
  });
}

function readingAt(depth: number): Reading {
  return {
    query: (value) => query(value, depth),
    isQuery,
    uses: (value, role) => uses(value, role, depth),
    path: pathOf,
    deeper: () => (depth > MAX_DEPTH ? undefined : readingAt(depth + 1)),
  };
}

function select(tree: Tree, reading: Reading, depth: number): Select {
  const windows = new Map<string, unknown>();
  for (const window of list(tree, 'windows')) {
    if (isTree(window)) windows.set((nameOf(at(window, 'name')) ?? '').toLowerCase(), at(window, 'spec'));
  }
  const read = list(asTree(at(tree, 'from')), 'expressions').map((from) => parsedSources(from, reading));
  for (const join of list(tree, 'joins')) if (isTree(join)) read.push(joined(join, reading));
  for (const view of list(tree, 'lateral_views')) read.push(parsedSources({ lateral: view }, reading));
  const conditions = ['where_clause', 'prewhere', 'connect'].flatMap((key) => uses(at(tree, key), 'filter', depth));
  const late = ['having', 'qualify'].flatMap((key) => uses(at(tree, key), 'filter', depth));
  late.push(...ordered(at(tree, 'group_by'), 'group', depth));
  for (const key of ['distribute_by', 'cluster_by', 'sort_by']) late.push(...ordered(at(tree, key), 'sort', depth));
  return {
    items: list(tree, 'expressions').map((item) => parsedItem(item, windows, depth)),
    sources: read.flatMap((r) => r.sources),
    uses: [...read.flatMap((r) => r.uses), ...conditions],
    late,
  };
}

/** GROUP BY and ORDER BY: expressions, or positions of the select list. */
function ordered(clause: unknown, role: Role, depth: number): Use[] {
  return list(asTree(clause), 'expressions').flatMap((inner): Use[] => {
    const position = positionOf(inner) ?? positionOf(isTree(inner) ? inner['this'] : undefined);
    return position === undefined ? uses(inner, role, depth) : [{ type: 'position', position, role }];
  });
}

const asTree = (value: unknown): Tree => (isTree(value) ? value : {});

function parsedItem(item: unknown, windows: ReadonlyMap<string, unknown>, depth: number): Item {
  const node = kindOf(item);
  if (node === undefined) return { type: 'column', name: undefined, uses: [] };
  const [kind, tree] = node;
  if (kind === 'star') return star(tree, depth);
  if (kind === 'alias') {
    const inner = kindOf(at(tree, 'this'));
    const used = [...uses(at(tree, 'this'), 'value', depth), ...windowUses(inner, windows, depth)];
    return { type: 'column', name: nameOf(at(tree, 'alias')), uses: used };
  }
  if (kind === 'column' && nameOf(at(tree, 'name')) === '*') {
    return { type: 'star', of: pathOf(item)?.slice(0, -1) ?? [], except: [], rename: new Map(), replace: [] };
  }
  const path = pathOf(kind === 'paren' ? at(tree, 'this') : item);
  const used = [...uses(item, 'value', depth), ...windowUses(node, windows, depth)];
  return { type: 'column', name: path?.at(-1), uses: used };
}

function star(tree: Tree, depth: number): Item {
  const rename = new Map<string, string>();
  for (const pair of list(tree, 'rename')) {
    const [from, to] = Array.isArray(pair) ? namesOf(pair) : [];
    if (from !== undefined && to !== undefined) rename.set(from.toLowerCase(), to);
  }
  const replace = list(tree, 'replace').flatMap((alias) => {
    const inner = kindOf(alias)?.[0] === 'alias' ? kindOf(alias)?.[1] : asTree(alias);
    const name = inner === undefined ? undefined : nameOf(at(inner, 'alias'));
    return name === undefined || inner === undefined ? [] : [{ name, uses: uses(at(inner, 'this'), 'value', depth) }];
  });
  const of = nameOf(at(tree, 'table'));
  return { type: 'star', of: of?.split('.') ?? [], except: namesOf(list(tree, 'except')), rename, replace };
}

function windowUses(
  node: readonly [string, Tree] | undefined,
  windows: ReadonlyMap<string, unknown>,
  depth: number,
): readonly Use[] {
  if (node?.[0] !== 'window_function' || windows.size === 0) return [];
  const name = nameOf(at(asTree(at(node[1], 'over')), 'window_name'));
  return name === undefined ? [] : uses(windows.get(name.toLowerCase()), 'value', depth);
}

/** The parts of a column's name: `a`, `t.a`, `dbo.t.a`; undefined for anything else. */
export function pathOf(value: unknown): string[] | undefined {
  const node = kindOf(value);
  if (node === undefined) return undefined;
  const [kind, tree] = node;
  if (kind === 'dot') {
    const before = pathOf(at(tree, 'this'));
    const field = nameOf(at(tree, 'field'));
    return before === undefined || field === undefined ? undefined : [...before, field];
  }
  if (kind !== 'column') return undefined;
  const name = nameOf(at(tree, 'name'));
  if (name === undefined) return undefined;
  return [...namesOf([at(tree, 'catalog'), at(tree, 'schema'), at(tree, 'table')]), name];
}

/** All columns and queries that an expression reads. */
export function uses(value: unknown, role: Role, depth: number): Use[] {
  const found: Use[] = [];
  collect(value, role, depth, found);
  return found;
}

function collect(value: unknown, role: Role, depth: number, found: Use[]): void {
  if (depth > MAX_DEPTH || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const inner of value) collect(inner, role, depth + 1, found);
    return;
  }
  const path = pathOf(value);
  if (path !== undefined) {
    found.push({ type: 'column', path, role });
    return;
  }
  if (isQuery(value)) {
    found.push({ type: 'query', query: query(value, depth + 1), role });
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'lambda' && isTree(inner)) {
      const own = new Set(namesOf(list(inner, 'parameters')).map((name) => name.toLowerCase()));
      const read = uses(at(inner, 'body'), role, depth + 1);
      found.push(...read.filter((use) => use.type !== 'column' || !own.has((use.path[0] ?? '').toLowerCase())));
      continue;
    }
    // `dbo.net(a, b)`: what stands in front of a function is its schema, unless it is a method of a column.
    if (key === 'method_call' && isTree(inner) && !METHODS.test(nameOf(at(inner, 'method')) ?? '')) {
      const on = at(inner, 'this');
      collect(pathOf(on) === undefined ? inner : at(inner, 'args'), role, depth + 1, found);
      continue;
    }
    if (key === 'span' || key === 'data_type' || key === 'to' || key === 'inferred_type') continue;
    if (key === 'function' && isTree(inner)) argumentsOf(inner, role, depth + 1, found);
    else collect(inner, role === 'value' ? (INNER_ROLES[key] ?? role) : role, depth + 1, found);
  }
}

function positionOf(value: unknown): number | undefined {
  const node = kindOf(value);
  if (node?.[0] !== 'literal' || node[1]['literal_type'] !== 'number') return undefined;
  const position = Number(node[1]['value']);
  return Number.isInteger(position) ? position : undefined;
}

/** DATEADD(day, 1, x): the first argument is no column. */
function argumentsOf(tree: Tree, role: Role, depth: number, found: Use[]): void {
  const date = DATE_FUNCTION.test(nameOf(tree) ?? '');
  for (const [key, inner] of Object.entries(tree)) {
    if (key !== 'args' || !date || !Array.isArray(inner)) {
      collect(inner, role === 'value' ? (INNER_ROLES[key] ?? role) : role, depth, found);
      continue;
    }
    for (const argument of inner) {
      const path = pathOf(argument);
      if (path?.length !== 1 || !UNITS.has((path[0] ?? '').toLowerCase())) collect(argument, role, depth, found);
    }
  }
}
