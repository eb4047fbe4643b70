import { describe, expect, test } from 'vitest';
import type { AgentEffect, HeldAttempt } from '#protocol/agent-events.ts';
import { CLOSE, LIMITS, TIMES } from '#protocol/constants.ts';
import { Bench, batches, held, hello, lease, offer, ref, seal, sent, types, verdict, welcome } from './agent-bench.ts';

describe('the handshake', () => {
  test('signs the nonce, tells what is held and comes to be open', () => {
    const bench = new Bench([held()]);
    expect(bench.do({ type: 'start' })).toEqual([{ type: 'connect', afterMs: 0 }]);
    expect(bench.do({ type: 'opened' })).toEqual([]);
    expect(bench.hear(hello)).toEqual([
      { type: 'sign', nonce: 'nonce-1' },
      { type: 'greeted', serverTime: hello.serverTime },
    ]);
    const [auth] = sent(bench.do({ type: 'signed', nonce: 'nonce-1', signature: 'c2ln' }));
    expect(auth).toMatchObject({
      type: 'auth',
      agentId: 'agent-1',
      jobs: [{ ...lease, spooledSeq: 2, sealed: false }],
    });
    bench.hear({ ...welcome, jobs: [verdict] });
    expect(bench.machine.state).toMatchObject({ name: 'open', epoch: 3 });
  });

  test('gives up on a gateway that says nothing', () => {
    const bench = new Bench();
    bench.do({ type: 'start' });
    bench.do({ type: 'opened' });
    expect(bench.wake()).toMatchObject([{ type: 'close', code: CLOSE.authTimeout }]);
    expect(bench.do({ type: 'closed', code: 1006 })).toMatchObject([{ type: 'connect' }]);
  });

  test('ignores a signature for an older nonce', () => {
    const bench = new Bench();
    bench.do({ type: 'start' });
    bench.do({ type: 'opened' });
    bench.hear(hello);
    expect(bench.do({ type: 'signed', nonce: 'older', signature: 'c2ln' })).toEqual([]);
  });

  test.each([
    ['not JSON', '{', CLOSE.badMessage],
    ['an unknown type', '{"type":"news"}', CLOSE.unknownMessage],
    ['a message out of its time', JSON.stringify(welcome), CLOSE.badMessage],
    ['a message that is too large', `{"type":"hello","pad":"${'x'.repeat(70_000)}"}`, CLOSE.badMessage],
  ])('ends on %s', (_what, text, code) => {
    const bench = new Bench();
    bench.do({ type: 'start' });
    bench.do({ type: 'opened' });
    expect(bench.do({ type: 'text', text })).toMatchObject([{ type: 'close', code }]);
  });

  test('passes over an unknown message that says it is optional', () => {
    const bench = new Bench();
    bench.do({ type: 'start' });
    bench.do({ type: 'opened' });
    expect(bench.hear({ type: 'news', opt: true })).toEqual([]);
    expect(bench.machine.state.name).toBe('greeting');
  });
});

describe('an offer', () => {
  test('is accepted only when it is verified and recorded', () => {
    const bench = new Bench();
    bench.do({ type: 'start' });
    bench.open();
    expect(types(bench.hear(offer))).toEqual(['verify']);
    expect(types(bench.do({ type: 'verified', ...ref }))).toEqual(['record']);
    const effects = bench.do({ type: 'recorded', ...ref });
    expect(sent(effects)).toEqual([{ type: 'job.accept', ...lease, stream: 1 }]);
    expect(types(effects)).toEqual(['send', 'startJob']);
  });

  test('that cannot be verified is rejected', () => {
    const bench = new Bench();
    bench.do({ type: 'start' });
    bench.open();
    bench.hear(offer);
    const error = { code: 'bridge.job_signature', message: 'no', retryable: false, advice: 'ask' };
    const effects = bench.do({ type: 'refused', ...ref, error });
    expect(sent(effects)).toEqual([{ type: 'job.reject', ...lease, error }]);
  });

  test('whose session ended while it was recorded is not accepted on the next', () => {
    const bench = new Bench();
    bench.do({ type: 'start' });
    bench.open();
    bench.hear(offer);
    bench.do({ type: 'verified', ...ref });
    bench.do({ type: 'closed', code: 1006 });
    bench.open();
    expect(bench.do({ type: 'recorded', ...ref })).toMatchObject([{ type: 'remove', why: 'lost' }]);
  });

  test('of a later attempt ends the earlier one', () => {
    const bench = new Bench().running();
    const effects = bench.hear({ ...offer, attempt: 2, leaseToken: 'canary-second' });
    expect(effects).toMatchObject([{ type: 'remove', attempt: 1, why: 'lost' }, { type: 'verify' }]);
  });

  test('that is refused in very many words, or works on apps with very long names, keeps its messages small', () => {
    const bench = new Bench();
    bench.do({ type: 'start' });
    bench.open();
    bench.hear(offer);
    const long = 'x'.repeat(100_000);
    const error = { code: 'spool.failed', message: long, retryable: true, advice: long };
    const [reject] = bench.do({ type: 'refused', ...ref, error }).filter(({ type }) => type === 'send');
    const running = new Bench().running();
    const progress = {
      ...ref,
      scopesDone: 1,
      scopesTotal: 2,
      records: 3,
      current: Array.from({ length: 20 }, () => long),
    };
    const [told] = running.do({ type: 'progress', progress });
    for (const effect of [reject, told]) {
      expect(effect?.type).toBe('send');
      expect(JSON.stringify(effect).length).toBeLessThan(LIMITS.controlBytes / 4);
    }
  });

  test('beyond the jobs that an agent holds at a time is refused, however many come', () => {
    const bench = new Bench();
    bench.do({ type: 'start' });
    bench.open();
    for (let n = 1; n <= LIMITS.heldJobs; n++)
      expect(types(bench.hear({ ...offer, jobId: `job-${n}` }))).toEqual(['verify']);
    const effects = bench.hear({ ...offer, jobId: 'one-more' });
    expect(types(effects)).toEqual(['send']);
    expect(sent(effects)).toMatchObject([{ type: 'job.reject', jobId: 'one-more', error: { retryable: true } }]);
  });

  test('is refused while the agent drains', () => {
    const bench = new Bench();
    bench.do({ type: 'start' });
    bench.open();
    expect(sent(bench.do({ type: 'drain', deadlineMs: 1_000 }))).toMatchObject([{ type: 'drain' }]);
    expect(sent(bench.hear(offer))).toMatchObject([{ type: 'job.reject', error: { retryable: true } }]);
  });
});

