// Runs cases in a thread of its own; whoever started it watches how long each takes.
import { parentPort, workerData } from 'node:worker_threads';
import { Random } from '../simulation/random.ts';
import { MESSAGE_TYPES } from './messages.ts';
import { SocketTarget } from './sockets.ts';
import { TARGETS } from './targets.ts';

export interface FuzzWork {
  readonly first: number;
  readonly cases: number;
  readonly target: string | undefined;
  /** [number of the case since the first, 1 when it is to end after that] */
  readonly progress: SharedArrayBuffer;
}

/** What the thread reports at its end. */
export interface FuzzReport {
  readonly counts: Readonly<Record<string, number>>;
  readonly failures: readonly { readonly seed: number; readonly target: string; readonly message: string }[];
  readonly unseen: readonly string[];
  readonly highestGrowthBytes: number;
}

/** Of all cases so many go over real sockets, which take a hundred times as long. */
const SOCKET_SHARE = 0.02;
/** A case may not take more than this of memory: the largest record is 16 MiB, a frame 1 MiB, an odd text 70 KB. */
const MOST_GROWTH_BYTES = 48 * 1024 * 1024;
const MOST_FAILURES = 20;

const { first, cases, target, progress } = workerData as FuzzWork;
const begun = new Int32Array(progress);
const counts: Record<string, number> = {};
const failures: FuzzReport['failures'][number][] = [];
const seen = new Set<string>();
let highestGrowthBytes = 0;

const total = Object.values(TARGETS).reduce((sum, { weight }) => sum + weight, 0);
const choose = (random: Random): string => {
  if (random.chance(SOCKET_SHARE)) return 'sockets';
  let at = random.next() * total;
  for (const [name, { weight }] of Object.entries(TARGETS)) {
    at -= weight;
    if (at < 0) return name;
  }
  return 'frame';
};

const held = (): number => {
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  return heapUsed + Math.max(arrayBuffers, external);
};

let now = { seed: first, target: '' };
const fail = (message: string): void => {
  if (failures.length < MOST_FAILURES) failures.push({ ...now, message });
};
process.on('unhandledRejection', (reason) =>
  fail(`unhandled: ${reason instanceof Error ? reason.stack : String(reason)}`),
);
process.on('uncaughtException', (error) => fail(`uncaught: ${error.stack ?? error.message}`));

await using sockets = await SocketTarget.start();
for (let index = 0; index < cases && failures.length < MOST_FAILURES; index += 1) {
  if (Atomics.load(begun, 1) === 1) break;
  const seed = first + index;
  const random = new Random(seed);
  // Chosen in any case: a replay has the same chances.
  const chosen = choose(random);
  const name = target ?? chosen;
  now = { seed, target: name };
  counts[name] = (counts[name] ?? 0) + 1;
  Atomics.store(begun, 0, index);
  const before = held();
  try {
    if (name === 'sockets') await sockets.try(random, seen);
    else await TARGETS[name]?.run(random, seen);
  } catch (error) {
    fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const growth = held() - before;
  highestGrowthBytes = Math.max(highestGrowthBytes, growth);
  if (growth > MOST_GROWTH_BYTES) fail(`it took ${growth} bytes of memory`);
}
const all = [
  ...MESSAGE_TYPES.agent.map((type) => `agent ${type}`),
  ...MESSAGE_TYPES.gateway.map((type) => `gateway ${type}`),
];
const report: FuzzReport = { counts, failures, unseen: all.filter((type) => !seen.has(type)), highestGrowthBytes };
parentPort?.postMessage(report);
