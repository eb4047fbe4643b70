import { describe, expect, test } from 'vitest';
import { CLOSE, LIMITS, TIMES } from '#protocol/constants.ts';
import { GatewaySession } from '#protocol/gateway-session.ts';
import { someStatus } from '../bridge/loopback.ts';
import { Bench as AgentBench, sent as agentSent, batches, held, ref, verdict, welcome } from './agent-bench.ts';
import { auth, closed, Bench as GatewayBench, lease, sent, types } from './gateway-bench.ts';

/** Keeps a session alive while time passes. */
const live = (bench: GatewayBench, untilMs: number): void => {
  while (bench.nowMs + 30_000 < untilMs) {
    bench.nowMs += 30_000;
    bench.do({ type: 'activity' });
    expect(closed(bench.do({ type: 'tick' }))).toEqual([]);
  }
  bench.nowMs = untilMs;
  bench.do({ type: 'activity' });
};

describe('a connection ages', () => {
  test('and is asked to leave, jobs or not, and is cut off when it stays', () => {
    const bench = new GatewayBench();
    bench.open();
    const openedMs = bench.nowMs;
    live(bench, openedMs + TIMES.ageMs - 1);
    expect(sent(bench.do({ type: 'tick' })).map(({ type }) => type)).not.toContain('drain');
    bench.nowMs += 1;
    expect(sent(bench.do({ type: 'tick' }))).toEqual([
      { type: 'drain', deadlineMs: TIMES.gatewayDrainMs, reconnectAfterMs: TIMES.reconnectAfterMs },
    ]);
    // Once, and nothing is offered any more.
    expect(types(bench.do({ type: 'wake' }))).toEqual([]);
    live(bench, bench.nowMs + TIMES.gatewayDrainMs - 1);
    expect(sent(bench.do({ type: 'tick' }))).toEqual([]);
    bench.nowMs += 1;
    const end = bench.do({ type: 'tick' });
    expect(closed(end)).toEqual([CLOSE.draining]);
    expect(types(end)).toContain('disconnected');
  });

  test.each([
    [0, 0.9],
    [0.5, 1],
    [0.999999, 1.1],
  ])('at a moment of its own: %s', (random, factor) => {
    const machine = new GatewaySession({ nonce: 'n', serverTime: '', random });
    let nowMs = 0;
    machine.handle({ type: 'open' }, 0);
    machine.handle({ type: 'text', text: JSON.stringify(auth()) }, 0);
    machine.handle({ type: 'authenticated', sessionId: 's', epoch: 1, jobs: [] }, 0);
    for (;;) {
      nowMs = Math.min(nowMs + 20_000, machine.wakeAtMs ?? Infinity);
      machine.handle({ type: 'activity' }, nowMs);
      const texts = machine.handle({ type: 'tick' }, nowMs);
      if (texts.some((effect) => effect.type === 'send' && effect.text.includes('"drain"'))) break;
    }
    expect(nowMs / TIMES.ageMs).toBeCloseTo(factor, 2);
  });

  test('and the agent comes back after the time named, spread, and goes on with its jobs', () => {
    const bench = new AgentBench([held()]);
    bench.do({ type: 'start' });
    bench.open([verdict]);
    bench.nowMs += TIMES.ageMs;
    bench.random = 0.25;
    const effects = bench.hear({ type: 'drain', deadlineMs: TIMES.gatewayDrainMs, reconnectAfterMs: 1_000 });
    expect(effects).toMatchObject([{ type: 'close', code: CLOSE.draining }]);
    expect(bench.do({ type: 'closed', code: CLOSE.draining })).toEqual([{ type: 'connect', afterMs: 1_250 }]);
    const again = bench.open([{ ...verdict, durableSeq: 1 }]);
    expect(agentSent(again)).toMatchObject([{ type: 'job.resume', ...ref }]);
    expect(batches(again)).toEqual([2]);
  });
});

