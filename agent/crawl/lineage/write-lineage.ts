import { sourceName } from '#agent/lineage/result-json.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Missing } from '#protocol/records.ts';
import type { AppContent } from '../app-content.ts';
import type { AppContext } from '../app-context.ts';
import { present } from '../attributes.ts';
import type { Keys } from '../keys.ts';
import { missing } from '../missing.ts';
import type { ScopeWriter } from '../scope-writer.ts';
import { lineageGaps } from './gaps.ts';
import { type DatasetRow, lineageGraph } from './graph.ts';
import { pairOf, writeManualEdges } from './manual-edges.ts';
import type { AppLineage } from './site-lineage.ts';

/**
 * Writes what an app's script reads and stores, and the edges from its fields to the columns they come from. Returns what
 * the lineage lacks.
 */
export const writeLineage = async (
  out: ScopeWriter,
  row: Pick<QrsApp, 'id' | 'name'>,
  { keys, lineage: site }: Pick<AppContext, 'keys' | 'lineage'>,
  { model }: Pick<AppContent, 'model'>,
  { lineage, fault }: AppLineage,
): Promise<Missing[]> => {
  if (site === undefined) return [];
  if (fault !== undefined) return [missing('lineage of the load script', fault)];
  const fields = model.available ? namesOf(model.fields, keys, row.id, 'field') : undefined;
  const graph = lineageGraph({
    lineage,
    app: keys.of(row.id),
    name: (source) => site.naming.of(source, { appId: row.id }),
    fields,
    tables: model.available ? namesOf(model.tables, keys, row.id, 'table') : undefined,
    withTexts: site.withTexts,
  });
  for (const dataset of graph.datasets) await out.asset(datasetAsset(dataset));
  for (const { key, dataset, name } of graph.columns) await out.asset({ kind: 'column', key, name, parent: dataset });
  const manual = await writeManualEdges(out, site.manualEdges(row), fields, graph);
  for (const { kind, from, to, attributes } of graph.edges)
    if (kind !== 'derives' || !manual.has(pairOf(from, to))) await out.edge(kind, from, to, attributes);
  return lineageGaps(lineage, graph);
};

const namesOf = (
  rows: readonly { readonly name: string; readonly is_system: boolean }[],
  keys: Keys,
  appId: string,
  kind: 'field' | 'table',
): ReadonlyMap<string, string> =>
  new Map(rows.flatMap(({ name, is_system }) => (is_system ? [] : [[name, keys.of(appId, kind, name)]])));

const datasetAsset = ({ key, named, source }: DatasetRow) => ({
  kind: 'dataset' as const,
  key,
  name: named.name,
  attributes: present({
    type: source.type === 'file' ? source.format || 'file' : source.type === 'object' ? 'table' : source.type,
    // As the script writes it, which says more than a name that nobody can resolve.
    written: sourceName(source),
    connection: source.type === 'object' ? source.connection : undefined,
    pattern: named.pattern,
    otherName: named.otherName,
  }),
});
