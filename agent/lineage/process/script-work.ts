import type { ScriptLineage } from '../result.ts';
import { Known } from './known.ts';
import type { Reply, Request, ScriptQuestion } from './messages.ts';

/** Includes that include, and globs in them: deeper than any site nests them. */
const MOST_ROUNDS = 12;
/** Beyond it there is no other round: one more of that length, and the process is killed with all that was understood. */
const ROUNDS_MS = 8_000;

/** Interprets a script once, with what is known. `sqlMs`: time in the parser of SQL. */
export type InterpretOnce = (
  question: ScriptQuestion,
  known: Known,
) => Promise<{ readonly lineage: ScriptLineage; readonly sqlMs: number }>;

/**
 * The child's side of the talk: interprets, asks for what it lacked, and begins again with the answers until there is
 * nothing more to learn. A new script replaces the one before.
 */
export class ScriptWork {
  readonly #send: (reply: Reply) => void;
  readonly #peakRssBytes: () => number;
  readonly #interpret: InterpretOnce;
  readonly #now: () => number;
  #current:
    | { readonly id: number; readonly question: ScriptQuestion; readonly known: Known; rounds: number; spentMs: number }
    | undefined;

  /** @param now in milliseconds */
  constructor(
    send: (reply: Reply) => void,
    peakRssBytes: () => number,
    interpret: InterpretOnce,
    now = () => performance.now(),
  ) {
    this.#now = now;
    this.#send = send;
    this.#peakRssBytes = peakRssBytes;
    this.#interpret = interpret;
  }

  async take(request: Request): Promise<void> {
    if (request.type === 'script')
      this.#current = {
        id: request.id,
        question: request.question,
        known: new Known(request.question),
        rounds: 0,
        spentMs: 0,
      };
    const current = this.#current;
    if (current === undefined || current.id !== request.id) return;
    if (request.type === 'told') current.known.tell(request.found);
    try {
      const started = this.#now();
      const { lineage, sqlMs } = await this.#interpret(current.question, current.known);
      const interpretMs = this.#now() - started;
      current.rounds += 1;
      current.spentMs += interpretMs;
      const asked = current.known.takeAsked();
      if (asked.length > 0 && current.rounds < MOST_ROUNDS && current.spentMs < ROUNDS_MS) {
        this.#send({ type: 'ask', id: current.id, lookups: asked });
        return;
      }
      const effort = { interpretMs, sqlMs, rounds: current.rounds, peakRssBytes: this.#peakRssBytes() };
      this.#send({ type: 'answer', id: current.id, answer: { lineage, effort } });
    } catch (error) {
      // Its stack may quote nothing, its message might: the name alone is told.
      this.#send({ type: 'failed', id: current.id, message: error instanceof Error ? error.name : 'unknown' });
    }
  }
}
