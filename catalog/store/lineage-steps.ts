import { CONFIDENCES, type Confidence } from '#protocol/lineage.ts';
import type { AssetKind, EdgeKind } from '#protocol/records.ts';
import { patternSteps } from './pattern-steps.ts';
import type { Queries } from './sql.ts';
import type { Direction, EdgeFilter, Level, Place, Step, Steps } from './step.ts';

const MASTERS: readonly AssetKind[] = ['masterDimension', 'masterMeasure', 'masterVisualization'];
const DRAWN: readonly AssetKind[] = ['chart', 'chartDimension', 'chartMeasure'];
/** Their origins are what they hold. */
const HOLDERS: readonly (AssetKind | null)[] = ['sheet', 'chart', 'masterVisualization'];

type Ends = { readonly [end in 'from' | 'to']: readonly EdgeKind[] };

/** Kinds of edges by the end at which one stands. Only what a script writes leads from an app to a dataset downstream. */
const WAYS = {
  table: {
    up: { from: ['derives', 'loads'], to: ['produces'] },
    down: { from: ['produces'], to: ['derives', 'loads'] },
  },
  column: { up: { from: ['derives', 'uses'], to: [] }, down: { from: [], to: ['derives', 'uses'] } },
} as const satisfies Record<Level, Record<Direction, Ends>>;

/** Kinds of edges that are drawn between assets of a level. */
export const DRAWN_EDGES = {
  table: ['derives', 'loads', 'produces'],
  column: ['derives', 'uses', 'contains'],
} as const satisfies Record<Level, readonly EdgeKind[]>;

/** A `uses` edge is lineage only where it leads to a master item: not to an extension, an include or an app. */
export const counts = (sql: Queries, filter: EdgeFilter) => {
  const { confidence, roles, unreachable } = filter;
  const allowed = confidence === undefined ? [] : CONFIDENCES.slice(0, CONFIDENCES.indexOf(confidence) + 1);
  return sql`(e.kind <> 'uses' or exists (select from asset m where m.organisation_id = e.organisation_id
      and m.key = e.to_key and m.kind = any(${sql.array([...MASTERS])}::text[])))
    and ${allowed.length === 0 ? sql`true` : sql`coalesce(e.attributes ->> 'confidence' = any(${sql.array([...allowed])}::text[]), true)`}
    and ${
      roles === undefined || roles.length === 0
        ? sql`true`
        : sql`(not e.attributes ? 'role' or e.attributes ->> 'role' = any(${sql.array([...roles])}::text[])
          or coalesce(e.attributes -> 'roles' ?| ${sql.array([...roles])}::text[], false))`
    }
    and ${unreachable === true ? sql`true` : sql`coalesce(e.attributes -> 'unreachable' <> 'true', true)`}`;
};

const confidenceOf = (value: string | null): Confidence | null => CONFIDENCES.find((one) => one === value) ?? null;

/** Where the neighbours of one asset go on: kind and key of the last that was given. */
export type After = readonly [kind: string, other: string];

/**
 * The neighbours of these assets in a direction, of each at most `breadth + 1`, by kind and key: one more than `breadth`
 * says that there are more. Every part is an index scan that ends after as many rows.
 */
