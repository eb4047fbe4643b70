import type { Role } from '../result.ts';
import type { From, Query, Use } from './query.ts';
import { at, isTree, kindOf, list, nameOf, namesOf, type Tree } from './syntax-tree.ts';

/** How expressions and queries are read at this depth. */
export interface Reading {
  readonly query: (value: unknown) => Query;
  readonly isQuery: (value: unknown) => boolean;
  readonly uses: (value: unknown, role: Role) => Use[];
  readonly path: (value: unknown) => string[] | undefined;
  /** Undefined: too deep to go on. */
  readonly deeper: () => Reading | undefined;
}

/** What stands in FROM, and what its conditions read. */
export interface Sources {
  readonly sources: readonly From[];
  readonly uses: readonly Use[];
}

const NONE: Sources = { sources: [], uses: [] };

/** A join's right side and its condition: columns of ON, and of USING in both tables. */
export function joined(join: Tree, reading: Reading): Sources {
  const right = parsedSources(at(join, 'this'), reading);
  const using = namesOf(list(join, 'using')).map((name): Use => ({ type: 'shared', name }));
  return { sources: right.sources, uses: [...right.uses, ...reading.uses(at(join, 'on'), 'key'), ...using] };
}

/** An entry of FROM: a table, a query, tables joined in parentheses, a function, PIVOT. */
export function parsedSources(value: unknown, outer: Reading): Sources {
  const reading = outer.deeper();
  const node = kindOf(value);
  if (node === undefined || reading === undefined) return NONE;
  const [kind, tree] = node;
  const alias = nameOf(at(tree, 'alias')) ?? nameOf(at(tree, 'table_alias'));
  const columns = namesOf(list(tree, 'column_aliases'));
  if (kind === 'table') return { sources: [table(tree, alias, columns)], uses: [] };
  if (kind === 'subquery' || reading.isQuery(value)) {
    const inner = kind === 'subquery' ? at(tree, 'this') : value;
    if (reading.isQuery(inner)) return one({ type: 'query', query: reading.query(inner), alias, columns });
    if (kindOf(inner)?.[0] !== 'values') return parsedSources(inner, reading);
    const each = columns.map((_, i) => reading.uses(valuesAt(inner, i), 'value'));
    return one({ type: 'made', name: undefined, uses: reading.uses(inner, 'value'), each, alias, columns });
  }
  if (kind === 'paren') return parsedSources(at(tree, 'this'), reading);
  if (kind === 'joined_table') {
    const parts = [parsedSources(at(tree, 'left'), reading)];
    for (const join of list(tree, 'joins')) if (isTree(join)) parts.push(joined(join, reading));
    return { sources: parts.flatMap((p) => p.sources), uses: parts.flatMap((p) => p.uses) };
  }
  if (kind === 'pivot' || kind === 'unpivot') return turned(kind, tree, alias, reading);
  if (kind === 'alias') {
    const inner = parsedSources(at(tree, 'this'), reading);
    const [only] = inner.sources;
    if (only === undefined || inner.sources.length > 1) return inner;
    return { sources: [{ ...only, alias, ...(columns.length > 0 ? { columns } : {}) }], uses: inner.uses };
  }
  const name = functionName(value);
  // `o.Doc.nodes('/a')` of SQL Server: rows made of a column that holds XML.
  const path = name !== undefined && /\.nodes$/i.test(name) ? name.split('.').slice(0, -1) : undefined;
  if (path !== undefined)
    return one({ type: 'made', name: undefined, uses: [{ type: 'column', path, role: 'value' }], alias, columns });
  return one({ type: 'made', name, uses: reading.uses(value, 'value'), alias, columns });
}

/** The i-th value of each row of `VALUES (…), (…)`. */
const valuesAt = (values: unknown, i: number): readonly unknown[] =>
  list(kindOf(values)?.[1] ?? {}, 'expressions').flatMap((row) => (isTree(row) ? list(row, 'expressions')[i] : []));

const one = (from: From): Sources => ({ sources: [from], uses: [] });

function table(tree: Tree, alias: string | undefined, columns: readonly string[]): From {
  const name = nameOf(at(tree, 'name')) ?? '';
  const schema = at(tree, 'schema');
  const catalog = nameOf(at(tree, 'catalog'));
  const parts = [name];
  // `db..t` has a schema without a name.
  if (isTree(schema) && (nameOf(schema) !== undefined || catalog !== undefined)) parts.unshift(nameOf(schema) ?? '');
  if (catalog !== undefined) parts.unshift(catalog);
  return { type: 'object', name: parts.join('.'), path: parts.flatMap((part) => part.split(/[./:]/)), alias, columns };
}

