import { createServer as createHttp, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps, type ServerOptions } from 'node:https';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { Dialer, opened, UpgradeRefused } from '#agent/network/dialer.ts';
import type { TlsOptions } from '#agent/network/tls.ts';
import { Secret } from '#config/secret.ts';
import { Fault } from '#protocol/errors.ts';
import { faultOf } from '../fault-of.ts';
import { Authority } from './authority.ts';

const authority = new Authority('Culvert test authority');
const stranger = new Authority('Another authority');
const local = authority.issue({ name: 'localhost', dns: ['localhost', 'qlik.example'], addresses: ['127.0.0.1'] });

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return (server.address() as AddressInfo).port;
};
const https = (listener: RequestListener, options: ServerOptions = {}): Promise<number> =>
  listen(createHttps({ cert: local.certificate, key: local.key, ...options }, listener));

const ok: RequestListener = (request, response) => {
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.end(JSON.stringify({ url: request.url, host: request.headers.host }));
};

test('an authority given beside the default roots is trusted', async () => {
  const port = await https(ok);
  await using http = new Dialer().http({
    proxy: undefined,
    origin: `https://localhost:${port}`,
    tls: { extraAuthorities: [authority.certificate] },
  });
  const reply = await http.request({ path: '/a?b=c' });
  expect(reply.status).toBe(200);
  expect(reply.mediaType).toBe('application/json');
  expect(JSON.parse(reply.body.toString())).toEqual({ url: '/a?b=c', host: `localhost:${port}` });
});

test('the certificate of a server is known when a TLS session is taken up again, which shows none', async () => {
  let reused = 0;
  const server = createHttps({ cert: local.certificate, key: local.key }, (request, response) => {
    response.setHeader('connection', 'close');
    ok(request, response);
  });
  server.on('secureConnection', (socket) => {
    if (socket.isSessionReused()) reused += 1;
  });
  const port = await listen(server);
  const tls = { extraAuthorities: [authority.certificate] };
  await using http = new Dialer().http({ proxy: undefined, origin: `https://localhost:${port}`, tls });
  for (const connections of [1, 2, 3]) {
    await http.request({ path: '/' });
    expect(http.connected().connections).toBe(connections);
    expect(http.connected().certificate?.subjectAltName).toContain('DNS:qlik.example');
  }
  expect(reused).toBeGreaterThan(0);
});

test('an unknown authority is tls.untrusted and names host and port', async () => {
  const port = await https(ok);
  const error = await faultOf(
    new Dialer().request({ proxy: undefined, origin: `https://localhost:${port}` }, { path: '/' }),
  );
  expect(error.code).toBe('tls.untrusted');
  expect(error.message).toContain(`localhost:${port}`);
});

test('a certificate that has expired is tls.expired, one of the future tls.not_yet_valid', async () => {
  const day = 86_400_000;
  const tls = { extraAuthorities: [authority.certificate] };
  const old = authority.issue({
    name: 'localhost',
    dns: ['localhost'],
    notBefore: new Date(Date.now() - 3 * day),
    notAfter: new Date(Date.now() - day),
  });
  const early = authority.issue({
    name: 'localhost',
    dns: ['localhost'],
    notBefore: new Date(Date.now() + day),
    notAfter: new Date(Date.now() + 3 * day),
  });
  for (const [issued, code] of [
    [old, 'tls.expired'],
    [early, 'tls.not_yet_valid'],
  ] as const) {
    const port = await https(ok, { cert: issued.certificate, key: issued.key });
    const error = await faultOf(
      new Dialer().request({ proxy: undefined, origin: `https://localhost:${port}`, tls }, { path: '/' }),
    );
    expect(error.code).toBe(code);
  }
});

test('a wrong name is tls.wrong_host; verifyHostName off or an alias lets it through', async () => {
  const other = authority.issue({ name: 'qlik.corp.example', dns: ['qlik.corp.example'] });
  const port = await https(ok, { cert: other.certificate, key: other.key });
  const origin = `https://127.0.0.1:${port}`;
  const trusted = { extraAuthorities: [authority.certificate] };
  const dialer = new Dialer();
  const error = await faultOf(dialer.request({ proxy: undefined, origin, tls: trusted }, { path: '/' }));
  expect(error.code).toBe('tls.wrong_host');
  const unverified = await dialer.request(
    { proxy: undefined, origin, tls: { ...trusted, verifyHostName: false } },
    { path: '/' },
  );
  expect(unverified.status).toBe(200);
  const aliased = await dialer.request(
    { proxy: undefined, origin, tls: trusted, aliasHost: 'qlik.corp.example' },
    { path: '/' },
  );
  expect(JSON.parse(aliased.body.toString())).toMatchObject({ host: `qlik.corp.example:${port}` });
});

