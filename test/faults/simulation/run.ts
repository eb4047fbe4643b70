import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import zlib from 'node:zlib';
import { installVirtualTimers } from './time.ts';

// Before the product is loaded: a thread pool answers in an order of its own.
zlib.zstdCompress = ((bytes: Buffer, options: zlib.ZstdOptions, done: (error: null, packed: Buffer) => void): void =>
  done(null, zlib.zstdCompressSync(bytes, options))) as typeof zlib.zstdCompress;
installVirtualTimers();
// Whoever waits by these would wait in real time, while hours pass in the world.
timers.setTimeout = (<T>(ms?: number, value?: T): Promise<T | undefined> =>
  new Promise((resolve) => setTimeout(() => resolve(value), ms))) as typeof timers.setTimeout;
syncBuiltinESMExports();

const { CREDIT, LIMITS, TIMES } = await import('#protocol/constants.ts');

/** The same proportions as in earnest, small enough that every limit is met within a short crawl. */
Object.assign(LIMITS, {
  batchRecords: 6,
  batchBytes: 1_500,
  batchRawBytes: 5_000,
  dataBytes: 6_144,
  wholeRecordBytes: 4_500,
  recordBytes: 40_000,
  recordParts: 64,
});
Object.assign(CREDIT, { streamBytes: 6_144, connectionBytes: 8_000 });
// Connections age within a run.
Object.assign(TIMES, { ageMs: 120_000 });

// What reads the limits when it is loaded comes after.
const { JOB_KINDS } = await import('#protocol/job-options.ts');
const { heal, menuOf, strike } = await import('./menu.ts');
const { Violation } = await import('./watch.ts');
const { World } = await import('./world.ts');

/** After the faults, all must be done within this: five attempts with their waits, the slow lane, a superseded session. */
const PROGRESS_MS = 45 * 60_000;
const MAX_EVENTS = 400_000;
/** Kinds of jobs, each as often as it is asked for. */
const ASKED = [
  ...Array.from({ length: 11 }, () => 'crawl' as const),
  ...Array.from({ length: 4 }, () => 'lineage' as const),
  ...(['test', 'test', 'inventory', 'inventory', 'preview', 'preview'] as const),
];

