import { canonicalJson } from '#catalog/store/canonical.ts';
import type { Sql } from '#catalog/store/sql.ts';
import { type SourceState, sourceScopes } from './source.ts';

/** At most so many are spelled out. */
const NAMED = 8;

interface Row {
  readonly id: string;
  readonly content: string;
}

const differ = (what: string, wanted: readonly Row[], found: readonly Row[], out: string[]): number => {
  const left = new Map<string, string>();
  let differences = 0;
  const say = (text: string): void => {
    differences += 1;
    if (out.length < NAMED) out.push(text);
  };
  for (const { id, content } of wanted) {
    if (left.has(id)) throw new Error(`the source names ${id} twice`);
    left.set(id, content);
  }
  const seen = new Set<string>();
  for (const { id, content } of found) {
    if (seen.has(id)) say(`${what} ${id} is there twice`);
    seen.add(id);
    const expected = left.get(id);
    if (expected === undefined) say(`${what} ${id} is not in the source`);
    else if (expected !== content) say(`${what} ${id} is ${content}, in the source ${expected}`);
  }
  for (const { id } of wanted) if (!seen.has(id)) say(`${what} ${id} is missing`);
  return differences;
};

/**
 * Holds all that the catalog has of a connection against its source: scopes, assets with name, place and attributes, and
 * edges; each exactly once.
 *
 * @returns how many differ, and the first of them in words
 */
export const compare = async (
  sql: Sql,
  connection: string,
  source: SourceState,
): Promise<{ readonly records: number; readonly differences: number; readonly named: readonly string[] }> => {
  const scopes = sourceScopes(connection, source);
  const assets: Row[] = [];
  const edges: Row[] = [];
  for (const scope of scopes)
    for (const record of scope.records)
      if (record.t === 'asset') {
        const { key, kind, name, parent = null, attributes = {} } = record;
        assets.push({ id: key, content: canonicalJson([scope.key, kind, name, parent, attributes]) });
      } else if (record.t === 'edge') {
        const { kind, from, to, attributes = {} } = record;
        edges.push({ id: `${from} ${kind} ${to}`, content: canonicalJson([scope.key, attributes]) });
      }
  const named: string[] = [];
  const foundScopes = await sql<{ key: string; assets: number }[]>`
    select key, assets from scope where connection = ${connection}`;
  const foundAssets = await sql<
    { scope: string; key: string; kind: string; name: string; parent: string | null; attributes: unknown }[]
  >`select s.key as scope, a.key, a.kind, a.name, a.parent, a.attributes
    from asset a join scope s on s.organisation_id = a.organisation_id and s.id = a.scope_id
    where a.connection = ${connection}`;
  const foundEdges = await sql<{ scope: string; kind: string; from: string; to: string; attributes: unknown }[]>`
    select s.key as scope, e.kind, e.from_key as "from", e.to_key as "to", e.attributes
    from edge e join scope s on s.organisation_id = e.organisation_id and s.id = e.scope_id
    where e.connection = ${connection}`;
  const assetsIn = ({ records }: (typeof scopes)[number]): number => records.filter(({ t }) => t === 'asset').length;
  const differences =
    differ(
      'scope',
      scopes.map((scope) => ({ id: scope.key, content: `${assetsIn(scope)} assets` })),
      foundScopes.map(({ key, assets: n }) => ({ id: key, content: `${n} assets` })),
      named,
    ) +
    differ(
      'asset',
      assets,
      foundAssets.map(({ scope, key, kind, name, parent, attributes }) => ({
        id: key,
        content: canonicalJson([scope, kind, name, parent, attributes]),
      })),
      named,
    ) +
    differ(
      'edge',
      edges,
      foundEdges.map(({ scope, kind, from, to, attributes }) => ({
        id: `${from} ${kind} ${to}`,
        content: canonicalJson([scope, attributes]),
      })),
      named,
    );
  return { records: assets.length + edges.length, differences, named };
};

/** What may not stay behind once all jobs have ended: staged batches and records, and attempts that still run. */
export const leftovers = async (sql: Sql): Promise<readonly string[]> => {
  const [row] = await sql<{ batches: number; attempts: number; jobs: number }[]>`select
    (select count(*) from staged_batch)::int as batches,
    (select count(*) from attempt where state = 'active')::int as attempts,
    (select count(*) from job where state not in ('published', 'failed', 'cancelled'))::int as jobs`;
  if (!row) return ['the catalog did not answer'];
  return Object.entries(row).flatMap(([what, n]) => (n === 0 ? [] : [`${n} ${what} stayed behind`]));
};
