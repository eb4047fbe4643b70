import type { Glyph } from './glyphs.ts';
import type { Place } from './grid.ts';
import { fitted, grouped } from './legible.ts';
import type { Value, Values } from './sheet-plan.ts';
import { at, circle, line, path, rect, words } from './svg.ts';

const SERIES = ['m', 's2', 's3', 's4', 'n'] as const;
const seriesOf = (index: number): string => SERIES[index % SERIES.length] ?? 'm';

const numberOf = (value: Value | undefined): number | undefined =>
  value?.number !== undefined && Number.isFinite(value.number) ? value.number : undefined;

/** A chart with small real values: as what it is where that can be drawn simply, else as rows. */
export const drawValues = (glyph: Glyph, values: Values, room: Place): string => {
  if (room.height < 16 || room.width < 24) return '';
  if (values.rows.length === 0) return words('q', room.x, room.y + room.height / 2, room.width, 'No values', 'middle');
  const { dimensions } = values;
  const hasMeasure = values.rows.some((row) => numberOf(row[dimensions]) !== undefined);
  if (glyph === 'kpi' || glyph === 'gauge') return single(values, room);
  if (!hasMeasure || dimensions === 0 || room.height < 50) return rows(values, room);
  switch (glyph) {
    case 'bar':
    case 'waterfall':
    case 'combo':
    case 'box':
    case 'treemap':
    case 'map':
      return bars(values, room, glyph === 'combo');
    case 'line':
      return lines(values, room);
    case 'pie':
      return pie(values, room);
    case 'scatter':
      return dots(values, room);
    default:
      return rows(values, room);
  }
};

const single = ({ rows: found, dimensions }: Values, room: Place): string => {
  const measures = found[0]?.slice(dimensions) ?? [];
  const large = Math.max(14, Math.min(44, room.height * 0.6, room.width / 5));
  const first = measures[0]?.text ?? '';
  const second = room.height < 70 ? '' : (measures[1]?.text ?? '');
  const shown = fitted(first, room.width, large * 1.05);
  const middle = room.y + room.height / 2 + large * 0.3 - (second === '' ? 0 : 10);
  return (
    words('v e', room.x, middle, room.width, shown, 'middle').replace(
      '<text',
      `<text style="font-size:${at(large)}px"`,
    ) + (second === '' ? '' : words('q', room.x, middle + 22, room.width, fitted(second, room.width, 12), 'middle'))
  );
};

const rows = ({ names, rows: found, total }: Values, room: Place): string => {
  const columns = Math.min(found[0]?.length ?? 0, Math.max(1, Math.floor(room.width / 70)));
  const width = room.width / Math.max(1, columns);
  const most = Math.floor((room.height - 20) / 18);
  const shown = found.slice(0, Math.max(0, found.length > most || total > found.length ? most - 1 : most));
  const cell = (kind: string, text: string, column: number, y: number, end: boolean): string =>
    words(kind, room.x + column * width, y, width - 8, fitted(text, width - 8, 12.5), end ? 'end' : 'start');
  let drawn = '';
  for (let column = 0; column < columns; column++) drawn += cell('v', names[column] ?? '', column, room.y + 13, false);
  drawn += line('a', room.x, room.y + 18, room.x + room.width, room.y + 18);
  for (const [index, row] of shown.entries())
    for (let column = 0; column < columns; column++) {
      const value = row[column];
      drawn += cell('', value?.text ?? '', column, room.y + 33 + index * 18, numberOf(value) !== undefined);
    }
  const rest = total - shown.length;
  return rest > 0 && most > 0
    ? drawn + words('q', room.x, room.y + 33 + shown.length * 18, room.width, `and ${grouped(rest)} more`)
    : drawn;
};

interface Span {
  readonly low: number;
  readonly high: number;
}

/** From zero, and never of no height. */
const spanOf = (numbers: readonly number[]): Span => {
  const low = Math.min(0, ...numbers);
  const high = Math.max(0, ...numbers);
  return high === low ? { low, high: low + 1 } : { low, high };
};

const LABELS = 16;

const labels = (values: Values, room: Place, step: number): string =>
  step < 30
    ? ''
    : values.rows
        .map((row, index) =>
          words(
            'y',
            room.x + index * step,
            room.y + room.height - 3,
            step,
            fitted(row[0]?.text ?? '', step - 4, 11),
            'middle',
          ),
        )
        .join('');

