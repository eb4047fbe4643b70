/** What clients of the engine depend on in its protocol, one test a point; switches are tried on and off. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { indexOf } from './engine/app-index.ts';
import { appWhere, handleOf, open, usual } from './engine-fixture.ts';
import type { App } from './model/types.ts';
import { RawSocket } from './raw-client.ts';
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

describe('point 1: handles', () => {
  it('go up from 1, and one object keeps its handle', async () => {
    const app = appWhere(simulator, usual);
    await using socket = await openApp(app);
    const ids = [...indexOf(simulator.site.content(app.id)).objects.keys()].slice(0, 3);
    const handles: number[] = [];
    for (const id of ids) handles.push(handleOf(await socket.call('GetObject', 1, [id])));
    expect(handles).toEqual([2, 3, 4]);
    expect(handleOf(await socket.call('GetObject', 1, { qId: ids[0] }))).toBe(2);
  });

  it('begin anew in every session', async () => {
    const app = appWhere(simulator, usual);
    await using first = await openApp(app);
    expect(handleOf(await first.call('GetActiveDoc'))).toBe(1);
    run += 1;
    await using second = await openApp(app);
    expect(handleOf(await second.call('GetActiveDoc'))).toBe(1);
  });
});

describe('point 2: change and close', () => {
  it('are named beside the results', async () => {
    const app = appWhere(simulator, usual);
    await using socket = await RawSocket.direct(simulator, `/app/${app.id}/identity/change`);
    const opened = await socket.call('OpenDoc', -1, [app.id, '', '', '', true]);
    expect(opened).toMatchObject({
      change: [1],
      result: { qReturn: { qType: 'Doc', qHandle: 1, qGenericId: app.id } },
    });
    const made = await socket.call('CreateSessionObject', 1, [{ qInfo: { qId: 'mine', qType: 'x' } }]);
    expect(made.change).toEqual([2]);
    const gone = await socket.call('DestroySessionObject', 1, ['mine']);
    expect(gone).toMatchObject({ close: [2], result: { qSuccess: true } });
    expect((await socket.call('GetLayout', 2)).error?.code).toBe(-32602);
  });
});

describe('session objects', () => {
  it('may be made twice with one id, but not with that of an object of the app', async () => {
    const app = appWhere(simulator, usual);
    await using socket = await openApp(app);
    const define = (type: string) => [{ qInfo: { qId: 'BookmarkList', qType: type } }];
    expect(handleOf(await socket.call('CreateSessionObject', 1, define('first')))).toBe(2);
    expect(handleOf(await socket.call('CreateSessionObject', 1, define('second')))).toBe(3);
    expect((await socket.call('GetInfo', 2)).result).toEqual({ qInfo: { qId: 'BookmarkList', qType: 'first' } });
    expect((await socket.call('GetObject', 1, ['BookmarkList'])).result).toMatchObject({ qReturn: { qHandle: 3 } });
    const taken = [{ qInfo: { qId: 'LoadModel', qType: 'mine' } }];
    expect((await socket.call('CreateSessionObject', 1, taken)).error?.code).toBe(3);
  });
});

describe('point 3: delta', () => {
  it('gives patches when asked, whole values when not', async () => {
    const app = appWhere(simulator, usual);
    await using socket = await openApp(app);
    const whole = await socket.call('GetAppLayout', 1);
    expect(whole.delta).toBeUndefined();
    const value = whole.result?.['qLayout'];
    const first = await socket.call('GetAppLayout', 1, [], { delta: true });
    expect(first).toMatchObject({ delta: true, result: { qLayout: [{ op: 'add', path: '/', value }] } });
    expect((await socket.call('GetAppLayout', 1, [], { delta: true })).result).toEqual({ qLayout: [] });
    simulator.mutate({ action: 'rename', appId: app.id, name: `${app.name} (renamed)` });
    const patches = (await socket.call('GetAppLayout', 1, [], { delta: true })).result?.['qLayout'] as {
      path: string;
    }[];
    expect(patches).toContainEqual({ op: 'replace', path: '/qTitle', value: `${app.name} (renamed)` });
    expect(patches.every(({ path }) => path !== '/')).toBe(true);
  });
});

describe('point 4: the order of replies', () => {
  const order = async (): Promise<number[]> => {
    await using socket = await RawSocket.direct(simulator, `/app/engineData/identity/order-${run}`);
    const ids = [1, 2, 3].map(() => socket.send('EngineVersion'));
    await Promise.all(ids.map((id) => socket.reply(id)));
    return socket.frames.flatMap((frame) => frame.id ?? []);
  };
  it('is that of the calls', async () => {
    expect(await order()).toEqual([1, 2, 3]);
  });
  it('is another when switched on', async () => {
    simulator.faults.set({ outOfOrder: true });
    expect(await order()).not.toEqual([1, 2, 3]);
  });
});

describe('point 13: ttl', () => {
  it('keeps the session after its last socket, for others to attach to', async () => {
    const app = appWhere(simulator, usual);
    const path = `/app/${app.id}/identity/ttl/ttl/60`;
    await using first = await RawSocket.direct(simulator, path);
    await first.call('OpenDoc', -1, [app.id, '', '', '', true]);
    await first[Symbol.asyncDispose]();
    await using second = await RawSocket.direct(simulator, path);
    expect((await second.notification('OnConnected')).params).toEqual({ qSessionState: 'SESSION_ATTACHED' });
    expect((await second.call('GetActiveDoc')).result).toMatchObject({ qReturn: { qHandle: 1, qGenericId: app.id } });
  });
  it('of zero ends it at once', async () => {
    const path = '/app/engineData/identity/no-ttl/ttl/0';
    for (const _ of [1, 2]) {
      await using socket = await RawSocket.direct(simulator, path);
      expect((await socket.notification('OnConnected')).params).toEqual({ qSessionState: 'SESSION_CREATED' });
    }
  });
});

describe('point 15: apps that are open already', () => {
  it('answers 1002 to a second open in the session, and GetActiveDoc gives it', async () => {
    const app = appWhere(simulator, usual);
    await using socket = await openApp(app);
    expect((await socket.call('OpenDoc', -1, [app.id])).error?.code).toBe(1002);
    expect(handleOf(await socket.call('GetActiveDoc'))).toBe(1);
  });
  it('answers 1009 to the other mode with the same identity, and opens with another one', async () => {
    const app = appWhere(simulator, usual);
    await using first = await openApp(app);
    await using second = await RawSocket.direct(simulator, `/app/engineData/identity/run-${run}`);
    expect((await second.call('OpenDoc', -1, [app.id, '', '', '', false])).error?.code).toBe(1009);
    await using third = await RawSocket.direct(simulator, `/app/engineData/identity/other-${run}`);
    expect((await third.call('OpenDoc', -1, [app.id, '', '', '', false])).error).toBeUndefined();
    expect(first.frames.length).toBeGreaterThan(0);
  });
  it('lets a client attach to a session without data, which then looks empty', async () => {
    const app = appWhere(simulator, usual);
    await using first = await openApp(app, true);
    await using second = await RawSocket.direct(simulator, `/app/${app.id}/identity/run-${run}`);
    await second.call('GetActiveDoc');
    const tables = await second.call('GetTablesAndKeys', 1, [{ qcx: 1, qcy: 1 }, { qcx: 0, qcy: 0 }, 0, false, false]);
    expect(tables.result).toEqual({ qtr: [], qk: [] });
    expect((await second.call('GetAppLayout', 1)).result).toMatchObject({ qLayout: { qIsOpenedWithoutData: true } });
    expect(first.frames.length).toBeGreaterThan(0);
  });
  it('is never so between sockets without app and identity, unless switched so', async () => {
    const states = async (shareSessionsWithoutApp: boolean): Promise<unknown[]> => {
      await using own = await startSimulator({ seed: 11, apps: 4, shareSessionsWithoutApp });
      await using first = await RawSocket.direct(own, '/app/engineData');
      await using second = await RawSocket.direct(own, '/app/engineData');
      const greetings = await Promise.all([first, second].map((socket) => socket.notification('OnConnected')));
      return greetings.map(({ params }) => params?.['qSessionState']);
    };
    expect(await states(false)).toEqual(['SESSION_CREATED', 'SESSION_CREATED']);
    expect(await states(true)).toEqual(['SESSION_CREATED', 'SESSION_ATTACHED']);
  });
  it('says that nothing is open', async () => {
    await using socket = await RawSocket.direct(simulator, '/app/engineData/identity/nothing');
    expect((await socket.call('GetActiveDoc')).error).toEqual({
      code: 1007,
      parameter: 'No active document',
      message: 'App invalid',
    });
  });
});

describe('point 23: errors of a busy engine', () => {
  it.each([15, 19, 5006])('answers %i to the call that is meant', async (code) => {
    simulator.faults.set({ engineErrors: [{ code, method: 'GetAppLayout', nth: 2 }] });
    await using socket = await openApp(appWhere(simulator, usual));
    const codes: (number | undefined)[] = [];
    for (const _ of [1, 2, 3]) codes.push((await socket.call('GetAppLayout', 1)).error?.code);
    expect(codes).toEqual([undefined, code, undefined]);
  });
  it('strikes by chance, the same way for the same seed', async () => {
    const strikes = async (): Promise<boolean[]> => {
      await using own = await startSimulator({
        seed: 11,
        apps: 8,
        faults: { engineErrors: [{ code: 15, method: 'EngineVersion', probability: 0.5 }] },
      });
      await using socket = await RawSocket.direct(own, '/app/engineData');
      const seen: boolean[] = [];
      for (let index = 0; index < 20; index += 1) seen.push((await socket.call('EngineVersion')).error !== undefined);
      return seen;
    };
    const first = await strikes();
    expect(first).toContain(true);
    expect(first).toContain(false);
    expect(await strikes()).toEqual(first);
  });
  it('cuts sockets and leaves calls unanswered', async () => {
    simulator.faults.set({ hangs: [{ method: 'QTProduct', times: 1 }], drops: [{ method: 'OSName', times: 1 }] });
    await using socket = await RawSocket.direct(simulator, '/app/engineData/identity/cut');
    const hung = socket.send('QTProduct');
    expect((await socket.call('QTProduct')).result).toBeDefined();
    expect(socket.frames.some((frame) => frame.id === hung)).toBe(false);
    await expect(socket.call('OSName')).rejects.toThrow('closed with 1006');
  });
});

describe('point 28: apps that go or change in between', () => {
  it('tells open sessions of a rename, and closes those of a deleted app', async () => {
    await using own = await startSimulator({ seed: 12, apps: 8 });
    const app = appWhere(own, usual);
    await using socket = await openApp(app, true, own);
    own.mutate({ action: 'rename', appId: app.id, name: 'Autre nom' });
    await socket.frame((frame) => frame.id === undefined && frame.change?.[0] === 1);
    expect((await socket.call('GetAppLayout', 1)).result).toMatchObject({ qLayout: { qTitle: 'Autre nom' } });
    own.mutate({ action: 'delete', appId: app.id });
    expect(await socket.closed).toBe(1011);
    expect(socket.frames.some((frame) => frame.close?.includes(1))).toBe(true);
    await using again = await RawSocket.direct(own, '/app/engineData');
    expect((await again.call('OpenDoc', -1, [app.id, '', '', '', true])).error?.code).toBe(1003);
  });
});

describe('calls that are wrong', () => {
  it('are answered with the codes of JSON-RPC', async () => {
    await using socket = await openApp(appWhere(simulator, usual));
    expect((await socket.call('NoSuchMethod', 1)).error?.code).toBe(-32601);
    expect((await socket.call('GetObject', 1, [])).error).toMatchObject({
      code: -32602,
      parameter: 'Missing parameter: qId',
    });
    expect((await socket.call('GetObjects', 1, ['text'])).error?.code).toBe(-32602);
    expect((await socket.call('SetScript', 1, ['x'])).error?.code).toBe(5);
    expect((await socket.call('GetObject', 1, ['nowhere'])).result).toEqual({
      qReturn: { qType: null, qHandle: null },
    });
    socket.socket.send('{');
    await socket.frame((frame) => frame.error?.code === -32700);
    socket.socket.send('{"jsonrpc":"2.0","id":99}');
    await socket.frame((frame) => frame.error?.code === -32600 && frame.id === 99);
    socket.socket.send('[{"jsonrpc":"2.0","id":100,"handle":-1,"method":"EngineVersion"}]');
    await socket.frame((frame) => frame.error?.code === -32600 && frame.id === null);
  });

  it('have an id that is given back as it came; a call without one is carried out and not answered', async () => {
    await using socket = await openApp(appWhere(simulator, usual));
    const version = { jsonrpc: '2.0', handle: -1, method: 'EngineVersion', params: [] };
    const make = {
      ...version,
      handle: 1,
      method: 'CreateSessionObject',
      params: [{ qInfo: { qId: 'made', qType: 'x' } }],
    };
    for (const frame of [make, { ...version, id: 'seven' }, { ...version, id: null }])
      socket.socket.send(JSON.stringify(frame));
    await socket.frame((frame) => (frame.id as unknown) === 'seven' && frame.result !== undefined);
    await socket.frame((frame) => frame.id === null && frame.result !== undefined);
    expect((await socket.call('GetObject', 1, ['made'])).result).toMatchObject({ qReturn: { qHandle: 2 } });
    expect(socket.frames.filter((frame) => frame.id === undefined && frame.result !== undefined)).toEqual([]);
    expect(socket.frames.filter((frame) => frame.id === null)).toHaveLength(1);
  });

  it('include parameters that came with a later release', async () => {
    const sizes = [{ qcx: 1, qcy: 1 }, { qcx: 0, qcy: 0 }, 0, false, false];
    await using old = await startSimulator({ seed: 11, apps: 10, profile: 'february-2019' });
    await using before = await openApp(appWhere(old, usual), true, old);
    expect((await before.call('GetTablesAndKeys', 1, [...sizes, false])).error?.code).toBe(-32602);
    expect((await before.call('GetTablesAndKeys', 1, sizes)).error).toBeUndefined();
    run += 1;
    await using after = await openApp(appWhere(simulator, usual));
    expect((await after.call('GetTablesAndKeys', 1, [...sizes, false])).error).toBeUndefined();
  });
});
