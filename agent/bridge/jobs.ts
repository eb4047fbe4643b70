import type { AuditLog } from '#agent/audit/audit-log.ts';
import type { AttemptSpool } from '#agent/spool/attempt-spool.ts';
import type { Spool } from '#agent/spool/spool.ts';
import { SpoolWriter } from '#agent/spool/writer.ts';
import { leavingFault } from '#config/redaction/leaving.ts';
import { faultFields } from '#config/redaction/logged.ts';
import {
  type AgentEvent,
  type AttemptRef,
  attemptKey,
  type Offer,
  type RemovedFor,
  type Seal,
} from '#protocol/agent-events.ts';
import { TIMES } from '#protocol/constants.ts';
import { asFault, Fault } from '#protocol/errors.ts';
import { faultPoint } from '#protocol/fault-point.ts';
import type { JobSpec } from '#protocol/messages.ts';
import { JobAudit, refusedJob } from './job-audit.ts';
import type { JobHandler } from './job-handler.ts';
import { type JobJudgement, judgeJob } from './job-judge.ts';
import type { JobEffect } from './link.ts';
import type { BridgeLog } from './log.ts';
import { pacedProgress } from './paced-progress.ts';
import { RecordGate } from './record-gate.ts';
import type { SeenJobs } from './seen-jobs.ts';

/** What could not be deleted is tried again this much later: a virus scanner is done by then. */
const DELETE_AGAIN_MS = 30_000;

interface Running {
  /** Ends the handler. */
  readonly stop: AbortController;
  /** Ends the writer too: what it has not made durable is given up. */
  readonly discard: AbortController;
  readonly writer: SpoolWriter;
  done: Promise<void>;
}

interface Held {
  readonly spool: AttemptSpool;
  readonly audit: JobAudit;
  running: Running | undefined;
  paused: boolean;
}

export interface JobRunnerOptions extends JobJudgement {
  readonly spool: Spool;
  /** Attempts that were taken before; absent: none is kept in mind. */
  readonly seen?: Pick<SeenJobs, 'judge' | 'remember'> | undefined;
  /** What must be on the disk before a job is taken, such as the key that it was signed with. */
  readonly settled?: () => Promise<void>;
  readonly dispatch: (event: AgentEvent) => void;
  readonly log: BridgeLog;
  /** Told of what leaves, and of jobs that are not taken. */
  readonly audit?: AuditLog | undefined;
  /** ISO 8601, for the record of an attempt. */
  readonly timestamp: () => string;
}

