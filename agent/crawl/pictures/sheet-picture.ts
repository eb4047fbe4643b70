import type { Place } from './grid.ts';
import { escaped, fitted, grouped, wrapped } from './legible.ts';
import type { SheetPlan } from './sheet-plan.ts';
import { at, rect, words } from './svg.ts';
import { drawTile } from './tile.ts';

const WIDTH = 960;
const MARGIN = 12;
const HEADER = 56;
const FOOTER = 44;
const SCREEN = 520;
/** A longer sheet is drawn closer together. */
const MOST_SCREENS = 6;
const GAP = 3;
/** What lies on the very same cell is drawn a little aside, so that one sees that there are several. */
const ASIDE = 7;

/**
 * Colours of its own for light and dark, and two layers: below 560 px the fine print makes room for larger type. No font is
 * named that a machine might have to fetch, nothing in it runs or leads anywhere.
 */
const STYLE = `text{font-family:system-ui,-apple-system,"Segoe UI","Noto Sans",Roboto,"Helvetica Neue",Arial,sans-serif;fill:#1f2933;font-size:12px}
.h{font-size:24px;font-weight:600}.H{font-size:44px;font-weight:600}.t{font-size:15px;font-weight:600}.T{font-size:36px;font-weight:600}.Q{font-size:32px;fill:#57616d}.v{font-weight:600}
.q{fill:#57616d}.e{fill:#1d5c88}.y{font-size:11px;fill:#57616d}
.p{fill:#fff}.c{fill:#f6f8fa;stroke:#cfd6de}.o{stroke-width:2}.x{stroke-dasharray:5 4}.b{fill:#e7edf3}
.m{fill:#2f6f9f}.n{fill:#b7d0e4}.s2{fill:#c98a2b}.s3{fill:#5b8f5b}.s4{fill:#9a6fb0}
.a{stroke:#b4bec9;fill:none}.f{fill:none;stroke:#8fa0b1;stroke-width:1.5}.w{fill:none;stroke:#2f6f9f;stroke-width:2.5}.w2{fill:none;stroke:#c98a2b;stroke-width:2.5}.g{fill:none;stroke:#b7d0e4;stroke-width:10}.k{fill:none;stroke:#2f6f9f;stroke-width:10}
.coarse{display:none}@media (max-width:560px){.fine{display:none}.coarse{display:inline}}
@media (prefers-color-scheme:dark){text{fill:#e6ebf0}.q,.Q,.y{fill:#a3afbb}.e{fill:#8cc4ee}.p{fill:#12171d}.c{fill:#1b222b;stroke:#3a4653}.b{fill:#2a3541}.m{fill:#5a9fd0}.n{fill:#34536b}.s2{fill:#d9a24e}.s3{fill:#7db07d}.s4{fill:#b893cc}.a{stroke:#4a5765}.f{stroke:#71808f}.w{stroke:#5a9fd0}.w2{stroke:#d9a24e}.g{stroke:#34536b}.k{stroke:#5a9fd0}}`;

const overlaps = (one: Place, other: Place): boolean =>
  one.x < other.x + other.width &&
  other.x < one.x + one.width &&
  one.y < other.y + other.height &&
  other.y < one.y + one.height;

const same = (one: Place, other: Place): boolean =>
  one.x === other.x && one.y === other.y && one.width === other.width && one.height === other.height;

const counted = (count: number, one: string, many: string): string =>
  count === 0 ? '' : `${grouped(count)} ${count === 1 ? one : many}`;

/** The picture of a sheet as SVG: the same plan gives the same text. */
export const drawSheet = (plan: SheetPlan): string => {
  const { columns, rows, screenRows, tiles } = plan;
  const column = (WIDTH - 2 * MARGIN) / columns;
  const screens = rows / screenRows;
  const row = (SCREEN * Math.min(screens, MOST_SCREENS)) / rows;
  const note = [
    counted(plan.omitted, 'more object is not drawn', 'more objects are not drawn'),
    counted(plan.unplaced, 'object has no place on the grid', 'objects have no place on the grid'),
  ]
    .filter((text) => text !== '')
    .join(' · ');
  const bottom = HEADER + row * rows + MARGIN;
  const height = bottom + (note === '' ? 0 : FOOTER);
  const drawn = tiles.map((tile, index) => {
    const before = tiles.slice(0, index).map(({ place }) => place);
    const aside = Math.min(3, before.filter((place) => same(place, tile.place)).length) * ASIDE;
    return drawTile(
      tile,
      {
        x: MARGIN + tile.place.x * column + GAP + aside,
        y: HEADER + tile.place.y * row + GAP + aside,
        width: tile.place.width * column - 2 * GAP - aside,
        height: tile.place.height * row - 2 * GAP - aside,
      },
      before.some((place) => overlaps(place, tile.place)),
    );
  });
  const inner = WIDTH - 2 * (MARGIN + GAP);
  const empty =
    tiles.length === 0 ? words('q', MARGIN, HEADER + SCREEN / 2, inner, 'This sheet is empty', 'middle') : '';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${at(height)}" role="img"><title>${escaped(plan.title)}</title>`,
    `<style>${STYLE}</style>`,
    rect('p', 0, 0, WIDTH, height),
    `<g class="fine">${words('h', MARGIN + GAP, 36, inner, fitted(plan.title, inner, 26))}</g>`,
    `<g class="coarse">${words('H', MARGIN + GAP, 44, inner, wrapped(plan.title, inner, 48, 1)[0] ?? '')}</g>`,
    ...drawn,
    empty,
    note === ''
      ? ''
      : `<g class="fine">${words('q', MARGIN + GAP, bottom + 20, inner, note)}</g>` +
        `<g class="coarse">${words('Q', MARGIN + GAP, bottom + 28, inner, fitted(note, inner, 32))}</g>`,
    '</svg>',
  ]
    .filter((part) => part !== '')
    .join('\n');
};
