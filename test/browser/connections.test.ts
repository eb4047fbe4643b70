import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { noBrowser } from './chromium.ts';
import { busyWorld, connection, escapeProblem, state } from './fake/states.ts';
import { World } from './fake/world.ts';
import { visits } from './harness.ts';

const card = (page: Page, name: string) =>
  page.getByRole('listitem').filter({ has: page.getByRole('heading', { name, exact: true }) });

describe.skipIf(noBrowser())('connections', () => {
  const { enter } = visits();

  test('a broken file is shown in full: place, line with caret, fix, and what keeps working', async () => {
    const { page, complaints } = await enter(busyWorld());
    const finance = card(page, 'Qlik finance');
    const text = await finance.innerText();
    expect(text).toContain('finance.conf:12:21');
    expect(text).toContain('config.syntax');
    expect(text).toContain('In double quotes, \\s is not an escape that HOCON knows.');
    expect(text).toContain('Write the backslash twice: auth.value = "CORP\\\\svc_qlik".');
    expect(text).toMatch(/The last good version of \d\d:\d\d( on .*)? keeps working\./);
    expect(await finance.locator('.badge').first().getAttribute('data-tone')).toBe('red');
    const [line = '', caret = ''] = (await finance.locator('.excerpt pre').first().innerText()).split('\n');
    expect(line.slice(caret.indexOf('^'))).toMatch(/^\\svc_qlik/);
    expect(complaints).toEqual([]);
  });

  test('a file that has no code yet is shown with what it lacks', async () => {
    const { page } = await enter(busyWorld());
    const text = await card(page, 'new-site.conf').innerText();
    expect(text).toContain('config.missing_key');
    expect(text).toContain('No version of this file could be read yet');
  });

  test('green, red and grey stand for what they say', async () => {
    const { page } = await enter(busyWorld());
    await card(page, 'Qlik paused').waitFor();
    const verdicts = await page
      .locator('.card-head')
      .evaluateAll((heads) =>
        heads.map((head) => [
          head.querySelector('h2')?.textContent,
          head.querySelector('.badge')?.getAttribute('data-tone'),
          head.querySelector('.badge')?.textContent,
        ]),
      );
    expect(verdicts).toEqual([
      ['new-site.conf', 'red', 'File cannot be read'],
      ['Qlik production', 'green', 'Ready'],
      ['Qlik sales', 'green', 'Ready'],
      ['Qlik finance', 'red', 'File in error, last good version at work'],
      ['Qlik claims', 'red', 'Last crawl failed'],
      ['Qlik renamed', 'green', 'Ready'],
      ['Qlik lab', 'red', 'Agent offline'],
      ['Qlik copied', 'red', 'Agent quarantined'],
      ['Qlik restored', 'green', 'Ready'],
      ['Qlik retired', 'grey', 'File removed'],
      ['Qlik paused', 'grey', 'Disabled in its file'],
    ]);
  });

  test('an unchecked certificate is warned of', async () => {
    const { page } = await enter(busyWorld());
    expect(await card(page, 'Qlik claims').innerText()).toContain('Certificate validation is switched off');
    expect(await card(page, 'Qlik production').innerText()).not.toContain('Certificate validation');
  });

  test('Run crawl starts one and its progress is followed without a reload', async () => {
    const world = busyWorld();
    const { page, catalog } = await enter(world);
    const production = card(page, 'Qlik production');
    await production.getByRole('button', { name: 'Run crawl of prod' }).click();
    await page.getByText('Crawl of prod started.').waitFor();
    const id = world.connection('prod')?.lastJob?.id ?? '';
    expect(catalog.calls).toContain('POST /api/v1/connections/prod/jobs');
    const progress = { scopesDone: 3, scopesTotal: 12, records: 900, current: ['Sales Überblick'] };
    world.changeJob(id, { state: 'running', startedAt: new Date().toISOString(), progress });
    await production.getByText('3 of 12 scopes · 900 records').waitFor();
    expect(await production.getByRole('progressbar').evaluate((bar) => (bar as HTMLProgressElement).value)).toBe(3);
    expect(await production.getByRole('button', { name: 'Crawl running' }).getAttribute('aria-disabled')).toBe('true');
    await page.getByRole('link', { name: 'Watch' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Crawl of prod' }).waitFor();
    world.changeJob(id, { state: 'published', finishedAt: new Date().toISOString(), outcomes: { complete: 12 } });
    await page.getByRole('region', { name: 'State' }).getByText('Published').waitFor();
  });

  test('a refused crawl says why', async () => {
    const { page, catalog } = await enter(busyWorld());
    catalog.refuse('POST /api/v1/connections/prod/jobs', {
      status: 503,
      error: {
        code: 'catalog.unavailable',
        message: 'The database does not answer.',
        retryable: true,
        advice: 'The catalog cannot store at the moment (disk or database); see its log.',
      },
    });
    const production = card(page, 'Qlik production');
    await production.getByRole('button', { name: 'Run crawl of prod' }).click();
    const alert = production.getByRole('alert');
    await alert.waitFor();
    expect(await alert.innerText()).toContain('The database does not answer.');
    expect(await alert.innerText()).toContain('catalog.unavailable');
  });

  test('a running crawl is cancelled on the page of its connection', async () => {
    const world = busyWorld();
    const { page } = await enter(world, '/connections/sales');
    await page.getByRole('button', { name: 'Cancel crawl' }).click();
    await page.getByRole('button', { name: 'Cancelling…' }).waitFor();
    expect(world.connection('sales')?.lastJob?.state).toBe('cancelling');
  });

  test('a standby agent is assigned', async () => {
    const world = busyWorld();
    const { page } = await enter(world);
    await card(page, 'Qlik claims').getByRole('button', { name: 'Assign to graz' }).click();
    await page.getByText('claims is now with graz.').waitFor();
    await card(page, 'Qlik claims').getByRole('link', { name: 'graz' }).waitFor();
    expect(world.connection('claims')?.agentName).toBe('graz');
  });

  test('the assets of a changed code are taken over', async () => {
    const world = busyWorld();
    const { page } = await enter(world);
    await page.getByRole('button', { name: 'Take over the assets of old-name' }).click();
    await page.getByText('renamed has taken over the assets of old-name.').waitFor();
    expect(world.connection('renamed')?.takeOver).toBeNull();
  });

  test('deleting asks for the code, says what goes and that the file is still there', async () => {
    const world = busyWorld();
    const { page } = await enter(world, '/connections/prod');
    await page.getByRole('button', { name: 'Delete… prod' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete this connection?' });
    expect(await dialog.innerText()).toContain('4,312 assets');
    expect(await dialog.innerText()).toContain('still exists on the agent');
    const confirm = dialog.getByRole('button', { name: 'Delete assets and history' });
    await dialog.getByRole('textbox').fill('PROD');
    expect(await confirm.isDisabled()).toBe(true);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Delete…');
    await page.getByRole('button', { name: 'Delete… prod' }).click();
    await dialog.getByRole('textbox').fill('prod');
    await confirm.click();
    await page.getByText('prod: 4,312 assets deleted. Its file still exists').waitFor();
    expect(world.connection('prod')).toBeUndefined();
  });

  test('an edited file changes the page within a moment; broken and mended, it turns red and green', async () => {
    const world = new World();
    world.agents = busyWorld().agents;
    world.connections = [connection('prod')];
    const { page } = await enter(world);
    await card(page, 'Qlik prod').waitFor();
    world.change('prod', { status: state('prod', { name: 'Renamed site' }) });
    await card(page, 'Renamed site').waitFor();
    world.change('prod', {
      status: state('prod', { name: 'Renamed site', state: 'error', problems: [escapeProblem] }),
    });
    await page.locator('[data-tone=red]').first().waitFor();
    world.change('prod', { status: state('prod', { name: 'Renamed site' }) });
    await page.locator('[data-tone=green]').first().waitFor();
    expect(await page.locator('[data-tone=red]').count()).toBe(0);
  });

  test('with nothing there, the page says what to do next', async () => {
    const world = new World();
    const { page } = await enter(world);
    await page.getByRole('link', { name: 'Add the first agent' }).waitFor();
    world.agents = busyWorld().agents.slice(0, 1);
    world.emit({ name: 'agent', id: 'vienna' });
    await page.getByText('Put a connection file').waitFor();
  });
});
