import { describe, expect, test } from 'vitest';
import { noBrowser } from './chromium.ts';
import { ONE_TIME } from './fake/server.ts';
import { busyWorld } from './fake/states.ts';
import { signIn, visits } from './harness.ts';

describe.skipIf(noBrowser())('login', () => {
  const { visit, enter } = visits();

  test('a wrong password is told with its code and advice, a right one leads on', async () => {
    const { page, catalog, complaints } = await visit(busyWorld());
    await page.goto(catalog.url);
    await signIn(page, 'canary-wrong');
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.innerText()).toContain('E-mail or password is wrong.');
    expect(await alert.innerText()).toContain('api.wrong_login');
    expect(await alert.innerText()).toContain('What to do:');
    await signIn(page);
    await page.getByRole('heading', { level: 1, name: 'Connections' }).waitFor();
    expect(await page.title()).toBe('Connections · Culvert');
    expect(complaints).toEqual([]);
  });

  test('a one-time link logs in, and its token stays neither in the address nor in the history', async () => {
    const { page, catalog } = await visit(busyWorld());
    await page.goto(`${catalog.url}/login#token=${ONE_TIME}`);
    await page.getByRole('heading', { level: 1, name: 'Connections' }).waitFor();
    expect(page.url()).toBe(`${catalog.url}/`);
    expect(catalog.calls.filter((call) => call === 'POST /api/v1/login')).toHaveLength(1);
    await page.goBack();
    expect(page.url()).not.toContain(ONE_TIME);
  });

  test('a link that was used already says so and offers the password', async () => {
    const { page, catalog } = await visit(busyWorld());
    await page.goto(`${catalog.url}/login?token=canary-used-before`);
    await page.getByText('This link was used already, or has expired.').waitFor();
    expect(page.url()).toBe(`${catalog.url}/login`);
    await signIn(page);
    await page.getByRole('heading', { level: 1, name: 'Connections' }).waitFor();
  });

  test('a session that ended leads to the login and back to where one was', async () => {
    const { page, catalog } = await enter(busyWorld(), '/jobs/job-1?outcome=partial');
    await page.locator('li.scope').first().waitFor();
    catalog.endSessions();
    await page.getByRole('button', { name: 'Failed' }).click();
    await page.getByText('Your session has ended.').waitFor();
    await signIn(page);
    await page.getByRole('heading', { level: 1, name: 'Crawl of prod' }).waitFor();
    expect(page.url()).toBe(`${catalog.url}/jobs/job-1?outcome=failed`);
  });

  test('signing out ends the session', async () => {
    const { page, catalog } = await enter(busyWorld());
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
    await page.goto(`${catalog.url}/agents`);
    await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
  });
});
