import { CLOSE } from '#protocol/constants.ts';
import { encodeEntry, POLLING, type PollingEntry } from '#protocol/polling.ts';
import type { AgentChannel, ChannelListener } from './channel.ts';
import type { GatewayClock } from './clock.ts';

/** What answers a poll: the number of the first entry and the entries, none when nothing came in time. */
export type PollAnswer = (first: number, entries: readonly Uint8Array[]) => void;

interface Waiting {
  readonly answer: PollAnswer;
  readonly cancelHold: () => void;
}

/** Why a body is not taken: entries before it are missing. */
export type Taken = 'ok' | 'gap' | 'gone';

/**
 * An agent that polls. Entries for it are numbered and kept until it says that it has them: the answer of a poll may be
 * lost on the way, and the next poll then asks for the same again. Entries of the agent are numbered too, so one that
 * comes twice is taken once.
 */
export class PollingChannel implements AgentChannel {
  readonly #clock: GatewayClock;
  readonly #holdMs: number;
  readonly #onGone: () => void;
  #listener: ChannelListener | undefined;
  readonly #out: Uint8Array[] = [];
  /** The number of the first in `#out`. */
  #first = 1;
  #outBytes = 0;
  #taken = 0;
  #poll: Waiting | undefined;
  #flushing = false;
  /** The last entry says that it is over. */
  #closing = false;
  /** The session has been told of the end. */
  #ended = false;
  #gone = false;
  #cancelLinger: () => void = () => undefined;

  /** @param onGone called once: nothing is known by this handle any more */
  constructor(clock: GatewayClock, holdMs: number, onGone: () => void) {
    this.#clock = clock;
    this.#holdMs = holdMs;
    this.#onGone = onGone;
  }

  get unsentBytes(): number {
    return this.#outBytes;
  }

  /** The number of the last entry that was taken from the agent. */
  get taken(): number {
    return this.#taken;
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener;
  }

  sendText(text: string): void {
    if (!this.#closing) this.#push({ kind: 'text', text });
  }

  close(code: number, reason: string): void {
    if (this.#closing) return;
    this.#push({ kind: 'close', code, reason });
    this.#closing = true;
  }

  terminate(): void {
    if (this.#ended) return;
    this.#end();
    // The agent may just be between two polls, and how it ended decides when it comes back.
    if (this.#closing && this.#out.length > 0)
      this.#cancelLinger = this.#clock.after(POLLING.lingerMs, () => this.#drop());
    else this.#drop();
  }

  /** As {@link terminate}, but the end is not kept for an agent that may ask for it: the gateway itself goes. */
  abandon(): void {
    this.#end();
    this.#drop();
  }

  /**
   * A poll: what came up to `received` is not kept any longer. The newest counts: the one before it is answered with
   * nothing, as its connection may be dead.
   * @returns how to take it back when its connection ends; undefined when the agent says that it has what was never sent
   */
  poll(received: number, answer: PollAnswer): (() => void) | undefined {
    const known = received - this.#first + 1;
    if (known > this.#out.length) return undefined;
    if (!this.#ended) this.#listener?.activity();
    for (const entry of this.#out.splice(0, Math.max(0, known))) this.#outBytes -= entry.length;
    this.#first += Math.max(0, known);
    this.#release();
    if (this.#closing && this.#out.length === 0) {
      // It has the end: nothing is left to say.
      answer(this.#first, []);
      this.#end();
      this.#drop();
      return () => undefined;
    }
    const waiting: Waiting = { answer, cancelHold: this.#clock.after(this.#holdMs, () => this.#release()) };
    this.#poll = waiting;
    if (this.#out.length > 0) this.#flush();
    return () => {
      if (this.#poll !== waiting) return;
      waiting.cancelHold();
      this.#poll = undefined;
    };
  }

  /** A body of the agent, whose first entry has this number. What was taken before is left out. */
  take(first: number, entries: readonly PollingEntry[]): Taken {
    if (this.#ended) return 'gone';
    if (first > this.#taken + 1) return 'gap';
    this.#listener?.activity();
    for (const entry of entries.slice(this.#taken + 1 - first)) {
      this.#taken += 1;
      if (entry.kind === 'text') this.#listener?.text(entry.text);
      else if (entry.kind === 'data') this.#listener?.binary(entry.bytes);
      else {
        this.#closing = true;
        this.#end();
        this.#drop();
      }
      if (this.#closing) break;
    }
    return 'ok';
  }

  /** The agent broke the rules of this way: the session ends as a WebSocket does whose framing is broken. */
  broken(error: Error): void {
    if (this.#ended) return;
    this.#listener?.failed(error);
    this.close(CLOSE.badMessage, error.message);
    this.terminate();
  }

  #push(entry: PollingEntry): void {
    const bytes = encodeEntry(entry);
    this.#out.push(bytes);
    this.#outBytes += bytes.length;
    this.#flush();
  }

  /** Not at once: what is said in one go travels in one answer. */
  #flush(): void {
    if (this.#flushing || !this.#poll) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#release();
    });
  }

  /** Answers the poll that waits with whatever there is. */
  #release(): void {
    const poll = this.#poll;
    if (!poll) return;
    this.#poll = undefined;
    poll.cancelHold();
    let bytes = 0;
    const few = this.#out.findIndex((entry, at) => {
      bytes += entry.length;
      return at > 0 && bytes > POLLING.gatherBytes;
    });
    poll.answer(this.#first, few === -1 ? [...this.#out] : this.#out.slice(0, few));
    // The end is on its way; should the answer be lost, it is asked for again.
    if (this.#closing && few === -1) this.terminate();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener?.closed();
  }

  #drop(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#cancelLinger();
    this.#release();
    this.#onGone();
  }
}
