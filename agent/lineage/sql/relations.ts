import type { SqlOrigin } from './analysis.ts';
import { distinct, weakened } from './origins.ts';

/** A column that a query gives. `star`: nobody wrote its name. */
export interface Out {
  readonly name: string;
  readonly origins: readonly SqlOrigin[];
  readonly star: boolean;
}

/** What a query gives. */
export interface Rows {
  readonly outs: readonly Out[];
  /** Objects of which it gives columns that are not known. */
  readonly rest: readonly string[];
}

/** What gives nothing. */
export const EMPTY: Rows = { outs: [], rest: [] };

/** Something in FROM, under the name that columns are called by. */
export interface Source extends Rows {
  readonly alias: string | undefined;
  /** Parts of the table's name. */
  readonly path: readonly string[];
  /** A table of the database, or a function in it. */
  readonly object: string | undefined;
  /** Of columns made of others (UNNEST): where each of them comes from. */
  readonly any: readonly SqlOrigin[] | undefined;
  /** Columns that `*` does not give, for PIVOT used them up. */
  readonly taken: readonly string[];
}

/** What a name can mean, level by level outwards. */
export interface Scope {
  readonly sources: readonly Source[];
  /** Names of USING: one column made of several. */
  readonly shared: ReadonlySet<string>;
  readonly outer: Scope | undefined;
}

export const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** The first column of each name, of lists that are long; they only ever grow. */
const INDEXES = new WeakMap<readonly Out[], { readonly byName: Map<string, Out>; read: number }>();
const LONG = 16;

/** The column of that name. */
export const outOf = ({ outs }: Rows, asked: string): Out | undefined => {
  // Snowflake calls what PIVOT makes of a text by that text, quotes included: `"'Q1'"`.
  const name = /^'.+'$/.test(asked) ? asked.slice(1, -1) : asked;
  if (outs.length < LONG) return outs.find((out) => same(out.name, name));
  const index = INDEXES.get(outs) ?? { byName: new Map<string, Out>(), read: 0 };
  INDEXES.set(outs, index);
  for (; index.read < outs.length; index.read += 1) {
    const out = outs[index.read] as Out;
    const key = out.name.toLowerCase();
    if (!index.byName.has(key)) index.byName.set(key, out);
  }
  return index.byName.get(name.toLowerCase());
};

const origin = (object: string, column: string): SqlOrigin => ({
  object,
  column,
  role: 'value',
  confidence: 'exact',
  reasons: [],
});

/** Origins of a column that is asked for by its source's name; undefined when that cannot have it. */
export function columnOf(source: Source, name: string): readonly SqlOrigin[] | undefined {
  const out = outOf(source, name);
  if (out !== undefined) return out.origins;
  if (source.any !== undefined) return source.any;
  const [first, ...more] = source.rest;
  // What is known of a table's columns may be old; the statement says that there is this one.
  if (first === undefined) return source.object === undefined ? undefined : [origin(source.object, name)];
  if (more.length === 0) return [origin(first, name)];
  return weakened(
    source.rest.map((object) => origin(object, name)),
    'candidate',
    'join-candidate',
  );
}

/** The source that is called so: by its alias, else by the end of its name. */
export function sourceOf(scope: Scope | undefined, qualifier: readonly string[]): Source | undefined {
  const last = qualifier.at(-1) ?? '';
  for (let level = scope; level !== undefined; level = level.outer) {
    const aliased = level.sources.find((s) => qualifier.length === 1 && s.alias !== undefined && same(s.alias, last));
    if (aliased !== undefined) return aliased;
    const ends = (source: Source) => {
      const end = source.path.slice(-qualifier.length);
      return end.length === qualifier.length && end.every((part, i) => same(part, qualifier[i] ?? ''));
    };
    const named = level.sources.find((s) => s.alias === undefined && ends(s)) ?? level.sources.find(ends);
    if (named !== undefined) return named;
  }
  return undefined;
}

