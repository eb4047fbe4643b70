import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { noBrowser } from './chromium.ts';
import { busyWorld } from './fake/states.ts';
import { check, findCheck, qlikSettings } from './fake/tests.ts';
import { visits } from './harness.ts';

describe.skipIf(noBrowser())('Test connection', () => {
  const { enter } = visits();

  test('from the button to the verdict: each check appears as it is found, and the connection says how it ended', async () => {
    const world = busyWorld();
    const { page, catalog, complaints } = await enter(world, '/connections/paused');
    await page.getByRole('button', { name: 'Test connection paused' }).click();
    await page.getByRole('heading', { level: 1, name: 'Test of paused' }).waitFor();
    await page.getByText('No check is done yet.').waitFor();
    const job = world.jobs.find(({ connection }) => connection === 'paused');
    if (!job) throw new Error('no job was asked for');
    expect(catalog.calls).toContain('POST /api/v1/connections/paused/jobs');
    const list = page.getByRole('listitem').filter({ has: page.getByRole('heading', { level: 4 }) });

    findCheck(world, job.id, check('file', { seen: 'paused.conf is in order.' }), 'connection/dns');
    await page.getByText('paused.conf is in order.').waitFor();
    await list.filter({ hasText: 'Running' }).filter({ hasText: 'Host name (DNS)' }).waitFor();
    expect(await page.getByText('1 check done, now: Host name (DNS)').count()).toBe(1);
    const failed = check('dns', {
      status: 'fail',
      seen: 'qlik-paused is not known.',
      code: 'network.dns',
      advice: 'Check the host name.',
      details: ['ENOTFOUND'],
    });
    findCheck(world, job.id, failed, 'connection/tcp');
    await list.filter({ hasText: 'Failed' }).filter({ hasText: 'qlik-paused is not known.' }).waitFor();
    expect(await page.getByText('ENOTFOUND').isVisible()).toBe(true);
    await page.getByRole('status').filter({ hasText: 'Failed: Host name (DNS).' }).waitFor({ state: 'attached' });
    world.changeJob(job.id, { state: 'published', finishedAt: new Date().toISOString(), progress: null });
    await page.getByText('Failed: Host name (DNS).').first().waitFor();
    await page.getByRole('button', { name: 'Test again' }).waitFor();
    expect(await list.filter({ hasText: 'Running' }).count()).toBe(0);

    await page.getByRole('link', { name: 'paused' }).click();
    const state = page.getByRole('region', { name: 'State' });
    await state.getByText('Failed: Host name (DNS).').waitFor();
    expect(await state.innerText()).toContain('network.dns');
    expect(complaints).toEqual([]);
  });

  test('one cause is shown open with what to do, and all that was skipped folded behind it', async () => {
    const { page } = await enter(busyWorld(), '/jobs/test-bad');
    const failed = page.locator('li.check.is-fail');
    await failed.waitFor();
    expect(await failed.count()).toBe(1);
    const text = await failed.innerText();
    expect(text).toMatch(/Failed[\s\S]*Certificates \(TLS\)[\s\S]*tls\.untrusted[\s\S]*What to do:/);
    expect(text).toContain('missing: CN=Donaudampf');
    const skipped = page.locator('li.check.is-skip').filter({ hasText: 'Virtual proxy, Authentication' });
    const why = skipped.getByText('not looked at, because the TLS handshake failed').first();
    expect(await why.isVisible()).toBe(false);
    const [list, row] = [await page.locator('ol.checks').first().boundingBox(), await skipped.boundingBox()];
    expect(row?.y).toBeGreaterThan(list?.y ?? 0);
    expect((row?.y ?? 0) + (row?.height ?? 0)).toBeLessThanOrEqual((list?.y ?? 0) + (list?.height ?? 0));
    await skipped.locator('summary').focus();
    await page.keyboard.press('Enter');
    await why.waitFor();
    await page.getByRole('heading', { name: 'The way from the agent to the catalog' }).waitFor();
  });

  test('what Qlik needs stands open below the checks when it mends what failed first, every value whole and to copy', async () => {
    const { page, complaints } = await enter(busyWorld(), '/jobs/test-blind', {
      viewport: { width: 360, height: 800 },
    });
    const needs = page.locator('details.needs');
    await needs.getByRole('heading', { level: 3, name: 'What Qlik needs for this connection' }).waitFor();
    expect(await needs.evaluate((element) => (element as HTMLDetailsElement).open)).toBe(true);
    const forms = needs.getByRole('heading', { level: 4 });
    expect(await forms.allInnerTexts()).toEqual([
      expect.stringMatching(/^QMC > Security rules > Create new, for CORP\\svc_culvert\s+Mends what failed$/),
      'QMC > Virtual proxies > "culvert"',
    ]);
    const texts = await page.locator('.need-value').allInnerTexts();
    expect(texts).toEqual(qlikSettings(true).flatMap(({ fields }) => fields.map(({ value }) => value)));
    const [list, block] = [await page.locator('ol.checks').boundingBox(), await needs.boundingBox()];
    expect(block?.y).toBeGreaterThan((list?.y ?? 0) + (list?.height ?? 0));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy Resource filter' }).click();
    await page.getByRole('status').filter({ hasText: 'Resource filter copied.' }).waitFor({ state: 'attached' });
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(texts[1]);
    expect(complaints).toEqual([]);
  });

  test('what Qlik needs is folded when something else failed or nothing did, and the keyboard unfolds it', async () => {
    const { page, catalog } = await enter(busyWorld(), '/jobs/test-good');
    for (const id of ['test-good', 'test-bad']) {
      await page.goto(`${catalog.url}/jobs/${id}`);
      const first = page.getByText('Stream_*, App*');
      await first.waitFor({ state: 'attached' });
      expect(await first.isVisible()).toBe(false);
      await page.locator('details.needs > summary').focus();
      await page.keyboard.press('Enter');
      await first.waitFor({ state: 'visible' });
    }
    await page.goto(`${catalog.url}/jobs/test-old-agent`);
    await page.getByText('No check was done.').waitFor();
    expect(await page.locator('details.needs').count()).toBe(0);
  });

  test('what a person folded stays folded while more is found', async () => {
    const world = busyWorld();
    const { page } = await enter(world, '/jobs/test-now');
    world.qlikSettings.set('test-now', qlikSettings(true));
    findCheck(
      world,
      'test-now',
      check('objects', { status: 'fail', code: 'qlik.nothing_visible', advice: 'Give it.' }),
    );
    const value = page.getByText('Stream_*, App*');
    await value.waitFor({ state: 'visible' });
    await page.locator('details.needs > summary').click();
    await value.waitFor({ state: 'hidden' });
    findCheck(world, 'test-now', check('dns', { target: 'link', seen: 'The name is known.' }));
    await page.getByText('The name is known.').waitFor();
    expect(await value.isVisible()).toBe(false);
  });

  test('a check that passed with a remark is told from one that just passed, by its word', async () => {
    const { page } = await enter(busyWorld(), '/jobs/test-good');
    const remark = page.locator('li.check.is-note');
    await remark.waitFor();
    expect(await remark.innerText()).toMatch(/Warning[\s\S]*expires in 12 days[\s\S]*Renew/);
    expect(await page.getByText('All 10 checks passed, 1 with a warning; 1 did not apply.').count()).toBe(1);
  });

  test('what cannot be tested says why, and nothing is asked for', async () => {
    const { page, catalog } = await enter(busyWorld());
    for (const [code, reason] of [
      ['retired', 'The file was removed'],
      ['lab', 'The agent is not connected'],
    ] as const) {
      const button = page.getByRole('button', { name: `Test connection ${code}` });
      expect(await button.getAttribute('aria-disabled')).toBe('true');
      const why = page.locator(`[id="${await button.getAttribute('aria-describedby')}"]`);
      expect(await why.textContent()).toContain(reason);
      await button.click({ force: true });
    }
    expect(catalog.calls.filter((call) => call.endsWith('/jobs') && call.startsWith('POST'))).toEqual([]);
  });

  test('a broken or disabled file can be tested, and a connection while its crawl runs', async () => {
    const { page } = await enter(busyWorld());
    for (const code of ['finance', 'paused'])
      expect(await page.getByRole('button', { name: `Test connection ${code}` }).getAttribute('aria-disabled')).toBe(
        'false',
      );
    await page.getByRole('link', { name: 'Watch the test of sales' }).click();
    await page.getByRole('heading', { level: 1, name: 'Test of sales' }).waitFor();
    await page.getByRole('button', { name: 'Cancel test' }).waitFor();
  });

  test('a test that is refused says why beside the button', async () => {
    const { page, catalog } = await enter(busyWorld(), '/connections/prod');
    const error = { code: 'catalog.unavailable', message: 'No database.', retryable: true, advice: 'See its log.' };
    catalog.refuse('POST /api/v1/connections/prod/jobs', { status: 503, error });
    await page.getByRole('button', { name: 'Test connection prod' }).click();
    const alert = page.getByRole('alert').filter({ hasText: 'The test was not started' });
    await alert.waitFor();
    expect(await alert.innerText()).toContain('No database.');
  });

  test('an agent that cannot test says what to do', async () => {
    const { page } = await enter(busyWorld(), '/jobs/test-old-agent');
    await page.getByText('The test could not be done').waitFor();
    await page.getByText('Update the agent').waitFor();
    await page.getByText('No check was done.').waitFor();
  });

  test('a check that this page does not know yet is shown by its id', async () => {
    const world = busyWorld();
    world.checks.set('test-good', [check('quantum_tunnel', { seen: 'It tunnels.' })]);
    const { page } = await enter(world, '/jobs/test-good');
    await page.getByRole('heading', { level: 4, name: 'Quantum tunnel' }).waitFor();
  });

  // For looking at them, no test without it: `SCREENSHOTS=<folder>`.
  const folder = process.env['SCREENSHOTS'] ?? '';
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of folder === '' ? [] : [360, 1280])
      test(`pictures, ${colorScheme}, ${width} px`, async () => {
        const size = { viewport: { width, height: 800 }, colorScheme } as const;
        const { page, catalog } = await enter(busyWorld(), '/', size);
        const tests = ['good', 'bad', 'blind', 'now', 'old-agent'].map((name) => `/jobs/test-${name}`);
        for (const path of [...tests, '/connections/claims', '/']) {
          await page.goto(catalog.url + path);
          await page.locator('.shell h1').waitFor();
          await page.locator('.loading').first().waitFor({ state: 'detached' });
          const name = `${path.replaceAll('/', '-').slice(1) || 'home'}-${colorScheme}-${width}.png`;
          await page.screenshot({ path: join(folder, name), fullPage: true });
        }
      });
});
