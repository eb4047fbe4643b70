/** What clients of the proxy depend on, one test a point; switches are tried on and off. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { headerAuthenticator } from './proxy/authenticator.ts';
import { ask, bootstrap, cookieOf, headerOf, RawSocket, XRFKEY } from './raw-client.ts';
import { type Simulator, startSimulator } from './simulator.ts';

const small = { seed: 21, apps: 8 } as const;
const websocket = (url: string): string => url.replace(/^http/, 'ws');
/** Status of a refused upgrade, 101 for an accepted one. */
const upgrade = async (
  simulator: Simulator,
  url: string,
  headers: Readonly<Record<string, string>>,
  origin?: string,
): Promise<number> => {
  try {
    await using socket = await RawSocket.open(simulator, url, { headers, ...(origin === undefined ? {} : { origin }) });
    return socket.socket.readyState === socket.socket.OPEN ? 101 : 0;
  } catch (error) {
    return Number((error as Error).message);
  }
};

describe('point 5: greetings', () => {
  it('come through the proxy only after the first frame of the client', async () => {
    await using simulator = await startSimulator(small);
    await using socket = await RawSocket.proxied(simulator, '/app/engineData/identity/greeting');
    // A pong would be answered by a server that relays; a request over http shows that time has passed for both.
    await ask(simulator, `${simulator.addresses.header.url}/qps/user`, { headers: headerOf(simulator) });
    expect(socket.frames).toEqual([]);
    await socket.call('EngineVersion');
    expect(socket.frames.map((frame) => frame.method ?? frame.id)).toEqual([
      'OnAuthenticationInformation',
      'OnConnected',
      1,
    ]);
    expect(socket.frames[0]?.params).toMatchObject({
      userId: 'svc_catalog',
      userDirectory: 'CORP',
      mustAuthenticate: false,
    });
  });
  it('come through the proxy at once when switched so', async () => {
    await using simulator = await startSimulator({ ...small, proxyGreets: 'at-once' });
    await using socket = await RawSocket.proxied(simulator, '/app/engineData');
    await socket.notification('OnConnected');
    await socket.call('EngineVersion');
    const topics = socket.frames.flatMap((frame) => frame.method ?? []);
    expect(topics).toEqual(['OnAuthenticationInformation', 'OnConnected']);
  });
  it('come at once on the direct port', async () => {
    await using simulator = await startSimulator(small);
    await using socket = await RawSocket.direct(simulator, '/app/engineData');
    expect((await socket.notification('OnConnected')).params).toEqual({ qSessionState: 'SESSION_CREATED' });
    expect(socket.frames).toHaveLength(1);
  });
});

describe('point 10: cookies', () => {
  it('are named by prefix, and by http where the release does so', async () => {
    const names = async (profile: 'june-2018' | 'february-2019'): Promise<string[]> => {
      await using simulator = await startSimulator({ ...small, profile, ports: { proxyHttp: 0 } });
      const { header, proxyHttpUrl } = simulator.addresses;
      const urls = [`${header.url}/qps/user`, `${proxyHttpUrl}/header/qps/user`];
      const answers = await Promise.all(urls.map((url) => ask(simulator, url, { headers: headerOf(simulator) })));
      return answers.map((answered) => cookieOf(answered).split('=')[0] ?? '');
    };
    expect(await names('february-2019')).toEqual(['X-Qlik-Session-header', 'X-Qlik-Session-header-HTTP']);
    expect(await names('june-2018')).toEqual(['X-Qlik-Session-header', 'X-Qlik-Session-header']);
  });
  it('have the name that the administrator gave', async () => {
    const authenticator = headerAuthenticator({ header: 'Remote-User', directory: { static: 'CORP' } });
    await using simulator = await startSimulator({
      ...small,
      virtualProxies: [{ prefix: 'a/b', authenticator, cookieName: 'Sitzung' }],
    });
    const url = `${simulator.addresses.proxyUrl}/a/b/qps/user`;
    const answered = await ask(simulator, url, { headers: { 'Remote-User': 'svc_catalog' } });
    expect(answered.json).toMatchObject({ userId: 'svc_catalog', userDirectory: 'CORP' });
    expect(cookieOf(answered)).toMatch(/^Sitzung=/);
  });
  it('are worth a session without the header, and another is not set', async () => {
    await using simulator = await startSimulator(small);
    const { cookie } = await bootstrap(simulator);
    const again = await ask(simulator, `${simulator.addresses.header.url}/qps/user`, { headers: { Cookie: cookie } });
    expect(again).toMatchObject({ status: 200, json: { userId: 'svc_catalog' } });
    expect(again.headers['set-cookie']).toBeUndefined();
    expect(simulator.record.snapshot().proxySessions).toMatchObject({ now: 1, total: 1 });
  });
});

