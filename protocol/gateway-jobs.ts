import type { z } from 'zod';
import { type AttemptRef, attemptKey, leaseOf } from './agent-events.ts';
import { CLOSE, CREDIT, LIMITS, TIMES } from './constants.ts';
import { ERROR_KINDS, type ErrorInfo } from './errors.ts';
import { fittedScopes } from './fitted-texts.ts';
import { type DecodedFrame, FRAME_HEADER_BYTES } from './frame.ts';
import type { GatewayEffect, GatewayEvent, Verdict } from './gateway-events.ts';
import { InboundStream } from './inbound-stream.ts';
import type { HeldJob, JobFinish, JobVerdict, Lease, ToAgent, ToGateway } from './messages.ts';

/** What an agent may say about jobs in an open session. */
export type AgentJobMessage = Exclude<ToGateway, { type: 'auth' | 'status' | 'drain' | 'key.rotate' }>;
type Of<T extends GatewayEvent['type']> = Extract<GatewayEvent, { type: T }>;

/** A breach of the protocol, or a newer session: the connection ends. */
export interface Violation {
  readonly code: number;
  readonly message: string;
}

const notTaken = (message: string): ErrorInfo => ({
  code: 'job.agent_offline',
  message,
  retryable: true,
  advice: ERROR_KINDS['job.agent_offline'].advice,
});

/** The store acknowledged more before: it was restored, or failed over to a copy that lags. Facts must be told anew. */
const forgot = (before: number, now: number): Violation =>
  violation(CLOSE.stateLost, `the catalog had batches up to ${before} and now has ${now}`);

const violation = (code: number, message: string): Violation => ({ code, message });

/** The part of the gateway's machine that knows jobs: offers, streams, credit, acks, leases. */
export class GatewayJobs {
  readonly #emit: (effect: GatewayEffect) => void;
  readonly #streams = new Map<number, InboundStream>();
  /** Streams of this session that ended; a frame that was under way may still come. */
  readonly #ended = new Set<number>();
  /** What `welcome` let go on and `job.resume` did not bind yet. */
  readonly #resumable = new Map<string, { readonly lease: Lease; readonly durableSeq: number }>();
  readonly #renewals: (readonly Lease[] | { readonly probe: Lease })[] = [];
  #credit: number = CREDIT.connectionBytes;
  #offer: { readonly lease: Lease; readonly deadlineMs: number } | undefined;
  #claiming = false;
  #claimAgain = false;
  #pollAtMs = Number.POSITIVE_INFINITY;
  #ackAtMs = Number.POSITIVE_INFINITY;
  draining = false;

  constructor(emit: (effect: GatewayEffect) => void) {
    this.#emit = emit;
  }

