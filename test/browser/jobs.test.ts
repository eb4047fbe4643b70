import { describe, expect, test } from 'vitest';
import { noBrowser } from './chromium.ts';
import { busyWorld } from './fake/states.ts';
import { visits } from './harness.ts';

describe.skipIf(noBrowser())('a crawl', () => {
  const { enter } = visits();

  test('every scope shows its outcome, its difference, what is missing and what to do', async () => {
    const { page } = await enter(busyWorld(), '/jobs/job-1');
    const scope = (name: string) => page.locator('li.scope').filter({ hasText: name });
    await scope('Sales Überblick').waitFor();
    expect(await scope('Sales Überblick').innerText()).toMatch(/\+12 added[\s\S]*5 changed[\s\S]*−2 removed/);
    const partial = await scope('Claims «2026»').innerText();
    expect(partial).toContain('Missing: load script.');
    expect(partial).toContain('qlik.script_not_visible');
    expect(partial).toContain('Give the user read access to the load script');
    const denied = await scope('HR: salaries').innerText();
    expect(denied).toContain('qlik.access_denied');
    expect(denied).toContain('Missing because of it: tables and fields');
    expect(denied.split('What to do:')).toHaveLength(2);
    expect(denied.split('access denied (1010)')).toHaveLength(2);
  });

  test('the outcome filter is in the address and survives a reload', async () => {
    const { page, catalog } = await enter(busyWorld(), '/jobs/job-1');
    await page.getByRole('button', { name: 'Partial' }).click();
    await page.locator('li.scope').nth(1).waitFor({ state: 'detached' });
    expect(page.url()).toBe(`${catalog.url}/jobs/job-1?outcome=partial`);
    await page.reload();
    await page.locator('li.scope').waitFor();
    expect(await page.locator('li.scope').allInnerTexts()).toHaveLength(1);
    expect(await page.getByRole('button', { name: 'Partial' }).getAttribute('aria-pressed')).toBe('true');
  });

  test('a scope that is published while one looks appears', async () => {
    const world = busyWorld();
    const { page } = await enter(world, '/jobs/job-2');
    await page.locator('li.scope').nth(1).waitFor();
    expect(await page.locator('li.scope').count()).toBe(2);
    world.scopes.set('job-2', (world.scopes.get('job-1') ?? []).slice(0, 5));
    world.emit({ name: 'job', id: 'job-2', connection: 'sales' });
    await page.locator('li.scope').nth(4).waitFor();
  });

  test('an unknown crawl says so', async () => {
    const { page } = await enter(busyWorld(), '/jobs/nothing');
    await page.getByRole('alert').getByText('There is no job nothing.').waitFor();
  });
});
