import { expect, test } from 'vitest';
import { Linked } from './linked.ts';

/** A random source that a seed decides. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

const SEEDS = 150;
const FAULTY_STEPS = 120;
const MOST_STEPS = 6_000;

/** One run: faults for a while, then none; in the end every job that was not cancelled must be published exactly. */
const run = async (seed: number): Promise<Record<string, number>> => {
  const random = randomFrom(seed);
  const latency = async (): Promise<void> => {
    for (let turns = Math.floor(random() * 4); turns > 0; turns -= 1)
      await new Promise((resolve) => setImmediate(resolve));
  };
  const linked = new Linked({ latency });
  const jobs = [linked.backend.addJob(linked.agentId)];
  const count = { cut: 0, crash: 0, hole: 0, sleep: 0, cancel: 0, attempts: 0 };
  linked.start();
  for (let step = 0; step < FAULTY_STEPS; step += 1) {
    const die = random();
    if (die < 0.03) {
      count.cut += 1;
      await linked.cut();
    } else if (die < 0.05) {
      count.crash += 1;
      await linked.crashAgent();
    } else if (die < 0.06) {
      count.hole += 1;
      linked.blackHole();
    } else if (die < 0.07) {
      count.sleep += 1;
      linked.sleep(Math.floor(random() * 200_000));
    } else if (die < 0.08 && jobs.length < 4) {
      jobs.push(linked.backend.addJob(linked.agentId));
    } else if (die < 0.083) {
      count.cancel += 1;
      const job = jobs[Math.floor(random() * jobs.length)];
      if (job) linked.backend.cancelJob(job);
    }
    await linked.step();
  }
  const over = (): boolean =>
    jobs.every(({ state }) => state === 'published' || state === 'cancelled') && linked.held === 0;
  const last = linked.backend.addJob(linked.agentId);
  jobs.push(last);
  while (!over()) {
    if (linked.steps > MOST_STEPS) throw new Error(`seed ${seed}: no progress (${jobs.map(({ state }) => state)})`);
    await linked.step();
  }
  expect(linked.backend.violations, `seed ${seed}`).toEqual([]);
  expect(linked.trimmedBelowDurable, `seed ${seed}`).toBe(0);
  expect(last.state, `seed ${seed}`).toBe('published');
  const published = new Map([...linked.backend.published].map(([scope, { lines }]) => [scope, lines]));
  expect(published, `seed ${seed}`).toEqual(linked.expected);
  expect(
    [...linked.backend.published.values()].every(({ times }) => times === 1),
    `seed ${seed}`,
  ).toBe(true);
  // A machine never breaks the protocol by itself, whatever the network does.
  expect(
    linked.closes.filter((code) => code >= 4500 || code === 4010),
    `seed ${seed}`,
  ).toEqual([]);
  count.attempts = jobs.reduce((sum, { attempt }) => sum + attempt, 0);
  return count;
};

test(`${SEEDS} seeds of cuts, crashes, black holes, sleep and cancels: published is what was written, once`, async () => {
  const total: Record<string, number> = {};
  for (let seed = 1; seed <= SEEDS; seed += 1)
    for (const [what, n] of Object.entries(await run(seed))) total[what] = (total[what] ?? 0) + n;
  // The schedule did what its name says.
  for (const what of ['cut', 'crash', 'hole', 'sleep', 'cancel', 'attempts']) expect(total[what]).toBeGreaterThan(10);
});
