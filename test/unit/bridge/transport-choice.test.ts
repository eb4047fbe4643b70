import { describe, expect, test } from 'vitest';
import type { LinkClock } from '#agent/bridge/link-clock.ts';
import type { Transport, TransportConnection, TransportListener, UpgradeEvidence } from '#agent/bridge/transport.ts';
import { TransportChoice } from '#agent/bridge/transport-choice.ts';
import { upgradeEvidence } from '#agent/bridge/upgrade-faults.ts';
import { UpgradeRefused } from '#agent/network/dialer.ts';
import type { TransportMode } from '#config/settings.ts';
import { CLOSE } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import { POLLING_HEADERS } from '#protocol/polling.ts';
import { quiet } from './loopback.ts';

/** A way whose other end is the test. */
class Hand implements Transport {
  dials = 0;
  readonly closes: number[] = [];
  listener: TransportListener | undefined;

  connect(listener: TransportListener): TransportConnection {
    this.dials += 1;
    this.listener = listener;
    return {
      unsentBytes: 0,
      sendText: () => undefined,
      sendBinary: () => undefined,
      writable: () => Promise.resolve(),
      close: (code) => void this.closes.push(code),
    };
  }
}

const HOUR = 3_600_000;
const fault = new Fault('bridge.unreachable', 'no');
const likely: UpgradeEvidence = { certain: false, seen: 'cut' };
const certain: UpgradeEvidence = { certain: true, seen: 'HTTP 426' };

