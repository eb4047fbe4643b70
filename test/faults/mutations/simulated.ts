import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Mutation } from './mutation.ts';

/** What came of a mutation. */
export interface Caught {
  readonly name: string;
  /** How it was noticed; undefined: it was not. */
  readonly by: string | undefined;
}

/** A mutation may well turn a program in a circle: no seed takes that long, and it is noticed, too. */
const HANGS_MS = 20_000;

interface Answer {
  readonly name: string;
  readonly alive?: number;
  readonly seed?: number;
  readonly message?: string;
}

/** Plays each of these mutations in the simulation, in a few processes that take one after another. */
export const simulateAll = async (mutations: readonly Mutation[], processes = 2): Promise<Caught[]> => {
  const caught: Caught[] = [];
  const waiting = [...mutations];
  const start = (): ChildProcess => fork(fileURLToPath(import.meta.resolve('./simulated-child.ts')));
  const play = (child: ChildProcess, { name, caughtBy }: Mutation): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const end = (act: () => void): void => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        act();
      };
      const hangs = (): NodeJS.Timeout =>
        setTimeout(() => {
          child.kill('SIGKILL');
          end(() => resolve('it never ends'));
        }, HANGS_MS);
      let timer = hangs();
      const onMessage = (answer: unknown): void => {
        const { alive, seed, message } = answer as Answer;
        clearTimeout(timer);
        timer = hangs();
        if (alive === undefined) end(() => resolve(seed === undefined ? undefined : `seed ${seed}: ${message}`));
      };
      const onExit = (code: number | null): void => {
        end(() => reject(new Error(`${name}: the process ended with ${code}`)));
      };
      child.on('message', onMessage);
      child.on('exit', onExit);
      child.send({ name, seeds: 'seeds' in caughtBy ? caughtBy.seeds : 1 });
    });
  const work = async (): Promise<void> => {
    let child = start();
    try {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        if (child.killed) child = start();
        caught.push({ name: next.name, by: await play(child, next) });
      }
    } finally {
      child.kill('SIGKILL');
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
  return caught;
};
