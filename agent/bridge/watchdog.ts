import type { LinkClock } from './link-clock.ts';
import type { BridgeLog } from './log.ts';

/** What the link waits for, and since when it should have come. */
export interface Overdue {
  /** In words for people. */
  readonly what: string;
  readonly lateMs: number;
}

export interface WatchdogOptions {
  readonly clock: LinkClock;
  readonly log: BridgeLog;
  /** What is overdue at the moment; undefined when all goes as it should, also while the catalog is out of reach. */
  readonly overdue: () => Overdue | undefined;
  /** What else is known, for whoever reads the log. */
  readonly facts: () => object;
  /** It is stuck: the process should end, to be started again. */
  readonly onStuck: () => void;
}

const LOOK_MS = 30_000;
/** Looks in a row that must find something overdue: a machine that wakes from sleep finds everything late once. */
const LOOKS = 10;

/**
 * Finds a link that waits for something that will never come: a timer that was lost, a socket that never tells of its
 * end. It judges the agent only: a catalog that is away keeps the link busy with trying, which is progress.
 */
export class Watchdog {
  #cancel: () => void;
  #found = 0;

  constructor(options: WatchdogOptions) {
    const { clock, log, overdue, facts, onStuck } = options;
    const look = (): void => {
      this.#cancel = clock.after(LOOK_MS, look);
      const found = overdue();
      this.#found = found === undefined ? 0 : this.#found + 1;
      if (found === undefined || this.#found < LOOKS) return;
      this.#cancel();
      log.error(
        { ...facts(), ...found, advice: 'This is a defect of Culvert: please report it with the log.' },
        `the link is stuck: ${found.what} for ${Math.round(found.lateMs / 1000)} s; the agent ends, to be started again`,
      );
      onStuck();
    };
    this.#cancel = clock.after(LOOK_MS, look);
  }

  stop(): void {
    this.#cancel();
  }
}
