import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { StreamRecord } from '#protocol/records.ts';
import { APPS, begun, HOUR_MS, later } from './crawls.ts';

describe('a crawl that goes on from another', () => {
  test('of an unchanged site opens no app, asks at most 20 calls and sends no row', async () => {
    await using crawls = await begun();
    const second = await crawls.next();
    expect(second.opens).toBe(0);
    expect(second.reasons).toEqual({ unchanged: APPS });
    expect(second.calls, second.names.join('\n')).toBeLessThanOrEqual(20);
    expect(second.site).toMatchObject({ outcome: 'updated', reason: { code: 'delta' } });
    const sent = second.crawled.records.filter((record: StreamRecord) => record.t === 'asset' || record.t === 'edge');
    expect(sent).toEqual([]);
    expect(second.crawled.records.filter(({ t }) => t === 'listed')).toHaveLength(APPS);
    if (process.platform !== 'win32') expect(statSync(crawls.file).mode & 0o777).toBe(0o600);
  });

  test('opens as many apps as changed', async () => {
    await using crawls = await begun();
    const at = later(crawls.nowMs);
    crawls.nowMs += HOUR_MS;
    crawls.simulator.mutate({ action: 'change', appId: crawls.app(0), change: { modifiedDate: at } });
    crawls.simulator.mutate({
      action: 'change',
      appId: crawls.app(1),
      change: { modifiedDate: at, lastReloadTime: at },
    });
    const second = await crawls.next();
    expect(second.opens).toBe(2);
    expect(second.reasons).toEqual({ unchanged: APPS - 2, modified: 1, reloaded: 1 });
    const third = await crawls.next();
    expect(third.opens).toBe(0);
  });

  test('notices that an app is deleted', async () => {
    await using crawls = await begun();
    const gone = crawls.app();
    crawls.simulator.mutate({ action: 'delete', appId: gone });
    const second = await crawls.next();
    expect(second.opens).toBe(0);
    const listed = second.crawled.records.flatMap((record) => (record.t === 'listed' ? [record.key] : []));
    expect(listed).toHaveLength(APPS - 1);
    expect(listed).not.toContain(`sim/${gone}`);
    expect((await crawls.next()).reasons).toEqual({ unchanged: APPS - 1 });
  });

  test('falls back to full by itself when an option, the release, the catalog or the state is another', async () => {
    await using crawls = await begun();
    expect((await crawls.next({ scripts: false })).reasons).toEqual({ options_changed: APPS });
    expect((await crawls.next({ scripts: false, owner: 'another' })).reasons).toEqual({ catalog_changed: APPS });
    expect((await crawls.next({ crawl: { sheetId: 'repository' }, scripts: false, owner: 'another' })).reasons).toEqual(
      {
        connection_changed: APPS,
      },
    );
    crawls.checkpoint = 'of-another-crawl';
    expect((await crawls.next()).reasons).toEqual({ state_lost: APPS });
    writeFileSync(crawls.file, readFileSync(crawls.file, 'utf8').replace('"version":1', '"version":2'));
    expect((await crawls.next()).reasons).toEqual({ state_damaged: APPS });
    crawls.nowMs += 7 * 24 * HOUR_MS;
    const due = await crawls.next();
    expect(due.reasons).toEqual({ full_due: APPS });
    expect((await crawls.next()).reasons).toEqual({ unchanged: APPS });
  });

  test('what a crawl wrote before it was broken off is written again by the next', async () => {
    await using crawls = await begun();
    const changed = [0, 1, 2, 3, 4].map((which) => crawls.app(which));
    const at = later(crawls.nowMs);
    crawls.nowMs += HOUR_MS;
    for (const appId of changed) crawls.simulator.mutate({ action: 'change', appId, change: { modifiedDate: at } });
    const stop = new AbortController();
    const records: string[] = [];
    await crawls
      .next({
        job: 'broken',
        signal: stop.signal,
        onProgress: ({ outcomes }) => {
          if ((outcomes['complete'] ?? 0) + (outcomes['partial'] ?? 0) >= 1) stop.abort(new Error('power cut'));
        },
      })
      .catch((error: unknown) => records.push(String(error)));
    expect(records).toEqual(['Error: power cut']);
    // Another job begins instead: what the first had read is read again, and the site's lists are written whole.
    const other = await crawls.next();
    expect(other.site).toMatchObject({ reason: { code: 'interrupted' } });
    expect(other.opens).toBe(changed.length);
    expect((await crawls.next()).opens).toBe(0);
  });
});
