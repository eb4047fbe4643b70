import { describe, expect, test } from 'vitest';
import { CLOSE, CREDIT, LIMITS, TIMES } from '#protocol/constants.ts';
import { encodeFrame } from '#protocol/frame.ts';
import { auth, Bench, BIG, closed, lease, offer, ref, sent, stores, types } from './gateway-bench.ts';

describe('the handshake', () => {
  test('greets, authenticates, welcomes with credit, and asks for work', () => {
    const bench = new Bench();
    const hello = sent(bench.do({ type: 'open' }));
    expect(hello).toMatchObject([{ type: 'hello', nonce: 'nonce-1' }]);
    // Nothing of the gateway's own, such as the chance by which it ages the connection.
    expect(Object.keys(hello[0] ?? {}).sort()).toEqual(['limits', 'nonce', 'protocol', 'serverTime', 'type']);
    expect(bench.hear(auth())).toMatchObject([{ type: 'authenticate', nonce: 'nonce-1' }]);
    const effects = bench.do({ type: 'authenticated', sessionId: 'session-1', epoch: 7, jobs: [] });
    expect(sent(effects)).toMatchObject([{ type: 'welcome', epoch: 7, connectionCredit: CREDIT.connectionBytes }]);
    expect(types(effects)).toEqual(['send', 'subscribe']);
    expect(types(bench.wake())).toEqual(['claim']);
  });

  test('ends for an agent that does not authenticate in time', () => {
    const bench = new Bench();
    bench.do({ type: 'open' });
    expect(closed(bench.wake())).toEqual([CLOSE.authTimeout]);
    expect(bench.nowMs).toBe(1_000 + TIMES.authMs);
  });

  test('hands a refusal on with its advice', () => {
    const bench = new Bench();
    bench.do({ type: 'open' });
    bench.hear(auth());
    const effects = bench.do({ type: 'refused', closeCode: CLOSE.badSignature, message: 'wrong', advice: 'enrol' });
    expect(sent(effects)).toEqual([{ type: 'bye', code: CLOSE.badSignature, message: 'wrong', advice: 'enrol' }]);
    expect(closed(effects)).toEqual([CLOSE.badSignature]);
  });

  test('takes nothing before welcome', () => {
    const early = new Bench();
    early.do({ type: 'open' });
    expect(closed(early.hear({ type: 'heartbeat', leases: [] }))).toEqual([CLOSE.badMessage]);
    const data = new Bench();
    data.do({ type: 'open' });
    expect(closed(data.frame(1))).toEqual([CLOSE.badMessage]);
    const twice = new Bench();
    twice.open();
    expect(closed(twice.hear(auth()))).toEqual([CLOSE.badMessage]);
  });

  test('whose agent left meanwhile gives its session back', () => {
    const bench = new Bench();
    bench.do({ type: 'open' });
    bench.hear(auth());
    bench.do({ type: 'closed' });
    const effects = bench.do({ type: 'authenticated', sessionId: 'session-1', epoch: 7, jobs: [] });
    expect(types(effects)).toEqual(['disconnected']);
  });

  test('leaves published scopes out of a welcome that would be too large', () => {
    const publishedScopes = Array.from({ length: 5_000 }, (_, n) => `site/${'x'.repeat(40)}-${n}`);
    const job = { ...ref, verdict: 'continue' as const, durableSeq: 4, publishedScopes, cancel: false };
    const bench = new Bench();
    const [message] = bench.open([job], [{ ...lease, spooledSeq: 4, sealed: false }]);
    const text = message?.type === 'send' ? message.text : '';
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(LIMITS.controlBytes);
    const { jobs } = JSON.parse(text) as { jobs: { durableSeq: number; publishedScopes: string[] }[] };
    expect(jobs[0]?.durableSeq).toBe(4);
    expect(jobs[0]?.publishedScopes.length).toBeGreaterThan(100);
  });

  test.each([[undefined], [false]] as const)(
    'says of a finished attempt whether it was not published (%s)',
    (published) => {
      const bench = new Bench();
      const job = {
        ...ref,
        verdict: 'finished' as const,
        durableSeq: 4,
        publishedScopes: [],
        cancel: false,
        published,
      };
      const [message] = bench.open([job], [{ ...lease, spooledSeq: 4, sealed: true }]);
      const { jobs } = JSON.parse(message?.type === 'send' ? message.text : '') as { jobs: { published?: boolean }[] };
      expect(jobs.map((one) => one.published)).toEqual([published]);
    },
  );
});

