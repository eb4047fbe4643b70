import type { Log } from '#agent/qlik/log.ts';
import { backoffMs, type Patience } from '#agent/qlik/patience.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Site } from '#agent/qlik/site.ts';
import { faultFields } from '#config/redaction/logged.ts';
import { asFault, Fault } from '#protocol/errors.ts';
import { type AppContent, readApp } from './app-content.ts';
import { deniedAdvice, engineAdvice } from './engine-advice.ts';
import { EngineWatch } from './engine-watch.ts';
import type { Turnstile } from './pace/turnstile.ts';
import { readThumbnails } from './pictures/thumbnails.ts';
import { type RepositoryContent, readRepository } from './repository-only.ts';

/** Tries of one app, when what failed may pass. */
const TRIES = 3;
/** So many apps in a row of which not even the repository told: then it is the way, and the crawl ends. */
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

/** What became of an app that was not read. */
export interface Unread {
  readonly fault: Fault;
  /** The engine lets no app be opened: it was not this one. */
  readonly isEngineAway: boolean;
  /** What the repository tells of it; undefined when it told nothing, or the app is gone. */
  readonly repository: RepositoryContent | undefined;
}

export interface VisitOptions {
  readonly signal: AbortSignal;
  readonly turnstile: Turnstile;
  readonly patience: Patience;
  readonly log: Log;
  /** False: load scripts are not asked for. */
  readonly scripts: boolean | undefined;
  /** Also fetches what Qlik keeps of pictures. */
  readonly pictures: boolean;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: (() => number) | undefined;
}

/** Visits apps of one site, each within its time, and settles what became of those that could not be read. */
export class Visits {
  readonly #site: Site;
  readonly #options: VisitOptions;
  readonly #engine: EngineWatch;
  /** Apps in a row of which the repository told nothing. */
  #sameFailures = 0;
  /** The engine does not even serve data models, which need no socket. */
  #areModelsAway = false;

  constructor(site: Site, options: VisitOptions) {
    this.#engine = new EngineWatch(options.now ?? (() => performance.now()));
    this.#site = this.#engine.watched(site);
    this.#options = options;
  }

  /** The app's content, or why there is none and what is known without it. Throws only what ends the crawl. */
  async read(row: QrsApp): Promise<AppContent | Unread> {
    const { signal, patience, log } = this.#options;
    const { appMaxBytes } = this.#site.connection.crawl;
    if (appMaxBytes !== undefined && (row.fileSize ?? 0) > appMaxBytes)
      return await this.#unread(
        row,
        new Fault(
          'qlik.app_too_large',
          `App "${row.name}" (${row.id}) is a file of ${row.fileSize} bytes, and crawl.app_max_size is ${appMaxBytes}`,
        ),
        false,
      );
    const away = this.#engine.whyNot();
    if (away !== undefined) {
      const fault = new Fault(away.code, `The engine lets no app be opened (${away.message})`, { cause: away });
      return await this.#unread(row, fault, true);
    }
    // One that only tries whether the engine is back does not insist.
    const tries = this.#engine.isAway ? 1 : TRIES;
    for (let attempt = 0; ; attempt++) {
      try {
        const content = await this.#inTurn(row);
        this.#sameFailures = 0;
        this.#areModelsAway = false;
        if (this.#engine.isAway) log.info({ appId: row.id }, 'the engine lets apps be opened again');
        this.#engine.worked();
        return content;
      } catch (error) {
        signal.throwIfAborted();
        const fault = asFault(error);
        if (!PASSING.has(fault.code) || !fault.retryable || attempt + 1 >= tries) {
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
    return { ...content, thumbnails: await readThumbnails(site, row, content.sheets, signal) };
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

  /** An app that failed because it was deleted meanwhile is gone; else the fault stands, and may be the engine's. */
  async #settle(row: QrsApp, fault: Fault): Promise<Unread> {
    if (fault.code === 'qlik.access_denied') {
      this.#engine.worked();
      const denied = new Fault(fault.code, fault.message, { cause: fault.cause, advice: deniedAdvice(fault) });
      return await this.#unread(row, denied, false);
    }
    const isEngines = this.#blame(fault);
    const exists = await this.#site.appExists(row.id).catch(() => true);
    this.#options.signal.throwIfAborted();
    if (!exists) {
      const gone = new Fault('qlik.not_found', `App "${row.name}" (${row.id}) was deleted`, { cause: fault });
      return { fault: gone, isEngineAway: false, repository: undefined };
    }
    const own =
      fault.code === 'qlik.not_found'
        ? new Fault('qlik.engine_failed', `${fault.message}, though the repository has it`, { cause: fault })
        : fault;
    return await this.#unread(row, own, isEngines);
  }

  /** Whether it is the engine's fault; says so once, when the crawl goes on without it. */
  #blame(fault: Fault): boolean {
    const wasAway = this.#engine.isAway;
    const isEngines = this.#engine.failed(fault);
    if (this.#engine.isAway && !wasAway) {
      const advice = engineAdvice(fault, this.#site.connection);
      this.#options.log.warn(
        { code: fault.code, reason: fault.message, advice },
        'the engine lets no app be opened: the next ones are told from the repository alone',
      );
    }
    return isEngines;
  }

  /** What the repository tells of an app that was not opened. Throws when it told nothing of many in a row. */
  async #unread(row: QrsApp, fault: Fault, isEngineAway: boolean): Promise<Unread> {
    const { signal, log } = this.#options;
    const withModel = fault.code !== 'qlik.access_denied' && !this.#areModelsAway;
    try {
      const repository = await this.#within(row, (own) => readRepository(this.#site, row, own, withModel));
      this.#sameFailures = 0;
      const { model } = repository;
      if (isEngineAway && model?.available === false)
        this.#areModelsAway = !/^qlik\.(?:data_model_unavailable|forbidden)$/.test(model.reason.code);
      return { fault, isEngineAway, repository };
    } catch (error) {
      signal.throwIfAborted();
      this.#sameFailures += 1;
      if (this.#sameFailures >= SAME_FAILURES) throw asFault(error);
      log.warn({ appId: row.id, ...faultFields(asFault(error)) }, 'the repository does not tell of the app either');
      return { fault, isEngineAway: false, repository: undefined };
    }
  }
}
