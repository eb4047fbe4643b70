import { expect, test } from 'vitest';
import { Secret } from '#config/secret.ts';
import { Fault } from '#protocol/errors.ts';
import type { FaultSettings } from '#test/simulator/faults.ts';
import { headerAuthenticator, loginAuthenticator } from '#test/simulator/proxy/authenticator.ts';
import type { VirtualProxy } from '#test/simulator/proxy/virtual-proxy.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';
import { faultOf } from '#test/unit/fault-of.ts';

/** An app with sheets, reloaded, that the crawl user may open. */
const victim = (simulator: Simulator): string => {
  const app = simulator.site.apps.find(
    ({ id, lastReloadTime, sectionAccess, scriptHidden }) =>
      lastReloadTime !== null && !sectionAccess && !scriptHidden && simulator.site.content(id).sheets.length > 1,
  );
  if (app === undefined) throw new Error('the seed has no such app');
  return app.id;
};

/** Another program of the same user takes one of its sessions. */
const takeSession = ({ sessions, addresses }: Simulator): { leave: () => void } => {
  const proxy: VirtualProxy = {
    prefix: 'other',
    description: 'another program',
    cookieName: 'X-Qlik-Session-other',
    allowedHosts: [],
    linked: true,
    inactivityMs: 3_600_000,
    authenticator: loginAuthenticator(),
  };
  sessions.begin(addresses.user, proxy);
  return { leave: () => sessions.logout(addresses.user, proxy) };
};

const others = (simulator: Simulator): Record<string, number> => ({ ...simulator.truth().outcomes });

interface Case {
  readonly what: string;
  readonly faults: (appId: string) => Partial<FaultSettings>;
  readonly outcome: string;
  readonly code?: string;
  readonly waits?: boolean;
}

test.each<Case>([
  {
    what: 'access denied by rules',
    faults: (appId) => ({ deniedApps: [appId] }),
    outcome: 'denied',
    code: 'qlik.access_denied',
  },
  {
    what: 'a call aborted three times',
    faults: (appId) => ({ engineErrors: [{ code: 15, method: 'GetLayout', appId, times: 3 }] }),
    outcome: 'complete',
    waits: true,
  },
  {
    what: 'a busy server that recovers',
    faults: (appId) => ({ engineErrors: [{ code: 5006, method: 'OpenDoc', times: 2, appId }] }),
    outcome: 'complete',
    waits: true,
  },
  {
    what: 'an engine that stays short of memory',
    faults: (appId) => ({ engineErrors: [{ code: 19, method: 'GetObjects', appId }] }),
    outcome: 'failed',
    code: 'qlik.overloaded',
    waits: true,
  },
  {
    what: 'a socket that is cut once',
    faults: (appId) => ({ drops: [{ method: 'GetFullPropertyTree', appId, times: 1 }] }),
    outcome: 'complete',
    waits: true,
  },
  {
    what: 'a socket that is cut every time',
    faults: (appId) => ({ drops: [{ method: 'GetFullPropertyTree', appId }] }),
    outcome: 'failed',
    code: 'network.reset',
    waits: true,
  },
  {
    what: 'one sheet that cannot be read',
    faults: (appId) => ({ engineErrors: [{ code: 8002, method: 'GetFullPropertyTree', appId, nth: 1 }] }),
    outcome: 'partial',
    code: 'qlik.engine_failed',
  },
  {
    what: 'a script that nobody may see',
    faults: () => ({ scriptRights: false }),
    outcome: 'partial',
    code: 'qlik.script_not_visible',
  },
  {
    what: 'no data model anywhere',
    faults: () => ({ metadata: false }),
    outcome: 'partial',
    code: 'qlik.data_model_unavailable',
  },
  {
    what: 'data models behind a server error',
    faults: () => ({ httpErrors: [{ on: 'metadata', status: 500 }] }),
    outcome: 'partial',
    code: 'qlik.unavailable',
    waits: true,
  },
  {
    what: 'replies in another order and notifications in between',
    faults: () => ({ outOfOrder: true, extraNotifications: 2 }),
    outcome: 'complete',
  },
])('$what: $outcome', async ({ faults, outcome, code, waits }) => {
  await using simulator = await simulate();
  const appId = victim(simulator);
  simulator.faults.set(faults(appId));
  const { outcomes, assets, waitedMs, records } = await crawlSimulated(connectionFor(simulator));
  const ended = outcomes.get(`sim/${appId}`);
  expect(ended?.outcome).toBe(outcome);
  expect(ended?.error?.code ?? ended?.missing?.[0]?.code).toBe(code);
  expect(waitedMs.length > 0).toBe(waits === true);
  expect(outcomes.size).toBe(simulator.site.apps.length + 1);
  // Whatever became of it, the app itself is told, once.
  expect(assets.filter(({ key }) => key === `sim/${appId}`).length).toBe(1);
  expect(records.filter((record) => record.t === 'scope' && record.scope === `sim/${appId}`).length).toBe(1);
});

