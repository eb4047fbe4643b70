import type { LineageEdge } from '#protocol/lineage.ts';
import type { AssetRecord, EdgeRecord, StreamRecord } from '#protocol/records.ts';
import { asset, scopeRecords } from './agent.ts';

/** A database table and the QVD files through which three apps hand its columns on. */
export const ORDERS_TABLE = 'postgres://db.example.com:5432/erp.sales.orders';
export const ORDERS_QVD = 'file://qlik.example.com/d%3A/qvd/orders.qvd';
export const REVENUE_QVD = 'file://qlik.example.com/d%3A/qvd/revenue.qvd';

export const EXTRACT_SCRIPT = `LIB CONNECT TO 'Warehouse';

Orders:
LOAD order_id, amount, region;
SQL SELECT order_id, amount, region
FROM sales.orders;

STORE Orders INTO [lib://QVD/orders.qvd] (qvd);
`;

export const TRANSFORM_SCRIPT = `Revenue:
LOAD
    region AS Region,
    Sum(amount * 1.2) AS Revenue
FROM [lib://QVD/orders.qvd] (qvd)
WHERE amount > 0
GROUP BY region;
IF vStore = 1 THEN
  STORE Revenue INTO [lib://QVD/revenue.qvd] (qvd);
END IF
`;

export const edge = (
  scope: string,
  kind: EdgeRecord['kind'],
  from: string,
  to: string,
  attributes?: Partial<LineageEdge>,
): EdgeRecord => ({
  t: 'edge',
  scope,
  kind,
  from,
  to,
  ...(attributes === undefined
    ? {}
    : { attributes: JSON.parse(JSON.stringify(attributes)) as EdgeRecord['attributes'] }),
});

const value = (line: number, endLine: number, more: Partial<LineageEdge> = {}): Partial<LineageEdge> => ({
  role: 'value',
  confidence: 'exact',
  place: { file: '', line, endLine, column: 1 },
  ...more,
});

/** A dataset with its columns, as each app that touches it sends them. */
export const dataset = (scope: string, key: string, name: string, columns: readonly string[]): AssetRecord[] => [
  asset(scope, key, 'dataset', name, undefined, { type: name.endsWith('.qvd') ? 'qvd' : 'table' }),
  ...columns.map((column) => asset(scope, `${key}#${column}`, 'column', column, key)),
];

const extract = (code: string): StreamRecord[] => {
  const app = `${code}/extract`;
  const columns = ['order_id', 'amount', 'region'];
  return scopeRecords(app, 'app', [
    asset(app, app, 'app', 'Extract', `${code}/stream/s`),
    asset(app, `${app}/script`, 'script', 'Load script', app, { text: EXTRACT_SCRIPT }),
    ...dataset(app, ORDERS_TABLE, 'sales.orders', columns),
    ...dataset(app, ORDERS_QVD, 'orders.qvd', columns),
    edge(app, 'loads', app, ORDERS_TABLE, value(3, 6)),
    edge(app, 'produces', app, ORDERS_QVD, value(8, 8)),
    ...columns.flatMap((column) => [
      asset(app, `${app}/field/${column}`, 'field', column, app),
      edge(app, 'derives', `${app}/field/${column}`, `${ORDERS_TABLE}#${column}`, value(3, 6)),
      edge(
        app,
        'derives',
        `${ORDERS_QVD}#${column}`,
        `${ORDERS_TABLE}#${column}`,
        value(8, 8, { confidence: 'confirmed' }),
      ),
    ]),
  ]);
};

