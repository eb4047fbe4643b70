import type { z } from 'zod';
import {
  type AgentEffect,
  type AttemptRef,
  type HeldAttempt,
  leaseOf,
  type Offer,
  type Progress,
  type RemovedFor,
  type Seal,
} from './agent-events.ts';
import { LIMITS } from './constants.ts';
import { ERROR_KINDS, type ErrorInfo } from './errors.ts';
import { fitError, fitName } from './fitted-texts.ts';
import { type Attempt, HeldAttempts } from './held-attempts.ts';
import type { HeartbeatOk, HeldJob, Lease, ToAgent, ToGateway, Welcome } from './messages.ts';
import { OutboundStream } from './outbound-stream.ts';

/** What a gateway may say about jobs and their streams in an open session. */
export type JobMessage = Extract<
  ToAgent,
  { type: 'job.offer' | 'job.closed' | 'job.lost' | 'job.cancel' | 'ack' | 'nack' }
>;

const ref = ({ jobId, attempt }: AttemptRef): AttemptRef => ({ jobId, attempt });

const closedFor = ({ published }: { readonly published?: boolean | undefined }): RemovedFor =>
  published === false ? 'unpublished' : 'closed';

const disagreement = (attempt: Attempt, durableSeq: number): ErrorInfo => ({
  code: 'bridge.protocol',
  message: `the catalog holds batches up to ${durableSeq}, the spool ${attempt.outbound.ackedSeq + 1} to ${attempt.outbound.spooledSeq}`,
  retryable: true,
  advice: 'One side lost data, as when a backup is restored; the crawl starts again by itself.',
});

const TOO_MANY: ErrorInfo = {
  code: 'job.agent_offline',
  message: `the agent works on ${LIMITS.heldJobs} jobs already`,
  retryable: true,
  advice: 'The job is tried again when another has ended.',
};

const NO_PARTS: ErrorInfo = {
  code: 'bridge.protocol',
  message: 'the catalog that the agent is connected to now takes no records in parts, which this job was begun with',
  retryable: true,
  advice: 'Nothing has to be done: the job starts again by itself. An older catalog shortens what is very long.',
};

const SHUTTING_DOWN: ErrorInfo = {
  code: 'job.agent_offline',
  message: 'the agent is shutting down',
  retryable: true,
  advice: ERROR_KINDS['job.agent_offline'].advice,
};

/** The part of the agent's machine that knows attempts: offers, verdicts, data, leases, endings. */
export class AgentJobs {
  readonly #attempts: HeldAttempts;
  readonly #emit: (effect: AgentEffect) => void;
  #authenticated = new Set<Attempt>();
  /** True between `welcome` and the end of the connection: only then may anything about jobs be said. */
  #open = false;
  /** What the catalog of this session can do. */
  #parts = false;
  connectionCredit = 0;
  draining = false;

  constructor(held: readonly HeldAttempt[], emit: (effect: AgentEffect) => void) {
    this.#attempts = new HeldAttempts(held);
    this.#emit = emit;
  }

