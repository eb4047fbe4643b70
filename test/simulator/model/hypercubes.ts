import type { DataModel } from './data-model.ts';
import { dimensionExpression, measureExpression, quoted, titleOf } from './expressions.ts';
import { numberFormat } from './masters.ts';
import type { Random } from './random.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Properties = { readonly [key: string]: Json };

/** What charts may refer to while they are made; ids of deleted master items stay behind in real apps. */
export interface Library {
  readonly model: DataModel;
  readonly dimensions: readonly string[];
  readonly measures: readonly string[];
  readonly visualizations: readonly string[];
}

const SORT: Json = {
  qSortByState: 0,
  qSortByFrequency: 0,
  qSortByNumeric: 1,
  qSortByAscii: 1,
  qSortByLoadOrder: 1,
  qSortByExpression: 0,
  qExpression: { qv: '' },
  qSortByGreyness: 0,
};

const CIDS = { own: 92, missing: 5, copied: 3 } as const;

/** Mostly an id of its own; some are missing or were copied together with a neighbour's. */
const cIdOf = (random: Random, last: string | null): string | undefined => {
  const style = random.weighted(CIDS);
  if (style === 'missing') return undefined;
  return style === 'copied' && last !== null ? last : random.letters(random.int(5, 6));
};

const libraryId = (random: Random, ids: readonly string[], share: number): string | undefined => {
  if (!random.chance(share)) return undefined;
  return random.chance(0.04) || ids.length === 0 ? random.guid() : random.pick(ids);
};

const withId = (cId: string | undefined): { cId?: string } => (cId === undefined ? {} : { cId });

const dimensionEntry = (random: Random, library: Library, cId: string | undefined): Json => {
  const item = libraryId(random, library.dimensions, 0.35);
  return {
    ...(item === undefined ? (random.chance(0.2) ? { qLibraryId: '' } : {}) : { qLibraryId: item }),
    qDef: {
      qGrouping: 'N',
      qFieldDefs: item === undefined ? [dimensionExpression(random, library.model)] : [],
      qFieldLabels: [item === undefined && random.chance(0.3) ? 'Column; "A"' : ''],
      qSortCriterias: [SORT],
      qNumberPresentations: [],
      qReverseSort: false,
      qActiveField: 0,
      autoSort: true,
      othersLabel: 'Others',
      textAlign: { auto: true, align: 'left' },
      ...withId(cId),
    },
    qNullSuppression: random.chance(0.1),
    qIncludeElemValue: false,
    qOtherTotalSpec: {
      qOtherMode: 'OTHER_OFF',
      qOtherCounted: { qv: '10' },
      qOtherLimit: { qv: '0' },
      qOtherLimitMode: 'OTHER_GE_LIMIT',
      qSuppressOther: false,
      qForceBadValueKeeping: true,
      qApplyEvenWhenPossiblyWrongResult: true,
      qTotalMode: 'TOTAL_OFF',
    },
    qShowTotal: false,
    qShowAll: false,
    qOtherLabel: { qv: '' },
    qTotalLabel: { qv: '' },
    qCalcCond: { qv: '' },
    qAttributeExpressions: random.chance(0.1)
      ? [
          {
            qExpression: `=If(${measureExpression(random, library.model).replace(/^=/, '')} > 0, Green(), Red())`,
            qAttribute: true,
            id: 'colorByExpression',
          },
        ]
      : [],
    qAttributeDimensions: [],
  };
};

const measureEntry = (random: Random, library: Library, cId: string | undefined): Json => {
  const item = libraryId(random, library.measures, 0.4);
  return {
    ...(item === undefined ? {} : { qLibraryId: item }),
    qDef: {
      qLabel: item === undefined && random.chance(0.4) ? 'Umsatz; "netto"' : '',
      qDescription: '',
      qTags: [],
      qGrouping: 'N',
      ...(item === undefined ? { qDef: measureExpression(random, library.model) } : {}),
      qNumFormat: numberFormat(random),
      qRelative: false,
      qBrutalSum: false,
      qAggrFunc: 'Expr',
      qAccumulate: 0,
      qReverseSort: false,
      qActiveExpression: 0,
      qExpressions: [],
      qLabelExpression: random.chance(0.08) ? `='Sum in ' & vCurrency` : '',
      autoSort: true,
      numFormatFromTemplate: true,
      ...withId(cId),
    },
    qSortBy: SORT,
    qAttributeExpressions: [],
    qAttributeDimensions: [],
    qCalcCond: { qv: '' },
    qTrendLines: [],
    qMiniChart: {},
  };
};