test('one bad app leaves all others as they are', async () => {
  await using simulator = await simulate();
  const appId = victim(simulator);
  const expected = others(simulator);
  simulator.faults.set({ drops: [{ method: 'GetFullPropertyTree', appId }] });
  const { summary } = await crawlSimulated(connectionFor(simulator));
  expect(summary.outcomes).toEqual({
    ...expected,
    // The site's own scope is complete, the victim is not.
    complete: (expected['complete'] ?? 0) + 1 - 1,
    failed: 1,
  });
});

test('an app that takes longer than allowed fails alone, and its calls are ended', async () => {
  await using simulator = await simulate();
  const appId = victim(simulator);
  simulator.faults.set({ hangs: [{ method: 'GetObjects', appId }] });
  const connection = connectionFor(simulator);
  const { outcomes } = await crawlSimulated({ ...connection, crawl: { ...connection.crawl, appTimeoutMs: 4_000 } });
  expect(outcomes.get(`sim/${appId}`)).toMatchObject({ outcome: 'failed', error: { code: 'qlik.app_timeout' } });
  expect([...outcomes.values()].filter(({ outcome }) => outcome === 'failed').length).toBe(1);
});

test('an app that is deleted before or while it is read is gone', async () => {
  await using simulator = await simulate();
  const [first, second] = simulator.site.apps.map(({ id }) => id).filter((id) => id !== victim(simulator));
  const during = victim(simulator);
  if (first === undefined || second === undefined) throw new Error('the seed has too few apps');
  const stop = simulator.record.onEvent((event) => {
    if (event.type === 'http' && event.path.endsWith('/qrs/about'))
      simulator.mutate({ action: 'delete', appId: first });
    if (event.type === 'engine' && event.method === 'Doc.GetObjects' && event.appId === during) {
      stop();
      setImmediate(() => simulator.mutate({ action: 'delete', appId: during }));
    }
  });
  const { outcomes } = await crawlSimulated(connectionFor(simulator));
  expect(outcomes.get(`sim/${first}`)?.outcome).toBe('gone');
  expect(outcomes.get(`sim/${during}`)?.outcome).toBe('gone');
  expect(outcomes.get(`sim/${second}`)?.outcome).not.toBe('gone');
});

test.each<[string, number, string, string]>([
  ['data connections are forbidden', 403, '/qrs/dataconnection/', 'qlik.forbidden'],
  ['the users cannot be read', 500, '/qrs/user/', 'qlik.unavailable'],
])('%s: the site scope is partial and says so', async (_what, status, path, code) => {
  await using simulator = await simulate({ faults: { httpErrors: [{ on: 'qrs', path, status }] } });
  const { outcomes } = await crawlSimulated(connectionFor(simulator));
  expect(outcomes.get('sim')).toMatchObject({ outcome: 'partial', missing: [{ code }] });
  expect(simulator.record.snapshot().proxySessions.total).toBe(1);
});

test('a crawl that goes on leaves out what was published before', async () => {
  await using simulator = await simulate();
  const whole = await crawlSimulated(connectionFor(simulator));
  const done = [...whole.outcomes.keys()].slice(0, 4);
  simulator.record.reset();
  const rest = await crawlSimulated(connectionFor(simulator), { skipScopes: new Set(done) });
  expect([...rest.outcomes.keys()].sort()).toEqual(
    [...whole.outcomes.keys()].filter((key) => !done.includes(key)).sort(),
  );
  expect(rest.summary.appsSkipped).toBe(3);
  // The same records, to the last byte of the hash: owners have their e-mail addresses also without the site scope.
  for (const [scope, outcome] of rest.outcomes) expect(outcome.sha256).toBe(whole.outcomes.get(scope)?.sha256);
});

