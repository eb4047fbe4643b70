import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Job } from '#catalog/api/contract.ts';
import { openTestDatabase, type TestDatabase } from '#test/catalog/database.ts';
import { connectionFile } from '#test/demo/connection-file.ts';
import { Pipe } from '#test/demo/pipe.ts';
import { SimulatedSite } from '#test/demo/site.ts';
import { generateSite } from '#test/simulator/model/generate.ts';
import { mutableSite } from '#test/simulator/model/mutate.ts';
import type { RecordSnapshot } from '#test/simulator/record.ts';
import { type Expected, ExpectedSite } from './whole-site/expected.ts';

const SEED = 2_000;
/** `WHOLE_SITE_APPS=2000` for the long run. */
const APPS = Number(process.env['WHOLE_SITE_APPS'] ?? 150);
const CODE = 'demo';

/** The same site as the simulator's process has, made anew from its seed. */
const model = mutableSite(generateSite({ seed: SEED, apps: APPS, profile: 'may-2025' }));
const expected = new ExpectedSite(model, CODE);

let folder: string;
let database: TestDatabase;
let site: SimulatedSite;
let pipe: Pipe;
let job: Job;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-whole-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  database = stack.use(await openTestDatabase({ bare: true }));
  site = stack.use(await SimulatedSite.start({ folder: join(folder, 'site'), seed: SEED, apps: APPS }));
  pipe = stack.use(await Pipe.start({ folder, databaseUrl: database.url }));
  await writeFile(join(pipe.connections, 'demo.conf'), connectionFile(site.addresses), { mode: 0o600 });
  await pipe.connection(CODE, ({ status }) => status.state === 'ready');
  job = await pipe.crawl(CODE);
}, 900_000);
afterAll(() => stack.disposeAsync());

interface Row {
  readonly key: string;
  readonly kind: string;
  readonly name: string;
  readonly parent: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const stored = (scope: string) => database.sql<Row[]>`
  select a.key, a.kind, a.name, a.parent, a.attributes from asset a
    join scope s on s.organisation_id = a.organisation_id and s.id = a.scope_id where s.key = ${scope}`;

/** What the redactor took out is not to be found, and that is right; it may not be much. */
const isRedacted = (value: unknown): boolean => JSON.stringify(value)?.includes('[redacted]') === true;
const isSame = (found: unknown, wanted: unknown): boolean => isDeepStrictEqual(found, wanted) || isRedacted(found);

/** Each difference in one line; none means that the rows are what the site holds, neither more nor less. */
const differences = (rows: readonly Row[], wanted: readonly Expected[], others: ReadonlySet<string>): string[] => {
  const found = new Map(rows.map((row) => [row.key, row]));
  const told: string[] = [];
  for (const { key, kind, parent, name, attributes } of wanted) {
    const row = found.get(key);
    found.delete(key);
    if (row === undefined) {
      told.push(`${kind} ${key} is missing`);
      continue;
    }
    if (row.kind !== kind) told.push(`${key} is ${row.kind} instead of ${kind}`);
    if (row.parent !== parent) told.push(`${kind} ${key} lies in ${row.parent} instead of ${parent}`);
    if (name !== undefined && row.name !== name) told.push(`${kind} ${key} is called ${row.name} instead of ${name}`);
    for (const [attribute, value] of Object.entries(attributes))
      if (!isSame(row.attributes[attribute], value))
        told.push(
          `${kind} ${key}: ${attribute} is ${JSON.stringify(row.attributes[attribute])} instead of ${JSON.stringify(value)}`,
        );
  }
  for (const { key, kind } of found.values()) if (!others.has(kind)) told.push(`${kind} ${key} is too much`);
  return told;
};

/** What scripts read, which lies outside of the site: the lane `lineage` compares it with what they say, edge by edge. */
const SOURCES: ReadonlySet<string> = new Set(['dataset', 'column']);

/** What differs between the catalog and the site, and how many objects were compared. */
const compared = async (): Promise<{ told: readonly string[]; objects: number }> => {
  const told: string[] = [];
  let objects = 0;
  for (const app of model.apps) {
    const { assets } = expected.app(app);
    objects += assets.length;
    told.push(...differences(await stored(expected.key(app.id)), assets, SOURCES));
    if (told.length > 50) break;
  }
  return { told, objects };
};

/** Crawls again; what it asked of the site. */
const crawledAgain = async (): Promise<{ job: Job; opens: number; repositoryCalls: number }> => {
  await fetch(`${site.addresses.controlUrl}/record`, { method: 'DELETE' });
  const again = await pipe.crawl(CODE);
  const record = await site.ask<RecordSnapshot>('/record');
  const repositoryCalls = Object.entries(record.http)
    .filter(([endpoint]) => endpoint.includes('/qrs/'))
    .reduce((sum, [, { count }]) => sum + count, 0);
  return { job: again, opens: record.opens, repositoryCalls };
};

test(`the crawl of ${APPS} apps is published whole`, () => {
  expect(job).toMatchObject({ state: 'published', error: null });
  const outcomes: Record<string, number> = { complete: 1 };
  for (const app of model.apps) {
    const { outcome } = expected.app(app);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  expect(job.outcomes).toEqual(outcomes);
});

test('the catalog holds every object of the site that belongs to no app, and no other', async () => {
  expect(differences(await stored(CODE), [...expected.siteScope()], new Set(['site']))).toEqual([]);
});

test('the catalog holds every object of every app with what the site says of it, and no other', {
  timeout: 300_000,
}, async () => {
  const { told, objects } = await compared();
  expect(told).toEqual([]);
  expect(objects).toBeGreaterThan(APPS * 100);
});

test('every app names its owner, with an address where the site has one', async () => {
  const rows = await database.sql<{ key: string; email: string | null }[]>`
    select key, attributes -> 'owner' ->> 'email' as email from asset where kind = 'app'`;
  const emails = new Map(rows.map(({ key, email }) => [key, email]));
  const wrong = model.apps.filter((app) => emails.get(expected.key(app.id)) !== expected.email(app.ownerId));
  expect(wrong.map(({ id }) => id)).toEqual([]);
});

test('the second crawl of the unchanged site opens no app and asks the repository at most 20 times', {
  timeout: 120_000,
}, async () => {
  const again = await crawledAgain();
  // The site's own scope says what changed of it, which may be nothing.
  expect(again.job).toMatchObject({ state: 'published', outcomes: { unchanged: APPS } });
  expect(again.opens).toBe(0);
  expect(again.repositoryCalls).toBeGreaterThan(0);
  expect(again.repositoryCalls).toBeLessThanOrEqual(20);
});

test('ten changed apps and a deleted one cost ten opens, and the catalog holds what the site holds', {
  timeout: 300_000,
}, async () => {
  const open = model.apps.filter((app) => expected.app(app).outcome !== 'denied');
  const [gone, ...changed] = open.slice(100, 111);
  if (gone === undefined) throw new Error('the site has too few apps');
  const modifiedDate = new Date().toISOString();
  for (const { id, name } of changed) {
    const change = { name: `${name}, changed`, modifiedDate };
    model.changeApp(id, change);
    await site.ask('/mutate', { action: 'change', appId: id, change });
  }
  model.deleteApp(gone.id);
  await site.ask('/mutate', { action: 'delete', appId: gone.id });
  const again = await crawledAgain();
  expect(again.job).toMatchObject({ state: 'published' });
  expect(again.opens).toBe(10);
  expect((await compared()).told).toEqual([]);
  expect(await stored(expected.key(gone.id))).toHaveLength(0);
});
