import { describe, expect, test } from 'vitest';
import { drawSheet } from '#agent/crawl/pictures/sheet-picture.ts';
import { libraryOf, planSheet } from '#agent/crawl/pictures/sheet-plan.ts';
import { noBrowser } from './chromium.ts';
import { busyWorld } from './fake/states.ts';
import { visits } from './harness.ts';

const asset = (key: string): string => `/asset?${new URLSearchParams({ key })}`;
const address = (key: string, source = 'layout'): string =>
  `/api/v1/assets/picture?${new URLSearchParams({ key, source })}`;

const drawn = (title: string): string =>
  drawSheet(
    planSheet(
      title,
      {
        qProperty: { cells: [{ name: 'a', type: 'kpi', col: 0, row: 0, colspan: 24, rowspan: 12 }] },
        qChildren: [{ qProperty: { qInfo: { qId: 'a', qType: 'kpi' }, visualization: 'kpi', title: 'Revenue' } }],
      },
      libraryOf([], [], []),
    ),
  );

/** One red dot. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';

const pictured = () => {
  const world = busyWorld();
  world.pictures = [
    { key: 'prod/app-1', source: 'thumbnail', content: PNG },
    { key: 'prod/app-1/sheet-1', source: 'layout', content: drawn('Overview') },
    { key: 'prod/app-1/sheet-1', source: 'data', content: drawn('Overview with data') },
    { key: 'prod/app-1/sheet-2', source: 'layout', content: drawn('Customers') },
  ];
  return world;
};

const loaded = `Array.from(document.querySelectorAll('main img')).map((image) => image.complete && image.naturalWidth > 0)`;

describe.skipIf(noBrowser())('pictures', () => {
  const { enter } = visits();

  test('a sheet shows its picture, with its charts in words, and the other ones on a button', async () => {
    const { page, complaints } = await enter(pictured(), asset('prod/app-1/sheet-1'));
    const image = page.getByRole('img', { name: /^Picture of the sheet Overview: .*Revenue by region/ });
    await image.waitFor();
    await expect.poll(() => page.evaluate(loaded)).toEqual([true]);
    expect(await image.getAttribute('src')).toContain('source=data');
    await page.getByRole('button', { name: 'Layout' }).click();
    await expect.poll(() => image.getAttribute('src')).toContain('source=layout');
    expect(complaints).toEqual([]);
  });

  test('an app shows its thumbnail and a gallery of its sheets that leads to them', async () => {
    const { page, complaints } = await enter(pictured(), asset('prod/app-1'));
    const gallery = page.locator('.gallery');
    await gallery.waitFor();
    expect(await gallery.getByRole('link').count()).toBe(2);
    await gallery.getByRole('link', { name: 'Customers' }).scrollIntoViewIfNeeded();
    await expect.poll(() => page.evaluate(loaded)).toEqual([true, true, true]);
    await gallery.getByRole('link', { name: 'Customers' }).click();
    await page.getByRole('heading', { level: 1, name: 'Customers' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('an app without pictures has no such part of the page', async () => {
    const { page } = await enter(busyWorld(), asset('prod/app-1'));
    await page.getByRole('heading', { level: 2, name: 'Contains' }).waitFor();
    expect(await page.locator('.pictures').count()).toBe(0);
  });

  test('draw with data asks for a preview of this very sheet', async () => {
    const world = pictured();
    const { page } = await enter(world, asset('prod/app-1/sheet-1'));
    await page.getByRole('button', { name: 'Draw with data' }).click();
    await page.getByText('The agent opens the app with its data').waitFor();
    expect(world.jobs[0]).toMatchObject({
      kind: 'preview',
      connection: 'prod',
      options: { app: 'app-1', sheets: ['sheet-1'], data: true },
    });
  });

  test('a picture that means harm does nothing, as an image and opened by itself', async () => {
    const world = pictured();
    const evil = `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" onload="parent.evil=1;top.evil=1;evil=1">
      <script>top.evil = 1; window.evil = 1; fetch('/api/v1/canary')</script><rect width="40" height="40" fill="red"/>
      <image href="/api/v1/canary" width="9" height="9"/><style>@import url(/api/v1/canary);</style>
      <foreignObject width="40" height="40"><iframe xmlns="http://www.w3.org/1999/xhtml" src="/api/v1/canary"/></foreignObject>
      <a href="javascript:top.evil=1"><text y="20">click</text></a></svg>`;
    world.pictures = [{ key: 'prod/app-1/sheet-1', source: 'layout', content: evil }];
    const { page, catalog } = await enter(world, asset('prod/app-1/sheet-1'));
    await page.getByRole('img', { name: /^Picture of the sheet/ }).waitFor();
    await expect.poll(() => page.evaluate(loaded)).toEqual([true]);
    expect(await page.evaluate('window.evil')).toBeUndefined();
    await page.goto(catalog.url + address('prod/app-1/sheet-1'));
    await page.locator('rect').waitFor();
    await page.locator('text').click();
    expect(await page.evaluate('window.evil')).toBeUndefined();
    // It has no origin of its own: what it would ask for bears no cookie.
    expect(await page.evaluate('self.origin')).toBe('null');
    expect(catalog.calls.filter((call) => call.includes('canary'))).toEqual([]);
  });
});
