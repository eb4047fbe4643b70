/** What clients of the engine depend on in apps, one test a point; switches are tried on and off. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { appWhere, list, open, usual } from './engine-fixture.ts';
import type { App } from './model/types.ts';
import { outputOf, RawSocket } from './raw-client.ts';
import { type Simulator, startSimulator } from './simulator.ts';

let simulator: Simulator;
let run = 0;
beforeAll(async () => {
  simulator = await startSimulator({ seed: 11, apps: 40 });
});
afterAll(() => simulator[Symbol.asyncDispose]());
beforeEach(() => {
  simulator.faults.clear();
  run += 1;
});

const openApp = (app: App, noData = true, on = simulator) => open(on, app, `run-${run}`, noData);

describe('without data', () => {
  it('fields, tables and cubes are empty; with data they are there', async () => {
    const app = appWhere(simulator, usual);
    const content = simulator.site.content(app.id);
    const cube = {
      qHyperCubeDef: { qDimensions: [{ qDef: { qFieldDefs: [content.fields[0]?.name] } }], qMeasures: [] },
    };
    for (const noData of [true, false]) {
      run += 1;
      await using socket = await openApp(app, noData);
      const fields = (await list(socket, { qFieldListDef: {} }))['qFieldList'] as { qItems: unknown[] };
      expect(fields.qItems.length > 0).toBe(!noData);
      const size = ((await list(socket, cube))['qHyperCube'] as { qSize: { qcy: number } }).qSize;
      expect(size.qcy > 0).toBe(!noData);
    }
    expect(simulator.record.snapshot().opensByApp[app.id]?.withData).toBeGreaterThan(0);
  });
});

describe('point 17: definitions of dimensions in lists', () => {
  const pointers = { qDimensionListDef: { qType: 'dimension', qData: { defs: '/qDim/qFieldDefs', dim: '/qDim' } } };
  const firstOf = async (on: Simulator): Promise<{ defs: unknown; dim: { qFieldDefs: unknown } }> => {
    const app = appWhere(
      on,
      (candidate) => usual(candidate) && on.site.content(candidate.id).masterDimensions.length > 0,
    );
    await using socket = await openApp(app, true, on);
    const { qItems } = (await list(socket, pointers))['qDimensionList'] as { qItems: { qData: never }[] };
    return qItems[0]?.qData as never;
  };
  it('are an empty text behind the short pointer, and whole behind /qDim', async () => {
    const data = await firstOf(simulator);
    expect(data.defs).toBe('');
    expect(data.dim.qFieldDefs).not.toHaveLength(0);
  });
  it('are whole everywhere when switched so', async () => {
    await using other = await startSimulator({ seed: 11, apps: 10, dimensionTextLists: 'whole' });
    const data = await firstOf(other);
    expect(data.defs).toEqual(data.dim.qFieldDefs);
  });
});

describe('point 18: scripts without rights', () => {
  const scripts = async (on: Simulator): Promise<[string, string]> => {
    const app = appWhere(on, (candidate) => usual(candidate) && on.site.content(candidate.id).script !== '');
    await using socket = await openApp(app, true, on);
    const old = (await socket.call('GetScript', 1)).result?.['qScript'];
    const extended = (await socket.call('GetScriptEx', 1)).result?.['qScript'] as { qScript: string } | undefined;
    run += 1;
    return [String(old), extended?.qScript ?? '(no such method)'];
  };
  it('are empty texts and no errors', async () => {
    const [old, extended] = await scripts(simulator);
    expect(old).not.toBe('');
    expect(extended).toBe(old);
    simulator.faults.set({ updateRights: false });
    expect(await scripts(simulator)).toEqual(['', old]);
    simulator.faults.set({ scriptRights: false });
    expect(await scripts(simulator)).toEqual(['', '']);
  });
  it('hide one app by mutation', async () => {
    const app = appWhere(
      simulator,
      (candidate) => usual(candidate) && simulator.site.content(candidate.id).script !== '',
    );
    simulator.mutate({ action: 'change', appId: app.id, change: { scriptHidden: true } });
    await using socket = await openApp(app);
    expect((await socket.call('GetScriptEx', 1)).result).toMatchObject({ qScript: { qScript: '' } });
    simulator.mutate({ action: 'change', appId: app.id, change: { scriptHidden: false } });
  });
  it('have no GetScriptEx on old releases', async () => {
    await using old = await startSimulator({ seed: 11, apps: 10, profile: 'june-2018' });
    const [script, extended] = await scripts(old);
    expect(script).not.toBe('');
    expect(extended).toBe('(no such method)');
  });
});

describe('point 19: section access', () => {
  it('refuses who is not listed, administrators too, and admits who is', async () => {
    const denied = appWhere(simulator, (app) => app.admitted !== null && !app.admitted.includes('CORP\\SVC_CATALOG'));
    for (const user of ['UserDirectory=CORP; UserId=svc_catalog', 'UserDirectory=INTERNAL; UserId=sa_api']) {
      await using socket = await RawSocket.direct(simulator, '/app/engineData/identity/denied', user);
      expect((await socket.call('OpenDoc', -1, [denied.id, '', '', '', true])).error?.code).toBe(5);
    }
    const [name = ''] = denied.admitted ?? [];
    const [directory = '', id = ''] = name.split('\\');
    const admitted = `UserDirectory=${encodeURIComponent(directory)};UserId=${encodeURIComponent(id)}`;
    if (denied.published) {
      await using socket = await RawSocket.direct(simulator, '/app/engineData/identity/admitted', admitted);
      expect((await socket.call('OpenDoc', -1, [denied.id, '', '', '', true])).error).toBeUndefined();
    }
    simulator.faults.set({ sectionAccess: false });
    await using socket = await RawSocket.direct(simulator, '/app/engineData/identity/off');
    expect((await socket.call('OpenDoc', -1, [denied.id, '', '', '', true])).error).toBeUndefined();
  });
  it('refuses apps that a fault names', async () => {
    const app = appWhere(simulator, usual);
    simulator.faults.set({ deniedApps: [app.id] });
    await using socket = await RawSocket.direct(simulator, '/app/engineData/identity/named');
    expect((await socket.call('OpenDoc', -1, [app.id, '', '', '', true])).error?.code).toBe(5);
  });
});

describe('point 25: an app that was never reloaded', () => {
  it('has objects and no tables, and no time of reload', async () => {
    const app = appWhere(simulator, (candidate) => candidate.lastReloadTime === null && candidate.admitted === null);
    await using socket = await openApp(app, false);
    const tables = await socket.call('GetTablesAndKeys', 1, [{ qcx: 1, qcy: 1 }, { qcx: 0, qcy: 0 }, 0, false, true]);
    expect(tables.result).toEqual({ qtr: [], qk: [] });
    expect((await socket.call('GetAppLayout', 1)).result).toMatchObject({
      qLayout: { qLastReloadTime: '', qHasData: false },
    });
    const masters = simulator.site.content(app.id);
    expect(masters.masterDimensions.length + masters.masterMeasures.length).toBeGreaterThan(0);
  });
});

describe('point 26: lineage', () => {
  it('has repeated rows and the spellings of reloads', async () => {
    const rows: { qDiscriminator: string }[] = [];
    for (const app of simulator.site.apps.filter(usual)) {
      run += 1;
      await using socket = await openApp(app);
      rows.push(...outputOf<{ qDiscriminator: string }[]>(await socket.call('GetLineage', 1), 'qLineage'));
    }
    const names = rows.map((row) => row.qDiscriminator);
    expect(new Set(names).size).toBeLessThan(names.length);
    expect(names.some((name) => name.includes('STORE - '))).toBe(true);
    expect(names.some((name) => name.endsWith(';'))).toBe(true);
    expect(names.some((name) => /^RESIDENT |^INLINE|^AUTOGENERATE/.test(name))).toBe(true);
  });
  it('is empty without data where the release has it so', async () => {
    await using old = await startSimulator({ seed: 11, apps: 10, switches: { lineageWithoutData: false } });
    const app = appWhere(old, (candidate) => usual(candidate) && old.site.content(candidate.id).lineage.length > 0);
    for (const noData of [true, false]) {
      run += 1;
      await using socket = await openApp(app, noData, old);
      const rows = (await socket.call('GetLineage', 1)).result?.['qLineage'] as unknown[];
      expect(rows.length > 0).toBe(!noData);
    }
  });
});

describe('bookmarks and snapshots', () => {
  it('are listed by type, and both are bookmarks to the engine', async () => {
    const { site } = simulator;
    const snapshots = (app: App) => site.content(app.id).others.filter(({ qType }) => qType === 'snapshot');
    const app = appWhere(simulator, (candidate) => usual(candidate) && snapshots(candidate).length > 0);
    await using socket = await openApp(app);
    const idsOf = async (qType: string): Promise<string[]> => {
      const layout = await list(socket, { qBookmarkListDef: { qType } });
      const { qItems } = layout['qBookmarkList'] as { qItems: { qInfo: { qId: string } }[] };
      return qItems.map(({ qInfo }) => qInfo.qId);
    };
    const [snapshot] = snapshots(app);
    expect(await idsOf('snapshot')).toEqual(snapshots(app).map(({ qId }) => qId));
    expect(await idsOf('bookmark')).toEqual(site.content(app.id).bookmarks.map(({ qId }) => qId));
    const found = await socket.call('GetBookmark', 1, [snapshot?.qId]);
    expect(found.result).toMatchObject({ qReturn: { qType: 'GenericBookmark', qGenericType: 'snapshot' } });
  });
});

describe('the data load model', () => {
  it('is an object that every app has under its own name, with patches for who wants them', async () => {
    const app = appWhere(simulator, usual);
    await using socket = await openApp(app);
    const made = await socket.call('GetObject', 1, ['LoadModel'], { delta: true });
    expect(made.result).toMatchObject({
      qReturn: [{ op: 'add', path: '/', value: { qType: 'GenericObject', qHandle: 2 } }],
    });
    const layout = await socket.call('GetLayout', 2, [], { delta: true });
    const [patch] = outputOf<{ value: { tables: { tableName: string }[] } }[]>(layout, 'qLayout');
    expect(patch?.value.tables.length).toBeGreaterThan(0);
  });
});
