import { CONFIDENCES, type Confidence } from '#protocol/lineage.ts';
import { beginningOf, folderOf, isUsable, mayCome, type PatternEnd } from './dataset-patterns.ts';
import { fittingPairs, type Named, nearOf } from './fitting-names.ts';
import type { Queries } from './sql.ts';
import type { Direction, EdgeFilter, Level, Place, Step } from './step.ts';

/** Why such an edge is no surer. */
export const PATTERN_REASON = 'pattern';

/** The dataset that a place is or lies in, and what follows it in the key of a column. */
interface Lying {
  readonly place: Place;
  readonly dataset: string;
  readonly column: string;
}

const lyingIn = (place: Place): Lying | undefined => {
  const { key, kind, parent } = place;
  if (kind === 'dataset' || (kind === null && parent === null)) return { place, dataset: key, column: '' };
  const isColumn = kind === 'column' || kind === null;
  return isColumn && parent !== null && key.startsWith(`${parent}#`)
    ? { place, dataset: parent, column: key.slice(parent.length) }
    : undefined;
};

/** Whether edges that are only seen in names count at all. */
const areCounted = ({ confidence, roles }: EdgeFilter): boolean =>
  (confidence === undefined || CONFIDENCES.indexOf(confidence) >= CONFIDENCES.indexOf('inferred')) &&
  (roles === undefined || roles.length === 0 || roles.includes('value'));

const isSureEnough = (found: Confidence, { confidence }: EdgeFilter): boolean =>
  confidence === undefined || CONFIDENCES.indexOf(found) <= CONFIDENCES.indexOf(confidence);

