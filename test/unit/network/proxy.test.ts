import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { Dialer, opened } from '#agent/network/dialer.ts';
import type { ProxyChoice, ProxyServer } from '#config/proxy.ts';
import { Secret } from '#config/secret.ts';
import type { Fault } from '#protocol/errors.ts';
import { faultOf } from '../fault-of.ts';
import { atEnd, choice, kept, NAME, network, target, tls } from './proxied.ts';
import { connectProxy, type FakeProxy, PROXY_ADDRESS, type ProxyOptions, rawServer, socksProxy } from './proxies.ts';

const front = network.issue({ name: 'localhost', dns: ['localhost'] });
const user = { name: 'süd user', password: 'p@ss:w%rd/#?"é ' };
const login = { username: user.name, password: new Secret(user.password) };

interface Target {
  readonly port: number;
  /** From where connections came. */
  readonly from: string[];
}

/** Answers requests and WebSockets; connections that no proxy opened are cut. */
const startTarget = async (secure: boolean): Promise<Target> => {
  const from: string[] = [];
  const answer: RequestListener = (request, response) => response.end(`${request.method} ${request.url}`);
  const server: Server & ReturnType<typeof createHttp> = secure
    ? createHttps({ cert: target.certificate, key: target.key }, answer)
    : createHttp(answer);
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (peer) => peer.on('message', (data) => peer.send(`echo ${data}`)));
  });
  server.on('connection', (socket) => {
    from.push(socket.remoteAddress ?? '');
    if (socket.remoteAddress !== PROXY_ADDRESS) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(
    () =>
      new Promise((resolve) => {
        for (const client of sockets.clients) client.terminate();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return { port: (server.address() as AddressInfo).port, from };
};

const echo = async (dialer: Dialer, address: string, proxy: ProxyChoice): Promise<string> => {
  const socket = dialer.webSocket(address, { tls, proxy, maxPayloadBytes: 1000 });
  await opened(socket);
  const answer = new Promise<string>((resolve) => socket.once('message', (data) => resolve(String(data))));
  socket.send('hello');
  const text = await answer;
  socket.terminate();
  return text;
};

type Kind = 'http' | 'https' | 'socks5' | 'socks4a';
const start = (kind: Kind, options: ProxyOptions): Promise<FakeProxy> =>
  kept(
    kind === 'http'
      ? connectProxy(options)
      : kind === 'https'
        ? connectProxy({ ...options, tls: front })
        : socksProxy(options),
  );

const WAYS = (['http', 'https', 'socks5', 'socks4a'] as const).flatMap((kind) =>
  [false, true].flatMap((named) => [false, true].map((secure) => [kind, named, secure] as const)),
);

describe('only the proxy reaches the target', () => {
  test.each(WAYS)('through %s, with user %s, TLS to the target %s', async (kind, named, secure) => {
    const { port, from } = await startTarget(secure);
    const proxy = await start(kind, { names: { [NAME]: port }, ...(named ? { user } : {}) });
    // SOCKS4a has a name, but no password.
    const account = !named ? {} : kind === 'socks4a' ? { username: 'süd' } : login;
    const through = choice(proxy.port, kind, account);
    if (named && kind === 'socks4a') {
      const refused = await faultOf(new Dialer().request({ origin: `http://${NAME}`, proxy: through }, { path: '/' }));
      expect(refused.code).toBe('proxy.auth_refused');
      return;
    }
    const dialer = new Dialer();
    const origin = `${secure ? 'https' : 'http'}://${NAME}:4242`;
    await using http = dialer.http({ origin, tls, proxy: through, connections: 1 });
    for (const path of ['/a?b=c', '/second'])
      expect((await http.request({ path })).body.toString()).toBe(`GET ${path}`);
    // One connection for both requests: a log-in may be tied to it.
    expect(proxy.asked).toEqual([`${NAME}:4242`]);
    expect(await echo(dialer, `${origin.replace('http', 'ws')}/app`, through)).toBe('echo hello');
    expect(from).toEqual([PROXY_ADDRESS, PROXY_ADDRESS]);
    expect(proxy.asked).toHaveLength(2);
  });

  test('a direct connection is cut: the test above can fail', async () => {
    const { port, from } = await startTarget(true);
    const direct = await faultOf(
      new Dialer().request({ origin: `https://localhost:${port}`, tls, proxy: undefined }, { path: '/' }),
    );
    expect(direct.code).toBe('network.reset');
    expect(from).toEqual(['127.0.0.1']);
  });
});

describe('two legs, two kinds of trust', () => {
  test('what is trusted for the proxy is not trusted for the target', async () => {
    const { port } = await startTarget(true);
    const proxy = await start('https', { names: { [NAME]: port } });
    const error = await faultOf(
      new Dialer().request({ origin: `https://${NAME}`, proxy: choice(proxy.port, 'https') }, { path: '/' }),
    );
    expect(error.code).toBe('tls.untrusted');
    expect(error.message).toContain(`${NAME}:443 (through the https proxy localhost:${proxy.port}`);
  });

  test('what is trusted for the target is not trusted for the proxy', async () => {
    const proxy = await start('https', {});
    const through = choice(proxy.port, 'https', { extraAuthorities: [] });
    const dialer = new Dialer();
    const route = { origin: `https://${NAME}`, tls: { extraAuthorities: [network.certificate] }, proxy: through };
    const error = await faultOf(dialer.request(route, { path: '/' }));
    expect(error.code).toBe('proxy.tls_untrusted');
    expect(error.advice).toContain('proxy.tls.truststore.path');
    expect(error.message).not.toContain(NAME);
    const socket = await faultOf(echo(dialer, `wss://${NAME}/app`, through));
    expect(socket.code).toBe('proxy.tls_untrusted');
  });

  test('switching off the check of the target leaves the one of the proxy on', async () => {
    const { port } = await startTarget(true);
    const proxy = await start('https', { names: { [NAME]: port } });
    const bypass = { origin: `https://${NAME}`, tls: { bypassCertificateValidation: true } };
    const dialer = new Dialer();
    const through = { ...bypass, proxy: choice(proxy.port, 'https', { extraAuthorities: [] }) };
    expect((await faultOf(dialer.request(through, { path: '/' }))).code).toBe('proxy.tls_untrusted');
    expect((await dialer.request({ ...bypass, proxy: choice(proxy.port, 'https') }, { path: '/' })).status).toBe(200);
  });

  test('a proxy whose certificate is for another name says so, with its own advice', async () => {
    const other = network.issue({ name: 'proxy.example', dns: ['proxy.example'] });
    const proxy = await kept(connectProxy({ tls: other }));
    const error = await faultOf(
      new Dialer().request({ origin: `https://${NAME}`, proxy: choice(proxy.port, 'https') }, { path: '/' }),
    );
    expect(error.code).toBe('proxy.tls_untrusted');
    expect(error.advice).toContain('proxy.hostname');
  });
});

const refusal = (status: string, ...headers: string[]): string =>
  `HTTP/1.1 ${[status, ...headers, 'Content-Length: 2'].join('\r\n')}\r\n\r\nno`;

describe('what a proxy refuses is the proxy’s and never called the target’s', () => {
  test.each([
    [refusal('407 Auth', 'Proxy-Authenticate: Basic realm="a, NTLM"'), {}, 'proxy.auth_required', 'none are set'],
    [refusal('407 Auth', 'Proxy-Authenticate: Basic realm=x'), login, 'proxy.auth_refused', 'does not accept'],
    [
      refusal('407 Auth', 'Proxy-Authenticate: NTLM', 'Proxy-Authenticate: Basic realm=x'),
      login,
      'proxy.auth_refused',
      'does not accept',
    ],
    [
      refusal('407 Auth', 'Proxy-Authenticate: Negotiate', 'Proxy-Authenticate: NTLM'),
      login,
      'proxy.ntlm_only',
      'Negotiate, NTLM',
    ],
    [refusal('407 Auth', 'Proxy-Authenticate: Negotiate, NTLM'), {}, 'proxy.ntlm_only', 'Negotiate, NTLM'],
    [
      refusal('407 Auth', 'Proxy-Authenticate: Digest realm="x", nonce="y", qop="auth"'),
      login,
      'proxy.auth_required',
      'Digest',
    ],
    [refusal('407 Auth'), {}, 'proxy.auth_required', 'none are set'],
    [refusal('401 Unauthorized', 'Proxy-Authenticate: Basic realm=x'), login, 'proxy.auth_refused', 'does not accept'],
    [refusal('403 Forbidden'), {}, 'proxy.refused', 'HTTP 403'],
    [refusal('500 Unable to connect'), {}, 'proxy.target_unreachable', 'HTTP 500'],
    [refusal('405 Method Not Allowed'), {}, 'proxy.no_tunnels', 'CONNECT'],
    [refusal('502 Bad Gateway'), {}, 'proxy.target_unreachable', 'HTTP 502'],
    [refusal('504 Gateway Timeout'), {}, 'proxy.target_unreachable', 'HTTP 504'],
    [refusal('302 Found', 'Location: http://login.proxy.test/'), {}, 'proxy.protocol', 'HTTP 302'],
  ] as const)('%j', async (answer, account, code, text) => {
    const proxy = await kept(connectProxy({ refusal: answer }));
    const through = choice(proxy.port, 'http', account);
    const dialer = new Dialer();
    const request = await faultOf(
      dialer.request({ origin: `https://${NAME}:4242`, tls, proxy: through }, { path: '/' }),
    );
    const socket = await faultOf(echo(dialer, `wss://${NAME}:4242/app`, through));
    for (const error of [request, socket]) {
      expect(error.code).toBe(code);
      expect(error.message).toContain(text);
      expect(error.message).toMatch(
        new RegExp(`^http proxy localhost:${proxy.port} \\(proxy.hostname\\)(?: answered|: not asked)`),
      );
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(user.password);
    }
  });

  test('an account that an NTLM proxy cannot use leads to the ways out', async () => {
    const proxy = await kept(connectProxy({ refusal: refusal('407 Auth', 'Proxy-Authenticate: NTLM') }));
    const error = await faultOf(
      new Dialer().request({ origin: `https://${NAME}`, proxy: choice(proxy.port) }, { path: '/' }),
    );
    expect(error.advice).toMatch(/Basic.*cntlm, px/);
  });

  test.each([
    [1, 'proxy.socks_failed'],
    [2, 'proxy.refused'],
    [3, 'proxy.target_unreachable'],
    [4, 'proxy.target_unreachable'],
    [5, 'proxy.target_unreachable'],
    [6, 'proxy.target_unreachable'],
    [8, 'proxy.socks_failed'],
  ] as const)('the SOCKS reply %i is %s', async (reply, code) => {
    const proxy = await kept(socksProxy({ reply }));
    const error = await faultOf(
      new Dialer().request({ origin: `https://${NAME}`, proxy: choice(proxy.port, 'socks5') }, { path: '/' }),
    );
    expect(error.code).toBe(code);
    expect(error.message).toContain(`socks5 proxy localhost:${proxy.port}`);
  });

  test('a SOCKS proxy that does not accept the account, or wants one', async () => {
    const proxy = await kept(socksProxy({ user }));
    const ask = (account: Partial<ProxyServer>): Promise<Fault> =>
      faultOf(
        new Dialer().request(
          { origin: `https://${NAME}`, proxy: choice(proxy.port, 'socks5', account) },
          { path: '/' },
        ),
      );
    const wrong = await ask({ username: 'joe', password: new Secret('canary-wrong') });
    expect(wrong.code).toBe('proxy.auth_refused');
    expect(inspect(wrong, { depth: 20, showHidden: true })).not.toContain('canary-wrong');
    const strict = await kept(rawServer((socket) => socket.once('data', () => socket.end(Buffer.from([5, 0xff])))));
    const none = await faultOf(
      new Dialer().request({ origin: `https://${NAME}`, proxy: choice(strict.port, 'socks5') }, { path: '/' }),
    );
    expect(none).toMatchObject({ code: 'proxy.auth_required', message: expect.stringContaining('no user is set') });
  });
});

describe('a proxy that is none', () => {
  test.each(['http', 'https', 'socks5', 'socks4a'] as const)(
    'nobody listening (%s) is proxy.unreachable',
    async (kind) => {
      const gone = await rawServer(() => undefined);
      await gone[Symbol.asyncDispose]();
      const through = choice(gone.port, kind);
      const dialer = new Dialer();
      const request = await faultOf(dialer.request({ origin: `https://${NAME}`, proxy: through }, { path: '/' }));
      const socket = await faultOf(echo(dialer, `wss://${NAME}/app`, through));
      for (const error of [request, socket])
        expect(error).toMatchObject({
          code: 'proxy.unreachable',
          message: expect.stringContaining(`localhost:${gone.port}`),
        });
    },
  );

  test.each(['http', 'socks5'] as const)('a name without an address (%s) is proxy.unreachable', async (kind) => {
    const through = choice(3128, kind, { hostname: 'proxy.invalid' });
    const error = await faultOf(new Dialer().request({ origin: `https://${NAME}`, proxy: through }, { path: '/' }));
    expect(error).toMatchObject({ code: 'proxy.unreachable', message: expect.stringContaining('proxy.invalid:3128') });
  });

  test('TLS to a port without TLS is proxy.tls_failed; the other way round proxy.protocol', async () => {
    const plain = await start('http', {});
    const spoken = await faultOf(
      new Dialer().request({ origin: `https://${NAME}`, proxy: choice(plain.port, 'https') }, { path: '/' }),
    );
    expect(spoken).toMatchObject({
      code: 'proxy.tls_failed',
      advice: expect.stringContaining('proxy.scheme = "http"'),
    });
    const secure = await start('https', {});
    const unspoken = await faultOf(
      new Dialer().request({ origin: `https://${NAME}`, proxy: choice(secure.port, 'http') }, { path: '/' }),
    );
    expect(unspoken.code).toBe('proxy.protocol');
  });

  test.each([
    ['socks5', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'proxy.socks_failed'],
    ['socks4a', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'proxy.socks_failed'],
    ['socks5', '', 'proxy.socks_failed'],
    ['http', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'proxy.protocol'],
    ['http', '', 'proxy.protocol'],
  ] as const)('%s to a server that says %j', async (kind, text, code) => {
    const server = await kept(rawServer((socket) => socket.once('data', () => socket.end(text))));
    const error = await faultOf(
      new Dialer().request({ origin: `https://${NAME}`, proxy: choice(server.port, kind) }, { path: '/' }),
    );
    expect(error.code).toBe(code);
  });
});
