import { describe, expect, test } from 'vitest';
import { type JobEffect, Link } from '#agent/bridge/link.ts';
import type { Transport, TransportConnection, TransportListener } from '#agent/bridge/transport.ts';
import type { AttemptRef } from '#protocol/agent-events.ts';
import { AgentSession } from '#protocol/agent-session.ts';
import { CLOSE, TIMES } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import { FakeClock } from './fake-clock.ts';
import { quiet, someStatus } from './loopback.ts';

const ref = { jobId: 'job-1', attempt: 1 };
const lease = { ...ref, leaseToken: 'canary-lease' };

/** A transport whose other end is the test. */
class FakeTransport implements Transport {
  listener: TransportListener | undefined;
  readonly sent: { type: string }[] = [];
  readonly frames: number[] = [];
  readonly closes: number[] = [];
  dials = 0;
  /** What `writable` waits for. */
  gate: Promise<void> = Promise.resolve();

  connect(listener: TransportListener): TransportConnection {
    this.dials += 1;
    this.listener = listener;
    return {
      unsentBytes: 0,
      sendText: (text) => void this.sent.push(JSON.parse(text) as { type: string }),
      sendBinary: (bytes) => void this.frames.push(bytes.length),
      writable: () => this.gate,
      close: (code) => {
        this.closes.push(code);
        queueMicrotask(() => listener.closed(1006));
      },
    };
  }

