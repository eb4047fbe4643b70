import { describe, expect, test } from 'vitest';
import { noBrowser } from './chromium.ts';
import { addInventory } from './fake/runs.ts';
import { busyWorld, state } from './fake/states.ts';
import { visits } from './harness.ts';

describe.skipIf(noBrowser())('what else can be asked for', () => {
  const { enter } = visits();

  test('what the policy of the agent forbids is said before anybody asks, and cannot be asked', async () => {
    const { page, catalog } = await enter(busyWorld(), '/connections/prod');
    const full = page.getByRole('button', { name: 'Full crawl of prod' });
    expect(await full.getAttribute('aria-disabled')).toBe('true');
    const why = await full.getAttribute('aria-describedby');
    expect(await page.locator(`#${why}`).innerText()).toContain('policy.conf, line 3: full_crawls is false.');
    await full.press('Enter');
    expect(catalog.calls).not.toContain('POST /api/v1/connections/prod/jobs');
  });

  test('a policy without crawls leaves neither Run crawl nor Run for…', async () => {
    const world = busyWorld();
    const refuses = ['crawl', 'test', 'inventory'].map((kind) => ({ kind, why: `policy.conf, line 1: not ${kind}.` }));
    world.change('prod', { status: state('prod', { refuses }) });
    const { page } = await enter(world, '/connections/prod');
    for (const name of ['Run crawl of prod', 'Inventory of prod', 'Test connection prod'])
      expect(await page.getByRole('button', { name }).getAttribute('aria-disabled')).toBe('true');
    expect(await page.getByRole('link', { name: 'Run for…' }).count()).toBe(0);
    await page.getByText('policy.conf, line 1: not inventory.').waitFor();
  });

  test('an inventory is started, followed and read', async () => {
    const world = busyWorld();
    world.change('sales', { status: state('sales', { refuses: [] }) });
    const { page } = await enter(world, '/connections/sales');
    await page.getByRole('button', { name: 'Inventory of sales' }).click();
    await page.getByRole('heading', { level: 1, name: 'Inventory of sales' }).waitFor();
    const id = world.connection('sales')?.lastInventory?.id ?? '';
    const progress = { scopesDone: 0, scopesTotal: null, records: 1200, current: [] };
    world.changeJob(id, { state: 'running', startedAt: new Date().toISOString(), progress });
    await page.getByText('1,200 items listed').waitFor();
    addInventory(world, id, 'sales');
    world.jobs = world.jobs.filter((job, index) => job.id !== id || index === 0);
    world.emit({ name: 'job', id, connection: 'sales' });
    await page.getByRole('region', { name: 'State' }).getByText('Done').waitFor();
    await page.getByRole('row', { name: /exclude app "Old reports".*matches nothing/ }).waitFor();
  });

  test('Run for… starts a crawl of what was picked, by the keyboard alone, and says what it is for', async () => {
    const world = busyWorld();
    const { page } = await enter(world, '/asset?key=prod%2Fapp-1');
    await page.getByRole('link', { name: 'Run for this app…' }).click();
    await page.getByRole('heading', { level: 1, name: 'Run for… Qlik production' }).waitFor();
    await page.getByRole('button', { name: 'Remove Sales Überblick' }).waitFor();
    await page.getByRole('searchbox', { name: 'Search' }).fill('claims');
    await page.getByRole('checkbox', { name: /Sales/ }).waitFor({ state: 'detached' });
    await page.getByRole('checkbox', { name: /Claims «2026»/ }).focus();
    await page.keyboard.press('Space');
    await page.getByRole('searchbox', { name: 'Search' }).fill('');
    await page.getByRole('button', { name: 'Streams' }).click();
    await page.getByRole('checkbox', { name: /Finance/ }).check();
    expect(await page.getByRole('checkbox', { name: /Read them anew/ }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Start crawl' }).press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Crawl of prod' }).waitFor();
    const only = world.connection('prod')?.lastJob?.options['only'];
    expect(only).toEqual({ apps: ['app-1', 'app-2'], streams: ['finance'] });
    await page.getByText('2 apps and 1 stream').waitFor();
  });

  test('nothing picked, nothing started', async () => {
    const { page, catalog } = await enter(busyWorld(), '/connections/prod/run');
    await page.getByRole('checkbox', { name: /Sales/ }).waitFor();
    const start = page.getByRole('button', { name: 'Start crawl' });
    await start.waitFor();
    await start.press('Enter');
    expect(await page.locator(`#${await start.getAttribute('aria-describedby')}`).innerText()).toBe(
      'Pick at least one.',
    );
    expect(catalog.calls).not.toContain('POST /api/v1/connections/prod/jobs');
  });
});

