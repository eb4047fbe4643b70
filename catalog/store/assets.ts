import type { ErrorInfo } from '#protocol/errors.ts';
import {
  type AssetKind,
  EDGE_KINDS,
  type EdgeKind,
  type Missing,
  type Outcome,
  type Reason,
} from '#protocol/records.ts';
import type { Page } from './page.ts';
import type { Queries, Sql } from './sql.ts';

export interface AssetSummary {
  readonly key: string;
  readonly kind: AssetKind;
  readonly name: string;
  readonly parent: string | null;
  readonly connection: string;
  readonly children: number;
  readonly description: string | null;
  readonly parentName: string | null;
  readonly appName: string | null;
  readonly goneAt: Date | null;
}

export interface Asset extends AssetSummary {
  readonly attributes: Record<string, unknown>;
  readonly childrenByKind: Partial<Record<AssetKind, number>>;
  readonly path: { key: string; kind: AssetKind; name: string }[];
  readonly edges: {
    kind: EdgeKind;
    direction: 'out' | 'in';
    other: string;
    otherName: string | null;
    otherKind: AssetKind | null;
  }[];
  readonly firstSeenAt: Date;
  readonly changedAt: Date;
  readonly lastRead: LastRead | null;
}

/** What became of a scope in the newest crawl that dealt with it. */
interface LastRead {
  readonly job: string | null;
  readonly outcome: Outcome;
  readonly reason: Reason | null;
  readonly missing: Missing[];
  readonly error: ErrorInfo | null;
  readonly publishedAt: Date;
}

export interface AssetQuery {
  readonly connection?: string | undefined;
  readonly kind?: AssetKind | undefined;
  readonly parent?: string | undefined;
  readonly q?: string | undefined;
  readonly after?: readonly string[] | undefined;
  readonly limit: number;
}

const SEARCHED_CHARACTERS = 500;
const SORTED_CHARACTERS = 64;
/** Of each kind and direction: a scan of the index that ends there, also where everything is derived from one column. */
const MOST_EDGES = 200;
const DEEPEST_PATH = 40;
/** From this length on a query may be the id at the end of a key, as copied from a URL. */
const SHORTEST_ID = 8;

/** The first characters, never half of one. */
const cut = (text: string, characters: number): string =>
  text.length <= characters
    ? text
    : Array.from(text.slice(0, characters * 2))
        .slice(0, characters)
        .join('');

/** What an asset is found by: name and description in lower case. */
export const searchText = (name: string, description: unknown): string =>
  [name, ...(typeof description === 'string' ? [description] : [])]
    .map((text) => cut(text, SEARCHED_CHARACTERS).toLowerCase())
    .join('\n');

/** What lists are ordered by. */
export const sortName = (name: string): string => cut(name.trimStart(), SORTED_CHARACTERS).toLowerCase();

const literal = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

/** A dataset or column may come from several scopes: one row stands for all. */
const once = (sql: Queries) => sql`(a.kind not in ('dataset', 'column') or not exists (
  select from asset b where b.organisation_id = a.organisation_id and b.key = a.key and b.scope_id < a.scope_id))`;

const matches = (sql: Queries, q: string) => {
  const pattern = `%${literal(q.toLowerCase())}%`;
  if (q.length < SHORTEST_ID || /\s/.test(q)) return sql`a.search_text like ${pattern}`;
  const ending = `${literal(Array.from(q).reverse().join(''))}%`;
  return sql`(a.search_text like ${pattern} or reverse(a.key) like ${ending})`;
};

const summary = (sql: Queries) => sql`a.key, a.kind, a.name, a.parent, a.connection, a.gone_at as "goneAt",
  case a.kind when 'dataset'
    then (select count(distinct b.key)::int from asset b where b.organisation_id = a.organisation_id and b.parent = a.key)
    else (select count(*)::int from asset b where b.organisation_id = a.organisation_id and b.parent = a.key)
  end as children,
  left(a.attributes ->> 'description', 2000) as description,
  (select left(p.name, 300) from asset p where p.organisation_id = a.organisation_id and p.key = a.parent
    order by p.scope_id limit 1) as "parentName",
  (select left(s.name, 300) from scope s where s.organisation_id = a.organisation_id and s.id = a.scope_id
    and s.kind = 'app' and s.key <> a.key) as "appName"`;

/** Assets by kind and name: below `parent`, or found by `q`, or of a kind; without any of these the sites. */
export const listAssets = async (sql: Sql, organisationId: string, query: AssetQuery): Promise<Page<AssetSummary>> => {
  const q = query.q?.trim() ?? '';
  const { connection, parent, after } = query;
  const kind = query.kind ?? (parent === undefined && q === '' ? 'site' : undefined);
  const [afterKind = '', afterName = '', afterKey = ''] = after ?? [];
  const rows = await sql<(AssetSummary & { sortName: string })[]>`
    select ${summary(sql)}, a.sort_name as "sortName" from asset a
    where a.organisation_id = ${organisationId}
      and ${connection === undefined ? sql`true` : sql`a.connection = ${connection}`}
      and ${kind === undefined ? sql`true` : sql`a.kind = ${kind}`}
      and ${parent === undefined ? sql`true` : sql`a.parent = ${parent}`}
      and ${q === '' ? sql`true` : matches(sql, q)}
      and ${after ? sql`(a.kind, a.sort_name, a.key) > (${afterKind}, ${afterName}, ${afterKey})` : sql`true`}
      and ${once(sql)}
    order by a.kind, a.sort_name, a.key limit ${query.limit + 1}`;
  const items = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? items.at(-1) : undefined;
  return {
    items: items.map(({ sortName: _, ...item }) => item),
    next: last ? [last.kind, last.sortName, last.key] : null,
  };
};

