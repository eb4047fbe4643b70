import type { OpenApp } from '#agent/qlik/engine/app.ts';
import type { Properties, PropertyEntry } from '#agent/qlik/engine/calls.ts';
import { Fault } from '#protocol/errors.ts';
import { isTree, listAt, numberAt, type Tree, textAt, treeAt } from '../properties.ts';
import { gridOf, idOf } from './grid.ts';
import { drawable } from './legible.ts';
import { effective, type Library, type Value, type Values } from './sheet-plan.ts';

/** What a small picture can show: 72 cells, where the engine gives 10,000 at once. */
const MOST_ROWS = 12;
const MOST_COLUMNS = 6;
const MOST_DIMENSIONS = 4;
/** Of one sheet. Each is a calculation that the server does for us. */
const MOST_CHARTS = 40;

/** Of a hypercube only what decides what its first rows are. Neither the author's pages nor his exports come along. */
const KEPT = ['qInterColumnSortOrder', 'qSuppressZero', 'qSuppressMissing', 'qCalcCondition', 'qStateName'] as const;

interface Question {
  readonly dimensions: number;
  readonly properties: Tree;
}

/** The first hypercube or list of a chart as a question for a few of its values; undefined when it has none. */
const questionOf = (properties: Tree): Question | undefined => {
  const state = textAt(properties, 'qStateName');
  const inState = state === '' ? {} : { qStateName: state };
  const list = treeAt(properties, 'qListObjectDef');
  if (list !== undefined)
    return {
      dimensions: 1,
      properties: { ...inState, qListObjectDef: { ...list, qInitialDataFetch: [page(1)] } },
    };
  const cube = treeAt(properties, 'qHyperCubeDef') ?? treeAt(properties, 'boxplotDef', 'qHyperCubeDef');
  if (cube === undefined) return undefined;
  const dimensions = listAt(cube, 'qDimensions').filter(isTree).slice(0, MOST_DIMENSIONS);
  const measures = listAt(cube, 'qMeasures')
    .filter(isTree)
    .slice(0, MOST_COLUMNS - dimensions.length);
  const columns = dimensions.length + measures.length;
  if (columns === 0) return undefined;
  const kept = Object.fromEntries(KEPT.flatMap((name) => (cube[name] === undefined ? [] : [[name, cube[name]]])));
  const whole =
    dimensions.length === listAt(cube, 'qDimensions').length && measures.length === listAt(cube, 'qMeasures').length;
  if (!whole) delete kept['qInterColumnSortOrder'];
  return {
    dimensions: dimensions.length,
    properties: {
      ...inState,
      qHyperCubeDef: {
        ...kept,
        qDimensions: dimensions,
        qMeasures: measures,
        qMode: 'S',
        qInitialDataFetch: [page(columns)],
      },
    },
  };
};

const page = (columns: number) => ({ qTop: 0, qLeft: 0, qWidth: columns, qHeight: MOST_ROWS });

const cellValue = (cell: unknown): Value => {
  const number = numberAt(cell, 'qNum');
  return { text: drawable(textAt(cell, 'qText')), number };
};

const valuesIn = (layout: Properties, dimensions: number): Values | undefined => {
  const found = treeAt(layout, 'qHyperCube') ?? treeAt(layout, 'qListObject');
  if (found === undefined) return undefined;
  const [first] = listAt(found, 'qDataPages');
  const rows = listAt(first, 'qMatrix')
    .slice(0, MOST_ROWS)
    .map((row) => (Array.isArray(row) ? row.slice(0, MOST_COLUMNS).map(cellValue) : []));
  const info = [
    // Of a list it is one and no list.
    ...(isTree(found['qDimensionInfo']) ? [found['qDimensionInfo']] : listAt(found, 'qDimensionInfo')),
    ...listAt(found, 'qMeasureInfo'),
  ];
  const names = info.slice(0, MOST_COLUMNS).map((column) => drawable(textAt(column, 'qFallbackTitle')));
  return { names, dimensions, rows, total: numberAt(treeAt(found, 'qSize'), 'qcy') ?? rows.length };
};

/**
 * A few values of each chart that has a place on the sheet, by its id. A chart that cannot be calculated has none, and is
 * drawn as without data. `app` has to be open with its data.
 *
 * @throws what ends the session
 */
export const readValues = async (
  app: OpenApp,
  sheet: PropertyEntry,
  library: Library,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Values>> => {
  const values = new Map<string, Values>();
  for (const { entry } of gridOf(sheet).cells.slice(0, MOST_CHARTS)) {
    if (entry === undefined) continue;
    const question = questionOf(effective(entry.qProperty, library));
    if (question === undefined) continue;
    signal.throwIfAborted();
    try {
      // One after the other: a sheet of charts that are all calculated at once is what a server feels.
      const found = valuesIn(await app.evaluated(question.properties), question.dimensions);
      if (found !== undefined) values.set(idOf(entry), found);
    } catch (error) {
      if (!(error instanceof Fault) || !OF_THE_CHART.test(error.code)) throw error;
    }
  }
  return values;
};

/** What is wrong with one chart rather than with the app or the way to it. */
const OF_THE_CHART = /^qlik\.(?:engine_failed|access_denied|not_found|protocol)$/;