describe('data', () => {
  test('flows as far as the credit of the stream goes and on with an ack', () => {
    const bench = new Bench().running(1_000);
    expect(batches(bench.do({ type: 'spooled', ...ref, seq: 1, bytes: 600 }))).toEqual([1]);
    expect(batches(bench.do({ type: 'spooled', ...ref, seq: 2, bytes: 600 }))).toEqual([]);
    const effects = bench.hear({ type: 'ack', stream: 1, upto: 1, credit: 600 });
    expect(effects).toMatchObject([
      { type: 'trim', upto: 1 },
      { type: 'sendBatch', seq: 2 },
    ]);
  });

  test('an ack without credit trims and sends nothing', () => {
    const bench = new Bench().running(1_000);
    bench.do({ type: 'spooled', ...ref, seq: 1, bytes: 600 });
    bench.do({ type: 'spooled', ...ref, seq: 2, bytes: 600 });
    expect(types(bench.hear({ type: 'ack', stream: 1, upto: 1, credit: 0 }))).toEqual(['trim']);
  });

  test('obeys the credit of the connection over all streams, also of one that was dropped', () => {
    const bench = new Bench().running(1_000, 1_000);
    bench.do({ type: 'spooled', ...ref, seq: 1, bytes: 800 });
    bench.hear({ type: 'job.lost', ...ref });
    // The same job again, with a fresh window of its own: the wire is still full.
    bench.hear({ ...offer, attempt: 2, leaseToken: 'canary-second' });
    const second = { jobId: 'job-1', attempt: 2 };
    bench.do({ type: 'verified', ...second });
    expect(sent(bench.do({ type: 'recorded', ...second }))).toMatchObject([{ type: 'job.accept', stream: 2 }]);
    expect(batches(bench.do({ type: 'spooled', ...second, seq: 1, bytes: 800 }))).toEqual([]);
    expect(batches(bench.hear({ type: 'ack', stream: 1, upto: 0, credit: 800 }))).toEqual([1]);
  });

  test('that was never sent, as its attempt went away, gives its credit back', () => {
    const bench = new Bench().running(1_000, 1_000);
    bench.do({ type: 'spooled', ...ref, seq: 1, bytes: 800 });
    bench.hear({ type: 'job.lost', ...ref });
    const second = { jobId: 'job-2', attempt: 1 };
    bench.hear({ ...offer, ...second });
    bench.do({ type: 'verified', ...second });
    bench.do({ type: 'recorded', ...second });
    expect(batches(bench.do({ type: 'spooled', ...second, seq: 1, bytes: 800 }))).toEqual([]);
    expect(batches(bench.do({ type: 'unsent', bytes: 800 }))).toEqual([1]);
  });

  test('is sent again from where a nack says', () => {
    const bench = new Bench().running();
    for (const seq of [1, 2, 3]) bench.do({ type: 'spooled', ...ref, seq, bytes: 100 });
    expect(batches(bench.hear({ type: 'nack', stream: 1, durableSeq: 1 }))).toEqual([2, 3]);
  });

  test('an ack of what was never sent ends the session', () => {
    const bench = new Bench().running();
    bench.do({ type: 'spooled', ...ref, seq: 1, bytes: 100 });
    expect(bench.hear({ type: 'ack', stream: 1, upto: 2, credit: 0 })).toMatchObject([
      { type: 'close', code: CLOSE.badMessage },
    ]);
  });

  test('the finish waits until all is acknowledged', () => {
    const bench = new Bench().running();
    bench.do({ type: 'spooled', ...ref, seq: 1, bytes: 100 });
    bench.do({ type: 'spooled', ...ref, seq: 2, bytes: 100 });
    expect(bench.do({ type: 'sealed', ...ref, seal })).toEqual([]);
    expect(sent(bench.hear({ type: 'ack', stream: 1, upto: 1, credit: 100 }))).toEqual([]);
    expect(sent(bench.hear({ type: 'ack', stream: 1, upto: 2, credit: 100 }))).toEqual([
      { type: 'job.finish', ...lease, lastSeq: 2, records: 3, sha256: '0'.repeat(64), result: 'ok' },
    ]);
    expect(bench.hear({ type: 'job.closed', ...ref })).toMatchObject([{ type: 'remove', why: 'closed' }]);
  });

  test('an attempt whose job was not published is removed for that', () => {
    const bench = new Bench().running();
    expect(bench.hear({ type: 'job.closed', ...ref, published: false })).toMatchObject([
      { type: 'remove', why: 'unpublished' },
    ]);
  });
});

