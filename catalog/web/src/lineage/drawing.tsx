import type { TargetedKeyboardEvent } from 'preact';
import { cut, number } from '../format.ts';
import { kindName } from '../kinds.ts';
import { FONTS, fitted, widthOf } from './fitting.ts';
import { Glyph } from './glyphs.tsx';
import { type Laid, type Rectangle, SIZES } from './layout.ts';
import type { Box, End, Line, Row } from './model.ts';
import { type Mark, type Stroke, strokeOf, strokeWords } from './strokes.ts';
import { boxName, directed, isPath, kindWord, placeWord, plain, rowWord } from './words.ts';

/** What the button to open a box takes of its width. */
const TOGGLE = 34;

/** How far a line within one layer leans out: three quarters of it are seen, within the picture's margin. */
const LOOP = 36;

/** Half of the mark at the end of a line. */
const MARK = 4.5;

export const MarkShape = ({ mark, x, y }: { mark: Mark; x: number; y: number }) => {
  switch (mark) {
    case 'value':
      return <path class="lineage-mark is-full" d={`M${x} ${y}l-9 -4.5v9z`} />;
    case 'key':
      return <rect class="lineage-mark" x={x - 9} y={y - MARK} width={9} height={9} />;
    case 'filter':
      return <circle class="lineage-mark" cx={x - MARK} cy={y} r={MARK} />;
    case 'shape':
      return <path class="lineage-mark is-full" d={`M${x - 9} ${y - 5}h3v10h-3zm5 0h3v10h-3z`} />;
    default:
      return mark satisfies never;
  }
};

export const strokeClass = ({ confidence, isConditional, isUnreachable }: Stroke): string =>
  [
    'lineage-line',
    `is-${confidence ?? 'certain'}`,
    ...(isConditional ? ['is-conditional'] : []),
    ...(isUnreachable ? ['is-unreachable'] : []),
  ].join(' ');

/** Where a line leaves or enters a box: at its row, else at its head. */
const heightAt = (box: Box, place: Rectangle, { row }: End): number => {
  const index = row === null ? -1 : box.rows.findIndex(({ key }) => key === row);
  return place.y + (index < 0 ? SIZES.head / 2 : SIZES.head + index * SIZES.row + SIZES.row / 2);
};

interface Curve {
  readonly d: string;
  readonly end: { readonly x: number; readonly y: number };
  readonly middle: { readonly x: number; readonly y: number };
  /** It comes from the right: its mark is turned. */
  readonly isBack: boolean;
}

/** Through a layer between two boxes: a curve to its near side, and straight on to its far side. */
const through = (x: number, y: number, { x: left, y: top, width, height }: Rectangle): string => {
  const at = top + height / 2;
  const [near, far] = x <= left ? [left, left + width] : [left + width, left];
  const middle = (x + near) / 2;
  return `C${middle} ${y} ${middle} ${at} ${near} ${at}H${far}`;
};

const curveOf = (laid: Laid, boxes: ReadonlyMap<string, Box>, line: Line): Curve | undefined => {
  const { from, to } = line;
  const [a, b] = [boxes.get(from.box), boxes.get(to.box)];
  const [left, right] = [laid.places.get(from.box), laid.places.get(to.box)];
  if (!a || !b || !left || !right) return undefined;
  const [y1, y2] = [heightAt(a, left, from), heightAt(b, right, to)];
  if (right.x === left.x) {
    // Within one layer: around the right side, so that the line is seen.
    const x1 = left.x + left.width;
    const out = x1 + LOOP;
    return {
      d: `M${x1} ${y1}C${out} ${y1} ${out} ${y2} ${x1 + 8} ${y2}`,
      ...{ end: { x: x1, y: y2 }, middle: { x: x1 + LOOP * 0.7, y: (y1 + y2) / 2 }, isBack: true },
    };
  }
  // What closes a circle leads back, from the left side to the right side.
  const isBack = right.x < left.x;
  const begin = { x: isBack ? left.x : left.x + left.width, y: y1 };
  const end = { x: isBack ? right.x + right.width : right.x, y: y2 };
  const passages = laid.passages.get(line.id) ?? [];
  let d = `M${begin.x} ${begin.y}`;
  let at = begin;
  for (const one of passages) {
    d += through(at.x, at.y, one);
    at = { x: isBack ? one.x : one.x + one.width, y: one.y + one.height / 2 };
  }
  const bend = Math.min(120, Math.abs(end.x - at.x) / 2) * (isBack ? -1 : 1);
  // Its sign stands in the last gap, where no box is.
  return {
    d: `${d}C${at.x + bend} ${at.y} ${end.x - bend} ${y2} ${end.x + (isBack ? 8 : -8)} ${y2}`,
    ...{ end, middle: { x: (at.x + end.x) / 2, y: (at.y + y2) / 2 }, isBack },
  };
};

