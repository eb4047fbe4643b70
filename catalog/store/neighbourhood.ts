import { CONFIDENCES, type Confidence, ROLES, type Role } from '#protocol/lineage.ts';
import type { AssetKind, EdgeKind } from '#protocol/records.ts';
import {
  type After,
  countBeyond,
  counts,
  DRAWN_EDGES,
  isKnown,
  MOST_COUNTED,
  membersOf,
  placesOf,
  stepsFrom,
} from './lineage-steps.ts';
import { patternEdgesBetween } from './pattern-steps.ts';
import type { Queries } from './sql.ts';
import type { Direction, EdgeFilter, Level, Place } from './step.ts';

export interface LineageNode extends Place {
  /** The dataset, app, chart or sheet that it is drawn in; null of one that stands alone. */
  readonly group: string | null;
  /** Steps from the focus: negative towards the origins. */
  readonly distance: number;
  /** It has columns or fields to be opened. */
  readonly opens: boolean;
}

/** An edge between two assets that are shown; several apps may say the same, then the surest counts. */
export interface DrawnEdge {
  readonly kind: EdgeKind;
  /** As it was sent: from what is derived to its origin. */
  readonly from: string;
  readonly to: string;
  readonly upstream: string;
  readonly downstream: string;
  readonly role: Role | null;
  readonly confidence: Confidence | null;
  readonly conditional: boolean;
  readonly unreachable: boolean;
  readonly manual: boolean;
  /** Keys of the apps whose crawl says so, at most {@link MOST_APPS}. */
  readonly apps: string[];
}

export interface Beyond {
  readonly key: string;
  readonly direction: Direction | 'inside';
  /** At most {@link MOST_COUNTED}. */
  readonly count: number;
  readonly next: readonly string[] | null;
}

export interface Neighbourhood {
  readonly focus: string;
  readonly level: Level;
  readonly nodes: LineageNode[];
  /** What nodes are drawn in, and is no node itself. */
  readonly groups: Place[];
  readonly edges: DrawnEdge[];
  readonly edgesCut: boolean;
  readonly more: Beyond[];
}

export interface NeighbourhoodQuery extends EdgeFilter {
  readonly key: string;
  readonly direction: Direction | 'both';
  readonly depth: number;
  /** Absent: what suits the focus. */
  readonly level?: Level | undefined;
  /** Most nodes. */
  readonly limit: number;
  /** Most neighbours of one node in a direction. */
  readonly breadth: number;
  /** Goes on with the neighbours of the focus, or with what is inside of it. */
  readonly after?: readonly string[] | undefined;
}

const MOST_EDGES = 20_000;
const MOST_APPS = 10;
/** Kinds that stand for a whole when it comes to tables and apps. */
const WHOLES: readonly (AssetKind | null)[] = ['app', 'dataset'];
const IN_APP: readonly AssetKind[] = [
  ...(['field', 'table', 'variable', 'masterDimension', 'masterMeasure', 'masterVisualization'] as const),
];

/** What an asset is drawn in: a column in its dataset, a field in its app, a measure in its chart. */
const groupOf = ({ kind, parent, app }: Place): string | null => {
  if (kind === 'column' || kind === 'chartDimension' || kind === 'chartMeasure') return parent;
  if (kind === null) return parent;
  return IN_APP.includes(kind) ? app : null;
};

/** The dataset, app, … that a focus stands for at the level of tables. */
const wholeOf = async (sql: Queries, organisationId: string, focus: Place): Promise<Place> => {
  const whole = WHOLES.includes(focus.kind) ? undefined : (focus.app ?? groupOf(focus));
  const [place] = whole == null ? [] : await placesOf(sql, organisationId, [whole]);
  return place ?? focus;
};