describe('after a restart', () => {
  const open = (attempt: HeldAttempt, said: object): AgentEffect[] => {
    const bench = new Bench([attempt]);
    bench.do({ type: 'start' });
    return bench.open([{ ...verdict, ...said }]);
  };

  test('an attempt is resumed from what the catalog has, and its crawl started', () => {
    const effects = open(held(), { durableSeq: 1 });
    expect(effects).toMatchObject([
      { type: 'send' },
      { type: 'trim', upto: 1 },
      { type: 'startJob', skipScopes: ['site/a'] },
      { type: 'sendBatch', seq: 2 },
    ]);
    expect(sent(effects)).toEqual([{ type: 'job.resume', ...lease, stream: 5 }]);
  });

  test('a sealed attempt is finished without crawling', () => {
    const effects = open(held({ seal }), { durableSeq: 2 });
    expect(types(effects)).not.toContain('startJob');
    expect(sent(effects).map(({ type }) => type)).toEqual(['job.resume', 'job.finish']);
  });

  test('a cancelled attempt is not started', () => {
    expect(types(open(held(), { cancel: true }))).toEqual(['send', 'trim', 'cancel', 'sendBatch', 'sendBatch']);
  });

  test.each([
    ['finished', {}, 'closed'],
    ['finished', { published: true }, 'closed'],
    ['finished', { published: false }, 'unpublished'],
    ['lost', {}, 'lost'],
  ])('a %s attempt is removed (%o: %s)', (said, more, why) => {
    expect(open(held(), { verdict: said, ...more })).toMatchObject([{ type: 'remove', why }]);
  });

  test('an attempt that the catalog does not mention is lost', () => {
    const bench = new Bench([held()]);
    bench.do({ type: 'start' });
    expect(bench.open([])).toMatchObject([{ type: 'remove', why: 'lost' }]);
  });

  test.each([
    ['more than the spool ever wrote', { durableSeq: 3 }, held()],
    ['less than the spool still has', { durableSeq: 1 }, held({ trimmedSeq: 2 })],
  ])('an attempt of which the catalog has %s is given up, never re-cut', (_what, said, attempt) => {
    const effects = open(attempt, said);
    expect(sent(effects)).toMatchObject([{ type: 'job.reject', error: { code: 'bridge.protocol', retryable: true } }]);
    expect(effects.at(-1)).toMatchObject({ type: 'remove', why: 'broken' });
  });

  test('a new stream gets a number that no held attempt has', () => {
    const bench = new Bench([held()]);
    bench.do({ type: 'start' });
    bench.open([verdict]);
    const other = { jobId: 'job-2', attempt: 1 };
    bench.hear({ ...offer, ...other });
    bench.do({ type: 'verified', ...other });
    expect(sent(bench.do({ type: 'recorded', ...other }))).toMatchObject([{ stream: 6 }]);
  });
});