/** One asset with all that is known of it; undefined when the organisation has no such key. */
export const findAsset = async (sql: Sql, organisationId: string, key: string): Promise<Asset | undefined> => {
  const [asset] = await sql<Omit<Asset, 'path' | 'edges' | 'childrenByKind' | 'lastRead'>[]>`
    select ${summary(sql)}, a.attributes, a.first_seen_at as "firstSeenAt", a.changed_at as "changedAt"
    from asset a where a.organisation_id = ${organisationId} and a.key = ${key} order by a.scope_id limit 1`;
  if (!asset) return undefined;
  const path = await sql<Asset['path']>`
    with recursive up as (
      select a.key, a.kind, a.name, a.parent, 1 as depth from asset a
      where a.organisation_id = ${organisationId} and a.key = ${asset.parent}
      union all
      select a.key, a.kind, a.name, a.parent, up.depth + 1 from up
        join asset a on a.organisation_id = ${organisationId} and a.key = up.parent
      where up.depth < ${DEEPEST_PATH}
    ) select key, kind, name from up order by depth desc`;
  const edges = await sql<Asset['edges']>`
    select e.kind, e.direction, e.other, o.name as "otherName", o.kind as "otherKind" from (
      select distinct k.kind, 'out' as direction, e.other from unnest(${sql.array([...EDGE_KINDS])}::text[]) as k(kind)
        cross join lateral (select to_key as other from edge where organisation_id = ${organisationId}
          and from_key = ${key} and edge.kind = k.kind order by to_key limit ${MOST_EDGES}) e
      union
      select distinct k.kind, 'in' as direction, e.other from unnest(${sql.array([...EDGE_KINDS])}::text[]) as k(kind)
        cross join lateral (select from_key as other from edge where organisation_id = ${organisationId}
          and to_key = ${key} and edge.kind = k.kind order by from_key limit ${MOST_EDGES}) e) e
    left join lateral (select a.name, a.kind from asset a
      where a.organisation_id = ${organisationId} and a.key = e.other order by a.scope_id limit 1) o on true
    order by e.direction desc, e.kind, o.name, e.other`;
  // Columns come from each scope that reads or writes them; counting all else by key would be slow for nothing.
  const counted = asset.kind === 'dataset' ? sql`count(distinct key)` : sql`count(*)`;
  const kinds = await sql<{ kind: AssetKind; n: number }[]>`
    select kind, ${counted}::int as n from asset where organisation_id = ${organisationId} and parent = ${key} group by kind`;
  const lastRead = (await findLastRead(sql, organisationId, key)) ?? null;
  return { ...asset, path, edges, lastRead, childrenByKind: Object.fromEntries(kinds.map(({ kind, n }) => [kind, n])) };
};

/** Of the scope with this key; undefined when no scope has it. The job is the one that named the scope last. */
const findLastRead = async (sql: Sql, organisationId: string, key: string): Promise<LastRead | undefined> => {
  const [row] = await sql<LastRead[]>`
    select p.job_id as job, coalesce(p.outcome, s.outcome) as outcome, coalesce(p.reason, s.reason) as reason,
      s.missing, coalesce(p.error, s.error) as error,
      coalesce(p.published_at, s.looked_at, s.published_at) as "publishedAt"
    from scope s left join published_scope p on p.organisation_id = s.organisation_id and p.scope = s.key
      and p.job_id = split_part(s.listed_by, '/', 1) and p.attempt::text = split_part(s.listed_by, '/', 2)
    where s.organisation_id = ${organisationId} and s.key = ${key}`;
  return row;
};

/**
 * How many assets and edges there are by kind. Besides the edges that crawls sent, `contains` counts the place of every
 * asset in the tree.
 */
export const countAll = async (
  sql: Sql,
  organisationId: string,
  connection?: string,
): Promise<{ assets: Partial<Record<AssetKind, number>>; edges: Partial<Record<EdgeKind, number>> }> => {
  const of = connection === undefined ? sql`true` : sql`connection = ${connection}`;
  // `count(parent)`: of those that lie somewhere.
  type Row = { kind: AssetKind; n: number; placed: number };
  const rows = await sql<Row[]>`
    select kind, count(*)::int as n, count(parent)::int as placed from asset
    where organisation_id = ${organisationId} and ${of} group by kind`;
  // These may come from several scopes; counting them by key is slow, so only where there are some.
  const shared = rows.some(({ kind }) => kind === 'dataset' || kind === 'column')
    ? await sql<Row[]>`
        select kind, count(distinct key)::int as n, (count(distinct key) filter (where parent is not null))::int as placed
        from asset where organisation_id = ${organisationId} and ${of} and kind in ('dataset', 'column') group by kind`
    : [];
  const edges = await sql<{ kind: EdgeKind; n: number }[]>`
    select kind, count(*)::int as n from edge where organisation_id = ${organisationId} and ${of} group by kind`;
  const byKind: Partial<Record<EdgeKind, number>> = Object.fromEntries(edges.map(({ kind, n }) => [kind, n]));
  const assets = new Map([...rows, ...shared].map((row) => [row.kind, row]));
  const placed = [...assets.values()].reduce((sum, row) => sum + row.placed, 0);
  if (placed > 0) byKind.contains = (byKind.contains ?? 0) + placed;
  return { assets: Object.fromEntries([...assets].map(([kind, { n }]) => [kind, n])), edges: byKind };
};
