import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, 'agent.py');
/** No compiled files beside the sources. */
const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
const PATIENCE_MS = 60_000;

/** What the agent says that happened. */
export interface Said {
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface StrangerOptions {
  readonly python: string;
  /** Folder of its identity and its spool. */
  readonly state: string;
  readonly connection: string;
  readonly transport: 'websocket' | 'polling';
  /** Where its connections go, instead of to the gateway's own address. */
  readonly dial: string;
  /** Its crawl stands still behind this batch until it is let go. */
  readonly holdAtBatch: number;
}

/** Trades a one-time token for an identity in `state`. @returns the agent's id. @throws Error with what the program said. */
export const enrol = async (python: string, state: string, gateway: string, tokenFile: string): Promise<string> => {
  const args = ['enrol', '--state', state, '--gateway', gateway, '--token-file', tokenFile, '--name', 'stranger'];
  const { stdout } = await run(python, [PROGRAM, ...args], { env, timeout: PATIENCE_MS });
  return String((JSON.parse(stdout) as Said)['agentId']);
};

/** The agent in Python as a process of its own. */
export class Stranger implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | NodeJS.Signals | null>;
  readonly #said: Said[] = [];
  readonly #errors: string[] = [];
  #changed = Promise.withResolvers<void>();

  constructor({ python, state, connection, transport, dial, holdAtBatch }: StrangerOptions) {
    const args = ['run', '--state', state, '--connection', connection, '--transport', transport, '--dial', dial];
    this.#child = spawn(python, [PROGRAM, ...args, '--hold-at-batch', String(holdAtBatch)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    if (this.#child.stdout)
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        this.#said.push(JSON.parse(line) as Said);
        this.#wake();
      });
    if (this.#child.stderr)
      createInterface({ input: this.#child.stderr }).on('line', (line) => {
        this.#errors.push(line);
      });
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', () => resolve(null));
      this.#child.once('close', (code, signal) => resolve(signal ?? code));
    });
    void this.#ended.then(() => this.#wake());
  }

  /** What it said so far. */
  get said(): readonly Said[] {
    return this.#said;
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Waits until `found` finds something in what it said. @throws Error when that does not happen in a minute. */
  async until<T>(what: string, found: (said: readonly Said[]) => T | undefined | false): Promise<T> {
    const late = AbortSignal.timeout(PATIENCE_MS);
    const over = new Promise<void>((resolve) => late.addEventListener('abort', () => resolve(), { once: true }));
    for (;;) {
      const value = found(this.#said);
      if (value !== undefined && value !== false) return value;
      const isOver = this.#child.exitCode !== null || this.#child.signalCode !== null;
      if (late.aborted || isOver)
        throw new Error(`${what} did not come: ${JSON.stringify(this.#said.slice(-20))}\n${this.#errors.join('\n')}`);
      await Promise.race([this.#changed.promise, over]);
    }
  }

  /** Waits until it said this `times` times. */
  async says(event: string, times = 1): Promise<Said> {
    return await this.until(event, (said) => said.filter((one) => one.event === event)[times - 1]);
  }

  /** Lets a crawl go on that stands still. */
  letGo(): void {
    this.#child.kill('SIGUSR1');
  }

  /** Sends a signal and waits for the end. @returns its exit code, or the signal. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | NodeJS.Signals | null> {
    this.#child.kill(signal);
    return await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
  }
}
