import type { PropertyEntry } from '#agent/qlik/engine/calls.ts';
import { isTree, listAt, numberAt, type Tree, textAt, treeAt } from '../properties.ts';

/** Where something stands, in columns and rows of the sheet's grid. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Cell {
  /** Undefined for an object that the sheet names and does not have. */
  readonly entry: PropertyEntry | undefined;
  readonly type: string;
  readonly place: Place;
}

export interface Grid {
  readonly columns: number;
  readonly rows: number;
  /** Rows that fill a screen: an extended sheet has more, and is scrolled. */
  readonly screenRows: number;
  readonly cells: readonly Cell[];
  /** Objects with a place that are not among `cells`, as there are too many. */
  readonly omitted: number;
  /** Objects of the sheet that have no place on it. */
  readonly unplaced: number;
}

const COLUMNS = 24;
const ROWS = 12;
/** More can be told from each other by nobody; a sheet that people made has 40 at most. */
const MOST_CELLS = 100;
/** The finest grid of Qlik has 48 columns; what lies further out is no place. */
const MOST_COLUMNS = 400;
const MOST_ROWS = 4_000;

const within = (value: number | undefined, least: number, most: number): number | undefined =>
  value === undefined || value < least || value > most ? undefined : value;

/** By columns and rows; of cells without them by their bounds, which are parts of a screen in percent. */
const placeOf = (cell: Tree, columns: number, screenRows: number): Place | undefined => {
  const x = within(numberAt(cell, 'col'), 0, MOST_COLUMNS);
  const y = within(numberAt(cell, 'row'), 0, MOST_ROWS);
  const width = within(numberAt(cell, 'colspan'), 0.01, MOST_COLUMNS);
  const height = within(numberAt(cell, 'rowspan'), 0.01, MOST_ROWS);
  if (x !== undefined && y !== undefined && width !== undefined && height !== undefined) return { x, y, width, height };
  const bounds = treeAt(cell, 'bounds');
  const part = (name: string, least: number): number | undefined => within(numberAt(bounds, name), least, 10_000);
  const [left, top, wide, high] = [part('x', 0), part('y', 0), part('width', 0.01), part('height', 0.01)];
  if (left === undefined || top === undefined || wide === undefined || high === undefined) return undefined;
  return {
    x: (left / 100) * columns,
    y: (top / 100) * screenRows,
    width: (wide / 100) * columns,
    height: (high / 100) * screenRows,
  };
};

export const idOf = (entry: PropertyEntry): string => textAt(treeAt(entry.qProperty, 'qInfo'), 'qId');

export const typeOf = (properties: Tree): string =>
  textAt(properties, 'visualization') || textAt(treeAt(properties, 'qInfo'), 'qType');

/** The grid of a sheet. Objects of a sheet that knows no cells at all are laid out side by side. */
export const gridOf = (sheet: PropertyEntry): Grid => {
  const { qProperty: properties, qChildren: children = [] } = sheet;
  const columns = within(numberAt(properties, 'columns'), 1, MOST_COLUMNS) ?? COLUMNS;
  // A finer grid has more rows to a screen in the same measure; `rows` grows with an extended sheet.
  const screenRows = within(numberAt(properties, 'customRowBase'), 1, MOST_ROWS) ?? (columns * ROWS) / COLUMNS;
  const byId = new Map(children.map((entry) => [idOf(entry), entry]));
  const placed = new Set<string>();
  const cells: Cell[] = [];
  let omitted = 0;
  for (const cell of listAt(properties, 'cells')) {
    if (!isTree(cell)) continue;
    const place = placeOf(cell, columns, screenRows);
    if (place === undefined) continue;
    const id = textAt(cell, 'name');
    placed.add(id);
    const entry = byId.get(id);
    if (cells.length >= MOST_CELLS) omitted += 1;
    else cells.push({ entry, type: entry === undefined ? textAt(cell, 'type') : typeOf(entry.qProperty), place });
  }
  if (cells.length === 0 && children.length > 0) return sideBySide(children, columns, screenRows);
  const reach = (side: (place: Place) => number): number => Math.max(0, ...cells.map(({ place }) => side(place)));
  return {
    columns: Math.max(
      columns,
      reach(({ x, width }) => x + width),
    ),
    rows: Math.max(
      screenRows,
      reach(({ y, height }) => y + height),
    ),
    screenRows,
    cells,
    omitted,
    unplaced: [...byId.keys()].filter((id) => !placed.has(id)).length,
  };
};

const sideBySide = (children: readonly PropertyEntry[], columns: number, screenRows: number): Grid => {
  const shown = children.slice(0, MOST_CELLS);
  const across = Math.min(6, Math.ceil(Math.sqrt(shown.length)));
  const down = Math.ceil(shown.length / across);
  const width = columns / across;
  const height = Math.max(screenRows / down, screenRows / 4);
  return {
    columns,
    rows: Math.max(screenRows, down * height),
    screenRows,
    cells: shown.map((entry, index) => ({
      entry,
      type: typeOf(entry.qProperty),
      place: { x: (index % across) * width, y: Math.floor(index / across) * height, width, height },
    })),
    omitted: children.length - shown.length,
    unplaced: 0,
  };
};