export const LineShape = ({
  line,
  curve,
  isSelected,
  isNear,
  onSelect,
  label,
}: {
  line: Line;
  curve: Curve;
  isSelected: boolean;
  isNear: boolean;
  onSelect: () => void;
  label: string;
}) => {
  const stroke = strokeOf(line);
  const { end, middle, isBack } = curve;
  return (
    // Each line stands in the list beside the picture, too, where the keyboard reaches it.
    // biome-ignore lint/a11y/noStaticElementInteractions: see above.
    <g
      class={`${strokeClass(stroke)}${isSelected ? ' is-selected' : ''}${isNear ? ' is-near' : ''}`}
      data-line={line.id}
      onClick={onSelect}
    >
      <title>{label}</title>
      <path class="lineage-hit" d={curve.d} />
      <path class="lineage-stroke" d={curve.d} />
      <g {...(isBack ? { transform: `rotate(180 ${end.x} ${end.y})` } : {})}>
        <MarkShape mark={stroke.mark} x={end.x} y={end.y} />
      </g>
      {stroke.isConditional && (
        <>
          <path class="lineage-sign" d={`M${middle.x} ${middle.y - 9}l9 9l-9 9l-9 -9z`} />
          <text class="lineage-sign-text" x={middle.x} y={middle.y + 4} text-anchor="middle">
            ?
          </text>
        </>
      )}
      {stroke.isUnreachable && <path class="lineage-cross" d={`M${middle.x - 5} ${middle.y - 5}l10 10m0 -10l-10 10`} />}
    </g>
  );
};

export interface BoxActions {
  readonly onSelect: () => void;
  readonly onToggle: () => void;
  readonly onMore: (direction: 'up' | 'down') => void;
  readonly onMove: (event: TargetedKeyboardEvent<SVGGElement>) => void;
}

const more = (count: number): string => (count >= 1_000 ? '1000+' : `+${count}`);

/** Neighbours that are not shown, as a knob at the side where they would be. */
const Knob = ({
  count,
  x,
  y,
  onClick,
  label,
}: {
  count: number;
  x: number;
  y: number;
  onClick: () => void;
  label: string;
}) => {
  const text = more(count);
  const width = 14 + text.length * 7;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the panel of the box has the same as a button.
    <g
      class="lineage-knob"
      onClick={(event) => {
        event.stopPropagation();
        onClick();
      }}
    >
      <title>{label}</title>
      <rect x={x - width / 2} y={y - 9} width={width} height={18} rx={9} />
      <text x={x} y={y + 4} text-anchor="middle">
        {text}
      </text>
    </g>
  );
};

/** Kind and state first; of where it lies as much as there is room for: of a path the end, of a name the beginning. */
const kindLine = (words: readonly string[], place: string, room: number, isEndTelling: boolean): string => {
  const said = words.join(' · ');
  const left = room - widthOf(`${said} · `, FONTS.kind);
  return place === '' || left < 40
    ? fitted(said, FONTS.kind, room)
    : `${said} · ${fitted(place, FONTS.kind, left, isEndTelling ? 'end' : 'beginning')}`;
};

/** The name of a row, and at its right end what it is. */
const RowText = ({ row, x, y, width }: { row: Row; x: number; y: number; width: number }) => {
  const word = rowWord(row);
  const room = width - 14 - (word === '' ? 0 : widthOf(word, FONTS.rowKind) + 8);
  return (
    <>
      <Glyph kind={row.kind} x={x + 12} y={y + 6} />
      <svg x={x} y={y} width={room} height={SIZES.row} aria-hidden="true">
        <text x={28} y={15}>
          {fitted(plain(row.name), FONTS.row, room - 28)}
        </text>
      </svg>
      {word !== '' && (
        <text class="lineage-row-kind" x={x + width - 8} y={y + 15} text-anchor="end">
          {word}
        </text>
      )}
    </>
  );
};

