/**
 * Hypercubes and list boxes in layouts. Without data they have their columns and no rows. With data the rows are made
 * up: values of a dimension are named after its field, numbers come from the row, so that a page reads the same twice.
 */
import type { Field } from '../model/types.ts';
import type { DocumentView } from './document-view.ts';
import { EngineError } from './errors.ts';
import { fieldNamesIn } from './expression.ts';
import { valueText } from './selections.ts';

type Json = Readonly<Record<string, unknown>>;

const MAX_ROWS = 1_000;
/** The engine's own bound on one page. */
const MAX_PAGE_CELLS = 10_000;
const NO_FORMAT = { qType: 'U', qnDec: 0, qUseThou: 0 };

const json = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const texts = (value: unknown): readonly string[] =>
  list(value).filter((item): item is string => typeof item === 'string');

/** Field definitions and labels of a `qDimensions` entry, through the library when it points there. */
const dimensionOf = (entry: Json, view: DocumentView): { defs: readonly string[]; labels: readonly string[] } => {
  const library = typeof entry['qLibraryId'] === 'string' ? entry['qLibraryId'] : '';
  const master = library === '' ? undefined : view.index.dimensions.get(library);
  const def = master ? json(master.properties['qDim']) : json(entry['qDef']);
  return { defs: texts(def['qFieldDefs']), labels: texts(def['qFieldLabels']) };
};

const measureOf = (entry: Json, view: DocumentView): { expression: string; label: string } => {
  const library = typeof entry['qLibraryId'] === 'string' ? entry['qLibraryId'] : '';
  const master = library === '' ? undefined : view.index.measures.get(library);
  const def = master ? json(master.properties['qMeasure']) : json(entry['qDef']);
  return { expression: String(def['qDef'] ?? ''), label: String(def['qLabel'] ?? '') };
};

const fieldOf = (definition: string, view: DocumentView): Field | undefined => {
  const names = fieldNamesIn(definition, view.content);
  return view.content.fields.find((field) => field.name === names[0]);
};

const cardinalOf = (definition: string, view: DocumentView): number =>
  view.withData ? (fieldOf(definition, view)?.cardinal ?? 0) : 0;

/** The field of a dimension or list box; undefined without data, and for what is no field. */
export const fieldAt = (dimension: unknown, view: DocumentView): Field | undefined => {
  const [definition = ''] = dimensionOf(json(dimension), view).defs;
  return view.withData ? fieldOf(definition, view) : undefined;
};

/** The values of a dimension that are possible: what is selected in its field, else all. */
const valuesOf = (definition: string, view: DocumentView): { count: number; at(index: number): number } => {
  const selected = view.selections.in(fieldOf(definition, view)?.name ?? '');
  if (view.withData && selected) {
    const elements = [...selected].sort((a, b) => a - b);
    return { count: elements.length, at: (index) => elements[index % elements.length] ?? 0 };
  }
  const count = cardinalOf(definition, view);
  return { count, at: (index) => index % Math.max(1, count) };
};

const rowsOf = (definition: Json, view: DocumentView): number => {
  if (!view.withData) return 0;
  const dimensions = list(definition['qDimensions']).map((entry) => dimensionOf(json(entry), view));
  if (dimensions.length === 0) return list(definition['qMeasures']).length > 0 ? 1 : 0;
  return Math.min(MAX_ROWS, Math.max(...dimensions.map(({ defs }) => valuesOf(defs[0] ?? '', view).count)));
};

export const stateCounts = (cardinal: number, selected: number): Json => ({
  qLocked: 0,
  qSelected: selected,
  qOption: selected > 0 ? 0 : cardinal,
  qDeselected: 0,
  qAlternative: selected > 0 ? cardinal - selected : 0,
  qExcluded: 0,
  qSelectedExcluded: 0,
  qLockedExcluded: 0,
});

const dimensionInfo = (entry: Json, view: DocumentView): Json => {
  const { defs, labels } = dimensionOf(entry, view);
  const cardinal = cardinalOf(defs[0] ?? '', view);
  const title = labels[0] || (defs[0] ?? '').replace(/^=/, '');
  return {
    qFallbackTitle: title,
    qApprMaxGlyphCount: view.withData ? 12 : 0,
    qCardinal: cardinal,
    qSortIndicator: 'A',
    qGroupFallbackTitles: defs.map((def, index) => labels[index] || def),
    qGroupPos: 0,
    qStateCounts: stateCounts(cardinal, view.selections.in(fieldOf(defs[0] ?? '', view)?.name ?? '')?.size ?? 0),
    qTags: fieldOf(defs[0] ?? '', view)?.tags ?? [],
    qDimensionType: 'D',
    qGrouping: defs.length > 1 ? 'H' : 'N',
    qNumFormat: NO_FORMAT,
    qIsAutoFormat: true,
    qGroupFieldDefs: defs,
    qMin: 'NaN',
    qMax: 'NaN',
    qAttrExprInfo: [],
    qAttrDimInfo: [],
    qCardinalities: { qCardinal: cardinal, qHypercubeCardinal: cardinal, qAllValuesCardinal: -1 },
    ...(entry['qLibraryId'] === undefined ? {} : { qLibraryId: entry['qLibraryId'] }),
  };
};

