// Plays every `step`-th seed from `first` on below `end`, and tells what came of them in lines of JSON.
import { runSeed } from './run.ts';

const [first = 1, end = 1, step = 1] = process.argv.slice(2).map(Number);
const TELL = 20;
let done = 0;
let counters: Record<string, number> = {};
let events = 0;
let virtualMs = 0;

const tell = (): void => {
  process.stdout.write(`${JSON.stringify({ done, events, virtualMs, counters })}\n`);
  done = 0;
  counters = {};
  events = 0;
  virtualMs = 0;
};

for (let seed = first; seed < end; seed += step) {
  const outcome = await runSeed(seed);
  done += 1;
  events += outcome.events;
  virtualMs += outcome.virtualMs;
  for (const [name, value] of Object.entries(outcome.counters))
    counters[name] = name.startsWith('highest.') ? Math.max(counters[name] ?? 0, value) : (counters[name] ?? 0) + value;
  if (outcome.violation)
    process.stdout.write(`${JSON.stringify({ seed, violation: outcome.violation, hash: outcome.hash })}\n`);
  if (done >= TELL) tell();
}
tell();
