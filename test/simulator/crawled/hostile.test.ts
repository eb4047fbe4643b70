import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assetKey } from '#protocol/keys.ts';
import type { OutcomeRecord, StreamRecord } from '#protocol/records.ts';
import { peakResidentKiB } from '#test/bench/processes.ts';
import { connectionFile } from '#test/demo/connection-file.ts';
import type { HostileApp } from '#test/simulator/model/hostile.ts';
import { truthOfApp } from '#test/simulator/model/truth.ts';
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts';

/**
 * The agent as a process of its own in front of a site that means harm, in full size: a script of 50 MB, 200,000 fields, a
 * sheet of 5,000 objects, and what else there is in `test/simulator/model/hostile-contents.ts`.
 */
const AGENT = join(import.meta.dirname, '..', '..', '..', 'agent', 'main.ts');
const ORDINARY_APPS = 10;
/** Half of it is what an agent takes anyhow; the largest single answers have tens of megabytes each. */
const PEAK_MIB = 448;

/** What the agent wrote of one scope. */
interface Written {
  readonly keys: Set<string>;
  assets: number;
  outcome: OutcomeRecord | undefined;
}

const folder = mkdtempSync(join(tmpdir(), 'culvert-hostile-'));
const scopes = new Map<string, Written>();
let simulator: Simulator;
let peakMiB = 0;
let ended: { readonly code: number | null; readonly said: string };

const readRecords = async (file: string): Promise<void> => {
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const record = JSON.parse(line) as StreamRecord;
    if (!('scope' in record)) continue;
    const written = scopes.get(record.scope) ?? { keys: new Set(), assets: 0, outcome: undefined };
    scopes.set(record.scope, written);
    if (record.t === 'asset') {
      // What a script reads lies outside of the site.
      if (record.kind !== 'dataset' && record.kind !== 'column') written.keys.add(record.key);
      written.assets += 1;
    }
    if (record.t === 'outcome') written.outcome = record;
  }
};

beforeAll(async () => {
  simulator = await startSimulator({ seed: 5, apps: ORDINARY_APPS, hostile: 'full', folder: join(folder, 'site') });
  const file = join(folder, 'hostile.conf');
  writeFileSync(file, connectionFile(simulator.addresses), { mode: 0o600 });
  const out = join(folder, 'records.ndjson');
  const agent = spawn(process.execPath, [AGENT, 'crawl', file, '--out', out, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [agent.stdout, agent.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-20_000);
    });
  // The kernel forgets the peak with the process.
  const watch = setInterval(() => {
    peakMiB = Math.max(peakMiB, (peakResidentKiB(agent.pid ?? 0) ?? 0) / 1024);
  }, 50);
  try {
    const [code] = (await once(agent, 'close')) as [number | null];
    ended = { code, said };
  } finally {
    clearInterval(watch);
    agent.kill('SIGKILL');
  }
  if (ended.code === 0) await readRecords(out);
}, 120_000);
afterAll(async () => {
  await simulator[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const codeOf = (): string => {
  const key = [...scopes.keys()].find((scope) => !scope.includes('/'));
  if (key === undefined) throw new Error(`the crawl wrote no site: ${ended.said}`);
  return key;
};
const written = (appId: string): Written => {
  const found = scopes.get(`${codeOf()}/${appId}`);
  if (found === undefined) throw new Error(`the crawl wrote nothing of ${appId}`);
  return found;
};
const expectedKeys = (appId: string): Set<string> =>
  new Set(truthOfApp(simulator.site, appId).list.map(({ key }) => `${codeOf()}/${assetKey(...key)}`));

test('the crawl ends well', () => {
  expect(ended.code, ended.said).toBe(0);
  const reports = [...scopes.values()].map(({ outcome }) => outcome?.outcome);
  expect(reports).not.toContain(undefined);
  expect(reports).not.toContain('failed');
  expect(scopes.get(codeOf())?.outcome?.outcome).toBe('complete');
});

test('its memory stays bounded', () => {
  process.stdout.write(`hostile site: peak memory of the agent ${Math.round(peakMiB)} MiB\n`);
  expect(peakMiB).toBeGreaterThan(0);
  expect(peakMiB).toBeLessThan(PEAK_MIB);
});

test('every app that means harm ends in a truthful outcome', () => {
  const outcomes: Record<string, string> = {};
  for (const { id, what, outcomes: allowed } of simulator.hostile) {
    const { keys, outcome } = written(id);
    outcomes[what] = outcome?.outcome ?? 'none';
    expect.soft(allowed, what).toContain(outcome?.outcome);
    if (outcome?.outcome === 'gone') expect.soft(keys, what).toEqual(new Set());
    else if (outcome?.outcome === 'complete') expect.soft(missingOf(id, keys), what).toEqual([]);
    else expect.soft(outcome?.missing?.length ?? 0, what).toBeGreaterThan(0);
  }
  expect(Object.keys(outcomes).length).toBe(simulator.hostile.length);
});

const without = (some: ReadonlySet<string>, others: ReadonlySet<string>): readonly string[] =>
  [...some].filter((key) => !others.has(key));

/** Keys that should be there and are not, and those that should not and are; the first of them. */
const missingOf = (appId: string, keys: ReadonlySet<string>): readonly string[] => {
  const expected = expectedKeys(appId);
  return [...without(expected, keys), ...without(keys, expected)].slice(0, 5);
};

const one = (what: HostileApp['what']): string => simulator.hostile.find((app) => app.what === what)?.id ?? '';

test('of an app with a script of 50 MB only the script is missing', () => {
  const { keys, outcome } = written(one('huge script'));
  const absent = without(expectedKeys(one('huge script')), keys);
  expect(absent.every((key) => key.includes('/script'))).toBe(true);
  expect(outcome?.missing?.map(({ what, code }) => [what, code])).toEqual([['load script', 'qlik.app_too_large']]);
});

test('of an app whose data model is a page, or ends in the middle, only tables and fields are missing', () => {
  for (const what of ['page in place of the data model', 'data model cut off'] as const) {
    const { keys, outcome } = written(one(what));
    const absent = without(expectedKeys(one(what)), keys);
    expect(absent.every((key) => /\/(?:table|field)\//.test(key))).toBe(true);
    expect(outcome?.missing?.map((part) => part.what)).toEqual(['tables and fields']);
  }
});

test('all 200,000 fields came', () => {
  expect(written(one('many fields')).assets).toBeGreaterThan(200_000);
});

test('the rest of the site is complete, and half of it is denied', () => {
  const own = simulator.site.apps.filter(({ id }) => simulator.hostile.every((app) => app.id !== id));
  const denied = own.filter(({ id }) => written(id).outcome?.outcome === 'denied');
  expect(denied.length).toBeGreaterThanOrEqual(ORDINARY_APPS / 2);
  for (const { id } of own) {
    const truth = truthOfApp(simulator.site, id);
    const { keys, outcome } = written(id);
    expect.soft(outcome?.outcome, id).toBe(truth.outcome);
    expect.soft(missingOf(id, keys), id).toEqual([]);
  }
  const listed = [...scopes.keys()].filter((scope) => scope.includes('/'));
  expect(listed.length).toBe(simulator.site.apps.length + 1);
});

test('nothing was opened with data, and a page that looks like a login costs one session', () => {
  const { opensWithData, proxySessions } = simulator.record.snapshot();
  expect(opensWithData).toBe(0);
  // A login page in the place of a data model is taken for a lost session, once.
  expect(proxySessions.total).toBeLessThanOrEqual(2);
});
