import { quoted } from './expressions.ts';
import { captions, hyperCube, type Json, type Library, listObject, type Properties } from './hypercubes.ts';
import type { Random } from './random.ts';

/** The leaf visualizations, with how common they are. Containers of others are made in `charts.ts`. */
export const CHART_WEIGHTS = {
  barchart: 16,
  kpi: 15,
  table: 10,
  linechart: 9,
  'sn-pivot-table': 4,
  'pivot-table': 4,
  piechart: 4,
  combochart: 5,
  'text-image': 6,
  scatterplot: 3,
  treemap: 2,
  map: 2,
  gauge: 2,
  boxplot: 1,
  histogram: 1,
  waterfallchart: 1,
  distributionplot: 1,
  mekkochart: 1,
  bulletchart: 1,
  'sn-table': 2,
  'action-button': 3,
  'qlik-variable-input': 1,
  'acme-gantt': 1,
  'network-chart': 1,
} as const;
export type ChartKind = keyof typeof CHART_WEIGHTS;

const AXES: Json = {
  dimensionAxis: { show: 'all', label: 'auto', dock: 'near', axisDisplayMode: 'auto', maxVisibleItems: 10 },
  measureAxis: {
    show: 'all',
    dock: 'near',
    spacing: 1,
    autoMinMax: true,
    minMax: 'min',
    min: 0,
    max: 10,
    logarithmic: false,
  },
};

const COLOR: Json = {
  auto: true,
  mode: 'primary',
  formatting: { numFormatFromTemplate: true },
  useBaseColors: 'off',
  paletteColor: { index: 6, color: '#4477aa' },
  expressionIsColor: true,
  expressionLabel: '',
  measureScheme: 'sg',
  reverseScheme: false,
  dimensionScheme: '12',
  autoFill: true,
  useDimColVal: true,
  useMeasureGradient: true,
  persistent: false,
};

const LEGEND: Json = { show: true, dock: 'auto', showTitle: true };

const layersOf = (random: Random, library: Library): Json =>
  Array.from({ length: random.int(1, 3) }, (_, index) => ({
    id: random.letters(6),
    type: random.pick(['PointLayer', 'AreaLayer', 'LineLayer', 'DensityLayer']),
    name: `Layer ${index + 1}`,
    isLatLong: random.chance(0.5),
    locationOrLatitude: { type: 'libraryItem', key: '[Latitude]' },
    size: { autoRadiusValueRange: true, radiusMin: 4, radiusMax: 20 },
    color: COLOR,
    qHyperCubeDef: hyperCube(random, library, [1, random.int(0, 2)]),
    qUndoExclude: {},
  }));

