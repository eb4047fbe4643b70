import { CHART_WEIGHTS, type ChartKind, chartProperties } from './chart-kinds.ts';
import { withLooks } from './chart-looks.ts';
import { captions, type Library, listObject, type Properties } from './hypercubes.ts';
import { oddly } from './names.ts';
import type { Random } from './random.ts';
import type { EngineObject } from './types.ts';

/** What a child shares with the sheet that it lives on. */
export interface ChartContext {
  readonly random: Random;
  readonly library: Library;
  readonly nextId: () => string;
  readonly host: Pick<EngineObject, 'ownerId' | 'approved' | 'published' | 'createdDate' | 'modifiedDate'>;
}

const objectOf = (
  { host, library, nextId }: ChartContext,
  qType: string,
  plain: Properties,
  children: readonly EngineObject[] = [],
): EngineObject => {
  const qId = nextId();
  const properties = plain['visualization'] === undefined ? plain : withLooks(plain, qId, library);
  const { ownerId, approved, published, createdDate, modifiedDate } = host;
  return {
    qId,
    qType,
    repositoryId: null,
    properties: { qInfo: { qId, qType }, ...properties },
    children,
    ownerId,
    approved,
    published,
    createdDate,
    modifiedDate,
  };
};

const TITLES = [
  'Revenue by month',
  'Top customers',
  'Margin %',
  'Stock on hand',
  'Order intake',
  'Abweichung Plan/Ist',
  'Headcount',
  'Backlog',
  "Customer's share",
  'Évolution',
  'Tickets per agent',
  'Scrap rate',
] as const;

const titleFor = (random: Random): string =>
  random.chance(0.15) ? '' : oddly(random, random.pick(TITLES), 0.04, true);

/** A chart that stands for a master visualization: nearly everything comes from there. */
const instance = (context: ChartContext): EngineObject => {
  const { random, library } = context;
  const deleted = library.visualizations.length === 0 || random.chance(0.04);
  return objectOf(context, random.pick(['barchart', 'linechart', 'kpi', 'table']), {
    qExtendsId: deleted ? random.letters(6) : random.pick(library.visualizations),
    qMetaDef: {},
    qStateName: '',
    showTitles: true,
    ...(random.chance(0.2) ? { title: titleFor(random) } : {}),
  });
};

const leaf = (context: ChartContext): EngineObject => {
  const kind: ChartKind = context.random.weighted(CHART_WEIGHTS);
  return objectOf(context, kind, chartProperties(context.random, context.library, kind, titleFor(context.random)));
};

const listBox = (context: ChartContext): EngineObject =>
  objectOf(context, 'listbox', {
    ...captions(context.random, context.library, titleFor(context.random)),
    visualization: 'listbox',
    qListObjectDef: listObject(context.random, context.library),
  });

const filterPane = (context: ChartContext): EngineObject => {
  const children = Array.from({ length: context.random.int(1, 6) }, () => listBox(context));
  return objectOf(
    context,
    'filterpane',
    {
      ...captions(context.random, context.library, ''),
      visualization: 'filterpane',
      qChildListDef: { qData: { info: '/qInfo', title: '/title' } },
    },
    children,
  );
};

const container = (context: ChartContext, qType: 'container' | 'sn-tabbed-container', depth: number): EngineObject => {
  const { random, library } = context;
  const children = Array.from({ length: random.int(1, 4) }, () =>
    depth < 2 && random.chance(0.12)
      ? container(context, random.pick(['container', 'sn-tabbed-container']), depth + 1)
      : random.chance(0.15)
        ? filterPane(context)
        : random.chance(0.15)
          ? instance(context)
          : leaf(context),
  );
  const tabs = children.map((child, index) => ({
    refId: random.letters(6),
    label: index % 4 === 3 ? { qStringExpression: { qExpr: "='Tab ' & vTop" } } : `Tab ${index + 1}`,
    isMaster: child.properties['qExtendsId'] !== undefined,
    ...(index % 3 === 2 ? { condition: { qStringExpression: { qExpr: '=vTop > 10' } } } : {}),
    ...(qType === 'container' ? { type: child.qType } : { childRefId: child.qId }),
  }));
  // A container knows its children by an id that they bear themselves.
  const tabbed = children.map((child, index) =>
    qType === 'container'
      ? { ...child, properties: { ...child.properties, containerChildId: tabs[index]?.refId ?? '' } }
      : child,
  );
  return objectOf(
    context,
    qType,
    {
      ...captions(random, library, titleFor(random)),
      visualization: qType,
      qChildListDef: {
        qData: { info: '/qInfo', visualization: '/visualization', containerChildId: '/containerChildId' },
      },
      [qType === 'container' ? 'children' : 'objects']: tabs,
      showTabs: true,
    },
    tabbed,
  );
};

const CELLS = { leaf: 74, instance: 10, filterpane: 9, container: 4, tabbed: 3 } as const;

/** One cell of a sheet: a chart, an instance of a master visualization, a filter pane, or a container of others. */
export const chart = (context: ChartContext): EngineObject => {
  switch (context.random.weighted(CELLS)) {
    case 'leaf':
      return leaf(context);
    case 'instance':
      return instance(context);
    case 'filterpane':
      return filterPane(context);
    case 'container':
      return container(context, 'container', 0);
    case 'tabbed':
      return container(context, 'sn-tabbed-container', 0);
  }
};