const transform = (code: string): StreamRecord[] => {
  const app = `${code}/transform`;
  const revenue = value(1, 7, { expression: 'Sum(amount * 1.2)', confidence: 'inferred', reasons: ['variable:vPath'] });
  return scopeRecords(app, 'app', [
    asset(app, app, 'app', 'Transform', `${code}/stream/s`, {
      lineage: {
        coverage: 0.875,
        statements: { total: 4, understood: 3, opaque: 0 },
        diagnostics: [
          {
            severity: 'warning',
            code: 'lineage.condition_unknown',
            message: 'Whether the STORE is reached depends on vStore.',
            place: { file: '', line: 8, endLine: 8, column: 1 },
          },
        ],
        diagnosticCount: 1,
      },
    }),
    asset(app, `${app}/script`, 'script', 'Load script', app, { text: TRANSFORM_SCRIPT }),
    ...dataset(app, ORDERS_QVD, 'orders.qvd', ['order_id', 'amount', 'region']),
    ...dataset(app, REVENUE_QVD, 'revenue.qvd', ['Region', 'Revenue']),
    edge(app, 'loads', app, ORDERS_QVD, value(1, 7)),
    edge(app, 'produces', app, REVENUE_QVD, value(9, 9, { conditional: true })),
    asset(app, `${app}/field/Revenue`, 'field', 'Revenue', app),
    asset(app, `${app}/field/Region`, 'field', 'Region', app),
    edge(app, 'derives', `${app}/field/Revenue`, `${ORDERS_QVD}#amount`, { ...revenue, roles: ['value', 'filter'] }),
    edge(app, 'derives', `${app}/field/Region`, `${ORDERS_QVD}#region`, value(1, 7)),
    edge(app, 'derives', `${REVENUE_QVD}#Revenue`, `${ORDERS_QVD}#amount`, { ...revenue, conditional: true }),
    edge(app, 'derives', `${REVENUE_QVD}#Revenue`, `${ORDERS_QVD}#region`, value(1, 7, { role: 'group' })),
    edge(app, 'derives', `${REVENUE_QVD}#Region`, `${ORDERS_QVD}#region`, value(1, 7, { conditional: true })),
  ]);
};

const dashboard = (code: string, user: string): StreamRecord[] => {
  const app = `${code}/dashboard`;
  const chart = `${app}/chart-1`;
  return scopeRecords(app, 'app', [
    asset(app, app, 'app', 'Dashboard', `${code}/stream/s`, {
      owner: { id: 'u1', name: 'Ada Example', email: 'ada@example.com' },
    }),
    edge(app, 'owns', user, app),
    ...dataset(app, REVENUE_QVD, 'revenue.qvd', ['Region', 'Revenue']),
    // Of this file no more is known than that it is read: it is no asset.
    edge(app, 'loads', app, 'file://qlik.example.com/d%3A/budget.xlsx', value(4, 5, { confidence: 'candidate' })),
    edge(app, 'loads', app, REVENUE_QVD, value(1, 3)),
    asset(app, `${app}/field/Revenue`, 'field', 'Revenue', app),
    asset(app, `${app}/field/Region`, 'field', 'Region', app),
    asset(app, `${app}/table/Facts`, 'table', 'Facts', app),
    edge(app, 'contains', `${app}/table/Facts`, `${app}/field/Revenue`),
    edge(app, 'contains', `${app}/table/Facts`, `${app}/field/Region`),
    edge(app, 'derives', `${app}/field/Revenue`, `${REVENUE_QVD}#Revenue`, value(1, 3, { confidence: 'confirmed' })),
    edge(app, 'derives', `${app}/field/Region`, `${REVENUE_QVD}#Region`, value(1, 3, { confidence: 'confirmed' })),
    asset(app, `${app}/mm-1`, 'masterMeasure', 'Total revenue', app, { expression: 'Sum(Revenue)' }),
    edge(app, 'derives', `${app}/mm-1`, `${app}/field/Revenue`, {
      role: 'value',
      confidence: 'exact',
      expression: 'Sum(Revenue)',
    }),
    asset(app, `${app}/sheet-1`, 'sheet', 'Overview', app),
    asset(app, chart, 'chart', 'Revenue by region', `${app}/sheet-1`, { type: 'barchart' }),
    asset(app, `${chart}/m/m1`, 'chartMeasure', 'Total revenue', chart),
    asset(app, `${chart}/d/d1`, 'chartDimension', 'Region', chart),
    edge(app, 'uses', `${chart}/m/m1`, `${app}/mm-1`),
    edge(app, 'uses', chart, `${code}/extension/ext`),
    edge(app, 'derives', `${chart}/d/d1`, `${app}/field/Region`, { role: 'dimension', confidence: 'exact' }),
  ]);
};

/** A site with three apps: one reads a table and stores a QVD, one makes another of it, one shows it in a chart. */
export const chainRecords = (code: string): StreamRecord[][] => {
  const user = `${code}/user/u1`;
  const apps = ['extract', 'transform', 'dashboard'];
  const site = scopeRecords(code, 'site', [
    asset(code, code, 'site', `Site ${code}`),
    asset(code, `${code}/stream/s`, 'stream', 'Everyone', code),
    asset(code, user, 'user', 'Ada Example', code, { email: 'ada@example.com' }),
    asset(code, `${code}/extension/ext`, 'extension', 'Fancy chart', code),
    ...apps.map((app) => ({ t: 'listed', scope: code, key: `${code}/${app}`, name: app }) as const),
  ]);
  return [site, extract(code), transform(code), dashboard(code, user)];
};
