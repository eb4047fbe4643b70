import { expect, test } from 'vitest';
import { Pace } from '#agent/crawl/pace/pace.ts';

const SECOND = 1_000;

test('begins at its limit, and does not grow beyond it', () => {
  const pace = new Pace(2);
  for (let app = 0; app < 50; app++) expect(pace.finished()).toBeUndefined();
  expect(pace.sessions).toBe(2);
  expect(pace.reason).toBeUndefined();
});

test('an engine that is short of memory halves it, and every eight calm apps add one', () => {
  const pace = new Pace(4);
  expect(pace.strained('memory', 0)).toEqual({ what: 'fewer', reason: 'memory', sessions: 2 });
  // What the apps side by side meet at the same time is the same strain.
  expect(pace.strained('memory', 4 * SECOND)).toBeUndefined();
  expect(pace.sessions).toBe(2);
  expect(pace.strained('memory', 5 * SECOND)).toMatchObject({ sessions: 1 });
  // Never less than one, for else nobody would see that it is over.
  expect(pace.strained('memory', 20 * SECOND)).toBeUndefined();
  const grown: number[] = [];
  for (let app = 1; app <= 30; app++) {
    if (app === 4) pace.strained('aborted', 21 * SECOND);
    const change = pace.finished();
    if (change?.what === 'more') grown.push(app);
  }
  // The strain at the fourth began the count anew.
  expect(grown).toEqual([11, 19, 27]);
  expect(pace.sessions).toBe(4);
  expect(pace.reason).toBeUndefined();
});

test.each(['aborted', 'busy'] as const)('single calls that were %s are common; a storm of them is not', (by) => {
  const pace = new Pace(4);
  for (let minute = 0; minute < 20; minute++) expect(pace.strained(by, minute * 60 * SECOND)).toBeUndefined();
  const storm = [0, 1, 2, 3, 4].map((at) => pace.strained(by, 2_000 * SECOND + at * SECOND)?.sessions);
  expect(storm).toEqual([undefined, undefined, undefined, undefined, 2]);
});

test('sessions of the user that are taken make it smaller', () => {
  const pace = new Pace(2);
  expect(pace.strained('sessions', 0)).toEqual({ what: 'fewer', reason: 'sessions', sessions: 1 });
});

test('opens that take thrice as long as the usual one make it smaller; a single one does not, nor some milliseconds', () => {
  const pace = new Pace(4);
  let nowMs = 0;
  const open = (tookMs: number) => {
    nowMs += 10 * SECOND;
    return pace.opened(tookMs, nowMs);
  };
  for (let app = 0; app < 20; app++) expect(open(40 + (app % 5))).toBeUndefined();
  expect(open(5_000)).toBeUndefined();
  for (let app = 0; app < 8; app++) expect(open(150)).toBeUndefined();
  const slow = [900, 900, 900, 900].map((tookMs) => open(tookMs)?.reason);
  expect(slow.filter((reason) => reason === 'slow')).toEqual(['slow']);
  expect(pace.sessions).toBe(2);
});

test('a crawl that was slow from the start is not slow by its own measure', () => {
  const pace = new Pace(4);
  for (let app = 0; app < 1_000; app++) expect(pace.opened(3_000 + (app % 7), app * SECOND)).toBeUndefined();
});

test('pauses while the engine says that it is saturated, and goes on with half', () => {
  const pace = new Pace(4);
  expect(pace.health(false, 0)).toBeUndefined();
  expect(pace.askAtMs).toBe(10 * SECOND);
  expect(pace.health(true, 10 * SECOND)).toEqual({ what: 'pause', reason: 'saturated', sessions: 0 });
  expect(pace.sessions).toBe(0);
  expect(pace.health(true, 20 * SECOND)).toBeUndefined();
  expect(pace.health(false, 30 * SECOND)).toEqual({ what: 'resume', reason: 'saturated', sessions: 2 });
});

test('an engine that cannot be asked is done without, also in a pause, and is asked less often', () => {
  const pace = new Pace(2);
  expect(pace.health(undefined, 0)).toBeUndefined();
  expect(pace.askAtMs).toBe(60 * SECOND);
  expect(pace.sessions).toBe(2);
  pace.health(true, 60 * SECOND);
  expect(pace.health(undefined, 70 * SECOND)).toMatchObject({ what: 'resume', sessions: 1 });
});

test('an engine that says without end that it is saturated stops no crawl for ever', () => {
  const pace = new Pace(4);
  pace.health(true, 0);
  let resumedMs = 0;
  for (let nowMs = 10 * SECOND; resumedMs === 0; nowMs += 10 * SECOND)
    if (pace.health(true, nowMs)?.what === 'resume') resumedMs = nowMs;
  expect(resumedMs).toBe(600 * SECOND);
  expect(pace.sessions).toBe(1);
  // Not believed again, and no more at a time, until it says otherwise.
  for (let app = 0; app < 20; app++) expect(pace.finished()).toBeUndefined();
  expect(pace.health(true, 700 * SECOND)).toBeUndefined();
  expect(pace.sessions).toBe(1);
  pace.health(false, 710 * SECOND);
  expect(pace.health(true, 720 * SECOND)).toMatchObject({ what: 'pause' });
});
