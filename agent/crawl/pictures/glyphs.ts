import { circle, line, path, rect } from './svg.ts';

/** What a chart looks like at a glance. */
export type Glyph =
  | 'bar'
  | 'box'
  | 'button'
  | 'combo'
  | 'container'
  | 'extension'
  | 'filter'
  | 'gauge'
  | 'input'
  | 'kpi'
  | 'line'
  | 'list'
  | 'map'
  | 'pie'
  | 'pivot'
  | 'scatter'
  | 'table'
  | 'text'
  | 'treemap'
  | 'waterfall';

interface Kind {
  readonly glyph: Glyph;
  readonly name: string;
}

const kind = (glyph: Glyph, name: string): Kind => ({ glyph, name });

/** Types of charts as Qlik calls them. */
const KINDS: ReadonlyMap<string, Kind> = new Map([
  ['barchart', kind('bar', 'Bar chart')],
  ['histogram', kind('bar', 'Histogram')],
  ['mekkochart', kind('bar', 'Mekko chart')],
  ['bulletchart', kind('bar', 'Bullet chart')],
  ['sn-bullet-chart', kind('bar', 'Bullet chart')],
  ['waterfallchart', kind('waterfall', 'Waterfall chart')],
  ['linechart', kind('line', 'Line chart')],
  ['combochart', kind('combo', 'Combo chart')],
  ['piechart', kind('pie', 'Pie chart')],
  ['scatterplot', kind('scatter', 'Scatter plot')],
  ['sn-grid-chart', kind('scatter', 'Grid chart')],
  ['table', kind('table', 'Table')],
  ['sn-table', kind('table', 'Straight table')],
  ['pivot-table', kind('pivot', 'Pivot table')],
  ['sn-pivot-table', kind('pivot', 'Pivot table')],
  ['kpi', kind('kpi', 'KPI')],
  ['qlik-multi-kpi', kind('kpi', 'Multi KPI')],
  ['gauge', kind('gauge', 'Gauge')],
  ['treemap', kind('treemap', 'Treemap')],
  ['map', kind('map', 'Map')],
  ['boxplot', kind('box', 'Box plot')],
  ['distributionplot', kind('box', 'Distribution plot')],
  ['text-image', kind('text', 'Text & image')],
  ['sn-text', kind('text', 'Text')],
  ['action-button', kind('button', 'Button')],
  ['qlik-button-for-navigation', kind('button', 'Navigation button')],
  ['qlik-variable-input', kind('input', 'Variable input')],
  ['qlik-date-picker', kind('input', 'Date picker')],
  ['filterpane', kind('filter', 'Filter pane')],
  ['listbox', kind('list', 'List box')],
  ['container', kind('container', 'Container')],
  ['sn-tabbed-container', kind('container', 'Tabbed container')],
  ['sn-layout-container', kind('container', 'Layout container')],
  ['qlik-show-hide-container', kind('container', 'Show/hide container')],
  ['qlik-tabbed-container', kind('container', 'Tabbed container')],
  ['qlik-trellis-container', kind('container', 'Trellis container')],
]);

/** How a type of chart is drawn and called; of extensions only their own name is known. */
export const kindOf = (type: string): Kind => KINDS.get(type) ?? { glyph: 'extension', name: type };

const GLYPH_RATIO = 1.9;
const MOST_HEIGHT = 110;

/**
 * A small drawing in the middle of a box. Every shape has a class of its own colour: `m` and `n` are the two colours of
 * marks, `w` a line in the first, `a` that of axes and frames.
 */
