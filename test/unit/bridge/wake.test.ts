import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { skewFault } from '#agent/bridge/clock-skew.ts';
import { WakeClock } from '#agent/bridge/wake-clock.ts';
import { type Overdue, Watchdog } from '#agent/bridge/watchdog.ts';
import { FakeClock } from './fake-clock.ts';
import { quiet } from './loopback.ts';

const setUp = () => {
  const inner = new FakeClock();
  let aheadMs = 1_700_000_000_000;
  const clock = new WakeClock(inner, () => inner.now + aheadMs);
  const woke: number[] = [];
  clock.watch((sleptMs) => woke.push(sleptMs));
  return {
    inner,
    clock,
    woke,
    setWall: (ms: number) => {
      aheadMs += ms;
    },
  };
};

describe('a machine that sleeps', () => {
  test('is found when its monotonic clock stood still, and its time goes on', () => {
    const { inner, clock, woke, setWall } = setUp();
    inner.pass(60_000);
    setWall(3_600_000);
    inner.pass(5_000);
    expect(woke).toEqual([3_600_000]);
    expect(clock.nowMs()).toBe(65_000 + 3_600_000);
    inner.pass(60_000);
    expect(woke).toHaveLength(1);
  });

  test('is found when its monotonic clock went on', () => {
    const { inner, clock, woke } = setUp();
    inner.pass(60_000);
    // Timers of the time asleep come once, late.
    inner.now += 600_000;
    inner.pass(0);
    expect(woke).toEqual([595_000]);
    expect(clock.nowMs()).toBe(660_000);
  });

  test('is not seen in small corrections, and a clock that is set back does no harm', () => {
    const { inner, clock, woke, setWall } = setUp();
    for (const ms of [14_000, -14_000, -86_400_000, 3_000]) {
      setWall(ms);
      inner.pass(5_000);
    }
    expect(woke).toEqual([]);
    expect(clock.nowMs()).toBe(20_000);
  });

  test('leaves no timer behind', () => {
    const { inner, clock } = setUp();
    clock.stop();
    expect(inner.pending).toBe(0);
  });
});

test.each([
  [0, undefined],
  [60_000, undefined],
  [-61_000, '1 minute behind'],
  [7_200_000, '2 hours ahead of'],
])('a clock %d ms ahead of the catalog is told as %s', (ms, words) => {
  const server = '2026-01-01T00:00:00.000Z';
  const fault = skewFault(server, Date.parse(server) + ms);
  if (words === undefined) expect(fault).toBeUndefined();
  else expect(fault).toMatchObject({ code: 'network.clock', message: expect.stringContaining(words) });
  expect(skewFault('yesterday', 0)).toBeUndefined();
});

describe('the watchdog', () => {
  const watch = () => {
    const clock = new FakeClock();
    const found: { now: Overdue | undefined; stuck: number; logged: object[] } = {
      now: undefined,
      stuck: 0,
      logged: [],
    };
    const watchdog = new Watchdog({
      clock,
      log: { ...quiet, error: (fields: object) => void found.logged.push(fields) },
      overdue: () => found.now,
      facts: () => ({ state: 'closing' }),
      onStuck: () => {
        found.stuck += 1;
      },
    });
    return { clock, found, watchdog };
  };
  const late = { what: 'a closed connection does not end', lateMs: 400_000 };

  test('ends the process once, with the facts, when the link was stuck for five minutes', () => {
    const { clock, found } = watch();
    clock.pass(86_400_000);
    expect(found.stuck).toBe(0);
    found.now = late;
    clock.pass(9 * 30_000);
    expect(found.stuck).toBe(0);
    clock.pass(30_000);
    expect(found.stuck).toBe(1);
    expect(found.logged).toMatchObject([{ state: 'closing', ...late, advice: expect.any(String) }]);
    clock.pass(86_400_000);
    expect(found.stuck).toBe(1);
  });

  test('does not mind what passes, such as all that is late after a sleep', () => {
    const { clock, found, watchdog } = watch();
    for (let n = 0; n < 20; n += 1) {
      found.now = late;
      clock.pass(5 * 30_000);
      found.now = undefined;
      clock.pass(30_000);
    }
    expect(found.stuck).toBe(0);
    watchdog.stop();
    expect(clock.pending).toBe(0);
  });
});

describe('an event loop that stands still', () => {
  const guarded = async (work: string, stallMs = 400): Promise<{ code: number | null; said: string }> => {
    const guard = join(import.meta.dirname, '../../../agent/bridge/stall-guard.ts');
    const script = `const { guardAgainstStalls } = await import(${JSON.stringify(guard)});
      const guard = guardAgainstStalls({ exitCode: 10, stallMs: ${stallMs}, beatMs: 50 });
      ${work}`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (text: Buffer) => {
      said += String(text);
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, said };
  };

  test('ends the process with its exit code and the facts', async () => {
    const { code, said } = await guarded('setTimeout(() => { for (;;); }, 100);');
    expect(code).toBe(10);
    expect(said).toContain('the event loop stands still');
    expect(said).toContain('rssBytes');
  });

  test('is not seen in one that turns, and the guard keeps nobody from ending', async () => {
    const ends = 'setTimeout(() => { guard[Symbol.dispose](); process.exitCode = 3; }, 2_500);';
    const { code, said } = await guarded(ends, 1_000);
    expect({ code, said }).toEqual({ code: 3, said: '' });
  });
});
