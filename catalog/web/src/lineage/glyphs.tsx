import type { Box, Row } from './model.ts';

type Kind = Box['kind'] | Row['kind'];

/** Ten by ten: a drum for data, a grid for an app, a page for a sheet, bars for a chart; rings and crosses for rows. */
const shapeOf = (kind: Kind): string => {
  switch (kind) {
    case 'app':
      return 'M0.5 0.5h4v4h-4zM5.5 0.5h4v4h-4zM0.5 5.5h4v4h-4zM5.5 5.5h4v4h-4z';
    case 'sheet':
      return 'M1 0.5h5l3 3v6h-8zM6 0.5v3h3';
    case 'chart':
    case 'masterVisualization':
      return 'M1 9.5v-5M4 9.5v-9M7 9.5v-6M0 9.5h10';
    case 'field':
    case 'column':
      return 'M5 1a4 4 0 1 0 0.01 0z';
    case 'table':
      return 'M0.5 1h9v8h-9zM0.5 4h9M5 4v5';
    case 'masterMeasure':
    case 'chartMeasure':
      return 'M8.5 0.5h-7l4 4.5l-4 4.5h7';
    case 'masterDimension':
    case 'chartDimension':
      return 'M5 0.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z';
    case 'variable':
      return 'M1 1l8 8M9 1l-8 8';
    default:
      return 'M1 2.5c0 -2.6 8 -2.6 8 0v5c0 2.6 -8 2.6 -8 0zM1 2.5c0 2.6 8 2.6 8 0';
  }
};

/** What something is, by its shape; the word stands beside it. */
export const Glyph = ({ kind, x, y }: { kind: Kind; x: number; y: number }) => (
  <path class="lineage-glyph" transform={`translate(${x} ${y})`} d={shapeOf(kind)} />
);
