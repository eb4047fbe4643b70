import { expect, test } from 'vitest';
import { fuzz, replayOf } from './fuzz/run.ts';

test('10,000 mutated frames, messages, sequences and connections end in nothing but the errors that are promised', async () => {
  const first = Math.floor(Math.random() * 1e9);
  const { failures, counts, unseen } = await fuzz(first, 10_000);
  expect(failures.map(({ seed, target, message }) => `${message}\n${replayOf(seed, target)}`)).toEqual([]);
  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(10_000);
  expect(Object.keys(counts).sort()).toEqual(
    ['agentMachine', 'control', 'frame', 'gatewayMachine', 'polling', 'sockets', 'spool'].sort(),
  );
  expect(unseen, `seeds from ${first} on`).toEqual([]);
});

test('a run that is ended early has the figures of the cases until then', async () => {
  const stop = new AbortController();
  const onProgress = (begun: number): void => {
    if (begun > 1) stop.abort();
  };
  const summary = await fuzz(1, 1_000_000_000, undefined, { signal: stop.signal, onProgress });
  expect(summary.failures).toEqual([]);
  expect(summary.cases).toBeGreaterThan(0);
  expect(summary.cases).toBeLessThan(1_000_000_000);
  expect(Object.values(summary.counts).reduce((sum, count) => sum + count, 0)).toBe(summary.cases);
});
