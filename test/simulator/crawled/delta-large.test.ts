/** Rows of the table of differences that only lists of a hundred rows and more have: these are not read as a whole. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tag } from '#test/simulator/model/types.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { simulate } from '#test/unit/crawl/simulated.ts';
import { Crawls, HOUR_MS } from './crawls.ts';

const MANY = 110;
const DAY_MS = 24 * HOUR_MS;
/** Ids of all lists are compared once a week; reading everything is put off, or it would come first. */
const crawl = { fullEveryMs: 100 * DAY_MS };

let simulator: Simulator;
let crawls: Crawls;
beforeAll(async () => {
  simulator = await simulate({ apps: MANY, sessionsPerUser: 50 });
  crawls = new Crawls(simulator);
  const first = await crawls.next({ crawl });
  expect(first.reasons).toEqual({ first: MANY });
}, 120_000);
afterAll(() => simulator[Symbol.asyncDispose]());

const change = (appId: string, atMs: number): void =>
  simulator.mutate({ action: 'change', appId, change: { modifiedDate: new Date(atMs).toISOString() } });

describe('a crawl of a site of many apps that goes on from another', () => {
  test('reads an app that has the very date of the last one that was read', async () => {
    const atMs = crawls.nowMs + 60_000;
    crawls.nowMs += HOUR_MS;
    change(crawls.app(0), atMs);
    expect(await crawls.next({ crawl })).toMatchObject({ opens: 1, reasons: { unchanged: MANY - 1, modified: 1 } });
    change(crawls.app(1), atMs);
    const next = await crawls.next({ crawl });
    expect(next).toMatchObject({ opens: 1, reasons: { unchanged: MANY - 1, modified: 1 } });
    expect(next.crawled.outcomes.get(`sim/${crawls.app(1)}`)).toMatchObject({ reason: { code: 'modified' } });
    expect((await crawls.next({ crawl })).opens).toBe(0);
  });

  test('misses nothing when the clock of the site is behind or ahead', async () => {
    // Behind: dates of the site are two hours old when they come.
    crawls.nowMs += 3 * HOUR_MS;
    change(crawls.app(2), crawls.nowMs - 2 * HOUR_MS);
    expect((await crawls.next({ crawl })).reasons).toEqual({ unchanged: MANY - 1, modified: 1 });
    crawls.nowMs += 60_000;
    change(crawls.app(3), crawls.nowMs - 2 * HOUR_MS);
    expect((await crawls.next({ crawl })).reasons).toEqual({ unchanged: MANY - 1, modified: 1 });
    // One node is ahead by two hours; another, which is not, changes an app afterwards.
    change(crawls.app(4), crawls.nowMs + 2 * HOUR_MS);
    expect((await crawls.next({ crawl })).reasons).toEqual({ unchanged: MANY - 1, modified: 1 });
    crawls.nowMs += 60_000;
    change(crawls.app(5), crawls.nowMs);
    const last = await crawls.next({ crawl });
    expect(last.opens).toBe(1);
    expect(last.crawled.outcomes.get(`sim/${crawls.app(5)}`)).toMatchObject({ reason: { code: 'modified' } });
  });

  test('reads all rows where the repository refuses to filter by what changed, and says so once a list', async () => {
    const tagged = simulator.site.apps.filter(({ tagIds }) => tagIds.length > 0);
    const tag: { -readonly [K in keyof Tag]: Tag[K] } | undefined = simulator.site.tags.find(
      ({ id }) => id === tagged[0]?.tagIds[0],
    );
    if (tag === undefined) throw new Error('no app has a tag');
    const apps = tagged.filter(({ tagIds }) => tagIds.includes(tag.id)).length;
    const said: unknown[] = [];
    const say = () => undefined;
    const log = {
      debug: say,
      info: say,
      warn: (fields: object, message: string) => said.push({ ...fields, message }),
    };
    simulator.faults.set({ refusedFilters: ['tags.id', 'customProperties.definition.id'] });
    tag.name = `${tag.name}, renamed`;
    crawls.nowMs += HOUR_MS;
    const next = await crawls.next({ crawl, log });
    expect(next.site).toMatchObject({ outcome: 'updated', reason: { code: 'delta' } });
    expect(next.reasons).toEqual({ unchanged: MANY - apps, properties: apps });
    const lists = said.filter((one) => JSON.stringify(one).includes('refuses to filter'));
    expect(lists).toContainEqual(expect.objectContaining({ entity: 'app' }));
    expect(lists.filter((one) => JSON.stringify(one).includes('"app"'))).toHaveLength(1);
    simulator.faults.clear();
    expect((await crawls.next({ crawl })).opens).toBe(0);
  });

  test('compares the ids of all lists once a week: one app added and one deleted can hide each other', async () => {
    const copy = '00000000-0000-4000-8000-000000000001';
    const gone = crawls.app(6);
    simulator.mutate({ action: 'copy', appId: gone, as: copy, name: 'Imported with its old date' });
    // Restored from a backup: nothing speaks for reading its row.
    const createdDate = '2020-01-01T00:00:00.000Z';
    simulator.mutate({ action: 'change', appId: copy, change: { createdDate, modifiedDate: createdDate } });
    simulator.mutate({ action: 'delete', appId: gone });
    crawls.nowMs += HOUR_MS;
    const before = await crawls.next({ crawl });
    expect(before.reasons).toEqual({ unchanged: MANY });
    crawls.nowMs += 7 * DAY_MS;
    const weekly = await crawls.next({ crawl });
    expect(weekly.site).toMatchObject({ reason: { code: 'delta' } });
    expect(weekly.opens).toBe(1);
    expect(weekly.reasons).toEqual({ unchanged: MANY - 1, first: 1 });
    const listed = weekly.crawled.records.flatMap((record) => (record.t === 'listed' ? [record.key] : []));
    expect(listed).toContain(`sim/${copy}`);
    expect(listed).not.toContain(`sim/${gone}`);
    crawls.nowMs += HOUR_MS;
    const next = await crawls.next({ crawl });
    expect(next.reasons).toEqual({ unchanged: MANY });
    expect(next.calls).toBeLessThanOrEqual(20);
  });
});
