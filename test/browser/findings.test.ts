import { describe, expect, test } from 'vitest';
import { noBrowser } from './chromium.ts';
import { busyWorld } from './fake/states.ts';
import { visits } from './harness.ts';

const PAGE = '/connections/prod/findings';

describe.skipIf(noBrowser())('findings', () => {
  const { enter } = visits();

  test('the page of a connection leads to them, and counts what is new', async () => {
    const { page, complaints } = await enter(busyWorld(), '/connections/prod');
    const link = page.getByRole('link', { name: '1 Reloads that fail (1 new)' });
    await link.click();
    await page.getByRole('heading', { level: 1, name: 'Findings of prod' }).waitFor();
    await page.getByText('its task “Nightly reload of Sales Überblick” failed.').waitFor();
    // What it means and what to do, once for all of its kind.
    const kind = page.getByRole('region', { name: 'Reloads that fail' });
    expect(await kind.innerText()).toContain('mend the cause, and start it');
    expect(await page.locator('.finding').count()).toBe(1);
    expect(new URL(page.url()).searchParams.get('code')).toBe('reload.failed');
    expect(complaints).toEqual([]);
  });

  test('they are narrowed by severity, kind and newness, and paged through', async () => {
    const { page, catalog } = await enter(busyWorld(), PAGE);
    const rows = page.locator('.finding');
    await rows.first().waitFor();
    expect(await rows.count()).toBe(50);
    await page.getByRole('button', { name: /^Load more/ }).click();
    await expect.poll(() => rows.count()).toBe(68);
    await page.getByRole('button', { name: 'Errors 2' }).click();
    await expect.poll(() => rows.count()).toBe(2);
    expect(await page.getByRole('button', { name: 'No owner 1' }).count()).toBe(0);
    await page.getByRole('button', { name: 'New 1' }).click();
    await expect.poll(() => rows.count()).toBe(1);
    const csv = await page.getByRole('link', { name: 'Download as CSV' }).getAttribute('href');
    expect(csv).toBe('/api/v1/findings.csv?connection=prod&severity=error&new=true');
    await page.goto(`${catalog.url}${PAGE}?code=owner.unknown`);
    await page.getByText('Nothing of this kind.').waitFor();
  });

  test('a credential leads to the line of the script that holds it', async () => {
    const world = busyWorld();
    const text = Array.from({ length: 400 }, (_, line) => `LET v${line + 4} = 1;`).join('\n');
    world.add({
      key: 'prod/app-1/script/Sources',
      kind: 'scriptSection',
      name: 'Sources',
      parent: 'prod/app-1/script',
      attributes: { text, line: 4 },
    });
    world.findings = world.findings.map((one) =>
      one.code === 'credential.in_clear'
        ? { ...one, facts: { ...one.facts, places: [{ line: 300, kind: 'token' }] } }
        : one,
    );
    const { page } = await enter(world, `${PAGE}?code=credential.in_clear`);
    await page.getByRole('link', { name: 'Line 303' }).click();
    const mark = page.locator('mark');
    await mark.waitFor();
    expect(await mark.textContent()).toBe('LET v303 = 1;');
    await expect
      .poll(() =>
        page.evaluate(() => {
          const place = document.querySelector('mark')?.getBoundingClientRect();
          return place !== undefined && place.top > 0 && place.bottom < innerHeight;
        }),
      )
      .toBe(true);
  });

  test('a measure with two formulas shows both, and where each stands', async () => {
    const { page } = await enter(busyWorld(), `${PAGE}?code=measure.two_formulas`);
    const formulas = page.locator('.formulas > li');
    await formulas.first().waitFor();
    expect(await formulas.first().innerText()).toContain('Sum({<Status -= {"cancelled"}>} Amount)');
    expect(await formulas.first().innerText()).toContain('and 12 more');
    await formulas.first().getByRole('link', { name: 'Revenue by region' }).click();
    await page.waitForURL(/asset\?key=prod%2Fapp-1%2Fchart-1%2Fm%2F0/);
  });

  test('the page of an app shows its own, and leads to the rest', async () => {
    const { page } = await enter(busyWorld(), '/asset?key=prod%2Fapp-1');
    const part = page.getByRole('region', { name: 'Findings' });
    await part.waitFor();
    expect(await part.locator('.finding').count()).toBe(8);
    expect(await part.innerText()).toContain('The measure “Revenue” is calculated in 2 different ways in 3 apps.');
    await part.getByRole('link', { name: 'See all findings of this app' }).click();
    await page.getByText('Only of the app').waitFor();
    await page.getByRole('button', { name: 'Show all apps' }).click();
    await expect.poll(() => page.url()).not.toContain('app=');
  });

  test('a site where all is well says so, and what was looked for', async () => {
    const world = busyWorld();
    world.findings = [];
    const { page } = await enter(world, PAGE);
    await page.getByText('Nothing that deserves a look was found.').waitFor();
    await page.getByText(/master items nobody uses/).waitFor();
    expect(await page.getByRole('link', { name: 'Download as CSV' }).count()).toBe(0);
  });

  test('what a publish mended goes by itself', async () => {
    const world = busyWorld();
    const { page } = await enter(world, `${PAGE}?code=owner.none`);
    await page.getByText('The sheet “Customers” has no owner.').waitFor();
    world.findings = world.findings.filter(({ code }) => code !== 'owner.none');
    world.emit({ name: 'assets', connection: 'prod' });
    await page.getByText('Nothing of this kind.').waitFor();
  });
});
