/** How far a WebSocket through a proxy came, when it comes no further. */
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Dialer, opened } from '#agent/network/dialer.ts';
import { Fault } from '#protocol/errors.ts';
import { faultOf } from '../fault-of.ts';
import { atEnd, choice, kept, NAME, target, tls } from './proxied.ts';
import { connectProxy, type FakeProxy, rawServer } from './proxies.ts';

describe('ends', () => {
  const waiting = (): Promise<FakeProxy> => kept(rawServer((socket) => socket.on('data', () => undefined)));

  test.each(['http', 'socks5'] as const)(
    'an abort ends the wait for a silent %s proxy, and its connection',
    async (kind) => {
      const proxy = await waiting();
      const stop = new AbortController();
      const reason = new Fault('job.cancelled', 'stop');
      const dialer = new Dialer();
      const request = dialer.request(
        { origin: `https://${NAME}`, proxy: choice(proxy.port, kind) },
        { path: '/', signal: stop.signal },
      );
      const socket = dialer.webSocket(`wss://${NAME}/app`, {
        proxy: choice(proxy.port, kind),
        maxPayloadBytes: 1000,
        signal: stop.signal,
      });
      const open = opened(socket);
      await expect.poll(proxy.open).toBe(2);
      stop.abort(reason);
      expect(await faultOf(request)).toBe(reason);
      expect(await faultOf(open)).toBe(reason);
      if (kind === 'http') await expect.poll(proxy.open).toBe(0);
    },
  );

  test('a WebSocket that is late says how far it came', async () => {
    const silent = await waiting();
    const late = (port: number, handshakeTimeoutMs: number): Promise<Fault> =>
      faultOf(
        opened(
          new Dialer().webSocket(`wss://${NAME}/app`, {
            tls,
            proxy: choice(port),
            maxPayloadBytes: 1000,
            handshakeTimeoutMs,
          }),
        ),
      );
    expect((await late(silent.port, 300)).code).toBe('proxy.timeout');
    const tunnelOnly = await kept(connectProxy({ play: (socket) => socket.on('data', () => undefined) }));
    expect((await late(tunnelOnly.port, 1_500)).code).toBe('network.timeout');
  });
});

describe('an upgrade that the proxy inspects', () => {
  /** An intercepting proxy: ends TLS with a certificate that is trusted, and plays the server. */
  const intercepting = async (onUpgrade: (socket: Duplex) => void): Promise<FakeProxy> => {
    const server = createHttps({ cert: target.certificate, key: target.key });
    server.on('upgrade', (_request, socket) => onUpgrade(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    atEnd(
      () =>
        new Promise((resolve) => {
          server.closeAllConnections();
          server.close(() => resolve());
        }),
    );
    return kept(connectProxy({ names: { [NAME]: (server.address() as AddressInfo).port } }));
  };
  const open = (proxy: FakeProxy): Promise<Fault> =>
    faultOf(
      opened(
        new Dialer().webSocket(`wss://${NAME}/app`, {
          tls,
          proxy: choice(proxy.port),
          maxPayloadBytes: 1000,
          handshakeTimeoutMs: 1000,
        }),
      ),
    );

  test.each(['426 Upgrade Required', '200 OK'])('stripped (%s) is proxy.upgrade_blocked', async (status) => {
    const proxy = await intercepting((socket) => socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nno`));
    const error = await open(proxy);
    expect(error.code).toBe('proxy.upgrade_blocked');
    expect(error.message).toContain(`localhost:${proxy.port}`);
  });

  test('stalled is proxy.upgrade_blocked', async () => {
    const sockets: Duplex[] = [];
    const proxy = await intercepting((socket) => sockets.push(socket));
    const error = await open(proxy);
    expect(error).toMatchObject({
      code: 'proxy.upgrade_blocked',
      message: expect.stringContaining('not answered within'),
    });
    for (const socket of sockets) socket.destroy();
  });
});
