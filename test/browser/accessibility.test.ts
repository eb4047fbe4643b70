import { describe, expect, test } from 'vitest';
import { namesMissing, poorContrasts } from './audit.ts';
import { noBrowser } from './chromium.ts';
import { busyWorld } from './fake/states.ts';
import { World } from './fake/world.ts';
import { visits } from './harness.ts';

const PAGES = [
  '/',
  '/connections/prod',
  '/connections/sales',
  '/connections/finance',
  '/connections/prod/settings',
  '/connections/claims/settings',
  '/connections/prod/run',
  '/connections/prod/findings',
  '/connections/sales/findings',
  '/connections/nothing/run',
  '/jobs/job-1',
  '/jobs/job-1?changed=true',
  '/jobs/list-1',
  '/jobs/list-tried?kind=stream',
  '/jobs/test-good',
  '/jobs/test-bad',
  '/jobs/test-blind',
  '/jobs/test-now',
  '/jobs/test-old-agent',
  '/agents',
  '/browse',
  '/browse?q=re',
  '/asset?key=prod%2Fapp-1',
  '/asset?key=prod%2Fapp-6',
  '/asset?key=prod%2Fapp-1%2Fscript',
  '/asset?key=prod%2Fapp-1%2Fscript&line=7',
  '/asset?key=prod%2Fstream%2Ffinance',
  '/tokens',
  '/nowhere',
];

describe.skipIf(noBrowser())('accessibility', () => {
  const { enter, visit } = visits();

  for (const width of [360, 1440])
    test(`names, contrast, width and stillness of every page, light and dark (${width} px)`, async () => {
      const size = { viewport: { width, height: 800 }, reducedMotion: 'reduce' } as const;
      const { page, catalog, complaints } = await enter(busyWorld(), '/', size);
      const found: Record<string, unknown> = {};
      for (const path of PAGES) {
        await page.goto(catalog.url + path);
        await page.locator('.shell h1').waitFor();
        await page.waitForLoadState('load');
        await page.locator('.loading').first().waitFor({ state: 'detached' });
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          const wrong = {
            nameless: await page.evaluate(namesMissing),
            contrast: await page.evaluate(poorContrasts),
            overflow: (await page.evaluate(() => document.documentElement.scrollWidth)) - width,
            motion: await page.evaluate(() => document.getAnimations().length),
            headings: await page.locator('h1').count(),
          };
          if (
            JSON.stringify(wrong) !==
            JSON.stringify({ nameless: [], contrast: [], overflow: 0, motion: 0, headings: 1 })
          )
            found[`${path} (${colorScheme})`] = wrong;
        }
      }
      expect(found).toEqual({});
      expect(complaints).toEqual([]);
    });

  test('the login form and the empty pages pass the same checks', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, catalog } = await visit(new World(), { colorScheme, viewport: { width: 360, height: 700 } });
      await page.goto(catalog.url);
      await page.getByLabel('E-mail').waitFor();
      expect(await page.evaluate(namesMissing)).toEqual([]);
      expect(await page.evaluate(poorContrasts)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    }
  });

  test('the checks find what is wrong', async () => {
    const { page } = await enter(new World());
    await page.getByText('No agent yet').waitFor();
    await page.evaluate(() => {
      const main = document.querySelector('main');
      const pale = document.createElement('p');
      pale.className = 'pale';
      pale.append('pale');
      // Through the object model: the content security policy forbids style attributes.
      pale.style.color = 'color-mix(in srgb, CanvasText 40%, Canvas)';
      main?.append(pale, document.createElement('button'), document.createElement('input'));
    });
    expect(await page.evaluate(poorContrasts)).toEqual([expect.stringMatching(/^P\.pale: [12]\.\d\d "pale"$/)]);
    expect(await page.evaluate(namesMissing)).toEqual(['<button></button>', '<input>']);
  });

  test('the keyboard alone reaches Run crawl and starts it', async () => {
    const world = busyWorld();
    const { page } = await enter(world);
    // A page that was just opened: nothing has the focus yet.
    await page.reload();
    await page.getByRole('button', { name: 'Run crawl of prod' }).waitFor();
    const seen: string[] = [];
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press('Tab');
      seen.push(await page.evaluate(() => document.activeElement?.textContent?.trim() ?? ''));
      if (seen.at(-1) === 'Run crawl of prod') break;
    }
    expect(seen.at(-1)).toBe('Run crawl of prod');
    expect(seen[0]).toBe('Skip to the content');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineWidth);
    expect(Number.parseFloat(outline)).toBeGreaterThanOrEqual(2);
    await page.keyboard.press('Enter');
    await page.getByText('Crawl of prod started.').waitFor();
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('BUTTON');
  });

  test('after a link the focus is on the heading of the new page, and back returns to the old scroll position', async () => {
    const { page } = await enter(busyWorld(), '/', { viewport: { width: 1000, height: 500 } });
    const link = page.getByRole('link', { name: 'Qlik lab' });
    await link.scrollIntoViewIfNeeded();
    const scrolled = await page.evaluate(() => scrollY);
    expect(scrolled).toBeGreaterThan(200);
    await link.click();
    await page.getByRole('heading', { level: 1, name: 'Qlik lab' }).waitFor();
    expect(await page.evaluate(() => [document.activeElement?.tagName, scrollY])).toEqual(['H1', 0]);
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Connections' }).waitFor();
    expect(Math.abs((await page.evaluate(() => scrollY)) - scrolled)).toBeLessThan(50);
  });
});