export const stepsFrom = async (
  sql: Queries,
  organisationId: string,
  at: readonly Place[],
  level: Level,
  direction: Direction,
  { filter, breadth, after }: { filter: EdgeFilter; breadth: number; after?: After | undefined },
): Promise<Steps> => {
  const ways: Ends = WAYS[level][direction];
  const [afterKind, afterKey] = after ?? ['', ''];
  const steps: Step[] = [];
  const edges = async (end: 'from' | 'to', keys: readonly string[], kinds: readonly EdgeKind[]): Promise<void> => {
    if (keys.length === 0 || kinds.length === 0) return;
    const [here, there] = end === 'from' ? ['from_key', 'to_key'] : ['to_key', 'from_key'];
    const rows = await sql<(Omit<Step, 'confidence'> & { confidence: string | null })[]>`
      select n.key as near, k.kind, e.other, e.confidence, e.conditional
      from unnest(${sql.array([...keys])}::text[]) as n(key)
        cross join unnest(${sql.array([...kinds])}::text[]) as k(kind)
        cross join lateral (
          select e.${sql(there)} as other, e.attributes ->> 'confidence' as confidence,
            coalesce(e.attributes -> 'conditional' = 'true', false) as conditional
          from edge e where e.organisation_id = ${organisationId} and e.${sql(here)} = n.key and e.kind = k.kind
            and (k.kind > ${afterKind} or (k.kind = ${afterKind} and e.${sql(there)} > ${afterKey}))
            and ${counts(sql, filter)}
          order by e.${sql(there)} limit ${breadth + 1}) e`;
    for (const row of rows) steps.push({ ...row, confidence: confidenceOf(row.confidence) });
  };
  const keys = at.map(({ key }) => key);
  await Promise.all([edges('from', keys, ways.from), edges('to', keys, ways.to)]);
  if (level === 'column' && direction === 'up') {
    const tables = at.filter(({ kind }) => kind === 'table').map(({ key }) => key);
    await edges('from', tables, ['contains']);
    const holders = at.filter(({ kind }) => HOLDERS.includes(kind)).map(({ key }) => key);
    if (holders.length > 0 && 'contains' >= afterKind)
      for (const row of await sql<{ near: string; other: string }[]>`
        select n.key as near, a.key as other from unnest(${sql.array(holders)}::text[]) as n(key)
          cross join lateral (select key from asset a where a.organisation_id = ${organisationId} and a.parent = n.key
            and a.kind = any(${sql.array([...DRAWN])}::text[])
            and a.key > ${'contains' === afterKind ? afterKey : ''} order by a.key limit ${breadth + 1}) a`)
        steps.push({ ...row, kind: 'contains', confidence: null, conditional: false });
  }
  if (level === 'column' && direction === 'down')
    for (const { key, kind, parent } of at)
      if (parent !== null && kind !== null && DRAWN.includes(kind))
        steps.push({ near: key, kind: 'contains', other: parent, confidence: null, conditional: false });
  let cut: ReadonlySet<string> = new Set();
  if ('derives' >= afterKind) {
    const known = new Set(steps.map(({ near, kind, other }) => `${kind}\n${near}\n${other}`));
    const named = await patternSteps(sql, organisationId, at, level, direction, filter);
    cut = named.cut;
    for (const step of named.steps)
      if (!(afterKind === 'derives' && step.other <= afterKey) && !known.has(`derives\n${step.near}\n${step.other}`))
        steps.push(step);
  }
  const found = new Map<string, Step[]>(keys.map((key) => [key, []]));
  for (const step of steps) found.get(step.near)?.push(step);
  for (const list of found.values()) list.sort((a, b) => order(a.kind, b.kind) || order(a.other, b.other));
  return { found, cut };
};

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Counting ends here: as many, or more. */
export const MOST_COUNTED = 1_000;

/** How many neighbours each of these has in a direction besides those that are shown, at most {@link MOST_COUNTED}. */
export const countBeyond = async (
  sql: Queries,
  organisationId: string,
  at: readonly Place[],
  level: Level,
  direction: Direction,
  { filter, shown }: { filter: EdgeFilter; shown: readonly string[] },
): Promise<ReadonlyMap<string, number>> => {
  const counted = new Map<string, number>();
  if (at.length === 0) return counted;
  const ways: Ends = WAYS[level][direction];
  const add = (rows: readonly { key: string; n: number }[]): void => {
    for (const { key, n } of rows) counted.set(key, Math.min(MOST_COUNTED, (counted.get(key) ?? 0) + n));
  };
  const edges = async (end: 'from' | 'to', keys: readonly string[], kinds: readonly EdgeKind[]): Promise<void> => {
    if (keys.length === 0 || kinds.length === 0) return;
    const [here, there] = end === 'from' ? ['from_key', 'to_key'] : ['to_key', 'from_key'];
    add(
      await sql<{ key: string; n: number }[]>`
        with shown as materialized (select unnest(${sql.array([...shown])}::text[]) as key)
        select n.key, c.n from unnest(${sql.array([...keys])}::text[]) as n(key) cross join lateral (
          select count(distinct other)::int as n from (
            select e.${sql(there)} as other from edge e
            where e.organisation_id = ${organisationId} and e.${sql(here)} = n.key
              and e.kind = any(${sql.array([...kinds])}::text[]) and e.${sql(there)} not in (select key from shown)
              and ${counts(sql, filter)} limit ${MOST_COUNTED}) o) c where c.n > 0`,
    );
  };
  const keys = at.map(({ key }) => key);
  await edges('from', keys, ways.from);
  await edges('to', keys, ways.to);
  if (level === 'column' && direction === 'up') {
    await edges(
      'from',
      at.filter(({ kind }) => kind === 'table').map(({ key }) => key),
      ['contains'],
    );
    const holders = at.filter(({ kind }) => HOLDERS.includes(kind)).map(({ key }) => key);
    if (holders.length > 0)
      add(
        await sql<{ key: string; n: number }[]>`
          with shown as materialized (select unnest(${sql.array([...shown])}::text[]) as key)
          select n.key, c.n from unnest(${sql.array(holders)}::text[]) as n(key) cross join lateral (
            select count(*)::int as n from (select from asset a where a.organisation_id = ${organisationId}
              and a.parent = n.key and a.kind = any(${sql.array([...DRAWN])}::text[])
              and a.key not in (select key from shown) limit ${MOST_COUNTED}) o) c where c.n > 0`,
      );
  }
  const known = new Set(shown);
  if (level === 'column' && direction === 'down') {
    add(
      at
        .filter(({ kind, parent }) => parent !== null && kind !== null && DRAWN.includes(kind) && !known.has(parent))
        .map(({ key }) => ({ key, n: 1 })),
    );
  }
  const { steps, cut } = await patternSteps(sql, organisationId, at, level, direction, filter);
  const unseen = steps.filter(({ other }) => !known.has(other));
  add([...Map.groupBy(unseen, ({ near }) => near)].map(([key, list]) => ({ key, n: list.length })));
  add([...cut].map((key) => ({ key, n: 1 })));
  return counted;
};

