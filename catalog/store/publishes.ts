import type { AssetKind } from '#protocol/records.ts';
import type { Page } from './page.ts';
import type { Sql } from './sql.ts';

interface Named {
  readonly key: string;
  readonly kind: AssetKind;
  readonly name: string;
  readonly exists: boolean;
}

export interface Difference {
  readonly isFirst: boolean;
  readonly counts: { readonly added: number; readonly changed: number; readonly removed: number };
  readonly added: Named[];
  readonly changed: Named[];
  readonly removed: Named[];
}

/** What a crawl changed as a whole. */
export interface Publish {
  readonly job: string;
  readonly state: string;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  readonly createdBy: string;
  readonly mode: 'full' | 'delta' | 'some';
  readonly scopes: number;
  readonly scopesChanged: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

type Names = Readonly<Record<'added' | 'changed' | 'removed', readonly Omit<Named, 'exists'>[]>>;

/** What the publish of one scope changed, by name; undefined when the job published no such scope. */
export const findDifference = async (
  sql: Sql,
  organisationId: string,
  jobId: string,
  scope: string,
): Promise<Difference | undefined> => {
  const [row] = await sql<{ added: number; changed: number; removed: number; difference: Names | null }[]>`
    select added, changed, removed, difference from published_scope
    where organisation_id = ${organisationId} and job_id = ${jobId} and scope = ${scope}
    order by attempt desc limit 1`;
  if (!row) return undefined;
  const { difference, ...counts } = row;
  const names: Names = difference ?? { added: [], changed: [], removed: [] };
  const keys = [...names.added, ...names.changed, ...names.removed].map(({ key }) => key);
  const there = await sql<{ key: string }[]>`select distinct key from asset
    where organisation_id = ${organisationId} and key = any(${sql.array(keys)}::text[])`;
  const known = new Set(there.map(({ key }) => key));
  const shown = (list: Names['added']): Named[] =>
    list.map(({ key, kind, name }) => ({ key, kind, name, exists: known.has(key) }));
  return {
    isFirst: difference === null,
    counts,
    added: shown(names.added),
    changed: shown(names.changed),
    removed: shown(names.removed),
  };
};

/** Crawls of a connection that published something, the newest first, with what each changed. */
export const listPublishes = async (
  sql: Sql,
  organisationId: string,
  connection: string,
  query: { readonly after?: readonly string[] | undefined; readonly limit: number },
): Promise<Page<Publish>> => {
  const [createdAt = '', id = ''] = query.after ?? [];
  const rows = await sql<(Publish & { cursor: string })[]>`
    select j.id as job, j.state, j.created_at as "createdAt", j.finished_at as "finishedAt", j.created_by as "createdBy",
      case when j.spec::jsonb #> '{options,only}' is not null then 'some'
        when j.spec::jsonb #>> '{options,mode}' = 'full' then 'full' else 'delta' end as mode,
      j.created_at::text as cursor, p.*
    from job j cross join lateral (
      select count(distinct s.scope)::int as scopes,
        count(distinct s.scope) filter (where s.added + s.changed + s.removed > 0)::int as "scopesChanged",
        coalesce(sum(s.added), 0)::int as added, coalesce(sum(s.changed), 0)::int as changed,
        coalesce(sum(s.removed), 0)::int as removed
      from published_scope s where s.organisation_id = j.organisation_id and s.job_id = j.id) p
    where j.organisation_id = ${organisationId} and j.connection = ${connection} and j.kind = 'crawl' and p.scopes > 0
      and ${query.after ? sql`(j.created_at, j.id) < (${createdAt}::text::timestamptz, ${id})` : sql`true`}
    order by j.created_at desc, j.id desc limit ${query.limit + 1}`;
  const items = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? items.at(-1) : undefined;
  return { items: items.map(({ cursor: _, ...item }) => item), next: last ? [last.cursor, last.job] : null };
};
