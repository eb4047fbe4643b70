import { kill } from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { headerFile, Setting } from './setting.ts';

let setting: Setting;
beforeAll(async () => {
  setting = await Setting.make();
}, 120_000);
afterAll(() => setting?.[Symbol.asyncDispose]());

interface Truth {
  readonly assets: Record<string, number>;
  readonly edges: Record<string, number>;
}

/** What scripts and expressions say of where data comes from: the lane `lineage` compares it, edge by edge. */
const LINEAGE: ReadonlySet<string> = new Set(['dataset', 'column', 'derives', 'loads', 'produces']);

type Counted = Readonly<Record<string, number | undefined>>;
const withoutZeros = (counts: Counted): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).flatMap(([kind, n]) => (n ? [[kind, n]] : [])));

const ofTheSite = (counts: Counted): Record<string, number> =>
  Object.fromEntries(Object.entries(withoutZeros(counts)).filter(([kind]) => !LINEAGE.has(kind)));

/** Each column lies in its dataset. */
const withColumns = (
  { ['contains']: contains = 0, ...edges }: Counted,
  { ['column']: column = 0 }: Counted,
): Record<string, number> => withoutZeros({ ...edges, contains: contains + column });

// Any seeds will do; these are written down so that a failure can be repeated. The lane `simulator` has more of them.
const SITES = [
  { seed: 1, profile: 'june-2018' },
  { seed: 42, profile: 'february-2019' },
  { seed: 1001, profile: 'november-2021' },
  { seed: 65_537, profile: 'november-2024' },
  { seed: 4_294_967_295, profile: 'may-2025' },
];

test.each(SITES)(
  'the catalog holds what the site holds, kind by kind: seed $seed on $profile',
  { timeout: 120_000 },
  async ({ seed, profile }) => {
    const site = await setting.site(seed, 6, [], profile);
    const code = `seed-${seed}`;
    await setting.connect(code, headerFile(site, { code }));
    const job = await setting.pipe.crawl(code);
    expect(job).toMatchObject({ state: 'published', error: null, attempt: 1 });
    const [counts, truth] = [await setting.pipe.api.counts(code), await site.ask<Truth>('/truth')];
    expect(ofTheSite(counts.assets)).toEqual(withoutZeros(truth.assets));
    expect(ofTheSite(counts.edges)).toEqual(withColumns(truth.edges, counts.assets));
    const record = await site.ask<{ opensWithData: number }>('/record');
    expect(record.opensWithData).toBe(0);
  },
);

test('an agent that is killed in the middle of a crawl goes on after its restart, and nothing is lost or doubled', {
  timeout: 180_000,
}, async () => {
  // Slow enough to be caught in the middle.
  const site = await setting.site(7, 30, ['--latency', '20']);
  await setting.connect('killed', headerFile(site, { code: 'killed' }));
  const { id } = await setting.pipe.api.startCrawl('killed');
  const { pipe } = setting;
  let wasKilled = false;
  const job = await pipe.follow(id, ({ outcomes, state }) => {
    const published = Object.values(outcomes).reduce((sum, n) => sum + n, 0);
    if (wasKilled || state !== 'running' || published < 3) return;
    wasKilled = true;
    kill(pipe.agent.pid, 'SIGKILL');
    void pipe.agent.ended.then(() => pipe.restartAgent());
  });
  expect(wasKilled).toBe(true);
  expect(job).toMatchObject({ state: 'published', error: null });
  const [counts, truth] = [await pipe.api.counts('killed'), await site.ask<Truth>('/truth')];
  expect(ofTheSite(counts.assets)).toEqual(withoutZeros(truth.assets));
  expect(ofTheSite(counts.edges)).toEqual(withColumns(truth.edges, counts.assets));
});

test('a second crawl of an unchanged site changes nothing', { timeout: 120_000 }, async () => {
  const { api } = setting.pipe;
  const before = await api.counts('seed-1');
  const job = await setting.pipe.crawl('seed-1');
  expect(job.state).toBe('published');
  expect(await api.counts('seed-1')).toEqual(before);
  const scopes = await api.get<{ items: { added: number; changed: number; removed: number }[] }>(
    `/api/v1/jobs/${job.id}/scopes`,
  );
  expect(scopes.items.length).toBeGreaterThan(6);
  for (const { added, changed, removed } of scopes.items) expect([added, changed, removed]).toEqual([0, 0, 0]);
});
