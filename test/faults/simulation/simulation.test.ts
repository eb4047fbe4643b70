import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { simulate } from './many.ts';
import { MUST_HAPPEN } from './must-happen.ts';

const main = join(import.meta.dirname, '../main.ts');

const hashOf = (seed: number): string => {
  const run = spawnSync(process.execPath, [main, 'simulation', '--seed', String(seed)], { encoding: 'utf8' });
  return (JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '{}') as { hash: string }).hash;
};

describe('the simulation of both machines, spool and store', () => {
  test('finds no rule broken in 1,000 seeds, and meets every fault and branch', async () => {
    const summary = await simulate(1, 1_000);
    expect(summary.violations).toEqual([]);
    expect(summary.seeds).toBe(1_000);
    expect(MUST_HAPPEN.filter((name) => (summary.counters[name] ?? 0) === 0)).toEqual([]);
    process.stdout.write(`${JSON.stringify({ ...summary, violations: summary.violations.length })}\n`);
  });

  test('does the same from the same seed, and something else from another', () => {
    const [first, again, other] = [hashOf(7), hashOf(7), hashOf(8)];
    expect(first).toBe(again);
    expect(first).not.toBe(other);
  });
});
