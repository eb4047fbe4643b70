import { crawl } from '#agent/crawl/crawl.ts';
import { Dialer } from '#agent/network/dialer.ts';
import type { OpenApp } from '#agent/qlik/engine/app.ts';
import { openSite, type Site } from '#agent/qlik/site.ts';
import type { Connection } from '#config/connection/connection.ts';

/** Runs one thing after another, in the order in which they were asked for. */
class Queue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** The same object, but a method that asks the site waits until what was asked before is answered. */
const inTurn = <T extends object>(
  target: T,
  queue: Queue,
  made: (result: unknown) => unknown = (result) => result,
): T =>
  new Proxy(target, {
    get: (_, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const call = (...args: unknown[]): unknown => Reflect.apply(member, target, args);
      // Closing asks nothing, and has to work while something waits.
      if (name === 'close' || typeof name === 'symbol') return call;
      return (...args: unknown[]) => queue.run(async () => made(await call(...args)));
    },
  });

/** How long our own calls take when each waits for the answer to the one before, in one engine session. In seconds. */
export const crawlInSequence = async (connection: Connection): Promise<number> => {
  const started = performance.now();
  const alone: Connection = { ...connection, crawl: { ...connection.crawl, engineSessions: 1 } };
  const queue = new Queue();
  await using real = openSite(alone, { dialer: new Dialer() });
  const site: Site = inTurn(real, queue, (result) => (isApp(result) ? inTurn(result, queue) : result));
  await crawl(site, alone, { write: () => Promise.resolve() });
  return (performance.now() - started) / 1000;
};

const isApp = (result: unknown): result is OpenApp =>
  typeof result === 'object' && result !== null && 'propertyTree' in result;
