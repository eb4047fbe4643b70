import { describe, expect, test } from 'vitest';
import { CLOSE, CREDIT, TIMES } from '#protocol/constants.ts';
import {
  Bench as AgentBench,
  sent as agentSent,
  types as agentTypes,
  batches,
  held,
  lease,
  offer,
  ref,
  seal,
  verdict,
} from './agent-bench.ts';
import { BIG, closed, Bench as GatewayBench, sent, stores, types } from './gateway-bench.ts';

const later = { ...lease, attempt: 2, leaseToken: 'canary-later' };
const finish = { type: 'job.finish', ...lease, lastSeq: 0, records: 0, sha256: '', result: 'ok' };
const said = (effects: Parameters<typeof agentSent>[0]): string[] => agentSent(effects).map(({ type }) => type);

/** Named as in PROTOCOL.md, "Races". */
describe('finish and cancel cross', () => {
  test('the agent has sealed: it ignores the cancel, and takes either end', () => {
    const bench = new AgentBench().running();
    expect(said(bench.do({ type: 'sealed', ...ref, seal: { ...seal, lastSeq: 0 } }))).toEqual(['job.finish']);
    expect(bench.hear({ type: 'job.cancel', ...ref, reason: 'asked' })).toEqual([]);
    expect(bench.hear({ type: 'job.closed', ...ref })).toEqual([{ type: 'remove', ...ref, why: 'closed' }]);
  });

  test('the gateway passes both on; the store decides', () => {
    const bench = new GatewayBench().running();
    expect(types(bench.hear(finish))).toEqual(['finish']);
    expect(sent(bench.do({ type: 'wake', cancel: ref }))).toMatchObject([{ type: 'job.cancel' }]);
    expect(sent(bench.do({ type: 'finished', ...ref, result: 'closed', durableSeq: 0 }))).toEqual([
      { type: 'job.closed', ...ref },
    ]);
    // Of a job that is over nothing is said any more.
    expect(sent(bench.do({ type: 'wake', cancel: ref }))).toEqual([]);
  });
});

describe('cancel comes before the attempt is recorded', () => {
  test('it is accepted and cancelled at once, never started', () => {
    const bench = new AgentBench();
    bench.do({ type: 'start' });
    bench.open();
    bench.hear({ ...offer, credit: 1_000 });
    expect(bench.hear({ type: 'job.cancel', ...ref, reason: 'asked' })).toEqual([]);
    bench.do({ type: 'verified', ...ref });
    const effects = bench.do({ type: 'recorded', ...ref });
    expect(said(effects)).toEqual(['job.accept']);
    expect(agentTypes(effects)).toEqual(['send', 'cancel']);
  });
});

describe('cancel and lost cross', () => {
  test('lost wins, whichever comes first', () => {
    for (const order of [
      ['job.cancel', 'job.lost'],
      ['job.lost', 'job.cancel'],
    ]) {
      const bench = new AgentBench().running();
      const effects = order.flatMap((type) => bench.hear({ type, ...ref, reason: 'asked' }));
      expect(effects.filter(({ type }) => type === 'remove')).toEqual([{ type: 'remove', ...ref, why: 'lost' }]);
      // Its end is reported to nobody.
      expect(bench.do({ type: 'sealed', ...ref, seal: { ...seal, result: 'cancelled' } })).toEqual([]);
    }
  });
});

describe('finish and lost cross', () => {
  test('the gateway answers a finish of a lease that is gone with lost, each time', () => {
    const bench = new GatewayBench().running();
    bench.hear({ type: 'heartbeat', leases: [lease] });
    bench.do({ type: 'renewed', lost: [ref], cancelled: [], current: true });
    for (let n = 0; n < 2; n += 1) expect(sent(bench.hear(finish))).toEqual([{ type: 'job.lost', ...ref }]);
  });

  test('the agent takes lost twice', () => {
    const bench = new AgentBench().running();
    expect(bench.hear({ type: 'job.lost', ...ref })).toHaveLength(1);
    expect(bench.hear({ type: 'job.lost', ...ref })).toEqual([]);
  });
});

