import { drawGlyph } from './glyphs.ts';
import type { Place } from './grid.ts';
import { fitted, wrapped } from './legible.ts';
import type { Part, Tile } from './sheet-plan.ts';
import { at, rect, words } from './svg.ts';
import { drawValues } from './values-picture.ts';

const PAD = 9;
const TITLE = 15;
const COARSE = 36;
/** Bold type is wider. */
const BOLD = 1.1;

/** One object in its place: `fine` for a picture that is large enough to read, `coarse` for a small one. */
export const drawTile = (tile: Tile, { x, y, width, height }: Place, over: boolean): string => {
  if (width < 3 || height < 3) return '';
  const frame = rect(`c${over ? ' o' : ''}${tile.absent ? ' x' : ''}`, 0.5, 0.5, width - 1, height - 1, { round: 4 });
  return (
    `<svg x="${at(x)}" y="${at(y)}" width="${at(width)}" height="${at(height)}">${frame}` +
    `<g class="fine">${fine(tile, width, height)}</g><g class="coarse">${coarse(tile, width, height)}</g></svg>`
  );
};

const heading = (tile: Tile): string => tile.title || tile.type;

const fine = (tile: Tile, width: number, height: number): string => {
  const inner = width - 2 * PAD;
  if (inner < 24 || height < 24) return drawGlyph(tile.glyph, 2, 2, width - 4, height - 4);
  if (tile.glyph === 'text' && tile.title !== '' && tile.measures.length === 0) return prose(tile.title, inner, height);
  if (tile.glyph === 'button') return button(heading(tile), width, height);
  let y = PAD;
  let drawn = '';
  const bold = tile.title === '' ? 't q' : 't';
  const titleLines = wrapped(heading(tile), inner, TITLE * BOLD, height > 120 ? 2 : 1);
  for (const text of titleLines) {
    drawn += words(bold, PAD, y + 14, inner, text);
    y += 19;
  }
  const what = tile.absent ? 'not found' : tile.title === '' ? '' : tile.type;
  if (what !== '' && height >= 50) {
    drawn += words('y', PAD, y + 10, inner, fitted(what, inner, 11));
    y += 15;
  }
  // A table says so in its header.
  const foot = tile.values !== undefined && isRows(tile) ? [] : names(tile, inner, height - y);
  const bottom = height - PAD - foot.length * 16;
  for (const [index, { kind, text }] of foot.entries())
    drawn += words(kind, PAD, bottom + index * 16 + 12, inner, text);
  const room = { x: PAD, y: y + 4, width: inner, height: bottom - y - 8 };
  if (tile.values !== undefined) return drawn + drawValues(tile.glyph, tile.values, room);
  if (tile.parts.length > 0) return drawn + partsOf(tile, room);
  if (tile.withData && !PLAIN.has(tile.glyph))
    return drawn + words('q', room.x, room.y + room.height / 2, room.width, 'No values', 'middle');
  return drawn + drawGlyph(tile.glyph, room.x, room.y, room.width, room.height);
};

/** What has no values of its own. */
const PLAIN: ReadonlySet<Tile['glyph']> = new Set(['text', 'button', 'input', 'filter', 'container', 'extension']);

const isRows = ({ glyph }: Tile): boolean => glyph === 'table' || glyph === 'pivot' || glyph === 'list';

const coarse = (tile: Tile, width: number, height: number): string => {
  const inner = width - 12;
  const lines = Math.min(3, Math.floor((height - 8) / 42));
  const large =
    tile.values !== undefined && tile.glyph === 'kpi'
      ? (tile.values.rows[0]?.at(tile.values.dimensions)?.text ?? '')
      : '';
  const text = inner < 90 || lines < 1 ? [] : wrapped(heading(tile), inner, COARSE * BOLD, lines);
  const room = height - text.length * 42 - 16;
  if (large !== '' && room > 40)
    return (
      titled(text, inner) +
      words('T e', 6, text.length * 42 + 8 + room / 2 + 12, inner, fitted(large, inner, COARSE), 'middle')
    );
  return titled(text, inner) + (room < 24 ? '' : drawGlyph(tile.glyph, 6, height - room - 6, inner, room));
};

const titled = (lines: readonly string[], inner: number): string =>
  lines.map((text, index) => words('T', 6, 38 + index * 42, inner, text)).join('');