test('verifyHostName off still refuses an unknown authority; bypass takes everything', async () => {
  const port = await https(ok);
  const origin = `https://127.0.0.1:${port}`;
  const error = await faultOf(
    new Dialer().request({ proxy: undefined, origin, tls: { verifyHostName: false } }, { path: '/' }),
  );
  expect(error.code).toBe('tls.untrusted');
  const reply = await new Dialer().request(
    { proxy: undefined, origin, tls: { bypassCertificateValidation: true } },
    { path: '/' },
  );
  expect(reply.status).toBe(200);
});

test('a server that demands a client certificate gets it; a key that is not its own is tls.client_certificate', async () => {
  const port = await https(ok, { requestCert: true, rejectUnauthorized: true, ca: authority.certificate });
  const origin = `https://localhost:${port}`;
  const extraAuthorities = [authority.certificate];
  const mine = authority.issue({ name: 'agent' });
  const foreign = stranger.issue({ name: 'agent' });
  const dialer = new Dialer();
  const given = await dialer.request(
    {
      origin,
      proxy: undefined,
      tls: { extraAuthorities, clientCertificate: { certificate: mine.certificate, key: new Secret(mine.key) } },
    },
    { path: '/' },
  );
  expect(given.status).toBe(200);
  const clientCertificate = { certificate: mine.certificate, key: new Secret(foreign.key) };
  const mismatch = await faultOf(
    (async () =>
      dialer.request({ proxy: undefined, origin, tls: { extraAuthorities, clientCertificate } }, { path: '/' }))(),
  );
  expect(mismatch.code).toBe('tls.client_certificate');
});

test('nobody listening is network.refused; a name without address is network.dns', async () => {
  const port = await https(ok);
  await closers.pop()?.();
  const refused = await faultOf(
    new Dialer().request({ proxy: undefined, origin: `https://127.0.0.1:${port}` }, { path: '/' }),
  );
  expect(refused.code).toBe('network.refused');
  expect(refused.message).toContain(`127.0.0.1:${port}`);
  const unknown = await faultOf(
    new Dialer().request({ proxy: undefined, origin: 'https://no-such-host.invalid' }, { path: '/' }),
  );
  expect(unknown.code).toBe('network.dns');
  expect(unknown.message).toContain('no-such-host.invalid:443');
});

test('a server that closes without an answer is network.reset; plain HTTP on a TLS port is tls.failed', async () => {
  const rude = createTcp((socket) => socket.destroy());
  await new Promise<void>((resolve) => rude.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => rude.close(() => resolve())));
  const { port } = rude.address() as AddressInfo;
  const reset = await faultOf(
    new Dialer().request({ proxy: undefined, origin: `http://127.0.0.1:${port}` }, { path: '/' }),
  );
  expect(reset.code).toBe('network.reset');
  const plain = await listen(createHttp(ok));
  const failed = await faultOf(
    new Dialer().request({ proxy: undefined, origin: `https://127.0.0.1:${plain}` }, { path: '/' }),
  );
  expect(failed.code).toBe('tls.failed');
});

test('silence is network.timeout: before the headers, within the body, and over the whole deadline', async () => {
  const port = await https((request, response) => {
    if (request.url === '/body') response.write('half');
    if (request.url === '/drip') {
      const drip = setInterval(() => response.write('x'), 5);
      response.on('close', () => clearInterval(drip));
    }
  });
  await using http = new Dialer().http({
    proxy: undefined,
    origin: `https://localhost:${port}`,
    tls: { extraAuthorities: [authority.certificate] },
  });
  // undici looks at its timers about every half second, so these take a second each at worst.
  const [headers, body, deadline] = await Promise.all([
    faultOf(http.request({ path: '/headers', headersTimeoutMs: 20 })),
    faultOf(http.request({ path: '/body', bodyTimeoutMs: 20 })),
    faultOf(http.request({ path: '/drip', deadlineMs: 200 })),
  ]);
  expect([headers.code, body.code, deadline.code]).toEqual(['network.timeout', 'network.timeout', 'network.timeout']);
});

test('closing lets a request end that is answered, and cuts off one that never is', async () => {
  const { promise: waiting, resolve: arrived } = Promise.withResolvers<void>();
  const { promise: wait, resolve: answer } = Promise.withResolvers<void>();
  const port = await https(async ({ url }, response) => {
    arrived();
    if (url === '/never') return;
    await wait;
    response.end('there');
  });
  const route = {
    proxy: undefined,
    origin: `https://localhost:${port}`,
    tls: { extraAuthorities: [authority.certificate] },
  };
  const polite = new Dialer().http(route);
  const reply = polite.request({ path: '/late' });
  await waiting;
  const closed = polite.close();
  answer();
  expect((await reply).body.toString()).toBe('there');
  await closed;

  const cut = new Dialer().http(route);
  const failed = faultOf(cut.request({ path: '/never' }));
  await cut.close(1);
  expect((await failed).code).toBe('network.reset');
});