describe('finish and closed cross a cut', () => {
  test.each([
    [{}, 'closed'],
    [{ published: false }, 'unpublished'],
  ])('the finish is said again in the next session, and finished ends it (%o)', (more, why) => {
    const bench = new AgentBench([held({ frameBytes: [], trimmedSeq: 2, seal })]);
    bench.do({ type: 'start' });
    expect(said(bench.open([{ ...verdict, durableSeq: 2 }]))).toEqual(['job.resume', 'job.finish']);
    bench.do({ type: 'closed', code: 1006 });
    const effects = bench.open([{ ...verdict, verdict: 'finished', durableSeq: 2, ...more }]);
    expect(effects).toEqual([{ type: 'remove', ...ref, why }]);
    // The answer to the first finish, delivered late, finds nothing.
    expect(bench.hear({ type: 'job.closed', ...ref })).toEqual([]);
  });
});

describe('an offer and a disconnection cross', () => {
  test('while it is verified: it is forgotten, and what is written later is deleted', () => {
    const bench = new AgentBench();
    bench.do({ type: 'start' });
    bench.open();
    bench.hear(offer);
    bench.do({ type: 'closed', code: 1006 });
    bench.do({ type: 'verified', ...ref });
    expect(bench.open()).toEqual([{ type: 'remove', ...ref, why: 'lost' }]);
    expect(bench.do({ type: 'recorded', ...ref })).toEqual([{ type: 'remove', ...ref, why: 'lost' }]);
  });

  test('after it was recorded: the next auth names it and the verdict starts it', () => {
    const bench = new AgentBench();
    bench.do({ type: 'start' });
    bench.open();
    bench.hear(offer);
    bench.do({ type: 'verified', ...ref });
    bench.do({ type: 'closed', code: 1006 });
    expect(bench.do({ type: 'recorded', ...ref })).toEqual([]);
    const effects = bench.open([verdict]);
    expect(said(effects)).toEqual(['job.resume']);
    expect(agentTypes(effects)).toContain('startJob');
  });

  test('at the gateway: the lease stays with the store, which the session no longer touches', () => {
    const bench = new GatewayBench();
    bench.open();
    bench.wake();
    bench.do({ type: 'claimed', offer: { ...lease, spec: '{}', signature: '' } });
    expect(types(bench.do({ type: 'closed' }))).toEqual(['disconnected']);
    expect(bench.do({ type: 'tick' })).toEqual([]);
    // A claim that was answered after the agent had gone is told to nobody; the lease runs out.
    expect(bench.do({ type: 'claimed', offer: { ...later, spec: '{}', signature: '' } })).toEqual([]);
  });
});

describe('accept and withdrawal cross', () => {
  test('the late accept is answered with lost, its data is passed over and its credit returned', () => {
    const bench = new GatewayBench();
    bench.open();
    bench.wake();
    bench.do({ type: 'claimed', offer: { ...lease, spec: '{}', signature: '' } });
    bench.nowMs += TIMES.offerMs;
    expect(types(bench.do({ type: 'tick' }))).toContain('reject');
    expect(sent(bench.hear({ type: 'job.accept', ...lease, stream: 1 }))).toEqual([{ type: 'job.lost', ...ref }]);
    expect(sent(bench.frame(1, 500))).toEqual([{ type: 'ack', stream: 1, upto: 0, credit: 500 }]);
    expect(closed(bench.hear({ type: 'job.accept', ...later, stream: 1 }))).toEqual([CLOSE.badMessage]);
  });
});

