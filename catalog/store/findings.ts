import type { AssetKind } from '#protocol/records.ts';
import { FINDING_CODES, FINDINGS, type FindingCode, type Severity } from './finding-codes.ts';
import { type Facts, sentence } from './finding-sentences.ts';
import type { Page } from './page.ts';
import type { Fragment, Sql, Transaction } from './sql.ts';

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly connection: string;
  /** The asset that it is about. */
  readonly key: string;
  readonly kind: AssetKind;
  readonly name: string;
  /** The app around it; null of what concerns the site. */
  readonly app: string | null;
  readonly appName: string | null;
  readonly message: string;
  readonly facts: Facts;
  readonly firstSeenAt: Date;
  readonly isNew: boolean;
}

export interface FindingQuery {
  readonly connection?: string | undefined;
  /** Key of an app: what is about something in it, or concerns it together with others. */
  readonly app?: string | undefined;
  readonly code?: FindingCode | undefined;
  readonly severity?: Severity | undefined;
  /** Only those that the newest crawl saw first. */
  readonly isNew?: boolean | undefined;
}

/** The newest crawl of a finding's connection that published anything saw it first. */
const isNew = (sql: Sql) => sql`(f.first_job is not null and f.first_job = (select j.id from job j
  where j.organisation_id = f.organisation_id and j.connection = f.connection and j.kind = 'crawl'
    and exists (select from published_scope p where p.organisation_id = j.organisation_id and p.job_id = j.id)
  order by j.created_at desc, j.id desc limit 1))`;

interface AppScope {
  readonly id: string;
  readonly connection: string;
}

/** The scope of an app, looked up by itself: within the query the planner would go through all findings for it. */
const scopeOf = async (sql: Sql, organisationId: string, app: string | undefined): Promise<AppScope | undefined> => {
  if (app === undefined) return undefined;
  const [scope] = await sql<AppScope[]>`select id::text, connection from scope
    where organisation_id = ${organisationId} and key = ${app} and kind = 'app'`;
  return scope ?? { id: '0', connection: '' };
};

/** It is about something in the app, or concerns it together with others. */
const concerns = (sql: Sql, { id, connection }: AppScope) => sql`(f.scope_id = ${id}::text::bigint
  or (f.connection = ${connection} and f.code = 'measure.two_formulas' and ${id}::text::bigint = any(f.apps)))`;

const matching = (sql: Sql, organisationId: string, query: FindingQuery, scope: AppScope | undefined) => {
  const { connection, code, severity } = query;
  const codes = FINDING_CODES.filter(
    (one) => (code === undefined || one === code) && (severity === undefined || FINDINGS[one] === severity),
  );
  return sql`f.organisation_id = ${organisationId} and f.code = any(${sql.array(codes)}::text[])
    and ${connection === undefined ? sql`true` : sql`f.connection = ${connection}`}
    and ${scope === undefined ? sql`true` : concerns(sql, scope)}
    and ${query.isNew === undefined ? sql`true` : sql`${isNew(sql)} = ${query.isNew}`}`;
};

/** What was found, the gravest first. `after`: rank, code, key and detail of the last one. */
export const listFindings = async (
  sql: Sql,
  organisationId: string,
  query: FindingQuery & { readonly after?: readonly string[] | undefined; readonly limit: number },
): Promise<Page<Finding>> => {
  const app = await scopeOf(sql, organisationId, query.app);
  const [rank = '0', key = '', detail = '', scope = '0'] = query.after ?? [];
  const rows = await sql<(Omit<Finding, 'message' | 'severity'> & { rank: number; detail: string; scope: string })[]>`
    select f.code, f.connection, f.key, a.kind, a.name, f.facts, f.first_seen_at as "firstSeenAt", ${isNew(sql)} as "isNew",
      case when s.kind = 'app' then s.key end as app, case when s.kind = 'app' then s.name end as "appName",
      r.rank, f.detail, f.scope_id::text as scope
    from finding f
      join unnest(${sql.array([...FINDING_CODES])}::text[]) with ordinality r(code, rank) on r.code = f.code
      join scope s on s.organisation_id = f.organisation_id and s.id = f.scope_id
      join asset a on a.organisation_id = f.organisation_id and a.key = f.key and a.scope_id = f.scope_id
    where ${matching(sql, organisationId, query, app)} and a.gone_at is null
      and ${query.after ? sql`(r.rank, f.key, f.detail, f.scope_id) > (${rank}::text::bigint, ${key}, ${detail}, ${scope}::text::bigint)` : sql`true`}
    order by r.rank, f.key, f.detail, f.scope_id limit ${query.limit + 1}`;
  const items = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? items.at(-1) : undefined;
  return {
    items: items.map(({ rank: _, detail: __, scope: ___, ...row }) => ({
      ...row,
      severity: FINDINGS[row.code],
      message: sentence(row.code, row.kind, row.name, row.facts),
    })),
    next: last ? [String(last.rank), last.key, last.detail, last.scope] : null,
  };
};

export interface FindingCount {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly count: number;
  /** Of those: how many the newest crawl saw first. */
  readonly new: number;
}

/** How many there are by code, the gravest first; codes without any are left out. */
export const countFindings = async (
  sql: Sql,
  organisationId: string,
  query: Omit<FindingQuery, 'isNew'>,
): Promise<FindingCount[]> => {
  const app = await scopeOf(sql, organisationId, query.app);
  const rows = await sql<{ code: FindingCode; count: number; fresh: number }[]>`
    select f.code, count(*)::int as count, count(*) filter (where f.is_new)::int as fresh
    from (select f.code, ${isNew(sql)} as is_new from finding f where ${matching(sql, organisationId, query, app)}
      and exists (select from asset a where a.organisation_id = f.organisation_id and a.key = f.key
        and a.scope_id = f.scope_id and a.gone_at is null)) f
    group by f.code`;
  return FINDING_CODES.flatMap((code) => {
    const row = rows.find((one) => one.code === code);
    return row ? [{ code, severity: FINDINGS[code], count: row.count, new: row.fresh }] : [];
  });
};

/** Names of facts whose values are keys of assets. */
const KEYS_IN_FACTS = ['key', 'app', 'task', 'user'] as const;

/** Gives the findings of `from` to `code`, with the keys in what they were judged by. `key` is their new key. */
export const moveFindings = async (
  tx: Transaction,
  organisationId: string,
  from: string,
  code: string,
  key: Fragment,
): Promise<void> => {
  // As PostgreSQL writes JSON; a quotation mark within a text is escaped there, so nothing else looks like it.
  const begins = (name: string, of: string): string => `"${name}": ${JSON.stringify(`${of}/`).slice(0, -1)}`;
  const facts = KEYS_IN_FACTS.reduce<Fragment>(
    (text, name) => tx`replace(${text}, ${begins(name, from)}, ${begins(name, code)})`,
    tx`facts::text`,
  );
  await tx`update finding set connection = ${code}, key = ${key}, facts = (${facts})::jsonb
    where organisation_id = ${organisationId} and connection = ${from}`;
};
