import type { Log } from '#agent/qlik/log.ts';
import { backoffMs, type Patience } from '#agent/qlik/patience.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Site } from '#agent/qlik/site.ts';
import { asFault, Fault } from '#protocol/errors.ts';
import { type AppContent, readApp } from './app-content.ts';
import type { Pace } from './pace.ts';

/** Tries of one app, when what failed may pass. */
const TRIES = 3;
/** So many apps in a row that fail on the way to the server: then it is the way, and the crawl ends. */
const SAME_FAILURES = 5;

/** What passes by itself, so that the app is tried again. */
const PASSING: ReadonlySet<string> = new Set([
  'network.reset',
  'network.timeout',
  'proxy.timeout',
  'proxy.target_unreachable',
  'qlik.overloaded',
  'qlik.unavailable',
  'qlik.no_engine',
  'qlik.engine_failed',
]);

/** What is wrong with the connection rather than with one app. */
const OF_THE_CONNECTION =
  /^(?:network|proxy|tls)\.|^qlik\.(?:unauthorized|login_page|(?:ticket_)?prefix_unknown|websocket_forbidden|session_limit|license|no_engine|unavailable)$/;

export interface VisitOptions {
  readonly signal: AbortSignal;
  readonly pace: Pace;
  readonly patience: Patience;
  readonly log: Log;
  /** False: load scripts are not asked for. */
  readonly scripts: boolean | undefined;
}

/** Visits apps of one site, each within its time, and settles what became of those that could not be read. */
export class Visits {
  readonly #site: Site;
  readonly #options: VisitOptions;
  /** Why the last apps failed, while they all failed on the way. */
  #sameFailures = 0;

  constructor(site: Site, options: VisitOptions) {
    this.#site = site;
    this.#options = options;
  }

  /** The app's content, or why there is none. Throws only what ends the crawl. */
  async read(row: QrsApp): Promise<AppContent | Fault> {
    const { signal, patience, log } = this.#options;
    for (let attempt = 0; ; attempt++) {
      try {
        const content = await this.#inTurn(row);
        this.#sameFailures = 0;
        return content;
      } catch (error) {
        signal.throwIfAborted();
        const fault = asFault(error);
        if (!PASSING.has(fault.code) || !fault.retryable || attempt + 1 >= TRIES) {
          return await this.#settle(row, fault);
        }
        // An engine short of memory needs longer than a cut connection.
        const baseMs = fault.code === 'qlik.overloaded' ? 5_000 : 500;
        const waitMs = backoffMs(attempt, baseMs, 60_000, () => patience.random());
        log.info({ appId: row.id, code: fault.code, waitMs: Math.round(waitMs) }, 'reading the app again');
        await patience.sleep(waitMs, signal);
      }
    }
  }

  async #inTurn(row: QrsApp): Promise<AppContent> {
    const { pace, signal, scripts } = this.#options;
    const turn = await pace.turn(signal);
    try {
      const content = await this.#within(row, (own) => readApp(this.#site, row, own, scripts));
      turn.end(undefined);
      return content;
    } catch (error) {
      turn.end(asFault(error));
      throw error;
    }
  }

  /** Runs a visit to an app within its time; after it, whatever the visit still does is ended. */
  async #within<T>(row: QrsApp, visit: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const end = new AbortController();
    const { appTimeoutMs } = this.#site.connection.crawl;
    const timer = setTimeout(() => {
      end.abort(new Fault('qlik.app_timeout', `App "${row.name}" (${row.id}) took longer than ${appTimeoutMs} ms`));
    }, appTimeoutMs);
    try {
      return await visit(AbortSignal.any([end.signal, this.#options.signal]));
    } finally {
      clearTimeout(timer);
    }
  }

  /** An app that failed because it was deleted meanwhile is gone; else the fault stands, and may be the connection's. */
  async #settle(row: QrsApp, fault: Fault): Promise<Fault> {
    if (fault.code === 'qlik.access_denied') {
      this.#sameFailures = 0;
      return fault;
    }
    const exists = await this.#site.appExists(row.id).catch(() => true);
    this.#options.signal.throwIfAborted();
    if (!exists) return new Fault('qlik.not_found', `App "${row.name}" (${row.id}) was deleted`, { cause: fault });
    this.#sameFailures = OF_THE_CONNECTION.test(fault.code) ? this.#sameFailures + 1 : 0;
    if (this.#sameFailures >= SAME_FAILURES) throw fault;
    return fault.code === 'qlik.not_found'
      ? new Fault('qlik.engine_failed', `${fault.message}, though the repository has it`, { cause: fault })
      : fault;
  }
}
