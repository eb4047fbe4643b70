import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import type { FolderMapping } from '#config/connection/readable-paths.ts';
import { serverPath } from '#config/connection/server-path.ts';
import type { LineageMapping } from '#config/lineage-mapping/lineage-mapping.ts';
import { assetKey, keyPart } from '#protocol/keys.ts';
import type { StreamRecord } from '#protocol/records.ts';
import { type DatasetName, includedScripts, type OriginTruth } from '#test/simulator/model/lineage-truth.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';
import { qvdFile } from '#test/unit/lineage/qvd.ts';

const CODE = 'sim';
const MARGIN = 'oracle://erp.example.com:1521/PROD.SAPSR3.VBAP';

let simulator: Simulator;
let disk: string;
let records: readonly StreamRecord[];
let mapped: { readonly appId: string; readonly field: string };

const keyOf = ({ root, parts }: DatasetName): string =>
  root === '' ? `${CODE}/${assetKey(...parts)}` : `${root}${assetKey(...parts)}`;
const originOf = ({ dataset, column, role, app }: OriginTruth): string =>
  `${app === undefined ? `${keyOf(dataset)}#` : `${CODE}/${app}/field/`}${keyPart(column)} ${role}`;

/** The site's shares as the agent sees them: every QVD that an app writes, and every script that one includes. */
const filled = (host: string): readonly FolderMapping[] => {
  const put = (path: string, content: Buffer | string): void => {
    mkdirSync(dirname(join(disk, path)), { recursive: true });
    writeFileSync(join(disk, path), content);
  };
  for (const { stores } of simulator.lineageTruth(host))
    for (const { dataset, columns } of stores) {
      const path = dataset.parts.join('/');
      if (!path.endsWith('.qvd')) continue;
      const fields = columns.map(({ name }) => ({ name, symbols: 1 }));
      put(path, qvdFile({ table: 'T', creator: '', rows: 1, fields, lineage: [] }));
    }
  for (const [path, text] of includedScripts(simulator.site)) {
    const [, library = '', rest = ''] = /^lib:\/\/([^/]+)\/(.*)$/.exec(path) ?? [];
    const folder = simulator.site.dataConnections.find(({ name }) => name === library)?.connectionstring ?? '';
    const home = folder.startsWith('\\\\') ? [] : [host];
    put(
      [
        ...home,
        ...folder
          .toLowerCase()
          .split('\\')
          .filter((part) => part !== ''),
        rest,
      ].join('/'),
      text,
    );
  }
  const mapping = (from: string, to: string): FolderMapping[] => {
    const known = serverPath(from);
    mkdirSync(join(disk, to), { recursive: true });
    return known === undefined ? [] : [{ from: known, folder: join(disk, to) }];
  };
  return [
    ...mapping('\\\\fileserver\\bi\\qvd', 'fileserver/bi/qvd'),
    ...mapping('d:\\qlik\\qvd', `${host}/d:/qlik/qvd`),
  ];
};

beforeAll(async () => {
  simulator = await simulate({ apps: 40, seed: 17 });
  disk = mkdtempSync(join(tmpdir(), 'culvert-truth-'));
  const plain = connectionFor(simulator);
  const host = new URL(plain.origin).hostname;
  const shares = filled(host);
  const app = simulator.lineageTruth(host).find(({ fields }) => fields.length > 0);
  mapped = { appId: app?.appId ?? '', field: app?.fields[0]?.name ?? '' };
  const lineageMapping: LineageMapping = {
    ...{ variables: [], paths: [], databases: [], services: [], digest: '1' },
    edges: [
      { of: { type: 'field', isOf: () => false, field: 'Margin' }, from: MARGIN, column: 'NETWR', line: 41 },
      {
        of: { type: 'field', isOf: ({ id }) => id === mapped.appId, field: mapped.field },
        from: MARGIN,
        column: 'NETWR',
        line: 1,
      },
      {
        of: { type: 'dataset', dataset: '//fileserver/bi/qvd/plan.qvd', column: 'Plan' },
        from: MARGIN,
        column: 'NETWR',
        line: 2,
      },
      {
        of: { type: 'dataset', dataset: '//fileserver/bi/qvd/plan.qvd', column: undefined },
        from: MARGIN,
        column: 'NETWR',
        line: 3,
      },
    ],
  };
  await using interpreter = new LineageProcess();
  const crawled = await crawlSimulated(
    { ...plain, paths: { qvds: shares, qvs: shares, logs: [] }, lineageMapping },
    { lineage: { process: interpreter, withTexts: true } },
  );
  records = crawled.records;
}, 180_000);
afterAll(async () => {
  await simulator?.[Symbol.asyncDispose]();
  rmSync(disk, { recursive: true, force: true });
});