/** What is known of these datasets, by key. */
const endsOf = async (
  sql: Queries,
  organisationId: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, PatternEnd>> => {
  if (keys.length === 0) return new Map();
  const rows = await sql<PatternEnd[]>`
    select n.key,
      (select a.attributes ->> 'pattern' from asset a where a.organisation_id = ${organisationId} and a.key = n.key
        and a.kind = 'dataset' and a.attributes ? 'pattern' order by a.scope_id limit 1) as pattern,
      exists (select from edge e where e.organisation_id = ${organisationId} and e.to_key = n.key
        and e.kind = 'loads') as "isRead",
      array(select distinct e.from_key from edge e where e.organisation_id = ${organisationId} and e.to_key = n.key
        and e.kind = 'produces' limit 50) as producers,
      exists (select from asset a join scope s on s.organisation_id = a.organisation_id and s.id = a.scope_id
        and s.kind = 'site' where a.organisation_id = ${organisationId} and a.key = n.key
        and a.attributes ? 'sizeBytes') as "isListed"
    from unnest(${sql.array([...new Set(keys)])}::text[]) as n(key)`;
  return new Map(rows.map((row) => [row.key, row]));
};

/** What is looked for with the names of these: patterns that say nothing are left out. */
const named = (ends: Iterable<PatternEnd>): Named[] =>
  [...ends].flatMap(({ key, pattern }): Named[] => {
    if (pattern === null) return [{ key, pattern, place: key, beginning: null, folder: null }];
    if (!isUsable(pattern)) return [];
    const folder = folderOf(pattern);
    return [{ key, pattern, place: folder, beginning: beginningOf(pattern), folder }];
  });

/** Those of the keys that there are assets of. */
const existing = async (
  sql: Queries,
  organisationId: string,
  keys: readonly string[],
): Promise<ReadonlySet<string>> => {
  if (keys.length === 0) return new Set();
  const rows = await sql<{ key: string }[]>`select distinct key from asset where organisation_id = ${organisationId}
    and key = any(${sql.array([...new Set(keys)])}::text[])`;
  return new Set(rows.map(({ key }) => key));
};

/** Whether any dataset is a pattern: on most sites few are, on many none. */
const hasPatterns = async (sql: Queries, organisationId: string): Promise<boolean> =>
  (
    await sql`select from asset where organisation_id = ${organisationId} and kind = 'dataset' and attributes ? 'pattern'
      limit 1`
  ).length > 0;

/** Steps, and the keys of places of which there may be more than were looked at. */
export interface PatternSteps {
  readonly steps: readonly Step[];
  readonly cut: ReadonlySet<string>;
}

/**
 * Steps between datasets of which the names alone say that one may be the other, and between columns of them that have one
 * name. They are found when they are asked for and never kept: so they are right after every crawl, whichever app was read in
 * it, and belong to no app's scope.
 */
export const patternSteps = async (
  sql: Queries,
  organisationId: string,
  at: readonly Place[],
  level: Level,
  direction: Direction,
  filter: EdgeFilter,
): Promise<PatternSteps> => {
  const lying = at.flatMap((place) => lyingIn(place) ?? []).filter(({ column }) => level === 'column' || column === '');
  if (lying.length === 0 || !areCounted(filter) || !(await hasPatterns(sql, organisationId)))
    return { steps: [], cut: new Set() };
  const own = await endsOf(
    sql,
    organisationId,
    lying.map(({ dataset }) => dataset),
  );
  const { near, cut } = await nearOf(sql, organisationId, named(own.values()));
  const others = await endsOf(sql, organisationId, [...new Set([...near.values()].flatMap((keys) => [...keys]))]);
  const steps: Step[] = [];
  for (const { place, dataset, column } of lying) {
    const end = own.get(dataset);
    for (const key of near.get(dataset) ?? []) {
      const other = others.get(key);
      if (end === undefined || other === undefined) continue;
      const found = direction === 'up' ? mayCome(end, other) : mayCome(other, end);
      if (found !== undefined && isSureEnough(found, filter))
        steps.push({
          ...{ near: place.key, kind: 'derives', other: `${key}${column}`, confidence: found, conditional: false },
        });
    }
  }
  const columns = await existing(
    sql,
    organisationId,
    steps.flatMap(({ other }) => (other.includes('#') ? [other] : [])),
  );
  return {
    steps: steps.filter(({ other }) => !other.includes('#') || columns.has(other)),
    cut: new Set(lying.flatMap(({ place, dataset }) => (cut.has(dataset) ? [place.key] : []))),
  };
};

interface PatternEdges {
  readonly edges: readonly { readonly from: string; readonly to: string; readonly confidence: Confidence }[];
  readonly cut: boolean;
}

/** The edges of this kind among these places. */
export const patternEdgesBetween = async (
  sql: Queries,
  organisationId: string,
  places: readonly Place[],
  filter: EdgeFilter,
): Promise<PatternEdges> => {
  const lying = places.flatMap((place) => lyingIn(place) ?? []);
  if (lying.length < 2 || !areCounted(filter)) return { edges: [], cut: false };
  const byDataset = Map.groupBy(lying, ({ dataset }) => dataset);
  const ends = await endsOf(sql, organisationId, [...byDataset.keys()]);
  const { pairs, cut } = await fittingPairs(sql, named(ends.values()));
  const edges: { from: string; to: string; confidence: Confidence }[] = [];
  const add = (one: string, other: string): void => {
    const [from, to] = [ends.get(one), ends.get(other)];
    const confidence = from && to && mayCome(from, to);
    if (confidence === undefined || !isSureEnough(confidence, filter)) return;
    const columns = new Map(byDataset.get(other)?.map(({ column, place }) => [column, place.key]));
    for (const { column, place } of byDataset.get(one) ?? []) {
      const found = columns.get(column);
      if (found !== undefined) edges.push({ from: place.key, to: found, confidence });
    }
  };
  for (const [one, other] of pairs) {
    add(one, other);
    add(other, one);
  }
  return { edges, cut };
};

/** How sure it is, by the names alone, that one of these comes from the other; undefined: nothing says so. */
export const patternEdge = async (
  sql: Queries,
  organisationId: string,
  from: Place,
  to: Place,
): Promise<Confidence | undefined> => {
  const { edges } = await patternEdgesBetween(sql, organisationId, [from, to], {});
  return edges.find((edge) => edge.from === from.key && edge.to === to.key)?.confidence;
};