const PLACES_A_READ = 2_000;

/** What a key without an asset tells by itself: a column of a dataset, or a dataset. */
const unknown = (key: string): Place => {
  const hash = key.lastIndexOf('#');
  const name = key.slice(hash > 0 ? hash + 1 : key.lastIndexOf('/') + 1);
  return {
    ...{ key, kind: null, name: name === '' ? key : name, parent: hash > 0 ? key.slice(0, hash) : null },
    ...{ connection: null, app: null, appName: null, goneAt: null },
  };
};

/** What is known of each of these keys, in their order. */
export const placesOf = async (sql: Queries, organisationId: string, keys: readonly string[]): Promise<Place[]> => {
  const found = new Map<string, Place>();
  for (let from = 0; from < keys.length; from += PLACES_A_READ)
    for (const row of await sql<Place[]>`
      select a.* from unnest(${sql.array(keys.slice(from, from + PLACES_A_READ))}::text[]) as n(key) cross join lateral (
        select a.key, a.kind, left(a.name, 300) as name, a.parent, a.connection, a.gone_at as "goneAt",
          case when a.key = s.key or starts_with(a.key, s.key || '/') then s.key end as app,
          case when a.key = s.key or starts_with(a.key, s.key || '/') then left(s.name, 300) end as "appName"
        from asset a left join scope s on s.organisation_id = a.organisation_id and s.id = a.scope_id and s.kind = 'app'
        where a.organisation_id = ${organisationId} and a.key = n.key order by a.scope_id limit 1) a`)
      found.set(row.key, row);
  return keys.map((key) => found.get(key) ?? unknown(key));
};

/** Is there anything with this key: an asset, or an end of an edge? */
export const isKnown = async (sql: Queries, organisationId: string, { key, kind }: Place): Promise<boolean> => {
  if (kind !== null) return true;
  const rows = await sql`(select from edge where organisation_id = ${organisationId} and from_key = ${key} limit 1)
    union all (select from edge where organisation_id = ${organisationId} and to_key = ${key} limit 1)`;
  return rows.length > 0;
};

/** The columns of a dataset, the fields of a table or an app, by name; at most `limit + 1`. */
export const membersOf = async (
  sql: Queries,
  organisationId: string,
  { key, kind }: Place,
  limit: number,
  after = '',
): Promise<string[]> => {
  if (kind === 'table') {
    const rows = await sql<{ key: string }[]>`select distinct e.to_key as key from edge e
      where e.organisation_id = ${organisationId} and e.from_key = ${key} and e.kind = 'contains' and e.to_key > ${after}
      order by 1 limit ${limit + 1}`;
    return rows.map((row) => row.key);
  }
  const inner = kind === 'dataset' ? 'column' : kind === 'app' ? 'field' : undefined;
  if (inner === undefined) return [];
  const rows = await sql<{ key: string }[]>`select distinct a.key from asset a
    where a.organisation_id = ${organisationId} and a.parent = ${key} and a.kind = ${inner} and a.key > ${after}
    order by 1 limit ${limit + 1}`;
  return rows.map((row) => row.key);
};
