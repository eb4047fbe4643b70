import { type AgentEffect, type AgentEvent, type AttemptRef, attemptKey } from '#protocol/agent-events.ts';
import { CLOSE } from '#protocol/constants.ts';

const KNOWN_CODES: ReadonlySet<number> = new Set([1000, 1001, 1002, 1005, 1006, 1009, 1011, ...Object.values(CLOSE)]);
/** Where the type of a message stands at the latest; what follows is not looked at. */
const TYPE_WITHIN = 200;
const TYPE = /"type"\s*:\s*"([^"]*)"/;

/** What is counted of the link, as it happens. */
export interface LinkFigures {
  /** A connection ended, or one could not be opened (`unreachable`); the code is one of a small set. */
  linkEnded(code: string): void;
  roundTrip(ms: number): void;
  batches(stage: 'spooled' | 'sent' | 'acked', count: number, bytes: number): void;
}

/** Sizes of batches that were not acknowledged yet. */
interface Unacked {
  firstSeq: number;
  readonly sizes: number[];
}

/** Follows the steps of the session's machine and counts: it knows the link by what goes in and comes out. */
export class LinkWatch {
  readonly #figures: LinkFigures;
  readonly #nowMs: () => number;
  readonly #timestamp: () => string;
  readonly #unacked = new Map<string, Unacked>();
  #heartbeatAtMs: number | undefined;
  #roundTripMs: number | null = null;
  #isOpen = false;
  #since: string;

  constructor(figures: LinkFigures, clock: { readonly nowMs: () => number; readonly timestamp: () => string }) {
    this.#figures = figures;
    this.#nowMs = clock.nowMs;
    this.#timestamp = clock.timestamp;
    this.#since = clock.timestamp();
  }

  /** How long the last heartbeat took to be answered; null when none was. */
  get roundTripMs(): number | null {
    return this.#roundTripMs;
  }

  /** Since when there is a session, or none. */
  get since(): string {
    return this.#since;
  }

  step(event: AgentEvent, effects: readonly AgentEffect[]): void {
    switch (event.type) {
      case 'text':
        if (isOf(event.text, 'welcome')) this.#turned(true);
        else if (isOf(event.text, 'heartbeat.ok') && this.#heartbeatAtMs !== undefined) {
          this.#roundTripMs = this.#nowMs() - this.#heartbeatAtMs;
          this.#heartbeatAtMs = undefined;
          this.#figures.roundTrip(this.#roundTripMs);
        }
        break;
      case 'closed':
        this.#figures.linkEnded(KNOWN_CODES.has(event.code) ? String(event.code) : 'other');
        this.#turned(false);
        break;
      case 'unreachable':
        this.#figures.linkEnded('unreachable');
        this.#turned(false);
        break;
      case 'spooled':
        this.#figures.batches('spooled', 1, event.bytes);
        this.#note(event, event.seq, event.bytes);
        break;
      default:
    }
    for (const effect of effects) this.#effect(effect);
  }

  #effect(effect: AgentEffect): void {
    switch (effect.type) {
      case 'send':
        if (isOf(effect.text, 'heartbeat')) this.#heartbeatAtMs = this.#nowMs();
        break;
      case 'sendBatch':
        this.#figures.batches('sent', 1, effect.bytes);
        // Those of an earlier process are met here first.
        this.#note(effect, effect.seq, effect.bytes);
        break;
      case 'trim':
        this.#acked(effect, effect.upto);
        break;
      case 'remove':
        this.#unacked.delete(attemptKey(effect));
        break;
      default:
    }
  }

  #note(ref: AttemptRef, seq: number, bytes: number): void {
    const known = this.#unacked.get(attemptKey(ref));
    if (known === undefined) this.#unacked.set(attemptKey(ref), { firstSeq: seq, sizes: [bytes] });
    else if (seq >= known.firstSeq) known.sizes[seq - known.firstSeq] = bytes;
  }

  #acked(ref: AttemptRef, upto: number): void {
    const known = this.#unacked.get(attemptKey(ref));
    if (known === undefined || upto < known.firstSeq) return;
    const sizes = known.sizes.splice(0, upto - known.firstSeq + 1);
    known.firstSeq = upto + 1;
    const acked = sizes.filter((bytes) => bytes !== undefined);
    this.#figures.batches(
      'acked',
      acked.length,
      acked.reduce((sum, bytes) => sum + bytes, 0),
    );
  }

  #turned(isOpen: boolean): void {
    if (!isOpen) this.#heartbeatAtMs = undefined;
    if (this.#isOpen === isOpen) return;
    this.#isOpen = isOpen;
    this.#since = this.#timestamp();
  }
}

const isOf = (text: string, type: string): boolean => TYPE.exec(text.slice(0, TYPE_WITHIN))?.[1] === type;
