import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BUILD } from '#protocol/build.ts';
import { Fault } from '#protocol/errors.ts';
import type { Found, LookUp, Lookup, Reply, Request, ScriptAnswer, ScriptQuestion } from './messages.ts';

export interface ProcessOptions {
  /** From the question to the answer, the start of a process and all rounds included; what takes longer is killed. */
  readonly timeoutMs?: number;
  /** A process that has nothing to do for so long ends; the next script starts another. */
  readonly idleMs?: number;
  /** Of the heap of JavaScript. The parser of SQL has memory of its own beside it, some 60 MB. */
  readonly heapMiB?: number;
  /** A process that has grown beyond it is replaced before the next script. */
  readonly recycleBytes?: number;
  /** The program of the child; tests have others. */
  readonly program?: URL;
  /** Told of each process that is started. */
  readonly onStart?: (pid: number) => void;
}

const TIMEOUT_MS = 30_000;
const IDLE_MS = 20_000;
const HEAP_MIB = 128;
/**
 * The parser of SQL is large and the statements are short: to compile it a second time, optimised, takes more time than it
 * saves, and up to 160 MiB.
 */
const ONE_COMPILER = '--liftoff-only';
/** The parser of SQL alone takes 227 MiB at its peak: below that, nearly every script would get a process of its own. */
const RECYCLE_BYTES = 270 * 1024 * 1024;
const LOOKUPS_AT_ONCE = 8;
/** A process that does not even begin so often in a row will not begin the next time. */
const MOST_FALSE_STARTS = 3;

/** In a release it lies beside the agent; from the sources it is the module next to this one. */
const PROGRAM = (): URL => new URL(BUILD === undefined ? './child.ts' : './culvert-lineage.mjs', import.meta.url);

/** What the child needs of the environment to run at all; nothing that may be a secret is among it. */
const INHERITED = ['SystemRoot', 'windir', 'TEMP', 'TMP', 'TMPDIR', 'NODE_COMPILE_CACHE'] as const;

const environment = (): NodeJS.ProcessEnv => {
  const env: NodeJS.ProcessEnv = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' };
  for (const name of INHERITED) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
};

