import type { TargetedKeyboardEvent } from 'preact';
import { cut, number } from '../format.ts';
import { kindName, kindPlural } from '../kinds.ts';
import { type Laid, type Rectangle, SIZES } from './layout.ts';
import type { Box, End, Line } from './model.ts';
import { type Mark, type Stroke, strokeOf, strokeWords } from './strokes.ts';

const NAME_CHARACTERS = 23;
const ROW_CHARACTERS = 27;
/** Narrower where the button to open a box stands beside them. */
const BESIDE_TOGGLE = 18;
const KIND_CHARACTERS = 31;
const KIND_BESIDE_TOGGLE = 26;

export const kindWord = (kind: Box['kind']): string => (kind === null ? 'Dataset' : kindName(kind));

/** A box in words. */
export const boxName = ({ folded, kind, name }: Box): string =>
  folded.length > 0
    ? `${number(folded.length)} more ${kind === null ? 'datasets' : kindPlural(kind).toLowerCase()}`
    : name.trim() === ''
      ? '(no name)'
      : name;

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

const curveOf = (laid: Laid, boxes: ReadonlyMap<string, Box>, { from, to }: Line): Curve | undefined => {
  const [a, b] = [boxes.get(from.box), boxes.get(to.box)];
  const [left, right] = [laid.places.get(from.box), laid.places.get(to.box)];
  if (!a || !b || !left || !right) return undefined;
  const [y1, y2] = [heightAt(a, left, from), heightAt(b, right, to)];
  const x1 = left.x + left.width;
  if (right.x === left.x) {
    // Within one layer: around the right side, so that the line is seen.
    const out = x1 + LOOP;
    const end = { x: x1, y: y2 };
    return {
      d: `M${x1} ${y1}C${out} ${y1} ${out} ${y2} ${x1 + 8} ${y2}`,
      ...{ end, middle: { x: x1 + LOOP * 0.7, y: (y1 + y2) / 2 }, isBack: true },
    };
  }
  if (right.x < left.x) {
    // It closes a circle: back, from the left side to the right side.
    const end = { x: right.x + right.width, y: y2 };
    const bend = Math.min(120, (left.x - end.x) / 2);
    return {
      d: `M${left.x} ${y1}C${left.x - bend} ${y1} ${end.x + bend} ${y2} ${end.x + 8} ${y2}`,
      ...{ end, middle: { x: (left.x + end.x) / 2, y: (y1 + y2) / 2 }, isBack: true },
    };
  }
  const x2 = right.x;
  const bend = Math.min(120, (x2 - x1) / 2);
  return {
    d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 8} ${y2}`,
    ...{ end: { x: x2, y: y2 }, middle: { x: (x1 + x2) / 2, y: (y1 + y2) / 2 }, isBack: false },
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
  const kind = kindWord(box.kind);
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
      <title>{`${kind} ${cut(name, 300)}${box.within === '' ? '' : ` in ${cut(box.within, 200)}`}`}</title>
      {box.folded.length > 0 && (
        <rect class="lineage-behind" x={x + 5} y={y + 5} width={width} height={height} rx={7} />
      )}
      <rect class="lineage-frame" x={x} y={y} width={width} height={height} rx={7} />
      {/* Wide letters are cut off at the edge. */}
      <svg x={x} y={y} width={width - (box.opens ? 34 : 6)} height={SIZES.head} aria-hidden="true">
        <text class="lineage-kind" x={12} y={17}>
          {cut(
            [kind, ...state, box.within].filter((part) => part !== '').join(' · '),
            box.opens ? KIND_BESIDE_TOGGLE : KIND_CHARACTERS,
          )}
        </text>
        <text class="lineage-name" x={12} y={35}>
          {cut(name, box.opens ? BESIDE_TOGGLE : NAME_CHARACTERS)}
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
          <title>{`${row.kind === null ? 'Column' : kindName(row.kind)} ${cut(row.name, 300)}`}</title>
          <rect x={x + 1} y={y + SIZES.head + index * SIZES.row} width={width - 2} height={SIZES.row} />
          <svg x={x} y={y + SIZES.head + index * SIZES.row} width={width - 6} height={SIZES.row} aria-hidden="true">
            <text x={16} y={15}>
              {cut(row.name.trim() === '' ? '(no name)' : row.name, ROW_CHARACTERS)}
            </text>
          </svg>
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
          x={x - 6}
          y={y + SIZES.head / 2}
          onClick={() => onMore('up')}
          label={`${number(box.more.up)} more upstream`}
        />
      )}
      {box.more.down > 0 && (
        <Knob
          count={box.more.down}
          x={x + width + 6}
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
  const name = boxName(box);
  return row === null ? name : `${name} ${box.rows.find((one) => one.key === row)?.name ?? ''}`;
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
