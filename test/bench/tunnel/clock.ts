import { cpuSeconds } from '../processes.ts';

export interface Measured {
  /** Bytes of data frames, or rows. */
  readonly amount: number;
  readonly ms: number;
  /** Processor seconds of each process while the clock ran. */
  readonly cpu: Readonly<Record<string, number>>;
}

const secondsOf = (pid: number): number => {
  if (pid !== process.pid) return cpuSeconds(pid);
  // Without its children: they are other figures.
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Runs a clock and the counts of processor time of some processes, until what it returns is called. */
export const startClock = (pids: Readonly<Record<string, number>>, startedMs?: number) => {
  const before = Object.entries(pids).map(([name, pid]) => [name, pid, secondsOf(pid)] as const);
  const started = startedMs ?? performance.now();
  return (amount: number, endedMs = performance.now()): Measured => ({
    amount,
    ms: endedMs - started,
    cpu: Object.fromEntries(before.map(([name, pid, seconds]) => [name, secondsOf(pid) - seconds])),
  });
};

const WITHIN_MS = 600_000;

/** Waits for lines of programs that say how far they are. */
export class Marks {
  readonly #waiting = new Map<string, (atMs: number) => void>();
  readonly #last: string[] = [];

  readonly take = (line: string): void => {
    this.#last.push(line);
    if (this.#last.length > 40) this.#last.shift();
    for (const [text, tell] of this.#waiting) if (line.includes(text)) tell(performance.now());
  };

  /** When the first line with this text came, by the clock of this process. */
  reached(text: string): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const late = setTimeout(() => reject(new Error(`nothing said ${text}:\n${this.#last.join('\n')}`)), WITHIN_MS);
    this.#waiting.set(text, (atMs) => {
      clearTimeout(late);
      this.#waiting.delete(text);
      resolve(atMs);
    });
    return promise;
  }
}