test('a redirect is handed over, an oversized answer refused, an abort keeps its reason', async () => {
  const port = await https((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/login', 'set-cookie': ['a=1', 'b=2'] }).end();
    else if (request.url === '/large') response.end('x'.repeat(1000));
  });
  await using http = new Dialer().http({
    proxy: undefined,
    origin: `https://localhost:${port}`,
    tls: { extraAuthorities: [authority.certificate] },
  });
  const moved = await http.request({ path: '/moved' });
  expect(moved.status).toBe(302);
  expect(moved.cookies).toEqual(['a=1', 'b=2']);
  expect((await faultOf(http.request({ path: '/large', maxBytes: 999 }))).code).toBe('qlik.protocol');
  const stop = new AbortController();
  const waiting = http.request({ path: '/never', signal: stop.signal });
  const reason = new Fault('job.cancelled', 'stop');
  stop.abort(reason);
  expect(await faultOf(waiting)).toBe(reason);
});

const socketServer = async (): Promise<{ port: number; seen: string[] }> => {
  const seen: string[] = [];
  const server = createHttps({ cert: local.certificate, key: local.key });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    seen.push(
      `${request.headers.host} ${request.headers.origin ?? '-'} ${request.headers['sec-websocket-extensions'] ?? '-'}`,
    );
    if (request.url === '/forbidden') {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Why: origin\r\n\r\nno');
    } else if (request.url !== '/silent')
      sockets.handleUpgrade(request, socket, head, (peer) => peer.send('x'.repeat(100)));
  });
  return { port: await listen(server), seen };
};

test('a WebSocket opens with Host, Origin and no compression; a second one resumes TLS', async () => {
  const { port, seen } = await socketServer();
  const dialer = new Dialer();
  const options = {
    tls: { extraAuthorities: [authority.certificate] },
    aliasHost: 'qlik.example',
    origin: 'https://qlik.example',
    proxy: undefined,
    maxPayloadBytes: 1000,
  };
  for (let round = 0; round < 2; round++) {
    const socket = dialer.webSocket(`wss://127.0.0.1:${port}/app`, options);
    const message = new Promise((resolve) => socket.once('message', (data: Buffer) => resolve(data.length)));
    await opened(socket);
    expect(await message).toBe(100);
    socket.terminate();
  }
  expect(seen).toEqual(Array(2).fill(`qlik.example:${port} https://qlik.example -`));
});

test('a refused upgrade tells status, headers and text; silence is a timeout; an abort keeps its reason', async () => {
  const { port } = await socketServer();
  const dialer = new Dialer();
  const options = { tls: { extraAuthorities: [authority.certificate] }, proxy: undefined, maxPayloadBytes: 1000 };
  const refused: unknown = await opened(dialer.webSocket(`wss://localhost:${port}/forbidden`, options)).catch(
    (error: unknown) => error,
  );
  expect(refused).toBeInstanceOf(UpgradeRefused);
  expect(refused).toMatchObject({ status: 403, headers: { 'x-why': 'origin' }, excerpt: 'no' });
  const silent = await faultOf(
    opened(dialer.webSocket(`wss://localhost:${port}/silent`, { ...options, handshakeTimeoutMs: 50 })),
  );
  expect(silent.code).toBe('network.timeout');
  const untrusted = await faultOf(
    opened(dialer.webSocket(`wss://localhost:${port}/app`, { proxy: undefined, maxPayloadBytes: 1000 })),
  );
  expect(untrusted.code).toBe('tls.untrusted');
  const stop = new AbortController();
  const waiting = opened(dialer.webSocket(`wss://localhost:${port}/silent`, { ...options, signal: stop.signal }));
  const reason = new Fault('job.cancelled', 'stop');
  stop.abort(reason);
  expect(await faultOf(waiting)).toBe(reason);
});

test('without the default roots only what is named is trusted, and nobody when nothing is', async () => {
  const port = await https(ok);
  const ask = (tls: TlsOptions) =>
    new Dialer().request({ proxy: undefined, origin: `https://localhost:${port}`, tls }, { path: '/' });
  expect((await ask({ replaceDefaultRoots: true, extraAuthorities: [authority.certificate] })).status).toBe(200);
  for (const extraAuthorities of [[], [stranger.certificate]])
    expect((await faultOf(ask({ replaceDefaultRoots: true, extraAuthorities }))).code).toBe('tls.untrusted');
  expect((await faultOf(ask({ systemAuthorities: true }))).code).toBe('tls.untrusted');
});
