import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { noBrowser } from './chromium.ts';
import { busyWorld } from './fake/states.ts';
import { visits } from './harness.ts';

describe.skipIf(noBrowser())('the page of an agent', () => {
  const { enter } = visits();
  const agentOf = (world: ReturnType<typeof busyWorld>, id: string) => world.agents.find((agent) => agent.id === id);

  test('two machines with one identity: which they are, and how to end it', async () => {
    const world = busyWorld();
    const { page } = await enter(world, '/agents');
    await page.getByRole('link', { name: 'twin' }).click();
    await page.getByText('Two machines use the identity of this agent').waitFor();
    await page.getByText('qlik-01-copy').waitFor();
    await page.getByRole('button', { name: 'end the quarantine' }).click();
    await page.getByText('Two machines use the identity').waitFor({ state: 'detached' });
    expect(agentOf(world, 'twin')?.standing).toBe('trusted');
  });

  test('a key that was replaced, and an identity used twice, are warned of where people look', async () => {
    const { page, catalog } = await enter(busyWorld(), '/');
    const card = (code: string) =>
      page.locator('.card').filter({ has: page.locator(`a[href="/connections/${code}"]`) });
    await card('restored').getByText('perhaps its key was stolen').waitFor();
    await card('copied').getByText('Two machines use the identity of this agent').waitFor();
    expect(
      await card('prod')
        .getByText(/stolen|Two machines/)
        .count(),
    ).toBe(0);
    await card('restored').getByRole('link', { name: 'Look at the agent and its keys' }).click();
    await page.getByText('came in with a key that was replaced').waitFor();
    await page.goto(`${catalog.url}/agents`);
    await page.getByText('came in with a key that was replaced').waitFor();
    expect(await page.getByText('came in with a key that was replaced').count()).toBe(1);
  });

  test('an agent is disabled, enabled, and revoked by typing its name', async () => {
    const world = busyWorld();
    const { page } = await enter(world, '/agents/vienna');
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByText('Disabled', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Enable' }).click();
    await page.getByRole('button', { name: 'Disable' }).waitFor();
    await page.getByRole('button', { name: 'Revoke…', exact: true }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByRole('button', { name: 'Revoke agent' }).isDisabled()).toBe(true);
    await dialog.getByLabel('Type vienna to confirm').fill('vienna');
    await dialog.getByRole('button', { name: 'Revoke agent' }).click();
    // One of its keys was revoked before: what says so of the agent is the button that goes.
    await page.getByRole('button', { name: 'Disable' }).waitFor({ state: 'detached' });
    expect(agentOf(world, 'vienna')?.standing).toBe('revoked');
  });

  test('a new key is asked for, an old one revoked; the only one with its consequence', async () => {
    const world = busyWorld();
    const { page } = await enter(world, '/agents/vienna');
    await page.getByRole('button', { name: 'Ask for a new key' }).click();
    await page.getByText('A new key was asked for').waitFor();
    await page.getByRole('button', { name: 'Revoke… key 4e5f6a7b' }).click();
    expect(await page.getByText('the only key with which').count()).toBe(0);
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke key' }).click();
    await page.getByRole('button', { name: 'Revoke… key 4e5f6a7b' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Revoke… key 0a1b2c3d' }).click();
    await page.getByText('It is the only key with which this agent can come in').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke the only key' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('says what the agent’s own policy forbids, with its lines', async () => {
    const { page } = await enter(busyWorld(), '/agents/vienna');
    const policy = page.getByRole('region', { name: 'What its own policy forbids' });
    await policy.getByText('Load scripts (policy.conf, line 5)').waitFor();
  });

  // For looking at them, no test without it: `SCREENSHOTS=<folder>`.
  const folder = process.env['SCREENSHOTS'] ?? '';
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of folder === '' ? [] : [360, 1280])
      test(`pictures, ${colorScheme}, ${width} px`, async () => {
        const { page, catalog } = await enter(busyWorld(), '/', { viewport: { width, height: 800 }, colorScheme });
        for (const path of ['/agents', '/agents/twin', '/agents/vienna']) {
          await page.goto(catalog.url + path);
          await page.locator('.facts, table').first().waitFor();
          const name = `${path.replaceAll('/', '-').slice(1)}-${colorScheme}-${width}.png`;
          await page.screenshot({ path: join(folder, name), fullPage: true });
        }
      });
});
