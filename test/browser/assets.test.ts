import { describe, expect, test } from 'vitest';
import { noBrowser } from './chromium.ts';
import { HTML_NAME, LONG_NAME, RTL_NAME } from './fake/site.ts';
import { busyWorld } from './fake/states.ts';
import { visits } from './harness.ts';

const asset = (key: string): string => `/asset?${new URLSearchParams({ key })}`;

describe.skipIf(noBrowser())('assets', () => {
  const { enter } = visits();

  test('from the site down to a chart, back again, and through a reload', async () => {
    const { page, catalog, complaints } = await enter(busyWorld(), '/browse');
    for (const name of ['Qlik production', 'Everyone', 'Sales Überblick', 'Overview', 'Revenue by region']) {
      await page.getByRole('main').getByRole('link', { name }).last().click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
    }
    expect(page.url()).toBe(catalog.url + asset('prod/app-1/chart-1'));
    expect(await page.title()).toBe('Revenue by region · Culvert');
    const crumbs = await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link').allInnerTexts();
    expect(crumbs).toEqual(['Assets', 'Qlik production', 'Everyone', 'Sales Überblick', 'Overview']);
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Revenue by region' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('what an asset uses and what uses it are links', async () => {
    const { page } = await enter(busyWorld(), asset('prod/app-1/mm-1'));
    const relations = page.getByRole('region', { name: 'Relations' });
    await relations.getByRole('heading', { name: 'Used by' }).waitFor();
    await relations.getByRole('link', { name: 'Chart measure Revenue' }).click();
    await page.getByRole('heading', { level: 1, name: 'Chart measure Revenue' }).waitFor();
    await page.getByRole('heading', { name: 'Uses' }).waitFor();
  });

  test('attributes are laid out for people: sizes, durations, dates, expressions, unknown ones', async () => {
    const { page } = await enter(busyWorld(), asset('prod/app-1'));
    const facts = page.locator('dl.attributes');
    await facts.waitFor();
    const text = await facts.innerText();
    for (const part of ['39.4 MiB', '4 min 31 s', '2 May 2023', 'Department', 'Internal', '✅ reviewed', 'CORP\\ada'])
      expect(text).toContain(part);
    await page.goto(new URL(asset('prod/app-1/chart-1/m/c1'), page.url()).href);
    await page.locator('code.expression').waitFor();
    expect(await page.locator('code.expression').textContent()).toContain('Sum({<Year={$(=Max(Year))}>} Amount)\n');
  });

  test('a script has line numbers that agree with its text, and a way to every section', async () => {
    const { page } = await enter(busyWorld(), asset('prod/app-1/script'));
    const sections = page.getByRole('navigation', { name: 'Sections of the script' });
    await sections.waitFor();
    expect(await sections.getByRole('link').allInnerTexts()).toEqual(['Main', 'Sources', 'Calendar', 'Store']);
    const calendar = page.getByRole('region', { name: 'Script, section Calendar' });
    const numbers = (await calendar.locator('.line-numbers').innerText()).split('\n');
    const lines = (await calendar.locator('.line-text').innerText()).split('\n');
    expect([numbers[0], lines[0]]).toEqual(['14', '///$tab Calendar']);
    await sections.getByRole('link', { name: 'Store' }).click();
    expect(page.url()).toMatch(/#.+/);
    await page.getByRole('heading', { level: 1, name: 'Load script' }).waitFor();
  });

  test('names that look like HTML stay text, and addresses that are no web addresses stay text', async () => {
    const { page, complaints } = await enter(busyWorld(), asset('prod/app-5'));
    await page.getByRole('heading', { level: 1 }).getByText('<b>Bold</b>').waitFor();
    expect(await page.locator('main img, main b').count()).toBe(0);
    expect(await page.title()).toBe(`${HTML_NAME.slice(0, 80)} · Culvert`);
    await page.goto(new URL(asset('prod/app-6'), page.url()).href);
    await page.getByText('javascript:alert(1)').waitFor();
    expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Open in Qlik' }).count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('a name of 100,000 characters is cut, and there in full when asked for', async () => {
    const { page } = await enter(busyWorld(), asset('prod/app-6'), { viewport: { width: 360, height: 700 } });
    const heading = page.getByRole('heading', { level: 1 });
    await heading.getByText('Umsatz').waitFor();
    expect((await heading.innerText()).length).toBeLessThan(200);
    await page.getByRole('button', { name: 'Show all 100,000 characters' }).click();
    expect(await page.getByRole('region', { name: 'Whole name' }).textContent()).toBe(LONG_NAME);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  });

  test('empty, right-to-left and emoji names can be told apart and followed', async () => {
    const { page } = await enter(busyWorld(), asset('prod/stream/finance'));
    await page.getByRole('link', { name: '(no name)' }).waitFor();
    await page.getByRole('link', { name: RTL_NAME }).click();
    await page.getByRole('heading', { level: 1, name: RTL_NAME }).waitFor();
    expect(await page.getByRole('heading', { level: 1 }).evaluate((h1) => getComputedStyle(h1).direction)).toBe('ltr');
  });

  test('a long list comes in pages', async () => {
    const { page } = await enter(busyWorld(), asset('prod/app-1'));
    const fields = page.locator('section.children').filter({ has: page.getByRole('heading', { name: 'Fields 64' }) });
    await fields.getByRole('link', { name: 'Field 25' }).waitFor();
    expect(await fields.getByRole('link').count()).toBe(25);
    await fields.getByRole('button', { name: 'Load more fields' }).click();
    await fields.getByRole('link', { name: 'Field 50' }).waitFor();
    await fields.getByRole('button', { name: 'Load more fields' }).click();
    await fields.getByRole('link', { name: 'Field 64' }).waitFor();
    expect(await fields.getByRole('link').count()).toBe(64);
    expect(await fields.getByRole('button').count()).toBe(0);
  });

  test('search asks once for what was typed, keeps the URL in step, and narrows by kind', async () => {
    const { page, catalog } = await enter(busyWorld(), '/browse');
    await page.getByRole('link', { name: 'Qlik production' }).waitFor();
    const before = catalog.calls.filter((call) => call === 'GET /api/v1/assets').length;
    await page.getByLabel('Search').pressSequentially('reven', { delay: 10 });
    await page.getByRole('link', { name: 'Revenue by region' }).waitFor();
    expect(catalog.calls.filter((call) => call === 'GET /api/v1/assets').length - before).toBeLessThan(3);
    expect(new URL(page.url()).searchParams.get('q')).toBe('reven');
    expect(await page.getByRole('listitem').filter({ hasText: 'Chart Revenue by region' }).innerText()).toContain(
      'Sales Überblick › Overview',
    );
    await page.getByLabel('Kind').selectOption('Master measures');
    await page.getByText('1 asset', { exact: true }).waitFor();
    await page.reload();
    await page.getByText('1 asset', { exact: true }).waitFor();
    expect(await page.getByLabel('Search').inputValue()).toBe('reven');
    await page.getByLabel('Search').fill('no such thing');
    await page.getByText('Nothing found').waitFor();
  });
});
