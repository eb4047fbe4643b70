import type { Lineage, LineageLine, LineageNode } from '#catalog/api/contract.ts';

type Kind = LineageNode['kind'];
type Place = Lineage['groups'][number];
export type Direction = 'up' | 'down';

/** One line of an opened box: a column, a field, a measure. */
export interface Row {
  readonly key: string;
  readonly kind: Kind;
  readonly name: string;
  readonly isFocus: boolean;
}

/** What is drawn as one box: a dataset, an app, a chart, a sheet, or many of one kind that are folded. */
export interface Box {
  readonly key: string;
  readonly kind: Kind;
  readonly name: string;
  /** The app around a chart or sheet. */
  readonly within: string;
  readonly isFocus: boolean;
  readonly isGone: boolean;
  /** There is an asset, and so a page of its own. */
  readonly isAsset: boolean;
  readonly opens: boolean;
  readonly isOpen: boolean;
  readonly rows: readonly Row[];
  /** Neighbours that are not shown; 1000: as many, or more. */
  readonly more: Readonly<Record<Direction, number>>;
  /** Members that are not shown. */
  readonly moreInside: number;
  /** Keys of what it stands for. */
  readonly folded: readonly string[];
}

export interface End {
  readonly box: string;
  readonly row: string | null;
}

/** One line of the picture: an edge, or several between the same two ends. */
export interface Line {
  readonly id: string;
  readonly from: End;
  readonly to: End;
  readonly edges: readonly LineageLine[];
}

export interface Picture {
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
}

/** All that was read so far around one asset. */
export interface Known {
  readonly focus: string;
  readonly level: Lineage['level'];
  readonly nodes: ReadonlyMap<string, LineageNode>;
  readonly groups: ReadonlyMap<string, Place>;
  readonly edges: ReadonlyMap<string, LineageLine>;
  readonly more: ReadonlyMap<string, Lineage['more'][number]>;
  /** Keys of the boxes that are in the picture. */
  readonly boxes: ReadonlySet<string>;
  readonly edgesCut: boolean;
}

const boxOf = (node: LineageNode): string => node.group ?? node.key;
const edgeId = ({ kind, from, to }: LineageLine): string => JSON.stringify([kind, from, to]);
const moreId = ({ key, direction }: Lineage['more'][number]): string => JSON.stringify([key, direction]);

/** What was read first. */
export const begin = (lineage: Lineage): Known => ({
  focus: lineage.focus,
  level: lineage.level,
  nodes: new Map(lineage.nodes.map((node) => [node.key, node])),
  groups: new Map(lineage.groups.map((group) => [group.key, group])),
  edges: new Map(lineage.edges.map((edge) => [edgeId(edge), edge])),
  more: new Map(lineage.more.map((one) => [moreId(one), one])),
  boxes: new Set(lineage.nodes.map(boxOf)),
  edgesCut: lineage.edgesCut,
});

/**
 * What was read further, added.
 *
 * @param asked what it was read for: the neighbours of a box are new boxes, what is inside of one is not
 */
export const extend = (known: Known, lineage: Lineage, asked: Direction | 'inside'): Known => {
  const { focus } = lineage;
  const more = new Map(known.more);
  more.delete(JSON.stringify([focus, asked]));
  const boxes = asked === 'inside' ? known.boxes : new Set([...known.boxes, ...lineage.nodes.map(boxOf)]);
  for (const one of lineage.more) {
    // Beyond what lies around an opened box nothing is counted: its neighbours are not in the picture by this.
    if (asked === 'inside' ? one.direction === 'inside' : !known.nodes.has(one.key) || one.key === focus)
      more.set(moreId(one), one);
  }
  const sign = asked === 'up' ? -1 : 1;
  const from = known.nodes.get(focus)?.distance ?? 0;
  const nodes = new Map(known.nodes);
  for (const node of lineage.nodes)
    if (!nodes.has(node.key)) nodes.set(node.key, { ...node, distance: from + (asked === 'inside' ? 0 : sign) });
  return {
    ...known,
    ...{ nodes, more, boxes },
    groups: new Map([...known.groups, ...lineage.groups.map((group) => [group.key, group] as const)]),
    edges: new Map([...known.edges, ...lineage.edges.map((edge) => [edgeId(edge), edge] as const)]),
    edgesCut: known.edgesCut || lineage.edgesCut,
  };
};

