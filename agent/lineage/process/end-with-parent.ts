import { Worker } from 'node:worker_threads';

const LOOK_MS = 1_000;

/**
 * Looks after the parent from a thread of its own: one that interprets a script hears nothing until it is done, neither the
 * end of its channel nor a timer. `process.exit` in a worker would end the worker alone, so the process kills itself. Text
 * and no file: in a release the child is one file. On Windows the parent's id stays when the parent is gone.
 */
const WATCH = `
const { workerData } = require('node:worker_threads');
const isGone = () => {
  if (process.ppid !== workerData.parent) return true;
  try {
    process.kill(workerData.parent, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
};
setInterval(() => {
  if (isGone()) process.kill(process.pid, 'SIGKILL');
}, workerData.lookMs);
`;

/** Ends this process within seconds when the one that started it is gone, whatever it is doing. */
export const endWithParent = (): void => {
  const worker = new Worker(WATCH, {
    eval: true,
    workerData: { parent: process.ppid, lookMs: LOOK_MS },
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2, codeRangeSizeMb: 4, stackSizeMb: 1 },
  });
  // Without it the process ends with its channel, as soon as it has done its work.
  worker.on('error', () => undefined);
  worker.unref();
};
