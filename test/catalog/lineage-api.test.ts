import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Asset, AssetSummary, Impact, Lineage, LineageEdgeDetail } from '#catalog/api/contract.ts';
import { asset, scopeRecords, siteRecords } from './agent.ts';
import { chainRecords, edge, ORDERS_QVD, ORDERS_TABLE, REVENUE_QVD } from './chain.ts';
import { query, Served } from './served.ts';

let served: Served;
let ours: Awaited<ReturnType<Served['organisation']>>;
beforeAll(async () => {
  served = await Served.open();
  ours = await served.organisation('Ours', 'us@example.com');
  await served.published(ours.organisationId, 'prod', chainRecords('prod'));
});
afterAll(() => served?.[Symbol.asyncDispose]());

const lineage = async (values: Record<string, string | number>): Promise<Lineage> =>
  (await ours.client.get<Lineage>(`/api/v1/lineage?${query(values)}`)).body;
const impact = async (values: Record<string, string | number>): Promise<Impact> =>
  (await ours.client.get<Impact>(`/api/v1/lineage/impact?${query(values)}`)).body;
const places = ({ nodes }: Lineage): Record<string, number> =>
  Object.fromEntries(nodes.map(({ key, distance }) => [key, distance]));

test('from app to app through QVDs, up to the database and down to who loads it', async () => {
  const found = await lineage({ key: 'prod/transform', depth: 5 });
  expect(found).toMatchObject({ focus: 'prod/transform', level: 'table', edgesCut: false });
  expect(places(found)).toEqual({
    'prod/transform': 0,
    [ORDERS_QVD]: -1,
    'prod/extract': -2,
    [ORDERS_TABLE]: -3,
    [REVENUE_QVD]: 1,
    'prod/dashboard': 2,
  });
  expect(found.more).toEqual([]);
  const stored = found.edges.find(({ kind, to }) => kind === 'produces' && to === REVENUE_QVD);
  expect(stored).toMatchObject({ upstream: 'prod/transform', downstream: REVENUE_QVD, conditional: true });
  expect(found.nodes.find(({ key }) => key === ORDERS_QVD)).toMatchObject({ kind: 'dataset', opens: true, app: null });
});

test('a dataset that several apps touch has each of its columns once, as they are listed and as they are counted', async () => {
  const { body: listed } = await ours.client.get<{ items: AssetSummary[] }>(
    `/api/v1/assets?${query({ parent: ORDERS_QVD })}`,
  );
  const { body: itself } = await ours.client.get<Asset>(`/api/v1/asset?${query({ key: ORDERS_QVD })}`);
  expect(listed.items.length).toBeGreaterThan(1);
  expect(itself.childrenByKind).toEqual({ column: listed.items.length });
  const { body: found } = await ours.client.get<{ items: AssetSummary[] }>(
    `/api/v1/assets?${query({ kind: 'dataset' })}`,
  );
  expect(found.items.find(({ key }) => key === ORDERS_QVD)?.children).toBe(listed.items.length);
  expect(itself.children).toBe(listed.items.length);
});

test('what the picture leaves out is counted where it would be, and can be gone on with', async () => {
  const near = await lineage({ key: REVENUE_QVD, depth: 1 });
  expect(near.more).toEqual([
    { key: 'prod/transform', direction: 'up', count: 1, next: null },
    // The file of which nobody knows more lies upstream of the dashboard and is no part of this way.
  ]);
  const wide = await lineage({ key: 'prod/dashboard', direction: 'up', depth: 1, breadth: 1 });
  expect(wide.more).toContainEqual({ key: 'prod/dashboard', direction: 'up', count: 1, next: expect.any(String) });
  const next = wide.more.find(({ key }) => key === 'prod/dashboard')?.next ?? '';
  const rest = await lineage({ key: 'prod/dashboard', direction: 'up', depth: 1, breadth: 1, after: next });
  const shown = (one: Lineage) => one.nodes.map(({ key }) => key).filter((key) => key !== 'prod/dashboard');
  expect([...shown(wide), ...shown(rest)].toSorted()).toEqual([
    'file://qlik.example.com/d%3A/budget.xlsx',
    REVENUE_QVD,
  ]);
  // A limit of nodes leaves out as honestly.
  const small = await lineage({ key: 'prod/transform', depth: 5, limit: 2 });
  expect(small.nodes).toHaveLength(2);
  expect(small.more.reduce((sum, { count }) => sum + count, 0)).toBe(2);
});