describe('point 11: the protection against hijacked sockets', () => {
  it('wants cookie, token and origin, and no bearer, since November 2024', async () => {
    await using simulator = await startSimulator({ ...small, profile: 'november-2024' });
    const { cookie, token } = await bootstrap(simulator);
    const plain = `${websocket(simulator.addresses.header.url)}/app/engineData`;
    const good = `${plain}?qlik-csrf-token=${token}`;
    const origin = 'https://localhost';
    expect(await upgrade(simulator, good, { Cookie: cookie }, origin)).toBe(101);
    expect(await upgrade(simulator, good, { Cookie: cookie }, 'https://localhost:1, https://localhost:1')).toBe(101);
    expect(await upgrade(simulator, good, { Cookie: cookie }, 'https://localhost, https://evil.example')).toBe(403);
    expect(await upgrade(simulator, good, { Cookie: cookie })).toBe(403);
    expect(await upgrade(simulator, good, { Cookie: cookie }, 'https://evil.example')).toBe(403);
    expect(await upgrade(simulator, plain, { Cookie: cookie, 'qlik-csrf-token': token }, origin)).toBe(403);
    expect(await upgrade(simulator, `${plain}?qlik-csrf-token=other`, { Cookie: cookie }, origin)).toBe(403);
    expect(await upgrade(simulator, good, headerOf(simulator), origin)).toBe(403);
    const bearer = { Cookie: cookie, Authorization: `Bearer ${simulator.token()}` };
    expect(await upgrade(simulator, good, bearer, origin)).toBe(403);
  });
  it('tolerates the bearer when switched so', async () => {
    await using simulator = await startSimulator({ ...small, switches: { bearerOnUpgradeRefused: false } });
    const authorization = { Authorization: `Bearer ${simulator.token()}` };
    const { cookie, token } = await bootstrap(simulator, authorization, simulator.addresses.jwt.url);
    const url = `${websocket(simulator.addresses.jwt.url)}/app/engineData?qlik-csrf-token=${token}`;
    expect(await upgrade(simulator, url, { Cookie: cookie, ...authorization }, 'https://localhost')).toBe(101);
  });
  it('is not there before: no token page, bearer or header on the upgrade, origin only when sent', async () => {
    await using simulator = await startSimulator({ ...small, profile: 'november-2021' });
    const { header, jwt } = simulator.addresses;
    expect((await ask(simulator, `${header.url}/qps/csrftoken`, { headers: headerOf(simulator) })).status).toBe(404);
    expect(simulator.record.snapshot().proxySessions.total).toBe(0);
    const bearer = { Authorization: `Bearer ${simulator.token()}` };
    expect(await upgrade(simulator, `${websocket(jwt.url)}/app/engineData`, bearer)).toBe(101);
    const url = `${websocket(header.url)}/app/engineData`;
    expect(await upgrade(simulator, url, headerOf(simulator), 'https://localhost')).toBe(101);
    expect(await upgrade(simulator, url, headerOf(simulator), 'https://evil.example')).toBe(403);
  });
  it('before it, a stranger gets a socket and is told to log in', async () => {
    await using simulator = await startSimulator({ ...small, profile: 'november-2021' });
    await using socket = await RawSocket.open(simulator, `${websocket(simulator.addresses.header.url)}/app/engineData`);
    socket.send('EngineVersion');
    const told = await socket.notification('OnAuthenticationInformation');
    expect(told.params).toMatchObject({ mustAuthenticate: true, loginUri: expect.stringContaining('/header/') });
    expect(await socket.closed).toBe(1000);
  });
});

