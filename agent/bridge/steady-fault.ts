import type { Fault } from '#protocol/errors.ts';
import type { LinkClock } from './link-clock.ts';

/** Longer than people look, and than a scrape of the metrics usually waits (Prometheus: 15 s by default). */
const HOLD_MS = 20_000;

/**
 * A fault as it is shown to people. A spool that is full has room again each time that the catalog acknowledges a batch,
 * and is full once more a moment later: told as it comes and goes, that is a log full of it and a status that says by
 * chance whether all is well. So a fault counts from its first moment on, and until it stayed away for {@link HOLD_MS}.
 */
export class SteadyFault {
  readonly #clock: Pick<LinkClock, 'after'>;
  readonly #onChange: (fault: Fault | undefined) => void;
  #fault: Fault | undefined;
  #cancel: (() => void) | undefined;

  /** @param onChange told when it begins, when it becomes another (by its code), and when it is over */
  constructor(clock: Pick<LinkClock, 'after'>, onChange: (fault: Fault | undefined) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** What is wrong, or was until a moment ago. */
  get current(): Fault | undefined {
    return this.#fault;
  }

  /** @param fault what is wrong now; undefined when nothing is at the moment */
  set(fault: Fault | undefined): void {
    if (fault === undefined) {
      if (this.#fault === undefined) return;
      this.#cancel ??= this.#clock.after(HOLD_MS, () => {
        this.#cancel = undefined;
        this.#fault = undefined;
        this.#onChange(undefined);
      });
      return;
    }
    this.close();
    const isNew = this.#fault?.code !== fault.code;
    this.#fault = fault;
    if (isNew) this.#onChange(fault);
  }

  /** Calls off what would still be told. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