/** Runs what the catalog asks for, each attempt into its own spool, whether there is a link or not. */
export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #held = new Map<string, Held>();
  /** Disk work of one attempt goes one after another. */
  readonly #tails = new Map<string, Promise<void>>();
  /** Deletions that are tried again. */
  readonly #deleting = new Set<NodeJS.Timeout>();
  /** Ends what waits for the disk. */
  readonly #ending = new AbortController();
  #stopping = false;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
    for (const spool of options.spool.attempts) this.#hold(spool);
  }

  #hold(spool: AttemptSpool): void {
    const audit = new JobAudit(this.#options.audit, spool);
    this.#held.set(attemptKey(spool.record), { spool, audit, running: undefined, paused: false });
  }

  /** Attempts that run at the moment. */
  get running(): readonly AttemptRef[] {
    return [...this.#held.values()].flatMap(({ spool, running }) =>
      running ? [{ jobId: spool.record.jobId, attempt: spool.record.attempt }] : [],
    );
  }

  perform(effect: JobEffect): void {
    switch (effect.type) {
      case 'verify':
        this.#verify(effect.offer);
        break;
      case 'record':
        this.#record(effect.offer, effect.stream, effect.parts);
        break;
      case 'startJob':
        this.#start(effect, effect.skipScopes);
        break;
      case 'trim':
        faultPoint('agent.ack_received');
        this.#inTurn(effect, async (held) => {
          await held?.audit.acknowledged(effect.upto);
          await held?.spool.trim(effect.upto);
        });
        break;
      case 'remove':
        this.#remove(effect, effect.why);
        break;
      case 'cancel':
        this.#cancel(effect, effect.reason);
        break;
      case 'pauseJob':
      case 'resumeJob': {
        const held = this.#held.get(attemptKey(effect));
        if (!held) break;
        held.paused = effect.type === 'pauseJob';
        if (held.paused) held.running?.writer.pause();
        else held.running?.writer.resume();
        break;
      }
      default:
        effect satisfies never;
    }
  }

  /** The bytes of a spooled batch; undefined when the attempt is gone. */
  async readFrame(ref: AttemptRef, seq: number): Promise<Uint8Array | undefined> {
    try {
      const held = this.#held.get(attemptKey(ref));
      held?.audit.sent(seq);
      return await held?.spool.readFrame(seq);
    } catch (error) {
      if (!this.#held.has(attemptKey(ref))) return undefined;
      throw error;
    }
  }

  /** Ends every handler, keeping what was written: a restarted agent goes on from there. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#deleting) clearTimeout(timer);
    const reason = new Fault('job.agent_offline', 'the agent is shutting down');
    await Promise.all(
      [...this.#held.values()].map(async ({ running }) => {
        if (!running) return;
        running.stop.abort(reason);
        await withinMs(running.done, TIMES.handlerStopMs);
        running.discard.abort(reason);
        await running.writer.idle();
      }),
    );
    this.#ending.abort(reason);
    await Promise.all(this.#tails.values());
  }

  #verify(offer: Offer): void {
    const { jobId, attempt } = offer;
    const judged = judgeJob(this.#options, offer, 'offered');
    if (judged instanceof Fault) {
      this.#options.log.error({ jobId, attempt, ...faultFields(judged) }, judged.message);
      const refused = refusedJob(jobId, attempt, offer.spec, judged);
      void this.#options.audit?.appendAsked(refused).catch((error: unknown) => {
        const fault = asFault(error);
        this.#options.log.error({ jobId, attempt, ...faultFields(fault) }, fault.message);
      });
      this.#options.dispatch({ type: 'refused', jobId, attempt, error: judged.toJSON() });
    } else this.#options.dispatch({ type: 'verified', jobId, attempt });
  }

  #record({ jobId, attempt, leaseToken, spec, signature }: Offer, stream: number, parts: boolean): void {
    const { spool, dispatch, timestamp, log, seen, policy, settled } = this.#options;
    this.#inTurn({ jobId, attempt }, async () => {
      try {
        // Judged again: what was offered twice at once, or forbidden meanwhile, is not taken.
        const judged = judgeJob(this.#options, { jobId, attempt, spec, signature }, 'taken');
        if (judged instanceof Fault) throw judged;
        // At once: others that are offered together with it are judged before anything below has ended.
        policy?.took(judged.spec);
        await settled?.();
        // Before the record of the attempt: after a crash in between the job comes as another attempt.
        await seen?.remember(judged.spec, { jobId, attempt });
        const record = { jobId, attempt, leaseToken, stream, spec, signature, acceptedAt: timestamp(), parts };
        const made = await spool.create(record);
        this.#hold(made);
        dispatch({ type: 'recorded', jobId, attempt });
      } catch (error) {
        const fault = asFault(error, 'spool.failed');
        log.error({ jobId, attempt, ...faultFields(fault) }, fault.message);
        dispatch({ type: 'refused', jobId, attempt, error: fault.toJSON() });
      }
    });
  }

  #start(ref: AttemptRef, published: readonly string[]): void {
    const held = this.#held.get(attemptKey(ref));
    if (!held || held.running || this.#stopping) return;
    const { record } = held.spool;
    const judged = judgeJob(this.#options, record, 'begun');
    if (judged instanceof Fault) {
      this.#seal(ref, held, 'error', judged);
      return;
    }
    const stop = new AbortController();
    const discard = new AbortController();
    const writer = new SpoolWriter(held.spool, discard.signal, ({ seq, frameBytes }) =>
      this.#options.dispatch({ type: 'spooled', ...pick(ref), seq, bytes: frameBytes }),
    );
    if (held.paused) writer.pause();
    const skipScopes = new Set([...published, ...held.spool.completedScopes()]);
    const running: Running = { stop, discard, writer, done: Promise.resolve() };
    held.running = running;
    this.#options.log.info({ ...pick(ref), connection: judged.spec.connection, kind: judged.spec.kind }, 'job starts');
    running.done = this.#run(ref, held, running, judged.spec, judged.handler, skipScopes);
  }

  async #run(
    ref: AttemptRef,
    held: Held,
    { stop, writer }: Running,
    spec: JobSpec,
    handler: JobHandler,
    skipScopes: ReadonlySet<string>,
  ): Promise<void> {
    const progress = pacedProgress((latest) =>
      this.#options.dispatch({ type: 'progress', progress: { ...pick(ref), ...latest } }),
    );
    let failure: unknown;
    try {
      const onProgress = progress.report;
      await handler.run(spec, new RecordGate(writer, () => writer.flush()), {
        signal: stop.signal,
        skipScopes,
        onProgress,
      });
    } catch (error) {
      failure = error;
    }
    progress.end();
    // What was written before a failure stays: scopes that are complete are published all the same.
    await writer.flush().catch((error: unknown) => {
      failure ??= error;
    });
    await writer.idle();
    held.running = undefined;
    if (stop.signal.aborted) {
      const reason = asFault(stop.signal.reason);
      // Not awaited: a removal that has its turn waits for this run.
      if (reason.code === 'job.cancelled') void this.#seal(ref, held, 'cancelled', reason);
    } else if (failure === undefined) void this.#seal(ref, held, 'ok', undefined);
    else void this.#seal(ref, held, 'error', leavingFault(failure));
  }

  /** How the attempt ended goes to the disk before it is told. */
  #seal(ref: AttemptRef, held: Held, result: Seal['result'], fault: Fault | undefined): Promise<void> {
    const { log, dispatch } = this.#options;
    return this.#inTurn(ref, async (current) => {
      if (current !== held) return;
      try {
        const seal = await held.spool.seal(result, fault?.toJSON(), this.#ending.signal);
        const fields = { ...pick(ref), result, records: seal.records, batches: seal.lastSeq };
        if (fault) log.warn({ ...fields, ...faultFields(fault) }, fault.message);
        else log.info(fields, 'job done');
        dispatch({ type: 'sealed', ...pick(ref), seal });
      } catch (error) {
        // How it ended is found out again when the agent runs next.
        if (!this.#ending.signal.aborted) this.unreadable(ref, error);
      }
    });
  }

  /** The attempt's spool cannot be used: the catalog is told and the attempt removed. */
  unreadable(ref: AttemptRef, error: unknown): void {
    const fault = asFault(error, 'spool.failed');
    this.#options.log.error({ ...pick(ref), ...faultFields(fault) }, fault.message);
    this.#options.dispatch({ type: 'broken', ...pick(ref), error: fault.toJSON() });
  }

  #cancel(ref: AttemptRef, reason: string): void {
    const held = this.#held.get(attemptKey(ref));
    if (!held) return;
    const fault = new Fault('job.cancelled', `The job was ${reason}`);
    if (held.running) {
      held.running.stop.abort(fault);
      held.running.discard.abort(fault);
    } else void this.#seal(ref, held, 'cancelled', fault);
  }

  #remove(ref: AttemptRef, why: RemovedFor): void {
    const key = attemptKey(ref);
    const doomed = this.#held.get(key);
    const fault = new Fault('bridge.lease_lost', `Job ${ref.jobId} is not this agent's any more`);
    doomed?.running?.stop.abort(fault);
    doomed?.running?.discard.abort(fault);
    this.#inTurn(ref, async (held) => {
      if (!held) return;
      this.#held.delete(key);
      if (held.running) {
        await withinMs(held.running.done, TIMES.handlerStopMs);
        await held.running?.writer.idle();
      }
      await this.#delete(ref, held, why);
    });
  }

  /** What left of it is told first. A file that somebody holds, or a full disk, is waited for. */
  async #delete(ref: AttemptRef, held: Held, why: string): Promise<void> {
    const { log, spool } = this.#options;
    try {
      await held.audit.removed();
      await spool.remove(held.spool);
      log.info({ ...pick(ref), why }, 'job removed from the spool');
    } catch (error) {
      const fault = asFault(error, 'spool.failed');
      log.warn({ ...pick(ref), ...faultFields(fault) }, `the spool of a job cannot be deleted yet: ${fault.message}`);
      if (this.#stopping) return;
      // When the agent ends before, it is found at the next start; the catalog then says that it is over.
      const timer = setTimeout(() => {
        this.#deleting.delete(timer);
        this.#inTurn(ref, () => this.#delete(ref, held, why));
      }, DELETE_AGAIN_MS);
      this.#deleting.add(timer);
    }
  }

  #inTurn(ref: AttemptRef, act: (held: Held | undefined) => Promise<void>): Promise<void> {
    const key = attemptKey(ref);
    const tail = (this.#tails.get(key) ?? Promise.resolve())
      .then(() => act(this.#held.get(key)))
      .catch((error: unknown) => {
        const fault = asFault(error, 'spool.failed');
        this.#options.log.error({ ...pick(ref), ...faultFields(fault) }, `the spool failed: ${fault.message}`);
      })
      .finally(() => {
        if (this.#tails.get(key) === tail) this.#tails.delete(key);
      });
    this.#tails.set(key, tail);
    return tail;
  }
}

const pick = ({ jobId, attempt }: AttemptRef): AttemptRef => ({ jobId, attempt });

const withinMs = async (promise: Promise<void>, ms: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
};
