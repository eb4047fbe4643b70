import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import type { Asset, AssetList as List } from '#catalog/api/contract.ts';
import { connectionFile } from '../demo/connection-file.ts';
import { buildPage } from '../demo/page.ts';
import { Pipe } from '../demo/pipe.ts';
import { SimulatedSite } from '../demo/site.ts';
import { launch, noBrowser } from './chromium.ts';

type AssetList = z.infer<typeof List>;

const PATIENCE_MS = 30_000;

/**
 * What a newcomer does with the demo, in a real browser on the real programs. `SCREENSHOTS=<folder>` keeps pictures of
 * each step, for looking at them.
 */
describe.skipIf(noBrowser())('a newcomer with the demo up', () => {
  const stack = new AsyncDisposableStack();
  let pipe: Pipe;
  let site: SimulatedSite;
  let page: Page;
  let browser: Browser;
  let file: string;
  const complaints: string[] = [];

  const picture = async (name: string): Promise<void> => {
    const folder = process.env['SCREENSHOTS'];
    if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
  };

  beforeAll(async () => {
    await buildPage();
    const folder = stack.adopt(await mkdtemp(join(tmpdir(), 'culvert-newcomer-')), (path) =>
      rm(path, { recursive: true, force: true }),
    );
    site = stack.use(await SimulatedSite.start({ folder: join(folder, 'site'), seed: 4, apps: 10 }));
    pipe = stack.use(await Pipe.start({ folder }));
    file = join(pipe.connections, 'demo.conf');
    await writeFile(file, connectionFile(site.addresses));
    await pipe.connection('demo', ({ status }) => status.state === 'ready');
    expect((await pipe.crawl('demo')).state).toBe('published');
    browser = stack.adopt(await launch(), (started) => started.close());
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('pageerror', (error) => complaints.push(String(error)));
  }, 120_000);
  afterAll(() => stack.disposeAsync());

  test('logs in by the link that works once', async () => {
    await page.goto(pipe.loginLink);
    await page.getByRole('link', { name: 'Demo site' }).waitFor();
    expect(page.url()).not.toContain('token');
    await picture('1-connections');
  });

  test('edits the connection file and sees the change', async () => {
    await writeFile(file, (await readFile(file, 'utf8')).replace('"Demo site"', '"Our Qlik 🦆"'));
    await page.getByRole('link', { name: 'Our Qlik 🦆' }).waitFor();
    await picture('2-renamed');
  });

  test('breaks it, sees file, line, column and the fix; the last good version keeps working', async () => {
    const good = await readFile(file, 'utf8');
    const line = good.split('\n').findIndex((text) => text.includes('url =')) + 1;
    await writeFile(
      file,
      good.replace(/url = "[^"]*"/, (text) => text.slice(0, -1)),
    );
    await page.getByText('keeps working').waitFor();
    const card = await page.locator('main').innerText();
    expect(card).toMatch(new RegExp(`demo\\.conf:${line}:\\d+`));
    expect(card).toMatch(/What to do:.{10,}/);
    await picture('3-broken');
    expect((await pipe.crawl('demo')).state).toBe('published');
    await writeFile(file, good);
    await page.getByText('keeps working').waitFor({ state: 'hidden' });
  });

  test('presses Full crawl and watches it', async () => {
    // Slow enough to be watched, whatever the machine.
    await site.ask('/faults', { latencyMs: 100 });
    await page.getByRole('link', { name: 'Our Qlik 🦆' }).click();
    await page.getByRole('button', { name: 'Full crawl' }).click();
    await page.getByText(/\d+ of \d+ scopes/).waitFor();
    await site.ask('/faults', { latencyMs: 0 });
    await picture('4-running');
    const all = page
      .locator('main')
      .filter({ hasText: /State\s*Published/ })
      .filter({ hasText: /Complete\s*10/ });
    await all.filter({ hasText: /All\s*11/ }).waitFor();
    await picture('5-done');
  });

  test('presses Run crawl, which reads only what changed since', async () => {
    await page.getByRole('link', { name: 'Connections', exact: true }).first().click();
    await page.getByText(/\d+ complete/).waitFor();
    await page.getByRole('button', { name: 'Run crawl' }).click();
    await page.getByText(/\d+ unchanged/).waitFor();
    expect(await page.getByText(/\d+ complete/).count()).toBe(0);
  });

  test('presses Test connection, watches the checks, and sees the verdict on the connection', async () => {
    await site.ask('/faults', { latencyMs: 150 });
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByRole('heading', { level: 1, name: 'Test of demo' }).waitFor();
    await page.locator('li.check.is-pass').filter({ hasText: 'Connection file' }).waitFor();
    await picture('5a-testing');
    await site.ask('/faults', { latencyMs: 0 });
    await page.getByText(/^All \d+ checks passed/).waitFor();
    expect(await page.locator('li.check.is-fail').count()).toBe(0);
    await page.getByRole('heading', { name: 'The way from the agent to the catalog' }).waitFor();
    await picture('5b-tested');
    await page.getByRole('link', { name: 'Connections', exact: true }).first().click();
    await page.getByText(/^All \d+ checks passed/).waitFor();
  });

  test('walks from the stream to the app, the sheet and the chart, and finds the script', async () => {
    const first = async (kind: string): Promise<string> => {
      const { items } = await pipe.api.get<AssetList>(`/api/v1/assets?connection=demo&kind=${kind}&limit=1`);
      return items[0]?.key ?? '';
    };
    const asset = async (key: string): Promise<Asset> => pipe.api.get(`/api/v1/asset?key=${encodeURIComponent(key)}`);
    const at = (key: string): string => `/asset?key=${encodeURIComponent(key)}`;
    const opened = async (key: string): Promise<void> => {
      await page.waitForURL((url) => url.searchParams.get('key') === key);
      await page.getByRole('heading', { level: 1 }).waitFor();
    };

    const chart = await asset(await first('chart'));
    expect(chart.path.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['site', 'app', 'sheet']));
    await page.getByRole('link', { name: 'Assets', exact: true }).click();
    for (const { key } of [...chart.path, chart]) {
      // By its address: names need not be unique, nor be there at all. By key: a picture that comes meanwhile moves what is below
      // it, and a link that moves between the press of a button and its release is not clicked.
      await page
        .locator(`main a[href="${at(key)}"]`)
        .first()
        .press('Enter');
      await opened(key);
    }
    await picture('6-chart');

    const script = await first('script');
    await page.goto(pipe.api.address + at(script));
    await page.getByText('///$tab').first().waitFor();
    await picture('7-script');

    await page.getByRole('searchbox').fill('sales');
    await page.keyboard.press('Enter');
    await page.getByText(/sales/i).first().waitFor();
    await picture('8-search');
  });

  test('meets no error of the page itself', () => {
    expect(complaints).toEqual([]);
  });
});
