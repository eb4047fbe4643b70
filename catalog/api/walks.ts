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
}

export const WALK_BOUNDS: WalkBounds = { atOnce: 6, perOrganisation: 3, waiting: 24, withinMs: 25_000 };

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
    const next = this.#queue.find((turn) => this.#isFree(turn.organisation));
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