describe('an offer', () => {
  test('that is not answered goes back, and a late accept is lost', () => {
    const bench = new Bench();
    bench.open();
    bench.wake();
    expect(sent(bench.do({ type: 'claimed', offer }))).toMatchObject([
      { type: 'job.offer', credit: CREDIT.streamBytes },
    ]);
    bench.nowMs += TIMES.offerMs;
    const effects = bench.do({ type: 'tick' });
    expect(effects).toMatchObject([{ type: 'reject', lease, error: { retryable: true } }, { type: 'send' }]);
    expect(sent(bench.hear({ type: 'job.accept', ...lease, stream: 1 }))).toEqual([{ type: 'job.lost', ...ref }]);
    // Data that the agent had sent with the accept is passed over, and its credit goes back.
    expect(sent(bench.frame(1))).toEqual([{ type: 'ack', stream: 1, upto: 0, credit: 100 }]);
  });

  test('is one at a time, up to four jobs', () => {
    const bench = new Bench();
    bench.open();
    expect(types(bench.wake())).toEqual(['claim']);
    for (let n = 1; n <= LIMITS.heldJobs; n += 1) {
      const next = { ...offer, jobId: `job-${n}` };
      expect(sent(bench.do({ type: 'claimed', offer: next }))).toMatchObject([{ type: 'job.offer' }]);
      const effects = bench.hear({ type: 'job.accept', ...next, stream: n });
      expect(types(effects)).toEqual(n < LIMITS.heldJobs ? ['accept', 'claim'] : ['accept']);
    }
    expect(types(bench.do({ type: 'wake' }))).toEqual([]);
  });

  test('is asked for again when a wake-up came while the store was looking', () => {
    const bench = new Bench();
    bench.open();
    bench.wake();
    expect(bench.do({ type: 'wake' })).toEqual([]);
    expect(types(bench.do({ type: 'claimed', offer: undefined }))).toEqual(['claim']);
    expect(types(bench.do({ type: 'claimed', offer: undefined }))).toEqual([]);
  });
});