const bars = (values: Values, room: Place, isCombo: boolean): string => {
  const { dimensions, rows: found } = values;
  const measures = Math.min(3, (found[0]?.length ?? 0) - dimensions);
  const asBars = isCombo ? 1 : measures;
  const numbers = found
    .flatMap((row) => row.slice(dimensions, dimensions + measures))
    .flatMap((v) => numberOf(v) ?? []);
  const { low, high } = spanOf(numbers);
  const step = room.width / found.length;
  const height = room.height - (step < 30 ? 0 : LABELS);
  const y = (number: number): number => room.y + height * (1 - (number - low) / (high - low));
  const width = (step * 0.72) / Math.max(1, asBars);
  let drawn = '';
  for (const [index, row] of found.entries())
    for (let series = 0; series < asBars; series++) {
      const number = numberOf(row[dimensions + series]);
      if (number === undefined) continue;
      const top = Math.min(y(number), y(0));
      drawn += rect(
        seriesOf(series),
        room.x + index * step + step * 0.14 + series * width,
        top,
        width,
        Math.max(1, Math.abs(y(number) - y(0))),
      );
    }
  if (isCombo && measures > 1)
    drawn += path(
      'w2',
      found.flatMap((row, index) => {
        const number = numberOf(row[dimensions + 1]);
        return number === undefined ? [] : [[room.x + (index + 0.5) * step, y(number)] as const];
      }),
    );
  return drawn + line('a', room.x, y(0), room.x + room.width, y(0)) + labels(values, room, step);
};

const lines = (values: Values, room: Place): string => {
  const { dimensions, rows: found } = values;
  const measures = Math.min(2, (found[0]?.length ?? 0) - dimensions);
  const numbers = found
    .flatMap((row) => row.slice(dimensions, dimensions + measures))
    .flatMap((v) => numberOf(v) ?? []);
  const { low, high } = spanOf(numbers);
  const step = room.width / found.length;
  const height = room.height - (step < 30 ? 0 : LABELS);
  const y = (number: number): number => room.y + 3 + (height - 6) * (1 - (number - low) / (high - low));
  let drawn = line('a', room.x, y(0), room.x + room.width, y(0));
  for (let series = 0; series < measures; series++) {
    const points = found.flatMap((row, index) => {
      const number = numberOf(row[dimensions + series]);
      return number === undefined ? [] : [[room.x + (index + 0.5) * step, y(number)] as const];
    });
    const [only] = points;
    drawn +=
      points.length === 1 && only !== undefined
        ? circle(seriesOf(series), only[0], only[1], 4)
        : path(series === 0 ? 'w' : 'w2', points);
  }
  return drawn + labels(values, room, step);
};

const MOST_SLICES = 5;

const pie = (values: Values, room: Place): string => {
  const { dimensions, rows: found } = values;
  const slices = found
    .slice(0, MOST_SLICES)
    .map((row) => ({ name: row[0]?.text ?? '', size: Math.max(0, numberOf(row[dimensions]) ?? 0) }));
  const sum = slices.reduce((all, { size }) => all + size, 0);
  if (sum <= 0) return words('q', room.x, room.y + room.height / 2, room.width, 'No values', 'middle');
  const beside = room.width > room.height * 1.5;
  const radius = Math.min(room.height, room.width) / 2 - 2;
  const [cx, cy] = [beside ? room.x + radius + 4 : room.x + room.width / 2, room.y + room.height / 2];
  let drawn = '';
  let from = 0;
  for (const [index, { size }] of slices.entries()) {
    const part = size / sum;
    if (part >= 0.9999) drawn += circle(seriesOf(index), cx, cy, radius);
    else if (part > 0) drawn += slice(seriesOf(index), cx, cy, radius, from, from + part);
    from += part;
  }
  if (!beside) return drawn;
  const left = cx + radius + 14;
  const most = Math.max(1, Math.floor(room.height / 18));
  for (const [index, { name }] of slices.slice(0, most).entries()) {
    const y = cy - (Math.min(most, slices.length) * 18) / 2 + index * 18;
    drawn += rect(seriesOf(index), left, y + 4, 10, 10);
    drawn += words(
      '',
      left + 16,
      y + 13,
      room.x + room.width - left - 16,
      fitted(name, room.x + room.width - left - 16, 12),
    );
  }
  return drawn;
};

const slice = (kind: string, cx: number, cy: number, radius: number, from: number, to: number): string => {
  const point = (part: number): string =>
    `${at(cx + radius * Math.sin(part * 2 * Math.PI))} ${at(cy - radius * Math.cos(part * 2 * Math.PI))}`;
  return `<path class="${kind}" d="M${at(cx)} ${at(cy)}L${point(from)}A${at(radius)} ${at(radius)} 0 ${to - from > 0.5 ? 1 : 0} 1 ${point(to)}Z"/>`;
};

const dots = (values: Values, room: Place): string => {
  const { dimensions, rows: found } = values;
  const points = found.flatMap((row, index) => {
    const one = numberOf(row[dimensions]);
    const other = numberOf(row[dimensions + 1]) ?? index;
    return one === undefined ? [] : [{ one, other }];
  });
  const [x, y] = [spanOf(points.map(({ one }) => one)), spanOf(points.map(({ other }) => other))];
  const place = (number: number, { low, high }: Span): number => (number - low) / (high - low);
  return (
    line('a', room.x, room.y, room.x, room.y + room.height) +
    line('a', room.x, room.y + room.height, room.x + room.width, room.y + room.height) +
    points
      .map(({ one, other }) =>
        circle(
          'm',
          room.x + 6 + place(one, x) * (room.width - 12),
          room.y + 6 + (1 - place(other, y)) * (room.height - 12),
          4.5,
        ),
      )
      .join('')
  );
};
