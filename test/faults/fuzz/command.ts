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
  const stop = new AbortController();
  // Whoever ends a long run early has its figures until then.
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
  let toldMs = 0;
  const summary = await fuzz(Number(values.first), Number(values.cases), values.target, {
    signal: stop.signal,
    onProgress: (begun) => {
      if (performance.now() - toldMs < 2_000) return;
      toldMs = performance.now();
      process.stderr.write(`\r${begun} of ${values.cases} cases`);
    },
  });
  process.stderr.write('\n');
  for (const { seed, target, message } of summary.failures)
    process.stdout.write(`seed ${seed} (${target}): ${message}\n  ${replayOf(seed, target)}\n`);
  process.stdout.write(`${JSON.stringify({ faults: 'fuzz', ...summary })}\n`);
  return summary.failures.length > 0 ? 1 : 0;
};
