/**
 * The sender's account of one attempt: which batches lie durable in the spool, which of them the gateway has, and how
 * many bytes may be sent. Sequence numbers count from 1 and are never used twice for different bytes.
 */
export class OutboundStream {
  /** Frame sizes of the batches `acked + 1 … spooled`. */
  readonly #sizes: number[];
  #acked: number;
  #next: number;
  #credit = 0;

  /** @param sizes frame sizes in bytes of the batches after `acked` that are durable already */
  constructor(acked: number, sizes: readonly number[]) {
    this.#acked = acked;
    this.#sizes = [...sizes];
    this.#next = acked + 1;
  }

  /** The last batch that is durable here; 0 for none. */
  get spooledSeq(): number {
    return this.#acked + this.#sizes.length;
  }

  /** The last batch that is durable at the gateway, as far as known. */
  get ackedSeq(): number {
    return this.#acked;
  }

  get credit(): number {
    return this.#credit;
  }

  /** A batch became durable. @throws RangeError when it is not the next one: a defect of the caller */
  spooled(seq: number, bytes: number): void {
    if (seq !== this.spooledSeq + 1) throw new RangeError(`batch ${seq} after ${this.spooledSeq}`);
    this.#sizes.push(bytes);
  }

  /**
   * A session begins: the gateway has everything up to `durableSeq` and grants `credit` bytes, whatever was granted
   * before. False when the two accounts cannot both be true (the spool lacks batches that the gateway needs, or holds
   * fewer than the gateway has): the attempt cannot go on.
   */
  restart(durableSeq: number, credit: number): boolean {
    if (durableSeq < this.#acked || durableSeq > this.spooledSeq) return false;
    this.#forget(durableSeq);
    this.#next = durableSeq + 1;
    this.#credit = credit;
    return true;
  }

  /** Cumulative. False when it confirms what was never sent. */
  acknowledge(upto: number, credit: number): boolean {
    if (upto >= this.#next) return false;
    if (upto > this.#acked) this.#forget(upto);
    this.#credit += credit;
    return true;
  }

  /** The gateway has only up to `durableSeq`: what follows is sent again. False as in {@link restart}. */
  rewind(durableSeq: number): boolean {
    if (durableSeq < this.#acked || durableSeq >= this.#next) return false;
    this.#forget(durableSeq);
    this.#next = durableSeq + 1;
    return true;
  }

  /** Takes the next batch if both credits allow it; the caller sends it and subtracts `bytes` from the connection's. */
  take(connectionCredit: number): { readonly seq: number; readonly bytes: number } | undefined {
    const bytes = this.#sizes[this.#next - this.#acked - 1];
    if (bytes === undefined || bytes > this.#credit || bytes > connectionCredit) return undefined;
    this.#credit -= bytes;
    return { seq: this.#next++, bytes };
  }

  #forget(upto: number): void {
    this.#sizes.splice(0, upto - this.#acked);
    this.#acked = upto;
  }
}
