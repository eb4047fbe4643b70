import { expect, test } from 'vitest';
import type { CrawlProgress } from '#agent/crawl/progress.ts';
import type { Patience } from '#agent/qlik/patience.ts';
import type { Connection } from '#config/connection/connection.ts';
import { readWindow } from '#config/policy/hours.ts';
import type { ZonedHours } from '#config/policy/policy.ts';
import { Fault } from '#protocol/errors.ts';
import type { FaultSettings } from '#test/simulator/faults.ts';
import { truthOfApp } from '#test/simulator/model/truth.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { connectionFor, crawlSimulated, simulate } from '../../unit/crawl/simulated.ts';
import { faultOf } from '../../unit/fault-of.ts';

const HOUR_MS = 3_600_000;

/** An app with sheets, reloaded, that the crawl user may open. */
const victim = ({ site }: Simulator): string => {
  const app = site.apps.find(
    ({ id, lastReloadTime, sectionAccess, scriptHidden }) =>
      lastReloadTime !== null && !sectionAccess && !scriptHidden && site.content(id).sheets.length > 1,
  );
  if (app === undefined) throw new Error('the seed has no such app');
  return app.id;
};

const withCrawl = (simulator: Simulator, more: Partial<Connection['crawl']>): Connection => {
  const connection = connectionFor(simulator);
  return { ...connection, crawl: { ...connection.crawl, ...more } };
};

const hours = (text: string): ZonedHours => {
  const window = readWindow(text);
  if (window === undefined) throw new Error(text);
  return { windows: [window], text, timeZone: 'UTC' };
};

/** Clocks that only waiting moves. */
const clocks = (start: string) => {
  let atMs = Date.parse(start);
  const waitedMs: number[] = [];
  const patience: Patience = {
    random: () => 0.5,
    sleep: async (ms, signal) => {
      waitedMs.push(ms);
      atMs += ms;
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    },
  };
  return { patience, waitedMs, now: () => atMs, wallNow: () => atMs, set: (time: string) => (atMs = Date.parse(time)) };
};

/** What becomes of all scopes, the site's own included. */
const expected = (simulator: Simulator): Record<string, number> => {
  const { outcomes } = simulator.truth();
  return { ...outcomes, complete: (outcomes['complete'] ?? 0) + 1 };
};

interface RetryClass {
  readonly what: string;
  readonly faults: (appId: string) => Partial<FaultSettings>;
  readonly outcome: string;
  readonly code: string | undefined;
  /** The shortest wait before the app is read again; 0: it is not. */
  readonly waitedMs: number;
  /** Whether fewer apps are read at a time from then on. */
  readonly shrinks: boolean;
}

const once = (code: number) => (appId: string) => ({ engineErrors: [{ code, method: 'GetObjects', appId, times: 1 }] });

test.each<RetryClass>([
  { what: '15, aborted', faults: once(15), outcome: 'complete', code: undefined, waitedMs: 25, shrinks: false },
  {
    what: '16, connection lost',
    faults: once(16),
    outcome: 'complete',
    code: undefined,
    waitedMs: 250,
    shrinks: false,
  },
  { what: '5006, busy', faults: once(5006), outcome: 'complete', code: undefined, waitedMs: 2_500, shrinks: false },
  {
    what: '1006 of the socket: cut without a word',
    faults: (appId) => ({ drops: [{ method: 'GetObjects', appId, times: 1 }] }),
    outcome: 'complete',
    code: undefined,
    waitedMs: 250,
    shrinks: false,
  },
  { what: '19, out of memory', faults: once(19), outcome: 'complete', code: undefined, waitedMs: 2_500, shrinks: true },
  {
    what: 'a storm of 15',
    faults: (appId) => ({ engineErrors: [{ code: 15, method: 'GetFullPropertyTree', appId, times: 5 }] }),
    outcome: 'complete',
    code: undefined,
    waitedMs: 25,
    shrinks: true,
  },
  ...[5, 4000, 12_002].map((code) => ({
    what: `${code}, denied`,
    faults: (appId: string) => ({ engineErrors: [{ code, method: 'OpenDoc', appId }] }),
    outcome: 'denied',
    code: 'qlik.access_denied',
    waitedMs: 0,
    shrinks: false,
  })),
])('engine error $what', async ({ faults, outcome, code, waitedMs, shrinks }) => {
  await using simulator = await simulate({ apps: 6 });
  const appId = victim(simulator);
  simulator.faults.set(faults(appId));
  const progress: CrawlProgress[] = [];
  const crawled = await crawlSimulated(connectionFor(simulator), { onProgress: (one) => progress.push(one) });
  expect(crawled.outcomes.get(`sim/${appId}`)).toMatchObject({ outcome });
  expect(crawled.outcomes.get(`sim/${appId}`)?.error?.code).toBe(code);
  if (waitedMs === 0) expect(crawled.waitedMs).toEqual([]);
  else expect(Math.min(...crawled.waitedMs)).toBeGreaterThanOrEqual(waitedMs);
  expect(progress.some(({ slowed }) => slowed?.text.startsWith('1 of 2 apps at a time') === true)).toBe(shrinks);
  // An app that is denied is asked for once and never again.
  if (outcome === 'denied')
    expect(simulator.record.snapshot().engine['Global.OpenDoc']?.count).toBe(countOfOpens(simulator));
});

