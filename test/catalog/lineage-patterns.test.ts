import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Impact, Lineage, LineageEdgeDetail } from '#catalog/api/contract.ts';
import { createJob } from '#catalog/store/jobs.ts';
import type { AssetRecord, ListedRecord, StreamRecord } from '#protocol/records.ts';
import { asset, scopeRecords, TestStream } from './agent.ts';
import { edge } from './chain.ts';
import { query, Served } from './served.ts';

const FOLDER = 'file://fileserver/bi/qvd/history/';
const GLOB = `${FOLDER}sales_*.qvd`;
const LISTED = `${FOLDER}sales_2023.qvd`;
const STORED = `${FOLDER}sales_2024.qvd`;
const READ_ONE = `${FOLDER}sales_2025.qvd`;
const OTHERS = [`${FOLDER}salesman.qvd`, `${FOLDER}old/sales_2020.qvd`, 'file://fileserver/bi/qvd/sales_2024.qvd'];
const APPS = ['all', 'one', 'exact', 'yearly', 'unsure', 'base', 'taker', 'rootless'];
const hole = (app: string, version = 1) =>
  `prod/${app}/source/lib:%2F%2FQVD%2Fhistory%2Fsales_$(vYear).qvd {vYear@${version}}`;

const dataset = (scope: string, key: string, pattern?: string, more: AssetRecord['attributes'] = {}): AssetRecord[] => [
  asset(scope, key, 'dataset', key.split('/').at(-1) ?? '', undefined, { ...more, ...(pattern ? { pattern } : {}) }),
  asset(scope, `${key}#Amount`, 'column', 'Amount', key),
];

const reader = (name: string, key: string, pattern?: string): StreamRecord[] => {
  const app = `prod/${name}`;
  return scopeRecords(app, 'app', [
    asset(app, app, 'app', name, 'prod'),
    asset(app, `${app}/field/Amount`, 'field', 'Amount', app),
    ...dataset(app, key, pattern),
    edge(app, 'loads', app, key, { role: 'value', confidence: 'exact' }),
    edge(app, 'derives', `${app}/field/Amount`, `${key}#Amount`, { role: 'value', confidence: 'exact' }),
  ]);
};
const writer = (name: string, key: string, pattern?: string, more: AssetRecord[] = []): StreamRecord[] => {
  const app = `prod/${name}`;
  return scopeRecords(app, 'app', [
    asset(app, app, 'app', name, 'prod'),
    ...dataset(app, key, pattern),
    ...more,
    edge(app, 'produces', app, key, { role: 'value', confidence: 'exact' }),
  ]);
};

/** Loads the app `base` whole, renames a field of it, and has one of its own. */
const taker = (): StreamRecord[] => {
  const app = 'prod/taker';
  return scopeRecords(app, 'app', [
    asset(app, app, 'app', 'taker', 'prod'),
    asset(app, `${app}/field/Net alt`, 'field', 'Net alt', app),
    asset(app, `${app}/field/Own`, 'field', 'Own', app),
    edge(app, 'loads', app, 'prod/base', { role: 'value', confidence: 'inferred', reasons: ['app-name'] }),
    edge(app, 'derives', `${app}/field/Net alt`, 'prod/base/field/Net', { role: 'value', confidence: 'inferred' }),
  ]);
};

let served: Served;
let crawled: Awaited<ReturnType<Served['published']>>;
let ours: Awaited<ReturnType<Served['organisation']>>;
beforeAll(async () => {
  served = await Served.open();
  ours = await served.organisation('Ours', 'us@example.com');
  crawled = await served.published(ours.organisationId, 'prod', [
    scopeRecords('prod', 'site', [
      asset('prod', 'prod', 'site', 'Site'),
      ...APPS.map((app): ListedRecord => ({ t: 'listed', scope: 'prod', key: `prod/${app}`, name: app })),
      ...[LISTED, ...OTHERS].flatMap((key) => dataset('prod', key, undefined, { sizeBytes: 10 })),
    ]),
    reader('all', GLOB, GLOB),
    reader('one', READ_ONE),
    writer('exact', STORED),
    writer('yearly', hole('yearly'), GLOB),
    reader('unsure', hole('unsure', 2), GLOB),
    writer('base', `${FOLDER}base.qvd`, undefined, [
      asset('prod/base', 'prod/base/field/Net', 'field', 'Net', 'prod/base'),
    ]),
    taker(),
    // Nobody knows where it begins.
    reader('rootless', 'prod/rootless/source/$(vPath)sales_2024.qvd', '*sales_2024.qvd'),
  ]);
});
afterAll(() => served?.[Symbol.asyncDispose]());

const lineage = async (values: Record<string, string | number>): Promise<Lineage> =>
  (await ours.client.get<Lineage>(`/api/v1/lineage?${query(values)}`)).body;
/** Of the focus alone: what is shown around it has edges, too. */
const lines = ({ edges, focus }: Lineage): string[] =>
  edges.flatMap(({ kind, from, to, confidence }) =>
    kind === 'derives' && (from === focus || to === focus) ? [`${from} < ${to} ${confidence}`] : [],
  );

