import enigma from 'enigma.js';
import oldSchema from 'enigma.js/schemas/12.20.0.json' with { type: 'json' };
import newSchema from 'enigma.js/schemas/12.2015.0.json' with { type: 'json' };
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { bootstrap } from './raw-client.ts';
import { type Simulator, startSimulator } from './simulator.ts';

type Json = Readonly<Record<string, unknown>>;

/** The calls used here; the client makes them from its schema. */
interface Api {
  readonly id: string;
  readonly handle: number;
  getLayout(): Promise<Json>;
  getProperties(): Promise<Json>;
  getFullPropertyTree(): Promise<{ qProperty: Json; qChildren: readonly Json[] }>;
  getChildInfos(): Promise<readonly Json[]>;
  setProperties(properties: Json): Promise<void>;
  getHyperCubeData(path: string, pages: readonly Json[]): Promise<readonly Json[]>;
}
interface Doc extends Api {
  getAppLayout(): Promise<Json>;
  getAllInfos(): Promise<readonly { qId: string; qType: string }[]>;
  getObjects(options: Json): Promise<readonly { qInfo: { qId: string } }[]>;
  getObject(id: string): Promise<Api>;
  getMeasure(id: string): Promise<Api>;
  getDimension(id: string): Promise<Api>;
  getVariableById(id: string): Promise<Api>;
  getVariableByName(name: string): Promise<Api>;
  getBookmark(id: string): Promise<Api>;
  createSessionObject(properties: Json): Promise<Api>;
  destroySessionObject(id: string): Promise<boolean>;
  getTablesAndKeys(
    window: Json,
    nulls: Json,
    height: number,
    synthetic: boolean,
    system: boolean,
  ): Promise<{ qtr: readonly Json[] }>;
  getFieldsFromExpression(expression: string): Promise<readonly string[]>;
  evaluate(expression: string): Promise<string>;
  on(event: string, listener: () => void): void;
}
interface Global {
  engineVersion(): Promise<Json>;
  getAuthenticatedUser(): Promise<string>;
  getDocList(): Promise<readonly { qDocId: string }[]>;
  isPersonalMode(): Promise<boolean>;
  openDoc(id: string, user?: string, password?: string, serial?: string, noData?: boolean): Promise<Doc>;
  getActiveDoc(): Promise<Doc>;
}

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ seed: 2, apps: 10 });
});
afterAll(() => simulator[Symbol.asyncDispose]());

const sessionOf = (url: string, socket: () => WebSocket, options: { delta: boolean; schema?: unknown }) =>
  enigma.create({
    schema: (options.schema ?? newSchema) as never,
    url,
    protocol: { delta: options.delta },
    createSocket: () => socket() as never,
  });

const opened = async (session: ReturnType<typeof sessionOf>): Promise<Global> =>
  (await session.open()) as unknown as Global;

const direct = (path: string, options: { delta: boolean; schema?: unknown }) => {
  const { addresses, pki } = simulator;
  const url = `${addresses.engineUrl}${path}`;
  const socket = () =>
    new WebSocket(url, {
      ca: pki.rootPem,
      cert: pki.clientPem,
      key: pki.clientKeyPem,
      headers: { 'X-Qlik-User': addresses.certificates.qlikUser },
    });
  return sessionOf(url, socket, options);
};

const richest = (): string => {
  const { site } = simulator;
  const open = site.apps.filter((app) => app.admitted === null && app.lastReloadTime !== null);
  return (
    open.map((app) => app.id).sort((a, b) => site.content(b).sheets.length - site.content(a).sheets.length)[0] ?? ''
  );
};

