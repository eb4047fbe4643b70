import { expect, test } from 'vitest';
import { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import { connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';

test('where the policy withholds the texts of scripts, lineage leaves and no text of them does', async () => {
  await using simulator = await simulate();
  await using process = new LineageProcess();
  const { records, assets } = await crawlSimulated(connectionFor(simulator), {
    lineage: { process, withTexts: false },
  });
  const scripts = assets.filter(({ kind }) => kind === 'script' || kind === 'scriptSection');
  expect(scripts.length).toBeGreaterThan(5);
  for (const { attributes = {} } of scripts)
    for (const name of ['text', 'expanded', 'sha256']) expect(attributes).not.toHaveProperty(name);
  const edges = records.filter((record) => record.t === 'edge' && record.kind === 'derives' && record.to.includes('#'));
  expect(edges.length).toBeGreaterThan(20);
  for (const edge of edges) expect(edge).not.toHaveProperty('attributes.expression');
}, 60_000);
