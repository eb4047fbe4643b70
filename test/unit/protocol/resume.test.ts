import { describe, expect, test } from 'vitest';
import { Linked } from './linked.ts';

const MAX_STEPS = 3_000;

/** Runs until the job is published, and says after how many messages. */
const finish = async (linked: Linked, job: { readonly state: string }): Promise<void> => {
  while (job.state !== 'published' || linked.held > 0 || linked.agent.state.name !== 'open') {
    if (linked.steps > MAX_STEPS || !(await linked.step())) throw new Error(`no progress after ${linked.steps} steps`);
    if (linked.nowMs > 3_600_000) throw new Error(`not published within an hour (${job.state})`);
  }
};

const expectExact = (linked: Linked): void => {
  const published = new Map([...linked.backend.published].map(([scope, { lines }]) => [scope, lines]));
  expect(published).toEqual(linked.expected);
  expect([...linked.backend.published.values()].map(({ times }) => times)).toEqual([1, 1, 1]);
  expect(linked.backend.violations).toEqual([]);
  expect(linked.trimmedBelowDurable).toBe(0);
};

const undisturbed = async (): Promise<number> => {
  const linked = new Linked();
  const job = linked.backend.addJob(linked.agentId);
  linked.start();
  await finish(linked, job);
  expectExact(linked);
  expect(linked.closes).toEqual([]);
  return linked.steps;
};

describe('a conversation', () => {
  test('without faults publishes every scope once', async () => {
    expect(await undisturbed()).toBeGreaterThan(10);
  });

  test('cut before any of its messages still publishes every scope once', async () => {
    const messages = await undisturbed();
    for (let at = 0; at <= messages; at += 1) {
      const linked = new Linked();
      const job = linked.backend.addJob(linked.agentId);
      linked.start();
      while (linked.steps < at) await linked.step();
      await linked.cut();
      await finish(linked, job);
      expectExact(linked);
    }
  });

  test('cut twice, the second time at any message after the first, is exact too', async () => {
    const messages = await undisturbed();
    for (let at = 4; at <= messages; at += 5)
      for (let then = 1; then <= 8; then += 1) {
        const linked = new Linked();
        const job = linked.backend.addJob(linked.agentId);
        linked.start();
        for (const until of [at, at + then]) {
          while (linked.steps < until && job.state !== 'published') await linked.step();
          await linked.cut();
        }
        await finish(linked, job);
        expectExact(linked);
      }
  });

  test('whose agent crashes at any message goes on from its disk and is exact', async () => {
    const messages = await undisturbed();
    for (let at = 0; at <= messages; at += 1) {
      const linked = new Linked();
      const job = linked.backend.addJob(linked.agentId);
      linked.start();
      while (linked.steps < at) await linked.step();
      await linked.crashAgent();
      await finish(linked, job);
      expectExact(linked);
    }
  });
});