describe('leases and life', () => {
  test('a heartbeat renews every lease, counted from when it was sent', () => {
    const bench = new Bench().running();
    expect(sent(bench.wake())).toEqual([{ type: 'heartbeat', leases: [lease] }]);
    const sentMs = bench.nowMs;
    bench.nowMs += 5_000;
    bench.hear({ type: 'heartbeat.ok', leaseTtlMs: 60_000, lost: [], cancelled: [] });
    expect(bench.machine.lastRoundTripMs).toBe(bench.nowMs);
    bench.do({ type: 'closed', code: 1006 });
    expect(bench.machine.wakeAtMs).toBe(sentMs + 60_000);
  });

  test('a lease that runs out pauses the crawl; welcome lets it go on', () => {
    const bench = new Bench().running();
    bench.do({ type: 'closed', code: 1006 });
    expect(bench.wake()).toEqual([{ type: 'pauseJob', ...ref }]);
    expect(bench.nowMs).toBe(61_000);
    const effects = bench.open([verdict]);
    expect(types(effects)).toContain('resumeJob');
    expect(types(effects)).not.toContain('startJob');
  });

  test('a heartbeat that is not answered is not repeated, and silence ends the session', () => {
    const bench = new Bench().running();
    const told: string[] = [];
    for (let n = 0; n < 6 && bench.machine.state.name === 'open'; n += 1) {
      bench.wake();
      told.push(...sent(bench.last).map(({ type }) => type));
    }
    expect(told).toEqual(['heartbeat']);
    expect(bench.last).toMatchObject([{ type: 'close', code: CLOSE.livenessTimeout }]);
    expect(bench.nowMs).toBe(1_000 + TIMES.livenessMs);
  });

  test('any byte counts as life', () => {
    const bench = new Bench().running();
    bench.nowMs = 40_000;
    bench.do({ type: 'activity' });
    bench.nowMs = 50_000;
    bench.do({ type: 'tick' });
    expect(bench.machine.state.name).toBe('open');
  });

  test('lost and cancelled come with the heartbeat too', () => {
    const bench = new Bench().running();
    bench.wake();
    const ok = { type: 'heartbeat.ok', leaseTtlMs: 60_000 };
    expect(types(bench.hear({ ...ok, lost: [], cancelled: [ref] }))).toEqual(['cancel']);
    bench.wake();
    expect(bench.hear({ ...ok, lost: [ref], cancelled: [] })).toMatchObject([{ type: 'remove', why: 'lost' }]);
  });

  test('a cancel after the seal changes nothing: the finish is on its way', () => {
    const bench = new Bench().running();
    bench.do({ type: 'sealed', ...ref, seal: { ...seal, lastSeq: 0 } });
    expect(bench.hear({ type: 'job.cancel', ...ref, reason: 'by a person' })).toEqual([]);
  });
});

describe('the end of a session', () => {
  test.each([
    [CLOSE.unknownAgent, 300_000],
    [CLOSE.superseded, 60_500],
    [CLOSE.internal, 500],
  ])('a bye with %d says when to come back', (code, afterMs) => {
    const bench = new Bench();
    bench.do({ type: 'start' });
    bench.open();
    const bye = { type: 'bye', code, message: 'that is it', advice: 'do something' };
    expect(bench.hear(bye)).toMatchObject([{ type: 'ended', code }]);
    // What the socket says afterwards does not matter.
    expect(bench.do({ type: 'closed', code: 1006 })).toEqual([{ type: 'connect', afterMs }]);
  });

  test('a drain is obeyed: away, and back when asked', () => {
    const bench = new Bench();
    bench.do({ type: 'start' });
    bench.open();
    const effects = bench.hear({ type: 'drain', deadlineMs: 5_000, reconnectAfterMs: 8_000 });
    expect(effects).toMatchObject([{ type: 'close', code: CLOSE.draining }]);
    expect(bench.do({ type: 'closed', code: 1005 })).toEqual([{ type: 'connect', afterMs: 12_000 }]);
  });

  test('a heartbeat that is never answered ends it, though bytes come', () => {
    const bench = new Bench();
    bench.do({ type: 'start' });
    bench.open();
    const closes: number[] = [];
    for (let ms = 0; ms < 200_000 && closes.length === 0; ms += 5_000) {
      bench.nowMs += 5_000;
      bench.do({ type: 'activity' });
      for (const effect of bench.do({ type: 'tick' })) if (effect.type === 'close') closes.push(effect.code);
    }
    expect(closes).toEqual([CLOSE.livenessTimeout]);
  });

  test('a machine that slept leaves at once and dials as if nothing had failed before', () => {
    const bench = new Bench();
    bench.do({ type: 'start' });
    for (let n = 0; n < 6; n += 1) bench.do({ type: 'unreachable' });
    bench.do({ type: 'woke' });
    expect(bench.do({ type: 'unreachable' })).toEqual([{ type: 'connect', afterMs: 500 }]);
    bench.open();
    bench.nowMs += 20_000;
    expect(bench.do({ type: 'woke' })).toMatchObject([{ type: 'close', code: CLOSE.livenessTimeout }]);
    expect(bench.do({ type: 'closed', code: 1006 })).toEqual([{ type: 'connect', afterMs: 500 }]);
  });
});
