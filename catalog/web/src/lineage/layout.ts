import type { Box, End, Line, Picture } from './model.ts';

/** Where something is drawn, in units of the picture. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Laid extends Picture {
  readonly places: ReadonlyMap<string, Rectangle>;
  /** Where lines over more than one layer pass between boxes, by the id of the line, from its beginning on. */
  readonly passages: ReadonlyMap<string, readonly Rectangle[]>;
  /** Keys of boxes from the origins on, each layer from the top. */
  readonly layers: readonly (readonly string[])[];
  readonly width: number;
  readonly height: number;
}

export const SIZES = { width: 232, head: 44, row: 22, foot: 8, gapX: 88, gapY: 16, margin: 34 } as const;

/** Boxes of one kind in a layer that are drawn one by one; the others are folded into one. */
const UNFOLDED = 14;
const KEPT = 10;
const SWEEPS = 6;
/** What a line is given to pass between two boxes; lines between the same two pass beside each other, so many can be seen. */
const PASSAGE = 6;
const MOST_BESIDE = 6;
/** More passages than this make a picture slow, and none is read any more: then lines run behind boxes. */
const MOST_PASSAGES = 4_000;

/** Which passages a line takes: those of all lines between the same two boxes. */
const passage = ({ from, to }: Line): string => JSON.stringify([from.box, to.box]);

export const heightOf = ({ rows, moreInside }: Box): number =>
  SIZES.head + (rows.length === 0 ? 0 : (rows.length + (moreInside > 0 ? 1 : 0)) * SIZES.row + SIZES.foot);

/** The passages of the lines between two boxes. */
interface Way {
  readonly keys: readonly string[];
  readonly lines: string[];
}

type Graph = ReadonlyMap<string, ReadonlySet<string>>;
type Graphs = { readonly out: Graph; readonly into: Graph };

/** From each key to those that it feeds, and back; without what leads from something to itself. */
const graphsOf = (keys: readonly string[], ends: Iterable<readonly [from: string, to: string]>): Graphs => {
  const out = new Map<string, Set<string>>(keys.map((key) => [key, new Set()]));
  const into = new Map<string, Set<string>>(keys.map((key) => [key, new Set()]));
  for (const [from, to] of ends)
    if (from !== to) {
      out.get(from)?.add(to);
      into.get(to)?.add(from);
    }
  return { out, into };
};
const boxGraphs = ({ boxes, lines }: Picture): Graphs =>
  graphsOf(
    boxes.map(({ key }) => key),
    lines.map(({ from, to }) => [from.box, to.box] as const),
  );

/**
 * Gives every line that leads over layers a place in each of them, so that it goes around boxes, and their graph with these
 * places in it.
 */
const withPassages = (layers: string[][], { lines, boxes }: Picture): Graphs & { readonly ways: readonly Way[] } => {
  const layer = new Map(layers.flatMap((list, index) => list.map((key) => [key, index] as const)));
  const ways = new Map<string, Way>();
  const ends: [string, string][] = [];
  const added: string[] = [];
  const rows = new Map(boxes.flatMap(({ rows: list }) => list.map(({ key }, index) => [key, index] as const)));
  const height = ({ from, to }: Line): number => (rows.get(from.row ?? '') ?? -1) + (rows.get(to.row ?? '') ?? -1);
  // Lines that pass beside each other keep the order of the rows that they join, so that they do not cross.
  for (const line of lines.toSorted((a, b) => height(a) - height(b))) {
    const id = passage(line);
    const [from, to] = [layer.get(line.from.box) ?? 0, layer.get(line.to.box) ?? 0];
    const step = Math.sign(to - from);
    const known = ways.get(id);
    known?.lines.push(line.id);
    if (known !== undefined) continue;
    const keys: string[] = [];
    if (added.length < MOST_PASSAGES)
      for (let at = from + step; at !== to && step !== 0; at += step) {
        const key = `passage ${at} ${id}`;
        keys.push(key);
        layers[at]?.push(key);
      }
    ways.set(id, { keys, lines: [line.id] });
    added.push(...keys);
    const way = [line.from.box, ...keys, line.to.box];
    // In the direction of the layers, so that what leads back is drawn near what it joins, too.
    if (step < 0) way.reverse();
    for (const [index, key] of way.slice(1).entries()) ends.push([way[index] ?? '', key]);
  }
  return { ...graphsOf([...boxes.map(({ key }) => key), ...added], ends), ways: [...ways.values()] };
};

