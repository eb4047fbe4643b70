import type { Confidence } from '../result.ts';
import type { SqlColumn, SqlOrigin, SqlRequest } from './analysis.ts';
import type { Holes } from './holes.ts';
import { distinct, inRole, weakened } from './origins.ts';
import type { Cte, From, Item, Query, Select, Use } from './query.ts';
import {
  columnOf,
  EMPTY,
  named,
  type Out,
  outOf,
  type Rows,
  renamed,
  type Scope,
  type Source,
  same,
  sourceOf,
  turned,
  united,
  unqualified,
} from './relations.ts';

/** What a query reads and gives. */
export interface Resolved {
  readonly columns: readonly SqlColumn[];
  readonly rows: readonly SqlOrigin[];
  readonly open: boolean;
  /** Objects of which there are columns that are not known; absent: it is not known which they are. */
  readonly beyond?: readonly string[];
  readonly objects: readonly string[];
  /** Columns without a table's name that several tables may have. */
  readonly ambiguous: readonly string[];
  /** Columns that only a variable knows are among the result. */
  readonly expansions: boolean;
  /** There was more than the limits allow. */
  readonly cut: boolean;
}

/** Bounds that no statement written by a person comes near. */
const MAX_STEPS = 200_000;
const MAX_DEPTH = 300;
const MAX_ROWS = 500;
/** Databases in which a select list may use names that it has just given. */
const LATERAL = ['snowflake', 'redshift', 'teradata', 'databricks', 'access', 'clickhouse', 'hana'];
/** Databases in which what stands behind a column may be a part of it. */
const RECORDS = ['bigquery', 'hive', 'spark', 'databricks', 'trino', 'presto', 'athena', 'snowflake', 'clickhouse'];
/** Words that look like columns and are none. */
const NO_COLUMNS = new Set(
  `sysdate systimestamp current_date current_timestamp current_time localtime localtimestamp current_user session_user
   system_user rownum rowid level today now null true false default getdate nextval currval getutcdate unknown`.split(
    /\s+/,
  ),
);

class TooMuch extends Error {}

/** A named query of WITH. */
interface Named {
  readonly cte: Cte;
  readonly env: Env | undefined;
  rows: Rows | undefined;
  busy: boolean;
}

interface Env {
  readonly named: Named;
  readonly before: Env | undefined;
}

/** Follows the names of a query to the columns of tables. Never throws. */
export class Resolver {
  readonly #request: SqlRequest;
  readonly #holes: Holes;
  readonly #objects = new Map<string, string>();
  readonly #ambiguous = new Set<string>();
  #rows: SqlOrigin[] = [];
  #expansions = false;
  #steps = 0;

  constructor(request: SqlRequest, holes: Holes) {
    this.#request = request;
    this.#holes = holes;
  }

