/**
 * Work that can be interrupted: lists over all objects of a large site take seconds, and the site answers others meanwhile.
 * A generator yields wherever it may rest; who drives it decides whether it does.
 */
export type Turns<T> = Generator<undefined, T>;

/** How long one turn takes at most before others get theirs. */
const TURN_MS = 8;

/** Does the work without a rest. */
export function atOnce<T>(work: Turns<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** Does the work and lets the event loop serve others every few milliseconds. */
export async function inTurns<T>(work: Turns<T>): Promise<T> {
  let since = performance.now();
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (performance.now() - since < TURN_MS) continue;
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    since = performance.now();
  }
}
