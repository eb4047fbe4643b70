import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Counters } from './counters.ts';

interface Found {
  readonly seed: number;
  readonly rule: string;
  readonly message: string;
  /** Plays the seed again, with all that happens in it. */
  readonly replay: string;
}

export interface Summary {
  readonly seeds: number;
  readonly violations: readonly Found[];
  readonly seconds: number;
  readonly events: number;
  /** Hours that passed in the simulated worlds. */
  readonly virtualHours: number;
  readonly counters: Readonly<Record<string, number>>;
}

type Line = {
  readonly done?: number;
  readonly events?: number;
  readonly virtualMs?: number;
  readonly counters?: Readonly<Record<string, number>>;
  readonly seed?: number;
  readonly violation?: { readonly rule: string; readonly message: string };
};

export const replayOf = (seed: number): string => `npm run faults -- simulation --seed ${seed} --trace`;

/** Plays `seeds` seeds from `first` on, in as many processes as there are cores (two at least). */
export const simulate = async (
  first: number,
  seeds: number,
  onProgress: (done: number, violations: number) => void = () => undefined,
): Promise<Summary> => {
  const startedMs = performance.now();
  const counters = new Counters();
  const violations: Found[] = [];
  let done = 0;
  let events = 0;
  let virtualMs = 0;
  const processes = Math.min(seeds, Math.max(2, availableParallelism()));
  const play = async (offset: number): Promise<void> => {
    const file = fileURLToPath(import.meta.resolve('./child.ts'));
    const child = spawn(process.execPath, [file, first + offset, first + seeds, processes].map(String), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => {
      child.on('close', resolve);
    });
    for await (const text of createInterface({ input: child.stdout })) {
      const line = JSON.parse(text) as Line;
      if (line.seed !== undefined && line.violation)
        violations.push({ seed: line.seed, ...line.violation, replay: replayOf(line.seed) });
      done += line.done ?? 0;
      events += line.events ?? 0;
      virtualMs += line.virtualMs ?? 0;
      counters.add(line.counters ?? {});
      onProgress(done, violations.length);
    }
    const code = await ended;
    if (code !== 0) throw new Error(`a process of the simulation ended with ${code}`);
  };
  await Promise.all(Array.from({ length: processes }, (_, offset) => play(offset)));
  return {
    seeds: done,
    violations: violations.sort((a, b) => a.seed - b.seed),
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    events,
    virtualHours: Math.round(virtualMs / 3_600_000),
    counters: Object.fromEntries(Object.entries(counters.all).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
};