describe('an ack of a stream that ended', () => {
  test('gives its credit to the connection; what it confirms is ignored', () => {
    const bench = new AgentBench().running(1_000, 1_000);
    bench.do({ type: 'spooled', ...ref, seq: 1, bytes: 900 });
    bench.hear({ type: 'job.lost', ...ref });
    bench.hear({ ...offer, ...later, credit: 1_000 });
    bench.do({ type: 'verified', jobId: later.jobId, attempt: 2 });
    bench.do({ type: 'recorded', jobId: later.jobId, attempt: 2 });
    expect(batches(bench.do({ type: 'spooled', jobId: later.jobId, attempt: 2, seq: 1, bytes: 900 }))).toEqual([]);
    expect(batches(bench.hear({ type: 'ack', stream: 1, upto: 77, credit: 900 }))).toEqual([1]);
  });
});

describe('a nack that comes twice', () => {
  test('makes the agent send again twice, and nothing else', () => {
    const bench = new AgentBench().running(4_000);
    for (const seq of [1, 2, 3]) bench.do({ type: 'spooled', ...ref, seq, bytes: 100 });
    bench.hear({ type: 'ack', stream: 1, upto: 1, credit: 0 });
    expect(batches(bench.hear({ type: 'nack', stream: 1, durableSeq: 1 }))).toEqual([2, 3]);
    expect(batches(bench.hear({ type: 'nack', stream: 1, durableSeq: 1 }))).toEqual([2, 3]);
  });

  test('is said once by the gateway for any number of batches after the gap', () => {
    const bench = new GatewayBench().running();
    for (const seq of [2, 3, 4]) bench.frame(seq);
    const effects = bench.do({ type: 'stored', stream: 1, bytes: 100, result: 'gap', durableSeq: 0 });
    expect(sent(effects).filter(({ type }) => type === 'nack')).toHaveLength(1);
    for (const seq of [5, 6]) expect(types(bench.frame(seq))).toEqual([]);
    expect(stores(bench.frame(1))).toEqual([1]);
  });

  test('after its stream ended is ignored', () => {
    const bench = new AgentBench().running();
    bench.hear({ type: 'job.lost', ...ref });
    expect(bench.hear({ type: 'nack', stream: 1, durableSeq: 0 })).toEqual([]);
  });
});

describe('a job that is leased again to the same session', () => {
  test('gets no more onto the wire than the connection allows: the agent gives itself no refund', () => {
    const bench = new AgentBench().running(1_000, 1_500);
    bench.do({ type: 'spooled', ...ref, seq: 1, bytes: 900 });
    // Offered as the next attempt: the earlier one is over, its frame is still under way.
    const effects = bench.hear({ ...offer, ...later, credit: 1_000 });
    expect(effects).toMatchObject([{ type: 'remove', ...ref, why: 'lost' }, { type: 'verify' }]);
    bench.do({ type: 'verified', jobId: later.jobId, attempt: 2 });
    const accepted = bench.do({ type: 'recorded', jobId: later.jobId, attempt: 2 });
    expect(agentSent(accepted)).toMatchObject([{ type: 'job.accept', attempt: 2, stream: 2 }]);
    expect(batches(bench.do({ type: 'spooled', jobId: later.jobId, attempt: 2, seq: 1, bytes: 900 }))).toEqual([]);
    expect(batches(bench.hear({ type: 'ack', stream: 1, upto: 0, credit: 900 }))).toEqual([1]);
  });

  test('has its old frames discarded by the gateway, which returns what they cost to the connection', () => {
    const bench = new GatewayBench().running();
    for (const seq of [1, 2]) bench.frame(seq, BIG);
    bench.do({ type: 'stored', stream: 1, bytes: BIG, result: 'lost', durableSeq: 0 });
    const lost = bench.do({ type: 'renewed', lost: [ref], cancelled: [], current: true });
    expect(sent(lost)).toContainEqual({ type: 'ack', stream: 1, upto: 0, credit: 2 * BIG });
    bench.do({ type: 'claimed', offer: { ...later, spec: '{}', signature: '' } });
    bench.hear({ type: 'job.accept', ...later, stream: 2 });
    bench.do({ type: 'accepted', stream: 2, result: 'ok' });
    // One more of the old attempt was under way. None of its bytes reach the new one.
    const late = bench.frame(3, BIG, 1);
    expect(stores(late)).toEqual([]);
    expect(sent(late)).toEqual([{ type: 'ack', stream: 1, upto: 0, credit: BIG }]);
    expect(stores(bench.frame(1, BIG, 2))).toEqual([1]);
    // The whole connection is there again but for that one.
    let sum = BIG;
    for (let seq = 2; sum + BIG <= CREDIT.streamBytes; seq += 1, sum += BIG)
      expect(closed(bench.frame(seq, BIG, 2))).toEqual([]);
  });
});

