import { CONFIDENCES, type Confidence } from '#protocol/lineage.ts';
import { folderOf, foldersAbove, isUsable, mayCome, type PatternEnd } from './dataset-patterns.ts';
import type { Direction, EdgeFilter, Level, Place, Step } from './lineage-steps.ts';
import type { Queries } from './sql.ts';

/** Why such an edge is no surer. */
export const PATTERN_REASON = 'pattern';

/** Datasets that are looked at for one: what comes beyond is counted as more than is known. */
const MOST_LOOKED_AT = 2_000;
const LAST = '\u{10ffff}';

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

/** Keys of datasets that may be the same place as one of these, by the folders alone. */
const nearOf = async (
  sql: Queries,
  organisationId: string,
  ends: Iterable<PatternEnd>,
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const folders: { near: string; folder: string }[] = [];
  const ranges: { near: string; folder: string }[] = [];
  for (const { key, pattern } of ends) {
    if (pattern !== null && !isUsable(pattern)) continue;
    for (const folder of foldersAbove(pattern === null ? key : folderOf(pattern))) folders.push({ near: key, folder });
    if (pattern !== null) ranges.push({ near: key, folder: folderOf(pattern) });
  }
  const found = new Map<string, string[]>();
  const add = (rows: readonly { near: string; key: string }[]): void => {
    for (const { near, key } of rows) {
      const list = found.get(near);
      if (list === undefined) found.set(near, [key]);
      else list.push(key);
    }
  };
  const nears = (rows: readonly { near: string }[]) => sql.array(rows.map(({ near }) => near));
  const inFolders = (rows: readonly { folder: string }[]) => sql.array(rows.map(({ folder }) => folder));
  if (folders.length > 0) {
    add(
      await sql<{ near: string; key: string }[]>`
        select n.near, p.key from unnest(${nears(folders)}::text[], ${inFolders(folders)}::text[]) as n(near, folder) cross join lateral (
          select a.key from asset a where a.organisation_id = ${organisationId} and a.kind = 'dataset'
            and a.attributes ? 'pattern' and pattern_folder(a.attributes ->> 'pattern') = n.folder
          limit ${MOST_LOOKED_AT}) p`,
    );
  }
  if (ranges.length > 0) {
    add(
      await sql<{ near: string; key: string }[]>`
        select n.near, d.key from unnest(${nears(ranges)}::text[], ${inFolders(ranges)}::text[]) as n(near, folder) cross join lateral (
          (select a.key from asset a where a.organisation_id = ${organisationId} and a.kind = 'dataset'
            and a.key ~>=~ n.folder and a.key ~<~ (n.folder || ${LAST}) limit ${MOST_LOOKED_AT})
          union
          (select a.key from asset a where a.organisation_id = ${organisationId} and a.kind = 'dataset'
            and a.attributes ? 'pattern' and pattern_folder(a.attributes ->> 'pattern') ~>=~ n.folder
            and pattern_folder(a.attributes ->> 'pattern') ~<~ (n.folder || ${LAST}) limit ${MOST_LOOKED_AT})) d`,
    );
  }
  return found;
};

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
): Promise<Step[]> => {
  const lying = at.flatMap((place) => lyingIn(place) ?? []).filter(({ column }) => level === 'column' || column === '');
  if (lying.length === 0 || !areCounted(filter) || !(await hasPatterns(sql, organisationId))) return [];
  const own = await endsOf(
    sql,
    organisationId,
    lying.map(({ dataset }) => dataset),
  );
  const near = await nearOf(sql, organisationId, own.values());
  const others = await endsOf(sql, organisationId, [...near.values()].flat());
  const steps: Step[] = [];
  for (const { place, dataset, column } of lying) {
    const end = own.get(dataset);
    for (const key of new Set(near.get(dataset))) {
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
  return steps.filter(({ other }) => !other.includes('#') || columns.has(other));
};

/** The edges of this kind among these places. */
export const patternEdgesBetween = async (
  sql: Queries,
  organisationId: string,
  places: readonly Place[],
  filter: EdgeFilter,
): Promise<{ readonly from: string; readonly to: string; readonly confidence: Confidence }[]> => {
  const lying = places.flatMap((place) => lyingIn(place) ?? []);
  if (lying.length < 2 || !areCounted(filter)) return [];
  const ends = await endsOf(
    sql,
    organisationId,
    lying.map(({ dataset }) => dataset),
  );
  const patterned = lying.filter(({ dataset }) => ends.get(dataset)?.pattern != null);
  const found = new Map<string, { from: string; to: string; confidence: Confidence }>();
  const add = (from: Lying, to: Lying): void => {
    const [one, other] = [ends.get(from.dataset), ends.get(to.dataset)];
    if (one === undefined || other === undefined || from.column !== to.column) return;
    const confidence = mayCome(one, other);
    if (confidence !== undefined && isSureEnough(confidence, filter))
      found.set(`${from.place.key}\n${to.place.key}`, { from: from.place.key, to: to.place.key, confidence });
  };
  for (const one of patterned)
    for (const other of lying) {
      add(one, other);
      add(other, one);
    }
  return [...found.values()];
};

/** How sure it is, by the names alone, that one of these comes from the other; undefined: nothing says so. */
export const patternEdge = async (
  sql: Queries,
  organisationId: string,
  from: Place,
  to: Place,
): Promise<Confidence | undefined> => {
  const found = await patternEdgesBetween(sql, organisationId, [from, to], {});
  return found.find((edge) => edge.from === from.key && edge.to === to.key)?.confidence;
};
