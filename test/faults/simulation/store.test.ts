import { afterAll, beforeAll, expect, test } from 'vitest';
import { DELETION_POLICIES } from '#protocol/job-options.ts';
import { World } from '#test/catalog/world.ts';
import { BothStores } from './both-stores.ts';
import { Random } from './random.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world[Symbol.asyncDispose]());

const SEEDS = 25;
const CALLS = 60;
const policyOf = (seed: number) => DELETION_POLICIES[seed % DELETION_POLICIES.length] ?? 'delete';

test('the model of the store answers every call as PostgreSQL does, whatever came before', async () => {
  const met = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const random = new Random(seed, 77);
    const both = await BothStores.open(world, random, policyOf(seed));
    const before: string[] = [];
    for (let n = 0; n < CALLS; n += 1) {
      const { call, real, model } = await both.play();
      before.push(call);
      expect(model, `seed ${seed}: ${before.join(', ')}`).toEqual(real);
      met.add(`${call.split(' ')[0]} ${answerOf(real)}`);
      const state = await both.state();
      expect(state.model, `seed ${seed}, afterwards: ${before.join(', ')}`).toEqual(state.real);
    }
  }
  // A comparison in which nothing ever went wrong would say little.
  for (const one of ['stored', 'duplicate', 'gap', 'lost']) expect(met).toContain(`batch ${one}`);
  for (const one of ['closed', 'gap', 'lost']) expect(met).toContain(`finish ${one}`);
  for (const one of ['ok', 'lost']) expect(met).toContain(`accept ${one}`);
  for (const one of ['continue', 'finished', 'lost']) expect(met).toContain(`authenticate ${one}`);
  expect(met).toContain('renew superseded');
});

test('the model makes of scopes what PostgreSQL makes of them, however they end and whatever policy there is', async () => {
  const published = new Set<string>();
  for (let seed = 1; seed <= 15; seed += 1) {
    const both = await BothStores.open(world, new Random(seed, 78), policyOf(seed));
    for (let n = 1; n <= 6; n += 1) {
      const { real, model } = await both.crawl(n % 2 === 0 ? 'north' : 'south', 2, n > 2 ? 4 : 6);
      expect(model, `seed ${seed}, crawl ${n}`).toEqual(real);
    }
    for (const one of both.met) published.add(one);
  }
  const outcomes = ['app complete', 'app gone', 'app partial whole', 'app updated whole', 'app unchanged', 'unlisted'];
  for (const policy of ['delete', 'flag', 'keep'])
    for (const one of outcomes) expect(published).toContain(`${one} ${policy}`);
  const others = ['app denied delete', 'app failed delete', 'app partial first', 'site updated delete'];
  for (const one of [...others, 'site partial whole delete']) expect(published).toContain(one);
});

const answerOf = (answer: unknown): string => {
  if (typeof answer === 'string') return answer;
  if (Array.isArray(answer)) return String((answer[0] as { verdict?: string } | undefined)?.verdict);
  const { result, current } = (answer ?? {}) as { result?: string; current?: boolean };
  return result ?? (current === false ? 'superseded' : '');
};