test('a dataset that is only the end of an edge is shown, with what its key tells', async () => {
  const found = await lineage({ key: 'prod/dashboard', direction: 'up', depth: 1 });
  expect(found.nodes.find(({ key }) => key.endsWith('budget.xlsx'))).toMatchObject({
    ...{ kind: null, name: 'budget.xlsx', connection: null, opens: false },
  });
  const itself = await lineage({ key: 'file://qlik.example.com/d%3A/budget.xlsx' });
  expect(itself.level).toBe('table');
  expect(places(itself)).toMatchObject({ 'prod/dashboard': 1 });
});

test('column by column from the chart to the database, and from the database to the chart', async () => {
  const up = await lineage({ key: 'prod/dashboard/chart-1', direction: 'up', depth: 12 });
  expect(up.level).toBe('column');
  expect(places(up)).toMatchObject({
    'prod/dashboard/chart-1/m/m1': -1,
    'prod/dashboard/mm-1': -2,
    'prod/dashboard/field/Revenue': -3,
    [`${REVENUE_QVD}#Revenue`]: -4,
    [`${ORDERS_QVD}#amount`]: -5,
    [`${ORDERS_TABLE}#amount`]: -6,
  });
  expect(Object.keys(places(up))).not.toContain(`${ORDERS_TABLE}#order_id`);
  // An extension is no origin.
  expect(Object.keys(places(up))).not.toContain('prod/extension/ext');
  expect(up.groups.map(({ key }) => key).toSorted()).toEqual(
    [ORDERS_QVD, REVENUE_QVD, ORDERS_TABLE, 'prod/dashboard'].toSorted(),
  );
  const down = await lineage({ key: `${ORDERS_TABLE}#amount`, direction: 'down', depth: 12 });
  expect(places(down)).toMatchObject({ 'prod/dashboard/chart-1': 6, 'prod/dashboard/sheet-1': 7 });
  expect(Object.keys(places(down))).not.toContain('prod/dashboard/chart-1/d/d1');
  expect(down.edges).toContainEqual(
    expect.objectContaining({
      kind: 'contains',
      upstream: 'prod/dashboard/chart-1',
      downstream: 'prod/dashboard/sheet-1',
    }),
  );
});

test('a dataset, a table and an app are opened to what is in them', async () => {
  const opened = await lineage({ key: ORDERS_QVD, level: 'column', depth: 1 });
  expect(places(opened)).toMatchObject({
    [`${ORDERS_QVD}#amount`]: 0,
    [`${ORDERS_TABLE}#amount`]: -1,
    [`${REVENUE_QVD}#Revenue`]: 1,
  });
  const table = await lineage({ key: 'prod/dashboard/table/Facts', direction: 'up', depth: 1 });
  expect(places(table)).toMatchObject({ 'prod/dashboard/field/Region': 0, [`${REVENUE_QVD}#Region`]: -1 });
  const few = await lineage({ key: ORDERS_QVD, level: 'column', depth: 0, limit: 4 });
  expect(few.nodes.map(({ name }) => name)).toEqual(['orders.qvd', 'amount', 'order_id']);
  const inside = few.more.find(({ direction }) => direction === 'inside');
  expect(inside).toMatchObject({ count: 1 });
  const rest = await lineage({ key: ORDERS_QVD, level: 'column', depth: 0, after: inside?.next ?? '' });
  expect(rest.nodes.map(({ name }) => name)).toEqual(['orders.qvd', 'region']);
  // Of a field at the level of tables it is the app.
  expect((await lineage({ key: 'prod/transform/field/Revenue', level: 'table' })).focus).toBe('prod/transform');
});