  /** `unnamed`: what the database will call the n-th item, which has no name. */
  resolve(query: Query, unnamed: (index: number) => string): Resolved {
    let rows = EMPTY;
    let cut = false;
    try {
      rows = this.#query(query, undefined, undefined, 0, unnamed);
    } catch (error) {
      if (!(error instanceof TooMuch || error instanceof RangeError)) throw error;
      cut = true;
    }
    const deciding = distinct(this.#rows);
    const columns = named(rows.outs).map((out): SqlColumn => {
      const origins = out.star ? weakened(out.origins, 'inferred' satisfies Confidence, 'star') : out.origins;
      return { name: out.name, from: withValues(distinct(origins)) };
    });
    return {
      columns,
      rows: deciding.slice(0, MAX_ROWS),
      open: rows.rest.length > 0 || cut,
      ...(cut ? {} : { beyond: [...new Set(rows.rest)] }),
      objects: [...this.#objects.values()],
      ambiguous: [...this.#ambiguous],
      expansions: this.#expansions,
      cut: cut || deciding.length > MAX_ROWS,
    };
  }

  #decide(origins: readonly SqlOrigin[]): void {
    this.#rows.push(...origins);
    if (this.#rows.length > 4 * MAX_ROWS) this.#rows = [...distinct(this.#rows)].slice(0, 2 * MAX_ROWS);
  }

  #step(count = 1): void {
    this.#steps += count;
    if (this.#steps > MAX_STEPS) throw new TooMuch();
  }

  #query(
    query: Query,
    env: Env | undefined,
    outer: Scope | undefined,
    depth: number,
    unnamed: (index: number) => string,
  ): Rows {
    if (depth > MAX_DEPTH) throw new TooMuch();
    let inner = env;
    // All that WITH names is read by the database, in this order, whoever asks for it.
    for (const cte of query.ctes) {
      inner = { named: { cte, env: inner, rows: undefined, busy: false }, before: inner };
      this.#named(inner, depth + 1);
    }
    const parts: Rows[] = [];
    let scope = outer;
    for (const branch of query.branches) {
      if (branch.type === 'query') {
        const rows = this.#query(branch.query, inner, outer, depth + 1, unnamed);
        if (!branch.without) parts.push(rows);
        continue;
      }
      const selected = this.#select(branch.select, inner, outer, depth + 1, unnamed);
      parts.push(selected.rows);
      scope = selected.scope;
    }
    const rows = united(parts);
    for (const use of query.sort) this.#decide(this.#aliased(use, rows.outs, inner, scope, depth));
    return rows;
  }

  #named(env: Env, depth: number): Rows {
    const { named } = env;
    if (named.rows !== undefined) return named.rows;
    named.busy = true;
    const { query, columns } = named.cte;
    // A recursive query reads itself: what its first branch gives stands for it meanwhile.
    const [first] = query.branches;
    if (query.branches.length > 1 && first !== undefined) {
      const anchor = this.#query({ ...query, branches: [first], sort: [] }, named.env, undefined, depth + 1, noName);
      named.rows = renamed(anchor, columns);
      named.busy = false;
      const own = { named, before: named.env };
      named.rows = renamed(this.#query(query, own, undefined, depth + 1, noName), columns);
    } else {
      named.rows = renamed(this.#query(query, named.env, undefined, depth + 1, noName), columns);
    }
    named.busy = false;
    return named.rows;
  }

  #select(
    select: Select,
    env: Env | undefined,
    outer: Scope | undefined,
    depth: number,
    unnamed: (index: number) => string,
  ): { readonly rows: Rows; readonly scope: Scope } {
    const sources: Source[] = [];
    const shared = new Set(select.uses.flatMap((use) => (use.type === 'shared' ? [use.name.toLowerCase()] : [])));
    const scope: Scope = { sources, shared, outer };
    for (const from of select.sources) sources.push(this.#source(from, env, scope, depth + 1));
    const outs: Out[] = [];
    const rest: string[] = [];
    select.items.forEach((item, i) => {
      if (item.type === 'star') this.#star(item, scope, outs, rest, env, depth);
      else this.#column(item, i, scope, outs, rest, env, depth, unnamed);
    });
    this.#step(outs.length);
    for (const use of select.uses) this.#decide(this.#use(use, env, scope, depth));
    for (const use of select.late) this.#decide(this.#aliased(use, outs, env, scope, depth));
    return { rows: { outs, rest }, scope };
  }

  #column(
    item: Item & { type: 'column' },
    index: number,
    scope: Scope,
    outs: Out[],
    rest: string[],
    env: Env | undefined,
    depth: number,
    unnamed: (index: number) => string,
  ): void {
    const [only] = item.uses;
    const alone = only?.type === 'column' && only.path.length === 1 && this.#holes.isExpansion(only.path[0] ?? '');
    if (alone && item.uses.length === 1 && item.name === only.path[0]) {
      // SELECT $(vFields) FROM t: columns that nobody knows.
      this.#expansions = true;
      rest.push(...scope.sources.flatMap((s) => (s.object === undefined ? s.rest : [s.object])));
      return;
    }
    const origins = item.uses.flatMap((use) => this.#valueOf(use, outs, env, scope, depth));
    let name = item.name === undefined ? unnamed(index) : this.#holes.restore(item.name);
    if (only?.type === 'column' && item.uses.length === 1 && only.path.at(-1) === item.name) {
      const whole = this.#related(only.path, scope);
      if (whole !== undefined && whole.column !== only.path[0]) name = whole.column;
    }
    outs.push({ name, origins: distinct(origins), star: false });
  }

  /** What an item reads; in some databases that may be a column that stands before it in the list. */
  #valueOf(use: Use, outs: readonly Out[], env: Env | undefined, scope: Scope, depth: number): readonly SqlOrigin[] {
    if (use.type === 'column' && use.path.length === 1 && LATERAL.includes(this.#request.dialect ?? '')) {
      const before = outOf({ outs, rest: [] }, use.path[0] ?? '');
      const known = scope.sources.some((source) => outOf(source, use.path[0] ?? '') !== undefined);
      if (before !== undefined && !known)
        return weakened(inRole(before.origins, use.role), 'inferred', 'lateral-alias');
    }
    return this.#use(use, env, scope, depth);
  }

  /** What GROUP BY, ORDER BY and HAVING read: positions and names of the select list before columns. */
  #aliased(
    use: Use,
    outs: readonly Out[],
    env: Env | undefined,
    scope: Scope | undefined,
    depth: number,
  ): readonly SqlOrigin[] {
    if (use.type === 'position') return inRole(outs[use.position - 1]?.origins ?? [], use.role);
    if (use.type === 'column' && use.path.length === 1) {
      const out = outOf({ outs, rest: [] }, use.path[0] ?? '');
      if (out !== undefined) return inRole(out.origins, use.role);
    }
    return this.#use(use, env, scope, depth);
  }

  #use(use: Use, env: Env | undefined, scope: Scope | undefined, depth: number): readonly SqlOrigin[] {
    // A name is looked for among all sources.
    this.#step(1 + Math.floor((scope?.sources.length ?? 0) / 50));
    if (use.type === 'position') return [];
    if (use.type === 'shared') return inRole(unqualified(scope, this.#holes.restore(use.name)) ?? [], 'key');
    if (use.type === 'query') {
      const rows = this.#query(use.query, env, scope, depth + 1, noName);
      return inRole(distinct(rows.outs.flatMap((out) => out.origins)), use.role);
    }
    const path = use.path.map((part) => this.#holes.restore(part));
    return inRole(this.#path(path, scope), use.role);
  }

  #path(path: readonly string[], scope: Scope | undefined): readonly SqlOrigin[] {
    const [first] = path;
    if (first === undefined) return [];
    if (path.length === 1) {
      if (this.#holes.isExpansion(first)) return this.#unknown(scope);
      if (first.startsWith('@') || NO_COLUMNS.has(first.toLowerCase())) return [];
      const origins = unqualified(scope, first) ?? [];
      if (origins.some((o) => o.reasons.includes('join-candidate'))) this.#ambiguous.add(first);
      return origins;
    }
    // `t.a`, `dbo.t.a`; what stands behind the column is a part of it: `t.record.part`.
    for (let at = path.length - 1; at > 0; at -= 1) {
      const source = sourceOf(scope, path.slice(0, at));
      const column = path[at] ?? '';
      if (source === undefined) continue;
      if (this.#holes.isExpansion(column))
        return this.#unknown({ sources: [source], shared: new Set(), outer: undefined });
      return columnOf(source, column) ?? [];
    }
    const related = this.#related(path, scope);
    return related === undefined ? [] : [related];
  }

  /**
   * `Account.Name` of a CRM's query language: a column of a related object, under its whole name; elsewhere a part of a
   * record. Only where there is one source, without an alias.
   */
  #related(path: readonly string[], scope: Scope | undefined): SqlOrigin | undefined {
    const [source, ...others] = scope?.sources ?? [];
    const unknown =
      path.length > 1 && path.every((_, at) => at === 0 || sourceOf(scope, path.slice(0, at)) === undefined);
    if (!unknown || source?.object === undefined || source.alias !== undefined || others.length > 0) return undefined;
    const parts = path.map((part) => this.#holes.restore(part));
    const column = RECORDS.includes(this.#request.dialect ?? '') ? (parts[0] ?? '') : parts.join('.');
    return { object: source.object, column, role: 'value', confidence: 'inferred', reasons: ['related'] };
  }

  /** An expansion in an expression: something of the only table, if there is only one. */
  #unknown(scope: Scope | undefined): readonly SqlOrigin[] {
    this.#expansions = true;
    const objects = (scope?.sources ?? []).flatMap((s) => (s.object === undefined ? s.rest : [s.object]));
    const [only, ...more] = objects;
    if (only === undefined || more.length > 0) return [];
    return [{ object: only, column: '*', role: 'value', confidence: 'opaque', reasons: ['expansion'] }];
  }

  #star(
    item: Item & { type: 'star' },
    scope: Scope,
    outs: Out[],
    rest: string[],
    env: Env | undefined,
    depth: number,
  ): void {
    const of = item.of.map((part) => this.#holes.restore(part));
    const asked = of.length === 0 ? undefined : sourceOf(scope, of);
    const sources = of.length === 0 ? scope.sources : asked === undefined ? [] : [asked];
    const shared = new Set<string>();
    for (const source of sources) {
      rest.push(...source.rest);
      this.#step(source.outs.length);
      for (const out of source.outs) {
        const key = out.name.toLowerCase();
        if (shared.has(key) || [...item.except, ...source.taken].some((name) => same(name, out.name))) continue;
        if (scope.shared.has(key) && of.length === 0) shared.add(key);
        const replaced = item.replace.find((r) => same(r.name, out.name));
        const origins = replaced?.uses.flatMap((use) => this.#use(use, env, scope, depth)) ?? out.origins;
        outs.push({ name: item.rename.get(key) ?? out.name, origins, star: true });
      }
    }
    // Of tables whose columns nobody knows, those that the list itself names are known still.
    if (sources.every((source) => source.rest.length === 0)) return;
    for (const { name, uses } of item.replace)
      outs.push({ name, origins: uses.flatMap((use) => this.#use(use, env, scope, depth)), star: false });
    for (const [from, to] of item.rename)
      outs.push({ name: to, origins: this.#path([...of, from], scope), star: false });
  }

  #source(from: From, env: Env | undefined, scope: Scope, depth: number): Source {
    this.#step();
    const alias =
      from.alias === undefined || this.#holes.isExpansion(from.alias) ? undefined : this.#holes.restore(from.alias);
    const bare = { alias, path: [] as readonly string[], object: undefined, any: undefined, taken: [] };
    if (from.type === 'query') {
      return { ...bare, ...renamed(this.#query(from.query, env, scope, depth + 1, noName), from.columns) };
    }
    if (from.type === 'object') {
      const path = from.path.map((part) => this.#holes.restore(part));
      for (let e = env; e !== undefined && from.path.length === 1; e = e.before) {
        if (!same(e.named.cte.name, from.name) || e.named.busy) continue;
        return { ...bare, path, ...renamed(this.#named(e, depth + 1), from.columns) };
      }
      return { ...bare, path, ...this.#object(this.#holes.restore(from.name), from.columns) };
    }
    if (from.type === 'made') {
      if (from.name !== undefined) return { ...bare, path: from.name.split('.'), ...this.#object(from.name, []) };
      const made = (uses: readonly Use[]) => {
        const origins = uses.flatMap((use) => this.#use(use, env, scope, depth));
        return distinct(weakened(origins, 'inferred', 'unfolded'));
      };
      const any = made(from.uses);
      const each = from.each?.map(made);
      const outs = from.columns.map((name, i) => ({ name, origins: each?.[i] ?? any, star: false }));
      return { ...bare, ...EMPTY, outs, any };
    }
    const inner = this.#source(from.from, env, scope, depth + 1);
    const own: Scope = { sources: [inner], shared: new Set(), outer: scope };
    const adds = from.adds.map(({ name, uses }) => ({
      name,
      origins: distinct(uses.flatMap((use) => this.#use(use, env, own, depth))),
      star: false,
    }));
    return { ...inner, alias: alias ?? inner.alias, ...turned(inner, adds, from.takes, from.columns) };
  }

  #object(name: string, columns: readonly string[]): Rows & { readonly object: string } {
    const object = this.#objects.get(name.toLowerCase()) ?? name;
    this.#objects.set(name.toLowerCase(), object);
    const known = this.#request.columns(object);
    const outs = (known ?? []).map((column, i): Out => {
      const origin: SqlOrigin = { object, column, role: 'value', confidence: 'exact', reasons: [] };
      return { name: columns[i] ?? column, origins: [origin], star: true };
    });
    return { object, outs, rest: known === undefined ? [object] : [] };
  }
}

/** When a column has nothing but its window (`RANK() OVER (ORDER BY a)`), that is what it is made of. */
function withValues(origins: readonly SqlOrigin[]): readonly SqlOrigin[] {
  if (origins.some(({ role }) => role === 'value')) return origins;
  return origins.map((o) => (o.role === 'group' || o.role === 'sort' ? { ...o, role: 'value' as const } : o));
}

const noName = (): string => '';
