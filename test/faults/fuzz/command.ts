import { parseArgs } from 'node:util';
import { fuzz, replayOf } from './run.ts';

/** `fuzz --cases N [--first SEED] [--target NAME]`; the last line is one line of JSON. Answers with the exit code. */
export const fuzzing = async (args: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: 'string', default: '10000' },
      first: { type: 'string', default: '1' },
      target: { type: 'string' },
    },
  });
  const summary = await fuzz(Number(values.first), Number(values.cases), values.target);
  for (const { seed, target, message } of summary.failures)
    process.stdout.write(`seed ${seed} (${target}): ${message}\n  ${replayOf(seed, target)}\n`);
  process.stdout.write(`${JSON.stringify({ faults: 'fuzz', ...summary })}\n`);
  return summary.failures.length > 0 ? 1 : 0;
};