const countOfOpens = ({ record }: Simulator): number => {
  const { opens, engineErrors } = record.snapshot();
  return opens + Object.values(engineErrors).reduce((sum, n) => sum + n, 0);
};

test('opens no app while the engine says that it is saturated, and goes on with fewer', async () => {
  await using simulator = await simulate({ faults: { saturated: true } });
  const { patience, now, wallNow } = clocks('2026-07-01T12:00:00Z');
  const said: string[] = [];
  let polls = 0;
  simulator.record.onEvent((event) => {
    if (event.type !== 'http' || !event.path.endsWith('/engine/healthcheck')) return;
    polls += 1;
    expect(simulator.record.snapshot().opens).toBe(0);
    if (polls === 4) simulator.faults.set({ saturated: false });
  });
  const { summary } = await crawlSimulated(connectionFor(simulator), {
    patience,
    now,
    wallNow,
    onProgress: ({ slowed }) => said.push(slowed?.text ?? ''),
  });
  expect(polls).toBeGreaterThanOrEqual(4);
  expect(said).toContain('paused while the engine says that it is saturated');
  expect(said).toContain('1 of 2 apps at a time: the engine says that it is saturated');
  expect(summary.outcomes).toEqual(expected(simulator));
});

test.each(['login-page', 'garbage', 'truncated', 'empty'] as const)(
  'a health check that answers with %s costs no session and stops nothing',
  async (as) => {
    await using simulator = await simulate({ apps: 4, faults: { spoiled: [{ path: '/engine/healthcheck', as }] } });
    const { summary } = await crawlSimulated(connectionFor(simulator));
    expect(summary.outcomes).toEqual(expected(simulator));
    expect(simulator.record.snapshot().proxySessions.total).toBe(1);
  },
);

test('a crawl that would begin in the quiet hours waits for their end, and asks nothing', async () => {
  await using simulator = await simulate({ apps: 3 });
  const { patience, now, wallNow } = clocks('2026-07-01T12:00:00Z');
  let askedAt = '';
  simulator.record.onEvent(() => {
    askedAt ||= new Date(wallNow()).toISOString();
  });
  const said: string[] = [];
  await crawlSimulated(withCrawl(simulator, { quietHours: hours('07:00-19:30') }), {
    patience,
    now,
    wallNow,
    onProgress: ({ slowed }) => said.push(slowed?.text ?? ''),
  });
  expect(said[0]).toBe('paused until Wed 19:30 UTC (quiet hours)');
  expect(askedAt).toBe('2026-07-01T19:30:00.000Z');
});