describe('a heartbeat and its answer cross the end of an attempt', () => {
  test('what it calls lost or cancelled and is not there is ignored', () => {
    const bench = new AgentBench().running();
    bench.nowMs = bench.machine.wakeAtMs ?? 0;
    expect(said(bench.do({ type: 'tick' }))).toEqual(['heartbeat']);
    bench.hear({ type: 'job.closed', ...ref });
    const reply = { type: 'heartbeat.ok', leaseTtlMs: 60_000, lost: [ref], cancelled: [ref] };
    expect(bench.hear(reply)).toEqual([]);
    // A second answer to one question changes nothing.
    expect(bench.hear(reply)).toEqual([]);
  });
});

describe('a write is refused while a newer session opens', () => {
  test('the gateway finds out which it was before it calls an attempt lost', () => {
    const bench = new GatewayBench().running();
    bench.frame(1);
    expect(types(bench.do({ type: 'stored', stream: 1, bytes: 100, result: 'lost', durableSeq: 0 }))).toEqual([
      'renew',
    ]);
    const end = bench.do({ type: 'renewed', lost: [ref], cancelled: [], current: false });
    expect(sent(end).map(({ type }) => type)).toEqual(['bye']);
    expect(closed(end)).toEqual([CLOSE.superseded]);
  });
});

/** The store's own check has its tests in the lane `catalog`. */
describe('batches out of order, fed to the gateway directly', () => {
  test('go to the store one at a time and in the order in which they came, whatever their numbers', () => {
    const bench = new GatewayBench().running();
    const seen: number[] = [];
    let durable = 0;
    const numbers = [1, 1, 2, 1, 3, 3, 4];
    for (const seq of numbers) seen.push(...stores(bench.frame(seq)));
    expect(seen).toEqual([1]);
    for (let n = 0; n < numbers.length; n += 1) {
      const seq = seen.at(-1) ?? 0;
      const result = seq <= durable ? ('duplicate' as const) : ('stored' as const);
      durable = Math.max(durable, seq);
      seen.push(...stores(bench.do({ type: 'stored', stream: 1, bytes: 100, result, durableSeq: durable })));
    }
    expect(seen).toEqual(numbers);
    expect(durable).toBe(4);
    // Duplicates cost the agent nothing, and are acknowledged with what is durable.
    expect(sent(bench.wake())).toEqual([{ type: 'ack', stream: 1, upto: 4, credit: 300 }]);
  });

  test('after a gap are not stored until the batch comes that was asked for', () => {
    const bench = new GatewayBench().running();
    expect(stores(bench.frame(3))).toEqual([3]);
    bench.frame(4);
    const effects = bench.do({ type: 'stored', stream: 1, bytes: 100, result: 'gap', durableSeq: 0 });
    expect(sent(effects)).toContainEqual({ type: 'nack', stream: 1, durableSeq: 0 });
    for (const seq of [5, 2, 4, 3]) expect(stores(bench.frame(seq))).toEqual([]);
    expect(stores(bench.frame(1))).toEqual([1]);
    expect(stores(bench.do({ type: 'stored', stream: 1, bytes: 100, result: 'stored', durableSeq: 1 }))).toEqual([]);
    expect(stores(bench.frame(2))).toEqual([2]);
  });
});