const readEverything = async (doc: Doc, appId: string): Promise<void> => {
  const { site } = simulator;
  const content = site.content(appId);
  expect(await doc.getAppLayout()).toMatchObject({ qTitle: site.app(appId)?.name, qIsOpenedWithoutData: true });
  const list = await doc.createSessionObject({
    qInfo: { qType: 'SheetList' },
    qAppObjectListDef: { qType: 'sheet', qData: { title: '/qMetaDef/title', cells: '/cells' } },
  });
  const layout = await list.getLayout();
  const { qItems } = layout['qAppObjectList'] as { qItems: readonly { qInfo: { qId: string } }[] };
  expect(qItems.map(({ qInfo }) => qInfo.qId)).toEqual(content.sheets.map(({ qId }) => qId));
  expect(await list.getLayout()).toEqual(layout);
  for (const sheet of content.sheets) {
    const object = await doc.getObject(sheet.qId);
    const tree = await object.getFullPropertyTree();
    expect(tree.qProperty).toEqual(sheet.properties);
    expect(tree.qChildren).toHaveLength(sheet.children.length);
    expect(await object.getChildInfos()).toEqual(sheet.children.map(({ qId, qType }) => ({ qId, qType })));
    expect(await object.getProperties()).toEqual(sheet.properties);
    expect(await object.getLayout()).toMatchObject({ qInfo: { qId: sheet.qId, qType: 'sheet' } });
  }
  for (const measure of content.masterMeasures)
    expect(await (await doc.getMeasure(measure.qId)).getProperties()).toEqual(measure.properties);
  for (const dimension of content.masterDimensions)
    expect(await (await doc.getDimension(dimension.qId)).getProperties()).toEqual(dimension.properties);
  for (const bookmark of content.bookmarks)
    expect(await (await doc.getBookmark(bookmark.qId)).getProperties()).toEqual(bookmark.properties);
  for (const variable of content.variables.slice(0, 5)) {
    const found = await doc.getVariableById(variable.qId);
    expect(await found.getProperties()).toMatchObject({ qName: variable.name, qDefinition: variable.definition });
    expect(await (await doc.getVariableByName(variable.name)).getLayout()).toMatchObject({ qText: variable.value });
  }
  const infos = await doc.getAllInfos();
  for (const sheet of content.sheets) expect(infos).toContainEqual({ qId: sheet.qId, qType: 'sheet' });
  expect(await doc.destroySessionObject(list.id)).toBe(true);
};

