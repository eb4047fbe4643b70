import { Fault } from '#protocol/errors.ts';

const MAX_QUOTA_BYTES = 1024 ** 3;
const SHARE_OF_FREE = 0.1;
/** What always stays of an attempt, such as the head of its segment. */
const SMALL_REST = 1 / 8;

/** What the spool may take of the disk: 1 GiB, or a tenth of what would be free without it. */
export const quotaBytes = (freeBytes: number, usedBytes: number): number =>
  Math.min(MAX_QUOTA_BYTES, Math.floor((freeBytes + usedBytes) * SHARE_OF_FREE));

/**
 * The room that all attempts share. Who asks for more than there is waits until something was trimmed: the crawl pauses
 * and nothing is dropped. {@link Quota.fault} says so to people while anybody waits.
 */
export class Quota {
  readonly #limitBytes: () => Promise<number>;
  readonly #onFault: (fault: Fault | undefined) => void;
  readonly #waiting = new Set<() => void>();
  #usedBytes = 0;
  #fault: Fault | undefined;

  constructor(limitBytes: () => Promise<number>, onFault: (fault: Fault | undefined) => void) {
    this.#limitBytes = limitBytes;
    this.#onFault = onFault;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** Counts bytes that are on the disk already. */
  add(bytes: number): void {
    this.#usedBytes += bytes;
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes;
    this.wake();
  }

  /** Somebody who waits may find room now. */
  wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /**
   * Waits until `bytes` more may be written, and counts them. `makeRoom` is asked each time that there is too little.
   * @throws the signal's reason
   */
  async reserve(bytes: number, signal: AbortSignal, makeRoom: () => Promise<void>): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const limit = await this.#limitBytes();
      if (this.#usedBytes + bytes > limit) await makeRoom();
      // A batch that is larger than all that is allowed would wait for ever: it goes alone, when nothing else is held.
      const isTooLarge = bytes > limit * (1 - SMALL_REST) && this.#usedBytes <= limit * SMALL_REST;
      if (this.#usedBytes + bytes <= limit || isTooLarge) {
        this.#usedBytes += bytes;
        this.clear();
        return;
      }
      this.report(new Fault('spool.full', `The spool holds ${this.#usedBytes} bytes, ${limit} are allowed`));
      await this.wait(signal);
    }
  }

  /**
   * Until something was released, or the time is over; free disk can also come from elsewhere.
   * @throws the signal's reason
   */
  async wait(signal: AbortSignal, timeoutMs = 5_000): Promise<void> {
    // A signal tells only who listens when it is given.
    signal.throwIfAborted();
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      signal.addEventListener('abort', done, { once: true });
      this.#waiting.add(done);
    });
    signal.throwIfAborted();
  }

  report(fault: Fault): void {
    if (this.#fault?.message === fault.message) return;
    this.#fault = fault;
    this.#onFault(fault);
  }

  clear(): void {
    if (this.#fault === undefined) return;
    this.#fault = undefined;
    this.#onFault(undefined);
  }
}
