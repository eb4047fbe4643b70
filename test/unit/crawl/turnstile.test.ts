import { expect, test } from 'vitest';
import { type Turn, Turnstile } from '#agent/crawl/pace/turnstile.ts';
import type { Patience } from '#agent/qlik/patience.ts';
import { readWindow } from '#config/policy/hours.ts';
import type { ZonedHours } from '#config/policy/policy.ts';
import { connectionTo } from '../qlik/fake-site.ts';

const hours = (text: string): ZonedHours => {
  const window = readWindow(text);
  if (window === undefined) throw new Error(text);
  return { windows: [window], text, timeZone: 'Europe/Vienna' };
};

/** A visit to an app. */
const through = async <T>(gate: Turnstile, visit: (turn: Turn) => Promise<T> | T): Promise<T> => {
  const turn = await gate.turn();
  const result = await visit(turn);
  turn.end(undefined);
  return result;
};

/** A turnstile with clocks that only waiting moves. */
const turnstile = (
  more: {
    quietHours?: ZonedHours;
    inFile?: (nowMs: number) => ZonedHours | undefined;
    engineSessions?: number;
    start?: string;
  },
  health: (nowMs: number) => boolean | undefined = () => false,
) => {
  let clockMs = Date.parse(more.start ?? '2026-07-01T10:00:00Z');
  const startMs = clockMs;
  const asked: number[] = [];
  const said: string[] = [];
  const stop = new AbortController();
  const patience: Patience = {
    random: () => 0,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      clockMs += ms;
      await Promise.resolve();
    },
  };
  const connection = connectionTo('https://qlik.example');
  const site = {
    engineHealth: () => {
      asked.push(clockMs - startMs);
      const saturated = health(clockMs - startMs);
      return Promise.resolve(saturated === undefined ? undefined : { saturated });
    },
  };
  const made: Turnstile = new Turnstile({
    site,
    connection: {
      ...connection,
      crawl: { ...connection.crawl, engineSessions: more.engineSessions ?? 2, quietHours: more.quietHours },
    },
    ...(more.inFile === undefined ? {} : { quietHours: () => more.inFile?.(clockMs) }),
    patience,
    signal: stop.signal,
    log: { debug: () => undefined, info: (_, text) => said.push(text), warn: (_, text) => said.push(text) },
    now: () => clockMs - startMs,
    wallNow: () => clockMs,
    onChange: () => {
      if (made.slowed !== undefined) said.push(`> ${made.slowed.text}`);
    },
  });
  return { turnstile: made, asked, said, stop, pass: (ms: number) => (clockMs += ms), wall: () => new Date(clockMs) };
};

test('lets in as many as the pace allows, and the next when one ends', async () => {
  const { turnstile: gate } = turnstile({});
  let inside = 0;
  let most = 0;
  const visits = Array.from({ length: 10 }, () =>
    through(gate, async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    }),
  );
  await Promise.all(visits);
  expect(most).toBe(2);
});

test('asks the engine how it is at most every ten seconds', async () => {
  const { turnstile: gate, asked, pass } = turnstile({});
  for (let app = 0; app < 21; app++) {
    await through(gate, () => undefined);
    pass(1_000);
  }
  expect(asked).toEqual([0, 10_000, 20_000]);
});

test('waits while the engine is saturated, says so, and goes on', async () => {
  const { turnstile: gate, asked, said } = turnstile({}, (nowMs) => nowMs < 30_000);
  await Promise.all([through(gate, () => undefined), through(gate, () => undefined)]);
  expect(asked).toEqual([0, 10_000, 20_000, 30_000]);
  expect(said).toContain('> paused while the engine says that it is saturated');
  expect(said).toContain('> 1 of 2 apps at a time: the engine says that it is saturated');
  expect(said).toContain('the crawl goes on');
});

test('an app that shows strain lets fewer in', async () => {
  const { turnstile: gate, said } = turnstile({ engineSessions: 4 });
  await through(gate, ({ watch }) => watch.strained('memory'));
  expect(gate.slowed).toEqual({ text: '2 of 4 apps at a time: the engine is short of memory', paused: false });
  expect(said).toContain('the engine is short of memory: fewer apps are read at a time');
  for (let app = 0; app < 16; app++) await through(gate, () => undefined);
  expect(gate.slowed).toBeUndefined();
});

test('waits for the end of the quiet hours, by the clocks of their zone', async () => {
  // 12:00 in Vienna.
  const { turnstile: gate, said, asked, wall } = turnstile({ quietHours: hours('Mon-Fri 07:00-19:00') });
  await gate.awake();
  expect(wall().toISOString()).toBe('2026-07-01T17:00:00.000Z');
  expect(said).toEqual([
    '> paused until Wed 19:00 Europe/Vienna (quiet hours)',
    'quiet hours: the crawl waits',
    'the quiet hours are over: the crawl goes on',
  ]);
  // Nothing is asked of the site meanwhile.
  expect(asked).toEqual([]);
  expect(gate.slowed).toBeUndefined();
});

test('quiet hours that are taken out of the file while the crawl waits keep it no longer', async () => {
  const changedMs = Date.parse('2026-07-01T10:05:00Z');
  const quietHours = hours('Mon-Fri 07:00-19:00');
  const inFile = (nowMs: number) => (nowMs < changedMs ? quietHours : undefined);
  const { turnstile: gate, said, wall } = turnstile({ quietHours, inFile });
  await gate.awake();
  expect(wall().getTime() - changedMs).toBeLessThanOrEqual(30_000);
  expect(said.at(-1)).toBe('the quiet hours are over: the crawl goes on');
});

test('what is inside when the quiet hours begin ends; who comes then waits', async () => {
  // 06:59 in Vienna.
  const quietHours = hours('07:00-19:00');
  const { turnstile: gate, pass, wall } = turnstile({ quietHours, start: '2026-07-01T04:59:00Z' });
  const ends = Promise.withResolvers<void>();
  const inHand = through(gate, async () => {
    await ends.promise;
    return wall().toISOString();
  });
  await new Promise((resolve) => setImmediate(resolve));
  pass(120_000);
  const next = through(gate, () => wall().toISOString());
  ends.resolve();
  expect(await inHand).toMatch(/^2026-07-01T/);
  expect(await next).toBe('2026-07-01T17:00:00.000Z');
});

test('quiet hours over the change to winter time end by the clocks', async () => {
  // 22:00 in Vienna on the evening before; the night has an hour more.
  const quietHours = hours('20:00-06:00');
  const { turnstile: gate, wall } = turnstile({ quietHours, start: '2026-10-24T20:00:00Z' });
  await gate.awake();
  expect(wall().toISOString()).toBe('2026-10-25T05:00:00.000Z');
});

test('whoever waits goes when the crawl ends', async () => {
  const { turnstile: gate, stop } = turnstile({ engineSessions: 1 });
  const inside = Promise.withResolvers<void>();
  const first = through(gate, () => inside.promise);
  const second = through(gate, () => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  inside.resolve();
  await first;
});