/** Functions that make columns out of columns; every other is a source of its own. */
export const UNFOLDING =
  /^(?:unnest|flatten|table|(?:pos)?explode(?:_outer)?|inline(?:_outer)?|stack|json_table|openjson|xmltable|values|generate_series|(?:strtok_)?split_to_table|string_split|string_to_table|regexp_split_to_table|regexp_matches|jsonb?_(?:array_elements|each)(?:_text)?|jsonb?_(?:to_record(?:set)?|populate_recordset|object_keys)|lateral)$/i;

function functionName(value: unknown): string | undefined {
  const node = kindOf(value);
  if (node === undefined) return undefined;
  const [kind, tree] = node;
  if (kind === 'lateral') return functionName(at(tree, 'this'));
  if (kind === 'method_call') {
    const method = nameOf(at(tree, 'method'));
    const on = kindOf(at(tree, 'this'));
    return method === undefined
      ? undefined
      : [on === undefined ? undefined : nameOf(at(on[1], 'name')), method].join('.');
  }
  if (kind !== 'function') return undefined;
  const name = nameOf(tree);
  if (name !== undefined && /^table$/i.test(name)) return functionName(list(tree, 'args')[0]);
  return name === undefined || UNFOLDING.test(name) ? undefined : name;
}

type Turn = Pick<From & { readonly type: 'turned' }, 'adds' | 'takes'>;

function turned(kind: 'pivot' | 'unpivot', tree: Tree, alias: string | undefined, reading: Reading): Sources {
  const inner = parsedSources(at(tree, 'this'), reading);
  const [from, ...more] = inner.sources;
  if (from === undefined || more.length > 0) return inner;
  const { adds, takes } = kind === 'pivot' ? pivot(tree, reading) : unpivot(tree, reading);
  const columns = namesOf(list(tree, 'alias_columns'));
  return { sources: [{ type: 'turned', from, adds, takes, alias, columns }], uses: inner.uses };
}

/** PIVOT (SUM(v) FOR m IN (a, b)): columns a and b, made of v for values of m. */
function pivot(tree: Tree, reading: Reading): Turn {
  const aggregated = reading.uses(at(tree, 'expressions'), 'value');
  const adds: { name: string; uses: Use[] }[] = [];
  const takes: string[] = aggregated.flatMap((use) => (use.type === 'column' ? [use.path.at(-1) ?? ''] : []));
  for (const field of list(tree, 'fields')) {
    const node = kindOf(field);
    if (node?.[0] !== 'in') continue;
    const by = reading.uses(at(node[1], 'this'), 'attribute');
    takes.push(...by.flatMap((use) => (use.type === 'column' ? [use.path.at(-1) ?? ''] : [])));
    for (const entry of list(node[1], 'expressions')) {
      const name = entryName(entry, reading);
      if (name !== undefined) adds.push({ name, uses: [...aggregated, ...by] });
    }
  }
  return { adds, takes };
}

function entryName(entry: unknown, reading: Reading): string | undefined {
  const node = kindOf(entry);
  if (node === undefined) return undefined;
  const [kind, tree] = node;
  if (kind === 'alias' || kind === 'pivot_alias')
    return nameOf(at(tree, 'alias')) ?? entryName(at(tree, 'alias'), reading);
  if (kind === 'literal') return String(tree['value']);
  if (kind === 'identifier') return nameOf(tree);
  return reading.path(entry)?.at(-1);
}

/** UNPIVOT (v FOR m IN (a, b)): columns v, made of a and b, and m, made of their names. */
function unpivot(tree: Tree, reading: Reading): Turn {
  const columns = list(tree, 'columns').map((entry) =>
    ['alias', 'pivot_alias'].includes(kindOf(entry)?.[0] ?? '') ? at(kindOf(entry)?.[1] ?? {}, 'this') : entry,
  );
  const names = columns.flatMap((entry) => reading.path(entry)?.at(-1) ?? nameOf(kindOf(entry)?.[1]) ?? []);
  const used = (role: Role) => names.map((name): Use => ({ type: 'column', path: [name], role }));
  const value = nameOf(at(tree, 'value_column'));
  const name = nameOf(at(tree, 'name_column'));
  const adds = [];
  if (value !== undefined) adds.push({ name: value, uses: used('value') });
  if (name !== undefined) adds.push({ name, uses: used('attribute') });
  return { adds, takes: names };
}
