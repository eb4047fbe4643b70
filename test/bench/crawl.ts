import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LowerBound } from '#test/simulator/model/cost.ts';
import type { SiteTruth } from '#test/simulator/model/truth.ts';
import type { RecordSnapshot } from '#test/simulator/record.ts';
import { runAgent, type Summary } from './crawl/agent-process.ts';
import { besideOthers } from './crawl/beside.ts';
import { deltaRun } from './crawl/delta.ts';
import { Place } from './crawl/place.ts';
import { machine, rounded, shippedAgent, wholeNumber } from './figures.ts';

/**
 * How long the agent takes for a whole site, beside the time below which no crawl can come. Site and agent are processes
 * of their own; the site waits as long as a real one would (`test/simulator/COST.md`).
 */
interface Run {
  readonly apps: number;
  readonly seconds: number;
  /** Computed by the simulator from its own site, never from the requests made. */
  readonly lowerBoundSeconds: number;
  readonly ratio: number;
  readonly requests: number;
  readonly requestsPerApp: number;
  readonly opens: number;
  readonly opensPerApp: number;
  readonly opensWithData: number;
  /** Bytes of app data that the site had to load. */
  readonly loadedBytes: number;
  /** The most that was resident at a time; null where the system does not tell (not Linux). */
  readonly peakRssMiB: number | null;
  /** The most that the process for load scripts had resident. */
  readonly lineagePeakRssMiB: number;
}

const ENGINE_SESSIONS = 2;
/** For both of these a site makes the contents of all its apps. */
const ADDED_UP_MS = 600_000;

/** The agent as it is shipped, on a site. */
type Command = (place: Place) => readonly string[];

export const run = async (args: readonly string[]): Promise<void> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      apps: { type: 'string', multiple: true, default: ['1000'] },
      /** Apps of the site on which others are set beside; 0: none are. */
      beside: { type: 'string', default: '200' },
      /** `crawl`, `delta`, `beside`: a large site takes its time, and each of them crawls it. */
      only: { type: 'string', default: 'crawl,delta,beside' },
      /** Apps that change before the crawl that reads only differences, on a site of the first size; 0: there is none. */
      changed: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      profile: { type: 'string', default: 'may-2025' },
    },
  });
  const seed = wholeNumber('seed', values.seed, 0);
  const { profile } = values;
  process.stdout.write(`${machine()}\n`);
  const folder = await mkdtemp(join(tmpdir(), 'culvert-bench-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const agent = await shippedAgent(folder);
  const command: Command = (place) => [
    agent,
    'crawl',
    place.file,
    '--out',
    join(place.folder, 'records.ndjson'),
    '--json',
  ];
  const runs: Run[] = [];
  const isWanted = (what: string): boolean => values.only.split(',').includes(what);
  for (const apps of isWanted('crawl') ? values.apps : [])
    runs.push(await crawlOnce({ apps: wholeNumber('apps', apps), seed, profile }, command));
  sayGrowth(runs);
  const changed = wholeNumber('changed', values.changed, 0);
  const delta =
    changed === 0 || !isWanted('delta')
      ? null
      : await deltaRun({ apps: wholeNumber('apps', values.apps[0] ?? ''), seed, profile }, changed);
  const beside = wholeNumber('beside', values.beside, 0);
  const sequential =
    beside === 0 || !isWanted('beside') ? null : await besideOthers({ apps: beside, seed, profile }, command);
  process.stdout.write(`${JSON.stringify({ bench: 'crawl', runs, delta, sequential })}\n`);
};

const crawlOnce = async (options: { apps: number; seed: number; profile: string }, command: Command): Promise<Run> => {
  const { apps } = options;
  await using place = await Place.make(options);
  const { seconds, peakRssMiB, summary } = await runAgent(command(place));
  const record = await place.site.ask<RecordSnapshot>('/record');
  const bound = await place.site.ask<LowerBound>(`/lower-bound?sessions=${ENGINE_SESSIONS}`, undefined, ADDED_UP_MS);
  checkAssets(summary, await place.site.ask<SiteTruth>('/truth', undefined, ADDED_UP_MS));
  const result: Run = {
    apps,
    seconds: rounded(seconds),
    lowerBoundSeconds: rounded(bound.seconds),
    ratio: rounded(seconds / bound.seconds),
    requests: record.requests,
    requestsPerApp: rounded(record.requests / apps),
    opens: record.opens,
    opensPerApp: rounded(record.opens / apps),
    opensWithData: record.opensWithData,
    loadedBytes: record.loadedBytes,
    peakRssMiB,
    lineagePeakRssMiB: Math.round((summary.lineagePeakRssBytes ?? 0) / 1024 ** 2),
  };
  process.stdout.write(
    `crawled in ${result.seconds} s; no crawl can take less than ${result.lowerBoundSeconds} s: ratio ${result.ratio}\n` +
      `${result.requests} requests (${result.requestsPerApp} an app), ${result.opens} opens (${result.opensPerApp} an app), ` +
      `${result.opensWithData} of them with data: ${result.loadedBytes} bytes of app data loaded; ` +
      `${record.engineSockets.max} sockets to the engine at a time, ${record.proxySessions.total} proxy session(s)\n` +
      `peak memory of the agent ${peakRssMiB ?? '?'} MiB, of its process for load scripts ${result.lineagePeakRssMiB} MiB\n`,
  );
  return result;
};

/** How time grows with the number of apps, from one run to the next: 1 is linear. */
const sayGrowth = (runs: readonly Run[]): void => {
  for (const [n, run] of runs.entries()) {
    const before = runs[n - 1];
    if (before === undefined || before.apps === run.apps) continue;
    const exponent = Math.log(run.seconds / before.seconds) / Math.log(run.apps / before.apps);
    process.stdout.write(
      `from ${before.apps} to ${run.apps} apps: ${rounded(run.seconds / before.seconds)} times as long, exponent ${rounded(exponent)}\n`,
    );
  }
};

/** A fast crawl of half a site is no crawl. */
const checkAssets = ({ assets }: Summary, truth: SiteTruth): void => {
  for (const [kind, expected] of Object.entries(truth.assets)) {
    const found = assets[kind] ?? 0;
    if (found !== expected) throw new Error(`the crawl found ${found} of ${expected} assets of kind ${kind}`);
  }
};