export const drawGlyph = (glyph: Glyph, x: number, y: number, width: number, height: number): string => {
  const h = Math.min(height, width / GLYPH_RATIO, MOST_HEIGHT);
  if (h < 12) return '';
  const w = h * GLYPH_RATIO;
  const left = x + (width - w) / 2;
  const top = y + (height - h) / 2;
  /** A place in the box of the glyph, in parts of its width and height. */
  const px = (part: number): number => left + part * w;
  const py = (part: number): number => top + part * h;
  const bar = (cls: string, from: number, to: number, high: number, low = 1): string =>
    rect(cls, px(from), py(1 - high), (to - from) * w, (high - (1 - low)) * h);
  const axis = line('a', px(0), py(1), px(1), py(1));
  switch (glyph) {
    case 'bar':
      return (
        [0.55, 0.9, 0.4, 0.7, 0.3].map((high, i) => bar('m', 0.04 + i * 0.2, 0.16 + i * 0.2, high)).join('') + axis
      );
    case 'waterfall':
      return (
        bar('m', 0.04, 0.2, 0.5) +
        bar('n', 0.24, 0.4, 0.75, 0.5) +
        bar('n', 0.44, 0.6, 0.95, 0.25) +
        bar('m', 0.64, 0.8, 0.95, 0.45) +
        bar('m', 0.84, 1, 0.55) +
        axis
      );
    case 'line':
      return (
        path(
          'w',
          [0.7, 0.35, 0.5, 0.2, 0.3, 0.1].map((part, i) => [px(i * 0.2), py(part)] as const),
        ) + axis
      );
    case 'combo':
      return (
        [0.4, 0.6, 0.5, 0.8, 0.65].map((high, i) => bar('n', 0.04 + i * 0.2, 0.16 + i * 0.2, high)).join('') +
        path(
          'w',
          [0.5, 0.25, 0.35, 0.1, 0.2].map((part, i) => [px(0.1 + i * 0.2), py(part)] as const),
        ) +
        axis
      );
    case 'pie':
      return (
        circle('n', px(0.5), py(0.5), h / 2) +
        `<path class="m" d="M${px(0.5).toFixed(1)} ${py(0.5).toFixed(1)}V${py(0).toFixed(1)}A${(h / 2).toFixed(1)} ${(h / 2).toFixed(1)} 0 0 1 ${px(0.5 + 0.5 / GLYPH_RATIO).toFixed(1)} ${py(0.5).toFixed(1)}Z"/>`
      );
    case 'scatter':
      return (
        (
          [
            [0.15, 0.75, 0.05],
            [0.3, 0.5, 0.09],
            [0.45, 0.65, 0.06],
            [0.55, 0.35, 0.11],
            [0.75, 0.25, 0.07],
            [0.9, 0.15, 0.05],
          ] as const
        )
          .map(([cx, cy, r], i) => circle(i % 2 === 0 ? 'm' : 'n', px(cx), py(cy), r * h))
          .join('') +
        axis +
        line('a', px(0), py(0), px(0), py(1))
      );
    case 'table':
      return (
        rect('n', px(0), py(0), w, h * 0.2) +
        [0.2, 0.4, 0.6, 0.8, 1].map((part) => line('a', px(0), py(part), px(1), py(part))).join('') +
        [0, 0.4, 0.7, 1].map((part) => line('a', px(part), py(0), px(part), py(1))).join('')
      );
    case 'pivot':
      return (
        rect('n', px(0), py(0), w, h * 0.2) +
        rect('n', px(0), py(0.2), w * 0.3, h * 0.8) +
        [0.2, 0.4, 0.6, 0.8, 1].map((part) => line('a', px(part === 1 ? 0 : 0.1), py(part), px(1), py(part))).join('') +
        [0.3, 0.53, 0.76].map((part) => line('a', px(part), py(0), px(part), py(1))).join('')
      );
    case 'kpi':
      return (
        rect('m', px(0.2), py(0.3), w * 0.16, h * 0.4, { round: 3 }) +
        rect('m', px(0.42), py(0.3), w * 0.16, h * 0.4, { round: 3 }) +
        rect('m', px(0.64), py(0.3), w * 0.16, h * 0.4, { round: 3 })
      );
    case 'gauge':
      return arc('g', px(0.5), py(0.9), h * 0.75, 180, 0) + arc('k', px(0.5), py(0.9), h * 0.75, 180, 60);
    case 'treemap':
      return (
        rect('m', px(0), py(0), w * 0.5, h) +
        rect('n', px(0.52), py(0), w * 0.48, h * 0.55) +
        rect('n', px(0.52), py(0.58), w * 0.26, h * 0.42) +
        rect('m', px(0.8), py(0.58), w * 0.2, h * 0.42)
      );
    case 'map':
      return (
        path(
          'n',
          [
            [px(0.02), py(0.3)],
            [px(0.3), py(0.08)],
            [px(0.55), py(0.22)],
            [px(0.8), py(0.05)],
            [px(0.98), py(0.4)],
            [px(0.85), py(0.9)],
            [px(0.5), py(0.75)],
            [px(0.22), py(0.98)],
          ],
          true,
        ) +
        circle('m', px(0.35), py(0.45), h * 0.07) +
        circle('m', px(0.62), py(0.5), h * 0.11) +
        circle('m', px(0.78), py(0.3), h * 0.05)
      );
    case 'box':
      return [0.2, 0.5, 0.8]
        .map(
          (part, i) =>
            line('a', px(part), py(0.05 + i * 0.08), px(part), py(0.95 - i * 0.1)) +
            rect(i === 1 ? 'm' : 'n', px(part - 0.08), py(0.25 + i * 0.1), w * 0.16, h * 0.35),
        )
        .join('');
    case 'text':
      return [0.9, 1, 0.75, 0.95, 0.5]
        .map((long, i) => rect('n', px(0), py(0.05 + i * 0.2), w * long, h * 0.08, { round: 2 }))
        .join('');
    case 'button':
      return rect('n', px(0.1), py(0.25), w * 0.8, h * 0.5, { round: h * 0.12 });
    case 'input':
      return line('a', px(0), py(0.5), px(1), py(0.5)) + circle('m', px(0.6), py(0.5), h * 0.14);
    case 'filter':
    case 'list':
      return [0, 0.27, 0.54, 0.81]
        .map((part, i) => rect(i === 1 ? 'm' : 'n', px(0.05), py(part), w * 0.9, h * 0.18, { round: 2 }))
        .join('');
    case 'container':
      return (
        rect('n', px(0), py(0), w * 0.3, h * 0.18) +
        rect('f', px(0), py(0.18), w, h * 0.82) +
        line('a', px(0.34), py(0.09), px(0.6), py(0.09))
      );
    case 'extension':
      return path(
        'f',
        [
          [px(0.5), py(0.08)],
          [px(0.72), py(0.5)],
          [px(0.5), py(0.92)],
          [px(0.28), py(0.5)],
        ],
        true,
      );
    default:
      return glyph satisfies never;
  }
};

/** A thick arc, between two angles in degrees, against the clock. */
const arc = (cls: string, x: number, y: number, radius: number, from: number, to: number): string => {
  const point = (degrees: number): string =>
    `${(x + radius * Math.cos((degrees * Math.PI) / 180)).toFixed(1)} ${(y - radius * Math.sin((degrees * Math.PI) / 180)).toFixed(1)}`;
  return `<path class="${cls}" d="M${point(from)}A${radius.toFixed(1)} ${radius.toFixed(1)} 0 0 1 ${point(to)}"/>`;
};
