import { afterEach, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { Dialer } from '#agent/network/dialer.ts';
import { openSite } from '#agent/qlik/site.ts';
import { faultOf } from '../fault-of.ts';
import { type Answer, fakeSite, impatience, type Upgrade } from './fake-site.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

const proxy: Answer = ({ path }) =>
  path === '/vp/qps/csrftoken'
    ? { status: 204, headers: { 'set-cookie': 's=1', 'qlik-csrf-token': 'to ken' } }
    : { status: 404 };

interface Request {
  readonly id: number;
  readonly handle: number;
  readonly method: string;
  readonly params: unknown;
}

/** An engine that answers `OpenDoc`, and every other call by `answer`. */
const engine =
  (answer: (request: Request, socket: WebSocket) => object | undefined) =>
  (socket: WebSocket): void => {
    socket.on('message', (data) => {
      const request = JSON.parse(String(data)) as Request;
      const reply =
        answer(request, socket) ??
        (request.method === 'OpenDoc' ? { result: { qReturn: { qType: 'Doc', qHandle: 1 } }, change: [1] } : undefined);
      if (reply !== undefined) socket.send(JSON.stringify({ jsonrpc: '2.0', id: request.id, ...reply }));
    });
  };

const start = async (upgrade: Upgrade) => {
  const fake = await fakeSite(proxy, upgrade);
  const patience = impatience();
  const site = openSite(fake.connection(), { dialer: new Dialer(), patience, sessionPatienceMs: 30_000 });
  open.push(fake, site);
  return { fake, site, patience };
};

test('the upgrade carries cookie, csrf token and Origin, never the credentials; the app opens without data', async () => {
  let opened: unknown;
  const { fake, site } = await start(() =>
    engine(({ method, params }) => {
      if (method === 'OpenDoc') opened = params;
      return undefined;
    }),
  );
  const app = await site.openApp('an app');
  const upgrade = fake.seen.find(({ path }) => path.startsWith('/vp/app/'));
  expect(upgrade?.path).toMatch(/^\/vp\/app\/an%20app\/identity\/culvert-[0-9a-f]{12}\/ttl\/5$/);
  expect(upgrade?.query.get('qlik-csrf-token')).toBe('to ken');
  expect(upgrade?.headers).toMatchObject({ cookie: 's=1', origin: fake.origin });
  expect(upgrade?.headers.authorization).toBeUndefined();
  expect(opened).toEqual(['an app', '', '', '', true]);
  await app.close();
});

test.each<[number, string, number]>([
  [403, 'qlik.websocket_forbidden', 2],
  [401, 'qlik.unauthorized', 2],
  [302, 'qlik.login_page', 2],
  [404, 'qlik.prefix_unknown', 1],
  [503, 'qlik.unavailable', 1],
])(
  'an upgrade refused with %i is %s; a lost session or an old token is tried once more',
  async (status, code, times) => {
    const { fake, site } = await start(() => status);
    const error = await faultOf(site.openApp('a'));
    expect(error.code).toBe(code);
    if (status === 403) for (const cause of ['allow list', 'token', 'Origin']) expect(error.message).toContain(cause);
    expect(fake.seen.filter(({ path }) => path.startsWith('/vp/app/')).length).toBe(times);
    expect(fake.seen.filter(({ path }) => path === '/vp/qps/csrftoken').length).toBe(times);
  },
);

test.each<[string, object, string]>([
  ['OnLicenseAccessDenied', {}, 'qlik.license'],
  ['OnNoEngineAvailable', {}, 'qlik.no_engine'],
  ['OnSessionTimedOut', {}, 'network.reset'],
  ['OnConnected', { qSessionState: 'SESSION_ERROR_APP_ACCESS_DENIED' }, 'qlik.access_denied'],
  ['OnAuthenticationInformation', { mustAuthenticate: true }, 'qlik.unauthorized'],
  ['OnMaxParallelSessionsExceeded', { severity: 'fatal' }, 'qlik.session_limit'],
])('the notification %s ends the session', async (method, params, code) => {
  const { site, patience } = await start(() => (socket) => {
    socket.on('message', () => socket.send(JSON.stringify({ jsonrpc: '2.0', method, params })));
  });
  expect((await faultOf(site.openApp('a'))).code).toBe(code);
  // Only a full house is waited for, and not for ever.
  expect(patience.waitedMs.length > 0).toBe(code === 'qlik.session_limit');
});

test.each<[number, string]>([
  [5, 'qlik.access_denied'],
  [4000, 'qlik.access_denied'],
  [12002, 'qlik.access_denied'],
  [1003, 'qlik.not_found'],
  [19, 'qlik.overloaded'],
  [5006, 'qlik.overloaded'],
  [5003, 'qlik.license'],
  [16, 'network.reset'],
  [1015, 'qlik.engine_failed'],
])('the engine code %i is %s', async (code, expected) => {
  const { site } = await start(() => engine(() => ({ error: { code, message: 'said so', parameter: 'p' } })));
  const error = await faultOf(site.openApp('a'));
  expect(error.code).toBe(expected);
  expect(error.message).toContain(`OpenDoc: the engine answered ${code} (said so: p)`);
});

test('an app that is open already is taken over', async () => {
  const { site } = await start(() =>
    engine(({ method }) => {
      if (method === 'OpenDoc') return { error: { code: 1002, message: 'App already open', parameter: '' } };
      return method === 'GetActiveDoc'
        ? { result: { qReturn: { qType: 'Doc', qHandle: 1 } } }
        : { result: { qList: [] } };
    }),
  );
  const app = await site.openApp('a');
  expect(await app.objects(['sheet'], {})).toEqual([]);
  await app.close();
});

test('an engine without GetScriptEx is asked for the script in the old way', async () => {
  const { site } = await start(() =>
    engine(({ method }) => {
      if (method === 'GetScriptEx') return { error: { code: -32601, message: 'Method not found', parameter: '' } };
      return method === 'GetScript' ? { result: { qScript: 'LOAD 1;' } } : undefined;
    }),
  );
  const app = await site.openApp('a');
  expect(await app.script()).toBe('LOAD 1;');
  await app.close();
});

test('an engine that evaluates one list of an object only is asked for each', async () => {
  const created: object[] = [];
  const { site } = await start(() =>
    engine(({ method, params, handle }) => {
      if (method === 'CreateSessionObject') {
        created.push((params as object[])[0] ?? {});
        return { result: { qReturn: { qType: 'GenericObject', qHandle: created.length + 1 } } };
      }
      if (method !== 'GetLayout') return undefined;
      const name = Object.keys(created[handle - 2] ?? {}).find((key) => key.endsWith('Def')) ?? '';
      return { result: { qLayout: { [name.replace(/Def$/, '')]: { qItems: [{ qInfo: { qId: name } }] } } } };
    }),
  );
  const app = await site.openApp('a');
  const lists = await app.lists();
  expect(created.length).toBe(4);
  expect(Object.values(lists).map((items) => items.length)).toEqual([1, 1, 1, 1]);
  await app.close();
});

test('a message that is not JSON, or a socket that is cut, fails the call and not the process', async () => {
  const garbage = await start(() => (socket) => socket.on('message', () => socket.send('<html>')));
  expect((await faultOf(garbage.site.openApp('a'))).code).toBe('qlik.protocol');
  const cut = await start(() => (socket) => socket.on('message', () => socket.terminate()));
  const error = await faultOf(cut.site.openApp('a'));
  expect(error.code).toBe('network.reset');
  expect(error.message).toContain('app a');
});
