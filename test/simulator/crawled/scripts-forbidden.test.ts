import { expect, test } from 'vitest';
import { connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';

test('where the policy forbids scripts none is read or written, and the scopes are complete without them', async () => {
  await using simulator = await simulate();
  const connection = connectionFor(simulator);
  const kinds = async (scripts: boolean) => {
    const { assets, outcomes } = await crawlSimulated(connection, { scripts });
    const count = assets.filter(({ kind }) => kind === 'script' || kind === 'scriptSection').length;
    const missing = [...outcomes.values()].flatMap((outcome) => outcome.missing ?? []);
    return { count, missing: missing.filter(({ what }) => what === 'load script').length };
  };
  expect((await kinds(true)).count).toBeGreaterThan(0);
  expect(await kinds(false)).toEqual({ count: 0, missing: 0 });
});
