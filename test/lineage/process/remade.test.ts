import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import { crawl } from '#agent/crawl/crawl.ts';
import { KEPT_FOLDER } from '#agent/crawl/lineage/kept-apps.ts';
import { remakeLineage } from '#agent/crawl/lineage/remake-all.ts';
import type { LineageMeans } from '#agent/crawl/lineage/site-lineage.ts';
import { LineageProcess } from '#agent/lineage/process/lineage-process.ts';
import { Dialer } from '#agent/network/dialer.ts';
import { SILENT } from '#agent/qlik/log.ts';
import { openSite, type Site } from '#agent/qlik/site.ts';
import { KeyFile } from '#config/secrets/key-file.ts';
import { Fault } from '#protocol/errors.ts';
import { CrawlOptions, LineageOptions } from '#protocol/job-options.ts';
import type { OutcomeRecord, StreamRecord } from '#protocol/records.ts';
import type { Simulator } from '#test/simulator/simulator.ts';
import { connectionFor, simulate } from '#test/unit/crawl/simulated.ts';

const CODE = 'sim';

let simulator: Simulator;
let state: string;
let interpreter: LineageProcess;
beforeAll(async () => {
  simulator = await simulate({ apps: 12 });
  state = mkdtempSync(join(tmpdir(), 'culvert-remade-'));
  interpreter = new LineageProcess();
});
afterAll(async () => {
  await interpreter[Symbol.asyncDispose]();
  await simulator?.[Symbol.asyncDispose]();
  rmSync(state, { recursive: true, force: true });
});

const means = (more: Partial<LineageMeans> = {}): LineageMeans => ({
  process: interpreter,
  withTexts: true,
  kept: { folder: join(state, KEPT_FOLDER), keys: new KeyFile(state), owner: 'catalog agent', log: SILENT },
  ...more,
});

// One session with the proxy for all: a user has five.
const dialer = new Dialer();
const open = () => openSite(connectionFor(simulator), { dialer });
const sinkOf = (records: StreamRecord[]) =>
  new RecordGate({
    write: (record) => {
      records.push(record);
      return Promise.resolve();
    },
  });

let checkpoint: string | null = null;
let lineageJob: string | null = null;
let job = 0;
/** The next crawl of differences, and what the site was asked for it. */
const next = async (more: Partial<LineageMeans> = {}) => {
  const records: StreamRecord[] = [];
  simulator.record.reset();
  await using site = open();
  job += 1;
  await crawl(site, site.connection, sinkOf(records), {
    asked: CrawlOptions.parse({ checkpoint, lineageJob }),
    checkpoints: { folder: join(state, 'checkpoints'), job: `job-${job}`, owner: 'catalog agent', crawler: '1' },
    lineage: means(more),
  });
  const outcomes = new Map(records.flatMap((one) => (one.t === 'outcome' ? [[one.scope, one] as const] : [])));
  checkpoint = outcomes.get(CODE)?.checkpoint ?? checkpoint;
  return { records, outcomes, opens: simulator.record.snapshot().opens };
};

const derives = (records: readonly StreamRecord[], scope: string): string[] =>
  records.flatMap((one) =>
    one.t === 'edge' && one.scope === scope && one.kind === 'derives' ? [`${one.from} ${one.to}`] : [],
  );

const ofKind = (outcomes: ReadonlyMap<string, OutcomeRecord>, outcome: string): string[] =>
  [...outcomes].flatMap(([scope, one]) => (one.outcome === outcome && scope !== CODE ? [scope] : []));

