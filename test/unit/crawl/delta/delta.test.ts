import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Delta, type DeltaOptions } from '#agent/crawl/delta/delta.ts';
import { connectionTo } from '../../qlik/fake-site.ts';
import { APP_ID, checkpoint, knownApp } from './rows.ts';

const DAY_MS = 86_400_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-delta-open-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const options = (job: string, named: string | null, nowMs = Date.UTC(2026, 1, 3)): DeltaOptions => ({
  connection: connectionTo('https://qlik.example'),
  asked: { mode: 'delta', checkpoint: named, pictures: false },
  place: { folder, job, owner: 'catalog agent', crawler: '1.0.0' },
  nowMs: () => nowMs,
  filter: '',
  options: {},
});

/** Ends one crawl well; the name of its state. */
const crawled = async (): Promise<string> => {
  const delta = await Delta.open(options('job-1', null));
  expect(delta).toMatchObject({ base: undefined, reason: { code: 'first' } });
  const { site, apps, otherObjects, rejected } = checkpoint('x', [[APP_ID, knownApp()]]);
  await delta.finish({ site, apps, otherObjects, rejected });
  return delta.name ?? '';
};
/** Why a crawl begins as it does; `delta`: it goes on from the last. */
const begins = async (job: string, named: string | null, nowMs?: number): Promise<string> => {
  const delta = await Delta.open(options(job, named, nowMs));
  await delta.close();
  return delta.base === undefined ? delta.reason.code : 'delta';
};

test('goes on from the state that the catalog names, and from no other', async () => {
  const name = await crawled();
  expect(await begins('job-2', name)).toBe('delta');
  expect(await begins('job-3', 'of-another-crawl')).toBe('state_lost');
  expect(await begins('job-4', null)).toBe('catalog_changed');
});

test('reads everything when the state is cut off or gone', async () => {
  const name = await crawled();
  const [file = ''] = (await readdir(folder)).filter((one) => one.endsWith('.json'));
  await truncate(join(folder, file), 200);
  expect(await begins('job-2', name)).toBe('state_damaged');
  await rm(join(folder, file));
  expect(await begins('job-3', name)).toBe('state_lost');
});

test('reads everything once a week, also when the clock was set back by more', async () => {
  const name = await crawled();
  const atMs = Date.UTC(2026, 1, 3);
  expect(await begins('job-2', name, atMs + 7 * DAY_MS - 1)).toBe('delta');
  expect(await begins('job-3', name, atMs + 7 * DAY_MS)).toBe('full_due');
  expect(await begins('job-4', name, atMs - 8 * DAY_MS)).toBe('full_due');
});

test('keeps to reading everything when a job goes on that began so', async () => {
  const name = await crawled();
  expect(await begins('job-2', 'of-another-crawl')).toBe('state_lost');
  // The name would fit now: what the job published before it broke off was not compared with it.
  expect(await begins('job-2', name)).toBe('state_lost');
});
