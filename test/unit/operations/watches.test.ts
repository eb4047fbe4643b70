import { describe, expect, test } from 'vitest';
import { JobWatch } from '#agent/operations/job-watch.ts';
import { LinkWatch } from '#agent/operations/link-watch.ts';
import { whyNotReady } from '#agent/operations/readiness.ts';
import type { AgentEffect, AgentEvent } from '#protocol/agent-events.ts';
import { errorInfo } from '#protocol/errors.ts';

const clocked = () => {
  const at = { ms: 0 };
  return { at, clock: { nowMs: () => at.ms, timestamp: () => new Date(at.ms).toISOString() } };
};

const watched = () => {
  const { at, clock } = clocked();
  const said: unknown[] = [];
  const watch = new LinkWatch(
    {
      linkEnded: (code) => said.push(['ended', code]),
      roundTrip: (ms) => said.push(['roundTrip', ms]),
      batches: (...what) => said.push(what),
    },
    clock,
  );
  const step = (event: AgentEvent, ...effects: AgentEffect[]): unknown[] => {
    watch.step(event, effects);
    return said.splice(0);
  };
  return { at, watch, step };
};
const ref = { jobId: 'j', attempt: 1 };
const tick: AgentEvent = { type: 'tick' };

describe('what is known of the link by its steps', () => {
  test('how long a heartbeat takes, however its answer is written', () => {
    const { at, watch, step } = watched();
    expect(watch.roundTripMs).toBeNull();
    step(tick, { type: 'send', text: '{"type":"heartbeat","leases":[]}' });
    at.ms = 25;
    expect(step({ type: 'text', text: '{ "type" : "heartbeat.ok", "leaseTtlMs":1}' })).toEqual([['roundTrip', 25]]);
    expect(watch.roundTripMs).toBe(25);
    expect(step({ type: 'text', text: '{"type":"heartbeat.ok"}' })).toEqual([]);
  });

  test('since when there is a session, or none', () => {
    const { at, watch, step } = watched();
    at.ms = 1000;
    step({ type: 'text', text: '{"type":"welcome"}' });
    expect(watch.since).toBe('1970-01-01T00:00:01.000Z');
    at.ms = 2000;
    expect(step({ type: 'closed', code: 1006 })).toEqual([['ended', '1006']]);
    at.ms = 3000;
    expect(step({ type: 'unreachable' })).toEqual([['ended', 'unreachable']]);
    expect(watch.since).toBe('1970-01-01T00:00:02.000Z');
  });

  test('a code that the other end makes up is one of many', () => {
    expect(watched().step({ type: 'closed', code: 3123 })).toEqual([['ended', 'other']]);
  });

  test('what was spooled, sent and acknowledged, also of an earlier process', () => {
    const { step } = watched();
    expect(step({ type: 'spooled', ...ref, seq: 1, bytes: 10 })).toEqual([['spooled', 1, 10]]);
    step({ type: 'spooled', ...ref, seq: 2, bytes: 20 });
    expect(step(tick, { type: 'sendBatch', ...ref, seq: 1, bytes: 10 })).toEqual([['sent', 1, 10]]);
    expect(step(tick, { type: 'trim', ...ref, upto: 2 })).toEqual([['acked', 2, 30]]);
    expect(step(tick, { type: 'trim', ...ref, upto: 2 })).toEqual([]);
    const old = { jobId: 'old', attempt: 2 };
    step(tick, { type: 'sendBatch', ...old, seq: 7, bytes: 5 });
    step(tick, { type: 'sendBatch', ...old, seq: 8, bytes: 6 });
    expect(step(tick, { type: 'trim', ...old, upto: 7 })).toEqual([['acked', 1, 5]]);
  });
});

test('jobs are known while they run, and counted when they end, once', () => {
  const { at, clock } = clocked();
  const ended: unknown[] = [];
  const records: string[] = [];
  const watch = new JobWatch({ jobEnded: (...what) => ended.push(what), record: (kind) => records.push(kind) }, clock);
  const run = watch.begin('crawl', 'j', 'prod');
  run.progress({ scopesDone: 1, scopesTotal: 3, records: 9 });
  expect(watch.running).toMatchObject([{ jobId: 'j', connection: 'prod', scopesDone: 1, records: 9 }]);
  run.record({ t: 'asset', kind: 'sheet' });
  run.record({ t: 'edge', kind: 'contains' });
  run.record({ t: 'asset', kind: 'made up' });
  at.ms = 1500;
  run.ended('ok');
  run.ended('error');
  expect(watch.running).toEqual([]);
  expect(ended).toEqual([['crawl', 'ok', 1500]]);
  expect(records).toEqual(['sheet', 'edge', 'other']);
});

test.each([
  ['open', 0, undefined],
  ['open', 40_000, undefined],
  ['open', 40_001, 'has not answered for 40 s'],
  ['open', null, 'has not answered yet'],
  ['down', 5, 'No way [bridge.unreachable].'],
  ['connecting', null, 'No way [bridge.unreachable].'],
] as const)('%s, last answer %s ms ago: %s', (state, sinceRoundTripMs, why) => {
  const error = state === 'open' ? null : errorInfo('bridge.unreachable', 'No way');
  const found = whyNotReady({ state, sinceRoundTripMs, error });
  if (why === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(why);
});
