import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { FaultPoint } from '#protocol/fault-point.ts';
import type { Kill } from './plan.ts';

export type Passages = Partial<Record<FaultPoint, number>>;

export interface SupervisedOptions {
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const KEPT_LINES = 60;
/** A program that ended by itself is not started in a circle. */
const AGAIN_AFTER_MS = 200;

/** Adds what was counted. */
const addPassages = (to: Passages, passed: Passages): void => {
  for (const [name, n] of Object.entries(passed) as [FaultPoint, number][]) to[name] = (to[name] ?? 0) + n;
};

/** A program under test that is started again whenever it ends, as a service is. */
export class Supervised implements AsyncDisposable {
  readonly #options: SupervisedOptions;
  readonly #lines: string[] = [];
  #kills: Kill[] = [];
  #child: ChildProcess | undefined;
  #isStopped = false;
  #again: NodeJS.Timeout | undefined;
  #onReady: ((ready: Readonly<Record<string, unknown>>) => void) | undefined;
  /** How often it was killed at each place. */
  readonly killedAt: Passages = {};
  /** How often each place was passed, as far as the processes could say. */
  readonly passed: Passages = {};
  /** Ends that nobody asked for: exit codes, with the last lines. */
  readonly ends: { readonly how: string; readonly lines: readonly string[] }[] = [];

  constructor(options: SupervisedOptions) {
    this.#options = options;
  }

  /** Starts it for the first time and waits for its ready line. @throws Error when it is not ready in time */
  async start(withinMs = 30_000): Promise<Readonly<Record<string, unknown>>> {
    const ready = new Promise<Readonly<Record<string, unknown>>>((resolve) => {
      this.#onReady = resolve;
    });
    this.#spawn();
    const late = AbortSignal.timeout(withinMs);
    return await Promise.race([
      ready,
      once(late, 'abort').then(() => {
        throw new Error(`${this.#options.name} was not ready within ${withinMs} ms:\n${this.tail()}`);
      }),
    ]);
  }

  tail(): string {
    return this.#lines.map((line) => `  ${this.#options.name}: ${line}`).join('\n');
  }

  /** Kills it at these places, one after another. */
  arm(kills: readonly Kill[]): void {
    this.#kills = [...kills];
    this.#send({ arm: this.#next() });
  }

  disarm(): void {
    this.#kills = [];
    this.#send({ arm: '' });
  }

  /** How often the running process passed each place, added to {@link passed}; then it is to be stopped. */
  async count(): Promise<void> {
    const child = this.#child;
    if (!child?.connected) return;
    const answer = once(child, 'message', { signal: AbortSignal.timeout(5_000) });
    this.#send({ count: true });
    const [{ passed }] = (await answer) as [{ readonly passed: Passages }];
    addPassages(this.passed, passed);
  }

  /** Asks by SIGTERM, and says how it ended. @throws Error when it does not end within `withinMs` */
  async stop(withinMs = 15_000): Promise<number | null> {
    this.#isStopped = true;
    clearTimeout(this.#again);
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = once(child, 'exit', { signal: AbortSignal.timeout(withinMs) });
    child.kill('SIGTERM');
    try {
      const [code] = (await gone) as [number | null];
      return code;
    } catch {
      child.kill('SIGKILL');
      throw new Error(`${this.#options.name} did not stop within ${withinMs} ms:\n${this.tail()}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#again);
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  #next(): string {
    const next = this.#kills.shift();
    return next === undefined ? '' : `${next.point}:${next.passage}`;
  }

  #send(message: object): void {
    if (this.#child?.connected) this.#child.send(message, () => undefined);
  }

  #spawn(): void {
    if (this.#isStopped) return;
    const { script, args, env } = this.#options;
    const child = spawn(process.execPath, [script, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...env, CULVERT_FAULT_POINT: this.#next() },
    });
    this.#child = child;
    let killed: FaultPoint | undefined;
    const take = (line: string): void => {
      if (line.startsWith('killed at ')) {
        const { name, passed } = JSON.parse(line.slice(10)) as { name: FaultPoint; passed: Passages };
        killed = name;
        addPassages(this.passed, passed);
        this.killedAt[name] = (this.killedAt[name] ?? 0) + 1;
      }
      this.#lines.push(line.slice(0, 500));
      if (this.#lines.length > KEPT_LINES) this.#lines.shift();
      if (line.startsWith('{"ready":true')) this.#onReady?.(JSON.parse(line) as Record<string, unknown>);
    };
    if (child.stdout) createInterface({ input: child.stdout }).on('line', take);
    if (child.stderr) createInterface({ input: child.stderr }).on('line', take);
    // After `close` all that it said has been read.
    child.once('close', (code, signal) => {
      if (this.#isStopped) return;
      if (killed === undefined) {
        this.ends.push({ how: String(signal ?? code), lines: this.#lines.slice(-12) });
        this.#again = setTimeout(() => this.#spawn(), AGAIN_AFTER_MS);
      } else this.#spawn();
    });
  }
}
