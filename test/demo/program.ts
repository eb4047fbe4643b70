import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program of this repository, started as a process of its own, that prints one JSON line when it is ready. */
export interface Program extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** The JSON object of the ready line (`{"ready":true,…}`). */
  readonly ready: Readonly<Record<string, unknown>>;
  /** The last lines that it printed (both streams), for a message when something goes wrong. */
  tail(): string;
  /** Settles when the process has ended; never rejects. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the start-up: a program that is not ready by then is stopped and reported. */
  readonly readyWithinMs?: number;
  /** Every line of standard output and standard error, as it comes. */
  readonly onLine?: (line: string) => void;
}

const KEPT_LINES = 40;
const STOP_WITHIN_MS = 15_000;

const isReady = (line: string): Record<string, unknown> | undefined => {
  if (!line.startsWith('{') || !line.includes('"ready"')) return undefined;
  try {
    const value = JSON.parse(line) as Record<string, unknown>;
    return value['ready'] === true ? value : undefined;
  } catch {
    return undefined;
  }
};

/** Asks by SIGTERM, insists by SIGKILL after {@link STOP_WITHIN_MS}. */
const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const patience = new AbortController();
  await Promise.race([gone, sleep(STOP_WITHIN_MS, undefined, { signal: patience.signal }).catch(() => {})]);
  patience.abort();
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await gone;
  }
};

/**
 * Starts `script` (a path of this repository) on this very Node and waits for its ready line.
 *
 * @throws Error with the program's last lines when it ends or stays silent instead of getting ready.
 */
export const startProgram = async (
  name: string,
  script: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Program> => {
  const child = spawn(process.execPath, [script, ...args], {
    // An open standard input: the simulator ends when it does, so that it never outlives this process.
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  const last: string[] = [];
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('error', (error) => {
      last.push(String(error));
      resolve({ code: null, signal: null });
    });
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const ready = await new Promise<Record<string, unknown>>((resolve, reject) => {
    const waitMs = options.readyWithinMs ?? 60_000;
    const timer = setTimeout(() => fail(`was not ready within ${waitMs / 1000} s`), waitMs);
    const fail = (why: string): void => {
      clearTimeout(timer);
      void stop(child);
      reject(new Error(`${name} ${why}:\n${last.join('\n')}`));
    };
    const take = (line: string): void => {
      last.push(line);
      if (last.length > KEPT_LINES) last.shift();
      const found = isReady(line);
      if (found) {
        clearTimeout(timer);
        resolve(found);
      } else options.onLine?.(line);
    };
    if (child.stdout) createInterface({ input: child.stdout }).on('line', take);
    if (child.stderr) createInterface({ input: child.stderr }).on('line', take);
    void ended.then(({ code, signal }) => fail(`ended with ${signal ?? code} before it was ready`));
  });
  return {
    name,
    pid: child.pid ?? -1,
    ready,
    tail: () => last.join('\n'),
    ended,
    [Symbol.asyncDispose]: () => stop(child),
  };
};
