import { generateKeyPairSync } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Catalog, createCatalog } from '#catalog/catalog.ts';
import { createBackend } from '#catalog/jobs/backend.ts';
import { addMember, createLoginToken, findMember } from '#catalog/store/members.ts';
import { createOrganisation } from '#catalog/store/organisations.ts';
import { storeReport } from '#catalog/store/reports.ts';
import { transact } from '#catalog/store/sql.ts';
import type { ItemRecord } from '#protocol/inventory.ts';
import { EnrolReply } from '#protocol/messages.ts';
import type { ConnectionState } from '#protocol/status.ts';
import { TestAgent, TestStream } from '../catalog/agent.ts';
import { openTestDatabase, silent } from '../catalog/database.ts';
import { buildPage } from '../demo/page.ts';
import { launch, noBrowser } from './chromium.ts';
import { EMAIL, PASSWORD } from './fake/server.ts';
import { escapeProblem, state } from './fake/states.ts';
import { complaintsOf, PATIENCE_MS, signIn } from './harness.ts';

/** The page on the catalog itself and a real PostgreSQL: what the fake catalog only imitates. */
describe.skipIf(noBrowser())('the page on the real catalog', () => {
  const stack = new AsyncDisposableStack();
  let catalog: Catalog;
  let browser: Browser;
  let organisation: string;
  let oneTimeToken: string;

  beforeAll(async () => {
    const webRoot = await buildPage();
    const database = stack.use(await openTestDatabase({ bare: true }));
    catalog = stack.adopt(await createCatalog({ databaseUrl: database.url, webRoot, log: silent }), (started) =>
      started.close(),
    );
    const { sql } = catalog.store;
    organisation = (await createOrganisation(sql, 'Example Insurance')).id;
    await addMember(sql, { organisationId: organisation, email: EMAIL, name: 'Ada Example', password: PASSWORD });
    const member = await findMember(sql, EMAIL);
    if (!member) throw new Error('the user was not stored');
    oneTimeToken = await createLoginToken(sql, member);
    browser = stack.adopt(await launch(), (started) => started.close());
  });
  afterAll(() => stack.disposeAsync());

  const visit = async (path: string): Promise<{ page: Page; complaints: string[]; done: () => Promise<void> }> => {
    const context = await browser.newContext();
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await page.goto(catalog.address + path);
    return { page, complaints, done: () => context.close() };
  };

  const report = (agentId: string, status: ConnectionState): Promise<void> =>
    transact(catalog.store.sql, (tx) =>
      storeReport(tx, organisation, agentId, {
        version: '0.1.0',
        hostname: 'vienna',
        platform: 'linux-x64',
        startedAt: new Date().toISOString(),
        connectionsFolder: '/etc/culvert/connections',
        connections: [status],
      }),
    );

  test('a one-time link logs in once; a change without the CSRF token is refused', async () => {
    const { page, complaints, done } = await visit(`/login?token=${oneTimeToken}`);
    await page.getByRole('link', { name: 'Add the first agent' }).waitFor();
    expect(page.url()).toBe(`${catalog.address}/`);
    const status = await page.evaluate(
      async () => (await fetch('/api/v1/enrolment-tokens', { method: 'POST' })).status,
    );
    expect(status).toBe(403);
    expect(complaints).toEqual([]);
    await done();
    const again = await visit(`/login?token=${oneTimeToken}`);
    await again.page.getByRole('alert').getByText('wrong, used or expired').waitFor();
    await again.done();
  });

  test('every room is empty, says what to do, and is there after a reload', async () => {
    const { page, complaints, done } = await visit('/browse');
    await signIn(page, 'canary-wrong-password');
    await page.getByRole('alert').getByText('api.wrong_login').waitFor();
    await signIn(page);
    await page.getByRole('heading', { level: 1, name: 'Assets' }).waitFor();
    for (const [path, title] of [
      ['/browse', 'No site yet'],
      ['/agents', 'No agent yet'],
      ['/tokens', 'No token yet'],
    ] as const) {
      await page.goto(catalog.address + path);
      await page.getByText(title).waitFor();
      await page.locator('[data-live=Live]').waitFor();
    }
    expect(complaints).toEqual([]);
    await done();
  });

  test('an agent enrols, its file is broken and mended, a crawl is asked for and cancelled: all seen live', async () => {
    const { page, complaints, done } = await visit('/agents');
    await signIn(page);
    await page.locator('[data-live=Live]').waitFor();
    await page.getByRole('button', { name: 'Make a one-time token' }).click();
    const token = await page.getByRole('region', { name: 'One-time token' }).innerText();
    const { publicKey } = generateKeyPairSync('ed25519');
    const reply = await fetch(`${catalog.address}/v1/enrol`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        token: token.trim(),
        name: 'vienna',
        publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
        version: '0.1.0',
      }),
    });
    const { agentId } = EnrolReply.parse(await reply.json());
    await page.getByRole('rowheader', { name: 'vienna' }).waitFor();

    await page.getByRole('link', { name: 'Connections', exact: true }).click();
    await page.getByText('Put a connection file').waitFor();
    await report(agentId, state('finance', { state: 'error', problems: [escapeProblem] }));
    await page.getByText('finance.conf:12:21').waitFor();
    await page.getByText(/The last good version of \d\d:\d\d.* keeps working\./).waitFor();
    await report(agentId, state('finance'));
    await page.getByText('finance.conf:12:21').waitFor({ state: 'detached' });

    await page.getByRole('link', { name: 'Qlik finance' }).click();
    await page.getByRole('button', { name: 'Run crawl of finance' }).click();
    await page.getByRole('region', { name: 'Crawl under way' }).getByText('Waiting').waitFor();
    await page.getByRole('button', { name: 'Cancel crawl' }).click();
    await page.getByRole('region', { name: 'Crawl under way' }).waitFor({ state: 'detached' });
    await page.getByRole('table').getByText('Cancelled').waitFor();
    expect(complaints).toEqual([]);
    await done();
  });

  test('settings are checked, tried out and saved; what the agent lists is seen as it comes, and taken along', async () => {
    const { sql, bus } = catalog.store;
    const backend = createBackend({ sql, bus, log: silent, sweepMs: 0 });
    const agent = await TestAgent.enrol(backend, sql, organisation, [state('claims')], 'graz');
    const { session } = await agent.open(backend);
    const { page, complaints, done } = await visit('/connections/claims/settings');
    await signIn(page);
    await page.getByLabel('Filter expression').fill("stream = 'Sales' and colour = 'red'");
    await page.getByText('Line 1, column 22:').waitFor();
    await page.getByLabel('Filter expression').fill("stream = 'Sales'");
    await page.getByText('Line 1, column 22:').waitFor({ state: 'detached' });
    await page.getByLabel('Apps to leave out').fill('Old*');
    await page.getByRole('button', { name: 'Try it' }).click();
    await page.getByRole('heading', { level: 1, name: 'Inventory of claims' }).waitFor();
    const stream = await TestStream.begin(backend, session);
    const rule = 'exclude app "Old*" (settings in the catalog)';
    const item = (name: string, kept: boolean): ItemRecord => ({
      t: 'item',
      kind: 'app',
      key: `claims/${name}`,
      name,
      kept,
      ...(kept ? {} : { rule }),
    });
    await stream.publish([{ t: 'inventory', rules: [rule] }, item('Old reports', false), item('Overview', true)]);
    await page.getByRole('row', { name: /rejected Old reports/ }).waitFor();
    await stream.publish([item('Claims <b>', true)]);
    await page.getByRole('row', { name: /kept Claims <b>/ }).waitFor();
    await stream.finish();
    await page.getByRole('region', { name: 'State' }).getByText('Done').waitFor();
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download as CSV' }).click(),
    ]);
    expect(file.suggestedFilename()).toBe('inventory-claims.csv');
    await page.getByRole('link', { name: 'Back to the settings of claims' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Settings of claims saved.').waitFor();
    await page.locator('.history').getByText('Old*').waitFor();
    expect(complaints).toEqual([]);
    await done();
    await backend.close();
  });

  test('an API token made on the page works, and does not any more when it was revoked', async () => {
    const { page, done } = await visit('/tokens');
    await signIn(page);
    await page.getByLabel('What it is for').fill('Reporting');
    await page.getByRole('button', { name: 'Make token' }).click();
    const token = (await page.getByRole('region', { name: 'New API token' }).innerText()).trim();
    const ask = async (): Promise<number> =>
      (await fetch(`${catalog.address}/api/v1/agents`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await ask()).toBe(200);
    await page.getByRole('button', { name: 'Revoke… Reporting' }).click();
    await page.getByRole('button', { name: 'Revoke token' }).click();
    await page.getByText('No token yet').waitFor();
    expect(await ask()).toBe(401);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await done();
  });
});
