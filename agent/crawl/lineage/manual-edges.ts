import type { NamedDataset } from '#agent/lineage/naming/naming.ts';
import { keyPart } from '#protocol/keys.ts';
import type { ScopeWriter } from '../scope-writer.ts';
import type { LineageGraph } from './graph.ts';

/** An edge of the administrator's, with the dataset that it leads to. */
export interface ManualEdge {
  readonly field: string;
  readonly dataset: NamedDataset;
  readonly column: string;
}

const MANUAL = { role: 'value', confidence: 'exact', reasons: ['mapping'], manual: true, conditional: false } as const;

/**
 * Writes the edges that an administrator gives an app, from those of its fields that there are. Returns the pairs that are
 * told by them, which the script's own edges need not tell again.
 */
export const writeManualEdges = async (
  out: ScopeWriter,
  edges: Iterable<ManualEdge>,
  fields: ReadonlyMap<string, string> | undefined,
  graph: LineageGraph,
): Promise<ReadonlySet<string>> => {
  const datasets = new Set(graph.datasets.map(({ key }) => key));
  const columns = new Set(graph.columns.map(({ key }) => key));
  const told = new Set<string>();
  for (const { field, dataset, column } of edges) {
    const from = fields?.get(field);
    // As it was written: nobody but the administrator knows its case.
    const to = `${dataset.key}#${keyPart(column)}`;
    if (from === undefined || told.has(pairOf(from, to))) continue;
    if (!datasets.has(dataset.key)) {
      datasets.add(dataset.key);
      const attributes = dataset.otherName === undefined ? {} : { otherName: dataset.otherName };
      await out.asset({ kind: 'dataset', key: dataset.key, name: dataset.name, attributes });
    }
    if (!columns.has(to)) {
      columns.add(to);
      await out.asset({ kind: 'column', key: to, name: column, parent: dataset.key });
    }
    told.add(pairOf(from, to));
    await out.edge('derives', from, to, { ...MANUAL, reasons: [...MANUAL.reasons] });
  }
  return told;
};

export const pairOf = (from: string, to: string): string => `${from}\n${to}`;
