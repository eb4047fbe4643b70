import { afterAll, beforeAll, expect, test } from 'vitest';
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

test('the model of the store answers every call as PostgreSQL does, whatever came before', async () => {
  const met = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const random = new Random(seed, 77);
    const both = await BothStores.open(world, random);
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

const answerOf = (answer: unknown): string => {
  if (typeof answer === 'string') return answer;
  if (Array.isArray(answer)) return String((answer[0] as { verdict?: string } | undefined)?.verdict);
  const { result, current } = (answer ?? {}) as { result?: string; current?: boolean };
  return result ?? (current === false ? 'superseded' : '');
};