export const BoxShape = ({
  box,
  place: { x, y, width, height },
  isSelected,
  isStop,
  actions: { onSelect, onToggle, onMore, onMove },
}: {
  box: Box;
  place: Rectangle;
  isSelected: boolean;
  /** The one box that the tab key reaches; arrow keys go on from there. */
  isStop: boolean;
  actions: BoxActions;
}) => {
  const name = boxName(box);
  const kind = kindWord(box);
  const place = placeWord(box);
  const state = [
    ...(box.isFocus ? ['shown here'] : []),
    ...(box.isGone ? ['gone'] : []),
    ...(box.isAsset || box.folded.length > 0 ? [] : ['not crawled']),
  ];
  return (
    // biome-ignore lint/a11y/useSemanticElements: there is no button in SVG.
    <g
      class={`lineage-box is-${box.kind ?? 'dataset'}${box.isFocus ? ' is-focus' : ''}${isSelected ? ' is-selected' : ''}${box.isAsset ? '' : ' is-unknown'}${box.folded.length > 0 ? ' is-folded' : ''}`}
      role="button"
      tabindex={isStop ? 0 : -1}
      data-box={box.key}
      aria-label={[kind, name, ...state].join(', ')}
      aria-pressed={isSelected}
      onClick={onSelect}
      onKeyDown={onMove}
    >
      <title>{`${kind} ${cut(name, 300)}${place === '' ? '' : ` in ${cut(place, 200)}`}`}</title>
      {box.folded.length > 0 && (
        <rect class="lineage-behind" x={x + 5} y={y + 5} width={width} height={height} rx={7} />
      )}
      <rect class="lineage-frame" x={x} y={y} width={width} height={height} rx={7} />
      {/* A letter that is piled up stays in its line. */}
      <svg x={x} y={y} width={width - (box.opens ? TOGGLE : 6)} height={SIZES.head} aria-hidden="true">
        <Glyph kind={box.kind} x={12} y={8} />
        <text class="lineage-kind" x={27} y={17}>
          {kindLine([kind, ...state], place, width - 35 - (box.opens ? TOGGLE : 0), isPath(box))}
        </text>
        <text class="lineage-name" x={12} y={35}>
          {fitted(name, FONTS.name, width - 20 - (box.opens ? TOGGLE : 0))}
        </text>
      </svg>
      {box.opens && (
        // biome-ignore lint/a11y/noStaticElementInteractions: the panel of the box has the same as a button.
        <g
          class="lineage-toggle"
          onClick={(event) => {
            event.stopPropagation();
            onToggle();
          }}
        >
          <title>{box.isOpen ? 'Close' : 'Open'}</title>
          <rect x={x + width - 32} y={y + 8} width={24} height={28} rx={5} />
          <path d={box.isOpen ? `M${x + width - 25} ${y + 25}l5 -6l5 6` : `M${x + width - 25} ${y + 19}l5 6l5 -6`} />
        </g>
      )}
      {box.rows.map((row, index) => (
        <g class={row.isFocus ? 'lineage-row is-focus' : 'lineage-row'} key={row.key} data-row={row.key}>
          <title>{`${row.kind === null ? 'Column' : kindName(row.kind)} ${cut(plain(row.name), 300)}`}</title>
          <rect x={x + 1} y={y + SIZES.head + index * SIZES.row} width={width - 2} height={SIZES.row} />
          <RowText row={row} x={x} y={y + SIZES.head + index * SIZES.row} width={width} />
        </g>
      ))}
      {box.isOpen && box.moreInside > 0 && (
        <text class="lineage-rest" x={x + 16} y={y + SIZES.head + box.rows.length * SIZES.row + 15}>
          {`${more(box.moreInside)} more`}
        </text>
      )}
      {box.more.up > 0 && (
        <Knob
          count={box.more.up}
          x={x - 10}
          y={y + SIZES.head / 2}
          onClick={() => onMore('up')}
          label={`${number(box.more.up)} more upstream`}
        />
      )}
      {box.more.down > 0 && (
        <Knob
          count={box.more.down}
          x={x + width + 10}
          y={y + SIZES.head / 2}
          onClick={() => onMore('down')}
          label={`${number(box.more.down)} more downstream`}
        />
      )}
    </g>
  );
};

export interface DrawnLine {
  readonly line: Line;
  readonly curve: Curve;
  readonly label: string;
}

/** What an end of a line is called. */
const endName = (boxes: ReadonlyMap<string, Box>, { box: key, row }: End): string => {
  const box = boxes.get(key);
  if (box === undefined) return key;
  const name = directed(boxName(box));
  const found = row === null ? undefined : box.rows.find((one) => one.key === row);
  return found === undefined ? name : `${name} ${directed(plain(found.name))}`;
};

/** The lines of a picture with their curves and their words. */
export const drawn = (laid: Laid): DrawnLine[] => {
  const boxes = new Map(laid.boxes.map((box) => [box.key, box]));
  return laid.lines.flatMap((line) => {
    const curve = curveOf(laid, boxes, line);
    const label = `${endName(boxes, line.from)} → ${endName(boxes, line.to)}: ${strokeWords(line)}`;
    return curve ? [{ line, curve, label }] : [];
  });
};
