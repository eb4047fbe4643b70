import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { shippedEnvironment } from '../figures.ts';
import { peakResidentKiB } from '../processes.ts';

/** What a crawl says of itself in its last line. */
export interface Summary {
  readonly assets: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Of the process for load scripts. */
  readonly lineagePeakRssBytes?: number;
}

export interface Crawled<T extends Summary> {
  readonly seconds: number;
  /** The most that was resident at a time; null where the system does not tell (not Linux). */
  readonly peakRssMiB: number | null;
  readonly summary: T;
}

/** Runs a program that crawls in a process of its own, from its start to its end. */
export const runAgent = async <T extends Summary>(program: readonly string[]): Promise<Crawled<T>> => {
  const env = { ...process.env, ...(await shippedEnvironment()) };
  const started = performance.now();
  const child = spawn(process.execPath, [...program], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let printed = '';
  // The log names every app that is denied; it is only of use when the crawl fails.
  let logged = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    logged = (logged + text).slice(-4_000);
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  let peakKiB: number | undefined;
  // The kernel keeps the peak; it is gone with the process, so it is read until then.
  const watch = setInterval(() => {
    peakKiB = peakResidentKiB(child.pid ?? 0) ?? peakKiB;
  }, 50);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    const seconds = (performance.now() - started) / 1000;
    if (code !== 0) throw new Error(`the crawl ended with ${signal ?? code}: ${printed}${logged}`);
    const last = printed.trim().split('\n').at(-1) ?? '';
    return {
      seconds,
      peakRssMiB: peakKiB === undefined ? null : Math.round(peakKiB / 1024),
      summary: JSON.parse(last) as T,
    };
  } finally {
    clearInterval(watch);
    child.kill();
  }
};