test('what is read by a pattern may come from each file that fits, and from what is stored by another pattern', async () => {
  const found = await lineage({ key: GLOB, direction: 'up', depth: 1 });
  expect(lines(found).toSorted()).toEqual(
    [
      `${GLOB} < ${LISTED} inferred`,
      `${GLOB} < ${STORED} candidate`,
      `${GLOB} < ${hole('yearly')} candidate`,
    ].toSorted(),
  );
  const sure = await lineage({ key: GLOB, direction: 'up', depth: 1, confidence: 'inferred' });
  expect(lines(sure)).toEqual([`${GLOB} < ${LISTED} inferred`]);
});

test('two holes are never one, and may be the same place', async () => {
  const found = await lineage({ key: hole('unsure', 2), direction: 'up', depth: 1 });
  expect(lines(found).toSorted()).toEqual(
    [LISTED, STORED, hole('yearly')].map((key) => `${hole('unsure', 2)} < ${key} candidate`).toSorted(),
  );
});

test('a file that nobody is known to write may be what is written by a pattern', async () => {
  const found = await lineage({ key: hole('yearly'), direction: 'down', depth: 1 });
  expect(lines(found).toSorted()).toEqual(
    [GLOB, hole('unsure', 2), READ_ONE, LISTED].map((key) => `${key} < ${hole('yearly')} candidate`).toSorted(),
  );
});

test('columns of one name go along, through the apps on both sides', async () => {
  const up = await lineage({ key: 'prod/all/field/Amount', direction: 'up', depth: 3 });
  expect(up.nodes.map(({ key }) => key)).toEqual(
    expect.arrayContaining([`${LISTED}#Amount`, `${STORED}#Amount`, `${hole('yearly')}#Amount`]),
  );
  const { body: impact } = await ours.client.get<Impact>(
    `/api/v1/lineage/impact?${query({ key: `${STORED}#Amount`, direction: 'down' })}`,
  );
  expect(impact.items.filter(({ kind }) => kind === 'field')).toMatchObject([
    { key: 'prod/all/field/Amount', confidence: 'candidate' },
    { key: 'prod/unsure/field/Amount', confidence: 'candidate' },
  ]);
});

test('what is left out is counted, and gone on with', async () => {
  const first = await lineage({ key: GLOB, direction: 'up', depth: 1, breadth: 2 });
  const [more] = first.more.filter(({ key }) => key === GLOB);
  expect(more).toMatchObject({ direction: 'up', count: 1 });
  const rest = await lineage({ key: GLOB, direction: 'up', depth: 1, breadth: 2, after: more?.next ?? '' });
  expect(lines(first).length + lines(rest).length).toBe(3);
});

test('the edge says that names alone show it, and of no other two', async () => {
  const detail = async (from: string, to: string): Promise<LineageEdgeDetail> =>
    (await ours.client.get<LineageEdgeDetail>(`/api/v1/lineage/edge?${query({ from, kind: 'derives', to })}`)).body;
  expect((await detail(GLOB, STORED)).items).toMatchObject([
    { app: null, confidence: 'candidate', reasons: ['pattern'], script: null },
  ]);
  for (const key of OTHERS) expect((await detail(GLOB, key)).items ?? []).toEqual([]);
});

test('when only the app that stores is read again, the edges follow', async () => {
  const later = `${FOLDER}sales_2026.qvd`;
  const { backend, session } = crawled;
  await createJob(served.sql, ours.organisationId, { connection: 'prod', kind: 'crawl', createdBy: 'test' });
  const stream = await TestStream.begin(backend, session);
  await stream.publish(writer('exact', later));
  await stream.finish();
  const found = await lineage({ key: GLOB, direction: 'up', depth: 1 });
  expect(lines(found)).toContain(`${GLOB} < ${later} candidate`);
  expect(lines(found)).not.toContain(`${GLOB} < ${STORED} candidate`);
});

test('an app that is loaded whole stands before the one that loads it, and of that only what comes from it depends on it', async () => {
  const found = await lineage({ key: 'prod/base', depth: 1 });
  expect(found.nodes.map(({ key, distance }) => [key, distance])).toEqual(
    expect.arrayContaining([
      ['prod/base', 0],
      ['prod/taker', 1],
    ]),
  );
  const { body: impact } = await ours.client.get<Impact>(
    `/api/v1/lineage/impact?${query({ key: 'prod/base', direction: 'down' })}`,
  );
  const reached = impact.items.map(({ key }) => key);
  expect(reached).toEqual(expect.arrayContaining(['prod/taker', 'prod/taker/field/Net alt']));
  expect(reached).not.toContain('prod/taker/field/Own');
  const { body: up } = await ours.client.get<Impact>(
    `/api/v1/lineage/impact?${query({ key: 'prod/taker', direction: 'up' })}`,
  );
  expect(up.items.map(({ key }) => key)).toEqual(expect.arrayContaining(['prod/base', 'prod/base/field/Net']));
});
