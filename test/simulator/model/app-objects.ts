import { CHART_WEIGHTS, type ChartKind, chartProperties } from './chart-kinds.ts';
import { withLooks } from './chart-looks.ts';
import { type ChartContext, chart } from './charts.ts';
import { hyperCube, type Json, type Properties } from './hypercubes.ts';
import type { DimensionDefinition, MeasureDefinition } from './masters.ts';
import type { ObjectOutline } from './outline.ts';
import { hashOf } from './random.ts';
import type { EngineObject } from './types.ts';

type Making = Omit<ChartContext, 'host'>;

const objectFrom = (
  outline: ObjectOutline,
  properties: Properties,
  children: readonly EngineObject[] = [],
  names: readonly string[] = [],
): EngineObject => ({
  qId: outline.qId,
  names,
  qType: outline.qType,
  repositoryId: outline.repositoryId,
  properties: { qInfo: { qId: outline.qId, qType: outline.qType }, ...properties },
  children,
  ownerId: outline.ownerId,
  approved: outline.approved,
  published: outline.published,
  createdDate: outline.createdDate,
  modifiedDate: outline.modifiedDate,
});

const metaOf = ({ name, description }: ObjectOutline): Properties => ({ title: name, description });

const COLUMNS = 24;

/** A sheet with its grid; the cells are laid out in rows, containers' children have none. */
export const sheetObject = (making: Making, outline: ObjectOutline, rank: number): EngineObject => {
  const { random } = making;
  const count = random.chance(0.04) ? 0 : Math.min(40, Math.max(1, Math.round(random.logNormal(8, 0.5))));
  const children = Array.from({ length: count }, () => chart({ ...making, host: outline }));
  const width = 8;
  const cells: Json = children.map((child, index) => ({
    name: child.qId,
    type: child.qType,
    col: (index * width) % COLUMNS,
    row: Math.floor((index * width) / COLUMNS) * 4,
    colspan: width,
    rowspan: 4,
    bounds: { y: 0, x: ((index * width) % COLUMNS) * (100 / COLUMNS), width: 100 / 3, height: 25 },
  }));
  return objectFrom(
    outline,
    {
      qMetaDef: metaOf(outline),
      rank,
      thumbnail: { qStaticContentUrlDef: { qUrl: random.chance(0.2) ? `/appcontent/sheet-${outline.qId}.png` : '' } },
      columns: COLUMNS,
      rows: 12,
      cells,
      qChildListDef: { qData: { title: '/title' } },
      gridResolution: 'small',
      layoutOptions: { mobileLayout: 'LIST', extendable: false, sheetMode: 'RESPONSIVE' },
      gridMode: 'simpleEdit',
      ...(hashOf(outline.qId) % 12 === 0
        ? { showCondition: { qStringExpression: { qExpr: "=vCurrency = 'EUR'" } } }
        : {}),
      labelExpression: random.chance(0.05) ? `='Sheet of ' & vCurrentYear` : '',
      description: outline.description,
    },
    children,
  );
};

const part = (
  making: Making,
  outline: ObjectOutline,
  qType: string,
  properties: Properties,
  children: readonly EngineObject[] = [],
): EngineObject => {
  const qId = making.nextId();
  return { ...objectFrom({ ...outline, qId, qType }, properties, children), repositoryId: null };
};

/** A story: slides, and on them texts and snapshots of charts. */
export const storyObject = (making: Making, outline: ObjectOutline): EngineObject => {
  const { random, library } = making;
  const slides = Array.from({ length: random.int(1, 6) }, () =>
    part(
      making,
      outline,
      'slide',
      { qChildListDef: { qData: { title: '/title' } }, showTitles: true },
      Array.from({ length: random.int(0, 3) }, () =>
        random.chance(0.6)
          ? part(making, outline, 'slideitem', {
              visualization: 'text',
              title: 'Why?',
              text: { qStringExpression: { qExpr: "='As of ' & Today()" } },
            })
          : part(making, outline, 'slideitem', {
              visualization: 'snapshot',
              qEmbeddedSnapshotDef: { qHyperCubeDef: hyperCube(random, library, [1, 1]) },
            }),
      ),
    ),
  );
  return objectFrom(
    outline,
    { qMetaDef: metaOf(outline), rank: 0, thumbnail: {}, qChildListDef: { qData: { title: '/title', rank: '/rank' } } },
    slides,
  );
};