/** The walk in one direction: a circle ends it, since nothing is entered twice. */
const walk = async (
  sql: Queries,
  organisationId: string,
  seeds: readonly Place[],
  direction: Direction,
  level: Level,
  query: NeighbourhoodQuery,
  seen: Map<string, { place: Place; distance: number }>,
): Promise<Map<string, { place: Place; next: After | null }>> => {
  const sign = direction === 'up' ? -1 : 1;
  const unfinished = new Map<string, { place: Place; next: After | null }>();
  const walked = new Set(seeds.map(({ key }) => key));
  let frontier = seeds;
  for (let distance = 1; distance <= query.depth && frontier.length > 0; distance += 1) {
    const after = distance === 1 && query.after?.length === 2 ? ([...query.after] as unknown as After) : undefined;
    const { breadth } = query;
    const options = { filter: query, breadth, after };
    const { found, cut } = await stepsFrom(sql, organisationId, frontier, level, direction, options);
    const fresh = new Set<string>();
    for (const place of frontier) {
      const steps = found.get(place.key) ?? [];
      const taken = steps.slice(0, breadth);
      const last = taken.at(-1);
      if (steps.length > breadth && last) unfinished.set(place.key, { place, next: [last.kind, last.other] });
      else if (cut.has(place.key)) unfinished.set(place.key, { place, next: null });
      for (const { other } of taken) {
        if (walked.has(other) || fresh.has(other)) continue;
        // What the other direction found already is shown in any case.
        if (!seen.has(other) && seen.size + fresh.size >= query.limit) unfinished.set(place.key, { place, next: null });
        else fresh.add(other);
      }
    }
    frontier = await placesOf(sql, organisationId, [...fresh]);
    for (const place of frontier) {
      walked.add(place.key);
      if (!seen.has(place.key)) seen.set(place.key, { place, distance: sign * distance });
    }
  }
  for (const place of frontier) unfinished.set(place.key, { place, next: null });
  return unfinished;
};

interface EdgeRow {
  readonly kind: EdgeKind;
  readonly from: string;
  readonly to: string;
  readonly app: string | null;
  readonly role: string | null;
  readonly confidence: string | null;
  readonly conditional: boolean;
  readonly unreachable: boolean;
  readonly manual: boolean;
}

/** The earlier in the list counts; what is in none is last. */
const first = <T extends string>(list: readonly T[], ...values: readonly (string | null)[]): T | null =>
  list.find((one) => values.includes(one)) ?? null;

/** All edges between what is shown, also those that no walk went along. */
const edgesBetween = async (
  sql: Queries,
  organisationId: string,
  places: readonly Place[],
  level: Level,
  filter: EdgeFilter,
): Promise<{ edges: DrawnEdge[]; cut: boolean }> => {
  const rows = await sql<EdgeRow[]>`
    with shown as materialized (select unnest(${sql.array(places.map(({ key }) => key))}::text[]) as key)
    select e.kind, e.from_key as "from", e.to_key as "to", s.key as app, e.attributes ->> 'role' as role,
      e.attributes ->> 'confidence' as confidence, coalesce(e.attributes -> 'conditional' = 'true', false) as conditional,
      coalesce(e.attributes -> 'unreachable' = 'true', false) as unreachable,
      coalesce(e.attributes -> 'manual' = 'true', false) as manual
    from shown n cross join lateral (select * from edge e where e.organisation_id = ${organisationId} and e.from_key = n.key
        and e.kind = any(${sql.array([...DRAWN_EDGES[level]])}::text[]) offset 0) e
      left join scope s on s.organisation_id = e.organisation_id and s.id = e.scope_id and s.kind = 'app'
    where e.to_key in (select key from shown) and ${counts(sql, filter)}
    limit ${MOST_EDGES + 1}`;
  const merged = new Map<string, DrawnEdge>();
  for (const { app, ...row } of rows.slice(0, MOST_EDGES)) {
    const id = JSON.stringify([row.kind, row.from, row.to]);
    const before = merged.get(id);
    // An app makes what it produces; everything else comes from where it leads.
    const [upstream, downstream] = row.kind === 'produces' ? [row.from, row.to] : [row.to, row.from];
    merged.set(id, {
      ...{ kind: row.kind, from: row.from, to: row.to, upstream, downstream },
      role: first(ROLES, row.role, before?.role ?? null),
      confidence: first(CONFIDENCES, row.confidence, before?.confidence ?? null),
      conditional: row.conditional && (before?.conditional ?? true),
      unreachable: row.unreachable && (before?.unreachable ?? true),
      manual: row.manual || (before?.manual ?? false),
      apps: [...(before?.apps ?? []), ...(app === null ? [] : [app])].slice(0, MOST_APPS),
    });
  }
  const named = await patternEdgesBetween(sql, organisationId, places, filter);
  for (const { from, to, confidence } of named.edges) {
    const id = JSON.stringify(['derives', from, to]);
    const facts = { role: 'value', conditional: false, unreachable: false, manual: false, apps: [] } as const;
    if (!merged.has(id))
      merged.set(id, { kind: 'derives', from, to, upstream: to, downstream: from, ...facts, apps: [], confidence });
  }
  return { edges: [...merged.values()], cut: named.cut || rows.length > MOST_EDGES };
};

