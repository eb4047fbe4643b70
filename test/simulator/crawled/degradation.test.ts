import { expect, test } from 'vitest';
import type { OutcomeRecord } from '#protocol/records.ts';
import type { FaultSettings } from '#test/simulator/faults.ts';
import { type TruthOptions, truth } from '#test/simulator/model/truth.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { type Crawled, connectionFor, crawlSimulated, simulate, type Way } from '#test/unit/crawl/simulated.ts';

/** What a crawl still brings when something of the site is out of its reach, what it says of it, and what it deletes: nothing. */

const found = ({ assets }: Crawled): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { kind } of assets) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
};

/** What there is to be found, without the kinds that are out of reach. */
const expected = (simulator: Simulator, options: TruthOptions, without: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    Object.entries(truth(simulator.site, options).assets).filter(([kind, n]) => n > 0 && !without.includes(kind)),
  );

const outcomesOf = (simulator: Simulator, { outcomes }: Crawled): readonly (OutcomeRecord | undefined)[] =>
  simulator.site.apps.map(({ id }) => outcomes.get(`sim/${id}`));

/** Whether the summary of the crawl has the reason with what would mend it, in a few lines. */
const expectSaid = ({ summary }: Crawled, code: string, advice: RegExp): void => {
  const reason = summary.missing.find((one) => one.code === code && advice.test(one.advice));
  expect(reason, JSON.stringify(summary.missing)).toBeDefined();
  expect(summary.missing.length).toBeLessThan(6);
};

interface AppLine {
  readonly what: string;
  readonly faults: Partial<FaultSettings>;
  readonly way?: Way;
  /** What of the engine is left. */
  readonly engine: NonNullable<TruthOptions['engine']>;
  readonly without?: readonly string[];
  readonly missing: string;
  readonly code: string;
  readonly advice: (simulator: Simulator) => RegExp;
}

const host = '127\\.0\\.0\\.1';
const portOf = (url: string): string => new URL(url).port;