describe('lineage without opening apps', () => {
  let first: Awaited<ReturnType<typeof next>>;
  let dependent: string[];
  beforeAll(async () => {
    first = await next();
    const path = simulator.site.dataConnections.find(({ name }) => name === 'QVD')?.connectionstring ?? '';
    const folders = path.split('\\').filter((part) => part !== '');
    const host = path.startsWith('\\\\') ? [] : [new URL(simulator.addresses.proxyUrl).hostname];
    const old = `file://${[...host, ...folders].join('/').toLowerCase()}/`;
    dependent = ofKind(first.outcomes, 'complete').filter((scope) =>
      first.records.some((one) => one.t === 'edge' && one.scope === scope && one.to.startsWith(old)),
    );
  });

  test('a crawl without any change opens no app and makes no lineage', async () => {
    expect(dependent.length).toBeGreaterThan(0);
    const { outcomes, opens } = await next();
    expect(opens).toBe(0);
    expect(ofKind(outcomes, 'updated')).toEqual([]);
  });

  test('when the path of one data connection changes, all edges that depend on it follow, and no app is opened', async () => {
    simulator.mutate({
      action: 'move-connection',
      connection: 'QVD',
      connectionstring: '\\\\moved.corp.example\\bi\\qvd',
    });
    const { records, outcomes, opens } = await next();
    expect(opens).toBe(0);
    const updated = ofKind(outcomes, 'updated');
    expect(updated).toEqual(expect.arrayContaining(dependent));
    for (const scope of updated) {
      expect(outcomes.get(scope)?.reason).toMatchObject({ code: 'lineage', message: expect.stringContaining('qvd') });
      expect(outcomes.get(scope)?.anew).toContain('derives');
      const before = derives(first.records, scope);
      // As many edges as before, charts' and variables' included; only their other ends are elsewhere.
      expect(derives(records, scope)).toHaveLength(before.length);
    }
    const moved = records.filter((one) => one.t === 'edge' && one.to.startsWith('file://moved.corp.example/bi/qvd/'));
    expect(moved.length).toBeGreaterThan(0);
    // Known as that: the next one has nothing to do.
    const again = await next();
    expect([again.opens, ofKind(again.outcomes, 'updated')]).toEqual([0, []]);
  });

  test('a new version of the interpreter makes all lineage anew, and opens no app', async () => {
    const { outcomes, opens } = await next({ version: 'next' });
    expect(opens).toBe(0);
    expect(ofKind(outcomes, 'updated')).toHaveLength(ofKind(first.outcomes, 'complete').length);
    expect(
      [...outcomes.values()].find(({ outcome, scope }) => outcome === 'updated' && scope !== CODE)?.reason?.message,
    ).toMatch(/interpreter/);
  });

  test('somebody who asks for it has all lineage made anew, with nothing else of the apps', async () => {
    const records: StreamRecord[] = [];
    simulator.record.reset();
    await using site = open();
    const progress: string[] = [];
    const made = await remakeLineage(site, site.connection, sinkOf(records), {
      asked: LineageOptions.parse({}),
      means: means(),
      onProgress: ({ done, of, current }) => progress.push(`${done} of ${of}${current === undefined ? ', all' : ''}`),
    });
    const all = progress.length - 1;
    expect(progress).toEqual([...Array.from({ length: all }, (_, n) => `${n} of ${all}`), `${all} of ${all}, all`]);
    expect(all).toBeGreaterThanOrEqual(made.apps);
    expect(simulator.record.snapshot().opens).toBe(0);
    expect(made.apps).toBe(ofKind(first.outcomes, 'complete').length);
    const kinds = new Set(records.flatMap((one) => (one.t === 'asset' ? [one.kind] : [])));
    expect([...kinds].sort()).toEqual(['app', 'column', 'dataset']);
  });

  test('what was made anew on demand is not made again by the next crawl, if the catalog has it', async () => {
    // With this interpreter, not that of the test before.
    await next();
    simulator.mutate({
      action: 'move-connection',
      connection: 'QVD',
      connectionstring: '\\\\moved.corp.example\\bi\\again',
    });
    const place = { folder: join(state, 'checkpoints'), job: 'asked', owner: 'catalog agent' };
    const remake = async (own: string, asked: Partial<LineageOptions>) => {
      const records: StreamRecord[] = [];
      await using site = open();
      const made = await remakeLineage(site, site.connection, sinkOf(records), {
        asked: LineageOptions.parse({ checkpoint, lineageJob, ...asked }),
        means: means(),
        checkpoints: { ...place, job: own },
      });
      return { made, outcomes: new Map(records.flatMap((one) => (one.t === 'outcome' ? [[one.scope, one]] : []))) };
    };
    // Only those that depend on it, as an agent is asked that found out by itself.
    const { made, outcomes } = await remake('published', { changed: 'x' });
    expect([...outcomes.keys()].sort()).toEqual(expect.arrayContaining([...dependent].sort()));
    expect(made.apps).toBeLessThan(ofKind(first.outcomes, 'complete').length);
    lineageJob = 'published';
    expect((await remake('published', { changed: 'x' })).made.apps).toBe(0);
    const after = await next();
    expect([after.opens, ofKind(after.outcomes, 'updated')]).toEqual([0, []]);
    simulator.mutate({
      action: 'move-connection',
      connection: 'QVD',
      connectionstring: '\\\\moved.corp.example\\bi\\lost',
    });
    // The catalog names another job: it does not have what this one made.
    expect((await remake('lost', { changed: 'y' })).made.apps).toBe(made.apps);
    expect(ofKind((await next()).outcomes, 'updated')).toHaveLength(made.apps);
  });

  test.each([
    ['is broken off', 'cut'],
    ['ends, and the catalog does not publish it', 'unpublished'],
    ['goes on after a restart', 'resumed'],
  ])('what a job made that %s is made once more, though all is again as the last crawl knew it', async (_, how) => {
    const lead = (to: string) =>
      simulator.mutate({
        action: 'move-connection',
        connection: 'QVD',
        connectionstring: `\\\\moved.corp.example\\${to}`,
      });
    lead('home');
    await next();
    expect(ofKind((await next()).outcomes, 'updated')).toEqual([]);
    lead('away');
    const written = new Set<string>();
    const remake = async (skipScopes: ReadonlySet<string>, isCut: boolean) => {
      await using site = open();
      const stop = new AbortController();
      const sink = new RecordGate({
        write: (record) => {
          if (record.t === 'outcome') written.add(record.scope);
          if (isCut && written.size === 2) stop.abort(new Fault('job.cancelled', 'The job was cancelled'));
          return Promise.resolve();
        },
      });
      await remakeLineage(site, site.connection, sink, {
        asked: LineageOptions.parse({ checkpoint, lineageJob, changed: how }),
        means: means(),
        checkpoints: { folder: join(state, 'checkpoints'), job: how, owner: 'catalog agent' },
        skipScopes,
        signal: stop.signal,
      });
    };
    if (how === 'unpublished') await remake(new Set(), false);
    else await expect(remake(new Set(), true)).rejects.toMatchObject({ code: 'job.cancelled' });
    const made = [...written];
    if (how === 'resumed') {
      await remake(new Set(made), false);
      lineageJob = how;
    }
    lead('home');
    const { outcomes, opens } = await next();
    expect(made.length).toBeGreaterThan(1);
    expect(ofKind(outcomes, 'updated')).toEqual(expect.arrayContaining(made));
    expect(opens).toBe(0);
    expect(ofKind((await next()).outcomes, 'updated')).toEqual([]);
  });

  test('who may not read data connections any more loses nothing that the crawl knew of where they lead', async () => {
    await next();
    const remake = async (over: (site: Site) => Site): Promise<readonly string[]> => {
      const records: StreamRecord[] = [];
      await using site = open();
      await remakeLineage(over(site), site.connection, sinkOf(records), {
        asked: LineageOptions.parse({ checkpoint, lineageJob }),
        means: means(),
        checkpoints: { folder: join(state, 'checkpoints'), job: 'blind', owner: 'catalog agent' },
      });
      return records.flatMap((one) => (one.t === 'edge' ? [`${one.kind} ${one.from} ${one.to}`] : [])).sort();
    };
    const seeing = await remake((site) => site);
    const dataConnections = () => Promise.reject(new Fault('qlik.access_denied', 'No right to read data connections'));
    const blind = await remake((site) => Object.assign(site, { dataConnections }));
    expect(blind.filter((edge) => !seeing.includes(edge))).toEqual([]);
    expect(blind).toHaveLength(seeing.length);
  });

  test('of apps that are not kept it is said, and a crawl reads those that changed', async () => {
    await using site = open();
    const elsewhere = means({ kept: undefined });
    const records: StreamRecord[] = [];
    const checkpoints = { folder: join(state, 'checkpoints'), job: 'none', owner: 'catalog agent' };
    const asked = LineageOptions.parse({ checkpoint, lineageJob });
    const remade = remakeLineage(site, site.connection, sinkOf(records), { asked, means: elsewhere, checkpoints });
    await expect(remade).rejects.toMatchObject({ code: 'lineage.nothing_kept' });
    // Each of them, whatever its scope was: nothing of it is touched.
    const told = records.flatMap((one) => (one.t === 'outcome' ? [one] : []));
    expect(told.length).toBe(first.outcomes.size - 1);
    expect(new Set(told.map(({ outcome }) => outcome))).toEqual(new Set(['unchanged']));
    const because = (code: string) => told.filter(({ reason }) => reason?.code === code).map(({ scope }) => scope);
    expect(because('lineage_not_kept').sort()).toEqual(ofKind(first.outcomes, 'complete').sort());
    expect(because('lineage_no_script').sort()).toEqual(
      [...first.outcomes]
        .flatMap(([scope, { outcome }]) => (scope === CODE || outcome === 'complete' ? [] : [scope]))
        .sort(),
    );
    const { opens } = await next({ version: 'newest', kept: undefined });
    expect(opens).toBeGreaterThan(0);
  });

  test('what is kept tells nobody who has not the key of the agent', async () => {
    const { readdirSync, readFileSync } = await import('node:fs');
    const folder = join(state, KEPT_FOLDER);
    const [own = ''] = readdirSync(folder);
    const files = readdirSync(join(folder, own));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files)
      expect(readFileSync(join(folder, own, file)).toString('latin1')).not.toMatch(/LOAD|lib:\/\//);
  });
});