describe('data', () => {
  test('goes to the store one batch after another, and not before the accept is confirmed', () => {
    const bench = new Bench();
    bench.open();
    bench.wake();
    bench.do({ type: 'claimed', offer });
    bench.hear({ type: 'job.accept', ...lease, stream: 1 });
    expect(stores(bench.frame(1))).toEqual([]);
    expect(stores(bench.frame(2))).toEqual([]);
    expect(stores(bench.do({ type: 'accepted', stream: 1, result: 'ok' }))).toEqual([1]);
    const stored = { type: 'stored', stream: 1, bytes: 100, result: 'stored', durableSeq: 1 } as const;
    expect(stores(bench.do(stored))).toEqual([2]);
  });

  test('is acknowledged after the commit, its credit returned only when it was consumed', () => {
    const bench = new Bench().running();
    bench.frame(1);
    expect(sent(bench.wake())).toEqual([]);
    bench.do({ type: 'stored', stream: 1, bytes: 100, result: 'stored', durableSeq: 1 });
    expect(sent(bench.wake())).toEqual([{ type: 'ack', stream: 1, upto: 1, credit: 0 }]);
    bench.do({ type: 'consumed', stream: 1, bytes: 100 });
    expect(sent(bench.wake())).toEqual([{ type: 'ack', stream: 1, upto: 1, credit: 100 }]);
  });

  test('gives half a window back at once', () => {
    const bench = new Bench().running();
    for (const seq of [1, 2, 3]) bench.frame(seq, BIG);
    for (const durableSeq of [1, 2, 3])
      bench.do({ type: 'stored', stream: 1, bytes: BIG, result: 'stored', durableSeq });
    bench.do({ type: 'consumed', stream: 1, bytes: BIG });
    bench.do({ type: 'consumed', stream: 1, bytes: BIG });
    const effects = bench.do({ type: 'consumed', stream: 1, bytes: BIG });
    expect(sent(effects)).toEqual([{ type: 'ack', stream: 1, upto: 3, credit: 3 * BIG }]);
  });

  test('over the credit of the stream ends the session with 4010', () => {
    const bench = new Bench().running();
    for (const seq of [1, 2, 3, 4]) expect(closed(bench.frame(seq, BIG))).toEqual([]);
    expect(closed(bench.frame(5, BIG))).toEqual([CLOSE.creditViolation]);
    expect(bench.frame(6)).toEqual([]);
  });

  test('over the credit of the connection ends the session with 4010, whatever the streams have left', () => {
    const bench = new Bench();
    bench.open();
    bench.wake();
    const codes: number[] = [];
    // Each attempt is lost after it sent nearly all it may: the frames stay with the store.
    for (let n = 1; n <= 5; n += 1) {
      const next = { ...offer, attempt: n };
      bench.do({ type: 'claimed', offer: next });
      bench.hear({ type: 'job.accept', ...next, stream: n });
      bench.do({ type: 'accepted', stream: n, result: 'ok' });
      for (let seq = 1; seq <= 4 && codes.length === 0; seq += 1) {
        codes.push(...closed(bench.frame(seq, BIG, n)));
        bench.do({ type: 'stored', stream: n, bytes: BIG, result: 'stored', durableSeq: seq });
      }
      bench.hear({ type: 'job.reject', ...next, error: { code: 'x', message: 'x', retryable: true, advice: 'x' } });
    }
    expect(codes).toEqual([CLOSE.creditViolation]);
  });

  test('after a gap is refused with one nack, until the batch asked for comes', () => {
    const bench = new Bench().running();
    bench.frame(2);
    bench.frame(3);
    const effects = bench.do({ type: 'stored', stream: 1, bytes: 100, result: 'gap', durableSeq: 0 });
    expect(sent(effects)).toEqual([
      { type: 'ack', stream: 1, upto: 0, credit: 200 },
      { type: 'nack', stream: 1, durableSeq: 0 },
    ]);
    expect(stores(bench.frame(4))).toEqual([]);
    expect(stores(bench.frame(1))).toEqual([1]);
  });

  test('that is stored already is acknowledged again, and costs nothing', () => {
    const bench = new Bench().running();
    bench.frame(1);
    bench.do({ type: 'stored', stream: 1, bytes: 100, result: 'duplicate', durableSeq: 4 });
    expect(sent(bench.wake())).toEqual([{ type: 'ack', stream: 1, upto: 4, credit: 100 }]);
  });

  test('on a stream that nobody bound, or with a broken checksum, ends the session', () => {
    expect(closed(new Bench().running().frame(1, 100, 9))).toEqual([CLOSE.badMessage]);
    const bench = new Bench().running();
    const bytes = encodeFrame({
      codec: 'zstd',
      stream: 1,
      seq: 1,
      records: 1,
      rawBytes: 1,
      payload: new Uint8Array([1]),
    });
    bytes[28] = 2;
    expect(closed(bench.do({ type: 'binary', bytes }))).toEqual([CLOSE.badMessage]);
  });

  test('of a session that was superseded is not called lost: the agent keeps its attempt', () => {
    const bench = new Bench().running();
    bench.frame(1);
    const effects = bench.do({ type: 'stored', stream: 1, bytes: 100, result: 'lost', durableSeq: 0 });
    expect(effects).toMatchObject([{ type: 'renew', leases: [lease] }]);
    const end = bench.do({ type: 'renewed', lost: [ref], cancelled: [], current: false });
    expect(sent(end).map(({ type }) => type)).toEqual(['bye']);
    expect(closed(end)).toEqual([CLOSE.superseded]);
  });

  test('of a lease that is gone is called lost, and its credit goes back to the connection', () => {
    const bench = new Bench().running();
    bench.frame(1);
    bench.frame(2);
    bench.do({ type: 'stored', stream: 1, bytes: 100, result: 'lost', durableSeq: 0 });
    const effects = bench.do({ type: 'renewed', lost: [ref], cancelled: [], current: true });
    expect(sent(effects)).toEqual([
      { type: 'ack', stream: 1, upto: 0, credit: 200 },
      { type: 'job.lost', ...ref },
    ]);
  });
});

