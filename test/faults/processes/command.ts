import { parseArgs } from 'node:util';
import { runProcesses } from './run.ts';

export const PROCESSES_USAGE = `processes [--rounds N] [--seed S] [--from N] [--records N]
    agent and catalog as real processes through a faulty network, killed again and again; the catalog is held against
    the source record by record. Default: 400 rounds of at least 2900 records, seed 1`;

const wholeNumber = (name: string, text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} takes a whole number, not ${text}`);
  return value;
};

/** The long run: plays the rounds, prints a summary as its last line. @returns the exit code */
export const processes = async (args: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '400' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '0' },
      records: { type: 'string', default: '2900' },
    },
  });
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  // The round that is being played comes to its end, and the figures are printed: nothing stays behind.
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const summary = await runProcesses({
    rounds: wholeNumber('rounds', values.rounds),
    seed: wholeNumber('seed', values.seed),
    from: wholeNumber('from', values.from),
    records: wholeNumber('records', values.records),
    say,
    signal: stop.signal,
  });
  const { failures, ...figures } = summary;
  for (const failure of failures) say(failure);
  if (figures.pointsNotHit.length > 0) say(`places at which nothing was killed: ${figures.pointsNotHit.join(', ')}`);
  say(JSON.stringify({ faults: 'processes', seed: Number(values.seed), ...figures, failures: failures.length }));
  return failures.length > 0 ? 1 : 0;
};
