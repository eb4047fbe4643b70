import type { ItemRecord } from '#protocol/inventory.ts';
import type { Page } from './page.ts';
import type { Queries, Sql } from './sql.ts';

type Kind = ItemRecord['kind'];
type ByKind = Readonly<Record<Kind, number>>;

export interface InventoryCounts {
  readonly kept: ByKind;
  readonly rejected: ByKind;
}

export interface InventoryRule extends InventoryCounts {
  readonly number: number;
  readonly rule: string | null;
}

export interface InventoryItem {
  readonly kind: Kind;
  readonly key: string;
  readonly name: string;
  readonly within: string | null;
  readonly kept: boolean;
  readonly rule: string | null;
}

export interface InventoryQuery {
  readonly kind?: Kind | undefined;
  readonly kept?: boolean | undefined;
  /** Number of a rule; 0: items that no rule decided. */
  readonly rule?: number | undefined;
  /** A part of the name. */
  readonly q?: string | undefined;
  readonly after?: readonly string[] | undefined;
  readonly limit: number;
}

/** SQL for what the inventory of a job row `j` has found so far; null where no list is kept. */
export const inventoryCounts = (sql: Queries) => sql`
  case when j.kind = 'inventory' and exists (select from attempt a where a.organisation_id = j.organisation_id
    and a.job_id = j.id and a.attempt = j.attempt and a.checks_from is not null) then (
    select jsonb_build_object('kept', ${byKind(sql, true)}, 'rejected', ${byKind(sql, false)}) from inventory_count c
    where c.organisation_id = j.organisation_id and c.job_id = j.id and c.attempt = j.attempt) end`;

const byKind = (sql: Queries, kept: boolean) => sql`jsonb_build_object(
  'stream', coalesce(sum(c.items) filter (where c.kept = ${kept} and c.kind = 'stream'), 0),
  'app', coalesce(sum(c.items) filter (where c.kept = ${kept} and c.kind = 'app'), 0),
  'sheet', coalesce(sum(c.items) filter (where c.kept = ${kept} and c.kind = 'sheet'), 0))`;

/** The rules of an inventory in their order with what each decided; the last one stands for items that no rule decided. */
export const listInventoryRules = (sql: Sql, organisationId: string, jobId: string): Promise<InventoryRule[]> =>
  sql<InventoryRule[]>`
    select r.number, r.rule, jsonb_build_object(
      'stream', coalesce(sum(c.items) filter (where c.kept and c.kind = 'stream'), 0),
      'app', coalesce(sum(c.items) filter (where c.kept and c.kind = 'app'), 0),
      'sheet', coalesce(sum(c.items) filter (where c.kept and c.kind = 'sheet'), 0)) as kept,
      jsonb_build_object(
      'stream', coalesce(sum(c.items) filter (where not c.kept and c.kind = 'stream'), 0),
      'app', coalesce(sum(c.items) filter (where not c.kept and c.kind = 'app'), 0),
      'sheet', coalesce(sum(c.items) filter (where not c.kept and c.kind = 'sheet'), 0)) as rejected
    from job j
      join (select organisation_id, job_id, attempt, number, rule from inventory_rule
        union all select organisation_id, job_id, attempt, 0, null from attempt where checks_from is not null) r
        on r.organisation_id = j.organisation_id and r.job_id = j.id and r.attempt = j.attempt
      left join inventory_count c on c.organisation_id = r.organisation_id and c.job_id = r.job_id
        and c.attempt = r.attempt and c.rule = r.number
    where j.organisation_id = ${organisationId} and j.id = ${jobId}
    group by r.number, r.rule order by r.number = 0, r.number`;

/** Items of an inventory by name; of one that began anew only those of the latest attempt. */
export const listInventoryItems = async (
  sql: Sql,
  organisationId: string,
  jobId: string,
  query: InventoryQuery,
): Promise<Page<InventoryItem>> => {
  const { kind, kept, rule, after } = query;
  const q = query.q?.trim().toLowerCase() ?? '';
  const [afterName = '', afterPosition = '0'] = after ?? [];
  const pattern = `%${q.replace(/[\\%_]/g, '\\$&')}%`;
  // Known beforehand, so that the index gives them in their order: a join would read and sort all of them for each page.
  const [job] = await sql<{ attempt: number }[]>`
    select attempt from job where organisation_id = ${organisationId} and id = ${jobId}`;
  if (!job) return { items: [], next: null };
  const own = sql`organisation_id = ${organisationId} and job_id = ${jobId} and attempt = ${job.attempt}`;
  const rows = await sql<(InventoryItem & { sortName: string; position: string })[]>`
    select i.kind, i.key, i.name, i.within, i.kept, r.rule, i.sort_name as "sortName", i.position::text as position
    from (select * from inventory_item where ${own}
        and ${kind === undefined ? sql`true` : sql`kind = ${kind}`}
        and ${kept === undefined ? sql`true` : sql`kept = ${kept}`}
        and ${rule === undefined ? sql`true` : sql`rule = ${rule}`}
        and ${q === '' ? sql`true` : sql`(lower(name) like ${pattern} or sort_name like ${pattern})`}
        and ${after ? sql`(sort_name, position) > (${afterName}, ${afterPosition}::text::bigint)` : sql`true`}
        order by sort_name, position limit ${query.limit + 1}) i
      left join (select number, rule from inventory_rule where ${own}) r on r.number = i.rule
    order by i.sort_name, i.position`;
  const items = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? items.at(-1) : undefined;
  return {
    items: items.map(({ sortName: _, position: __, ...item }) => item),
    next: last ? [last.sortName, last.position] : null,
  };
};
