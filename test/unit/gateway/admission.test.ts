import { expect, test } from 'vitest';
import { Admission } from '#catalog/gateway/admission.ts';

const setUp = (maxConnections = 1_000) => {
  const time = { nowMs: 0 };
  const admission = new Admission({
    perSecond: 10,
    maxConnections,
    maxUnauthenticated: 100,
    maxUnauthenticatedPerAddress: 25,
    nowMs: () => time.nowMs,
    random: () => 0.5,
  });
  const ask = (connections = 0): number | undefined =>
    admission.retryAfterSeconds({ connections, unauthenticated: 0, unauthenticatedHere: 0 });
  return { time, admission, ask };
};

test('lets a burst in, and gives whoever comes beyond it the next time that is free', () => {
  const { time, admission, ask } = setUp();
  expect(Array.from({ length: 20 }, () => ask())).toEqual(Array(20).fill(undefined));
  const hints = Array.from({ length: 30 }, () => ask());
  expect(hints).toEqual([...Array(10).fill(1), ...Array(10).fill(2), ...Array(10).fill(3)]);
  expect(admission.backlog).toBe(30);
  time.nowMs = 3_000;
  expect(admission.backlog).toBe(0);
  expect(ask()).toBeUndefined();
});

test('sends nobody away for longer than all that fit in would take, however often somebody knocks', () => {
  const { ask } = setUp(100);
  for (let n = 0; n < 20; n += 1) ask();
  const hints = Array.from({ length: 5_000 }, () => ask() ?? 0);
  expect(Math.max(...hints)).toBeLessThanOrEqual(13);
  // With most of them in, fewer can be waiting.
  expect(ask(90)).toBe(1);
});

test('spreads those for whom there is no room at all', () => {
  const { admission } = setUp(10);
  expect(admission.retryAfterSeconds({ connections: 10, unauthenticated: 0, unauthenticatedHere: 0 })).toBe(30);
  expect(admission.retryAfterSeconds({ connections: 0, unauthenticated: 100, unauthenticatedHere: 0 })).toBe(10);
  expect(admission.retryAfterSeconds({ connections: 0, unauthenticated: 30, unauthenticatedHere: 25 })).toBe(10);
});