const setUp = (mode: TransportMode = 'auto') => {
  const timers = new Set<{ atMs: number; call: () => void }>();
  let nowMs = 0;
  const clock: LinkClock = {
    nowMs: () => nowMs,
    random: () => 0.5,
    after: (ms, call) => {
      const timer = { atMs: nowMs + ms, call };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  const pass = (ms: number): void => {
    const end = nowMs + ms;
    for (;;) {
      const [next] = [...timers].filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs);
      if (!next) break;
      timers.delete(next);
      nowMs = next.atMs;
      next.call();
    }
    nowMs = end;
  };
  const webSocket = new Hand();
  const polling = new Hand();
  const told: string[] = [];
  let better = 0;
  const choice = new TransportChoice({
    mode,
    webSocket,
    polling,
    clock,
    log: quiet,
    onChange: () => undefined,
    onBetter: () => {
      better += 1;
    },
  });
  const dial = (): TransportConnection =>
    choice.connect({
      opened: () => void told.push('opened'),
      text: () => undefined,
      binary: () => undefined,
      activity: () => undefined,
      closed: (code) => void told.push(`closed ${code}`),
      failed: ({ code }, retryAfterMs) => void told.push(`failed ${code} ${retryAfterMs ?? ''}`.trim()),
    });
  return { webSocket, polling, choice, told, dial, pass, timers, better: () => better };
};

describe('the transport', () => {
  test('is polling at once when the upgrade was certainly stripped, and the gateway answers a plain request', () => {
    const { webSocket, polling, choice, told, dial } = setUp();
    dial();
    webSocket.listener?.failed(fault, undefined, certain);
    polling.listener?.opened();
    expect(told).toEqual(['opened']);
    expect(choice.inUse).toEqual({ transport: 'polling', why: 'WebSockets do not pass: HTTP 426' });
    // And it stays so for an hour.
    polling.listener?.closed(1006);
    dial();
    expect([webSocket.dials, polling.dials]).toEqual([1, 2]);
  });

  test('is polling only when what has many causes is seen twice in a row', () => {
    const { webSocket, polling, told, dial } = setUp();
    dial();
    webSocket.listener?.failed(fault, undefined, likely);
    dial();
    webSocket.listener?.failed(fault, undefined, undefined);
    dial();
    webSocket.listener?.failed(fault, undefined, likely);
    expect(polling.dials).toBe(0);
    dial();
    webSocket.listener?.failed(fault, undefined, likely);
    expect([webSocket.dials, polling.dials]).toEqual([4, 1]);
    expect(told).toEqual(Array(3).fill('failed bridge.unreachable'));
  });

  test('stays a WebSocket when polling does not work either: the gateway is away', () => {
    const { webSocket, polling, told, dial } = setUp();
    for (let n = 0; n < 3; n += 1) {
      dial();
      webSocket.listener?.failed(new Fault('bridge.upgrade_refused', 'HTTP 502'), undefined, likely);
      if (n > 0) polling.listener?.failed(new Fault('bridge.unreachable', 'HTTP 502'), 7_000);
    }
    expect([webSocket.dials, polling.dials]).toEqual([3, 2]);
    expect(told).toEqual([
      'failed bridge.upgrade_refused',
      'failed bridge.upgrade_refused 7000',
      'failed bridge.upgrade_refused 7000',
    ]);
  });

  test.each([0, 1])('is polling when %d messages came behind the upgrade, and then silence, twice', (texts) => {
    const { webSocket, polling, dial } = setUp();
    for (let n = 0; n < 2; n += 1) {
      const connection = dial();
      webSocket.listener?.opened();
      for (let text = 0; text < texts; text += 1) webSocket.listener?.text('{}');
      connection.close(CLOSE.authTimeout, 'no answer');
      webSocket.listener?.closed(1006);
    }
    dial();
    expect([webSocket.dials, polling.dials]).toEqual([2, 1]);
  });

  test('stays a WebSocket when the link was ended by the gateway, by us, or after it had worked', () => {
    const { webSocket, polling, dial } = setUp();
    for (let n = 0; n < 3; n += 1) {
      const connection = dial();
      webSocket.listener?.opened();
      connection.close(1001, 'another way');
      webSocket.listener?.closed(1006);
      dial();
      webSocket.listener?.opened();
      webSocket.listener?.closed(CLOSE.draining);
      dial();
      webSocket.listener?.opened();
      webSocket.listener?.text('{}');
      webSocket.listener?.text('{}');
      webSocket.listener?.closed(1006);
    }
    expect(polling.dials).toBe(0);
  });

  test('tries a WebSocket each hour beside the session, and goes back when one passes', () => {
    const { webSocket, polling, dial, pass, better, timers } = setUp();
    dial();
    webSocket.listener?.failed(fault, undefined, certain);
    polling.listener?.opened();
    pass(HOUR);
    expect(webSocket.dials).toBe(2);
    webSocket.listener?.opened();
    // Silence behind the upgrade: no better than before.
    pass(25_000);
    expect(webSocket.closes).toEqual([1000]);
    pass(HOUR);
    expect(webSocket.dials).toBe(3);
    webSocket.listener?.opened();
    webSocket.listener?.text('{"type":"hello"}');
    expect(better()).toBe(1);
    polling.listener?.closed(1001);
    dial();
    expect([webSocket.dials, polling.dials]).toEqual([4, 1]);
    expect(timers.size).toBe(0);
  });

  test('leaves nothing behind when it is closed', () => {
    const { webSocket, polling, choice, dial, pass, timers } = setUp();
    dial();
    webSocket.listener?.failed(fault, undefined, certain);
    polling.listener?.opened();
    pass(HOUR);
    choice.close();
    expect(webSocket.closes).toEqual([1000]);
    expect(timers.size).toBe(0);
  });

  test.each(['websocket', 'polling'] as const)('is %s when the settings say so', (mode) => {
    const { webSocket, polling, choice, dial } = setUp(mode);
    dial();
    const [asked, other] = mode === 'polling' ? [polling, webSocket] : [webSocket, polling];
    asked.listener?.opened();
    expect(choice.inUse).toEqual({ transport: mode, why: 'gateway.transport asks for it' });
    asked.listener?.failed(fault, undefined, certain);
    dial();
    expect([asked.dials, other.dials]).toEqual([2, 0]);
  });
});

const refused = (status: number, headers: Record<string, string> = {}, excerpt = ''): UpgradeRefused =>
  new UpgradeRefused({ host: 'catalog.test', port: 443 }, status, headers, excerpt);
const gateway = { [POLLING_HEADERS.gateway]: 'culvert.v1' };

test.each([
  [refused(426), 'certain'],
  [refused(426, gateway), 'certain'],
  [refused(405), 'certain'],
  [refused(404, {}, '{"code":"api.not_found"}'), 'certain'],
  [refused(404), 'likely'],
  [refused(200, { 'content-type': 'text/html' }), 'likely'],
  [refused(403), 'likely'],
  [refused(400), 'likely'],
  [refused(502), 'likely'],
  [new Fault('network.reset', 'catalog.test:443: cut'), 'likely'],
  [new Fault('network.timeout', 'catalog.test:443: late'), 'likely'],
  [new Fault('proxy.upgrade_blocked', 'catalog.test:443: late'), 'likely'],
  [new Error('Invalid Sec-WebSocket-Accept header'), 'likely'],
  // The gateway itself, or no way to it at all.
  [refused(403, gateway), undefined],
  [refused(421, gateway), undefined],
  [refused(503, gateway), undefined],
  [refused(503), undefined],
  [refused(302), undefined],
  [refused(407), undefined],
  [new Fault('network.dns', 'no such host'), undefined],
  [new Fault('network.refused', 'nobody listens'), undefined],
  [new Fault('tls.untrusted', 'unknown authority'), undefined],
  [new Fault('proxy.refused', 'no'), undefined],
])('%s speaks against WebSockets: %s', (error, verdict) => {
  const evidence = upgradeEvidence(error);
  expect(evidence === undefined ? undefined : evidence.certain ? 'certain' : 'likely').toBe(verdict);
});
