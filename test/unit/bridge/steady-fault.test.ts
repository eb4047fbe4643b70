import { expect, test } from 'vitest';
import { SteadyFault } from '#agent/bridge/steady-fault.ts';
import { Fault } from '#protocol/errors.ts';

/** A clock that goes on when it is told to. */
const handClock = () => {
  let nowMs = 0;
  const due = new Map<() => void, number>();
  return {
    after: (ms: number, call: () => void) => {
      due.set(call, nowMs + ms);
      return () => void due.delete(call);
    },
    advance: (ms: number) => {
      nowMs += ms;
      for (const [call, atMs] of due) {
        if (atMs > nowMs) continue;
        due.delete(call);
        call();
      }
    },
    waiting: () => due.size,
  };
};

test('a fault that comes and goes is one, told at its beginning and when it stayed away', () => {
  const clock = handClock();
  const told: (string | undefined)[] = [];
  const steady = new SteadyFault(clock, (fault) => told.push(fault?.message));
  steady.set(undefined);
  expect(clock.waiting()).toBe(0);
  for (let n = 1; n <= 50; n += 1) {
    steady.set(new Fault('spool.full', `${n} bytes`));
    expect(steady.current?.message).toBe(`${n} bytes`);
    clock.advance(100);
    steady.set(undefined);
    clock.advance(19_900);
    expect(steady.current?.message).toBe(`${n} bytes`);
  }
  expect(told).toEqual(['1 bytes']);
  // Being well once more does not begin the wait anew.
  steady.set(undefined);
  clock.advance(100);
  expect(steady.current).toBeUndefined();
  expect(told).toEqual(['1 bytes', undefined]);
  expect(clock.waiting()).toBe(0);
});

test('another fault is told at once, and nothing is told after the end', () => {
  const clock = handClock();
  const told: (string | undefined)[] = [];
  const steady = new SteadyFault(clock, (fault) => told.push(fault?.code));
  steady.set(new Fault('spool.full', 'full'));
  steady.set(new Fault('spool.failed', 'EBUSY'));
  expect(told).toEqual(['spool.full', 'spool.failed']);
  steady.set(undefined);
  steady.close();
  clock.advance(60_000);
  expect(told).toHaveLength(2);
});
