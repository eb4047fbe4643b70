import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLoginToken } from '#catalog/store/members.ts';
import { asset, scopeRecords, siteRecords } from '../catalog/agent.ts';
import { chainRecords, edge, ORDERS_QVD, ORDERS_TABLE, REVENUE_QVD } from '../catalog/chain.ts';
import { Served } from '../catalog/served.ts';
import { buildPage } from '../demo/page.ts';
import { launch, noBrowser } from './chromium.ts';
import { complaintsOf, PATIENCE_MS } from './harness.ts';

const APPS = 1_000;

/** One file that a thousand apps load. */
const hubRecords = (code: string) => {
  const names = Array.from({ length: APPS }, (_, n) => `app-${String(n).padStart(4, '0')}`);
  // All in one batch: only what is shown of it counts here.
  return [
    siteRecords(code, names),
    names.flatMap((name) => {
      const key = `${code}/${name}`;
      return scopeRecords(key, 'app', [
        asset(key, key, 'app', `Report ${name}`, `${code}/stream/s`),
        asset(key, 'file://hub.example.com/calendar.qvd', 'dataset', 'calendar.qvd'),
        edge(key, 'loads', key, 'file://hub.example.com/calendar.qvd', { role: 'value', confidence: 'exact' }),
      ]);
    }),
  ];
};