test.each<AppLine>([
  {
    what: 'the port of the engine closed',
    faults: { servicesDown: ['engine'] },
    way: 'certificate',
    engine: 'none',
    missing: 'charts, definitions, variables and load script',
    code: 'network.refused',
    advice: ({ addresses }) => new RegExp(`port ${portOf(addresses.engineUrl)} of ${host}`),
  },
  {
    what: 'a proxy without an engine',
    faults: { servicesDown: ['engine'] },
    engine: 'none',
    missing: 'charts, definitions, variables and load script',
    code: 'qlik.no_engine',
    advice: () => /"jwt" has engine nodes under Load balancing nodes/,
  },
  {
    what: 'a host that is not in the Host allow list',
    faults: { allowedOrigins: ['elsewhere.example'] },
    engine: 'metadata',
    missing: 'charts, definitions, variables and load script',
    code: 'qlik.websocket_forbidden',
    advice: () => new RegExp(`add ${host} to the Host allow list of the virtual proxy "jwt"`),
  },
  {
    what: 'a gateway that stops WebSockets',
    faults: { upgradeStatus: 502 },
    engine: 'metadata',
    missing: 'charts, definitions, variables and load script',
    code: 'qlik.unavailable',
    advice: ({ addresses }) => new RegExp(`WebSockets .* port ${portOf(addresses.proxyUrl)} of ${host}`),
  },
  {
    what: 'no licence',
    faults: { licenses: false },
    engine: 'metadata',
    missing: 'charts, definitions, variables and load script',
    code: 'qlik.license',
    advice: () => /access allocation/,
  },
  {
    what: 'an engine that is saturated for ever',
    faults: { engineErrors: [{ code: 5006, method: 'OpenDoc' }] },
    engine: 'metadata',
    missing: 'charts, definitions, variables and load script',
    code: 'qlik.overloaded',
    advice: () => /quieter hour/,
  },
  {
    what: 'no rights on scripts',
    faults: { scriptRights: false },
    engine: 'all',
    without: ['script', 'scriptSection'],
    missing: 'load script',
    code: 'qlik.script_not_visible',
    advice: () => /resource filter App\*, action Read, in both hub and QMC/,
  },
  {
    what: 'no data/metadata',
    faults: { metadata: false },
    engine: 'all',
    without: ['table', 'field'],
    missing: 'tables and fields',
    code: 'qlik.data_model_unavailable',
    advice: () => /Reload the app once on a release of June 2018 or later/,
  },
])('$what: the rest is crawled, and each app says what it lacks', async (line) => {
  await using simulator = await simulate({ seed: 7, apps: 8, faults: line.faults });
  const crawled = await crawlSimulated(connectionFor(simulator, line.way ?? 'jwt'));
  expect(found(crawled)).toEqual(expected(simulator, { engine: line.engine }, line.without ?? []));
  expect(crawled.outcomes.get('sim')?.outcome).toBe('complete');
  expectSaid(crawled, line.code, line.advice(simulator));
  const lacking = outcomesOf(simulator, crawled).filter((ended) =>
    ended?.missing?.some(({ what, code, advice }) => what === line.missing && code === line.code && advice !== ''),
  );
  expect(lacking.length).toBeGreaterThan(0);
  for (const ended of lacking) expect(['partial', 'denied']).toContain(ended?.outcome);
  if (line.engine !== 'all') expect(lacking.length).toBe(simulator.site.apps.length);
  // What goes of an app must not stay for ever because one right is missing for ever.
  for (const ended of lacking.filter((one) => one?.outcome === 'partial')) {
    expect(ended?.whole?.includes('sheet') ?? false).toBe(line.engine === 'all');
    for (const kind of line.without ?? []) expect(ended?.whole ?? []).not.toContain(kind);
  }
  for (const ended of crawled.outcomes.values()) expect(['failed', 'gone']).not.toContain(ended.outcome);
  // Noticed after a few apps: the engine is not asked for each of them again and again.
  expect(simulator.record.snapshot().opensWithData).toBe(0);
});

interface ListLine {
  readonly list: string;
  readonly what: string;
  readonly kind: string;
  readonly rule: RegExp;
}

const LISTS: readonly ListLine[] = [
  { list: 'user', what: 'users', kind: 'user', rule: /User_\*/ },
  { list: 'stream', what: 'streams', kind: 'stream', rule: /Stream_\*/ },
  { list: 'tag', what: 'tags', kind: 'tag', rule: /Tag_\*/ },
  { list: 'custompropertydefinition', what: 'custom properties', kind: 'customProperty', rule: /CustomProperty\*/ },
  { list: 'dataconnection', what: 'data connections', kind: 'dataConnection', rule: /DataConnection_\*/ },
  { list: 'reloadtask', what: 'reload tasks', kind: 'reloadTask', rule: /ReloadTask_\*/ },
  { list: 'extension', what: 'extensions', kind: 'extension', rule: /Extension_\*/ },
];
const appsOf = ({ site }: Simulator): ReadonlySet<string> => new Set(site.apps.map(({ id }) => `sim/${id}`));

test.each(LISTS)(
  'no rights on $what: the site is partial, names the rule, and has all else',
  async ({ list, what, kind, rule }) => {
    await using simulator = await simulate({ seed: 7, apps: 8, faults: { forbiddenLists: [list] } });
    const crawled = await crawlSimulated(connectionFor(simulator), { skipScopes: appsOf(simulator) });
    const ended = crawled.outcomes.get('sim');
    expect(ended?.outcome).toBe('partial');
    expect(ended?.missing?.[0]).toMatchObject({ what, code: 'qlik.forbidden' });
    expect(ended?.missing?.[0]?.advice).toMatch(rule);
    expect(ended?.missing?.[0]?.advice).toContain('action Read');
    const all = truth(simulator.site).assets;
    const { [kind]: none, ...others } = found(crawled);
    expect(none).toBeUndefined();
    for (const other of LISTS) if (other.kind !== kind) expect(others[other.kind]).toBe(all[other.kind]);
    expectSaid(crawled, 'qlik.forbidden', rule);
    // What is gone of all others can go from the catalog, though the right may be missing for ever.
    const rest = LISTS.map((other) => other.kind).filter((other) => other !== kind);
    expect(new Set(ended?.whole)).toEqual(new Set(['app', ...rest]));
    // An owner whose asset nobody wrote has no edge.
    if (kind === 'user') expect(crawled.summary.edges.owns).toBeUndefined();
  },
);

