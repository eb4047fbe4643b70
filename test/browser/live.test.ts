import { describe, expect, test } from 'vitest';
import { noBrowser } from './chromium.ts';
import { busyWorld, state } from './fake/states.ts';
import { visits } from './harness.ts';

describe.skipIf(noBrowser())('the stream of changes', () => {
  const { enter } = visits();

  test('when it breaks the page says so, reads again by itself, and returns to the stream', async () => {
    const world = busyWorld();
    const { page, catalog } = await enter(world);
    await page.locator('[data-live=Live]').waitFor();
    catalog.breakEvents(true);
    await page.locator('[data-live="Every 5 s"]').waitFor();
    world.connections = world.connections.map((each) =>
      each.code === 'prod' ? { ...each, status: state('prod', { name: 'Seen by polling' }) } : each,
    );
    await page.getByRole('heading', { name: 'Seen by polling' }).waitFor();
    catalog.breakEvents(false);
    await page.locator('[data-live=Live]').waitFor();
    world.change('prod', { status: state('prod', { name: 'Seen by the stream' }) });
    await page.getByRole('heading', { name: 'Seen by the stream' }).waitFor();
  });

  test('an answer that the page cannot make sense of spoils that page alone', async () => {
    const { page } = await enter(busyWorld());
    await page.route('**/api/v1/agents', (route) => route.fulfill({ json: { items: [null], next: null } }));
    await page.getByRole('link', { name: 'Agents' }).click();
    await page.getByRole('alert').getByText('page.defect').waitFor();
    await page.getByRole('link', { name: 'API tokens' }).click();
    await page.getByRole('heading', { level: 1, name: 'API tokens' }).waitFor();
  });

  test('a catalog that fails for a while leaves what was read on the screen, beside the error', async () => {
    const world = busyWorld();
    const { page, catalog } = await enter(world);
    await page.getByRole('heading', { name: 'Qlik production' }).waitFor();
    const error = { code: 'catalog.unavailable', message: 'No database.', retryable: true, advice: 'See its log.' };
    catalog.refuse('GET /api/v1/connections', { status: 503, error });
    world.emit({ name: 'connection', code: 'prod' });
    const alert = page.getByRole('alert').filter({ hasText: 'The connections could not be read' });
    await alert.waitFor();
    expect(await page.getByRole('heading', { name: 'Qlik production' }).count()).toBe(1);
    catalog.refuse('GET /api/v1/connections', undefined);
    await alert.getByRole('button', { name: 'Try again' }).click();
    await alert.waitFor({ state: 'detached' });
  });
});