/** Origins of a column without its table's name. */
export function unqualified(scope: Scope | undefined, name: string): readonly SqlOrigin[] | undefined {
  if (scope === undefined) return undefined;
  const { sources } = scope;
  const having = sources.filter((source) => outOf(source, name) !== undefined);
  // UNNEST(x) AS e: `e` is the element itself.
  const element =
    having.length === 0
      ? sources.find((s) => s.any !== undefined && s.alias !== undefined && same(s.alias, name))
      : undefined;
  if (element !== undefined) return element.any;
  const open = sources.filter((source) => source.rest.length > 0);
  const possible = open.length > 0 ? open : sources.filter((source) => source.any !== undefined);
  if (scope.shared.has(name.toLowerCase())) {
    return [...having, ...possible.filter((s) => !having.includes(s))].flatMap((s) => columnOf(s, name) ?? []);
  }
  const candidates = having.length > 0 ? having : possible;
  const [first, ...more] = candidates;
  if (first === undefined) return beyond(scope, name);
  if (more.length > 0) {
    const origins = candidates.flatMap((source) => columnOf(source, name) ?? []);
    return weakened(origins, 'candidate', 'join-candidate');
  }
  const origins = columnOf(first, name) ?? [];
  if (sources.length === 1) return origins;
  if (having.length === 0) return weakened(origins, 'inferred', 'one-candidate');
  return first.object === undefined ? origins : weakened(origins, 'inferred', 'columns');
}

/** All columns are known and it is none of them: of an outer query, else of the only table still. */
function beyond({ sources, outer }: Scope, name: string): readonly SqlOrigin[] | undefined {
  const [only, ...others] = sources;
  const found = unqualified(outer, name);
  if (found !== undefined || only?.object === undefined || others.length > 0) return found;
  return columnOf(only, name);
}

/** With the names that were given behind the alias, in order. */
export function renamed(rows: Rows, columns: readonly string[]): Rows {
  if (columns.length === 0) return rows;
  return { ...rows, outs: rows.outs.map((out, i) => ({ ...out, name: columns[i] ?? out.name })) };
}

/** What PIVOT gives, under the names behind its alias: these are of columns that nobody knows, too, and the new ones come last. */
export function turned(inner: Rows, adds: readonly Out[], takes: readonly string[], names: readonly string[]) {
  const outs = [...inner.outs, ...adds];
  if (names.length === 0) return { outs, taken: takes };
  const left = outs.filter((out) => !takes.some((name) => same(name, out.name)));
  const own = names.slice(Math.max(0, names.length - left.length));
  return { outs: renamed({ outs: left, rest: [] }, own).outs, taken: [] };
}

/** The branches of UNION column by column; by name when a `*` hides how many there are. */
export function united(parts: readonly Rows[]): Rows {
  const [first, ...others] = parts;
  if (first === undefined) return EMPTY;
  if (others.length === 0) return first;
  const rest = [...new Set(parts.flatMap((part) => part.rest))];
  if (rest.length === 0) {
    const outs = first.outs.map((out, i) => ({
      ...out,
      origins: distinct([...out.origins, ...others.flatMap((part) => part.outs[i]?.origins ?? [])]),
    }));
    return { outs, rest };
  }
  const byName = new Map<string, Out[]>();
  for (const part of parts) {
    // Of columns of one name the first counts.
    const own = new Set<string>();
    for (const out of part.outs) {
      const key = out.name.toLowerCase();
      if (own.has(key)) continue;
      own.add(key);
      const known = byName.get(key);
      if (known === undefined) byName.set(key, [out]);
      else known.push(out);
    }
  }
  const outs = [...byName.values()].flatMap((found) => {
    const [one] = found;
    return one === undefined ? [] : [{ ...one, origins: distinct(found.flatMap((out) => out.origins)) }];
  });
  return { outs, rest };
}

/** Names as they arrive: drivers number the second column of a name. */
export function named(outs: readonly Out[]): Out[] {
  const seen = new Set<string>();
  const numbers = new Map<string, number>();
  return outs.map((out) => {
    let name = out.name;
    let n = numbers.get(out.name) ?? 1;
    for (; seen.has(name); n += 1) name = `${out.name}${n}`;
    numbers.set(out.name, n);
    seen.add(name);
    return name === out.name ? out : { ...out, name };
  });
}