describe.skipIf(noBrowser())('lineage', () => {
  let served: Served;
  let browser: Browser;
  let organisationId: string;
  let login: () => Promise<string>;
  beforeAll(async () => {
    served = await Served.open(await buildPage());
    browser = await launch();
    const ours = await served.organisation('Ours', 'us@example.com');
    organisationId = ours.organisationId;
    login = () => createLoginToken(served.sql, ours.member);
    await served.published(organisationId, 'prod', chainRecords('prod'));
  });
  afterAll(async () => {
    await browser?.close();
    await served?.[Symbol.asyncDispose]();
  });

  const visit = async (key: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> => {
    const page = await browser.newPage(options);
    page.setDefaultTimeout(PATIENCE_MS);
    const { address } = served.catalog;
    await page.goto(`${address}/login#token=${await login()}`);
    await page.locator('.shell h1').waitFor();
    await page.goto(`${address}/asset?${new URLSearchParams({ key })}`);
    await page.getByRole('heading', { name: 'Lineage', exact: true }).waitFor();
    return page;
  };
  const boxes = (page: Page) => page.locator('[data-box]');
  const box = (page: Page, key: string) => page.locator(`[data-box="${key}"]`);

  test('three apps and their QVDs are shown from the database on, and opened to columns', async () => {
    const page = await visit('prod/transform');
    const complaints = complaintsOf(page);
    await box(page, ORDERS_TABLE).waitFor();
    // From left to right, as data flows.
    const order = [ORDERS_TABLE, 'prod/extract', ORDERS_QVD, 'prod/transform', REVENUE_QVD, 'prod/dashboard'];
    const lefts = await Promise.all(order.map(async (key) => (await box(page, key).boundingBox())?.x ?? Number.NaN));
    expect(lefts).toEqual(lefts.toSorted((a, b) => a - b));
    await box(page, ORDERS_QVD).locator('.lineage-toggle').click();
    await box(page, ORDERS_QVD).locator('[data-row]').nth(2).waitFor();
    await box(page, REVENUE_QVD).locator('.lineage-toggle').click();
    const revenue = page.locator(`[data-line='${JSON.stringify([`${ORDERS_QVD}#amount`, `${REVENUE_QVD}#Revenue`])}']`);
    await revenue.waitFor();
    // Sure by half, under a condition: told by stroke and sign.
    expect(await revenue.getAttribute('class')).toContain('is-inferred is-conditional');
    expect(await revenue.locator('.lineage-sign').count()).toBe(1);
    await revenue.locator('.lineage-mark').click();
    const details = page.getByRole('region', { name: 'Details', exact: true });
    await details.getByText('Sum(amount * 1.2)', { exact: true }).waitFor();
    expect(await details.innerText()).toContain('variable:vPath');
    expect(await details.locator('.line-text').innerText()).toContain('FROM [lib://QVD/orders.qvd] (qvd)');
    await details.getByRole('link', { name: 'Load script, lines 1 to 7' }).click();
    await page.getByRole('heading', { level: 1, name: 'Load script' }).waitFor();
    expect((await page.locator('mark').innerText()).split('\n')).toHaveLength(7);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('the keyboard leads from box to box, to the details and to the list', async () => {
    const page = await visit('prod/transform');
    await box(page, 'prod/transform').focus();
    await page.keyboard.press('ArrowLeft');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('data-box'))).toBe(ORDERS_QVD);
    await page.keyboard.press('Enter');
    const details = page.getByRole('region', { name: 'Details', exact: true });
    await details.getByRole('button', { name: 'orders.qvd → Transform: loaded, exact' }).click();
    await details.getByText('Exact: the script says it').waitFor();
    await page.getByRole('button', { name: 'List', exact: true }).click();
    const list = page.locator('.lineage-list');
    expect(await list.innerText()).toContain('Transform → revenue.qvd: stored, exact, only under a condition');
    await list.getByRole('link', { name: 'Extract' }).click();
    await page.getByRole('heading', { level: 1, name: 'App Extract' }).waitFor();
    await page.close();
  });

  test('a chart leads column by column to the database, and a column to whom it concerns', async () => {
    const page = await visit('prod/dashboard/chart-1', { viewport: { width: 390, height: 800 } });
    await box(page, REVENUE_QVD).waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.getByLabel('Steps').selectOption('all');
    await box(page, ORDERS_TABLE).locator(`[data-row="${ORDERS_TABLE}#amount"]`).waitFor();
    await page.goto(`${served.catalog.address}/impact?${new URLSearchParams({ key: `${ORDERS_TABLE}#amount` })}`);
    await page.getByText('1 sheet in 1 app of 1 owner depends on this column.').waitFor();
    const concerned = page.getByRole('region', { name: 'Whom it concerns' });
    expect(await concerned.innerText()).toMatch(
      /Ada Example ada@example.com\s+App scope prod\/dashboard: Overview 1 chart/,
    );
    await page.getByRole('button', { name: 'Charts 1' }).click();
    const row = page.getByRole('row', { name: /Revenue by region/ });
    await row.waitFor();
    expect(await row.innerText()).toContain('ada@example.com');
    expect(await page.getByRole('link', { name: 'Download as CSV' }).getAttribute('href')).toContain('kind=chart');
    await row.getByText('6 steps').click();
    expect(await row.getByRole('listitem').allInnerTexts()).toHaveLength(7);
    await page.close();
  });

  test('names that are markup, addresses, styles or that turn the text are text and nothing else', async () => {
    const app = 'evil/a';
    const names = ['<script>alert(1)</script>', '</title><image href=x onerror=alert(1)>', 'url(javascript:alert(1))'];
    const turned = '\u202egpj.\u2066exe';
    const keys = [...names, turned].map((_, n) => `javascript:alert(${n})`);
    await served.published(organisationId, 'evil', [
      siteRecords('evil', ['a']),
      scopeRecords(app, 'app', [
        asset(app, app, 'app', names[0] ?? '', 'evil/stream/s'),
        ...[...names, turned].flatMap((name, n) => [
          asset(app, keys[n] ?? '', 'dataset', name),
          edge(app, 'loads', app, keys[n] ?? '', { role: 'value', confidence: 'exact', expression: name }),
        ]),
      ]),
    ]);
    const page = await visit(app);
    const complaints = complaintsOf(page);
    page.on('dialog', (dialog) => complaints.push(dialog.message()));
    await box(page, keys[3] ?? '').waitFor();
    const picture = page.locator('.lineage-canvas');
    expect(await picture.locator('script, image, a, foreignObject, style').count()).toBe(0);
    expect(await picture.innerHTML()).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
    await page.locator('.lineage-line').last().locator('.lineage-mark').click();
    await page.getByText('Exact: the script says it').last().waitFor();
    await page.getByRole('button', { name: 'List', exact: true }).click();
    for (const link of await page.locator('.lineage-list a, .lineage-details a').all())
      expect(await link.getAttribute('href')).toMatch(/^\/(asset|impact)\?key=/);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('an app tells how well its script was understood, and where it was not', async () => {
    const page = await visit('prod/transform');
    const part = page.getByRole('region', { name: 'How well the script was understood' });
    expect(await part.innerText()).toContain('87.5 %');
    await part.getByText('1 remark').click();
    await part.getByRole('link', { name: 'Line 8' }).click();
    expect(await page.locator('mark').innerText()).toBe('IF vStore = 1 THEN');
    await page.close();
  });

  test('the lineage of an app is built anew, and nothing else is asked for', async () => {
    const page = await visit('prod/extract');
    await page.getByRole('button', { name: 'Build lineage' }).click();
    await page.getByRole('heading', { level: 1, name: /Lineage of/ }).waitFor();
    const [job] = await served.sql<{ spec: string }[]>`select spec from job where kind = 'lineage'`;
    expect(JSON.parse(job?.spec ?? '')).toMatchObject({ connection: 'prod', options: { only: { apps: ['extract'] } } });
    await page.close();
  });

  test(`a file that ${APPS} apps load is folded, counted, and still answers`, { timeout: 120_000 }, async () => {
    await served.published(organisationId, 'many', hubRecords('many'));
    const page = await visit('file://hub.example.com/calendar.qvd', { viewport: { width: 1280, height: 900 } });
    const folded = page.getByRole('button', { name: /more apps/ });
    await folded.click();
    expect(await boxes(page).count()).toBeLessThan(15);
    const details = page.getByRole('region', { name: 'Details', exact: true });
    await details.getByRole('button', { name: 'Draw each of them' }).click();
    await expect.poll(() => boxes(page).count()).toBe(51);
    // What it is about stays where one sees it.
    const hub = box(page, 'file://hub.example.com/calendar.qvd');
    const canvas = await page.locator('.lineage-canvas').boundingBox();
    const seen = async () => {
      const place = await hub.boundingBox();
      return place && canvas ? place.y > canvas.y && place.y + place.height < canvas.y + canvas.height : false;
    };
    await expect.poll(seen).toBe(true);
    // Fifty at a time; the rest is counted at the box.
    const knob = hub.locator('.lineage-knob');
    expect(await knob.textContent()).toContain('+950');
    await knob.click();
    await expect.poll(() => boxes(page).count()).toBe(101);
    await page.getByRole('button', { name: 'Fold again' }).click();
    await expect.poll(() => boxes(page).count()).toBeLessThan(15);
    await page.close();
  });
});
