import type { Finding, FindingCounts } from '#catalog/api/contract.ts';
import { FINDING_CODES, FINDINGS } from '#catalog/store/finding-codes.ts';
import { type Facts, sentence } from '#catalog/store/finding-sentences.ts';
import { ago } from './job.ts';
import { HTML_NAME } from './site.ts';

const finding = (
  code: Finding['code'],
  [kind, key, name]: readonly [Finding['kind'], string, string],
  facts: Facts = {},
  more: Partial<Finding> = {},
): Finding => ({
  code,
  severity: FINDINGS[code],
  connection: 'prod',
  key,
  kind,
  name,
  app: 'prod/app-1',
  appName: 'Sales Überblick',
  message: sentence(code, kind, name, facts),
  facts: facts as Finding['facts'],
  firstSeenAt: ago(86_400 * 3),
  isNew: false,
  ...more,
});

const use = (app: string, appName: string, fields: object) => ({ app, appName, ...fields });

/** One of each code, with names of every kind of trouble, and many of one. */
export const found = (): readonly Finding[] => [
  finding('credential.in_clear', ['scriptSection', 'prod/app-1/script/Sources', 'Sources'], {
    count: 2,
    from: '4',
    places: [
      { line: 2, kind: 'password' },
      { line: 9, kind: 'token' },
    ],
  }),
  finding(
    'reload.failed',
    ['app', 'prod/app-1', 'Sales Überblick'],
    {
      count: 1,
      tasks: [
        {
          key: 'prod/reloadTask/t1',
          name: 'Nightly reload of Sales Überblick',
          status: 'finishedFail',
          stopped: ago(40_000),
          message: 'Message from ReloadProvider: Reload failed in Engine. The table sales.orders was not found.',
        },
      ],
    },
    { isNew: true },
  ),
  finding(
    'reload.overdue',
    ['app', 'prod/app-2', 'Claims «2026»'],
    {
      reloaded: '2026-11-02T03:00:00.000Z',
      task: 'prod/reloadTask/t2',
      taskName: 'Claims, daily',
      every: 'daily',
      interval: '1 day',
    },
    { app: 'prod/app-2', appName: 'Claims «2026»' },
  ),
  finding('reload.never', ['app', 'prod/app-5', HTML_NAME], {}, { app: 'prod/app-5', appName: HTML_NAME }),
  finding('field.missing', ['chartMeasure', 'prod/app-1/chart-1/m/0', 'Sum(Amount)'], {
    count: 4,
    fields: ['Ammount', 'x'.repeat(300), 'Yaer', 'a'],
  }),
  finding(
    'measure.two_formulas',
    ['site', 'prod', 'Qlik production'],
    {
      name: 'Revenue',
      count: 2,
      apps: 3,
      formulas: [
        {
          formula: 'Sum({<Status -= {"cancelled"}>} Amount)',
          measures: 14,
          apps: 2,
          uses: [
            use('prod/app-1', 'Sales Überblick', { key: 'prod/app-1/m-1', kind: 'masterMeasure' }),
            use('prod/app-1', 'Sales Überblick', {
              key: 'prod/app-1/chart-1/m/0',
              kind: 'chartMeasure',
              chart: 'Revenue by region',
            }),
          ],
        },
        {
          formula: `Sum(${'Amount + '.repeat(30)}0)`,
          measures: 1,
          apps: 1,
          uses: [use('prod/app-5', HTML_NAME, { key: 'prod/app-5/m-9', kind: 'chartMeasure' })],
        },
      ],
    },
    { app: null, appName: null, isNew: true },
  ),
  finding('owner.none', ['sheet', 'prod/app-1/sheet-2', 'Customers']),
  finding('owner.inactive', ['sheet', 'prod/app-1/sheet-1', 'Overview'], {
    owner: { name: 'Bob Example', account: 'CORP\\bob' },
    why: 'removedExternally',
    user: 'prod/user/u2',
  }),
  ...Array.from({ length: 60 }, (_, index) =>
    finding('master_item.unused', [
      'masterDimension',
      `prod/app-1/md-${index}`,
      index === 3 ? '' : `Dimension ${index}`,
    ]),
  ),
];

/** As the catalog narrows. */
export const narrowed = (all: readonly Finding[], query: URLSearchParams): readonly Finding[] => {
  const [connection, app, code, severity, fresh] = ['connection', 'app', 'code', 'severity', 'new'].map((name) =>
    query.get(name),
  );
  return all
    .filter((one) => !connection || one.connection === connection)
    .filter((one) => !app || one.app === app || JSON.stringify(one.facts['formulas'] ?? '').includes(`"${app}"`))
    .filter((one) => !code || one.code === code)
    .filter((one) => !severity || one.severity === severity)
    .filter((one) => !fresh || String(one.isNew) === fresh);
};

export const counted = (all: readonly Finding[]): FindingCounts => ({
  items: FINDING_CODES.flatMap((code) => {
    const some = all.filter((one) => one.code === code);
    const fresh = some.filter(({ isNew }) => isNew).length;
    return some.length === 0 ? [] : [{ code, severity: FINDINGS[code], count: some.length, new: fresh }];
  }),
});