describe('point 12: parallel sessions', () => {
  it('begin with every request without a cookie; the sixth gets a socket, a fatal notification and a close', async () => {
    await using simulator = await startSimulator(small);
    const sessions = [];
    for (let count = 0; count < 6; count += 1) sessions.push(await bootstrap(simulator));
    expect(simulator.record.snapshot().proxySessions).toMatchObject({ now: 6, max: 6 });
    await using fifth = await RawSocket.proxied(simulator, '/app/engineData/identity/5', sessions[4]);
    expect((await fifth.call('EngineVersion')).result).toBeDefined();
    await using sixth = await RawSocket.proxied(simulator, '/app/engineData/identity/6', sessions[5]);
    const told = await sixth.notification('OnMaxParallelSessionsExceeded');
    expect(told.params).toMatchObject({ severity: 'fatal' });
    expect(await sixth.closed).toBe(1000);
    expect(simulator.record.snapshot().sessionsExceeded).toBe(1);
    // The repository does not ask how many there are.
    const about = await ask(simulator, `${simulator.addresses.header.url}/qrs/about?xrfkey=${XRFKEY}`, {
      headers: { Cookie: sessions[5]?.cookie ?? '', 'X-Qlik-Xrfkey': XRFKEY },
    });
    expect(about.status).toBe(200);
  });
  it('are one for many sockets with one cookie', async () => {
    await using simulator = await startSimulator(small);
    const known = await bootstrap(simulator);
    for (let count = 0; count < 16; count += 1) {
      const socket = await RawSocket.proxied(simulator, `/app/engineData/identity/${count}/ttl/1`, known);
      expect((await socket.call('EngineVersion')).result).toBeDefined();
    }
    expect(simulator.record.snapshot()).toMatchObject({ proxySessions: { max: 1 }, engineSessions: { max: 16 } });
  });
  it('end by logging out, which ends all of the user on that virtual proxy', async () => {
    await using simulator = await startSimulator(small);
    const first = await bootstrap(simulator);
    const second = await bootstrap(simulator);
    await using socket = await RawSocket.proxied(simulator, '/app/engineData', second);
    await socket.call('EngineVersion');
    const { url } = simulator.addresses.header;
    expect(
      (await ask(simulator, `${url}/qps/user`, { method: 'DELETE', headers: { Cookie: first.cookie } })).status,
    ).toBe(204);
    await socket.notification('OnSessionLoggedOut');
    await socket.closed;
    expect(simulator.record.snapshot().proxySessions.now).toBe(0);
    expect((await ask(simulator, `${url}/qps/user`, { headers: { Cookie: first.cookie } })).status).toBe(302);
  });
  it('still count for a while after the logout when switched so', async () => {
    await using simulator = await startSimulator({ ...small, sessionLingerMs: 600_000 });
    const { cookie } = await bootstrap(simulator);
    await ask(simulator, `${simulator.addresses.header.url}/qps/user`, {
      method: 'DELETE',
      headers: { Cookie: cookie },
    });
    expect(simulator.sessions.count(simulator.addresses.user)).toBe(1);
  });
  it('end when nobody uses them, and sockets hear of it', async () => {
    await using simulator = await startSimulator({ ...small, sessionInactivityMs: 60 });
    await using socket = await RawSocket.proxied(simulator, '/app/engineData');
    expect((await socket.notification('OnSessionTimedOut')).params).toMatchObject({ severity: 'fatal' });
    await socket.closed;
    expect(simulator.sessions.count(simulator.addresses.user)).toBe(0);
  });
});

describe('point 14: pings', () => {
  it('are swallowed by the proxy, and the next request hangs', async () => {
    await using simulator = await startSimulator(small);
    await using socket = await RawSocket.proxied(simulator, '/app/engineData');
    await socket.call('EngineVersion');
    socket.socket.ping();
    const hung = socket.send('EngineVersion');
    expect((await socket.call('EngineVersion')).result).toBeDefined();
    expect(socket.frames.some((frame) => frame.id === hung)).toBe(false);
    expect(simulator.record.snapshot().pings).toBe(1);
  });
  it('are answered directly, and through the proxy when switched so', async () => {
    await using simulator = await startSimulator({ ...small, switches: { proxyPingHangs: false } });
    for (const socket of [
      await RawSocket.direct(simulator, '/app/engineData'),
      await RawSocket.proxied(simulator, '/app/engineData'),
    ]) {
      const pong = once(socket.socket, 'pong');
      socket.socket.ping();
      await pong;
      expect((await socket.call('EngineVersion')).result).toBeDefined();
    }
  });
});

