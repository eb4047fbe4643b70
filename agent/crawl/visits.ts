import type { Log } from '#agent/qlik/log.ts';
import { backoffMs, type Patience } from '#agent/qlik/patience.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Site } from '#agent/qlik/site.ts';
import { asFault, Fault } from '#protocol/errors.ts';
import { type AppContent, readApp } from './app-content.ts';
import type { Turnstile } from './pace/turnstile.ts';
import { readThumbnails } from './pictures/thumbnails.ts';

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
  readonly turnstile: Turnstile;
  readonly patience: Patience;
  readonly log: Log;
  /** False: load scripts are not asked for. */
  readonly scripts: boolean | undefined;
  /** Also fetches what Qlik keeps of pictures. */
  readonly pictures: boolean;
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
    const { appMaxBytes } = this.#site.connection.crawl;
    if (appMaxBytes !== undefined && (row.fileSize ?? 0) > appMaxBytes)
      return new Fault(
        'qlik.app_too_large',
        `App "${row.name}" (${row.id}) is a file of ${row.fileSize} bytes, and crawl.app_max_size is ${appMaxBytes}`,
      );
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
    const { turnstile, scripts } = this.#options;
    const turn = await turnstile.turn();
    const site: Site = { ...this.#site, openApp: (id, own) => this.#site.openApp(id, own, turn.watch) };
    try {
      const content = await this.#within(row, (own) => this.#read(site, row, own, scripts));
      const huge = content.gaps.missing.find(
        ({ what, code }) => what === 'load script' && code === 'qlik.app_too_large',
      );
      if (huge === undefined) {
        turn.end(undefined);
        return content;
      }
      // The script's answer ended the visit, and may have taken all others with it.
      this.#options.log.info({ appId: row.id, reason: huge.message }, 'reading the app again, without its script');
      const rest = await this.#within(row, (own) => this.#read(site, row, own, false));
      rest.gaps.note('load script', new Fault('qlik.app_too_large', huge.message));
      turn.end(undefined);
      return rest;
    } catch (error) {
      turn.end(asFault(error));
      throw error;
    }
  }

  async #read(site: Site, row: QrsApp, signal: AbortSignal, scripts: boolean | undefined): Promise<AppContent> {
    const content = await readApp(site, row, signal, scripts);
    if (!this.#options.pictures) return content;
    return { ...content, thumbnails: await readThumbnails(site, row, content, signal) };
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