describe('the gateway ends a session', () => {
  test('with 4002 and a time to wait when the store did not answer in time', () => {
    const effects = new GatewayBench().running().do({ type: 'failed', message: 'late', overloaded: true });
    expect(closed(effects)).toEqual([CLOSE.overloaded]);
    expect(sent(effects)).toMatchObject([{ type: 'bye', code: CLOSE.overloaded, retryAfterMs: TIMES.overloadedMs }]);
  });

  test('with 4002 when an agent sends more control messages than it takes, and not before', () => {
    const bench = new GatewayBench();
    bench.open();
    const progress = { type: 'job.progress', ...lease, scopesDone: 0, scopesTotal: null, records: 0, current: [] };
    // `auth` was the first of them.
    for (let n = 1; n < LIMITS.controlBurst; n += 1) expect(closed(bench.hear(progress))).toEqual([]);
    expect(closed(bench.hear(progress))).toEqual([CLOSE.overloaded]);
    expect(bench.hear(progress)).toEqual([]);
  });

  test('never for what a busy agent sends', () => {
    const bench = new GatewayBench();
    bench.open();
    const progress = { type: 'job.progress', ...lease, scopesDone: 0, scopesTotal: null, records: 0, current: [] };
    for (let ms = 0; ms < 600_000; ms += TIMES.progressMs) {
      bench.nowMs += TIMES.progressMs;
      for (let job = 0; job < LIMITS.heldJobs; job += 1) expect(closed(bench.hear(progress))).toEqual([]);
      expect(closed(bench.hear({ type: 'status', status: someStatus() }))).toEqual([]);
    }
  });

  test('with 4002 when what floods are messages that it ignores', () => {
    const bench = new GatewayBench();
    bench.open();
    const codes = Array.from({ length: LIMITS.controlBurst }, () => closed(bench.hear({ type: 'news', opt: true })));
    expect(codes.flat()).toEqual([CLOSE.overloaded]);
  });

  test('with 4004 when the agent does not read', () => {
    expect(closed(new GatewayBench().running().do({ type: 'congested' }))).toEqual([CLOSE.slowConsumer]);
  });

  test('with 4011 when the store forgot what was acknowledged', () => {
    const bench = new GatewayBench().running();
    bench.frame(1);
    bench.do({ type: 'stored', stream: 1, bytes: 100, result: 'stored', durableSeq: 1 });
    bench.frame(2);
    const effects = bench.do({ type: 'stored', stream: 1, bytes: 100, result: 'gap', durableSeq: 0 });
    expect(closed(effects)).toEqual([CLOSE.stateLost]);
    expect(sent(effects).map(({ type }) => type)).toEqual(['bye']);
  });

  test('with 4011 when the finish shows that the store forgot', () => {
    const bench = new GatewayBench().running();
    bench.frame(1);
    bench.do({ type: 'stored', stream: 1, bytes: 100, result: 'stored', durableSeq: 1 });
    bench.hear({ type: 'job.finish', ...lease, lastSeq: 1, records: 1, sha256: '', result: 'ok' });
    const effects = bench.do({ type: 'finished', ...ref, result: 'gap', durableSeq: 0 });
    expect(closed(effects)).toEqual([CLOSE.stateLost]);
  });

  test.each([CLOSE.duplicateIdentity, CLOSE.organisationMismatch, CLOSE.agentDisabled, CLOSE.unknownAgent])(
    'with %i when the store says so, also in the middle of it',
    (closeCode) => {
      const refused = { type: 'refused', closeCode, message: 'm', advice: 'a' } as const;
      const early = new GatewayBench();
      early.do({ type: 'open' });
      early.hear(auth());
      expect(closed(early.do(refused))).toEqual([closeCode]);
      const late = new GatewayBench().running().do(refused);
      expect(closed(late)).toEqual([closeCode]);
      expect(types(late)).toContain('disconnected');
    },
  );
});

describe('the agent obeys a close code', () => {
  const after = (code: number, bye: boolean): number => {
    const bench = new AgentBench();
    bench.do({ type: 'start' });
    bench.open();
    if (bye) bench.hear({ type: 'bye', code, message: 'm', advice: 'a' });
    const [effect] = bench.do({ type: 'closed', code: bye ? 1006 : code }).filter(({ type }) => type === 'connect');
    return effect?.type === 'connect' ? effect.afterMs : Number.NaN;
  };

  test.each([...Object.values(CLOSE), 4123, 4499, 4500, 4599, 4999, 1000, 1001, 1006, 1009, 1011, 1015, 3000])(
    '%i by its range, whether it knows the code or not',
    (code) => {
      const slow = code >= 4500 && code <= 4999;
      for (const bye of [true, false]) {
        const ms = after(code, bye);
        if (slow) expect(ms).toBe(TIMES.slowLaneMs);
        else if (code === CLOSE.superseded) expect(ms).toBeGreaterThanOrEqual(TIMES.supersededFloorMs);
        else expect(ms).toBeLessThanOrEqual(TIMES.backoffBaseMs);
      }
    },
  );

  test('of bye before that of the socket, and the time in it', () => {
    const bench = new AgentBench();
    bench.do({ type: 'start' });
    bench.open();
    bench.hear({ type: 'bye', code: CLOSE.overloaded, message: 'm', advice: 'a', retryAfterMs: 15_000 });
    expect(bench.do({ type: 'closed', code: 4500 })).toEqual([{ type: 'connect', afterMs: 22_500 }]);
  });
});

