import { LIMITS } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import { readLines, type StagedBatch, unpackBatch } from './decode.ts';

/** Records that this process joins and stores at a time, whatever the number of agents: each takes some times its size. */
const JOINED_AT_ONCE = 2;
const LINE_FEED = 10;
let joined = 0;
const waiting: (() => void)[] = [];

type Stored = Omit<StagedBatch, 'payload'> & { readonly payload: Uint8Array | null };

/**
 * The lines of the batches of one attempt, large records joined from their parts. Parts are not held: what is known of an
 * unfinished record is where it began and how large it is, and when its last part comes all are read again, so that an agent
 * which leaves records unfinished costs nothing. A batch that does not continue what came before discards that: the agent
 * was cut off within the record and its crawl begins the scope afresh.
 */
export class PartedRecords {
  readonly #read: (from: number, to: number) => Promise<readonly Stored[]>;
  #run: { readonly firstSeq: number; readonly lastSeq: number; readonly bytes: number } | undefined;
  #holds = false;

  /** @param read the staged batches of the attempt from one number to another, both included */
  constructor(read: (from: number, to: number) => Promise<readonly Stored[]>) {
    this.#read = read;
  }

  /** The first batch of a record that is not complete: a replay begins there. Infinite when there is none. */
  get firstSeq(): number {
    return this.#run?.firstSeq ?? Number.POSITIVE_INFINITY;
  }

  forget(): void {
    this.#run = undefined;
  }

  /**
   * The lines that end in a batch, each with its line feed; to be called in the order of the batches. Until
   * {@link PartedRecords.done} no more than some other attempts get joined records.
   *
   * @throws Fault `bridge.protocol` when a batch does not hold what its header says, or a record is too large
   */
  async lines(batch: StagedBatch): Promise<readonly Uint8Array[]> {
    const run = this.#run;
    this.#run = undefined;
    const { seq, part, rawBytes } = batch;
    if (part === undefined || part === null) return await readLines(batch);
    if (part === 'first') {
      this.#run = { firstSeq: seq, lastSeq: seq, bytes: rawBytes };
      return [];
    }
    if (run?.lastSeq !== seq - 1)
      throw new Fault('bridge.protocol', `Batch ${seq} goes on with a record that did not begin.`);
    const { firstSeq } = run;
    const bytes = run.bytes + rawBytes;
    if (bytes > LIMITS.recordBytes || seq - firstSeq >= LIMITS.recordParts)
      throw new Fault(
        'bridge.protocol',
        `The record that began in batch ${firstSeq} has more than ${LIMITS.recordBytes} bytes or ${LIMITS.recordParts} parts.`,
      );
    if (part === 'middle') {
      this.#run = { firstSeq, lastSeq: seq, bytes };
      return [];
    }
    await this.#turn();
    return [await this.#join(firstSeq, batch, bytes)];
  }

  /** The lines of the last batch are done with. */
  done(): void {
    if (!this.#holds) return;
    this.#holds = false;
    const next = waiting.shift();
    if (next) next();
    else joined -= 1;
  }

  async #turn(): Promise<void> {
    if (joined < JOINED_AT_ONCE) joined += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    this.#holds = true;
  }

  async #join(firstSeq: number, last: StagedBatch, bytes: number): Promise<Uint8Array> {
    const line = new Uint8Array(bytes);
    let at = 0;
    const add = async (batch: StagedBatch): Promise<void> => {
      line.set(await unpackBatch(batch), at);
      at += batch.rawBytes;
    };
    // One by one: together they may be many times larger than what they unpack to is allowed to be.
    for (let seq = firstSeq; seq < last.seq; seq += 1) {
      const [part] = await this.#read(seq, seq);
      // Another process published this far meanwhile, or the attempt has ended: not the agent's fault.
      if (part?.payload == null) throw new Error(`batch ${seq} is not staged any more`);
      await add({ ...part, payload: part.payload });
    }
    await add(last);
    const end = line.indexOf(LINE_FEED);
    if (end !== line.length - 1)
      throw new Fault('bridge.protocol', `The parts up to batch ${last.seq} are not one line.`);
    return line;
  }
}