/** Measures first, as what a chart shows; then what it shows them by. */
const names = (
  tile: Tile,
  inner: number,
  room: number,
): readonly { readonly kind: string; readonly text: string }[] => {
  const most = room < 46 ? 0 : room < 110 ? 1 : room < 190 ? 2 : 3;
  const lines = (text: string): readonly string[] => (text === '' ? [] : wrapped(text, inner, 12, most));
  const by = tile.dimensions.length === 0 ? '' : tile.dimensions.join(', ');
  const measures = lines(tile.measures.join(', ')).map((text) => ({ kind: 'e', text }));
  const dimensions = lines(by).map((text, index) => ({
    kind: 'q',
    text: index === 0 && tile.measures.length > 0 ? fitted(`by ${text}`, inner, 12) : text,
  }));
  return room < 76 && measures.length > 0 ? measures : [...measures, ...dimensions];
};

const prose = (text: string, inner: number, height: number): string =>
  wrapped(text, inner, 13, Math.max(1, Math.floor((height - PAD) / 18)))
    .map((found, index) => words('', PAD, PAD + 14 + index * 18, inner, found))
    .join('');

const button = (text: string, width: number, height: number): string => {
  const h = Math.min(height - 8, 44);
  const w = Math.min(width - 12, 280);
  const label = fitted(text, w - 16, TITLE * BOLD);
  return (
    rect('b', (width - w) / 2, (height - h) / 2, w, h, { round: h / 4 }) +
    words('t', (width - w) / 2 + 8, height / 2 + 5, w - 16, label, 'middle')
  );
};

const partsOf = (tile: Tile, room: Place): string => (tile.glyph === 'filter' ? pills(tile, room) : tabbed(tile, room));

/** List boxes as what they are on a narrow pane: a name on a bar each. */
const pills = ({ parts, moreParts }: Tile, room: Place): string => {
  const down = Math.max(1, Math.floor((room.height + 6) / 30));
  const across = Math.max(1, Math.min(Math.floor(room.width / 110), Math.ceil((parts.length + moreParts) / down)));
  if (room.height < 16) return '';
  const most = down * across;
  const total = parts.length + moreParts;
  const shown = total > most ? parts.slice(0, most - 1) : parts;
  const width = room.width / across;
  const pill = (text: string, index: number, kind: string): string => {
    const x = room.x + (index % across) * width;
    const y = room.y + Math.floor(index / across) * 30;
    return (
      rect('b', x, y, width - 6, 24, { round: 4 }) +
      words(kind, x + 8, y + 16, width - 22, fitted(text, width - 22, 12))
    );
  };
  return (
    shown.map(({ title }, index) => pill(title, index, '')).join('') +
    (total > shown.length ? pill(`and ${total - shown.length} more`, shown.length, 'q') : '')
  );
};

/** Tabs in a row and, where there is room, what is behind each of them. */
const tabbed = ({ parts, moreParts }: Tile, room: Place): string => {
  if (room.height < 20) return '';
  const total = parts.length + moreParts;
  const most = Math.max(1, Math.floor(room.width / 96));
  const shown = total > most ? parts.slice(0, Math.max(1, most - 1)) : parts;
  const width = room.width / (total > shown.length ? shown.length + 1 : shown.length);
  const nameOf = ({ label, title }: Part): string => label || title;
  const tabs = shown
    .map(
      (part, index) =>
        rect('b', room.x + index * width, room.y, width - 4, 22, { round: 3 }) +
        words('', room.x + index * width + 6, room.y + 15, width - 16, fitted(nameOf(part), width - 16, 12)),
    )
    .join('');
  const more =
    total > shown.length
      ? words('q', room.x + shown.length * width + 4, room.y + 15, width, `+ ${total - shown.length}`)
      : '';
  const top = room.y + 28;
  const height = room.height - 28;
  if (height < 34) return tabs + more;
  const behind = shown
    .map((part, index) => {
      const x = room.x + index * width;
      const label = part.label === '' || part.label === part.title ? '' : fitted(part.title, width - 8, 11);
      return (
        drawGlyph(part.glyph, x + 4, top, width - 12, height - (label === '' ? 0 : 18)) +
        words('y', x + 2, top + height - 4, width - 8, label, 'middle')
      );
    })
    .join('');
  return tabs + more + behind;
};