  /** The facts for `auth`. */
  held(): z.infer<typeof HeldJob>[] {
    this.#authenticated = new Set([...this.#attempts].filter(({ phase }) => phase === 'held'));
    return Array.from(this.#authenticated, (attempt) => ({
      ...leaseOf(attempt),
      spooledSeq: attempt.outbound.spooledSeq,
      sealed: attempt.seal !== undefined,
    }));
  }

  welcomed(welcome: z.infer<typeof Welcome>, nowMs: number): void {
    this.#open = true;
    this.connectionCredit = welcome.connectionCredit;
    this.#parts = welcome.capabilities.includes('parts');
    for (const attempt of this.#attempts) {
      const verdict = welcome.jobs.find((v) => v.jobId === attempt.jobId && v.attempt === attempt.attempt);
      // Not named in `auth`: an earlier session offered it and it was still being verified; that offer is void.
      if (!this.#authenticated.has(attempt) || verdict === undefined || verdict.verdict === 'lost')
        this.#remove(attempt, 'lost');
      else if (verdict.verdict === 'finished') this.#remove(attempt, closedFor(verdict));
      else if (attempt.parts && !this.#parts) this.#giveUp(attempt, NO_PARTS);
      else if (!attempt.outbound.restart(verdict.durableSeq, verdict.credit))
        this.#giveUp(attempt, disagreement(attempt, verdict.durableSeq));
      else {
        this.#renew(attempt, nowMs + verdict.leaseTtlMs);
        this.#send({ type: 'job.resume', ...leaseOf(attempt), stream: attempt.stream });
        attempt.bound = true;
        this.#emit({ type: 'trim', ...ref(attempt), upto: verdict.durableSeq });
        if (verdict.cancel === true) this.#cancel(attempt, 'cancelled in the catalog');
        if (!attempt.started) {
          attempt.started = true;
          if (!attempt.cancelled)
            this.#emit({ type: 'startJob', ...ref(attempt), skipScopes: verdict.publishedScopes });
        }
      }
    }
    this.#pump();
  }

  /** The connection ended: nothing is bound and no credit is left; attempts and leases stay. */
  disconnected(): void {
    this.#open = false;
    this.connectionCredit = 0;
    for (const attempt of this.#attempts) {
      attempt.bound = false;
      attempt.finishSent = false;
    }
  }

  /** Returns what is wrong with the message, if it breaks the protocol. */
  message(message: JobMessage, nowMs: number): string | undefined {
    switch (message.type) {
      case 'job.offer':
        this.#offered(message, nowMs);
        return undefined;
      case 'job.closed':
      case 'job.lost': {
        const attempt = this.#attempts.get(message);
        const why = message.type === 'job.lost' ? 'lost' : closedFor(message);
        if (attempt) this.#remove(attempt, why);
        return undefined;
      }
      case 'job.cancel': {
        const attempt = this.#attempts.get(message);
        if (attempt) this.#cancel(attempt, message.reason);
        return undefined;
      }
      case 'ack':
        return this.#ack(message);
      case 'nack': {
        const attempt = this.#attempts.bound(message.stream);
        if (!attempt) return undefined;
        attempt.finishSent = false;
        if (message.durableSeq < attempt.outbound.ackedSeq)
          this.#giveUp(attempt, disagreement(attempt, message.durableSeq));
        else if (!attempt.outbound.rewind(message.durableSeq)) return `nack of ${message.durableSeq} that was not sent`;
        this.#pump();
        return undefined;
      }
      default:
        message satisfies never;
        return undefined;
    }
  }

  #offered(offer: Offer, nowMs: number): void {
    if (this.draining) {
      this.#send({ type: 'job.reject', ...leaseOf(offer), error: { ...SHUTTING_DOWN } });
      return;
    }
    // The catalog leased the job again: an older attempt of it is over, whatever else was said.
    for (const attempt of this.#attempts)
      if (attempt.jobId === offer.jobId && attempt.attempt < offer.attempt) this.#remove(attempt, 'lost');
    if (this.#attempts.get(offer)) return;
    // Whatever the catalog wants: each crawl has sessions at a Qlik site and memory of its own.
    if ([...this.#attempts].length >= LIMITS.heldJobs) {
      this.#send({ type: 'job.reject', ...leaseOf(offer), error: { ...TOO_MANY } });
      return;
    }
    const outbound = new OutboundStream(0, []);
    outbound.restart(0, offer.credit);
    this.#attempts.add({
      ...leaseOf(offer),
      stream: this.#attempts.newStream(),
      parts: this.#parts,
      outbound,
      phase: 'verifying',
      offer,
      bound: false,
      started: false,
      cancelled: false,
      paused: false,
      seal: undefined,
      finishSent: false,
      leaseUntilMs: nowMs + offer.leaseTtlMs,
    });
    this.#emit({ type: 'verify', offer });
  }

  verified(event: AttemptRef): void {
    const attempt = this.#attempts.get(event);
    if (attempt?.phase !== 'verifying' || attempt.offer === undefined) return;
    attempt.phase = 'recording';
    this.#emit({ type: 'record', offer: attempt.offer, stream: attempt.stream, parts: attempt.parts });
  }

  refused(event: AttemptRef, error: ErrorInfo): void {
    const attempt = this.#attempts.get(event);
    if (!attempt || attempt.phase === 'held') return;
    this.#giveUp(attempt, error);
  }

  recorded(event: AttemptRef): void {
    const attempt = this.#attempts.get(event);
    if (attempt?.phase !== 'recording') {
      // It was taken away while it was being written: what was written goes too.
      if (!attempt) this.#emit({ type: 'remove', ...ref(event), why: 'lost' });
      return;
    }
    attempt.phase = 'held';
    attempt.offer = undefined;
    // With the link down the next `auth` tells of it, and `welcome` decides.
    if (!this.#open) return;
    attempt.bound = true;
    attempt.started = true;
    this.#send({ type: 'job.accept', ...leaseOf(attempt), stream: attempt.stream });
    if (!attempt.cancelled) this.#emit({ type: 'startJob', ...ref(attempt), skipScopes: [] });
    else this.#emit({ type: 'cancel', ...ref(attempt), reason: 'cancelled in the catalog' });
  }

  spooled(event: AttemptRef, seq: number, bytes: number): void {
    this.#attempts.get(event)?.outbound.spooled(seq, bytes);
    this.#pump();
  }

  /** The gateway never sees these bytes and cannot return their credit. */
  unsent(bytes: number): void {
    if (!this.#open) return;
    this.connectionCredit += bytes;
    this.#pump();
  }

  sealed(event: AttemptRef, seal: Seal): void {
    const attempt = this.#attempts.get(event);
    if (attempt) attempt.seal = seal;
    this.#pump();
  }

  broken(event: AttemptRef, error: ErrorInfo): void {
    const attempt = this.#attempts.get(event);
    if (attempt) this.#giveUp(attempt, error);
  }

  progress(progress: Progress): void {
    const attempt = this.#attempts.get(progress);
    if (attempt?.bound !== true || attempt.seal) return;
    const { scopesDone, scopesTotal, records, current } = progress;
    this.#send({
      type: 'job.progress',
      ...leaseOf(attempt),
      scopesDone,
      scopesTotal,
      records,
      current: current.slice(0, 8).map(fitName),
    });
  }

  /** The leases to renew with the next heartbeat. */
  leases(): Lease[] {
    return [...this.#attempts].filter(({ phase }) => phase === 'held').map(leaseOf);
  }

  /** @param sentMs when the heartbeat was sent: counting from there can only be too short */
  renewed(reply: z.infer<typeof HeartbeatOk>, sentMs: number): void {
    for (const attempt of this.#attempts)
      if (attempt.bound) this.#renew(attempt, Math.max(attempt.leaseUntilMs, sentMs + reply.leaseTtlMs));
    for (const lost of reply.lost) {
      const attempt = this.#attempts.get(lost);
      if (attempt) this.#remove(attempt, 'lost');
    }
    for (const cancelled of reply.cancelled) {
      const attempt = this.#attempts.get(cancelled);
      if (attempt) this.#cancel(attempt, 'cancelled in the catalog');
    }
    this.#pump();
  }

  /** Every bound attempt has arrived as far as it is spooled, and none waits for its end. */
  get settled(): boolean {
    for (const { bound, outbound, seal } of this.#attempts)
      if (bound && (seal !== undefined || outbound.ackedSeq < outbound.spooledSeq)) return false;
    return true;
  }

  get nextLeaseEndMs(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { paused, seal, phase, leaseUntilMs } of this.#attempts)
      if (!paused && !seal && phase === 'held') first = Math.min(first, leaseUntilMs);
    return first;
  }

  /** Attempts whose lease ran out pause: somebody else may hold the job now; the next `welcome` tells. */
  expire(nowMs: number): void {
    for (const attempt of this.#attempts)
      if (attempt.phase === 'held' && !attempt.paused && !attempt.seal && attempt.leaseUntilMs <= nowMs) {
        attempt.paused = true;
        this.#emit({ type: 'pauseJob', ...ref(attempt) });
      }
  }

  #send(message: ToGateway): void {
    this.#emit({ type: 'send', text: JSON.stringify(message) });
  }

  #renew(attempt: Attempt, untilMs: number): void {
    attempt.leaseUntilMs = untilMs;
    if (!attempt.paused) return;
    attempt.paused = false;
    this.#emit({ type: 'resumeJob', ...ref(attempt) });
  }

  #remove(attempt: Attempt, why: RemovedFor): void {
    this.#attempts.delete(attempt);
    this.#emit({ type: 'remove', ...ref(attempt), why });
  }

  /** The agent cannot go on with the attempt: the catalog is told and decides whether to try again. */
  #giveUp(attempt: Attempt, error: ErrorInfo): void {
    if (this.#open) this.#send({ type: 'job.reject', ...leaseOf(attempt), error: { ...fitError(error) } });
    this.#remove(attempt, 'broken');
  }

  #cancel(attempt: Attempt, reason: string): void {
    // After the seal the finish is on its way: the catalog takes whichever it sees first.
    if (attempt.cancelled || attempt.seal) return;
    attempt.cancelled = true;
    if (attempt.phase === 'held') this.#emit({ type: 'cancel', ...ref(attempt), reason });
  }

  #ack({ stream, upto, credit }: Extract<JobMessage, { type: 'ack' }>): string | undefined {
    // Credit of a stream that was dropped still belongs to the connection.
    this.connectionCredit += credit;
    const attempt = this.#attempts.bound(stream);
    if (attempt) {
      const before = attempt.outbound.ackedSeq;
      if (!attempt.outbound.acknowledge(upto, credit)) return `ack of ${upto} that was not sent`;
      if (upto > before) this.#emit({ type: 'trim', ...ref(attempt), upto });
    }
    this.#pump();
    return undefined;
  }

  /** Sends what the credit allows, in turns, and then the finish of every attempt that is through. */
  #pump(): void {
    if (!this.#open) return;
    for (let sent = true; sent; ) {
      sent = false;
      for (const attempt of this.#attempts.inTurn()) {
        const batch = attempt.outbound.take(this.connectionCredit);
        if (!batch) continue;
        sent = true;
        this.connectionCredit -= batch.bytes;
        this.#emit({ type: 'sendBatch', ...ref(attempt), ...batch });
      }
    }
    for (const attempt of this.#attempts) {
      const { seal } = attempt;
      if (!attempt.bound || attempt.finishSent || !seal || attempt.outbound.ackedSeq !== seal.lastSeq) continue;
      attempt.finishSent = true;
      const { lastSeq, records, sha256, result, error } = seal;
      this.#send({
        type: 'job.finish',
        ...leaseOf(attempt),
        lastSeq,
        records,
        sha256,
        result,
        ...(error ? { error: { ...fitError(error) } } : {}),
      });
    }
  }
}
