import { isTree, listAt, type Tree, textAt } from './properties.ts';

/** A dimension (`d`) or measure (`m`) as a chart defines it. */
export interface Definition {
  readonly side: 'd' | 'm';
  /** An entry of `qDimensions` or `qMeasures`, or a whole `qListObjectDef`. */
  readonly entry: Tree;
  /** `qDef.cId`, else the position within its list: what the key is made of, and may be there more than once. */
  readonly id: string;
}

/** Copies that undo keeps and pictures of former data: not part of what the chart shows. */
const NOT_SHOWN: ReadonlySet<string> = new Set(['qUndoExclude', 'qEmbeddedSnapshotDef', 'snapshot']);
const MAX_DEPTH = 64;

/**
 * Every dimension and measure in the properties of a chart, in the order in which they stand there. Hypercubes may be
 * anywhere: map layers have one each, tables keep their alternates in a second one inside the first.
 */
export function* definitionsIn(value: unknown, depth = 0): Generator<Definition> {
  if (depth > MAX_DEPTH) return;
  if (Array.isArray(value)) {
    for (const member of value) if (typeof member === 'object') yield* definitionsIn(member, depth + 1);
    return;
  }
  if (!isTree(value)) return;
  for (const [name, member] of Object.entries(value)) {
    if (typeof member !== 'object' || member === null || NOT_SHOWN.has(name)) continue;
    if (name === 'qHyperCubeDef' && isTree(member)) {
      yield* entries('d', listAt(member, 'qDimensions'));
      yield* entries('m', listAt(member, 'qMeasures'));
    } else if (name === 'qListObjectDef' && isTree(member)) {
      yield { side: 'd', entry: member, id: idOf(member, 0) };
    }
    yield* definitionsIn(member, depth + 1);
  }
}

function* entries(side: 'd' | 'm', list: readonly unknown[]): Generator<Definition> {
  for (const [position, entry] of list.entries()) {
    if (isTree(entry)) yield { side, entry, id: idOf(entry, position) };
  }
}

const idOf = (entry: Tree, position: number): string => {
  const id = textAt(entry['qDef'], 'cId');
  return id === '' ? String(position) : id;
};