test('every edge of every app is the one that the site itself knows, and there is no other', () => {
  const compared: Record<'missing' | 'extra', string[]> = { missing: [], extra: [] };
  let right = 0;
  for (const { appId, fields, stores } of simulator.lineageTruth(new URL(connectionFor(simulator).origin).hostname)) {
    const scope = `${CODE}/${appId}`;
    const wanted = new Set<string>();
    const want = (from: string, origins: readonly OriginTruth[]): void => {
      for (const origin of origins) wanted.add(`${from} < ${originOf(origin)}`);
    };
    for (const { name, origins } of fields) want(`${scope}/${assetKey('field', name)}`, origins);
    for (const { dataset, columns } of stores)
      for (const { name, origins } of columns) want(`${keyOf(dataset)}#${keyPart(name)}`, origins);
    const found = new Set<string>();
    for (const record of records) {
      if (record.t !== 'edge' || record.scope !== scope || record.kind !== 'derives') continue;
      const { from, to, attributes } = record;
      // Charts and master items are told elsewhere, and what an administrator says is no script's.
      if (to.startsWith(`${scope}/field/`) || attributes?.['manual'] === true) continue;
      const roles = (attributes?.['roles'] ?? [attributes?.['role']]) as readonly string[];
      for (const role of roles) if (['value', 'map-key'].includes(role)) found.add(`${from} < ${to} ${role}`);
    }
    for (const edge of wanted) if (!found.has(edge)) compared.missing.push(edge);
    right += [...wanted].filter((edge) => found.has(edge)).length;
    for (const edge of found) if (!wanted.has(edge)) compared.extra.push(edge);
  }
  expect(compared).toEqual({ missing: [], extra: [] });
  expect(right).toBeGreaterThan(400);
});

test('an edge of the administrator’s that no app is meant by is told, and nothing is taken for gone', () => {
  const site = records.find((record) => record.t === 'outcome' && record.scope === CODE);
  expect(site).toMatchObject({
    outcome: 'complete',
    missing: expect.arrayContaining([
      expect.objectContaining({ code: 'lineage.mapping_unused', message: expect.stringContaining('lines 41)') }),
    ]),
  });
});

test('the administrator’s edge is there, marked as manual', () => {
  const from = `${CODE}/${assetKey(mapped.appId, 'field', mapped.field)}`;
  const edge = records.find((one) => one.t === 'edge' && one.from === from && one.to === `${MARGIN}#NETWR`);
  expect(edge).toMatchObject({ kind: 'derives', attributes: { manual: true, role: 'value' } });
  expect(records.some((one) => one.t === 'asset' && one.key === `${MARGIN}#NETWR`)).toBe(true);
});

test('the administrator’s edges between datasets stand in the scope of the site', () => {
  const plan = 'file://fileserver/bi/qvd/plan.qvd';
  const own = records.filter((one) => one.t === 'edge' && one.scope === CODE && one.from.startsWith(plan));
  expect(own).toMatchObject([
    { kind: 'derives', from: `${plan}#Plan`, to: `${MARGIN}#NETWR`, attributes: { manual: true } },
    { kind: 'derives', from: plan, to: MARGIN, attributes: { manual: true } },
  ]);
  for (const key of [plan, `${plan}#Plan`, MARGIN, `${MARGIN}#NETWR`])
    expect(records.filter((one) => one.t === 'asset' && one.scope === CODE && one.key === key)).toHaveLength(1);
});

test('an app tells how much of it its script explains, and edges that others saw are confirmed', () => {
  const shares = records.flatMap((one) => {
    const lineage = one.t === 'asset' && one.kind === 'app' ? one.attributes?.['lineage'] : undefined;
    return [(lineage as { readonly coverage?: number } | undefined)?.coverage];
  });
  expect(shares.filter((share) => share === 1).length).toBeGreaterThan(15);
  const confidences = records.flatMap((one) =>
    one.t === 'edge' && one.kind === 'derives' ? [one.attributes?.['confidence']] : [],
  );
  expect(confidences.filter((confidence) => confidence === 'confirmed').length).toBeGreaterThan(200);
});
