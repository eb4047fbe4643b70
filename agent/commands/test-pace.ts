import { Fault } from '#protocol/errors.ts';

/**
 * A test opens sessions and sends handshakes: this much rest keeps a user of the catalog from making the agent dial
 * without a break, and is less than a person needs to read what the last one found.
 */
const REST_MS = 10_000;
/** One a minute on average: more than a person who mends something needs, and no load for a site. */
const MOST_PER_HOUR = 60;
const HOUR_MS = 3_600_000;

interface Tests {
  running: boolean;
  endedAtMs: number;
  /** When each of the last hour began, the oldest first. */
  begun: number[];
}

/** How often connections may be tested, whoever asks. In memory: a start of the agent begins anew. */
export class TestPace {
  readonly #tests = new Map<string, Tests>();
  readonly #nowMs: () => number;

  /** `nowMs`: milliseconds on a clock that does not go back. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * Lets a test of the connection begin; dispose of what is returned at its end.
   * @throws Fault `job.too_soon`, with the time to wait; `job.connection_busy` while another one runs
   */
  begin(connection: string): Disposable {
    const nowMs = this.#nowMs();
    this.#forget(nowMs);
    const tests = this.#tests.get(connection) ?? { running: false, endedAtMs: Number.NEGATIVE_INFINITY, begun: [] };
    if (tests.running) throw new Fault('job.connection_busy', `Another test of ${connection} is still running`);
    const [oldest] = tests.begun;
    const restMs = tests.endedAtMs + REST_MS - nowMs;
    if (restMs > 0) throw tooSoon(`The last test of ${connection} has only just ended`, restMs);
    if (oldest !== undefined && tests.begun.length >= MOST_PER_HOUR)
      throw tooSoon(`${connection} was tested ${MOST_PER_HOUR} times within an hour`, oldest + HOUR_MS - nowMs);
    tests.running = true;
    tests.begun.push(nowMs);
    this.#tests.set(connection, tests);
    return {
      [Symbol.dispose]: () => {
        tests.running = false;
        tests.endedAtMs = this.#nowMs();
      },
    };
  }

  #forget(nowMs: number): void {
    for (const [connection, tests] of this.#tests) {
      tests.begun = tests.begun.filter((beganMs) => beganMs > nowMs - HOUR_MS);
      if (!tests.running && tests.begun.length === 0) this.#tests.delete(connection);
    }
  }
}

const tooSoon = (why: string, waitMs: number): Fault =>
  new Fault('job.too_soon', `${why}: it can be tested again in ${Math.ceil(waitMs / 1000)} s`);
