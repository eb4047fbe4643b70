import { describe, expect, test } from 'vitest';
import { noBrowser } from './chromium.ts';
import { busyWorld } from './fake/states.ts';
import { visits } from './harness.ts';

describe.skipIf(noBrowser())('tokens', () => {
  const { enter } = visits();

  test('an API token is shown once and can be revoked', async () => {
    const world = busyWorld();
    const { page } = await enter(world, '/tokens');
    await page.getByLabel('What it is for').fill('Reporting');
    await page.getByRole('button', { name: 'Make token' }).click();
    await page.getByText('canary-api-token-4711').waitFor();
    await page.getByRole('rowheader', { name: 'Reporting' }).waitFor();
    await page.reload();
    await page.getByRole('rowheader', { name: 'Reporting' }).waitFor();
    expect(await page.getByText('canary-api-token-4711').count()).toBe(0);
    await page.getByRole('button', { name: 'Revoke… Reporting' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke token' }).click();
    await page.getByRole('rowheader', { name: 'Reporting' }).waitFor({ state: 'detached' });
    expect(world.tokens.map(({ name }) => name)).not.toContain('Reporting');
  });

  test('an agent says what keeps it from working, and what to do', async () => {
    const { page } = await enter(busyWorld(), '/agents');
    const row = page.getByRole('row', { name: /graz/ });
    await row.getByText('is full').waitFor();
    await row.getByText('Free disk space').waitFor();
  });

  test('an enrolment token comes with commands that never hold it', async () => {
    const { page, catalog } = await enter(busyWorld(), '/agents');
    await page.getByRole('button', { name: 'Make a one-time token' }).click();
    await page.getByText('canary-enrolment-token-0815').waitFor();
    for (const name of ['Commands for Linux', 'Commands for Windows']) {
      const commands = await page.getByRole('region', { name }).innerText();
      expect(commands).toContain('culvert -- enroll --config agent.conf');
      expect(commands).not.toContain('canary');
    }
    const settings = await page.getByRole('region', { name: 'Settings of the agent' }).innerText();
    expect(settings).toContain(`gateway.url = "${catalog.url.replace('http', 'ws')}"`);
  });
});
