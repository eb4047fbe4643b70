/** What a script includes lies outside of the site: no date of the site tells that it changed. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { serverPath } from '#config/connection/server-path.ts';
import { type Crawled, connectionFor, crawlSimulated, simulate } from '#test/unit/crawl/simulated.ts';

const folder = mkdtempSync(join(tmpdir(), 'culvert-included-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HOUR_MS = 3_600_000;

test('an included file that changes, goes or comes has its apps read again, and no others', async () => {
  await using simulator = await simulate({ seed: 7, apps: 30, sessionsPerUser: 1_000 });
  const including = simulator.site.apps
    .filter(
      ({ id, admitted }) =>
        (admitted === null || admitted.includes('CORP\\SVC_CATALOG')) &&
        simulator.site.content(id).script.toLowerCase().includes('common.qvs'),
    )
    .map(({ id }) => `sim/${id}`)
    .sort();
  expect(including.length).toBeGreaterThan(0);
  expect(including.length).toBeLessThan(simulator.site.apps.length);
  const scripts = join(folder, 'qvs', 'scripts');
  mkdirSync(scripts, { recursive: true });
  const [common, deep] = [join(scripts, 'common.qvs'), join(scripts, 'deep.qvs')];
  writeFileSync(common, '$(Include=lib://QVD/scripts/deep.qvs)\nLET v = 1;\n');
  const from = serverPath('lib://QVD');
  if (from === undefined) throw new Error('no path');
  const paths = { qvds: [], qvs: [{ from, folder: join(folder, 'qvs') }], logs: [] };
  const connection = connectionFor(simulator, 'jwt', { paths });
  let [checkpoint, nowMs, job]: [string | null, number, number] = [null, Date.now(), 0];
  const next = async (): Promise<Crawled> => {
    nowMs += HOUR_MS;
    job += 1;
    const crawled = await crawlSimulated(connection, {
      asked: { mode: 'delta', checkpoint, pictures: false },
      wallNow: () => nowMs,
      checkpoints: { folder, job: `job-${job}`, owner: 'catalog agent', crawler: '1.0.0' },
    });
    checkpoint = crawled.outcomes.get('sim')?.checkpoint ?? null;
    return crawled;
  };
  const included = ({ outcomes }: Crawled): string[] =>
    [...outcomes].flatMap(([scope, { reason }]) => (reason?.code === 'included' ? [scope] : [])).sort();
  const opened = ({ outcomes }: Crawled): number =>
    [...outcomes].filter(([scope, { outcome }]) => scope !== 'sim' && outcome !== 'unchanged').length;

  await next();
  expect(opened(await next())).toBe(0);
  writeFileSync(common, '$(Include=lib://QVD/scripts/deep.qvs)\nLET v = 22;\n');
  const changed = await next();
  expect(included(changed)).toEqual(including);
  expect(opened(changed)).toBe(including.length);
  expect(JSON.stringify(changed.assets)).toContain('LET v = 22;');
  expect(opened(await next())).toBe(0);
  // What was not there, one step further, comes.
  writeFileSync(deep, 'LET deep = 1;\n');
  const came = await next();
  expect(included(came)).toEqual(including);
  expect(JSON.stringify(came.assets)).toContain('LET deep = 1;');
  // Of the same size, later.
  writeFileSync(deep, 'LET deep = 2;\n');
  utimesSync(deep, new Date(nowMs), new Date(nowMs));
  expect(included(await next())).toEqual(including);
  rmSync(deep);
  expect(included(await next())).toEqual(including);
  expect(opened(await next())).toBe(0);
  // A share that is away as a whole is seen as well, and what comes back.
  rmSync(join(folder, 'qvs'), { recursive: true });
  expect(included(await next())).toEqual(including);
}, 60_000);