test('edges are narrowed by how sure they are and by what is taken', async () => {
  const column = `${REVENUE_QVD}#Revenue`;
  const origins = async (values: Record<string, string>) =>
    Object.keys(places(await lineage({ key: column, direction: 'up', depth: 1, ...values })))
      .slice(1)
      .toSorted();
  expect(await origins({})).toEqual([`${ORDERS_QVD}#amount`, `${ORDERS_QVD}#region`]);
  expect(await origins({ confidence: 'exact' })).toEqual([`${ORDERS_QVD}#region`]);
  expect(await origins({ roles: 'value' })).toEqual([`${ORDERS_QVD}#amount`]);
  expect(await origins({ roles: 'group,sort' })).toEqual([`${ORDERS_QVD}#region`]);
  for (const wrong of ['confidence=sure', 'roles=value,all', 'depth=99', 'limit=0', 'direction=left', 'after=x'])
    expect((await ours.client.get(`/api/v1/lineage?key=prod&${wrong}`)).status, wrong).toBe(400);
});

test('an edge tells its expression, why it is not surer, and the lines of the script', async () => {
  const { body } = await ours.client.get<LineageEdgeDetail>(
    `/api/v1/lineage/edge?${query({ from: `${REVENUE_QVD}#Revenue`, kind: 'derives', to: `${ORDERS_QVD}#amount` })}`,
  );
  expect(body.items).toHaveLength(1);
  expect(body.items[0]).toMatchObject({
    ...{ app: 'prod/transform', role: 'value', confidence: 'inferred', reasons: ['variable:vPath'] },
    ...{ expression: 'Sum(amount * 1.2)', conditional: true, script: 'prod/transform/script' },
  });
  expect(body.items[0]?.lines.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(body.items[0]?.lines[3]?.text).toContain('Sum(amount * 1.2) AS Revenue');
  const none = `/api/v1/lineage/edge?${query({ from: ORDERS_QVD, kind: 'derives', to: ORDERS_TABLE })}`;
  expect((await ours.client.get(none)).status).toBe(404);
});

test('who is told when a column changes: charts, sheets, apps and owners, each with its way', async () => {
  const found = await impact({ key: `${ORDERS_TABLE}#amount` });
  expect(found.cut).toBe(false);
  expect(found.counts).toMatchObject({ app: 3, sheet: 1, chart: 1, dataset: 2, column: 2, chartMeasure: 1 });
  expect(found.counts).not.toHaveProperty('chartDimension');
  expect(found.owners).toEqual([{ key: 'prod/user/u1', name: 'Ada Example', email: 'ada@example.com', assets: 1 }]);
  // One sheet with one chart, in one app, of one owner; two more apps only hand it on, and nobody owns them.
  expect(found.summary).toEqual({ sheets: 1, appsWithSheets: 1, ownersOfSheets: 1, apps: 3, owners: 1 });
  expect(found.apps.map(({ key, owner, sheetCount }) => [key, owner?.name, sheetCount])).toEqual([
    ['prod/dashboard', 'Ada Example', 1],
    ['prod/extract', undefined, 0],
    ['prod/transform', undefined, 0],
  ]);
  expect(found.apps[0]?.sheets).toEqual([{ key: 'prod/dashboard/sheet-1', name: 'Overview', charts: 1, owner: null }]);
  const chart = (await impact({ key: `${ORDERS_TABLE}#amount`, kind: 'chart' })).items;
  expect(chart).toHaveLength(1);
  expect(chart[0]).toMatchObject({
    ...{ key: 'prod/dashboard/chart-1', confidence: 'inferred', conditional: true, distance: 6 },
    owner: { name: 'Ada Example' },
  });
  expect(chart[0]?.path.map(({ key }) => key)).toEqual([
    `${ORDERS_QVD}#amount`,
    `${REVENUE_QVD}#Revenue`,
    'prod/dashboard/field/Revenue',
    'prod/dashboard/mm-1',
    'prod/dashboard/chart-1/m/m1',
    'prod/dashboard/chart-1',
  ]);
  // Only what is surer: nothing beyond the first file.
  const sure = await impact({ key: `${ORDERS_TABLE}#amount`, confidence: 'exact' });
  expect(sure.counts).toEqual({ app: 1, dataset: 1, column: 1, field: 1 });
});

test('whoever owns a sheet in an app of somebody else counts among those to tell, and is named with it', async () => {
  const other = await served.organisation('Sheets of others', 'others@example.com');
  const owner = { id: 'u2', name: 'Bob Example', email: 'bob@example.com' };
  const [dashboard = [], ...others] = chainRecords('prod').reverse();
  const owned = dashboard
    .filter((record) => record.t === 'asset' || record.t === 'edge')
    .map((record) =>
      record.t === 'asset' && record.kind === 'sheet'
        ? { ...record, attributes: { ...record.attributes, owner } }
        : record,
    );
  const records = [...others.reverse(), scopeRecords('prod/dashboard', 'app', owned)];
  await served.published(other.organisationId, 'prod', records);
  const { body } = await other.client.get<Impact>(`/api/v1/lineage/impact?${query({ key: `${ORDERS_TABLE}#amount` })}`);
  expect(body.summary).toEqual({ sheets: 1, appsWithSheets: 1, ownersOfSheets: 2, apps: 3, owners: 2 });
  expect(body.apps[0]).toMatchObject({
    owner: { name: 'Ada Example' },
    sheets: [{ key: 'prod/dashboard/sheet-1', owner: { key: null, name: 'Bob Example', email: 'bob@example.com' } }],
  });
});

test('from a table, a QVD and an app downstream, and from a sheet back to the sources', async () => {
  expect((await impact({ key: ORDERS_TABLE })).counts).toMatchObject({ app: 3, sheet: 1, dataset: 2 });
  expect((await impact({ key: REVENUE_QVD })).counts).toMatchObject({ app: 1, sheet: 1, chart: 1, field: 2 });
  const app = await impact({ key: 'prod/extract' });
  expect(app.items.filter(({ kind }) => kind === 'app').map(({ key }) => key)).toEqual([
    'prod/transform',
    'prod/dashboard',
  ]);
  const sources = await impact({ key: 'prod/dashboard/sheet-1', direction: 'up', kind: 'app,dataset' });
  expect(sources.items.map(({ key }) => key).toSorted()).toEqual(
    [ORDERS_QVD, ORDERS_TABLE, REVENUE_QVD, 'prod/extract', 'prod/transform'].toSorted(),
  );
});

test('the list goes on page by page, and the table has all of it, with no formula in it', async () => {
  const asked = { key: `${ORDERS_TABLE}#amount`, limit: 4 };
  const keys: string[] = [];
  for (let after = {}; ; ) {
    const page = await impact({ ...asked, ...after });
    keys.push(...page.items.map(({ key }) => key));
    if (page.next === null) break;
    after = { after: page.next };
  }
  const whole = (await impact({ ...asked, limit: 500 })).items;
  expect(keys).toEqual(whole.map(({ key }) => key));
  expect(new Set(keys).size).toBe(keys.length);
  const csv = await ours.client.get<string>(`/api/v1/lineage/impact.csv?${query({ key: asked.key })}`);
  expect(csv.headers.get('content-disposition')).toContain('impact-amount.csv');
  expect(csv.body.split('\r\n')).toHaveLength(whole.length + 2);
  expect(csv.body).toContain(
    'Ada Example,ada@example.com,scope prod/dashboard,Overview,sheet,Overview,inferred,yes,7,amount → amount → Revenue',
  );
});

test('a circle ends, a name that is a formula stays text, and the surest of two ways counts', async () => {
  const key = 'loop/a';
  const [x, y, z] = ['x', 'y', 'z'].map((name) => `${key}/field/${name}`) as [string, string, string];
  const exact = { role: 'value', confidence: 'exact' } as const;
  await served.published(ours.organisationId, 'loop', [
    siteRecords('loop', ['a']),
    scopeRecords(key, 'app', [
      asset(key, key, 'app', '=1+1', 'loop/stream/s'),
      ...[x, y].map((field) => asset(key, field, 'field', '=HYPERLINK("http://example.com")', key)),
      asset(key, z, 'field', 'z', key),
      edge(key, 'derives', x, y, exact),
      edge(key, 'derives', y, x, exact),
      edge(key, 'derives', x, x, exact),
      edge(key, 'derives', z, x, { ...exact, confidence: 'candidate' }),
      edge(key, 'derives', z, y, exact),
      edge(key, 'derives', z, `${key}/field/dead`, { ...exact, unreachable: true }),
    ]),
  ]);
  const around = await lineage({ key: x, depth: 30 });
  expect(places(around)).toEqual({ [x]: 0, [y]: expect.any(Number), [z]: 1 });
  const found = await impact({ key: x });
  const reached = found.items.find((one) => one.key === z);
  expect(reached).toMatchObject({ confidence: 'exact', path: [{ key: y }, { key: z }] });
  expect((await impact({ key: z, direction: 'up' })).items.map((one) => one.key)).not.toContain(`${key}/field/dead`);
  const dead = await lineage({ key: z, direction: 'up', unreachable: 'true' });
  expect(Object.keys(places(dead))).toContain(`${key}/field/dead`);
  const csv = await ours.client.get<string>(`/api/v1/lineage/impact.csv?${query({ key: x })}`);
  expect(csv.body).toContain(`'=1+1`);
  expect(csv.body).not.toMatch(/(^|,)"?=/m);
});

test('two connections of one organisation meet at a file; another organisation with the same names sees its own', async () => {
  const other = 'test/reader';
  await served.published(ours.organisationId, 'test', [
    siteRecords('test', ['reader']),
    scopeRecords(other, 'app', [
      asset(other, other, 'app', 'Reader', 'test/stream/s'),
      asset(other, `${other}/field/R`, 'field', 'R', other),
      edge(other, 'loads', other, REVENUE_QVD, { role: 'value', confidence: 'exact' }),
      edge(other, 'derives', `${other}/field/R`, `${REVENUE_QVD}#Revenue`, { role: 'value', confidence: 'exact' }),
    ]),
  ]);
  expect(places(await lineage({ key: REVENUE_QVD, direction: 'down', depth: 1 }))).toEqual({
    ...{ [REVENUE_QVD]: 0, 'prod/dashboard': 1, 'test/reader': 1 },
  });
  const theirs = await served.organisation('Theirs', 'them@example.com');
  const canary = 'prod/canary';
  await served.published(theirs.organisationId, 'prod', [
    siteRecords('prod', ['canary']),
    scopeRecords(canary, 'app', [
      asset(canary, canary, 'app', 'Canary', 'prod/stream/s'),
      asset(canary, `${canary}/field/C`, 'field', 'Canary', canary),
      edge(canary, 'loads', canary, REVENUE_QVD, { role: 'value', confidence: 'exact' }),
      edge(canary, 'derives', `${canary}/field/C`, `${REVENUE_QVD}#Revenue`, { role: 'value', confidence: 'exact' }),
    ]),
  ]);
  for (const key of [REVENUE_QVD, `${REVENUE_QVD}#Revenue`, ORDERS_TABLE])
    for (const path of ['lineage', 'lineage/impact', 'lineage/impact.csv']) {
      const { body, status } = await ours.client.get(`/api/v1/${path}?${query({ key })}`);
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toMatch(/canary/i);
    }
  const seen = (await theirs.client.get<Lineage>(`/api/v1/lineage?${query({ key: REVENUE_QVD, depth: 9 })}`)).body;
  expect(seen.nodes.map(({ key }) => key)).toEqual([REVENUE_QVD, canary]);
  expect((await ours.client.get(`/api/v1/lineage?key=${canary}`)).status).toBe(404);
  expect((await theirs.client.get(`/api/v1/lineage/impact?key=prod%2Ftransform`)).status).toBe(404);
  const edgeOf = query({ from: canary, kind: 'loads', to: REVENUE_QVD });
  expect((await ours.client.get(`/api/v1/lineage/edge?${edgeOf}`)).status).toBe(404);
});
