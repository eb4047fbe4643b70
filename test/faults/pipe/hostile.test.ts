import { afterAll, beforeAll, expect, test } from 'vitest';
import { headerFile, Setting } from '#test/catalog/pipe/setting.ts';
import type { HostileApp } from '#test/simulator/model/hostile.ts';

let setting: Setting;
beforeAll(async () => {
  setting = await Setting.make();
}, 120_000);
afterAll(() => setting?.[Symbol.asyncDispose]());

interface Scope {
  readonly scope: string;
  readonly outcome: string;
  readonly error: { readonly code: string } | null;
}

test('what a hostile site says reaches the catalog without a refused scope, and cannot be kept from it', {
  timeout: 120_000,
}, async () => {
  const site = await setting.site(5, 6, ['--hostile', 'small']);
  await setting.connect('hostile', headerFile(site, { code: 'hostile' }));
  const job = await setting.pipe.crawl('hostile');
  expect(job).toMatchObject({ state: 'published', error: null, attempt: 1 });
  const { items } = await setting.pipe.api.get<{ items: readonly Scope[] }>(`/api/v1/jobs/${job.id}/scopes?limit=500`);
  const hostile = await site.ask<readonly HostileApp[]>('/hostile');
  const apps = await site.ask<readonly { readonly id: string }[]>('/apps');
  for (const { id, what, outcomes } of hostile)
    expect.soft(outcomes, what).toContain(items.find(({ scope }) => scope === `hostile/${id}`)?.outcome);
  // The site, every app that is there, and the one that was deleted meanwhile; none refused.
  expect(items.length).toBe(apps.length + 2);
  expect(items.map(({ outcome }) => outcome)).not.toContain('failed');
  expect(JSON.stringify(items)).not.toContain('Nothing of ');
  const counts = await setting.pipe.api.counts('hostile');
  expect(counts.assets['field']).toBeGreaterThan(3_000);
  expect(counts.assets['chart']).toBeGreaterThan(500);
});