describe('leases and endings', () => {
  test('a heartbeat is answered with what was lost and cancelled', () => {
    const bench = new Bench().running();
    expect(bench.hear({ type: 'heartbeat', leases: [lease] })).toMatchObject([{ type: 'renew', leases: [lease] }]);
    const effects = bench.do({ type: 'renewed', lost: [], cancelled: [ref], current: true });
    expect(sent(effects)).toEqual([{ type: 'heartbeat.ok', leaseTtlMs: TIMES.leaseTtlMs, lost: [], cancelled: [ref] }]);
  });

  test('a heartbeat before the last was answered ends the session', () => {
    const bench = new Bench().running();
    bench.hear({ type: 'heartbeat', leases: [lease] });
    expect(closed(bench.hear({ type: 'heartbeat', leases: [lease] }))).toEqual([CLOSE.badMessage]);
  });

  test('a finish is closed once the store says so', () => {
    const bench = new Bench().running();
    const finish = { type: 'job.finish', ...lease, lastSeq: 0, records: 0, sha256: '', result: 'ok' };
    expect(types(bench.hear(finish))).toEqual(['finish']);
    expect(types(bench.hear(finish))).toEqual([]);
    const effects = bench.do({ type: 'finished', ...ref, result: 'closed', durableSeq: 0 });
    expect(sent(effects)).toEqual([{ type: 'job.closed', ...ref }]);
    expect(types(effects)).toContain('claim');
  });

  test('a finish of a job that was not published says so', () => {
    const bench = new Bench().running();
    bench.hear({ type: 'job.finish', ...lease, lastSeq: 0, records: 0, sha256: '', result: 'ok' });
    const effects = bench.do({ type: 'finished', ...ref, result: 'closed', durableSeq: 0, published: false });
    expect(sent(effects)).toEqual([{ type: 'job.closed', ...ref, published: false }]);
  });

  test('a finish that comes with the accept waits until that is confirmed', () => {
    const bench = new Bench();
    bench.open();
    bench.wake();
    bench.do({ type: 'claimed', offer });
    bench.hear({ type: 'job.accept', ...lease, stream: 1 });
    const finish = { type: 'job.finish', ...lease, lastSeq: 0, records: 0, sha256: '', result: 'ok' };
    expect(types(bench.hear(finish))).toEqual([]);
    expect(types(bench.do({ type: 'accepted', stream: 1, result: 'ok' }))).toContain('finish');
  });

  test('a finish that is short of batches asks for them', () => {
    const bench = new Bench().running();
    bench.hear({ type: 'job.finish', ...lease, lastSeq: 3, records: 0, sha256: '', result: 'ok' });
    const effects = bench.do({ type: 'finished', ...ref, result: 'gap', durableSeq: 2 });
    expect(sent(effects)).toEqual([{ type: 'nack', stream: 1, durableSeq: 2 }]);
    expect(stores(bench.frame(3))).toEqual([3]);
  });

  test('a cancel reaches the agent when it is asked for', () => {
    const bench = new Bench().running();
    expect(sent(bench.do({ type: 'wake', cancel: ref }))).toMatchObject([{ type: 'job.cancel', ...ref }]);
  });

  test('a job goes on only with the lease that welcome let go on', () => {
    const job = { ...ref, verdict: 'continue' as const, durableSeq: 4, publishedScopes: [], cancel: false };
    const held = [{ ...lease, spooledSeq: 6, sealed: false }];
    const good = new Bench();
    good.open([job], held);
    expect(good.hear({ type: 'job.resume', ...lease, stream: 5 })).toEqual([]);
    expect(stores(good.frame(5, 100, 5))).toEqual([5]);
    const bad = new Bench();
    bad.open([job], held);
    const effects = bad.hear({ type: 'job.resume', ...lease, leaseToken: 'another', stream: 5 });
    expect(closed(effects)).toEqual([CLOSE.badMessage]);
  });

  test('silence ends the session', () => {
    const bench = new Bench().running();
    bench.nowMs += TIMES.livenessMs;
    const effects = bench.do({ type: 'tick' });
    expect(closed(effects)).toEqual([CLOSE.livenessTimeout]);
    expect(types(effects)).toContain('disconnected');
  });

  test('a drain asks the agent to leave, offers nothing more, and cuts it off in the end', () => {
    const bench = new Bench().running();
    const effects = bench.do({ type: 'drain', deadlineMs: 5_000, reconnectAfterMs: 1_000 });
    expect(sent(effects)).toEqual([{ type: 'drain', deadlineMs: 5_000, reconnectAfterMs: 1_000 }]);
    expect(types(bench.do({ type: 'wake' }))).toEqual([]);
    bench.nowMs += 5_000;
    expect(closed(bench.do({ type: 'tick' }))).toEqual([CLOSE.draining]);
  });

  test('a store that fails ends the session so that the agent comes back', () => {
    expect(closed(new Bench().running().do({ type: 'failed', message: 'no database' }))).toEqual([CLOSE.internal]);
  });
});
