import { drawSheet } from '#agent/crawl/pictures/sheet-picture.ts';
import { type Library, libraryOf, planSheet, type Values } from '#agent/crawl/pictures/sheet-plan.ts';
import type { PropertyEntry } from '#agent/qlik/engine/calls.ts';

export const NO_LIBRARY: Library = libraryOf([], [], []);

export const chart = (
  qId: string,
  visualization: string,
  properties: Record<string, unknown> = {},
  qChildren: readonly PropertyEntry[] = [],
): PropertyEntry => ({ qProperty: { qInfo: { qId, qType: visualization }, visualization, ...properties }, qChildren });

export const cube = (dimensions: readonly string[], measures: readonly string[]) => ({
  qHyperCubeDef: {
    qDimensions: dimensions.map((field) => ({ qDef: { qFieldDefs: [field], qFieldLabels: [''] } })),
    qMeasures: measures.map((expression) => ({ qDef: { qDef: expression } })),
  },
});

export const cell = (name: string, col: number, row: number, colspan: number, rowspan: number) => ({
  name,
  type: 'barchart',
  col,
  row,
  colspan,
  rowspan,
});

export const sheet = (
  cells: readonly unknown[],
  qChildren: readonly PropertyEntry[],
  more: Record<string, unknown> = {},
): PropertyEntry => ({
  qProperty: { qInfo: { qId: 's', qType: 'sheet' }, columns: 24, rows: 12, cells, ...more },
  qChildren,
});

export const draw = (entry: PropertyEntry, title = 'A sheet', values?: ReadonlyMap<string, Values>): string =>
  drawSheet(planSheet(title, entry, NO_LIBRARY, values));

/** Height of the whole picture. */
export const heightOf = (svg: string): number => Number(/viewBox="0 0 960 ([\d.]+)"/.exec(svg)?.[1]);

/** Places of the objects, in their order. */
export const placesOf = (svg: string): { x: number; y: number; width: number; height: number }[] =>
  [...svg.matchAll(/<svg x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)">/g)].map((match) => {
    const [x = 0, y = 0, width = 0, height = 0] = match.slice(1).map(Number);
    return { x, y, width, height };
  });