describe('enigma.js, unmodified', () => {
  it.each([
    { delta: false, schema: newSchema, name: '12.2015.0' },
    { delta: true, schema: newSchema, name: '12.2015.0' },
    { delta: true, schema: oldSchema, name: '12.20.0' },
  ])('reads an app without data, directly, delta $delta, schema $name', async ({ delta, schema }) => {
    const session = direct(`/app/engineData/identity/${delta}-${schema === oldSchema}`, { delta, schema });
    const global = await opened(session);
    expect(await global.engineVersion()).toEqual({ qComponentVersion: '12.2027.0' });
    expect(await global.getAuthenticatedUser()).toBe('UserDirectory=CORP; UserId=svc_catalog');
    expect(await global.isPersonalMode()).toBe(false);
    const seen = (await global.getDocList()).map(({ qDocId }) => qDocId);
    expect(seen.sort()).toEqual(simulator.site.apps.map(({ id }) => id).sort());
    const appId = richest();
    const doc = await global.openDoc(appId, '', '', '', true);
    expect(doc.handle).toBe(1);
    await readEverything(doc, appId);
    await session.close();
  });

  it('gets patched layouts that equal whole ones after a session object changed', async () => {
    const session = direct(`/app/${richest()}/identity/patched`, { delta: true });
    const global = await opened(session);
    const doc = await global.openDoc(richest(), '', '', '', true);
    const define = (more: Json): Json => ({ qInfo: { qId: 'list', qType: 'SheetList' }, ...more });
    const object = await doc.createSessionObject(
      define({ qAppObjectListDef: { qType: 'sheet' }, kept: { a: 1, b: [1] } }),
    );
    await object.getLayout();
    await object.setProperties(
      define({ qAppObjectListDef: { qType: 'story' }, kept: { a: 2, c: { 'x/y': 1 } }, title: 'new' }),
    );
    const layout = await object.getLayout();
    expect(layout).toMatchObject({ kept: { a: 2, c: { 'x/y': 1 } }, title: 'new' });
    expect(layout['kept']).not.toHaveProperty('b');
    const stories = simulator.site.content(richest()).stories.map(({ qId }) => qId);
    const { qItems } = layout['qAppObjectList'] as { qItems: readonly { qInfo: { qId: string } }[] };
    expect(qItems.map(({ qInfo }) => qInfo.qId)).toEqual(stories);
    await session.close();
  });

  it('says so itself when an object does not exist', async () => {
    const session = direct(`/app/${richest()}/identity/missing`, { delta: true });
    const doc = await (await opened(session)).openDoc(richest(), '', '', '', true);
    await expect(doc.getObject('nowhere')).rejects.toMatchObject({ message: expect.stringContaining('not found') });
    await session.close();
  });

  it('reads hypercubes and tables with data', async () => {
    const session = direct(`/app/${richest()}/identity/data`, { delta: true });
    const doc = await (await opened(session)).openDoc(richest());
    const content = simulator.site.content(richest());
    const { qtr } = await doc.getTablesAndKeys({ qcx: 100, qcy: 100 }, { qcx: 0, qcy: 0 }, 0, false, false);
    expect(qtr.map((table) => table['qName'])).toEqual(content.tables.filter((t) => !t.isSystem).map((t) => t.name));
    const field = content.fields.find((candidate) => !candidate.isSystem && candidate.cardinal > 2);
    const cube = await doc.createSessionObject({
      qInfo: { qType: 'probe' },
      qHyperCubeDef: {
        qDimensions: [{ qDef: { qFieldDefs: [field?.name ?? ''] } }],
        qMeasures: [{ qDef: { qDef: 'Count(1)' } }],
        qInitialDataFetch: [{ qLeft: 0, qTop: 0, qWidth: 2, qHeight: 3 }],
      },
    });
    const { qHyperCube } = (await cube.getLayout()) as {
      qHyperCube: { qSize: Json; qDataPages: readonly { qMatrix: unknown[] }[] };
    };
    expect(qHyperCube.qSize).toEqual({ qcx: 2, qcy: Math.min(1000, field?.cardinal ?? 0) });
    expect(qHyperCube.qDataPages[0]?.qMatrix).toHaveLength(3);
    const page = { qLeft: 0, qTop: 1, qWidth: 1, qHeight: 1 };
    expect(await cube.getHyperCubeData('/qHyperCubeDef', [page])).toMatchObject([{ qArea: page }]);
    await expect(
      cube.getHyperCubeData('/qHyperCubeDef', [{ ...page, qWidth: 101, qHeight: 100 }]),
    ).rejects.toMatchObject({
      code: 7009,
    });
    expect(await doc.evaluate('1+2')).toBe('3');
    expect(await doc.getFieldsFromExpression(`Sum([${field?.name}])`)).toEqual([field?.name]);
    await session.close();
  });

  it('resumes: attaches to the session that lingers and finds its app open', async () => {
    const session = direct(`/app/${richest()}/identity/resume/ttl/30`, { delta: true });
    const global = await opened(session);
    const doc = await global.openDoc(richest(), '', '', '', true);
    const title = (await doc.getAppLayout())['qTitle'];
    await session.suspend();
    await session.resume(true);
    expect((await doc.getAppLayout())['qTitle']).toBe(title);
    await session.close();
  });

  it.each([
    { way: 'header', delta: true },
    { way: 'jwt', delta: false },
  ] as const)('goes through the virtual proxy $way with cookie, token and origin', async ({ way, delta }) => {
    const { addresses, pki } = simulator;
    const headers: Record<string, string> =
      way === 'jwt'
        ? { Authorization: `Bearer ${simulator.token()}` }
        : { [addresses.header.headerName]: addresses.header.headerValue };
    const { url } = addresses[way];
    const { cookie, token } = await bootstrap(simulator, headers, url);
    const target = `${url.replace('https:', 'wss:')}/app/${richest()}/identity/${way}/ttl/1?qlik-csrf-token=${token}`;
    const socket = () =>
      new WebSocket(target, { ca: pki.rootPem, origin: 'https://localhost', headers: { Cookie: cookie } });
    const session = sessionOf(target, socket, { delta });
    const topics: string[] = [];
    session.on('notification:*', (name: unknown) => topics.push(String(name)));
    const global = await opened(session);
    const doc = await global.openDoc(richest(), '', '', '', true);
    await readEverything(doc, richest());
    expect(topics).toEqual(['OnAuthenticationInformation', 'OnConnected']);
    await session.close();
  });
});
