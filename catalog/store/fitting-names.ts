import { MOST_CHARACTERS, MOST_WILDCARDS } from './dataset-patterns.ts';
import type { Fragment, Queries } from './sql.ts';

/** A dataset by whose name others are looked for. */
export interface Named {
  readonly key: string;
  /** With `*` and `?` for what may differ. */
  readonly pattern: string | null;
  /** The key, or the folder of its pattern: patterns that it fits lie in a folder above. */
  readonly place: string;
  /** What all begins with that its pattern fits, and the folder of that. */
  readonly beginning: string | null;
  readonly folder: string | null;
}

/** Datasets that fit one, at most: of those beyond it is said that there are more. */
export const MOST_FITTING = 2_000;
/** Pairs that fit, altogether. */
const MOST_PAIRS = 50_000;
/** Folders within one another: more has no path that anybody can open. */
const MOST_FOLDERS = 64;
const LAST = '\u{10ffff}';

/**
 * Whether a text fits a pattern. Nothing that differs goes beyond its part of the path: no star holds a slash when both have
 * as many. LIKE never takes more steps than the product of both lengths; expressions of strangers could take years.
 */
const fits = (sql: Queries, pattern: Fragment, text: Fragment): Fragment => sql`(
  length(${text}) - length(replace(${text}, '/', '')) = length(${pattern}) - length(replace(${pattern}, '/', ''))
  and ${text} like
    translate(replace(replace(replace(${pattern}, '\\', '\\\\'), '%', '\\%'), '_', '\\_'), '*?', '%_'))`;

const isShort = (sql: Queries, pattern: Fragment): Fragment => sql`(length(${pattern}) <= ${MOST_CHARACTERS}
  and length(${pattern}) - length(translate(${pattern}, '*?', '')) <= ${MOST_WILDCARDS})`;

interface Near {
  readonly near: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of these there may be more. */
  readonly cut: ReadonlySet<string>;
}

/** Keys of the datasets whose pattern fits one of these, or that fit its pattern; of each {@link MOST_FITTING} at most. */
export const nearOf = async (sql: Queries, organisationId: string, names: readonly Named[]): Promise<Near> => {
  const near = new Map<string, Set<string>>();
  const cut = new Set<string>();
  const add = (rows: readonly { near: string; key: string }[]): void => {
    const all = rows.length > MOST_PAIRS;
    for (const [one, found] of Map.groupBy(rows.slice(0, MOST_PAIRS), (row) => row.near)) {
      if (found.length > MOST_FITTING) cut.add(one);
      const keys = near.get(one) ?? new Set();
      for (const { key } of found.slice(0, MOST_FITTING)) keys.add(key);
      near.set(one, keys);
    }
    if (all) for (const { key } of names) cut.add(key);
  };
  const stored = sql`(a.attributes ->> 'pattern')`;
  const column = (list: readonly Named[], name: keyof Named) => sql.array(list.map((one) => one[name] ?? ''));
  const [patterned, plain] = [
    names.filter(({ pattern }) => pattern !== null),
    names.filter(({ pattern }) => pattern === null),
  ];
  /** Patterns that lie in a folder above. */
  const above = async (list: readonly Named[], fit: Fragment): Promise<void> => {
    if (list.length === 0) return;
    add(
      await sql<{ near: string; key: string }[]>`
        select n.near, p.key from unnest(${column(list, 'key')}::text[], ${column(list, 'pattern')}::text[], ${column(list, 'place')}::text[])
            as n(near, pattern, place) cross join lateral (
          select distinct a.key from (select string_to_array(n.place, '/') as parts) s
            cross join lateral generate_series(1, least(cardinality(s.parts) - 1, ${MOST_FOLDERS})) as d(deep)
            cross join lateral (select a.key, a.attributes from asset a where a.organisation_id = ${organisationId}
              and a.kind = 'dataset' and a.attributes ? 'pattern'
              and pattern_folder(a.attributes ->> 'pattern') = array_to_string(s.parts[1:d.deep], '/') || '/' offset 0) a
          where a.key <> n.near and ${isShort(sql, stored)} and ${fit}
          limit ${MOST_FITTING + 1}) p
        limit ${MOST_PAIRS + 1}`,
    );
  };
  await above(plain, fits(sql, stored, sql`n.near`));
  await above(patterned, sql`(${fits(sql, stored, sql`n.pattern`)} or ${fits(sql, sql`n.pattern`, stored)})`);
  if (patterned.length > 0) {
    add(
      await sql<{ near: string; key: string }[]>`
        select n.near, d.key from unnest(${column(patterned, 'key')}::text[], ${column(patterned, 'pattern')}::text[],
            ${column(patterned, 'beginning')}::text[]) as n(near, pattern, beginning) cross join lateral (
          select distinct a.key from asset a where a.organisation_id = ${organisationId} and a.kind = 'dataset'
            and a.key ~>=~ n.beginning and a.key ~<~ (n.beginning || ${LAST}) and a.key <> n.near
            and not a.attributes ? 'pattern' and ${fits(sql, sql`n.pattern`, sql`a.key`)}
          limit ${MOST_FITTING + 1}) d
        limit ${MOST_PAIRS + 1}`,
    );
    add(
      await sql<{ near: string; key: string }[]>`
        select n.near, d.key from unnest(${column(patterned, 'key')}::text[], ${column(patterned, 'pattern')}::text[],
            ${column(patterned, 'folder')}::text[]) as n(near, pattern, folder) cross join lateral (
          select distinct a.key from asset a where a.organisation_id = ${organisationId} and a.kind = 'dataset'
            and a.attributes ? 'pattern' and pattern_folder(a.attributes ->> 'pattern') ~>=~ n.folder
            and pattern_folder(a.attributes ->> 'pattern') ~<~ (n.folder || ${LAST}) and a.key <> n.near
            and ${isShort(sql, stored)} and (${fits(sql, sql`n.pattern`, stored)} or ${fits(sql, stored, sql`n.pattern`)})
          limit ${MOST_FITTING + 1}) d
        limit ${MOST_PAIRS + 1}`,
    );
  }
  return { near, cut };
};

/** Pairs of these of which the pattern of one fits the other's name, each once; {@link MOST_PAIRS} at most. */
export const fittingPairs = async (
  sql: Queries,
  names: readonly Named[],
): Promise<{ readonly pairs: readonly (readonly [string, string])[]; readonly cut: boolean }> => {
  const patterned = names.filter(({ pattern }) => pattern !== null);
  if (patterned.length === 0 || names.length < 2) return { pairs: [], cut: false };
  const column = (list: readonly Named[], name: keyof Named) => sql.array(list.map((one) => one[name] ?? ''));
  const rows = await sql<{ one: string; other: string }[]>`
    with one as materialized (select * from unnest(${column(patterned, 'key')}::text[], ${column(patterned, 'pattern')}::text[],
        ${column(patterned, 'beginning')}::text[]) as o(key, pattern, beginning)),
      other as materialized (select key, case when pattern = '' then key else pattern end as text, pattern <> '' as is_pattern
        from unnest(${column(names, 'key')}::text[], ${column(names, 'pattern')}::text[]) as o(key, pattern))
    select distinct least(one.key, other.key) as one, greatest(one.key, other.key) as other
    from one join other on one.key <> other.key and starts_with(other.text, one.beginning)
      and ${fits(sql, sql`one.pattern`, sql`other.text`)}
    limit ${MOST_PAIRS + 1}`;
  return {
    pairs: rows.slice(0, MOST_PAIRS).map(({ one, other }) => [one, other] as const),
    cut: rows.length > MOST_PAIRS,
  };
};