/** The boxes in an order in which lines lead forward, but for those that close a circle. */
const forward = (keys: readonly string[], out: Graph): string[] => {
  const order: string[] = [];
  const seen = new Set<string>();
  for (const start of keys) {
    // A stack of its own: chains are longer than the call stack is deep.
    const stack: { key: string; rest: Iterator<string> }[] = [];
    const enter = (key: string): void => {
      seen.add(key);
      stack.push({ key, rest: (out.get(key) ?? new Set<string>())[Symbol.iterator]() });
    };
    if (!seen.has(start)) enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.rest.next();
      if (next.done === true) {
        order.push(top.key);
        stack.pop();
      } else if (!seen.has(next.value)) enter(next.value);
    }
  }
  return order.reverse();
};

/** The layer of each box: behind all that feed it, and no farther from what it feeds than it must be. */
const layersOf = ({ boxes }: Picture, { out, into }: Graphs): Map<string, number> => {
  const keys = boxes.map(({ key }) => key);
  // What nothing feeds begins: a circle is cut where one comes into it.
  const order = forward([...keys.filter((key) => into.get(key)?.size === 0), ...keys], out);
  const rank = new Map(order.map((key, index) => [key, index]));
  const isForward = (from: string, to: string): boolean => (rank.get(from) ?? 0) < (rank.get(to) ?? 0);
  const layer = new Map<string, number>();
  for (const key of order) {
    let at = 0;
    for (const from of into.get(key) ?? []) if (isForward(from, key)) at = Math.max(at, (layer.get(from) ?? 0) + 1);
    layer.set(key, at);
  }
  for (const key of order.toReversed()) {
    let nearest = Number.POSITIVE_INFINITY;
    for (const to of out.get(key) ?? []) if (isForward(key, to)) nearest = Math.min(nearest, layer.get(to) ?? 0);
    if (into.get(key)?.size === 0 && Number.isFinite(nearest)) layer.set(key, nearest - 1);
  }
  return layer;
};

/** Folds what is many of one kind in one layer, so that the picture can be taken in; what leads on stays. */
const fold = (
  picture: Picture,
  layer: ReadonlyMap<string, number>,
  { out, into }: Graphs,
  unfolded: ReadonlySet<string>,
): { picture: Picture; layer: Map<string, number> } => {
  const many = new Map<string, Box[]>();
  for (const box of picture.boxes) {
    const id = `fold ${layer.get(box.key) ?? 0} ${box.kind ?? 'dataset'}`;
    many.set(id, [...(many.get(id) ?? []), box]);
  }
  const degree = ({ key }: Box): number => (out.get(key)?.size ?? 0) + (into.get(key)?.size ?? 0);
  const into_ = new Map<string, string>();
  const boxes: Box[] = [];
  const layers = new Map(layer);
  for (const [id, list] of many) {
    if (list.length <= UNFOLDED || unfolded.has(id)) {
      boxes.push(...list);
      continue;
    }
    const sorted = list.toSorted((a, b) => weight(b) - weight(a) || degree(b) - degree(a));
    const kept = sorted.slice(0, Math.max(KEPT, list.filter((box) => weight(box) > 0).length));
    const rest = sorted.slice(kept.length);
    if (rest.length < 2) {
      boxes.push(...list);
      continue;
    }
    boxes.push(...kept);
    const [one] = rest;
    for (const { key } of rest) into_.set(key, id);
    layers.set(id, layer.get(one?.key ?? '') ?? 0);
    boxes.push({
      ...{ key: id, kind: one?.kind ?? null, name: '', within: '', isFocus: false, isGone: false, isAsset: false },
      ...{ opens: false, isOpen: false, rows: [], moreInside: 0, folded: rest.map(({ key }) => key) },
      more: { up: 0, down: 0 },
    });
  }
  if (into_.size === 0) return { picture, layer: layers };
  const moved = (end: End): End => {
    const box = into_.get(end.box);
    return box === undefined ? end : { box, row: null };
  };
  const lines = new Map<string, Line>();
  for (const line of picture.lines) {
    const [from, to] = [moved(line.from), moved(line.to)];
    if (from.box === to.box && (from.row === null || to.row === null)) continue;
    const id = JSON.stringify([from.row ?? from.box, to.row ?? to.box]);
    lines.set(id, { id, from, to, edges: [...(lines.get(id)?.edges ?? []), ...line.edges] });
  }
  return { picture: { boxes, lines: [...lines.values()] }, layer: layers };
};

/** What a person looks at is not folded away. */
const weight = ({ isFocus, isOpen }: Box): number => (isFocus ? 2 : isOpen ? 1 : 0);