describe.skipIf(noBrowser())('an inventory', () => {
  const { enter } = visits();

  test('shows each rule with what it kept and rejected, and names what it decided', async () => {
    const { page, catalog, complaints } = await enter(busyWorld(), '/jobs/list-1');
    const rules = page.getByRole('table', { name: /each rule/ });
    expect(await rules.getByRole('row', { name: /Test\*/ }).innerText()).toMatch(/2 rejected[\s\S]*1 rejected/);
    await page.getByRole('button', { name: 'Show what exclude stream "Test*"' }).click();
    const items = page.getByRole('table', { name: /Apps that/ });
    await items.getByRole('row', { name: /Trial <b>/ }).waitFor();
    await items.getByRole('row', { name: /Report 001/ }).waitFor({ state: 'detached' });
    expect(page.url()).toBe(`${catalog.url}/jobs/list-1?kind=app&rule=1`);
    await page.reload();
    await items.getByRole('row', { name: /Trial <b>/ }).waitFor();
    expect(await items.getByRole('row').count()).toBe(3);
    expect(complaints).toEqual([]);
  });

  test('is searched, narrowed to a verdict, paged and taken along as a table', async () => {
    const { page } = await enter(busyWorld(), '/jobs/list-1');
    const rows = page.getByRole('table', { name: /Apps that/ }).getByRole('row');
    await rows.nth(100).waitFor();
    expect(await rows.count()).toBe(101);
    await page.getByRole('button', { name: 'Load more apps' }).click();
    await rows.nth(134).waitFor();
    await page.getByRole('button', { name: 'Rejected' }).click();
    await rows.nth(3).waitFor({ state: 'detached' });
    await page.getByRole('searchbox', { name: 'Search' }).fill('donau');
    await rows.nth(2).waitFor({ state: 'detached' });
    const link = page.getByRole('link', { name: 'Download as CSV' });
    expect(await link.getAttribute('href')).toBe('/api/v1/jobs/list-1/inventory.csv?kind=app&kept=false&q=donau');
    expect(await link.getAttribute('download')).not.toBeNull();
  });

  test('whose list is not kept any more says so', async () => {
    const world = busyWorld();
    world.changeJob('list-1', { inventory: null });
    const { page } = await enter(world, '/jobs/list-1');
    await page.getByText('This list is not kept any more.').waitFor();
  });
});

describe.skipIf(noBrowser())('settings', () => {
  const { enter } = visits();
  const AT = '/connections/prod/settings';

  test('show for each what is in force and where from', async () => {
    const { page } = await enter(busyWorld(), AT);
    const force = async (label: string): Promise<string> => {
      const field = page.getByLabel(label, { exact: true });
      const ids = ((await field.getAttribute('aria-describedby')) ?? '').split(' ');
      return await page.locator(`#${ids.at(-1)}`).innerText();
    };
    await page.getByLabel('Streams to include').waitFor();
    expect(await force('Streams to include')).toBe('In force: all, the default');
    expect(await force('Streams to leave out')).toContain('Test*, from the file prod.conf');
    expect(await force('Apps to leave out')).toContain(
      'In force: both, Archive*, regex:.*backup from the file prod.conf',
    );
    expect(await force('Apps that are not published')).toContain('The file wins: what is set here has no effect.');
    expect(await force('What is gone from the site')).toBe('In force: Keep it, marked as gone, set here');
    expect(await page.locator('.history').innerText()).toMatch(
      /ada@example\.com[\s\S]*Old reports, regex:Copy of \.\*/,
    );
  });

  test('are checked while one types, saved, and go into the history', async () => {
    const world = busyWorld();
    const { page, complaints } = await enter(world, AT);
    const filter = page.getByLabel('Filter expression');
    await filter.fill("colour = 'red'");
    await page.getByText('Line 1, column 1:').waitFor();
    expect(await filter.getAttribute('aria-invalid')).toBe('true');
    const save = page.getByRole('button', { name: 'Save' });
    expect(await save.getAttribute('aria-disabled')).toBe('true');
    await filter.fill("stream = 'Sales'");
    await page.getByText('Line 1, column 1:').waitFor({ state: 'detached' });
    await page.getByLabel('Apps to include').fill(' Sales \n\n regex:(?=x)');
    await page.getByText('Line 2:').waitFor();
    await page.getByLabel('Apps to include').fill(' Sales \n\n Claims*');
    await page.getByText('Line 2:').waitFor({ state: 'detached' });
    await save.click();
    await page.getByText('Settings of prod saved.').waitFor();
    expect(world.runs.stored('prod')).toMatchObject({
      version: 3,
      settings: { includeApps: ['Sales', 'Claims*'], filter: "stream = 'Sales'", unpublishedApps: false },
    });
    expect(await page.getByText('Nothing is changed.').count()).toBe(1);
    expect(complaints).toEqual([]);
  });

  test('that are not saved are tried out, and are still there afterwards', async () => {
    const world = busyWorld();
    const { page } = await enter(world, AT);
    await page.getByLabel('Streams to include').fill('Sales');
    await page.getByRole('button', { name: 'Try it' }).click();
    await page.getByRole('heading', { level: 1, name: 'Inventory of prod' }).waitFor();
    expect(world.connection('prod')?.lastInventory?.tried).toBe(true);
    expect(world.runs.stored('prod').settings.includeStreams).toBeUndefined();
    await page.getByRole('link', { name: 'Back to the settings of prod' }).click();
    expect(await page.getByLabel('Streams to include').inputValue()).toBe('Sales');
    await page.getByRole('button', { name: 'Discard changes' }).click();
    expect(await page.getByLabel('Streams to include').inputValue()).toBe('');
  });

  test('that somebody else saved meanwhile are not overwritten', async () => {
    const world = busyWorld();
    const { page } = await enter(world, AT);
    await page.getByLabel('Streams to include').fill('Sales');
    const others = { settings: { includeApps: ['Theirs'] }, version: 3, changedAt: null, changedBy: 'bob@example.com' };
    world.runs.settings.set('prod', others);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('bob@example.com changed these settings meanwhile.').waitFor();
    expect(await page.getByLabel('Streams to include').inputValue()).toBe('Sales');
    await page.getByRole('button', { name: 'Discard my changes' }).click();
    await page.getByText('bob@example.com changed these settings meanwhile.').waitFor({ state: 'detached' });
    await expect.poll(() => page.getByLabel('Apps to include').inputValue()).toBe('Theirs');
    expect(world.runs.stored('prod')).toEqual(others);
  });
});