/** Rows that stand open by themselves. */
const OPEN_ROWS = 8;
const MOST_ROWS = 200;

/** What is read first, then what is made of it. */
const ROW_ORDER: readonly Kind[] = [
  ...(['table', 'field', 'variable', 'masterDimension', 'masterMeasure', 'masterVisualization'] as const),
  ...(['chartDimension', 'chartMeasure'] as const),
];
const byName = (a: Row, b: Row): number =>
  ROW_ORDER.indexOf(a.kind) - ROW_ORDER.indexOf(b.kind) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** The boxes and lines to be drawn; `opened` holds what a person opened or closed. */
export const pictureOf = (known: Known, opened: ReadonlyMap<string, boolean>): Picture => {
  const inside = new Map<string, Row[]>();
  for (const node of known.nodes.values())
    if (node.group !== null && known.boxes.has(node.group)) {
      const rows = inside.get(node.group) ?? [];
      rows.push({ key: node.key, kind: node.kind, name: node.name, isFocus: node.key === known.focus });
      inside.set(node.group, rows);
    }
  const left = (key: string, direction: Direction | 'inside'): number =>
    known.more.get(JSON.stringify([key, direction]))?.count ?? 0;
  const boxes = [...known.boxes].flatMap((key): Box[] => {
    const node = known.nodes.get(key);
    const place = node ?? known.groups.get(key);
    if (place === undefined) return [];
    const rows = (inside.get(key) ?? []).toSorted(byName);
    const holdsFocus = rows.some(({ isFocus }) => isFocus) || (known.level === 'column' && key === known.focus);
    const isOpen = opened.get(key) ?? (known.level === 'column' && (holdsFocus || rows.length <= OPEN_ROWS));
    const shown = isOpen ? rows.slice(0, MOST_ROWS) : [];
    const beyond = (direction: Direction): number =>
      left(key, direction) + rows.reduce((sum, row) => sum + left(row.key, direction), 0);
    return [
      {
        ...{ key, kind: place.kind, name: place.name, isOpen: shown.length > 0, rows: shown },
        within: place.app !== null && place.app !== key ? (place.appName ?? '') : '',
        isFocus: key === known.focus,
        isGone: place.goneAt !== null,
        isAsset: place.kind !== null,
        opens: rows.length > 0 || (node?.opens ?? false),
        more: { up: beyond('up'), down: beyond('down') },
        moreInside: left(key, 'inside') + rows.length - shown.length,
        folded: [],
      },
    ];
  });
  return { boxes, lines: linesOf(known, boxes) };
};

const linesOf = (known: Known, boxes: readonly Box[]): Line[] => {
  const ends = new Map<string, End>();
  for (const { key, rows } of boxes) {
    ends.set(key, { box: key, row: null });
    for (const row of rows) ends.set(row.key, { box: key, row: row.key });
  }
  // A column whose box is closed ends at the box.
  const end = (key: string): End | undefined => {
    const node = known.nodes.get(key);
    return ends.get(key) ?? (node && ends.get(boxOf(node)));
  };
  const lines = new Map<string, { from: End; to: End; edges: LineageLine[] }>();
  for (const edge of known.edges.values()) {
    const [from, to] = [end(edge.upstream), end(edge.downstream)];
    if (from === undefined || to === undefined || (from.box === to.box && (from.row === null || to.row === null)))
      continue;
    const isColumn = edge.kind === 'derives' && (known.nodes.get(edge.from)?.group ?? null) !== null;
    // Between two closed boxes of a picture of tables the apps say how data flows.
    if (known.level === 'table' && isColumn && from.row === null && to.row === null) continue;
    if (known.level === 'table' && edge.kind === 'derives' && !isColumn && edge.apps.some((app) => ends.has(app)))
      continue;
    const id = JSON.stringify([from.row ?? from.box, to.row ?? to.box]);
    const line = lines.get(id) ?? { from, to, edges: [] };
    line.edges.push(edge);
    lines.set(id, line);
  }
  return [...lines].map(([id, line]) => ({ id, ...line }));
};
