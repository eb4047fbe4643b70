import { Worker } from 'node:worker_threads';

export interface StallGuardOptions {
  /** The exit code of a process that stood still. */
  readonly exitCode: number;
  /** How long the event loop may stand still. Default 5 min. */
  readonly stallMs?: number;
  /** How often it shows that it turns. Default 10 s. */
  readonly beatMs?: number;
}

/**
 * Runs in a thread of its own, which alone can act when the event loop stands still: in an endless loop the inspector lets
 * the process end in its own way; held in a call of the system, it can only be killed. Time in which this thread stood
 * still as well (sleep, a stopped process) does not count.
 */
const GUARD = `
const { workerData } = require('node:worker_threads');
const { beats, beatMs, stallMs, exitCode } = workerData;
let last = -1, still = 0, lookedMs = performance.now();
const timer = setInterval(() => {
  const nowMs = performance.now(), gapMs = nowMs - lookedMs, beat = Atomics.load(beats, 0);
  lookedMs = nowMs;
  if (beat !== last || gapMs > 3 * beatMs) { last = beat; still = 0; return; }
  still += gapMs;
  if (still < stallMs) return;
  clearInterval(timer);
  const { rss } = process.memoryUsage();
  require('node:fs').writeSync(2, JSON.stringify({ level: 'fatal', time: new Date().toISOString(), stillMs: Math.round(still), beat, rssBytes: rss,
    uptimeSeconds: Math.round(process.uptime()), msg: 'the event loop stands still; the agent ends, to be started again' }) + '\\n');
  const session = new (require('node:inspector').Session)();
  session.connectToMainThread();
  session.post('Runtime.evaluate', { expression: 'process.reallyExit(' + exitCode + ')' });
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 5000);
}, beatMs);
`;

/** Ends the process with `exitCode` when its event loop stands still. Dispose of it to stop. */
export const guardAgainstStalls = ({ exitCode, stallMs = 300_000, beatMs = 10_000 }: StallGuardOptions): Disposable => {
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(GUARD, {
    eval: true,
    workerData: { beats, beatMs, stallMs, exitCode },
    // It holds a counter; what is not reserved is not used.
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
    execArgv: [],
    env: {},
  });
  worker.unref();
  // Without the guard the agent works as well.
  worker.on('error', () => undefined);
  const timer = setInterval(() => Atomics.add(beats, 0, 1), beatMs / 2);
  timer.unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      void worker.terminate();
    },
  };
};
