import { describe, expect, test } from 'vitest';
import { noBrowser } from './chromium.ts';
import { busyWorld } from './fake/states.ts';
import { visits } from './harness.ts';

describe.skipIf(noBrowser())('the logs of an agent', () => {
  const { enter } = visits();

  test('can be made more detailed for half an hour, and usual again', async () => {
    const world = busyWorld();
    const { page } = await enter(world, '/agents');
    const row = page.getByRole('row', { name: /vienna/ });
    await row.getByRole('button', { name: 'More detailed logs for 30 minutes' }).click();
    await row.getByText('Detailed logs until').waitFor();
    const until = Date.parse(world.agents[0]?.logLevel?.until ?? '');
    expect(Math.round((until - Date.now()) / 60_000)).toBe(30);
    if (process.env['CULVERT_SCREENSHOTS']) await page.screenshot({ path: process.env['CULVERT_SCREENSHOTS'] });
    await row.getByRole('button', { name: 'Back to the usual logs' }).click();
    await row.getByText('Detailed logs until').waitFor({ state: 'detached' });
  });

  test('can be made more detailed on its own page, too', async () => {
    const world = busyWorld();
    const id = world.agents[0]?.id ?? '';
    const { page } = await enter(world, `/agents/${id}`);
    const logs = page.getByRole('region', { name: 'Logs' });
    await logs.getByRole('button', { name: 'More detailed logs for 30 minutes' }).click();
    await logs.getByText('Detailed logs until').waitFor();
    expect(world.agents[0]?.logLevel).toMatchObject({ level: 'debug' });
    if (process.env['CULVERT_SCREENSHOTS'])
      await page.screenshot({ path: `${process.env['CULVERT_SCREENSHOTS']}-page.png`, fullPage: true });
    await logs.getByRole('button', { name: 'Back to the usual logs' }).click();
    await logs.getByText('Detailed logs until').waitFor({ state: 'detached' });
  });

  test('of an agent that is away are not asked for, and its page says so', async () => {
    const world = busyWorld();
    const away = world.agents.find(({ health }) => health !== 'online');
    const { page } = await enter(world, `/agents/${away?.id ?? ''}`);
    const logs = page.getByRole('region', { name: 'Logs' });
    await logs.getByText('not connected').waitFor();
    expect(await logs.getByRole('button').count()).toBe(0);
  });

  test('stay as they are where the policy of the agent says so, and the page says why', async () => {
    const world = busyWorld();
    const [first, ...others] = world.agents;
    if (first === undefined) throw new Error('the world has agents');
    const refused = 'policy.conf, line 3: remote_log_level is false.';
    world.agents = [{ ...first, logLevel: { level: 'info', until: null, refused } }, ...others];
    const { page } = await enter(world, '/agents');
    await page
      .getByRole('row', { name: /vienna/ })
      .getByText(refused)
      .waitFor();
  });

  test('are not asked of an agent that has no session', async () => {
    const { page } = await enter(busyWorld(), '/agents');
    await page.getByRole('row', { name: /linz/ }).waitFor();
    expect(await page.getByRole('row', { name: /linz/ }).getByRole('button').count()).toBe(0);
  });
});
