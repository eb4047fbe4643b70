import { afterEach, expect, test } from 'vitest';
import { webSocketTransport } from '#agent/bridge/transport-websocket.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { probeRoute } from '#agent/network/probe/route.ts';
import { ProxyLoginRefused, ProxyLogins } from '#agent/network/proxy-logins.ts';
import { TlsTargets } from '#agent/network/tls.ts';
import { openTunnel } from '#agent/network/tunnel.ts';
import type { ProxyScheme, ProxyServer } from '#config/proxy.ts';
import { Secret } from '#config/secret.ts';
import type { Fault } from '#protocol/errors.ts';
import { connectProxy, type FakeProxy, rawServer, socksProxy } from './proxies.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});
const kept = async (starting: Promise<FakeProxy>): Promise<FakeProxy> => {
  const proxy = await starting;
  closers.push(async () => proxy[Symbol.asyncDispose]());
  return proxy;
};

const user = { name: 'agent', password: 'canary-right' };
const server = (port: number, password: string, scheme: ProxyScheme = 'http'): ProxyServer => ({
  scheme,
  hostname: 'localhost',
  port,
  username: user.name,
  password: new Secret(password),
  extraAuthorities: [],
  from: 'proxy.hostname',
});
const fixed = (proxy: ProxyServer) => ({ type: 'fixed', proxy }) as const;

/** A process with a clock of its own. */
const inProcess = (logins = new ProxyLogins()) => {
  const tls = new TlsTargets();
  const { signal } = new AbortController();
  return async (proxy: ProxyServer, port = 443): Promise<string> => {
    const target = { host: 'qlik.example.test', port };
    try {
      const socket = await openTunnel(proxy, target, { tls, signal, timeoutMs: 5_000, logins });
      socket.destroy();
      return 'open';
    } catch (error) {
      expect(JSON.stringify([error, String(error)])).not.toContain('canary');
      const { code, message } = error as Fault;
      return `${code}: ${message}`;
    }
  };
};

test.each(['http', 'socks5'] as const)(
  'a wrong password goes to a proxy once (%s), however many ways lead through it at once',
  async (scheme) => {
    let sent = 0;
    const proxy = await kept(
      scheme === 'http'
        ? connectProxy({
            refusal: 'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n\r\n',
            onLogin: () => sent++,
          })
        : socksProxy({ user, onLogin: () => sent++ }),
    );
    const open = inProcess();
    const wrong = server(proxy.port, 'canary-wrong', scheme);
    const answers = await Promise.all([4242, 4747, 4243, 443].map((port) => open(wrong, port)));
    expect(sent).toBe(1);
    expect(answers.filter((answer) => answer.includes('not asked, as it does not accept'))).toHaveLength(3);
    for (const answer of answers) expect(answer).toMatch(/^proxy\.auth_refused: /);
  },
);

test('what was refused when and when it is tried again is said; then it is, and another password at once', async () => {
  const proxy = await kept(connectProxy({ user, play: () => undefined }));
  let nowMs = 5_000;
  const clock = { nowMs: () => nowMs, wallMs: () => Date.UTC(2026, 0, 2, 3, 4, 5) };
  const open = inProcess(new ProxyLogins(clock));
  const wrong = server(proxy.port, 'canary-wrong');
  expect(await open(wrong)).toContain('they are not tried again before 2026-01-02 03:14:05 UTC');
  nowMs += 10 * 60_000 - 1;
  expect(await open(wrong)).toContain(
    'refused at 2026-01-02 03:04:05 UTC, tried again from 2026-01-02 03:14:05 UTC on',
  );
  expect(proxy.asked).toHaveLength(1);
  expect(await open(server(proxy.port, user.password))).toBe('open');
  nowMs += 1;
  expect(await open(wrong)).toContain('HTTP 407');
  expect(proxy.asked).toHaveLength(3);
  const other = await kept(connectProxy({ user }));
  expect(await open(server(other.port, 'canary-wrong'))).toContain('HTTP 407');
});

test('one that waits for the first goes on when that one ends without a word about the password, or is let in', async () => {
  let cut = 0;
  const mute = await kept(
    rawServer((socket) => void (cut++ === 0 ? socket.destroy() : socket.end('HTTP/1.1 503 No\r\n\r\n'))),
  );
  const open = inProcess();
  const answers = await Promise.all([1, 2, 3].map((port) => open(server(mute.port, user.password), port)));
  expect(cut).toBe(3);
  expect(answers.filter((answer) => answer.startsWith('proxy.target_unreachable'))).toHaveLength(2);
});

test('a Dialer, a walk and the link go by the same; the link waits as long as that lasts', async () => {
  const proxy = await kept(connectProxy({ user }));
  const wrong = fixed(server(proxy.port, 'canary-wrong'));
  const dialer = new Dialer();
  const failed = new Promise<readonly [Fault, number | undefined]>((resolve) => {
    webSocketTransport(dialer, 'ws://catalog.example.test', undefined, wrong).connect({
      opened: () => undefined,
      text: () => undefined,
      binary: () => undefined,
      activity: () => undefined,
      closed: () => undefined,
      failed: (fault, retryAfterMs) => resolve([fault, retryAfterMs]),
    });
  });
  const [fault, retryAfterMs] = await failed;
  expect(fault).toBeInstanceOf(ProxyLoginRefused);
  expect(retryAfterMs).toBe(600_000);
  await expect(dialer.request({ origin: 'https://qlik.example.test', proxy: wrong }, { path: '/' })).rejects.toThrow(
    'not asked, as it does not accept',
  );
  const { steps } = await probeRoute({ origin: 'https://qlik.example.test', proxy: wrong });
  expect(steps.find(({ name }) => name === 'proxy')).toMatchObject({
    status: 'fail',
    fault: { code: 'proxy.auth_refused' },
    seen: expect.stringContaining('not asked'),
  });
  expect(proxy.asked).toHaveLength(1);
});
