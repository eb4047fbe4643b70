import type { World } from './world.ts';

const LOAD_SCRIPT = `SET ThousandSep=',';
SET vCurrency = 'EUR';

///$tab Sources
LIB CONNECT TO 'Warehouse';
Orders:
LOAD
    OrderID,
    CustomerID,
    Date(OrderDate) AS OrderDate,   // the day, without the time
    Amount * $(vRate) AS Amount;
SQL SELECT OrderID, CustomerID, OrderDate, Amount FROM sales.orders WHERE Year >= 2020 AND Region IN ('AT', 'DE', 'CH', 'IT', 'FR') AND Status <> 'cancelled';

///$tab Calendar
Calendar:
LOAD DISTINCT OrderDate, Year(OrderDate) AS Year RESIDENT Orders;

///$tab Store
STORE Orders INTO [lib://QVD/orders.qvd] (qvd);
`;

export const HTML_NAME = '<img src=x onerror="document.title=\'owned\'"><b>Bold</b>';
export const LONG_NAME = 'Umsatz'.repeat(16_667).slice(0, 100_000);
export const RTL_NAME = 'لوحة المبيعات 2026';

/** A site with an app of every kind of content and names of every kind of trouble. */
export const addSite = (world: World): void => {
  world.add(
    { key: 'prod', kind: 'site', name: 'Qlik production', attributes: { productVersion: '14.20.5' } },
    {
      key: 'prod/stream/everyone',
      kind: 'stream',
      name: 'Everyone',
      parent: 'prod',
      attributes: { owner: 'INTERNAL\\sa_repository', created: '2021-03-01T09:00:00.000Z' },
    },
    { key: 'prod/stream/finance', kind: 'stream', name: 'Finance', parent: 'prod' },
    {
      key: 'prod/app-1',
      kind: 'app',
      name: 'Sales Überblick',
      parent: 'prod/stream/everyone',
      attributes: {
        description: 'Orders, customers and margin for all regions.\nRefreshed every night at 02:00.',
        owner: { id: 'u1', name: 'Ada Example', email: 'ada@example.com', account: 'CORP\\ada' },
        published: true,
        createdDate: '2023-05-02T08:12:44.000Z',
        modifiedDate: '2026-11-20T17:03:10.000Z',
        lastReloadTime: '2026-11-21T02:04:31.000Z',
        reloadDurationMs: 271_400,
        fileSizeBytes: 41_284_608,
        hasSectionAccess: false,
        tags: ['certified', 'sales', '✅ reviewed'],
        customProperties: { Department: ['Sales'], Confidentiality: ['Internal'] },
        url: 'https://qlik-prod.corp.example.com/sense/app/app-1',
      },
    },
    { key: 'prod/app-2', kind: 'app', name: 'Claims «2026»', parent: 'prod/stream/everyone' },
    { key: 'prod/app-3', kind: 'app', name: 'HR: salaries', parent: 'prod/stream/finance' },
    { key: 'prod/app-5', kind: 'app', name: HTML_NAME, parent: 'prod/stream/finance' },
    {
      key: 'prod/app-6',
      kind: 'app',
      name: LONG_NAME,
      parent: 'prod/stream/finance',
      attributes: { description: 'x'.repeat(20_000), url: 'javascript:alert(1)' },
    },
    { key: 'prod/app-7', kind: 'app', name: '', parent: 'prod/stream/finance' },
    { key: 'prod/app-8', kind: 'app', name: RTL_NAME, parent: 'prod/stream/finance' },
    { key: 'prod/app-9', kind: 'app', name: '👩‍👩‍👧‍👦 Families 🏳️‍🌈', parent: 'prod/stream/finance' },
    {
      key: 'prod/app-1/sheet-1',
      kind: 'sheet',
      name: 'Overview',
      parent: 'prod/app-1',
      attributes: {
        description: 'The most important figures.',
        cells: Array.from({ length: 12 }, (_, index) => ({ column: 0, object: `chart-${index}`, row: index })),
        approved: true,
        url: 'https://qlik-prod.corp.example.com/sense/app/app-1/sheet/sheet-1',
      },
    },
    { key: 'prod/app-1/sheet-2', kind: 'sheet', name: 'Customers', parent: 'prod/app-1' },
    {
      key: 'prod/app-1/chart-1',
      kind: 'chart',
      name: 'Revenue by region',
      parent: 'prod/app-1/sheet-1',
      attributes: {
        type: 'barchart',
        title: 'Revenue by region',
        orientation: 'horizontal',
        position: { column: 0, row: 2, width: 12, height: 6 },
      },
      uses: ['prod/app-1/mv-1'],
    },
    {
      key: 'prod/app-1/chart-1/m/c1',
      kind: 'chartMeasure',
      name: 'Revenue',
      parent: 'prod/app-1/chart-1',
      attributes: {
        label: 'Revenue',
        expression: 'Sum({<Year={$(=Max(Year))}>} Amount)\n  / Count(DISTINCT CustomerID)',
      },
      uses: ['prod/app-1/mm-1'],
    },
    {
      key: 'prod/app-1/chart-1/d/c2',
      kind: 'chartDimension',
      name: 'Region',
      parent: 'prod/app-1/chart-1',
      attributes: { expression: 'Region' },
    },
    { key: 'prod/app-1/mv-1', kind: 'masterVisualization', name: 'Revenue bars', parent: 'prod/app-1' },
    {
      key: 'prod/app-1/mm-1',
      kind: 'masterMeasure',
      name: 'Revenue',
      parent: 'prod/app-1',
      attributes: { description: 'Net revenue without returns.', expression: 'Sum(Amount) - Sum(Returns)' },
    },
    {
      key: 'prod/app-1/script',
      kind: 'script',
      name: 'Load script',
      parent: 'prod/app-1',
      attributes: { text: LOAD_SCRIPT, lines: 22 },
    },
    {
      key: 'prod/app-1/table/Orders',
      kind: 'table',
      name: 'Orders',
      parent: 'prod/app-1',
      attributes: { rows: 1_284_112, sizeBytes: 9_884_112 },
    },
    ...Array.from({ length: 64 }, (_, index) => ({
      key: `prod/app-1/field/F${index}`,
      kind: 'field' as const,
      name: `Field ${String(index + 1).padStart(2, '0')}`,
      parent: 'prod/app-1',
      attributes: { distinctValues: index * 37 },
    })),
  );
};