describe.skipIf(noBrowser())('what crawls changed', () => {
  const { enter } = visits();

  test('is a history of the connection, and each publish names what came, changed and went', async () => {
    const { page } = await enter(busyWorld(), '/connections/prod');
    const row = page.getByRole('row', { name: /38 of 46 changed/ });
    expect(await row.innerText()).toMatch(/\+15 added[\s\S]*130 changed[\s\S]*−2 removed/);
    await row.getByRole('link').click();
    const scope = page.locator('li.scope').filter({ hasText: 'Sales Überblick' });
    await scope.getByText('What changed in Sales Überblick').click();
    await scope.getByRole('link', { name: 'Forecast' }).waitFor();
    expect(await scope.getByRole('link', { name: 'Old page' }).count()).toBe(0);
    expect(await scope.locator('.changes').innerText()).toMatch(/Came 12[\s\S]*and 2 more[\s\S]*Went 2[\s\S]*Old page/);
    // Nothing that did not change is in the way, until one asks for all.
    expect(await page.getByText('Archive 2019').count()).toBe(0);
    await page.getByRole('button', { name: 'Only what changed' }).click();
    const kept = page.locator('li.scope').filter({ hasText: 'Archive 2019' });
    await kept.waitFor();
    expect(await kept.innerText()).toContain('Neither the app nor its objects changed since');
  });

  test('why an app was read or not, and what is missing of it, stands on its own page, too', async () => {
    const { page } = await enter(busyWorld(), '/asset?key=prod%2Fapp-2');
    const facts = page.getByRole('region', { name: 'Properties' });
    await facts.getByText('partial').waitFor();
    expect(await facts.innerText()).toMatch(/Missing: load script\.[\s\S]*qlik\.script_not_visible[\s\S]*What to do:/);
  });

  test('what is gone from the site and kept says since when, in lists and on its page', async () => {
    const world = busyWorld();
    const goneAt = new Date(Date.now() - 3 * 86_400_000).toISOString();
    world.add({ key: 'prod/app-1/old', kind: 'sheet', name: 'Old page', parent: 'prod/app-1', goneAt });
    const { page } = await enter(world, '/asset?key=prod%2Fapp-1');
    expect(await page.getByRole('listitem').filter({ hasText: 'Old page' }).innerText()).toMatch(
      /gone[\s\S]*3 days ago/,
    );
    await page.getByRole('link', { name: 'Old page' }).click();
    await page.getByRole('note').getByText('Gone from the site').waitFor();
  });
});