/** Orders each layer by the middle of what its boxes are joined with, to and fro, so that few lines cross. */
const order = (layers: string[][], { out, into }: Graphs): void => {
  const position = new Map<string, number>();
  const note = (list: readonly string[]): void => {
    for (const [index, key] of list.entries()) position.set(key, list.length < 2 ? 0.5 : index / (list.length - 1));
  };
  for (const list of layers) note(list);
  const mean = (key: string, graph: Graph): number => {
    const others = [...(graph.get(key) ?? [])].flatMap((other) => position.get(other) ?? []);
    return others.length === 0 ? (position.get(key) ?? 0) : others.reduce((a, b) => a + b, 0) / others.length;
  };
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const isDown = sweep % 2 === 0;
    for (const list of isDown ? layers : layers.toReversed()) {
      const middle = new Map(list.map((key) => [key, mean(key, isDown ? into : out)]));
      list.sort((a, b) => (middle.get(a) ?? 0) - (middle.get(b) ?? 0));
      note(list);
    }
  }
};

/** Places boxes near the middle of what they are joined with; none covers another. */
const place = (
  layers: readonly (readonly string[])[],
  boxes: ReadonlyMap<string, Box>,
  { out, into, ways }: Graphs & { readonly ways: readonly Way[] },
): { places: Map<string, Rectangle>; width: number; height: number } => {
  const places = new Map<string, Rectangle>();
  const beside = new Map(ways.flatMap(({ keys, lines }) => keys.map((key) => [key, lines.length] as const)));
  const height = (key: string): number => {
    const box = boxes.get(key);
    return box ? heightOf(box) : PASSAGE * Math.min(MOST_BESIDE, beside.get(key) ?? 1);
  };
  const put = (list: readonly string[], index: number, wanted: (key: string) => number | undefined): void => {
    let bottom = Number.NEGATIVE_INFINITY;
    let shift = 0;
    let counted = 0;
    const tops = list.map((key) => {
      const middle = wanted(key);
      const top = Math.max(bottom, middle === undefined ? bottom : middle - height(key) / 2);
      const at = Number.isFinite(top) ? top : 0;
      if (middle !== undefined) {
        shift += middle - height(key) / 2 - at;
        counted += 1;
      }
      bottom = at + height(key) + SIZES.gapY;
      return at;
    });
    for (const [n, key] of list.entries())
      places.set(key, {
        x: SIZES.margin + index * (SIZES.width + SIZES.gapX),
        y: (tops[n] ?? 0) + (counted === 0 ? 0 : shift / counted),
        ...{ width: SIZES.width, height: height(key) },
      });
  };
  const middleOf = (key: string): number | undefined => {
    const at = places.get(key);
    return at && at.y + at.height / 2;
  };
  const near = (graph: Graph) => (key: string) => {
    const others = [...(graph.get(key) ?? [])].flatMap((other) => middleOf(other) ?? []);
    return others.length === 0 ? middleOf(key) : others.reduce((a, b) => a + b, 0) / others.length;
  };
  for (const [index, list] of layers.entries()) put(list, index, near(into));
  for (const [index, list] of [...layers.entries()].toReversed()) put(list, index, near(out));
  const top = Math.min(0, ...[...places.values()].map(({ y }) => y));
  for (const [key, at] of places) places.set(key, { ...at, y: at.y - top + SIZES.margin });
  return {
    places,
    width: 2 * SIZES.margin + layers.length * SIZES.width + Math.max(0, layers.length - 1) * SIZES.gapX,
    height: Math.max(0, ...[...places.values()].map(({ y, height: tall }) => y + tall)) + SIZES.margin,
  };
};

/** Lays a picture out from left to right, origins first. */
export const layOut = (picture: Picture, unfolded: ReadonlySet<string>): Laid => {
  const graphs = boxGraphs(picture);
  const folded = fold(picture, layersOf(picture, graphs), graphs, unfolded);
  const layers: string[][] = [];
  const numbers = [...new Set(folded.picture.boxes.map(({ key }) => folded.layer.get(key) ?? 0))].sort((a, b) => a - b);
  const column = new Map(numbers.map((number, index) => [number, index]));
  for (const { key } of folded.picture.boxes) {
    const index = column.get(folded.layer.get(key) ?? 0) ?? 0;
    layers[index] = [...(layers[index] ?? []), key];
  }
  const drawn = withPassages(layers, folded.picture);
  order(layers, drawn);
  const boxes = new Map(folded.picture.boxes.map((box) => [box.key, box]));
  const { places, ...size } = place(layers, boxes, drawn);
  const passages = new Map<string, Rectangle[]>();
  for (const { keys, lines } of drawn.ways) {
    const whole = keys.flatMap((key) => places.get(key) ?? []);
    for (const [index, id] of lines.entries())
      passages.set(
        id,
        whole.map(({ y, height, ...rest }) => ({
          ...rest,
          ...{ y: y + (height * index) / lines.length, height: height / lines.length },
        })),
      );
    for (const key of keys) places.delete(key);
  }
  return {
    ...{ ...folded.picture, ...size, places, passages },
    layers: layers.map((list) => list.filter((key) => boxes.has(key))),
  };
};
