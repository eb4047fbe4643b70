import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { StreamRecord } from '#protocol/records.ts';
import type { FaultSettings } from '#test/simulator/faults.ts';
import { type Crawled, connectionFor, crawlSimulated, simulate } from '../../unit/crawl/simulated.ts';

/** Apps are written with what other lists of the site say: these may be out of reach for a day, or for good. */

const folder = mkdtempSync(join(tmpdir(), 'culvert-lists-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scopesOf = ({ records }: Crawled): Map<string, readonly string[]> => {
  const scopes = new Map<string, string[]>();
  for (const record of records)
    if ((record.t === 'asset' || record.t === 'edge') && record.scope !== 'sim') {
      const lines = scopes.get(record.scope) ?? [];
      scopes.set(record.scope, [...lines, JSON.stringify(record)]);
    }
  return scopes;
};
const outcomesOf = ({ outcomes }: Crawled): Record<string, string> =>
  Object.fromEntries(
    [...outcomes].filter(([scope]) => scope !== 'sim').map(([scope, { outcome }]) => [scope, outcome]),
  );
const ownersOf = ({ records }: Crawled): readonly StreamRecord[] =>
  records.filter((record) => record.t === 'edge' && record.kind === 'owns' && record.scope !== 'sim');
const drawnByExtensions = ({ records }: Crawled): readonly StreamRecord[] =>
  records.filter((record) => record.t === 'edge' && record.kind === 'uses' && record.to.startsWith('sim/extension/'));

const OUT_OF_REACH: readonly (readonly [string, Partial<FaultSettings>])[] = [
  ['answer 403', { forbiddenLists: ['user', 'extension'] }],
  ['are empty', { emptyLists: ['user'], forbiddenLists: ['extension'] }],
  [
    'fail',
    { httpErrors: ['user', 'extension'].map((list) => ({ on: 'qrs' as const, status: 500, path: `/qrs/${list}/` })) },
  ],
];

describe.each(OUT_OF_REACH)('lists of users and extensions that %s', (what, faults) => {
  test('take nothing from apps that were read when they were there', async () => {
    await using simulator = await simulate({ apps: 10, sessionsPerUser: 50 });
    const connection = connectionFor(simulator);
    const place = { folder: join(folder, what.replaceAll(' ', '-')), owner: 'catalog agent', crawler: '1.0.0' };
    const crawl = (job: string, asked: { mode: 'full' | 'delta'; checkpoint: string | null }) =>
      crawlSimulated(connection, { asked: { ...asked, pictures: false }, checkpoints: { ...place, job } });
    const first = await crawl('one', { mode: 'full', checkpoint: null });
    const name = first.outcomes.get('sim')?.checkpoint ?? '';
    expect(ownersOf(first).length).toBeGreaterThan(0);
    expect(drawnByExtensions(first).length).toBeGreaterThan(0);
    expect(JSON.stringify(first.assets.filter(({ kind }) => kind === 'sheet'))).toContain('"email"');

    simulator.faults.set(faults);
    const whole = await crawl('two', { mode: 'full', checkpoint: name });
    expect(whole.outcomes.get('sim')?.outcome).toBe('partial');
    expect(outcomesOf(whole)).toEqual(outcomesOf(first));
    expect(scopesOf(whole)).toEqual(scopesOf(first));
    // And again: what held once is not forgotten.
    const third = await crawl('three', { mode: 'full', checkpoint: null });
    expect(scopesOf(third)).toEqual(scopesOf(first));

    const next = await crawl('four', { mode: 'delta', checkpoint: third.outcomes.get('sim')?.checkpoint ?? '' });
    expect(new Set(Object.values(outcomesOf(next)))).toEqual(new Set(['unchanged']));
    expect(next.records.some(({ t }) => t === 'gone')).toBe(false);

    const [app] = simulator.site.apps;
    const only = await crawlSimulated(connection, {
      asked: { mode: 'delta', pictures: false, only: { apps: [app?.id ?? ''], streams: [] } },
      checkpoints: { ...place, job: 'five' },
    });
    expect(scopesOf(only).get(`sim/${app?.id}`)).toEqual(scopesOf(first).get(`sim/${app?.id}`));
  });

  test('are said by apps that nothing is known of only when they may come back', async () => {
    await using simulator = await simulate({ apps: 6, faults });
    const crawled = await crawlSimulated(connectionFor(simulator));
    expect(ownersOf(crawled)).toEqual([]);
    const ends = Object.values(outcomesOf(crawled));
    if (what === 'fail') expect(ends).not.toContain('complete');
    else expect(ends).toContain('complete');
    const said = [...crawled.outcomes.values()].filter(
      ({ scope, missing }) => scope !== 'sim' && missing?.some((one) => one.what === 'users'),
    );
    expect(said.length).toBe(what === 'fail' ? ends.length : 0);
  });
});