describe('point 21: login pages', () => {
  it('stand behind a 302, with status 200 and HTML', async () => {
    await using simulator = await startSimulator(small);
    const { proxyUrl, header, jwt } = simulator.addresses;
    for (const base of [proxyUrl, header.url, jwt.url, `${proxyUrl}/unknown-prefix`]) {
      const first = await ask(simulator, `${base}/qrs/app/full?xrfkey=${XRFKEY}`, {
        headers: { 'X-Qlik-Xrfkey': XRFKEY },
      });
      expect(first.status).toBe(302);
      const page = await ask(simulator, String(first.headers.location));
      expect(page.status).toBe(200);
      expect(page.headers['content-type']).toContain('text/html');
    }
  });
  it('are not for what was offered and is wrong', async () => {
    await using simulator = await startSimulator(small);
    const { header, jwt } = simulator.addresses;
    const expired = simulator.token(simulator.addresses.user, { exp: 1 });
    const [head, , signature] = simulator.token().split('.');
    const forged = [head, Buffer.from('{"userId":"x","userDirectory":"y"}').toString('base64url'), signature].join('.');
    for (const token of [expired, forged, 'rubbish']) {
      const refused = await ask(simulator, `${jwt.url}/qps/user`, { headers: { Authorization: `Bearer ${token}` } });
      expect(refused.status).toBe(401);
    }
    const odd = await ask(simulator, `${header.url}/qps/user`, { headers: { [header.headerName]: 'nobackslash' } });
    expect(odd.status).toBe(400);
    expect(odd.text).toContain('The http request header is incorrect');
    expect(() => headerAuthenticator({ header: 'X-Qlik-User', directory: 'dynamic' })).toThrow(TypeError);
  });
  it('a virtual proxy that is not linked answers a large HTML 400', async () => {
    await using simulator = await startSimulator({ ...small, unlinkedPrefixes: ['far'] });
    const answered = await ask(simulator, `${simulator.addresses.proxyUrl}/far/qps/user`, {
      headers: headerOf(simulator),
    });
    expect(answered.status).toBe(400);
    expect(answered.body.length).toBeGreaterThan(80_000);
  });
  it('a name that is not on the allow list is answered an HTML 400, one that was added is not', async () => {
    await using simulator = await startSimulator({ ...small, hostNames: ['qlik.example.test'] });
    const { header } = simulator.addresses;
    const status = async (host: string): Promise<number> => {
      const headers = { ...headerOf(simulator), Host: host };
      return (await ask(simulator, `${header.url}/qps/user`, { headers })).status;
    };
    expect(await status('other.example.test')).toBe(400);
    expect(await status('QLIK.example.test:443')).toBe(200);
    const url = `${websocket(header.url)}/app/engineData`;
    expect(await upgrade(simulator, url, { Host: 'other.example.test' }, 'https://localhost')).toBe(400);
  });
  it('a socket for an app that does not exist is told that there is no engine', async () => {
    await using simulator = await startSimulator(small);
    await using socket = await RawSocket.proxied(simulator, '/app/00000000-0000-4000-8000-000000000000');
    await socket.notification('OnNoEngineAvailable');
    await socket.closed;
  });
});

describe('point 22: the cold start', () => {
  it('holds the first answer only', async () => {
    await using simulator = await startSimulator({ ...small, faults: { coldStartMs: 300 } });
    const started = performance.now();
    await bootstrap(simulator);
    expect(performance.now() - started).toBeGreaterThanOrEqual(298);
    // The wait is asked for, not measured, the second time.
    expect(simulator.faults.waitMs(performance.now())).toBe(0);
    simulator.faults.set({ coldStartMs: 300, latencyMs: 7 });
    expect(simulator.faults.waitMs(performance.now())).toBe(307);
    expect(simulator.faults.waitMs(performance.now())).toBe(7);
  });
});

describe('licences', () => {
  it('when there is none, sockets are told so on both routes, and closed', async () => {
    await using simulator = await startSimulator({ ...small, faults: { licenses: false } });
    await using proxied = await RawSocket.proxied(simulator, '/app/engineData');
    expect((await proxied.notification('OnLicenseAccessDenied')).params).toMatchObject({ severity: 'fatal' });
    expect(await proxied.closed).toBe(1000);
    await using direct = await RawSocket.direct(simulator, '/app/engineData');
    expect((await direct.notification('OnConnected')).params).toEqual({ qSessionState: 'SESSION_ERROR_NO_LICENSE' });
    expect(await direct.closed).toBe(1000);
  });
});