const entries = (random: Random, count: number, make: (cId: string | undefined) => Json): Json[] => {
  let last: string | null = null;
  return Array.from({ length: count }, () => {
    const cId = cIdOf(random, last);
    last = cId ?? last;
    return make(cId);
  });
};

/**
 * A `qHyperCubeDef` with so many dimensions and measures; alternates of tables and pivot tables lie in a second one under
 * `qLayoutExclude`.
 */
export const hyperCube = (
  random: Random,
  library: Library,
  [dimensions, measures]: readonly [number, number],
  alternates = false,
): Properties => {
  const cube = {
    qStateName: random.chance(0.03) ? 'Compare' : '',
    qDimensions: entries(random, dimensions, (cId) => dimensionEntry(random, library, cId)),
    qMeasures: entries(random, measures, (cId) => measureEntry(random, library, cId)),
    qInterColumnSortOrder: Array.from({ length: dimensions + measures }, (_, index) => index),
    qSuppressZero: false,
    qSuppressMissing: true,
    qInitialDataFetch: [{ qLeft: 0, qTop: 0, qWidth: 17, qHeight: 500 }],
    qReductionMode: 'N',
    qMode: 'S',
    qPseudoDimPos: -1,
    qNoOfLeftDims: -1,
    qAlwaysFullyExpanded: false,
    qMaxStackedCells: 5000,
    qPopulateMissing: false,
    qShowTotalsAbove: false,
    qIndentMode: false,
    qCalcCond: { qv: '' },
    qTitle: { qv: '' },
    qCalcCondition: {
      qCond: {
        qv: random.chance(0.05) ? `Count(DISTINCT ${quoted(library.model.texts[0] ?? 'Name')}) < 1000` : '',
      },
      qMsg: { qv: '' },
    },
    qColumnOrder: [],
    qExpansionState: [],
    qDynamicScript: [],
    qContextSetExpression: '',
    customErrorMessage: { calcCond: '' },
  };
  if (!alternates) return { ...cube, qLayoutExclude: { qHyperCubeDef: { qDimensions: [], qMeasures: [] } } };
  return {
    ...cube,
    qLayoutExclude: {
      qHyperCubeDef: {
        qDimensions: entries(random, random.int(1, 3), (cId) => dimensionEntry(random, library, cId)),
        qMeasures: entries(random, random.int(0, 2), (cId) => measureEntry(random, library, cId)),
      },
    },
  };
};

/** What a list box shows. */
export const listObject = (random: Random, library: Library): Properties => {
  const item = libraryId(random, library.dimensions, 0.4);
  const cId = cIdOf(random, null);
  return {
    qStateName: '',
    ...(item === undefined ? {} : { qLibraryId: item }),
    qDef: {
      qGrouping: 'N',
      qFieldDefs: item === undefined ? [dimensionExpression(random, library.model)] : [],
      qFieldLabels: [''],
      qSortCriterias: [SORT],
      autoSort: false,
      ...withId(cId),
    },
    qAutoSortByState: { qDisplayNumberOfRows: -1 },
    qFrequencyMode: 'N',
    qShowAlternatives: true,
    qInitialDataFetch: [{ qLeft: 0, qTop: 0, qWidth: 1, qHeight: 500 }],
  };
};

/** Title, subtitle and footnote with the switches that every chart has. */
export const captions = (random: Random, library: Library, plain: string): Properties => ({
  showTitles: true,
  title: titleOf(random, library.model, plain),
  subtitle: random.chance(0.15) ? titleOf(random, library.model, 'in 1.000 €; unaudited') : '',
  footnote: random.chance(0.08) ? 'Source: DWH, "as is"' : '',
  disableNavMenu: false,
  showDetails: true,
  showDetailsExpression: false,
});
