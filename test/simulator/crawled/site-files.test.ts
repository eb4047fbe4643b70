import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { FolderMapping } from '#config/connection/readable-paths.ts';
import { serverPath } from '#config/connection/server-path.ts';
import { type Crawled, connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';
import { qvdFile } from '#test/unit/lineage/qvd.ts';

const folder = mkdtempSync(join(tmpdir(), 'culvert-site-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const put = (path: string, content: string | Buffer): void => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), content);
};
const mapping = (from: string, to: string): FolderMapping => {
  const path = serverPath(from);
  if (path === undefined) throw new Error(from);
  return { from: path, folder: join(folder, to) };
};
const only = (crawled: Crawled, kind: string) => crawled.assets.filter((asset) => asset.kind === kind);

test('QVDs of a folder connection are datasets with columns, and the app that made one has an edge to it', async () => {
  await using simulator = await simulate({ apps: 3 });
  const [app] = simulator.site.apps;
  if (app === undefined) throw new Error('no app');
  put(
    'qvd/1_Extract/Orders.QVD',
    qvdFile({
      table: 'Orders',
      creator: app.id.toUpperCase(),
      rows: 12,
      fields: [
        { name: 'OrderID', symbols: 12, type: 'INTEGER', tags: ['$key'] },
        { name: 'Net/Amount #1', symbols: 9 },
      ],
      lineage: [['Provider=X;Password=canary-qvd-lineage', 'SQL SELECT 1']],
    }),
  );
  put(
    'qvd/other.qvd',
    qvdFile({ table: 'Other', creator: 'C:\\docs\\a.qvw', rows: 0, fields: [{ name: 'a', symbols: 0 }] }),
  );
  put('qvd/broken.qvd', 'version https://git-lfs.github.com/spec/v1\n');
  put('qvd/no.txt', 'x');
  symlinkSync(join(folder, 'qvd', 'other.qvd'), join(folder, 'qvd', 'link.qvd'));
  const paths = {
    qvds: [mapping('lib://QVD (corp_svc_qlik)', 'qvd'), mapping('lib://nowhere', 'absent')],
    qvs: [],
    logs: [],
  };
  const skipScopes = new Set(simulator.site.apps.map(({ id }) => `sim/${id}`));
  const crawled = await crawlSimulated(connectionFor(simulator, 'jwt', { paths }), { skipScopes });

  const host = new URL(connectionFor(simulator).origin).hostname;
  const base = `file://${host}/d:/qlik/qvd`;
  const datasets = new Map(only(crawled, 'dataset').map((asset) => [asset.key, asset]));
  expect([...datasets.keys()].sort()).toEqual([
    `${base}/1_extract/orders.qvd`,
    `${base}/broken.qvd`,
    `${base}/other.qvd`,
  ]);
  expect(datasets.get(`${base}/1_extract/orders.qvd`)).toMatchObject({
    name: 'Orders.QVD',
    parent: 'sim',
    scope: 'sim',
    attributes: {
      type: 'qvd',
      path: 'd:/qlik/qvd/1_Extract/Orders.QVD',
      library: 'lib://QVD (corp_svc_qlik)/1_Extract/Orders.QVD',
      table: 'Orders',
      rows: 12,
      fields: 2,
      created: '2025-03-04T05:06:07.000Z',
      producerApp: `sim/${app.id}`,
    },
  });
  expect(datasets.get(`${base}/broken.qvd`)?.attributes).toMatchObject({
    unreadable: 'The file does not begin as a QVD.',
  });
  expect(only(crawled, 'column').map(({ key, name, parent }) => [key, name, parent])).toContainEqual([
    `${base}/1_extract/orders.qvd#Net%2FAmount #1`,
    'Net/Amount #1',
    `${base}/1_extract/orders.qvd`,
  ]);
  expect(crawled.records.filter((record) => record.t === 'edge' && record.kind === 'produces')).toMatchObject([
    { from: `sim/${app.id}`, to: `${base}/1_extract/orders.qvd`, scope: 'sim' },
  ]);
  expect(JSON.stringify(crawled.records)).not.toContain('canary');
  // A folder that is away is no empty one.
  expect(crawled.outcomes.get('sim')).toMatchObject({
    outcome: 'partial',
    missing: [{ what: 'QVD files', code: 'qlik.folder_unreadable', message: expect.stringContaining('lib://nowhere') }],
  });
});

test('what a script includes is read where the agent may, and said where it is missing', async () => {
  await using simulator = await simulate({ seed: 7, apps: 30 });
  const including = simulator.site.apps.filter(
    ({ id, admitted }) => admitted === null && simulator.site.content(id).script.toLowerCase().includes('common.qvs'),
  );
  expect(including.length).toBeGreaterThan(0);
  put(
    'scripts/scripts/Common.qvs',
    "SET vCommon = 1;\r\n$(Include=lib://QVD/scripts/deep.qvs)\r\nLET vPassword = 'canary-include';\r\n",
  );
  put(
    'scripts/scripts/deep.qvs',
    Buffer.from('\ufeffLET vDeep = 2;\n$(Must_Include=lib://QVD/scripts/../../outside.qvs)\n', 'utf16le'),
  );
  put('outside.qvs', 'SET vOutside = 1;');
  symlinkSync(join(folder, 'outside.qvs'), join(folder, 'scripts', 'scripts', 'leads-out.qvs'));
  const paths = {
    qvds: [],
    qvs: [mapping('D:\\qlik\\QVD', 'scripts'), mapping('lib://QVD', 'scripts')],
    logs: [],
  };
  const skipScopes = new Set(
    simulator.site.apps.filter((app) => !including.includes(app)).map(({ id }) => `sim/${id}`),
  );
  const crawled = await crawlSimulated(connectionFor(simulator, 'jwt', { paths }), { skipScopes });
  for (const { id } of including) {
    const own = crawled.assets.filter(({ scope, kind }) => scope === `sim/${id}` && kind === 'scriptSection');
    const included = own.filter(({ attributes }) => attributes?.['included'] === true);
    expect(included.map(({ name, parent }) => [name, parent]).sort()).toEqual([
      ['common.qvs', `sim/${id}/script`],
      ['deep.qvs', `sim/${id}/script`],
    ]);
    const section = own.find(({ name }) => name === 'Include');
    expect(section?.attributes?.['includes']).toMatchObject([{ must: true, line: 1, state: 'read' }]);
    const [common, deep] = included;
    expect(common?.attributes).toMatchObject({
      variables: ['vCommon', 'vPassword'],
      credentials: [{ line: 3, kind: 'password' }],
      includes: [{ path: 'lib://QVD/scripts/deep.qvs', state: 'read' }],
    });
    // `..` does not lead out of the folder that was given.
    expect(deep?.attributes).toMatchObject({ variables: ['vDeep'], includes: [{ must: true, state: 'elsewhere' }] });
    const uses = crawled.records.filter((record) => record.t === 'edge' && record.kind === 'uses');
    expect(uses).toContainEqual(expect.objectContaining({ from: section?.key, to: common?.key }));
    expect(uses).toContainEqual(expect.objectContaining({ from: common?.key, to: deep?.key }));
  }
  expect(JSON.stringify(crawled.records)).not.toContain('canary-include');
  expect(JSON.stringify(crawled.records)).not.toContain('vOutside');
});

test('the newest log of an app tells its script as it was run', async () => {
  await using simulator = await simulate({ apps: 6 });
  const app = simulator.site.apps.find(({ admitted, lastReloadTime }) => admitted === null && lastReloadTime !== null);
  if (app === undefined) throw new Error('no app');
  const line = (number: string, text: string): string => `20250304T050607.123+0100 ${number} ${text}`;
  put(`logs/Script/${app.id}.20250101T000000.000+0100.log`, line('0001', 'SET vOld = 1;'));
  put(
    `logs/Script/${app.id.toUpperCase()}.20250304T050607.123+0100.log`,
    [
      line('    ', 'Execution started.'),
      line('0001', 'LET vFile = 2025;'),
      line('0002', "LET vPassword = 'canary-log';"),
      line('0003', 'Orders:'),
      line('0003', 'LOAD a'),
      'FROM [lib://QVD/2025.qvd] (qvd)',
      line('    ', '  1 fields found: a, 12 lines fetched'),
      line('    ', 'Execution finished.'),
    ].join('\r\n'),
  );
  put('logs/Script/readme.log', 'x');
  const paths = { qvds: [], qvs: [], logs: [mapping('\\\\fileserver\\logs', 'logs')] };
  const skipScopes = new Set(simulator.site.apps.filter(({ id }) => id !== app.id).map(({ id }) => `sim/${id}`));
  const crawled = await crawlSimulated(connectionFor(simulator, 'jwt', { paths }), { skipScopes });
  const [script] = only(crawled, 'script');
  expect(script?.attributes).toMatchObject({
    expandedFrom: `${app.id.toUpperCase()}.20250304T050607.123+0100.log`,
    expanded: 'LET vFile = 2025;\nLET vPassword = [redacted];\nOrders:\nLOAD a\nFROM [lib://QVD/2025.qvd] (qvd)',
    lastRun: { started: '20250304T050607.123+0100', failed: false },
  });
  const without = await crawlSimulated(connectionFor(simulator, 'jwt', { paths }), { skipScopes, scripts: false });
  expect(JSON.stringify(without.records)).not.toContain('vFile');
});