test.each([
  ['user', 'users', 'qlik.kinds_not_visible', /User_\*/],
  ['stream', 'streams', 'qlik.kinds_not_visible', /Stream_\*/],
  ['dataconnection', 'data connections', 'qlik.connections_not_visible', /DataConnection_\*/],
  ['app', 'apps', 'qlik.nothing_visible', /App\*/],
] as const)(
  'an empty list of %s on a site that has some is a missing right, not emptiness',
  async (list, what, code, rule) => {
    await using simulator = await simulate({ seed: 7, apps: 4, faults: { emptyLists: [list] } });
    const crawled = await crawlSimulated(connectionFor(simulator), { skipScopes: appsOf(simulator) });
    const ended = crawled.outcomes.get('sim');
    expect(ended?.outcome).toBe('partial');
    const missing = ended?.missing?.find((one) => one.what === what);
    expect(missing?.code).toBe(code);
    expect(missing?.advice).toMatch(rule);
    // Whoever sees no stream may not see the apps in them: a count of apps without these says nothing.
    expect(ended?.whole?.includes('app')).toBe(list !== 'stream' && list !== 'app');
  },
);

test.each([
  ['schemaevent', 'schedules', /SchemaEvent_\*/],
  ['compositeevent', 'schedules after other tasks', /CompositeEvent_\*/],
] as const)('no rights on %s: tasks lack what starts them, and nothing seems to be gone', async (list, what, rule) => {
  await using simulator = await simulate({ seed: 7, apps: 8, faults: { forbiddenLists: [list] } });
  const crawled = await crawlSimulated(connectionFor(simulator), { skipScopes: appsOf(simulator) });
  const ended = crawled.outcomes.get('sim');
  expect(ended).toMatchObject({ outcome: 'complete', missing: [{ what, code: 'qlik.forbidden' }] });
  expect(ended?.missing?.[0]?.advice).toMatch(rule);
  expect(found(crawled)['reloadTask']).toBe(simulator.site.reloadTasks.length);
});

test('section access: the app is denied, has what the repository tells of it, and says who lets the user in', async () => {
  await using simulator = await simulate({ seed: 7, apps: 8 });
  const crawled = await crawlSimulated(connectionFor(simulator));
  const denied = outcomesOf(simulator, crawled).filter((ended) => ended?.outcome === 'denied');
  expect(denied.length).toBeGreaterThan(0);
  for (const ended of denied) {
    expect(ended?.error?.code).toBe('qlik.access_denied');
    expect(ended?.error?.advice).toContain('section access');
    const inside = crawled.assets.filter(({ scope, kind }) => scope === ended?.scope && kind !== 'app');
    expect(inside.length).toBeGreaterThan(0);
    for (const asset of inside) expect(asset.sparse).toBe(true);
  }
  expect(found(crawled)).toEqual(expected(simulator, {}, []));
});

