import { isTree, listAt, type Tree, textAt } from './properties.ts';

/** A dimension (`d`) or measure (`m`) as a chart defines it. */
export interface Definition {
  readonly side: 'd' | 'm';
  /** An entry of `qDimensions` or `qMeasures`, or a whole `qListObjectDef`. */
  readonly entry: Tree;
  /** `qDef.cId`, else the position within its list: what the key is made of, and may be there more than once. */
  readonly id: string;
  /** One of those that a reader may put in the place of another; not shown at first. */
  readonly alternative: boolean;
}

/** Copies that undo keeps and pictures of former data: not part of what the chart shows. */
export const NOT_SHOWN: ReadonlySet<string> = new Set(['qUndoExclude', 'qEmbeddedSnapshotDef', 'snapshot']);
export const MAX_DEPTH = 64;

/**
 * Every dimension and measure in the properties of a chart, in the order in which they stand there. Hypercubes may be
 * anywhere: map layers have one each, tables keep their alternates in a second one inside the first.
 */
export const definitionsIn = (properties: unknown): readonly Definition[] => {
  const found: Definition[] = [];
  collect(properties, 0, false, found);
  return found;
};

const collect = (value: unknown, depth: number, alternative: boolean, found: Definition[]): void => {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return;
  if (Array.isArray(value)) {
    for (const member of value) collect(member, depth + 1, alternative, found);
    return;
  }
  const tree = value as Tree;
  for (const name of Object.keys(tree)) {
    const member = tree[name];
    if (typeof member !== 'object' || member === null || NOT_SHOWN.has(name)) continue;
    if (name === 'qHyperCubeDef' && isTree(member)) {
      entries('d', listAt(member, 'qDimensions'), alternative, found);
      entries('m', listAt(member, 'qMeasures'), alternative, found);
    } else if (name === 'qListObjectDef' && isTree(member)) {
      found.push({ side: 'd', entry: member, id: idOf(member, 0), alternative });
    }
    collect(member, depth + 1, alternative || name === 'qLayoutExclude', found);
  }
};

const entries = (side: 'd' | 'm', list: readonly unknown[], alternative: boolean, found: Definition[]): void => {
  for (const [position, entry] of list.entries()) {
    if (isTree(entry)) found.push({ side, entry, id: idOf(entry, position), alternative });
  }
};

const idOf = (entry: Tree, position: number): string => {
  const id = textAt(entry['qDef'], 'cId');
  return id === '' ? String(position) : id;
};

/**
 * Ids of the master items that properties name besides their dimensions and measures: what a chart is coloured by, for
 * instance (`{type: 'libraryItem', key}`). Each once.
 */
export const libraryItemsIn = (properties: unknown): ReadonlySet<string> => {
  const found = new Set<string>();
  collectItems(properties, 0, found);
  return found;
};

const collectItems = (value: unknown, depth: number, found: Set<string>): void => {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return;
  if (Array.isArray(value)) {
    for (const member of value) collectItems(member, depth + 1, found);
    return;
  }
  const tree = value as Tree;
  if (tree['type'] === 'libraryItem' && typeof tree['key'] === 'string') found.add(tree['key']);
  for (const name of Object.keys(tree)) if (!NOT_SHOWN.has(name)) collectItems(tree[name], depth + 1, found);
};
