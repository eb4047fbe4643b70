import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connectionFile } from '#test/demo/connection-file.ts';
import { SimulatedSite } from '#test/demo/site.ts';
import type { LowerBound } from '#test/simulator/model/cost.ts';
import type { SiteTruth } from '#test/simulator/model/truth.ts';
import type { RecordSnapshot } from '#test/simulator/record.ts';

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
  readonly opens: number;
  readonly opensWithData: number;
  /** The most that was resident at a time; null where the system does not tell (not Linux). */
  readonly peakRssMiB: number | null;
}

const AGENT = join(import.meta.dirname, '..', '..', 'agent', 'main.ts');
const ENGINE_SESSIONS = 2;

export const run = async (args: readonly string[]): Promise<void> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      apps: { type: 'string', multiple: true, default: ['1000'] },
      seed: { type: 'string', default: '1' },
      profile: { type: 'string', default: 'may-2025' },
    },
  });
  const seed = wholeNumber('seed', values.seed);
  const runs: Run[] = [];
  for (const apps of values.apps) {
    runs.push(await crawlOnce(wholeNumber('apps', apps), seed, values.profile));
  }
  process.stdout.write(`${JSON.stringify({ bench: 'crawl', runs })}\n`);
};

const wholeNumber = (name: string, text: string): number => {
  if (!/^\d+$/.test(text)) throw new Error(`--${name} needs a whole number, not "${text}"`);
  return Number(text);
};

const crawlOnce = async (apps: number, seed: number, profile: string): Promise<Run> => {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-bench-'));
  try {
    const site = join(folder, 'site');
    mkdirSync(site);
    process.stdout.write(`site of ${apps} apps, seed ${seed}, ${profile}, service times on\n`);
    await using simulator = await SimulatedSite.start({
      folder: site,
      seed,
      apps,
      profile,
      further: ['--service-time'],
    });
    const file = join(folder, 'bench.conf');
    writeFileSync(file, connectionFile(simulator.addresses), { mode: 0o600 });
    const { seconds, peakRssMiB, summary } = await crawl(file, join(folder, 'records.ndjson'));
    const record = await simulator.ask<RecordSnapshot>('/record');
    const bound = await simulator.ask<LowerBound>(`/lower-bound?sessions=${ENGINE_SESSIONS}`);
    checkAssets(summary, await simulator.ask<SiteTruth>('/truth'));
    const result: Run = {
      apps,
      seconds: round(seconds),
      lowerBoundSeconds: round(bound.seconds),
      ratio: round(seconds / bound.seconds),
      requests: record.requests,
      opens: record.opens,
      opensWithData: record.opensWithData,
      peakRssMiB,
    };
    process.stdout.write(
      `crawled in ${result.seconds} s; no crawl can take less than ${result.lowerBoundSeconds} s: ratio ${result.ratio}\n` +
        `${result.requests} requests, ${result.opens} opens, ${result.opensWithData} of them with data; ` +
        `${record.engineSockets.max} sockets to the engine at a time, ${record.proxySessions.total} proxy session(s)\n` +
        `peak memory of the agent ${peakRssMiB ?? '?'} MiB\n`,
    );
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

interface Summary {
  readonly assets: Readonly<Record<string, number>>;
}

/** A fast crawl of half a site is no crawl. */
const checkAssets = ({ assets }: Summary, truth: SiteTruth): void => {
  for (const [kind, expected] of Object.entries(truth.assets)) {
    const found = assets[kind] ?? 0;
    if (found !== expected) throw new Error(`the crawl found ${found} of ${expected} assets of kind ${kind}`);
  }
};

interface Crawled {
  readonly seconds: number;
  readonly peakRssMiB: number | null;
  readonly summary: Summary;
}

/** Runs the agent's own command, from its start to its end. */
const crawl = async (connection: string, out: string): Promise<Crawled> => {
  const started = performance.now();
  const child = spawn(process.execPath, [AGENT, 'crawl', connection, '--out', out, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  // The log names every app that is denied; it is only of use when the crawl fails.
  let logged = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    logged = (logged + text).slice(-4_000);
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  let peakKiB: number | null = null;
  // The kernel keeps the peak; it is gone with the process, so it is read until then.
  const watch = setInterval(() => {
    peakKiB = peakOf(child.pid) ?? peakKiB;
  }, 50);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    const seconds = (performance.now() - started) / 1000;
    if (code !== 0) throw new Error(`the crawl ended with ${signal ?? code}: ${printed}${logged}`);
    const last = printed.trim().split('\n').at(-1) ?? '';
    return {
      seconds,
      peakRssMiB: peakKiB === null ? null : Math.round(peakKiB / 1024),
      summary: JSON.parse(last) as Summary,
    };
  } finally {
    clearInterval(watch);
    child.kill();
  }
};

const peakOf = (pid: number | undefined): number | null => {
  try {
    const found = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
};

const round = (value: number): number => Math.round(value * 100) / 100;