export const masterDimension = (
  outline: ObjectOutline & { readonly definition: DimensionDefinition },
): EngineObject => {
  const { definition } = outline;
  return objectFrom(outline, {
    qDim: {
      qGrouping: definition.grouping,
      qFieldDefs: definition.fieldDefs,
      qFieldLabels: definition.fieldLabels,
      qLabelExpression: definition.labelExpression,
      qAlias: '',
      title: definition.title,
      coloring: { changeHash: null, colorMapRef: '', hasValueColors: false },
    },
    qMetaDef: { ...metaOf(outline), tags: definition.grouping === 'H' ? ['drill', 'geo; map'] : [] },
  });
};

export const masterMeasure = (outline: ObjectOutline & { readonly definition: MeasureDefinition }): EngineObject => {
  const { definition } = outline;
  return objectFrom(
    outline,
    {
      qMeasure: {
        qLabel: definition.title,
        qDef: definition.expression,
        qGrouping: 'N',
        qExpressions: [],
        qActiveExpression: 0,
        qLabelExpression: definition.labelExpression,
        qNumFormat: { ...definition.format },
        isCustomFormatted: definition.format.qType !== 'U',
        numFormatFromTemplate: true,
        coloring: hashOf(outline.qId) % 8 === 0 ? { baseColor: { color: '#b0afae', index: -1 } } : {},
      },
      qMetaDef: { ...metaOf(outline), tags: hashOf(outline.qId) % 5 === 0 ? ['kpi', 'net; gross'] : [] },
    },
    [],
    definition.names,
  );
};

/** A master visualization; one in five is a container whose children live in its own tree. */
export const masterVisualization = (making: Making, outline: ObjectOutline): EngineObject => {
  const { random, library } = making;
  const kind: ChartKind = random.weighted(CHART_WEIGHTS);
  const children = random.chance(0.2)
    ? Array.from({ length: random.int(1, 3) }, () => chart({ ...making, host: outline }))
    : [];
  return objectFrom(
    outline,
    {
      ...withLooks(chartProperties(random, library, kind, outline.name), outline.qId, library),
      qMetaDef: { ...metaOf(outline), tags: ['master'] },
    },
    children,
  );
};

export const bookmarkObject = (making: Making, outline: ObjectOutline): EngineObject =>
  objectFrom(outline, {
    qMetaDef: metaOf(outline),
    creationDate: outline.createdDate,
    sheetId: '',
    selectionFields: making.library.model.texts.slice(0, 2).join(', '),
    qIncludeVariables: false,
  });

export const otherObject = (making: Making, outline: ObjectOutline): EngineObject => {
  switch (outline.qType) {
    case 'appprops':
      return objectFrom(outline, {
        sheetTitleBgColor: '',
        theme: 'horizon',
        chartAnimations: true,
        rtl: making.random.chance(0.1),
        vizType: 'app',
      });
    case 'LoadModel':
      return objectFrom(outline, {
        qMetaDef: {},
        tables: making.library.model.tables.map((table) => ({
          tableName: table.name,
          fields: table.fields.map((field) => ({ name: field.name })),
        })),
        associations: [],
        schemaVersion: 2.1,
      });
    case 'snapshot':
      return objectFrom(outline, {
        qMetaDef: metaOf(outline),
        snapshotData: {},
        sourceObjectId: 'mFQcPp',
        qHyperCubeDef: hyperCube(making.random, making.library, [1, 1]),
      });
    default:
      return objectFrom(outline, { colorMap: { colors: [], nul: {}, oth: {} } });
  }
};