/** What only this kind of chart has. */
const bodyOf = (random: Random, library: Library, kind: ChartKind): Properties => {
  const cube = (dimensions: number, measures: number, alternates = false): Properties => ({
    qHyperCubeDef: hyperCube(random, library, [dimensions, measures], alternates),
  });
  switch (kind) {
    case 'barchart':
      return {
        ...cube(random.int(1, 2), random.int(1, 2), random.chance(0.15)),
        orientation: random.pick(['vertical', 'horizontal']),
        barGrouping: { grouping: 'grouped' },
        refLine: { refLines: [] },
        axes: AXES,
        legend: LEGEND,
      };
    case 'linechart':
      return {
        ...cube(random.int(1, 2), random.int(1, 3)),
        lineType: 'line',
        nullMode: 'gap',
        axes: AXES,
        legend: LEGEND,
        refLine: {
          refLines: random.chance(0.2)
            ? [
                {
                  label: 'Target',
                  refLineExpr: {
                    value: { qValueExpression: { qExpr: `=Avg(${quoted(library.model.numbers[0] ?? 'Value')})` } },
                  },
                },
              ]
            : [],
        },
      };
    case 'combochart':
      return { ...cube(1, random.int(2, 4)), axes: AXES, legend: LEGEND, components: [] };
    case 'piechart':
      return { ...cube(1, random.int(1, 2)), donut: { showAsDonut: random.chance(0.5) }, legend: LEGEND };
    case 'table':
    case 'sn-table':
      return {
        ...cube(random.int(2, 7), random.int(0, 6), random.chance(0.4)),
        totals: { show: true, position: 'noTotals', label: 'Totals' },
        scrolling: { horizontal: true },
        multiline: { wrapTextInHeaders: true },
      };
    case 'pivot-table':
    case 'sn-pivot-table':
      return { ...cube(random.int(2, 5), random.int(1, 4), random.chance(0.5)), snapshotData: {}, components: [] };
    case 'kpi':
      return {
        ...cube(0, random.int(1, 2)),
        fontSize: 'S',
        layoutBehavior: 'responsive',
        showMeasureTitle: true,
        textAlign: 'center',
        useLink: false,
        sheetLink: '',
      };
    case 'gauge':
      return {
        ...cube(0, 1),
        gaugetype: 'radial',
        measureAxis: { min: 0, max: { qValueExpression: { qExpr: '=vMax' } } },
      };
    case 'bulletchart':
      return { ...cube(random.int(0, 1), 1), barColor: {}, axes: AXES };
    case 'scatterplot':
      return { ...cube(1, random.int(2, 3)), dataPoint: { bubbleSizes: 5 }, axes: AXES, legend: LEGEND };
    case 'treemap':
      return { ...cube(random.int(1, 3), 1), labels: { auto: true, headers: true } };
    case 'waterfallchart':
      return { ...cube(0, random.int(3, 5)), measures: [], axes: AXES };
    case 'mekkochart':
      return { ...cube(2, 1), cellWidth: {}, axes: AXES };
    case 'distributionplot':
      return { ...cube(2, 1), boxWidth: {}, axes: AXES };
    case 'histogram':
      return {
        ...cube(1, 1),
        // The bins are recomputed from this copy when a user undoes a change: it is not part of the chart's data.
        qUndoExclude: { bins: { auto: true }, bars: { qHyperCubeDef: hyperCube(random, library, [1, 1]) } },
      };
    case 'boxplot':
      return {
        boxplotDef: {
          qHyperCubeDef: hyperCube(random, library, [random.int(1, 2), 1]),
          elements: { outliers: { include: true } },
          presets: 'TUKEY',
        },
        qUndoExclude: {
          box: { qHyperCubeDef: hyperCube(random, library, [1, 5]) },
          outliers: { qHyperCubeDef: hyperCube(random, library, [2, 1]) },
        },
        orientation: 'vertical',
      };
    case 'map':
      return {
        gaLayers: layersOf(random, library),
        mapSettings: { baseMap: 'default', projection: 'mercator', showScaleBar: true },
        isMigrated: true,
      };
    case 'text-image':
      return {
        ...cube(0, random.int(0, 2)),
        markdown: 'Some **text** with "quotes"; and 100 %',
        background: { size: 'auto', url: { qStaticContentUrlDef: { qUrl: '' } } },
      };
    case 'action-button':
      return {
        style: { label: 'Clear all', font: { size: 0.5 } },
        actions: [
          { actionType: 'setVariable', variable: 'vTop', value: '10', actionLabel: '', cId: random.letters(6) },
        ],
        navigation: {},
      };
    case 'qlik-variable-input':
      return {
        variableName: 'vTop',
        variableValue: '',
        render: 's',
        min: 0,
        max: { qValueExpression: { qExpr: '=vMax' } },
      };
    case 'acme-gantt':
      return {
        ...cube(3, 1),
        props: {
          gantt: {
            qHyperCubeDef: hyperCube(random, library, [1, 0]),
            filters: [{ qListObjectDef: listObject(random, library) }],
          },
        },
      };
    case 'network-chart':
      return { ...cube(3, 2), physicsMode: true, ['node "shape"']: 'dot' };
    default:
      return kind satisfies never;
  }
};

/** The whole properties of a chart that stands alone (`qInfo` not included). */
export const chartProperties = (random: Random, library: Library, kind: ChartKind, title: string): Properties => ({
  qMetaDef: {},
  visualization: kind,
  version: '1.49.1',
  qStateName: '',
  ...captions(random, library, title),
  ...bodyOf(random, library, kind),
  color: COLOR,
  ...(random.chance(0.03)
    ? {
        qEmbeddedSnapshotDef: { qHyperCubeDef: hyperCube(random, library, [1, 1]) },
        snapshot: { qHyperCubeDef: { qDimensions: [{ qDef: { qFieldDefs: ['[Old]'] } }], qMeasures: [] } },
      }
    : {}),
});
