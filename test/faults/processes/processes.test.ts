import { expect, test } from 'vitest';
import { runProcesses } from './run.ts';

test('25 crawls under kills and a faulty network: the catalog equals the source, record by record', async () => {
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  const summary = await runProcesses({ rounds: 25, seed: 4, from: 0, records: 2_300, say });
  console.log(JSON.stringify(summary));
  expect(summary.failures, summary.failures.join('\n')).toEqual([]);
  expect(summary.differences).toBe(0);
  expect(summary.records).toBeGreaterThanOrEqual(50_000);
  // A run in which nothing happened would prove nothing.
  expect(Object.values(summary.kills).reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(20);
  expect(Object.values(summary.network).reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(20);
  expect(summary.batchesResent).toBeGreaterThan(0);
});