  hear(message: object): void {
    this.listener?.text(JSON.stringify(message));
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const setUp = (readFrame?: (ref: AttemptRef, seq: number) => Promise<Uint8Array | undefined>) => {
  const transport = new FakeTransport();
  const clock = new FakeClock();
  const effects: JobEffect[] = [];
  const unreadable: AttemptRef[] = [];
  const identity = { agentId: 'agent-1', keyId: 'key-1', bootId: 'boot-1', version: '0.0.0' };
  const session = new AgentSession(identity, someStatus(), []);
  const link: Link = new Link({
    session,
    transport,
    clock,
    log: quiet,
    sign: (nonce) => `signed ${nonce}`,
    challenge: () => 'canary-challenge',
    onAsk: () => undefined,
    onGreeted: () => undefined,
    onJob: (effect) => void effects.push(effect),
    readFrame: readFrame ?? (async () => new Uint8Array(900)),
    onUnreadable: (broken) => void unreadable.push(broken),
  });
  const open = (connectionCredit = 1_000): void => {
    clock.pass(0);
    transport.listener?.opened();
    transport.hear({
      type: 'hello',
      nonce: 'nonce-1',
      serverTime: '',
      protocol: { min: 1, max: 1 },
      limits: { controlBytes: 1, dataBytes: 1, batchRecords: 1 },
    });
    transport.hear({
      type: 'welcome',
      sessionId: 's',
      epoch: 1,
      heartbeatMs: TIMES.heartbeatMs,
      livenessMs: TIMES.livenessMs,
      connectionCredit,
      capabilities: [],
      jobs: [],
    });
  };
  const accept = (job: AttemptRef): void => {
    transport.hear({
      type: 'job.offer',
      ...lease,
      ...job,
      leaseTtlMs: 60_000,
      credit: 5_000,
      spec: '{}',
      signature: '',
    });
    link.dispatch({ type: 'verified', ...job });
    link.dispatch({ type: 'recorded', ...job });
  };
  link.dispatch({ type: 'start' });
  return { transport, clock, effects, unreadable, session, link, open, accept };
};

describe('the link', () => {
  test('signs, authenticates and sends what is spooled', async () => {
    const { transport, link, open, accept, effects } = setUp();
    open();
    expect(transport.sent).toMatchObject([{ type: 'auth', signature: 'signed nonce-1' }]);
    accept(ref);
    expect(effects.map(({ type }) => type)).toEqual(['verify', 'record', 'startJob']);
    link.dispatch({ type: 'spooled', ...ref, seq: 1, bytes: 900 });
    await turn();
    expect(transport.frames).toEqual([900]);
  });

  test('dials again after the backoff, and not before', () => {
    const { transport, clock, open } = setUp();
    open();
    transport.listener?.closed(1006);
    clock.pass(499);
    expect(transport.dials).toBe(1);
    clock.pass(1);
    expect(transport.dials).toBe(2);
    transport.listener?.failed(new Fault('network.refused', 'nobody there'), undefined);
    // The second half of the first second, then half of the window of two.
    clock.pass(1_499);
    expect(transport.dials).toBe(2);
    clock.pass(1);
    expect(transport.dials).toBe(3);
  });

  test('ends a link on which nothing is heard, and says so', async () => {
    const { transport, clock, link, open } = setUp();
    open();
    clock.pass(TIMES.livenessMs);
    expect(transport.closes).toEqual([CLOSE.livenessTimeout]);
    await turn();
    expect(link.lastError).toMatchObject({ code: 'bridge.unreachable', retryable: true });
  });

  test('hears nothing any more of a connection that it gave up', () => {
    const { transport, clock, session, open } = setUp();
    open();
    const old = transport.listener;
    old?.closed(1006);
    clock.pass(1_000);
    old?.text('{"type":"nonsense"}');
    old?.closed(1006);
    expect(session.state.name).toBe('connecting');
    expect(transport.dials).toBe(2);
  });

  test('gives back the credit of batches whose attempt went away before they were sent', async () => {
    const gone = new Set<string>();
    const { transport, link, open, accept } = setUp(async ({ jobId }) =>
      gone.has(jobId) ? undefined : new Uint8Array(900),
    );
    open(1_000);
    accept(ref);
    gone.add(ref.jobId);
    link.dispatch({ type: 'spooled', ...ref, seq: 1, bytes: 900 });
    transport.hear({ type: 'job.lost', ...ref });
    const second = { jobId: 'job-2', attempt: 1 };
    accept(second);
    link.dispatch({ type: 'spooled', ...second, seq: 1, bytes: 900 });
    await turn();
    await turn();
    expect(transport.frames).toEqual([900]);
  });

  test('waits for a socket that is full, and drops what waited when it ends', async () => {
    const { transport, link, open, accept } = setUp();
    const gate = Promise.withResolvers<void>();
    transport.gate = gate.promise;
    open();
    accept(ref);
    link.dispatch({ type: 'spooled', ...ref, seq: 1, bytes: 900 });
    await turn();
    expect(transport.frames).toEqual([]);
    transport.listener?.closed(1006);
    gate.resolve();
    await turn();
    expect(transport.frames).toEqual([]);
  });

  test('reports a batch that cannot be read', async () => {
    const { link, open, accept, unreadable } = setUp(() => Promise.reject(new Fault('spool.failed', 'a bad sector')));
    open();
    accept(ref);
    link.dispatch({ type: 'spooled', ...ref, seq: 1, bytes: 900 });
    await turn();
    expect(unreadable).toMatchObject([ref]);
  });

  test('takes another way at once, however long the backoff of the old one was', async () => {
    const { transport, clock, link } = setUp();
    clock.pass(0);
    for (let failures = 0; failures < 8; failures += 1) {
      transport.listener?.failed(new Fault('network.refused', 'nobody there'), undefined);
      if (failures < 7) clock.pass(120_000);
    }
    const before = transport.dials;
    const other = new FakeTransport();
    link.redial(other);
    expect(other.dials).toBe(1);
    expect(clock.pending).toBe(0);
    clock.pass(600_000);
    expect(transport.dials).toBe(before);
    // A second change, while connected: the old connection ends, the new one does not wait.
    other.listener?.opened();
    const third = new FakeTransport();
    link.redial(third);
    expect(other.closes).toEqual([1001]);
    await turn();
    clock.pass(0);
    expect(third.dials).toBe(1);
    // And when the new way fails as well, patience is back.
    third.listener?.failed(new Fault('network.refused', 'nobody there'), undefined);
    clock.pass(100);
    expect(third.dials).toBe(1);
  });

  test('drops what it had before the machine slept, and dials at once', async () => {
    const { transport, clock, session, link, open } = setUp();
    open();
    clock.now += 3_600_000;
    link.woke(3_600_000);
    expect(transport.closes).toEqual([CLOSE.livenessTimeout]);
    await turn();
    clock.pass(0);
    expect(transport.dials).toBe(2);
    expect(session.state.name).toBe('connecting');
  });

  test('waits for no backoff of the time before the sleep', () => {
    const { transport, clock, link } = setUp();
    clock.pass(0);
    for (let n = 0; n < 7; n += 1) {
      transport.listener?.failed(new Fault('network.refused', 'nobody there'), undefined);
      if (n < 6) clock.pass(120_000);
    }
    const before = transport.dials;
    link.woke(60_000);
    expect(transport.dials).toBe(before + 1);
    // The network may need some seconds yet: the windows begin small again.
    transport.listener?.failed(new Fault('network.dns', 'no name server'), undefined);
    clock.pass(1_000);
    expect(transport.dials).toBe(before + 2);
  });

  test('gives up a dial that the sleep broke', async () => {
    const { transport, clock, link } = setUp();
    clock.pass(0);
    link.woke(60_000);
    expect(transport.closes).toEqual([1001]);
    transport.listener?.failed(new Fault('bridge.unreachable', 'given up'), undefined);
    clock.pass(0);
    expect(transport.dials).toBe(2);
  });

  test('is not overdue while the catalog is away, and is when a dial never ends', async () => {
    const { transport, clock, link } = setUp();
    clock.pass(0);
    for (let n = 0; n < 40; n += 1) {
      transport.listener?.failed(new Fault('network.refused', 'nobody there'), undefined);
      expect(link.overdue()).toBeUndefined();
      clock.pass(64_000);
    }
    expect(link.overdue()).toBeUndefined();
    clock.now += 200_000;
    expect(link.overdue()).toMatchObject({ what: 'a dial does not end' });
  });

  test('is overdue when its timers do not come, or a closed connection does not end', () => {
    const { transport, clock, link, open } = setUp();
    open();
    expect(link.overdue()).toBeUndefined();
    clock.now += 60_000;
    expect(link.overdue()).toMatchObject({ what: 'a timer does not come' });
    clock.pass(0);
    expect(transport.closes).toEqual([CLOSE.livenessTimeout]);
    clock.now += 60_000;
    expect(link.overdue()).toMatchObject({ what: 'a closed connection does not end' });
  });

  test('leaves no timer behind when it stops', async () => {
    const { transport, clock, link, open } = setUp();
    open();
    await link.stop();
    expect(transport.closes).toEqual([CLOSE.draining]);
    expect(clock.pending).toBe(0);
    clock.pass(1_000_000);
    expect(transport.dials).toBe(1);
  });
});
