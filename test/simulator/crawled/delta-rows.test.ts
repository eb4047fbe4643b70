import { describe, expect, test } from 'vitest';
import { settingsFilter } from '#config/filter/settings.ts';
import type { StreamRecord } from '#protocol/records.ts';
import { APPS, begun, HOUR_MS, later } from './crawls.ts';

const COPY = '00000000-0000-4000-8000-000000000001';
const listedIn = (records: readonly StreamRecord[]): string[] =>
  records.flatMap((record) => (record.t === 'listed' ? [record.key] : []));

describe('a crawl that goes on from another', () => {
  test('reads an app that was added, and no other', async () => {
    await using crawls = await begun();
    const appId = crawls.app();
    crawls.nowMs += HOUR_MS;
    crawls.simulator.mutate({ action: 'copy', appId, as: COPY, name: 'A copy' });
    const second = await crawls.next();
    expect(second.opens).toBe(1);
    expect(second.reasons).toEqual({ unchanged: APPS, first: 1 });
    expect(second.crawled.outcomes.get(`sim/${COPY}`)).toMatchObject({ outcome: 'complete' });
    expect(listedIn(second.crawled.records)).toContain(`sim/${COPY}`);
    expect(second.crawled.assets).toContainEqual(expect.objectContaining({ key: `sim/${COPY}`, name: 'A copy' }));
    expect((await crawls.next()).reasons).toEqual({ unchanged: APPS + 1 });
  });

  test('notices one app added and one deleted, though there are as many as before', async () => {
    await using crawls = await begun();
    const [appId, gone] = [crawls.app(0), crawls.app(1)];
    crawls.nowMs += HOUR_MS;
    crawls.simulator.mutate({ action: 'copy', appId, as: COPY, name: 'A copy' });
    crawls.simulator.mutate({ action: 'delete', appId: gone });
    const second = await crawls.next();
    expect(second.opens).toBe(1);
    expect(second.reasons).toEqual({ unchanged: APPS - 1, first: 1 });
    const listed = listedIn(second.crawled.records);
    expect(listed).toHaveLength(APPS);
    expect(listed).toContain(`sim/${COPY}`);
    expect(listed).not.toContain(`sim/${gone}`);
  });

  test('reads an app whose object changed while its own date did not', async () => {
    await using crawls = await begun();
    const appId = crawls.app();
    const sheet = crawls.simulator.site.content(appId).sheets[0];
    const modified = crawls.simulator.site.app(appId)?.modifiedDate;
    if (sheet === undefined) throw new Error('the app has no sheet');
    crawls.nowMs += HOUR_MS;
    crawls.simulator.mutate({ action: 'rename-object', appId, objectId: sheet.qId, name: 'Another title' });
    expect(crawls.simulator.site.app(appId)?.modifiedDate).toBe(modified);
    const second = await crawls.next();
    expect(second.opens).toBe(1);
    expect(second.reasons).toEqual({ unchanged: APPS - 1, objects: 1 });
    expect(second.crawled.assets).toContainEqual(expect.objectContaining({ kind: 'sheet', name: 'Another title' }));
    expect((await crawls.next()).opens).toBe(0);
  });

  test('falls back to full by itself when the filter or the release is another', async () => {
    await using crawls = await begun();
    const filter = settingsFilter({ excludeApps: [crawls.app()] });
    expect((await crawls.next({ filter })).reasons).toEqual({ filter_changed: APPS - 1 });
    expect((await crawls.next({ filter })).reasons).toEqual({ unchanged: APPS - 1 });
    expect((await crawls.next({ filter, crawler: '1.0.1' })).reasons).toEqual({ version_changed: APPS - 1 });
    expect((await crawls.next({ crawler: '1.0.1' })).reasons).toEqual({ filter_changed: APPS });
  });

  test('goes on with its own job after a break, and knows apps as they were when they were read', async () => {
    await using crawls = await begun();
    const changed = [0, 1, 2, 3, 4].map((which) => crawls.app(which));
    const at = later(crawls.nowMs);
    crawls.nowMs += HOUR_MS;
    for (const appId of changed) crawls.simulator.mutate({ action: 'change', appId, change: { modifiedDate: at } });
    const stop = new AbortController();
    const records: StreamRecord[] = [];
    const broken = crawls.next({
      job: 'broken',
      records,
      signal: stop.signal,
      onProgress: ({ outcomes }) => {
        if ((outcomes['complete'] ?? 0) + (outcomes['partial'] ?? 0) >= 1) stop.abort(new Error('power cut'));
      },
    });
    await expect(broken).rejects.toThrow('power cut');
    const written = records.filter((record) => record.t === 'outcome');
    const read = changed.filter((id) => written.some(({ scope }) => scope === `sim/${id}`));
    expect(read.length).toBeGreaterThan(0);
    expect(read.length).toBeLessThan(changed.length);

    // What was read before the break changes again before the job goes on.
    const [again = ''] = read;
    const modifiedDate = later(crawls.nowMs);
    crawls.simulator.mutate({ action: 'change', appId: again, change: { modifiedDate } });
    crawls.nowMs += HOUR_MS;
    const resumed = await crawls.next({ job: 'broken', skipScopes: new Set(written.map(({ scope }) => scope)) });
    expect(resumed.opens).toBe(changed.length - read.length);
    // The site's scope was published before the break, and named the state that the job now ended with.
    crawls.checkpoint = written.find(({ scope }) => scope === 'sim')?.checkpoint ?? null;
    const third = await crawls.next();
    expect(third.reasons).toEqual({ unchanged: APPS - 1, modified: 1 });
    expect(third.crawled.outcomes.get(`sim/${again}`)).toMatchObject({ reason: { code: 'modified' } });
  });
});
