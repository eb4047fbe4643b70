import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import { crawl } from '#agent/crawl/crawl.ts';
import { forgetRemade } from '#agent/crawl/delta/remade-notes.ts';
import { KEPT_FOLDER } from '#agent/crawl/lineage/kept-apps.ts';
import { remakeLineage } from '#agent/crawl/lineage/remake-all.ts';
import type { LineageMeans } from '#agent/crawl/lineage/site-lineage.ts';
import { staleLineage } from '#agent/crawl/lineage/stale.ts';
import { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { SILENT } from '#agent/qlik/log.ts';
import { openSite } from '#agent/qlik/site.ts';
import { EVERYTHING } from '#config/filter/filter.ts';
import { Secret } from '#config/secret.ts';
import { KeyFile } from '#config/secrets/key-file.ts';
import { CrawlOptions, LineageOptions } from '#protocol/job-options.ts';
import type { OutcomeRecord } from '#protocol/records.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { connectionFor, simulate } from '#test/unit/crawl/simulated.ts';

let simulator: Simulator;
let state: string;
let interpreter: LineageProcess;
beforeAll(async () => {
  simulator = await simulate({ apps: 12 });
  state = mkdtempSync(join(tmpdir(), 'culvert-stale-'));
  interpreter = new LineageProcess();
});
afterAll(async () => {
  await interpreter[Symbol.asyncDispose]();
  await simulator?.[Symbol.asyncDispose]();
  rmSync(state, { recursive: true, force: true });
});

const OWNER = 'catalog agent';
const means = (): LineageMeans => ({
  process: interpreter,
  withTexts: true,
  kept: { folder: join(state, KEPT_FOLDER), keys: new KeyFile(state), owner: OWNER, log: SILENT },
});
const dialer = new Dialer();
const open = () => openSite(connectionFor(simulator), { dialer });
const folder = () => join(state, 'checkpoints');

/** What the agent would say of itself now. */
const look = async () => {
  await using site = open();
  return await staleLineage(site, site.connection, { means: means(), folder: folder(), owner: OWNER });
};

test('an app that is gone, or kept out meanwhile, asks for the same job once and not for one after the other', async () => {
  const outcomes: OutcomeRecord[] = [];
  const sink = () =>
    new RecordGate({
      write: (record) => {
        if (record.t === 'outcome') outcomes.push(record);
        return Promise.resolve();
      },
    });
  {
    await using site = open();
    await crawl(site, site.connection, sink(), {
      asked: CrawlOptions.parse({ checkpoint: null }),
      checkpoints: { folder: folder(), job: 'crawl', owner: OWNER, crawler: '1' },
      lineage: means(),
    });
  }
  const checkpoint = outcomes.find((one) => one.checkpoint !== undefined)?.checkpoint ?? null;
  let job = 0;
  let lineageJob: string | null = null;
  expect(await look()).toBeUndefined();
  const move = (to: string) =>
    simulator.mutate({
      action: 'move-connection',
      connection: 'QVD',
      connectionstring: `\\\\moved.corp.example\\${to}`,
    });
  move('one');
  const dependents = (await look())?.apps ?? 0;
  expect(dependents).toBeGreaterThan(1);
  const rounds = async (keeps: (id: string) => boolean): Promise<number> => {
    const asked = new Set<string>();
    for (let round = 1; round <= 6; round += 1) {
      const stale = await look();
      // The catalog asks once for each.
      if (stale === undefined || asked.has(stale.changed)) break;
      asked.add(stale.changed);
      await using site = open();
      job += 1;
      await remakeLineage(site, site.connection, sink(), {
        asked: LineageOptions.parse({ checkpoint, lineageJob, changed: stale.changed }),
        means: means(),
        filter: { ...EVERYTHING, judge: ({ id }) => ({ kept: keeps(id), rule: undefined }) },
        checkpoints: { folder: folder(), job: `lineage-${job}`, owner: OWNER },
      });
      lineageJob = `lineage-${job}`;
    }
    return asked.size;
  };
  expect(await rounds(() => false)).toBe(1);
  const ids = simulator.site.apps.map(({ id }) => id);
  expect(await rounds((id) => ids.indexOf(id) % 2 === 0)).toBeLessThanOrEqual(2);
  expect(await rounds(() => true)).toBeLessThanOrEqual(1);
  // What a job made that the catalog did not publish is as stale as before.
  expect(await look()).toBeUndefined();
  expect(await forgetRemade(folder(), connectionFor(simulator).code, 'another job')).toBe(false);
  expect(await look()).toBeUndefined();
  expect(await forgetRemade(folder(), connectionFor(simulator).code, `lineage-${job}`)).toBe(true);
  expect((await look())?.apps).toBe(dependents);
  // What the status tells of it leaves the machine as all else does.
  move('last');
  new Secret('data connection');
  expect((await look())?.why).toContain('[redacted]');
});
