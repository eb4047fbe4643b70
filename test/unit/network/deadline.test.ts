import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { unlessAborted, within } from '#agent/network/deadline.ts';

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(() => process.off('unhandledRejection', note));

const late = (): Error => new Error('late');
const aborted = new AbortController();
aborted.abort(new Error('enough'));

test('gives what the work gives, or what it rejects with', async () => {
  const { signal } = new AbortController();
  expect(await within(Promise.resolve(1), 1_000, late, signal)).toBe(1);
  await expect(within(Promise.reject(new Error('broken')), 1_000, late, signal)).rejects.toThrow('broken');
  expect(await unlessAborted(Promise.resolve(2), undefined)).toBe(2);
});

test('work that takes too long is late', async () => {
  await expect(within(new Promise(() => undefined), 1, late, undefined)).rejects.toThrow('late');
});

test('a signal that ends while one waits gives its reason', async () => {
  const stop = new AbortController();
  const waiting = within(new Promise(() => undefined), 60_000, late, stop.signal);
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

test('a call that was made after the abort and is cut off later does not end the process', async () => {
  const { promise: call, reject: cutOff } = Promise.withResolvers<never>();
  await expect(within(call, 60_000, late, aborted.signal)).rejects.toThrow('enough');
  cutOff(new Error('the socket was closed'));
  await turn();
  await turn();
  expect(unhandled).toEqual([]);
});