test('a running crawl pauses when the quiet hours begin, with no session open, and goes on where it stopped', async () => {
  await using simulator = await simulate();
  const { patience, now, wallNow, set } = clocks('2026-07-01T06:00:00Z');
  const paused: { readonly done: number; readonly sockets: number; readonly opens: number }[] = [];
  const quiet: Patience = {
    ...patience,
    sleep: async (ms, signal) => {
      // What is in hand ends first.
      await expect.poll(() => simulator.record.engineSockets.now).toBe(0);
      const { opens } = simulator.record.snapshot();
      paused.push({ done: last, sockets: simulator.record.engineSockets.now, opens });
      await patience.sleep(Math.max(ms, HOUR_MS), signal);
    },
  };
  let last = 0;
  const { summary, outcomes } = await crawlSimulated(withCrawl(simulator, { quietHours: hours('07:00-19:00') }), {
    patience: quiet,
    now,
    wallNow,
    onProgress: ({ appsDone }) => {
      last = appsDone;
      if (appsDone === 3 && paused.length === 0) set('2026-07-01T07:30:00Z');
    },
  });
  expect(paused.length).toBeGreaterThan(0);
  expect(paused.every(({ sockets, opens }) => sockets === 0 && opens === paused[0]?.opens)).toBe(true);
  expect(wallNow()).toBeGreaterThanOrEqual(Date.parse('2026-07-01T19:00:00Z'));
  expect(summary.outcomes).toEqual(expected(simulator));
  expect(outcomes.size).toBe(simulator.site.apps.length + 1);
  // Every app was opened once, none before and again after the pause.
  const opened = Object.values(simulator.record.snapshot().opensByApp).map(({ withoutData }) => withoutData);
  expect(opened.every((times) => times === 1)).toBe(true);
});

test('a crawl that is cancelled in the quiet hours ends at once', async () => {
  await using simulator = await simulate({ apps: 3 });
  const stop = new AbortController();
  const reason = new Fault('job.cancelled', 'enough');
  const { now, wallNow } = clocks('2026-07-01T12:00:00Z');
  const crawling = crawlSimulated(withCrawl(simulator, { quietHours: hours('07:00-19:00') }), {
    signal: stop.signal,
    patience: {
      random: () => 0,
      sleep: (_ms, signal) => {
        stop.abort(reason);
        return Promise.reject(signal?.reason as Error);
      },
    },
    now,
    wallNow,
  });
  expect(await faultOf(crawling)).toBe(reason);
});

test('an app whose file is larger than allowed is not opened, and its scope says what is missing', async () => {
  await using simulator = await simulate();
  const appId = victim(simulator);
  simulator.mutate({ action: 'change', appId, change: { fileSizeBytes: 5_000_000_000 } });
  const { outcomes, assets } = await crawlSimulated(withCrawl(simulator, { appMaxBytes: 4_000_000_000 }));
  expect(outcomes.get(`sim/${appId}`)).toMatchObject({
    outcome: 'partial',
    missing: [{ what: 'charts, definitions, variables and load script', code: 'qlik.app_too_large' }],
  });
  expect(outcomes.get(`sim/${appId}`)?.missing?.[0]?.advice).toContain('crawl.app_max_size');
  // What the repository tells of it, and the tables and fields, which open nothing.
  const told = truthOfApp(simulator.site, appId, { engine: 'metadata' }).list.map(({ kind }) => kind);
  const kinds = assets.filter(({ scope }) => scope === `sim/${appId}`).map(({ kind }) => kind);
  expect(kinds.sort()).toEqual(told.sort());
  expect(simulator.record.snapshot().opensByApp[appId]).toBeUndefined();
});

test('an app whose answers are larger than allowed ends as partial, with what is missing', async () => {
  await using simulator = await simulate();
  const appId = victim(simulator);
  for (const { id } of simulator.site.apps)
    simulator.mutate({ action: 'change', appId: id, change: { fileSizeBytes: 1_000 } });
  const { outcomes, assets } = await crawlSimulated(withCrawl(simulator, { appMaxBytes: 20_000 }));
  const outcome = outcomes.get(`sim/${appId}`);
  expect(outcome?.outcome).toBe('partial');
  expect(outcome?.missing?.some(({ code }) => code === 'qlik.app_too_large')).toBe(true);
  expect(assets.some(({ scope, kind }) => scope === `sim/${appId}` && kind === 'app')).toBe(true);
  expect([...outcomes.values()].every((one) => one.outcome !== 'failed')).toBe(true);
});