test('no object list: apps that open lack nothing; one that does not is told by its name, and by the rule', async () => {
  await using simulator = await simulate({ seed: 7, apps: 8, faults: { forbiddenLists: ['app/object'] } });
  const crawled = await crawlSimulated(connectionFor(simulator));
  for (const ended of outcomesOf(simulator, crawled)) {
    if (ended?.outcome !== 'denied') {
      expect(ended?.outcome).toBe('complete');
      continue;
    }
    const missing = ended.missing?.find(({ what }) => what === 'app objects');
    expect(missing?.code).toBe('qlik.forbidden');
    expect(missing?.advice).toContain('App.Object_*');
    expect(crawled.assets.filter(({ scope }) => scope === ended.scope).map(({ kind }) => kind)).toEqual(['app']);
  }
  expect(outcomesOf(simulator, crawled).some((ended) => ended?.outcome === 'denied')).toBe(true);
});

test.each([
  ['that answers 403', { forbiddenLists: ['app/object'] }, 'qlik.forbidden'],
  ['without a row', { emptyLists: ['app/object'] }, 'qlik.kinds_not_visible'],
] as const)(
  'an object list %s, with sheets known by ids of the repository: apps without sheets, partial, and the rule',
  async (_, faults, code) => {
    await using simulator = await simulate({ seed: 7, apps: 6 });
    const connection = connectionFor(simulator);
    const byRepository = { ...connection, crawl: { ...connection.crawl, sheetId: 'repository' as const } };
    const whole = await crawlSimulated(byRepository);
    simulator.faults.set(faults);
    const crawled = await crawlSimulated(byRepository);
    expect(found(whole)['sheet']).toBeGreaterThan(0);
    const { sheet, chart, chartDimension, chartMeasure, ...rest } = found(crawled);
    expect(sheet ?? 0).toBe(0);
    expect(chart ?? 0).toBe(0);
    expect(rest['masterMeasure']).toBeGreaterThan(0);
    for (const ended of outcomesOf(simulator, crawled)) {
      expect(ended?.outcome).not.toBe('failed');
      if (whole.assets.every(({ scope, kind }) => scope !== ended?.scope || kind !== 'sheet')) continue;
      if (ended?.outcome === 'denied') continue;
      const missing = ended?.missing?.find(({ what }) => what === 'sheets and charts');
      expect(ended?.outcome).toBe('partial');
      expect(missing?.code).toBe(code);
      expect(missing?.advice).toContain('App.Object_*');
    }
  },
);

test('neither engine nor object list: the apps alone, partial, with both reasons', async () => {
  await using simulator = await simulate({
    seed: 7,
    apps: 6,
    faults: { forbiddenLists: ['app/object'], servicesDown: ['engine'] },
  });
  const crawled = await crawlSimulated(connectionFor(simulator));
  expect(found(crawled)['app']).toBe(6);
  expect(found(crawled)['sheet']).toBeUndefined();
  for (const ended of outcomesOf(simulator, crawled)) {
    expect(ended?.outcome).toBe('partial');
    expect(ended?.missing?.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['qlik.no_engine', 'qlik.forbidden']),
    );
  }
});

test('an engine that comes back while the crawl runs is noticed, and the apps after it are read whole', async () => {
  await using simulator = await simulate({ seed: 7, apps: 24, faults: { servicesDown: ['engine'] } });
  let asked = 0;
  simulator.record.onEvent((event) => {
    if (event.type === 'http' && event.path.includes('/qrs/app/object/full') && ++asked === 5) simulator.faults.clear();
  });
  const crawled = await crawlSimulated(connectionFor(simulator));
  const ends = outcomesOf(simulator, crawled).map((ended) => ended?.outcome);
  expect(ends.filter((outcome) => outcome === 'partial').length).toBeGreaterThanOrEqual(3);
  expect(ends.filter((outcome) => outcome === 'complete').length).toBeGreaterThanOrEqual(8);
  expect(ends).not.toContain('failed');
});

test('an engine that is away for all is asked for few of them', async () => {
  await using simulator = await simulate({ seed: 7, apps: 40, faults: { licenses: false } });
  const crawled = await crawlSimulated(connectionFor(simulator));
  for (const ended of outcomesOf(simulator, crawled)) expect(ended?.outcome).toBe('partial');
  expect(simulator.record.snapshot().engineSockets.total).toBeLessThan(12);
});
