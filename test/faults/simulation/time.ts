import { AsyncLocalStorage } from 'node:async_hooks';

/** A process of the simulated world: what it set in motion ends with it, and stands still while it does. */
export class Owner {
  readonly name: string;
  alive = true;
  /** What its own clock shows differs from the time of the world by this. */
  clockOffsetMs = 0;
  frozenUntilMs = 0;
  /** When it last stood still or its clock jumped: right after that it has had no chance to look at the clock. */
  disturbedAtMs = Number.NEGATIVE_INFINITY;

  constructor(name: string) {
    this.name = name;
  }
}

interface Due {
  atMs: number;
  readonly order: number;
  readonly owner: Owner | undefined;
  /** Undefined: called off. */
  call: (() => void) | undefined;
  /** Counts by the clock of its owner: a clock that stands still while the machine sleeps puts it off. */
  readonly timer: boolean;
}

interface Scope {
  readonly time: Time;
  readonly owner: Owner | undefined;
}
const current = new AsyncLocalStorage<Scope>();

/** The virtual clock: what is due is called in order, and nothing else makes time pass. */
export class Time {
  nowMs = 1_000_000;
  readonly #heap: Due[] = [];
  #order = 0;
  /** Called events. */
  events = 0;

  /** Calls `call` after `ms` as the given process (not at all if that has ended by then); returns how to call it off. */
  after(ms: number, owner: Owner | undefined, call: () => void, timer = false): () => void {
    const due: Due = { atMs: this.nowMs + Math.max(0, ms), order: this.#order++, owner, call, timer };
    this.#push(due);
    return () => {
      due.call = undefined;
    };
  }

  /** Runs something as a process: timers that it sets belong to that. */
  as<T>(owner: Owner | undefined, call: () => T): T {
    return current.run({ time: this, owner }, call);
  }

  /** Resolves after `ms`; never when the process has ended by then. */
  delay(ms: number, owner: Owner | undefined): Promise<void> {
    return new Promise((resolve) => this.after(ms, owner, resolve));
  }

  /** The process stands still. `clockStops`: its monotonic clock does not count the time, as on Linux in suspend. */
  freeze(owner: Owner, ms: number, clockStops: boolean): void {
    if (owner.frozenUntilMs > this.nowMs) return;
    owner.frozenUntilMs = this.nowMs + ms;
    owner.disturbedAtMs = owner.frozenUntilMs;
    if (clockStops) this.#shift(owner, ms);
  }

  /** Its monotonic clock is suddenly ahead: what it counts down is due earlier. */
  jump(owner: Owner, ms: number): void {
    owner.disturbedAtMs = Math.max(owner.disturbedAtMs, this.nowMs);
    this.#shift(owner, -ms);
  }

  #shift(owner: Owner, ms: number): void {
    owner.clockOffsetMs -= ms;
    for (const due of this.#heap.splice(0)) {
      if (due.owner === owner && due.timer) due.atMs += ms;
      this.#push(due);
    }
  }

  /** Calls the next thing that is due. False when nothing is left. */
  step(): boolean {
    for (;;) {
      const due = this.#pop();
      if (!due) return false;
      const { owner, call } = due;
      if (!call || owner?.alive === false) continue;
      if (owner && owner.frozenUntilMs > Math.max(this.nowMs, due.atMs)) {
        due.atMs = owner.frozenUntilMs;
        this.#push(due);
        continue;
      }
      this.nowMs = Math.max(this.nowMs, due.atMs);
      this.events += 1;
      this.as(owner, call);
      return true;
    }
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(due, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = due;
  }

  #pop(): Due | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = heap[child + 1];
      let least = heap[child];
      if (least === undefined) break;
      if (right !== undefined && isBefore(right, least)) {
        least = right;
        child += 1;
      }
      if (!isBefore(least, last)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

const isBefore = (a: Due, b: Due): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** A timer of a simulated process: what `setTimeout` returns here. */
class VirtualTimer {
  readonly cancel: () => void;

  constructor(cancel: () => void) {
    this.cancel = cancel;
  }

  unref(): this {
    return this;
  }
}

/**
 * From now on `setTimeout` of this thread counts virtual time for code that runs in a simulated process. The thread does
 * nothing else; what runs outside of any simulated process keeps the real timers.
 */
export const installVirtualTimers = (): void => {
  const { setTimeout: realSet, clearTimeout: realClear } = globalThis;
  const set = (call: (...values: unknown[]) => void, ms = 0, ...values: unknown[]): unknown => {
    const scope = current.getStore();
    if (!scope) return realSet(call, ms, ...values);
    return new VirtualTimer(scope.time.after(ms, scope.owner, () => call(...values), true));
  };
  const clear = (timer: unknown): void => {
    if (timer instanceof VirtualTimer) timer.cancel();
    else realClear(timer as NodeJS.Timeout | undefined);
  };
  Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
};
