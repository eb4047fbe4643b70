import { parseArgs } from 'node:util';
import { simulate } from './many.ts';

/** `simulation --seeds N [--first S]`, or `simulation --seed S [--trace]` for one of them. */
export const simulation = async (args: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '1000' },
      first: { type: 'string', default: '1' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
    },
  });
  if (values.seed !== undefined) {
    const { runSeed } = await import('./run.ts');
    const outcome = await runSeed(Number(values.seed), (line) => {
      if (values.trace) process.stdout.write(`${line}\n`);
    });
    process.stdout.write(`${JSON.stringify({ faults: 'simulation', ...outcome })}\n`);
    return outcome.violation ? 1 : 0;
  }
  const total = Number(values.seeds);
  let toldMs = 0;
  const summary = await simulate(Number(values.first), total, (done, violations) => {
    if (performance.now() - toldMs < 2_000) return;
    toldMs = performance.now();
    process.stderr.write(`\r${done} of ${total} seeds, ${violations} with a violation`);
  });
  process.stderr.write('\n');
  for (const { seed, message, replay } of summary.violations.slice(0, 20))
    process.stdout.write(`seed ${seed}: ${message}\n  ${replay}\n`);
  process.stdout.write(`${JSON.stringify({ faults: 'simulation', ...summary })}\n`);
  return summary.violations.length > 0 || summary.seeds !== total ? 1 : 0;
};