/** A question that is being worked on: how its answer, or what became of the process, reaches who asked. */
interface Turn {
  readonly id: number;
  readonly lookUp: LookUp;
  readonly resolve: (answer: ScriptAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Interprets load scripts in a process of its own: they are written by strangers, their analysis is heavy, and whatever one
 * of them does to it, this process goes on. It is started for the first script, works on one at a time, is killed with one
 * that takes too long, and ends when there is nothing to do.
 */
export class LineageProcess implements AsyncDisposable {
  readonly #options: ProcessOptions;
  #child: ChildProcess | undefined;
  #isReady = false;
  #falseStarts = 0;
  #turn: Turn | undefined;
  /** One after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;
  #nextId = 1;
  #isClosed = false;
  #peakRssBytes = 0;

  constructor(options: ProcessOptions = {}) {
    this.#options = options;
  }

  /** The most that any of its processes had resident, as far as they lived to say so. */
  get peakRssBytes(): number {
    return this.#peakRssBytes;
  }

  /**
   * The lineage of a script. `lookUp` is asked for what surrounds it, as it turns out to be needed.
   *
   * @throws Fault `lineage.crashed`, `lineage.timeout`, `lineage.unavailable`; the signal's reason
   */
  script(question: ScriptQuestion, lookUp: LookUp, signal?: AbortSignal): Promise<ScriptAnswer> {
    const turn = this.#last.then(() => this.#ask(question, lookUp, signal));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Ends the process; a script that is being worked on is given up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#end();
    await this.#last;
  }

  async #ask(question: ScriptQuestion, lookUp: LookUp, signal: AbortSignal | undefined): Promise<ScriptAnswer> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new Fault('job.cancelled', 'The agent ends');
    if (this.#falseStarts >= MOST_FALSE_STARTS) throw notStarted();
    clearTimeout(this.#idle);
    const timeoutMs = this.#options.timeoutMs ?? TIMEOUT_MS;
    const child = this.#child ?? this.#start();
    child.ref();
    child.channel?.ref();
    const { promise, resolve, reject } = Promise.withResolvers<ScriptAnswer>();
    const giveUp = (reason: unknown): void => {
      reject(reason);
      this.#end();
    };
    const onAbort = (): void => giveUp(signal?.reason);
    const timer = setTimeout(
      () => giveUp(new Fault('lineage.timeout', `The load script took longer than ${timeoutMs} ms to interpret`)),
      timeoutMs,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    const id = this.#nextId++;
    this.#turn = { id, lookUp, resolve, reject };
    this.#send({ type: 'script', id, question });
    try {
      const answer = await promise;
      this.#peakRssBytes = Math.max(this.#peakRssBytes, answer.effort.peakRssBytes);
      if (answer.effort.peakRssBytes > (this.#options.recycleBytes ?? RECYCLE_BYTES)) this.#end();
      return answer;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      this.#turn = undefined;
      this.#rest();
    }
  }

  /** Nothing waits for the process any more: it does not keep this one alive, and ends when nothing comes. */
  #rest(): void {
    const child = this.#child;
    if (child === undefined) return;
    child.unref();
    child.channel?.unref();
    this.#idle = setTimeout(() => this.#end(), this.#options.idleMs ?? IDLE_MS);
    this.#idle.unref();
  }

  #start(): ChildProcess {
    const { heapMiB = HEAP_MIB, program = PROGRAM(), onStart } = this.#options;
    const child = fork(fileURLToPath(program), [], {
      env: environment(),
      execArgv: [`--max-old-space-size=${heapMiB}`, '--max-semi-space-size=8', ONE_COMPILER],
      // Maps, and texts with anything in them.
      serialization: 'advanced',
      // What a process that dies says may be a piece of the script.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      windowsHide: true,
    });
    this.#child = child;
    this.#isReady = false;
    child.on('message', (reply: Reply) => {
      if (this.#child === child) this.#took(reply);
    });
    // A message that could not be sent; the end of the process follows.
    child.on('error', () => this.#ended(child, 'it could not be started'));
    child.on('exit', (code, by) => this.#ended(child, by === null ? `exit code ${code}` : `signal ${by}`));
    if (child.pid !== undefined) onStart?.(child.pid);
    return child;
  }

  #took(reply: Reply): void {
    if (reply.type === 'ready') {
      this.#isReady = true;
      this.#falseStarts = 0;
      return;
    }
    const turn = this.#turn;
    if (turn === undefined || turn.id !== reply.id) return;
    switch (reply.type) {
      case 'ask':
        this.#lookedUp(reply.lookups, turn).then(
          (found) => {
            if (this.#turn === turn) this.#send({ type: 'told', id: turn.id, found });
          },
          (error: unknown) => {
            turn.reject(error);
            this.#end();
          },
        );
        return;
      case 'answer':
        turn.resolve(reply.answer);
        return;
      case 'failed':
        turn.reject(new Fault('lineage.crashed', `The interpretation of the load script failed: ${reply.message}`));
        return;
      default:
        reply satisfies never;
    }
  }

  /** A few at a time: a script may name thousands of files, and each that is being read is held in memory. */
  async #lookedUp(lookups: readonly Lookup[], turn: Turn): Promise<readonly (readonly [Lookup, Found])[]> {
    const found: (readonly [Lookup, Found])[] = [];
    const waiting = lookups.values();
    const work = async (): Promise<void> => {
      for (const asked of waiting) {
        if (this.#turn !== turn) return;
        found.push([asked, await turn.lookUp(asked)]);
      }
    };
    await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE }, work));
    return found;
  }

  #send(request: Request): void {
    const child = this.#child;
    if (child === undefined) return;
    // Without a callback what cannot be sent would be an event that nobody expects here.
    child.send(request, (error) => {
      if (error !== null) this.#ended(child, 'it does not listen');
    });
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    clearTimeout(this.#idle);
    child.kill('SIGKILL');
    if (!this.#isReady) {
      this.#falseStarts += 1;
      this.#turn?.reject(notStarted(how));
    } else
      this.#turn?.reject(
        new Fault(
          'lineage.crashed',
          `The process that interpreted the load script ended (${how}): it may need too much memory`,
        ),
      );
  }

  /** Ends the process at once: it holds nothing that could be lost. */
  #end(): void {
    const child = this.#child;
    this.#child = undefined;
    clearTimeout(this.#idle);
    if (child === undefined) return;
    child.kill('SIGKILL');
    this.#turn?.reject(new Fault('job.cancelled', 'The agent ends'));
  }
}

const notStarted = (how?: string): Fault =>
  new Fault(
    'lineage.unavailable',
    `The process that interprets load scripts cannot be started${how === undefined ? '' : ` (${how})`}`,
  );
