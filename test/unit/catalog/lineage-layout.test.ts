import { expect, test } from 'vitest';
import { type Laid, layOut } from '#catalog/web/src/lineage/layout.ts';
import type { Box, Line, Picture } from '#catalog/web/src/lineage/model.ts';

const box = (key: string, more: Partial<Box> = {}): Box => ({
  ...{ key, kind: 'app', name: key, within: '', isFocus: false, isGone: false, isAsset: true, opens: false },
  ...{ isOpen: false, rows: [], more: { up: 0, down: 0 }, moreInside: 0, folded: [] },
  ...more,
});
const line = (from: string, to: string): Line => ({
  ...{ id: `${from} ${to}`, from: { box: from, row: null }, to: { box: to, row: null }, edges: [] },
});
const picture = (lines: readonly (readonly [string, string])[]): Picture => ({
  boxes: [...new Set(lines.flat())].map((key) => box(key)),
  lines: lines.map(([from, to]) => line(from, to)),
});
const x = (laid: Laid, key: string): number => laid.places.get(key)?.x ?? Number.NaN;

test('origins stand on the left, each as near to what it feeds as it can', () => {
  const laid = layOut(
    picture([
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'd'],
      ['late', 'd'],
    ]),
    new Set(),
  );
  expect(laid.layers).toEqual([['a'], ['b'], expect.arrayContaining(['c', 'late']), ['d']]);
  expect(x(laid, 'late')).toBe(x(laid, 'c'));
});

test('a circle and a line to itself end, and the rest keeps its order', () => {
  const laid = layOut(
    picture([
      ['source', 'a'],
      ['a', 'b'],
      ['b', 'a'],
      ['b', 'b'],
      ['b', 'end'],
    ]),
    new Set(),
  );
  expect(['source', 'a', 'b', 'end'].map((key) => x(laid, key))).toEqual(
    ['source', 'a', 'b', 'end'].map((key) => x(laid, key)).toSorted((one, other) => one - other),
  );
  expect(laid.lines).toHaveLength(5);
});

test('no box covers another, whatever is joined with what', () => {
  const keys = Array.from({ length: 60 }, (_, n) => `n${n}`);
  const laid = layOut(picture(keys.slice(1).map((key, n) => [keys[(n * 7) % (n + 1)] ?? '', key] as const)), new Set());
  const places = [...laid.places.values()];
  for (const [index, a] of places.entries())
    for (const b of places.slice(index + 1))
      expect(a.x !== b.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
});

test('a thousand of one kind fold into one, the focus never, and unfold again', () => {
  const many: Picture = picture(Array.from({ length: 1_000 }, (_, n) => ['hub', `n${n}`] as const));
  const boxes = many.boxes.map((one) => (one.key === 'n999' ? { ...one, isFocus: true } : one));
  const laid = layOut({ ...many, boxes }, new Set());
  const folded = laid.boxes.find((one) => one.folded.length > 0);
  expect(laid.boxes).toHaveLength(12);
  expect(folded?.folded).toHaveLength(990);
  expect(laid.boxes.map(({ key }) => key)).toContain('n999');
  expect(laid.lines).toHaveLength(11);
  expect(layOut({ ...many, boxes }, new Set([folded?.key ?? ''])).boxes).toHaveLength(1_001);
});

test('a line over several layers passes between the boxes of those that lie between', () => {
  const pairs: [string, string][] = [];
  for (let n = 0; n < 30; n += 1) pairs.push([`a${n}`, `b${n}`], [`b${n}`, `c${n}`], [`c${n}`, `d${n}`]);
  for (let n = 0; n < 30; n += 1) pairs.push([`a${n}`, `d${(n * 7) % 30}`], [`d${n}`, `a${(n * 11) % 30}`]);
  const all = new Set(pairs.flat());
  const laid = layOut(picture(pairs), new Set([...all].map((key) => `fold ${key}`)));
  const boxes = [...laid.places];
  let passed = 0;
  for (const { id, from, to } of laid.lines) {
    const way = laid.passages.get(id) ?? [];
    const layers = laid.layers.map((list) => [list.includes(from.box), list.includes(to.box)]);
    const [begin, end] = [layers.findIndex(([is]) => is), layers.findIndex(([, is]) => is)];
    expect(way).toHaveLength(Math.max(0, Math.abs(end - begin) - 1));
    passed += way.length;
    for (const one of way)
      for (const [key, { x: left, y, width, height }] of boxes)
        expect(one.x !== left || one.y + one.height <= y || one.y >= y + height || width === 0, `${id} ${key}`).toBe(
          true,
        );
  }
  expect(passed).toBeGreaterThan(0);
  expect(boxes.map(([key]) => key).toSorted()).toEqual(laid.boxes.map(({ key }) => key).toSorted());
});

test('lines between the same two boxes pass beside each other', () => {
  const far = picture([
    ['a', 'b'],
    ['b', 'c'],
    ['a', 'c'],
  ]);
  const more = { ...line('a', 'c'), id: 'another' };
  const laid = layOut({ ...far, lines: [...far.lines, more] }, new Set());
  const ys = ['a c', 'another'].map((id) => laid.passages.get(id)?.[0]?.y ?? Number.NaN);
  expect(new Set(ys).size).toBe(2);
});
