import { describe, expect, test } from 'vitest';
import type { AppContent } from '#agent/crawl/app-content.ts';
import { lineageGraph } from '#agent/crawl/lineage/graph.ts';
import { SiteLineage } from '#agent/crawl/lineage/site-lineage.ts';
import { Naming } from '#agent/lineage/naming/naming.ts';
import type { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import { noLineage } from '#agent/lineage/process/nothing.ts';
import type { FieldLineage, Origin, ScriptLineage, Source, TableLineage } from '#agent/lineage/result.ts';
import type { Connection } from '#config/connection/connection.ts';

const APP = 'a1';
const place = { file: '', line: 3, endLine: 4, column: 1 };
const qvd = (path: string): Source => ({ type: 'file', path, table: undefined, format: 'qvd' });
const origin = (source: Source, field: string, more: Partial<Origin> = {}): Origin => ({
  ...{ source, field, role: 'value', confidence: 'exact', reasons: [], conditional: false, place },
  ...more,
});
const field = (name: string, ...origins: Origin[]): FieldLineage => ({ name, origins, expression: undefined });
const table = (name: string, fields: FieldLineage[], final = true): TableLineage => ({
  ...{ name, fields, final, open: false, conditional: false, place },
});
const script = (more: Partial<ScriptLineage>): ScriptLineage => ({ ...noLineage('', ''), diagnostics: [], ...more });

const naming = new Naming({
  code: 'prod',
  host: 'qlik.example.com',
  connections: [
    { id: 'c1', name: 'QVD', type: 'folder', target: { kind: 'folder', path: 'D:\\QVD' } },
    {
      id: 'c2',
      name: 'ERP',
      type: 'OLEDB',
      target: { kind: 'oledb', provider: 'SQLOLEDB', host: 'db.example.com', database: 'erp' },
    },
  ],
});

const graph = (lineage: ScriptLineage, fields: readonly string[] = ['Amount', 'Key']) =>
  lineageGraph({
    lineage,
    app: `prod/${APP}`,
    name: (source) => naming.of(source, { appId: APP }),
    fields: new Map(fields.map((name) => [name, `prod/${APP}/field/${name}`])),
    tables: new Map([['Sales', `prod/${APP}/table/Sales`]]),
    withTexts: true,
  });

const FILE = 'file://qlik.example.com/d:/qvd/sales.qvd';

describe('the graph of an app', () => {
  test('has an edge from a field to the column that it comes from, whatever the data connection calls the file', () => {
    const { datasets, columns, edges } = graph(
      script({ tables: [table('Sales', [field('Amount', origin(qvd('lib://QVD/Sales.qvd'), 'Net'))])] }),
    );
    expect(datasets.map(({ key }) => key)).toEqual([FILE]);
    expect(columns).toEqual([{ key: `${FILE}#Net`, dataset: FILE, name: 'Net' }]);
    expect(edges).toEqual([
      {
        ...{ kind: 'derives', from: `prod/${APP}/field/Amount`, to: `${FILE}#Net` },
        attributes: { role: 'value', confidence: 'exact', place },
      },
    ]);
  });

  test('has one edge for each pair, with the strongest role and the surest confidence', () => {
    const source: Source = { type: 'object', connection: 'ERP', object: 'sales.orders' };
    const { edges } = graph(
      script({
        tables: [
          table('Sales', [
            field('Key', origin(source, 'ID', { role: 'key', confidence: 'candidate', conditional: true })),
          ]),
          table('Other', [field('Key', origin(source, 'ID', { confidence: 'exact' }))]),
        ],
      }),
    );
    expect(edges).toMatchObject([
      {
        from: `prod/${APP}/field/Key`,
        attributes: { role: 'value', roles: ['value', 'key'], confidence: 'exact' },
      },
    ]);
    expect(edges[0]?.attributes).not.toHaveProperty('conditional');
    expect(edges[0]?.to).toMatch(/^sqlserver:\/\/db\.example\.com:1433\/erp\.sales\.orders#ID$/);
  });

  test('has no edges of tables that were dropped and of fields that the engine does not have', () => {
    const from = origin(qvd('lib://QVD/Sales.qvd'), 'Net');
    const { edges } = graph(
      script({ tables: [table('Temp', [field('Amount', from)], false), table('Sales', [field('Gone', from)])] }),
    );
    expect(edges).toEqual([]);
  });

  test('leads from the table to the file where the columns are not known', () => {
    const { edges, columns } = graph(
      script({
        tables: [table('Sales', [field('Amount', origin(qvd('lib://QVD/Sales.qvd'), '*', { confidence: 'opaque' }))])],
      }),
    );
    expect(columns).toEqual([]);
    expect(edges).toMatchObject([{ kind: 'derives', from: `prod/${APP}/table/Sales`, to: FILE }]);
  });

  test('leads from the columns of a stored file to theirs, and from no column to itself', () => {
    const stored = [field('Net', origin(qvd('lib://QVD/Sales.qvd'), 'Net'), origin(qvd('lib://QVD/New.qvd'), 'Net'))];
    const { edges } = graph(
      script({
        stores: [
          {
            ...{ target: 'lib://QVD/sales.qvd', format: 'qvd', table: 'Sales', fields: stored },
            ...{ open: false, conditional: false, place },
          },
        ],
        datasets: [
          { source: qvd('lib://QVD/sales.qvd'), reads: true, writes: true, holes: [], confidence: 'exact', place },
        ],
      }),
    );
    expect(edges.map(({ kind, from, to }) => [kind, from, to])).toEqual([
      ['loads', `prod/${APP}`, FILE],
      ['produces', `prod/${APP}`, FILE],
      ['derives', `${FILE}#Net`, 'file://qlik.example.com/d:/qvd/new.qvd#Net'],
    ]);
  });

  test('keeps two places apart of which only the variables are known', () => {
    const use = (path: string, hole: string) => ({
      ...{
        source: { ...qvd(path), holes: [hole] },
        reads: true,
        writes: false,
        holes: [hole],
        confidence: 'exact' as const,
        place,
      },
    });
    const { datasets } = graph(
      script({
        datasets: [use('$(vA)/x.qvd', 'vA@1'), use('$(vB)/x.qvd', 'vB@1'), use('$(vA)/x.qvd', 'vA@2')],
      }),
    );
    expect(new Set(datasets.map(({ key }) => key)).size).toBe(3);
    for (const { key } of datasets) expect(key).toMatch(new RegExp(`^prod/${APP}/source/`));
  });
});

test('what is noted of the lineage of an app holds no path with a password in it', async () => {
  const datasets = ['lib://Apps/secret=canary-app/Base.qvf', 'lib://Apps/Base.qvf'].map((path) => ({
    ...{
      source: { type: 'binary' as const, path },
      confidence: 'exact' as const,
      reads: true,
      writes: false,
      holes: [],
    },
    ...{ reasons: [], conditional: false, unreachable: false, place },
  }));
  const lineage = new SiteLineage(
    {
      process: { script: () => Promise.resolve({ lineage: script({ datasets }) }) } as unknown as LineageProcess,
      withTexts: true,
    },
    { code: 'prod', origin: 'https://qlik.example.com' } as Connection,
    new Map(),
    undefined,
    undefined,
  );
  const content = { script: '', model: { available: false }, lists: { variables: [] }, touched: [] };
  const { inputs } = await lineage.of({ id: 'a', name: 'A' }, content as unknown as AppContent);
  expect(inputs.map(([input]) => input)).toContain('binary lib://Apps/Base.qvf');
  expect(JSON.stringify(inputs)).not.toContain('canary');
});