export interface Outcome {
  readonly seed: number;
  readonly violation: { readonly rule: string; readonly message: string } | undefined;
  readonly hash: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly counters: Readonly<Record<string, number>>;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Plays one seed to its end, or to the first rule that does not hold. */
export const runSeed = async (seed: number, onTrace?: (line: string) => void): Promise<Outcome> => {
  const world = new World(seed, onTrace);
  const { time, random, watch, counters, store } = world;
  const startedMs = time.nowMs;
  const onUnhandled = (error: unknown): void => {
    watch.fail('crash', error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  process.on('unhandledRejection', onUnhandled);
  try {
    const menu = menuOf(world);
    const faultsMs = random.between(20_000, 300_000);
    const everyMs = random.pick([1_500, 5_000, 15_000]) ?? 5_000;
    const disturb = (): void => {
      if (world.isHealed) return;
      strike(world, menu);
      time.after(random.between(0, 2 * everyMs), undefined, disturb);
    };
    const ask = (): void => {
      if (world.isHealed) return;
      world.ask(random.pick(world.codes) ?? '', random.pick(ASKED) ?? 'crawl');
      time.after(random.between(0, 18_000), undefined, ask);
    };
    ask();
    time.after(random.between(0, everyMs), undefined, disturb);
    const watchDogs = (): void => {
      // What a service manager does.
      for (const machine of world.machines)
        if (machine.process?.hasFailed) {
          world.crashAgent(machine, false);
          time.after(5_000, undefined, () => world.startAgent(machine));
        }
      time.after(1_000, undefined, watchDogs);
    };
    watchDogs();

    const until = async (done: () => boolean, limitMs: number): Promise<boolean> => {
      const endMs = time.nowMs + limitMs;
      let looked = 0;
      while (!watch.violation) {
        if (looked++ % 16 === 0 && done()) return true;
        if (time.nowMs >= endMs) return false;
        if (time.events > MAX_EVENTS) throw new Violation('progress', `${MAX_EVENTS} events happened`);
        time.step();
        await turn();
      }
      return true;
    };
    await until(() => false, faultsMs);
    heal(world);
    const healedMs = time.nowMs;
    const isDone = (): boolean =>
      [...store.model.tables.jobs.values()].every(({ state }) =>
        ['published', 'failed', 'cancelled'].includes(state),
      ) && world.machines.every(({ removed, process }) => removed || (process?.isIdle && process.isOpen));
    if (!(await until(isDone, PROGRESS_MS))) watch.fail('progress', unfinished(world));
    counters.highest('highest.settle.ms', Math.round(time.nowMs - healedMs));
    for (const { state, error } of store.model.tables.jobs.values())
      counters.count(`job.${state}${error ? `.${error.code}` : ''}`);
    // Without a spoiled disk, a copied spool or a store that forgot, no stream may ever be found wrong.
    if (!watch.mayRecut && !watch.forgotten)
      for (const { id, error } of store.model.tables.jobs.values())
        if (error?.code === 'bridge.protocol' || error?.code === 'internal')
          watch.fail('refused', `${id}: ${error.message}`);
    const last = world.codes.map((code) => world.ask(code, 'crawl', true));
    if (!watch.violation && !(await until(isDone, PROGRESS_MS))) watch.fail('progress', unfinished(world));
    if (!watch.violation)
      for (const id of last) {
        const job = store.model.tables.jobs.get(id);
        if (job?.state !== 'published')
          watch.fail(
            'calm',
            `${id} of ${job?.connection} ended as ${job?.state} without any fault: ${job?.error?.message}`,
          );
        else world.compare(id);
      }
    // And all kinds beside each other.
    const all = world.codes.flatMap((code) =>
      [...JOB_KINDS, 'crawl' as const].map((kind) => world.ask(code, kind, true)),
    );
    if (!watch.violation && !(await until(isDone, PROGRESS_MS))) watch.fail('progress', unfinished(world));
    for (const id of all) {
      const job = store.model.tables.jobs.get(id);
      // Of a site without apps there is nothing to draw.
      if (job?.state !== 'published' && job?.error?.code !== 'qlik.not_found')
        watch.fail('calm', `${job?.kind} ${id} ended as ${job?.state} without any fault: ${job?.error?.message}`);
    }
    const isClean = (): boolean => world.machines.every(({ removed, disk }) => removed || disk.spoolFiles === 0);
    if (!watch.violation && !(await until(isClean, 60_000)))
      watch.fail('remains', 'files of ended jobs are left in the spool');
  } catch (error) {
    if (error instanceof Violation) watch.fail(error.rule, error.message);
    else watch.fail('crash', error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    for (const { process: running } of world.machines) if (running) running.owner.alive = false;
    for (const { process: running } of world.gateways) running?.end();
    await turn();
    process.off('unhandledRejection', onUnhandled);
  }
  const { violation } = watch;
  return {
    seed,
    violation: violation && { rule: violation.rule, message: violation.message },
    hash: world.hash.toString(16),
    events: time.events,
    virtualMs: Math.round(time.nowMs - startedMs),
    counters: counters.all,
  };
};

const unfinished = (world: InstanceType<typeof World>): string => {
  const jobs = [...world.store.model.tables.jobs.values()].filter(
    ({ state }) => !['published', 'failed', 'cancelled'].includes(state),
  );
  const machines = world.machines.filter(({ removed, process: p }) => !removed && !(p?.isIdle && p.isOpen));
  return `${jobs.map(({ id, state, attempt }) => `${id}/${attempt} ${state}`).join(', ')}; ${machines.map(({ name }) => `${name} holds something or has no session`).join(', ')}`;
};
