import type { AttemptRef, HeldAttempt, Offer, Seal } from './agent-events.ts';
import { attemptKey } from './agent-events.ts';
import { OutboundStream } from './outbound-stream.ts';

/** An attempt as the agent's machine sees it. */
export interface Attempt extends AttemptRef {
  readonly leaseToken: string;
  readonly stream: number;
  /** Its batches may hold records in parts. */
  readonly parts: boolean;
  readonly outbound: OutboundStream;
  /** `verifying` and `recording`: offered, not accepted yet. `held`: on disk. */
  phase: 'verifying' | 'recording' | 'held';
  /** Kept until the attempt is recorded. */
  offer: Offer | undefined;
  /** The stream is bound in this session: data may flow. */
  bound: boolean;
  /** The crawl runs (or ended) in this process. */
  started: boolean;
  cancelled: boolean;
  paused: boolean;
  seal: Seal | undefined;
  finishSent: boolean;
  leaseUntilMs: number;
}

/** The attempts that the agent holds, by job and attempt and by stream; sends take turns between them. */
export class HeldAttempts {
  readonly #byKey = new Map<string, Attempt>();
  #nextStream = 1;
  #turn = 0;

  constructor(held: readonly HeldAttempt[]) {
    for (const { jobId, attempt, leaseToken, stream, trimmedSeq, frameBytes, seal, parts } of held) {
      this.#nextStream = Math.max(this.#nextStream, stream + 1);
      this.add({
        jobId,
        attempt,
        leaseToken,
        stream,
        parts: parts === true,
        seal,
        outbound: new OutboundStream(trimmedSeq, frameBytes),
        phase: 'held',
        offer: undefined,
        bound: false,
        started: seal !== undefined,
        cancelled: false,
        paused: false,
        finishSent: false,
        // Unknown after a restart: the gateway's verdict says it.
        leaseUntilMs: Number.POSITIVE_INFINITY,
      });
    }
  }

  /** A stream number that no attempt of this process had: a late acknowledgement can never meet the wrong one. */
  newStream(): number {
    return this.#nextStream++;
  }

  add(attempt: Attempt): void {
    this.#byKey.set(attemptKey(attempt), attempt);
  }

  get(ref: AttemptRef): Attempt | undefined {
    return this.#byKey.get(attemptKey(ref));
  }

  delete(ref: AttemptRef): boolean {
    return this.#byKey.delete(attemptKey(ref));
  }

  /** The attempt that a stream is bound to in this session. */
  bound(stream: number): Attempt | undefined {
    for (const attempt of this.#byKey.values()) if (attempt.bound && attempt.stream === stream) return attempt;
    return undefined;
  }

  [Symbol.iterator](): IterableIterator<Attempt> {
    return this.#byKey.values();
  }

  /** The bound attempts, each call beginning with another one, so that none starves the rest of connection credit. */
  inTurn(): Attempt[] {
    const all = [...this.#byKey.values()].filter(({ bound }) => bound);
    const start = all.length === 0 ? 0 : this.#turn++ % all.length;
    return [...all.slice(start), ...all.slice(0, start)];
  }
}