const opening = async (
  sql: Queries,
  organisationId: string,
  places: readonly Place[],
  level: Level,
): Promise<ReadonlySet<string>> => {
  if (level === 'column') return new Set();
  const keys = places.filter(({ kind }) => WHOLES.includes(kind)).map(({ key }) => key);
  const rows = await sql<{ key: string }[]>`select n.key from unnest(${sql.array(keys)}::text[]) as n(key)
    where exists (select from asset a where a.organisation_id = ${organisationId} and a.parent = n.key
      and a.kind in ('column', 'field'))`;
  return new Set(rows.map(({ key }) => key));
};

/** What a column is drawn under its own dataset for: the measures of a chart inside of it, the chart inside its sheet. */
const holdings = (nodes: readonly LineageNode[]): DrawnEdge[] => {
  const keys = new Set(nodes.map(({ key }) => key));
  const facts = { role: null, confidence: null, conditional: false, unreachable: false, manual: false };
  return nodes.flatMap(({ key, parent, kind }): DrawnEdge[] =>
    parent !== null && keys.has(parent) && (kind === 'chart' || kind === 'chartMeasure' || kind === 'chartDimension')
      ? [{ kind: 'contains', from: parent, to: key, upstream: key, downstream: parent, ...facts, apps: [] }]
      : [],
  );
};

/**
 * What lies around an asset: where it comes from and what depends on it, step by step, at most `limit` nodes. What is left
 * out is counted where it would be. Undefined when nothing has this key.
 */
export const findNeighbourhood = async (
  sql: Queries,
  organisationId: string,
  query: NeighbourhoodQuery,
): Promise<Neighbourhood | undefined> => {
  const [asked] = await placesOf(sql, organisationId, [query.key]);
  if (!asked || !(await isKnown(sql, organisationId, asked))) return undefined;
  const level =
    query.level ?? (WHOLES.includes(asked.kind) || (asked.kind === null && !asked.parent) ? 'table' : 'column');
  const focus = level === 'table' ? await wholeOf(sql, organisationId, asked) : asked;
  const seen = new Map<string, { place: Place; distance: number }>([[focus.key, { place: focus, distance: 0 }]]);
  const more: Beyond[] = [];
  const seeds = [focus];
  if (level === 'column') {
    const within = query.after?.length === 1 ? query.after[0] : undefined;
    const most = Math.max(1, Math.floor(query.limit / 2));
    const members = await membersOf(sql, organisationId, focus, most, within);
    const taken = members.slice(0, most);
    const last = taken.at(-1);
    if (members.length > most && last !== undefined) {
      const count = (await membersOf(sql, organisationId, focus, MOST_COUNTED - 1, last)).length;
      more.push({ key: focus.key, direction: 'inside', count, next: [last] });
    }
    for (const place of await placesOf(sql, organisationId, taken)) {
      seeds.push(place);
      seen.set(place.key, { place, distance: 0 });
    }
  }
  const directions: readonly Direction[] = query.direction === 'both' ? ['up', 'down'] : [query.direction];
  const open: { direction: Direction; unfinished: Map<string, { place: Place; next: After | null }> }[] = [];
  for (const direction of directions)
    open.push({ direction, unfinished: await walk(sql, organisationId, seeds, direction, level, query, seen) });
  const shown = [...seen.keys()];
  for (const { direction, unfinished } of open) {
    const places = [...unfinished.values()].map(({ place }) => place);
    const beyond = await countBeyond(sql, organisationId, places, level, direction, { filter: query, shown });
    for (const [key, count] of beyond) more.push({ key, direction, count, next: unfinished.get(key)?.next ?? null });
  }
  const places = [...seen.values()].map(({ place }) => place);
  const opens = await opening(sql, organisationId, places, level);
  const nodes = [...seen.values()].map(({ place, distance }) => ({
    ...place,
    group: level === 'table' ? null : groupOf(place),
    distance,
    opens: opens.has(place.key),
  }));
  const { edges, cut } = await edgesBetween(sql, organisationId, places, level, query);
  const groups = new Set(nodes.flatMap(({ group }) => (group === null || seen.has(group) ? [] : [group])));
  return {
    ...{ focus: focus.key, level, nodes, groups: await placesOf(sql, organisationId, [...groups]) },
    ...{ edges: level === 'column' ? [...edges, ...holdings(nodes)] : edges, edgesCut: cut, more },
  };
};
