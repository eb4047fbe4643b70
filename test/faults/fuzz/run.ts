import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { FuzzReport, FuzzWork } from './worker.ts';

export interface FuzzSummary extends FuzzReport {
  readonly first: number;
  readonly cases: number;
  readonly seconds: number;
}

/** No case may take as long, on a machine that does other things as well. */
const HANG_MS = 10_000;

/** How to see a case again. */
export const replayOf = (seed: number, target: string): string =>
  `npm run faults -- fuzz --first ${seed} --cases 1 --target ${target}`;

export interface FuzzOptions {
  /** Told a few times a second how many cases were begun. */
  readonly onProgress?: (begun: number) => void;
  /** Ends the run after the case under way: the figures are those of the cases until then. */
  readonly signal?: AbortSignal;
}

/** Runs cases with the seeds from `first` on; a case that hangs ends the run and is reported. */
export const fuzz = async (
  first: number,
  cases: number,
  target?: string,
  { onProgress = () => undefined, signal }: FuzzOptions = {},
): Promise<FuzzSummary> => {
  const startedMs = performance.now();
  const progress = new SharedArrayBuffer(8);
  const begun = new Int32Array(progress);
  const work: FuzzWork = { first, cases, target, progress };
  const worker = new Worker(join(import.meta.dirname, 'worker.ts'), { workerData: work });
  const ended = new Promise<FuzzReport>((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', () =>
      reject(new Error(`the thread ended in the case of seed ${first + Atomics.load(begun, 0)}`)),
    );
  });
  let over = false;
  const watch = async (): Promise<FuzzReport> => {
    let [index, sinceMs] = [-1, performance.now()];
    while (!over) {
      await delay(250);
      const at = Atomics.load(begun, 0);
      onProgress(at + 1);
      if (signal?.aborted) Atomics.store(begun, 1, 1);
      if (at !== index) [index, sinceMs] = [at, performance.now()];
      else if (performance.now() - sinceMs > HANG_MS) {
        const failure = { seed: first + index, target: target ?? '', message: `it hangs for ${HANG_MS} ms` };
        return { counts: {}, failures: [failure], unseen: [], highestGrowthBytes: 0 };
      }
    }
    return await ended;
  };
  try {
    const report = await Promise.race([ended, watch()]);
    const ran = Object.values(report.counts).reduce((sum, count) => sum + count, 0);
    return {
      first,
      cases: signal?.aborted ? ran : cases,
      ...report,
      seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    };
  } finally {
    over = true;
    await worker.terminate();
    await ended.catch(() => undefined);
  }
};
