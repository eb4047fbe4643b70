import { expect, test } from 'vitest';
import { connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';

test.each([4, 7, 11])('seed %i: no secret of the site is in what leaves it', async (seed) => {
  await using simulator = await simulate({ seed, apps: 25 });
  // The site does hold them where this crawl reads: else the test would say nothing.
  const contents = simulator.site.apps.map(({ id }) => simulator.site.content(id));
  const scripts = contents.map(({ script }) => script).join('\n');
  for (const canary of ['canary-script-', 'canary-script-connect', 'canary-section-access'])
    expect(scripts).toContain(canary);
  expect(JSON.stringify(simulator.site.dataConnections)).toContain('canary-');
  expect(JSON.stringify(contents.map(({ variables }) => variables))).toContain('canary-variable');

  const { records, assets } = await crawlSimulated(connectionFor(simulator));
  const leaked = records.filter((record) => JSON.stringify(record).toLowerCase().includes('canary'));
  expect(leaked).toEqual([]);
  const connections = assets.filter(({ kind }) => kind === 'dataConnection');
  expect(connections.length).toBe(simulator.site.dataConnections.length);
  expect(new Set(connections.flatMap(({ attributes }) => Object.keys(attributes ?? {})))).not.toContain(
    'connectionstring',
  );
  // And what is no secret is still there.
  const script = assets.find(({ kind, attributes }) => kind === 'script' && attributes?.['redacted'] === true);
  expect(script?.attributes?.['text']).toContain('[redacted]');
  expect(script?.attributes?.['text']).toContain('LOAD');
});
