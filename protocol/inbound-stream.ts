import type { z } from 'zod';
import type { DecodedFrame } from './frame.ts';
import type { JobFinish, Lease } from './messages.ts';

/** What the gateway knows of a stream of this session: who may write it, what waits, what it owes in credit. */
export class InboundStream {
  readonly stream: number;
  readonly lease: Lease;
  /** `binding`: the accept is not confirmed, frames wait. `rewinding`: a nack is out, all but the frame asked for are dropped. */
  phase: 'binding' | 'open' | 'rewinding' | 'dropped';
  /** The last batch that the store confirmed. */
  durableSeq: number;
  /** Bytes that the agent may still send. */
  credit: number;
  /** Bytes that were consumed or dropped, to be given back with the next ack. */
  owed = 0;
  /** True when `durableSeq` rose since the last ack. */
  ackDue = false;
  /** A batch is with the store; the next waits, so that the store sees them in order. */
  storing = false;
  /** The finish is with the store, or waits for the accept to be confirmed. */
  finishing: z.infer<typeof JobFinish> | undefined;
  readonly #waiting: { readonly frame: DecodedFrame; readonly bytes: number }[] = [];

  constructor(stream: number, lease: Lease, options: { durableSeq: number; credit: number; confirmed: boolean }) {
    this.stream = stream;
    this.lease = lease;
    this.durableSeq = options.durableSeq;
    this.credit = options.credit;
    this.phase = options.confirmed ? 'open' : 'binding';
  }

  /** Takes a frame in; false when it is over the credit of the stream. Its length is bounded by that credit. */
  receive(frame: DecodedFrame, bytes: number): boolean {
    if (bytes > this.credit) return false;
    this.credit -= bytes;
    if (this.phase === 'rewinding' && frame.seq === this.durableSeq + 1) this.phase = 'open';
    if (this.phase === 'rewinding' || this.phase === 'dropped') this.owed += bytes;
    else this.#waiting.push({ frame, bytes });
    return true;
  }

  /** The batch that may go to the store now. */
  next(): { readonly frame: DecodedFrame; readonly bytes: number } | undefined {
    if (this.phase !== 'open' || this.storing) return undefined;
    return this.#waiting.shift();
  }

  /** Gives up what waits: its bytes are owed again. */
  discard(phase: 'rewinding' | 'dropped'): void {
    this.phase = phase;
    for (const { bytes } of this.#waiting.splice(0)) this.owed += bytes;
  }
}