test('a crawl that is cancelled rejects with the reason, and no session stays open', async () => {
  await using simulator = await simulate();
  const stop = new AbortController();
  const reason = new Fault('job.cancelled', 'enough');
  const crawling = crawlSimulated(connectionFor(simulator), {
    signal: stop.signal,
    onProgress: ({ appsDone }) => {
      if (appsDone === 2) stop.abort(reason);
    },
  });
  expect(await faultOf(crawling)).toBe(reason);
  await expect.poll(() => simulator.record.engineSockets.now).toBe(0);
});

test.each<[string, (simulator: Simulator) => ReturnType<typeof connectionFor>, string]>([
  [
    'a wrong token',
    (s) => connectionFor(s, 'jwt', { authentication: { type: 'jwt', token: new Secret('x.y.z') } }),
    'qlik.unauthorized',
  ],
  ['the prefix of a virtual proxy with a login', (s) => connectionFor(s, 'jwt', { prefix: '' }), 'qlik.login_page'],
  // The default virtual proxy takes what no other does, and shows its login.
  ['an unknown prefix', (s) => connectionFor(s, 'jwt', { prefix: 'nowhere' }), 'qlik.login_page'],
  [
    'an unknown authority',
    (s) =>
      connectionFor(s, 'jwt', {
        tls: {
          extraAuthorities: [],
          replaceDefaultRoots: false,
          systemAuthorities: false,
          verifyHostName: true,
          bypassCertificateValidation: false,
        },
      }),
    'tls.untrusted',
  ],
  ['nobody at the port', (s) => connectionFor(s, 'jwt', { origin: 'https://127.0.0.1:9' }), 'network.refused'],
])('%s ends the crawl before anything is written', async (_what, connection, code) => {
  await using simulator = await simulate();
  let written = 0;
  const error = await faultOf(
    crawlSimulated(connection(simulator), {
      onProgress: () => {
        written += 1;
      },
    }),
  );
  expect(error.code).toBe(code);
  expect(error.advice).not.toBe('');
  expect(written).toBe(0);
});

test('a user whose sessions are all taken waits, for longer each time, until one is free', async () => {
  await using simulator = await simulate({ sessionsPerUser: 1 });
  const other = takeSession(simulator);
  const waitedMs: number[] = [];
  const patience = {
    random: () => 0,
    sleep: (ms: number) => {
      waitedMs.push(ms);
      if (waitedMs.length === 6) other.leave();
      return Promise.resolve();
    },
  };
  const { outcomes } = await crawlSimulated(connectionFor(simulator), { patience, skipScopes: new Set(['sim']) });
  expect(outcomes.size).toBe(simulator.site.apps.length);
  expect([...outcomes.values()].some(({ outcome }) => outcome === 'failed')).toBe(false);
  // Two workers, each doubling its own wait.
  expect(waitedMs.slice(0, 6).sort((x, y) => x - y)).toEqual([2500, 2500, 5000, 5000, 10000, 10000]);
});

test('a user whose sessions stay taken is told so after a bounded time', async () => {
  await using simulator = await simulate({ sessionsPerUser: 1 });
  takeSession(simulator);
  const { outcomes } = await crawlSimulated(connectionFor(simulator), { sessionPatienceMs: 60_000 });
  for (const { id } of simulator.site.apps) {
    const ended = outcomes.get(`sim/${id}`);
    expect([ended?.outcome, ended?.missing?.[0]?.code]).toEqual(['partial', 'qlik.session_limit']);
  }
  expect(simulator.record.sessionsExceeded).toBeGreaterThan(1);
});

test('a host that is not on the allow list is told as one of the causes', async () => {
  const header = { header: 'X-Closed', directory: 'dynamic' } as const;
  await using simulator = await simulate({
    virtualProxies: [
      { prefix: 'closed', allowedHosts: ['elsewhere.example'], authenticator: headerAuthenticator(header) },
    ],
  });
  const { directory, id } = simulator.addresses.user;
  const connection = connectionFor(simulator, 'header', {
    prefix: 'closed',
    engineUrl: `${simulator.addresses.proxyUrl.replace(/^http/, 'ws')}/closed`,
    authentication: { type: 'header', header: 'X-Closed', value: new Secret(`${directory}\\${id}`) },
  });
  const error = await faultOf(crawlSimulated(connection));
  expect(error.code).toBe('qlik.prefix_unknown');
  expect(error.message).toContain('allow list');
});
