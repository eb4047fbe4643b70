import type { Site } from '#agent/qlik/site.ts';
import { Fault } from '#protocol/errors.ts';

/** So many apps in a row that could not be opened: then it is the engine, or the way to it, and not the apps. */
const AWAY_AFTER = 3;
/** While it is away one app asks it again: after so many others, twice as many each time, or after so long. */
const AGAIN_APPS = 5;
const MOST_AGAIN_APPS = 160;
const AGAIN_MS = 60_000;

/** What keeps every app from being opened, if it keeps one. */
const OF_THE_ENGINE =
  /^(?:network|proxy|tls)\.|^qlik\.(?:no_engine|unavailable|overloaded|license|license_pending|session_limit|websocket_forbidden|origin_not_allowed|forbidden|unauthorized|login_page|prefix_unknown|protocol|no_answer|app_timeout)$/;

/** Knows whether the engine lets apps be opened, so that a crawl need not learn it anew from every one of them. */
export class EngineWatch {
  readonly #now: () => number;
  /** Faults that came instead of an open app, rather than from within one. */
  readonly #ofOpening = new WeakSet<Fault>();
  #failures = 0;
  #away: Fault | undefined;
  #askedMs = 0;
  #passedBy = 0;
  #again = AGAIN_APPS;
  #isTrying = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The same site; what it fails with when an app is opened is remembered as such. */
  watched(site: Site): Site {
    return {
      ...site,
      openApp: async (...asked) => {
        try {
          return await site.openApp(...asked);
        } catch (error) {
          if (error instanceof Fault) this.#ofOpening.add(error);
          throw error;
        }
      },
    };
  }

  /** Why the next app need not ask the engine; undefined when it is to ask, which it then reports. */
  whyNot(): Fault | undefined {
    if (this.#away === undefined) return undefined;
    this.#passedBy += 1;
    const isTime = this.#passedBy > this.#again || this.#now() - this.#askedMs > AGAIN_MS;
    if (!isTime || this.#isTrying) return this.#away;
    this.#isTrying = true;
    return undefined;
  }

  /** Whether an app only tries whether the engine is back: it need not insist. */
  get isAway(): boolean {
    return this.#away !== undefined;
  }

  /** The engine answered, were it by a no to one app. */
  worked(): void {
    this.#failures = 0;
    this.#away = undefined;
    this.#again = AGAIN_APPS;
    this.#isTrying = false;
  }

  /** Whether `fault` is the engine's rather than the app's; then the app's turn counts against the engine. */
  failed(fault: Fault): boolean {
    // Not those that were under way when it turned out to be away.
    const tried = this.#isTrying;
    this.#isTrying = false;
    if (!this.#ofOpening.has(fault) || !OF_THE_ENGINE.test(fault.code)) return false;
    this.#failures += 1;
    if (tried) this.#again = Math.min(2 * this.#again, MOST_AGAIN_APPS);
    if (this.#failures >= AWAY_AFTER) this.#away = fault;
    this.#askedMs = this.#now();
    this.#passedBy = 0;
    return true;
  }
}
