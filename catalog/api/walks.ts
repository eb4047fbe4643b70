import type { ServerResponse } from 'node:http';
import { readUntil, type Sql, type Transaction } from '#catalog/store/sql.ts';
import { Fault } from '#protocol/errors.ts';

/** How much walking through lineage the database is asked for. */
export interface WalkBounds {
  /** Walks at once, of all organisations: each holds a connection of the pool that everything else needs, too. */
  readonly atOnce: number;
  /** Of one organisation, so that the others get their turn. */
  readonly perOrganisation: number;
  /** Walks of one organisation that wait for their turn. */
  readonly waiting: number;
  /** The time for a walk, with waiting for its turn. */
  readonly withinMs: number;
  /** Answers of one organisation that are written piece by piece: all that was found is held until the last is taken. */
  readonly held: number;
  /** The time for taking such an answer. */
  readonly takenWithinMs: number;
}

/** Six of the sixteen connections of the pool (`catalog/store/sql.ts`): the others are for the gateway and the page. */
export const WALK_BOUNDS: WalkBounds = {
  ...{ atOnce: 6, perOrganisation: 3, waiting: 24, withinMs: 25_000 },
  ...{ held: 6, takenWithinMs: 10 * 60_000 },
};

interface Turn {
  readonly organisation: string;
  readonly begin: () => void;
}

/**
 * Lets walks through lineage take their turns: a few at once, a few more wait, further ones are refused. What somebody no
 * longer waits for, or what takes too long, ends in the database, too.
 */
export class Walks {
  readonly #sql: Sql;
  readonly #bounds: WalkBounds;
  readonly #running = new Map<string, number>();
  readonly #held = new Map<string, number>();
  #queue: Turn[] = [];

  constructor(sql: Sql, bounds: WalkBounds = WALK_BOUNDS) {
    this.#sql = sql;
    this.#bounds = bounds;
  }

  /**
   * @param response to whom it matters: a client that hangs up ends its walk
   * @throws Fault `api.too_many_requests` when too many of the organisation wait already, `api.too_long`
   */
  async walk<T>(
    organisation: string,
    { raw }: { readonly raw: ServerResponse },
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T> {
    const stop = new AbortController();
    const gone = (): void => {
      if (!raw.writableFinished) stop.abort(new Fault('api.too_long', 'Nobody waits for this answer any more.'));
    };
    const late = setTimeout(
      () => stop.abort(new Fault('api.too_long', 'There is too much lineage around it to be read at once.')),
      this.#bounds.withinMs,
    );
    raw.once('close', gone);
    try {
      if (raw.destroyed) gone();
      await this.#turn(organisation, stop.signal);
      try {
        return await readUntil(this.#sql, stop.signal, work);
      } finally {
        this.#end(organisation);
      }
    } finally {
      clearTimeout(late);
      raw.removeListener('close', gone);
    }
  }

  /**
   * Counts an answer that is written piece by piece, until it is taken or given up: who asks and does not read would have
   * the catalog hold one after the other.
   *
   * @throws Fault `api.too_many_requests` when too many of the organisation are not taken yet
   */
  hold(organisation: string, { raw }: { readonly raw: ServerResponse }): void {
    const held = this.#held.get(organisation) ?? 0;
    if (held >= this.#bounds.held)
      throw new Fault('api.too_many_requests', 'Too many tables of lineage are being fetched already.');
    if (raw.destroyed) return;
    this.#held.set(organisation, held + 1);
    const late = setTimeout(() => raw.destroy(), this.#bounds.takenWithinMs);
    raw.once('close', () => {
      clearTimeout(late);
      const left = (this.#held.get(organisation) ?? 1) - 1;
      if (left === 0) this.#held.delete(organisation);
      else this.#held.set(organisation, left);
    });
  }

  #isFree(organisation: string): boolean {
    const all = [...this.#running.values()].reduce((sum, one) => sum + one, 0);
    return all < this.#bounds.atOnce && (this.#running.get(organisation) ?? 0) < this.#bounds.perOrganisation;
  }

  #begin(organisation: string): void {
    this.#running.set(organisation, (this.#running.get(organisation) ?? 0) + 1);
  }

  #end(organisation: string): void {
    const left = (this.#running.get(organisation) ?? 1) - 1;
    if (left === 0) this.#running.delete(organisation);
    else this.#running.set(organisation, left);
    // The first of the organisation that has fewest: two with long queues must not keep a third one out.
    const runningOf = (turn: Turn): number => this.#running.get(turn.organisation) ?? 0;
    const [next] = this.#queue
      .filter((turn) => this.#isFree(turn.organisation))
      .sort((a, b) => runningOf(a) - runningOf(b));
    next?.begin();
  }

  async #turn(organisation: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#isFree(organisation)) {
      this.#begin(organisation);
      return;
    }
    const waiting = this.#queue.filter((turn) => turn.organisation === organisation).length;
    if (waiting >= this.#bounds.waiting)
      throw new Fault('api.too_many_requests', 'Too many questions about lineage are asked at once.');
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.#queue = this.#queue.filter((one) => one !== turn);
        signal.removeEventListener('abort', stopped);
      };
      const stopped = (): void => {
        leave();
        reject(signal.reason);
      };
      const turn: Turn = {
        organisation,
        begin: () => {
          leave();
          this.#begin(organisation);
          resolve();
        },
      };
      this.#queue.push(turn);
      signal.addEventListener('abort', stopped, { once: true });
    });
  }
}
