import { columnOf } from '#agent/lineage/dataset-names.ts';
import type { NamedDataset } from '#agent/lineage/naming/naming.ts';
import type { ScopeWriter } from '../scope-writer.ts';
import type { LineageGraph } from './graph.ts';

/** An edge of the administrator's, with the dataset that it leads to. */
export interface ManualEdge {
  readonly field: string;
  readonly dataset: NamedDataset;
  readonly column: string;
}

/** An edge of the administrator's between datasets; without columns it is one of the whole. */
export interface ManualDataset {
  readonly dataset: NamedDataset;
  readonly column: string | undefined;
  readonly origin: NamedDataset;
  readonly originColumn: string | undefined;
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
    const to = columnOf(dataset.key, column);
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

/**
 * Writes the administrator's edges between datasets into the site's scope. What else is known of these datasets must come
 * after it: of two records of one asset the later counts.
 */
export const writeManualDatasets = async (out: ScopeWriter, edges: Iterable<ManualDataset>): Promise<void> => {
  const told = new Set<string>();
  const asset = async ({ key, name, otherName }: NamedDataset, column: string | undefined): Promise<string> => {
    if (!told.has(key)) {
      told.add(key);
      await out.asset({ kind: 'dataset', key, name, attributes: otherName === undefined ? {} : { otherName } });
    }
    if (column === undefined) return key;
    const columnKey = columnOf(key, column);
    if (!told.has(columnKey)) {
      told.add(columnKey);
      await out.asset({ kind: 'column', key: columnKey, name: column, parent: key });
    }
    return columnKey;
  };
  for (const { dataset, column, origin, originColumn } of edges) {
    // From a column to a whole table, and back, would say more than anybody knows.
    const isOfColumns = column !== undefined && originColumn !== undefined;
    const from = await asset(dataset, isOfColumns ? column : undefined);
    const to = await asset(origin, isOfColumns ? originColumn : undefined);
    if (from === to || told.has(pairOf(from, to))) continue;
    told.add(pairOf(from, to));
    await out.edge('derives', from, to, { ...MANUAL, reasons: [...MANUAL.reasons] });
  }
};

export const pairOf = (from: string, to: string): string => `${from}\n${to}`;