describe('the end of the site', () => {
  it('does not wait for clients that never answer a close', async () => {
    const simulator = await startSimulator(small);
    const socket = await RawSocket.proxied(simulator, '/app/engineData');
    await socket.call('EngineVersion');
    socket.socket.pause();
    await simulator[Symbol.asyncDispose]();
    socket.socket.terminate();
    expect(await socket.closed).toBeGreaterThan(0);
    await expect(ask(simulator, simulator.addresses.proxyUrl)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('the rest of the proxy', () => {
  it('gives metadata of apps, refuses where section access does, and has none for apps never reloaded', async () => {
    await using simulator = await startSimulator({ seed: 11, apps: 40 });
    const { cookie } = await bootstrap(simulator);
    const { site, faults } = simulator;
    const get = (id: string | undefined) =>
      ask(simulator, `${simulator.addresses.header.url}/api/v1/apps/${id}/data/metadata`, {
        headers: { Cookie: cookie },
      });
    const usual = site.apps.find((app) => app.admitted === null && app.lastReloadTime !== null);
    const answered = (await get(usual?.id)).json as { tables: { name: string }[]; fields: { name: string }[] };
    const content = site.content(usual?.id ?? '');
    expect(answered.tables.map(({ name }) => name)).toEqual(content.tables.map(({ name }) => name));
    expect(answered.fields.map(({ name }) => name)).toEqual(content.fields.map(({ name }) => name));
    const denied = site.apps.find((app) => app.admitted !== null && !app.admitted.includes('CORP\\SVC_CATALOG'));
    expect((await get(denied?.id)).status).toBe(403);
    const never = site.apps.find((app) => app.lastReloadTime === null && app.admitted === null);
    expect((await get(never?.id)).status).toBe(404);
    faults.set({ neverReloadedMetadata: 'empty' });
    expect((await get(never?.id)).json).toMatchObject({ tables: [], fields: [] });
    faults.set({ metadata: false });
    expect((await get(usual?.id)).status).toBe(404);
    faults.set({ metadata: true, httpErrors: [{ on: 'metadata', status: 503, nth: 1 }] });
    expect((await get(usual?.id)).status).toBe(503);
    expect((await get(usual?.id)).status).toBe(200);
    expect(simulator.record.snapshot().opens).toBe(0);
  });
  it('serves thumbnails, the hub’s lists and the product’s version', async () => {
    await using simulator = await startSimulator({ ...small, apps: 20 });
    const { cookie } = await bootstrap(simulator);
    const { url } = simulator.addresses.header;
    const get = (path: string) => ask(simulator, `${url}${path}`, { headers: { Cookie: cookie } });
    const app = simulator.site.apps.find(({ thumbnail }) => thumbnail !== '');
    const picture = await get(app?.thumbnail ?? '/none');
    expect(picture.headers['content-type']).toBe('image/png');
    expect(picture.body.subarray(1, 4).toString()).toBe('PNG');
    expect((await get('/api/hub/v1/streams')).json).toMatchObject({ data: expect.any(Array) });
    expect((await get('/api/about/v1/systeminfo')).json).toMatchObject({ releaseLabel: 'May 2025' });
    expect((await get('/nowhere')).status).toBe(404);
  });
  it('speaks for the session’s user, whatever user the client names', async () => {
    await using simulator = await startSimulator(small);
    const answered = await ask(simulator, `${simulator.addresses.header.url}/qps/user`, {
      headers: { ...headerOf(simulator), 'X-Qlik-User': 'UserDirectory=INTERNAL; UserId=sa_api' },
    });
    expect(answered.json).toMatchObject({ userId: 'svc_catalog' });
  });
  it('fails when told to', async () => {
    await using simulator = await startSimulator({
      ...small,
      faults: { httpErrors: [{ on: 'proxy', status: 502, times: 1 }] },
    });
    const { url } = simulator.addresses.header;
    expect((await ask(simulator, `${url}/qps/user`, { headers: headerOf(simulator) })).status).toBe(502);
    expect((await ask(simulator, `${url}/qps/user`, { headers: headerOf(simulator) })).status).toBe(200);
  });
});