  get wakeAtMs(): number {
    return Math.min(this.#pollAtMs, this.#ackAtMs, this.#offer?.deadlineMs ?? Number.POSITIVE_INFINITY);
  }

  /** The verdicts for `welcome`. `roomBytes` bounds the list of published scopes: what does not fit is left out. */
  welcome(
    held: readonly z.infer<typeof HeldJob>[],
    verdicts: readonly Verdict[],
    roomBytes: number,
    nowMs: number,
  ): z.infer<typeof JobVerdict>[] {
    const fitted = fittedScopes(roomBytes);
    this.#pollAtMs = nowMs;
    return verdicts.map(({ jobId, attempt, verdict, durableSeq, publishedScopes, cancel, published }) => {
      const job = held.find((h) => h.jobId === jobId && h.attempt === attempt);
      if (verdict === 'continue' && job) this.#resumable.set(attemptKey(job), { lease: leaseOf(job), durableSeq });
      return {
        jobId,
        attempt,
        verdict,
        durableSeq,
        credit: CREDIT.streamBytes,
        leaseTtlMs: TIMES.leaseTtlMs,
        publishedScopes: fitted(publishedScopes),
        cancel,
        published,
      };
    });
  }

  message(message: AgentJobMessage, nowMs: number): Violation | undefined {
    switch (message.type) {
      case 'job.accept':
        return this.#accept(message, nowMs);
      case 'job.resume':
        return this.#resume(message);
      case 'job.reject': {
        const { code, message: text, retryable, advice } = message.error;
        if (this.#isOffered(message)) this.#offer = undefined;
        const stream = this.#streamOf(message);
        if (stream) this.#drop(stream, nowMs);
        this.#resumable.delete(attemptKey(message));
        this.#emit({ type: 'reject', lease: leaseOf(message), error: { code, message: text, retryable, advice } });
        this.#claim(nowMs);
        return undefined;
      }
      case 'job.progress':
        this.#emit({ type: 'progress', progress: message });
        return undefined;
      case 'job.finish':
        return this.#finish(message);
      case 'heartbeat':
        if (this.#renewals.some((r) => 'length' in r))
          return violation(CLOSE.badMessage, 'a heartbeat came before the last one was answered');
        this.#renew(message.leases.map(leaseOf));
        return undefined;
      default:
        message satisfies never;
        return undefined;
    }
  }

  frame(frame: DecodedFrame, nowMs: number): Violation | undefined {
    const bytes = FRAME_HEADER_BYTES + frame.payload.length;
    if (bytes > this.#credit)
      return violation(CLOSE.creditViolation, `connection credit ${this.#credit}, sent ${bytes}`);
    const stream = this.#streams.get(frame.stream);
    if (!stream) {
      if (!this.#ended.has(frame.stream)) return violation(CLOSE.badMessage, `stream ${frame.stream} is not bound`);
      // It was under way when the stream ended; its credit belongs to the connection and goes back at once.
      this.#send({ type: 'ack', stream: frame.stream, upto: 0, credit: bytes });
      return undefined;
    }
    if (!stream.receive(frame, bytes))
      return violation(CLOSE.creditViolation, `stream ${frame.stream} has credit ${stream.credit}, sent ${bytes}`);
    this.#credit -= bytes;
    this.#pump(stream);
    this.#ackLater(stream, nowMs);
    return undefined;
  }

  claimed({ offer }: Of<'claimed'>, nowMs: number): void {
    this.#claiming = false;
    this.#pollAtMs = nowMs + TIMES.pollMs;
    if (!offer) {
      if (this.#claimAgain) this.#claim(nowMs);
      return;
    }
    const { spec, signature } = offer;
    const lease = leaseOf(offer);
    if (this.draining) {
      this.#emit({ type: 'reject', lease, error: notTaken('the gateway drains') });
      return;
    }
    this.#offer = { lease, deadlineMs: nowMs + TIMES.offerMs };
    const { leaseTtlMs } = TIMES;
    this.#send({ type: 'job.offer', ...lease, leaseTtlMs, credit: CREDIT.streamBytes, spec, signature });
  }

  accepted({ stream: id, result }: Of<'accepted'>, nowMs: number): void {
    const stream = this.#streams.get(id);
    if (!stream) return;
    if (result === 'lost') this.#probe(stream.lease);
    else if (stream.phase === 'binding') {
      stream.phase = 'open';
      this.#pump(stream);
      if (stream.finishing) this.#emit({ type: 'finish', finish: stream.finishing });
    }
    this.#claim(nowMs);
  }

  stored({ stream: id, bytes, result, durableSeq }: Of<'stored'>, nowMs: number): Violation | undefined {
    const stream = this.#streams.get(id);
    if (!stream) {
      if (result !== 'stored') this.consumed({ type: 'consumed', stream: id, bytes }, nowMs);
      return undefined;
    }
    if (result !== 'lost' && durableSeq < stream.durableSeq) return forgot(stream.durableSeq, durableSeq);
    stream.storing = false;
    // What was not taken is never consumed later: its credit goes back now.
    if (result !== 'stored') stream.owed += bytes;
    if (result === 'lost') this.#probe(stream.lease);
    else if (durableSeq > stream.durableSeq || result === 'duplicate') {
      stream.durableSeq = durableSeq;
      stream.ackDue = true;
    }
    if (result === 'gap' && stream.phase === 'open') {
      stream.durableSeq = durableSeq;
      stream.discard('rewinding');
      this.#ack(stream);
      this.#send({ type: 'nack', stream: id, durableSeq });
    }
    this.#pump(stream);
    this.#ackLater(stream, nowMs);
    return undefined;
  }

  consumed({ stream: id, bytes }: Of<'consumed'>, nowMs: number): void {
    const stream = this.#streams.get(id);
    if (stream) {
      stream.owed += bytes;
      this.#ackLater(stream, nowMs);
      return;
    }
    this.#credit += bytes;
    this.#send({ type: 'ack', stream: id, upto: 0, credit: bytes });
  }

  renewed({ lost, cancelled, current }: Of<'renewed'>, nowMs: number): Violation | undefined {
    if (!current) return violation(CLOSE.superseded, 'a newer session of this agent exists');
    const renewal = this.#renewals.shift();
    if (renewal === undefined) return undefined;
    for (const ref of lost) {
      const stream = this.#streamOf(ref);
      if (stream) this.#drop(stream, nowMs);
    }
    if ('probe' in renewal) {
      // The store refused something of this attempt although the session is current: the lease itself is gone.
      const stream = this.#streamOf(renewal.probe);
      if (stream) this.#drop(stream, nowMs);
      this.#send({ type: 'job.lost', jobId: renewal.probe.jobId, attempt: renewal.probe.attempt });
    } else {
      const refs = (list: readonly AttemptRef[]) => list.map(({ jobId, attempt }) => ({ jobId, attempt }));
      const { leaseTtlMs } = TIMES;
      this.#send({ type: 'heartbeat.ok', leaseTtlMs, lost: refs(lost), cancelled: refs(cancelled) });
    }
    const next = this.#renewals[0];
    if (next) this.#emit({ type: 'renew', leases: 'probe' in next ? [next.probe] : next });
    return undefined;
  }

  finished({ jobId, attempt, result, durableSeq, published }: Of<'finished'>, nowMs: number): Violation | undefined {
    const stream = this.#streamOf({ jobId, attempt });
    if (!stream) return undefined;
    if (result === 'closed') {
      this.#drop(stream, nowMs);
      this.#send({ type: 'job.closed', jobId, attempt, ...(published === undefined ? {} : { published }) });
      return undefined;
    }
    if (result === 'gap' && durableSeq < stream.durableSeq) return forgot(stream.durableSeq, durableSeq);
    stream.finishing = undefined;
    if (result === 'lost') this.#probe(stream.lease);
    else {
      stream.durableSeq = durableSeq;
      stream.discard('rewinding');
      this.#ack(stream);
      this.#send({ type: 'nack', stream: stream.stream, durableSeq });
    }
    return undefined;
  }

  wake({ cancel }: Of<'wake'>, nowMs: number): void {
    if (cancel && (this.#streamOf(cancel) || this.#resumable.has(attemptKey(cancel))))
      this.#send({ type: 'job.cancel', ...cancel, reason: 'cancelled in the catalog' });
    this.#claim(nowMs);
  }

  tick(nowMs: number): void {
    if (this.#offer && nowMs >= this.#offer.deadlineMs) {
      const { lease } = this.#offer;
      this.#offer = undefined;
      this.#emit({ type: 'reject', lease, error: notTaken('the agent did not answer the offer') });
      this.#send({ type: 'job.lost', jobId: lease.jobId, attempt: lease.attempt });
      this.#pollAtMs = nowMs + TIMES.pollMs;
    }
    if (nowMs >= this.#ackAtMs) {
      this.#ackAtMs = Number.POSITIVE_INFINITY;
      for (const stream of this.#streams.values()) this.#ack(stream);
    }
    if (nowMs >= this.#pollAtMs) {
      this.#pollAtMs = nowMs + TIMES.pollMs;
      this.#claim(nowMs);
    }
  }

  #accept(message: Extract<AgentJobMessage, { type: 'job.accept' }>, nowMs: number): Violation | undefined {
    const used = this.#unused(message.stream);
    if (used) return used;
    const lease = leaseOf(message);
    if (!this.#isOffered(lease)) {
      // It was withdrawn in the meantime; frames may be under way already.
      this.#end(message.stream);
      this.#send({ type: 'job.lost', jobId: lease.jobId, attempt: lease.attempt });
      return undefined;
    }
    this.#offer = undefined;
    const options = { durableSeq: 0, credit: CREDIT.streamBytes, confirmed: false };
    this.#streams.set(message.stream, new InboundStream(message.stream, lease, options));
    this.#emit({ type: 'accept', lease, stream: message.stream });
    this.#claim(nowMs);
    return undefined;
  }

  #resume(message: Extract<AgentJobMessage, { type: 'job.resume' }>): Violation | undefined {
    const used = this.#unused(message.stream);
    if (used) return used;
    const known = this.#resumable.get(attemptKey(message));
    if (known?.lease.leaseToken !== message.leaseToken)
      return violation(CLOSE.badMessage, 'job.resume of an attempt that welcome did not let go on');
    this.#resumable.delete(attemptKey(message));
    const options = { durableSeq: known.durableSeq, credit: CREDIT.streamBytes, confirmed: true };
    this.#streams.set(message.stream, new InboundStream(message.stream, known.lease, options));
    return undefined;
  }

  #finish(finish: z.infer<typeof JobFinish>): Violation | undefined {
    const stream = this.#streamOf(finish);
    if (stream?.lease.leaseToken !== finish.leaseToken || stream.phase === 'dropped') {
      this.#send({ type: 'job.lost', jobId: finish.jobId, attempt: finish.attempt });
    } else if (!stream.finishing) {
      stream.finishing = finish;
      // A job without a batch finishes at once: the store takes it after the accept.
      if (stream.phase !== 'binding') this.#emit({ type: 'finish', finish });
    }
    return undefined;
  }

  #unused(stream: number): Violation | undefined {
    return this.#streams.has(stream) || this.#ended.has(stream)
      ? violation(CLOSE.badMessage, `stream ${stream} was used already`)
      : undefined;
  }

  #isOffered(lease: Lease): boolean {
    const offered = this.#offer?.lease;
    return (
      offered?.jobId === lease.jobId && offered.attempt === lease.attempt && offered.leaseToken === lease.leaseToken
    );
  }

  #streamOf({ jobId, attempt }: AttemptRef): InboundStream | undefined {
    for (const stream of this.#streams.values())
      if (stream.lease.jobId === jobId && stream.lease.attempt === attempt) return stream;
    return undefined;
  }

  #claim(nowMs: number): void {
    if (this.draining || this.#offer || this.#streams.size + this.#resumable.size >= LIMITS.heldJobs) return;
    this.#claimAgain = this.#claiming;
    if (this.#claiming) return;
    this.#claiming = true;
    this.#pollAtMs = nowMs + TIMES.pollMs;
    this.#emit({ type: 'claim' });
  }

  #pump(stream: InboundStream): void {
    const batch = stream.next();
    if (!batch) return;
    stream.storing = true;
    const { frame, bytes } = batch;
    this.#emit({ type: 'store', stream: stream.stream, lease: stream.lease, frame, bytes });
  }

  #ackLater(stream: InboundStream, nowMs: number): void {
    if (stream.owed >= CREDIT.streamBytes / 2) this.#ack(stream);
    else if (stream.ackDue || stream.owed > 0) this.#ackAtMs = Math.min(this.#ackAtMs, nowMs + TIMES.ackMs);
  }

  #ack(stream: InboundStream): void {
    if (!stream.ackDue && stream.owed === 0) return;
    const credit = stream.owed;
    stream.owed = 0;
    stream.ackDue = false;
    stream.credit += credit;
    this.#credit += credit;
    this.#send({ type: 'ack', stream: stream.stream, upto: stream.durableSeq, credit });
  }

  /** Ends a stream of this session; what it owes goes back. */
  #drop(stream: InboundStream, nowMs: number): void {
    stream.discard('dropped');
    this.#ack(stream);
    this.#streams.delete(stream.stream);
    this.#end(stream.stream);
    this.#claim(nowMs);
  }

  #end(stream: number): void {
    this.#ended.add(stream);
    const [oldest] = this.#ended;
    if (this.#ended.size > LIMITS.endedStreams && oldest !== undefined) this.#ended.delete(oldest);
  }

  /**
   * The store refused a write as not this session's. Either a newer session of the agent exists (then this one ends and
   * the agent keeps its attempt), or the lease is gone (then the attempt is lost): a renewal tells which.
   */
  #probe(lease: Lease): void {
    this.#streamOf(lease)?.discard('dropped');
    this.#renew({ probe: lease });
  }

  #renew(renewal: readonly Lease[] | { readonly probe: Lease }): void {
    this.#renewals.push(renewal);
    if (this.#renewals.length === 1)
      this.#emit({ type: 'renew', leases: 'probe' in renewal ? [renewal.probe] : renewal });
  }

  #send(message: ToAgent): void {
    this.#emit({ type: 'send', text: JSON.stringify(message) });
  }
}