const measureInfo = (entry: Json, view: DocumentView): Json => {
  const { expression, label } = measureOf(entry, view);
  return {
    qFallbackTitle: label || expression,
    qApprMaxGlyphCount: view.withData ? 8 : 0,
    qCardinal: 0,
    qSortIndicator: 'D',
    qNumFormat: NO_FORMAT,
    qMin: view.withData ? 1 : 'NaN',
    qMax: view.withData ? MAX_ROWS : 'NaN',
    qIsAutoFormat: true,
    qAttrExprInfo: [],
    qAttrDimInfo: [],
    qTrendLines: [],
    ...(entry['qLibraryId'] === undefined ? {} : { qLibraryId: entry['qLibraryId'] }),
  };
};

interface Area {
  readonly qLeft: number;
  readonly qTop: number;
  readonly qWidth: number;
  readonly qHeight: number;
}

const areaOf = (page: unknown): Area => {
  const number = (value: unknown): number => (typeof value === 'number' && value > 0 ? Math.floor(value) : 0);
  const { qLeft, qTop, qWidth, qHeight } = json(page);
  return { qLeft: number(qLeft), qTop: number(qTop), qWidth: number(qWidth), qHeight: number(qHeight) };
};

/** The pages that are asked for, cut at the cube's edges. @throws EngineError 7009 above 10,000 cells a page */
export const pagesOf = (definition: Json, pages: unknown, view: DocumentView): readonly Json[] => {
  const dimensions = list(definition['qDimensions']).map((entry) => {
    const [first = ''] = dimensionOf(json(entry), view).defs;
    const name = fieldOf(first, view)?.name ?? first;
    return { name, values: valuesOf(first, view), state: view.selections.in(name) ? 'S' : 'O' };
  });
  const width = dimensions.length + list(definition['qMeasures']).length;
  const rows = rowsOf(definition, view);
  return list(pages).map((page) => {
    const area = areaOf(page);
    if (area.qWidth * area.qHeight > MAX_PAGE_CELLS) throw new EngineError(7009, 'qPages');
    const height = Math.max(0, Math.min(area.qHeight, rows - area.qTop));
    const columns = Math.max(0, Math.min(area.qWidth, width - area.qLeft));
    const qMatrix = Array.from({ length: height }, (_, y) =>
      Array.from({ length: columns }, (_, x) => {
        const row = area.qTop + y;
        const column = area.qLeft + x;
        const dimension = dimensions[column];
        if (!dimension) return { qText: String(row + 1), qNum: row + 1, qElemNumber: 0, qState: 'L' };
        const value = dimension.values.at(row);
        return { qText: valueText(dimension.name, value), qNum: 'NaN', qElemNumber: value, qState: dimension.state };
      }),
    );
    return {
      qMatrix,
      qTails: [{ qUp: 0, qDown: 0 }],
      qArea: { qLeft: area.qLeft, qTop: area.qTop, qWidth: columns, qHeight: height },
    };
  });
};

/** `qHyperCube` of a layout. */
export const hyperCube = (definition: Json, view: DocumentView): Json => {
  const dimensions = list(definition['qDimensions']).map(json);
  const measures = list(definition['qMeasures']).map(json);
  return {
    qSize: { qcx: dimensions.length + measures.length, qcy: rowsOf(definition, view) },
    qDimensionInfo: dimensions.map((entry) => dimensionInfo(entry, view)),
    qMeasureInfo: measures.map((entry) => measureInfo(entry, view)),
    qEffectiveInterColumnSortOrder: [...dimensions, ...measures].map((_, index) => index),
    qGrandTotalRow: view.withData
      ? measures.map(() => ({ qText: '1', qNum: 1, qElemNumber: -1, qState: 'X', qIsTotalCell: true }))
      : [],
    qDataPages: view.withData ? pagesOf(definition, definition['qInitialDataFetch'], view) : [],
    qPivotDataPages: [],
    qStackedDataPages: [],
    qMode: definition['qMode'] ?? 'S',
    qNoOfLeftDims: definition['qNoOfLeftDims'] ?? -1,
    qTitle: '',
    qHasOtherValues: false,
  };
};

/** Values of a list box: all of them stay, with their states. */
export const listPagesOf = (definition: Json, pages: unknown, view: DocumentView): readonly Json[] => {
  const field = fieldAt(definition, view);
  const selected = field ? view.selections.in(field.name) : undefined;
  if (!field || !selected) return pagesOf({ qDimensions: [definition] }, pages, view);
  const rows = Math.min(MAX_ROWS, field.cardinal);
  return list(pages).map((page) => {
    const area = areaOf(page);
    if (area.qWidth * area.qHeight > MAX_PAGE_CELLS) throw new EngineError(7009, 'qPages');
    const height = Math.max(0, Math.min(area.qHeight, rows - area.qTop));
    return {
      qMatrix: Array.from({ length: height }, (_, y) => {
        const element = area.qTop + y;
        const qState = selected.has(element) ? 'S' : 'A';
        return [{ qText: valueText(field.name, element), qNum: 'NaN', qElemNumber: element, qState }];
      }),
      qTails: [{ qUp: 0, qDown: 0 }],
      qArea: { qLeft: area.qLeft, qTop: area.qTop, qWidth: Math.min(1, area.qWidth), qHeight: height },
    };
  });
};

/** `qListObject` of a layout: one dimension, its values as rows. */
export const listObject = (definition: Json, view: DocumentView): Json => {
  const field = fieldAt(definition, view);
  const cube = { qDimensions: [definition], qMeasures: [] };
  return {
    qSize: { qcx: 1, qcy: field ? Math.min(MAX_ROWS, field.cardinal) : rowsOf(cube, view) },
    qDimensionInfo: dimensionInfo(definition, view),
    qExpressions: [],
    qDataPages: view.withData ? listPagesOf(definition, definition['qInitialDataFetch'], view) : [],
  };
};