describe('the agent ends a session', () => {
  test('with 4004 when the gateway does not read', () => {
    const bench = new AgentBench().running();
    expect(bench.do({ type: 'congested' })).toMatchObject([{ type: 'close', code: CLOSE.slowConsumer }]);
    expect(bench.do({ type: 'congested' })).toEqual([]);
  });

  test('after it has said so, rejecting offers and sending on what it has', () => {
    const bench = new AgentBench().running();
    expect(bench.machine.settled).toBe(true);
    expect(agentSent(bench.do({ type: 'drain', deadlineMs: TIMES.agentDrainMs }))).toEqual([
      { type: 'drain', deadlineMs: TIMES.agentDrainMs, reconnectAfterMs: 0 },
    ]);
    const other = {
      type: 'job.offer',
      jobId: 'job-2',
      attempt: 1,
      leaseToken: 't',
      leaseTtlMs: 1,
      credit: 1,
      spec: '',
      signature: '',
    };
    expect(agentSent(bench.hear(other))).toMatchObject([
      { type: 'job.reject', jobId: 'job-2', error: { retryable: true } },
    ]);
    // What the handler wrote when it was stopped.
    expect(batches(bench.do({ type: 'spooled', ...ref, seq: 1, bytes: 400 }))).toEqual([1]);
    expect(bench.machine.settled).toBe(false);
    bench.hear({ type: 'ack', stream: 1, upto: 1, credit: 400 });
    expect(bench.machine.settled).toBe(true);
  });

  test('not before a job that ended is closed', () => {
    const bench = new AgentBench().running();
    bench.do({ type: 'sealed', ...ref, seal: { lastSeq: 0, records: 0, sha256: '0'.repeat(64), result: 'ok' } });
    expect(bench.machine.settled).toBe(false);
    bench.hear({ type: 'job.closed', ...ref });
    expect(bench.machine.settled).toBe(true);
  });

  test('at once when there is none', () => {
    const bench = new AgentBench([held()]);
    expect(bench.machine.settled).toBe(true);
    bench.do({ type: 'start' });
    bench.open([verdict]);
    expect(bench.machine.settled).toBe(false);
    bench.do({ type: 'closed', code: 1006 });
    expect(bench.machine.settled).toBe(true);
  });

  test('and both may drain at once', () => {
    const agent = new AgentBench().running();
    agent.do({ type: 'drain', deadlineMs: 1 });
    expect(agent.hear({ type: 'drain', deadlineMs: 1, reconnectAfterMs: 1 })).toMatchObject([{ type: 'close' }]);
    const gateway = new GatewayBench().running();
    gateway.do({ type: 'drain', deadlineMs: 5_000, reconnectAfterMs: 1 });
    expect(gateway.hear({ type: 'drain', deadlineMs: 1, reconnectAfterMs: 0 })).toEqual([]);
    expect(types(gateway.do({ type: 'closed' }))).toEqual(['disconnected']);
  });
});

describe('the status', () => {
  const statuses = (effects: Parameters<typeof agentSent>[0]) =>
    agentSent(effects).filter(({ type }) => type === 'status');

  test('is sent at once, then no faster than its pace, and the last value counts', () => {
    const bench = new AgentBench().running();
    const told = (hostname: string) => statuses(bench.do({ type: 'status', status: someStatus({ hostname }) }));
    expect(told('a')).toMatchObject([{ status: { hostname: 'a' } }]);
    expect(told('b')).toEqual([]);
    expect(told('c')).toEqual([]);
    const atMs = bench.nowMs + TIMES.statusMs;
    expect(bench.machine.wakeAtMs).toBe(atMs);
    expect(statuses(bench.wake())).toMatchObject([{ status: { hostname: 'c' } }]);
    expect(bench.machine.wakeAtMs).not.toBe(bench.nowMs);
    expect(statuses(bench.do({ type: 'status', status: someStatus({ hostname: 'c' }) }))).toEqual([]);
  });
});

describe('records in parts', () => {
  const run = (capabilities: readonly string[]) => {
    const bench = new AgentBench();
    bench.do({ type: 'start' });
    bench.do({ type: 'opened' });
    bench.hear({
      type: 'hello',
      nonce: 'nonce-1',
      serverTime: '',
      protocol: { min: 1, max: 1 },
      limits: { controlBytes: 1, dataBytes: 1, batchRecords: 1 },
    });
    bench.do({ type: 'signed', nonce: 'nonce-1', signature: 'c2ln' });
    bench.hear({ ...welcome, capabilities });
    bench.hear({ type: 'job.offer', ...lease, leaseTtlMs: 60_000, credit: 1_000, spec: '{}', signature: 'c2ln' });
    return bench.do({ type: 'verified', ...ref });
  };

  test('are used for a job that came from a catalog which takes them, and for no other', () => {
    expect(run(['parts', 'more'])).toMatchObject([{ type: 'record', parts: true }]);
    expect(run(['zstd'])).toMatchObject([{ type: 'record', parts: false }]);
  });

  test('give a job back when the catalog of a later session does not take them', () => {
    for (const [parts, capabilities, goesOn] of [
      [true, ['parts'], true],
      [true, [], false],
      [false, [], true],
    ] as const) {
      const bench = new AgentBench([held({ parts })]);
      bench.do({ type: 'start' });
      bench.do({ type: 'opened' });
      bench.hear({
        type: 'hello',
        nonce: 'nonce-1',
        serverTime: '',
        protocol: { min: 1, max: 1 },
        limits: { controlBytes: 1, dataBytes: 1, batchRecords: 1 },
      });
      bench.do({ type: 'signed', nonce: 'nonce-1', signature: 'c2ln' });
      const effects = bench.hear({ ...welcome, capabilities, jobs: [verdict] });
      expect(agentSent(effects)).toMatchObject([
        goesOn ? { type: 'job.resume' } : { type: 'job.reject', error: { retryable: true } },
      ]);
      expect(effects.some(({ type }) => type === 'remove')).toBe(!goesOn);
    }
  });
});
