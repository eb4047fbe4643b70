import { type Log, SILENT } from '#agent/qlik/log.ts';
import { backoffMs, PATIENCE, type Patience } from '#agent/qlik/patience.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { RecordSink } from '#agent/spool/sink.ts';
import type { Connection } from '#config/connection/connection.ts';
import { faultFields } from '#config/redaction/logged.ts';
import { asFault, Fault } from '#protocol/errors.ts';
import type { Outcome } from '#protocol/records.ts';
import { type AppContent, readApp } from './app-content.ts';
import { type AppContext, writeApp, writeAppContent } from './app-scope.ts';
import { keysOf } from './keys.ts';
import { People } from './people.ts';
import { type CrawlProgress, type CrawlSummary, Tally } from './progress.ts';
import { ScopeWriter } from './scope-writer.ts';
import { settled } from './settled.ts';
import { listApps, writeSiteScope } from './site-scope.ts';

export interface CrawlOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called when an app begins to be read and after each scope. */
  readonly onProgress?: (progress: CrawlProgress) => void;
  /** Keys of scopes that were published by an earlier attempt of the same job: they are neither read nor written. */
  readonly skipScopes?: ReadonlySet<string>;
  /** False: load scripts are neither read nor written; the policy forbids it. Default true. */
  readonly scripts?: boolean;
  readonly log?: Log;
  readonly patience?: Patience;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
}

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

/**
 * Crawls a site into `sink`: the site scope, then one scope for each app, with as many apps in flight as the connection
 * allows engine sessions. An app that fails spoils neither the others nor what was published of it. Rejects with a
 * {@link Fault} when the site cannot be reached at all, with the signal's reason, or with what `sink` rejects with; the
 * scopes that were finished until then stand.
 */
export const crawl = async (
  site: Site,
  connection: Connection,
  sink: RecordSink,
  options: CrawlOptions = {},
): Promise<CrawlSummary> => {
  const now = options.now ?? (() => performance.now());
  const started = now();
  const run = new Crawl(site, connection, sink, options);
  await run.run();
  return { ...run.tally.totals(), appsTotal: run.tally.appsTotal ?? 0, durationMs: Math.round(now() - started) };
};

class Crawl {
  readonly tally = new Tally();
  readonly #site: Site;
  readonly #sink: RecordSink;
  readonly #options: CrawlOptions;
  readonly #log: Log;
  readonly #patience: Patience;
  readonly #context: AppContext;
  /** Ends all apps in flight when the crawl ends early. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  /** Names of the apps that are being read, by id: at most one for each engine session. */
  readonly #reading = new Map<string, string>();
  /** Why the last apps failed, while they all failed on the way. */
  #sameFailures = 0;

  constructor(site: Site, connection: Connection, sink: RecordSink, options: CrawlOptions) {
    this.#site = site;
    this.#sink = sink;
    this.#options = options;
    this.#log = options.log ?? SILENT;
    this.#patience = options.patience ?? PATIENCE;
    this.#context = { connection, keys: keysOf(connection.code), people: new People() };
    this.#signal =
      options.signal === undefined ? this.#stop.signal : AbortSignal.any([options.signal, this.#stop.signal]);
  }

  async run(): Promise<void> {
    this.#signal.throwIfAborted();
    const { keys, people } = this.#context;
    const apps = await listApps(this.#site);
    this.tally.appsTotal = apps.rows.length;
    if (this.#skips(keys.site)) {
      // Owners of apps still want their e-mail addresses.
      for (const user of (await this.#site.users().catch(() => undefined))?.rows ?? []) people.add(user);
    } else {
      const out = new ScopeWriter(this.#sink, keys.site);
      const outcome = await writeSiteScope(this.#site, apps, people, keys, out);
      this.tally.add(out, 'site', outcome);
      this.#report();
    }
    await this.#apps(apps.rows);
  }

  #skips(scope: string): boolean {
    return this.#options.skipScopes?.has(scope) === true;
  }

  #report(): void {
    this.#options.onProgress?.({ ...this.tally.totals(), reading: [...this.#reading.values()] });
  }

  /**
   * Workers take the apps, the largest first: a large one at the end would leave the other sessions idle. A worker writes
   * one app while it reads the next; it never holds more than these two.
   */
  async #apps(rows: readonly QrsApp[]): Promise<void> {
    const queue: QrsApp[] = [];
    for (const row of rows) {
      if (this.#skips(this.#context.keys.of(row.id))) this.tally.appsSkipped += 1;
      else queue.push(row);
    }
    queue.sort((a, b) => (a.fileSize ?? 0) - (b.fileSize ?? 0));
    const worker = async (): Promise<void> => {
      let writing = settled(Promise.resolve());
      for (let row = queue.pop(); row !== undefined; row = queue.pop()) {
        this.#signal.throwIfAborted();
        const read = await this.#visibly(row, () => this.#read(row));
        const before = await writing;
        if ('error' in before) throw before.error;
        writing = settled(this.#write(row, read));
      }
      const last = await writing;
      if ('error' in last) throw last.error;
    };
    const workers = Array.from({ length: this.#context.connection.crawl.engineSessions }, async () => {
      try {
        await worker();
      } catch (error) {
        this.#stop.abort(error);
        throw error;
      }
    });
    const results = await Promise.allSettled(workers);
    // The first that failed stopped the others; those only repeat its reason.
    if (results.some(({ status }) => status === 'rejected')) {
      this.#options.signal?.throwIfAborted();
      throw this.#stop.signal.reason;
    }
  }

  async #visibly<T>({ id, name }: QrsApp, read: () => Promise<T>): Promise<T> {
    this.#reading.set(id, name);
    this.#report();
    try {
      return await read();
    } finally {
      this.#reading.delete(id);
    }
  }

  /** The app's content, or why there is none. Throws only what ends the crawl. */
  async #read(row: QrsApp): Promise<AppContent | Fault> {
    for (let attempt = 0; ; attempt++) {
      try {
        const content = await this.#within(row, (signal) => readApp(this.#site, row, signal, this.#options.scripts));
        this.#sameFailures = 0;
        return content;
      } catch (error) {
        this.#signal.throwIfAborted();
        const fault = asFault(error);
        if (!PASSING.has(fault.code) || !fault.retryable || attempt + 1 >= TRIES) {
          return await this.#settle(row, fault);
        }
        // An engine short of memory needs longer than a cut connection.
        const baseMs = fault.code === 'qlik.overloaded' ? 5_000 : 500;
        const waitMs = backoffMs(attempt, baseMs, 60_000, () => this.#patience.random());
        this.#log.info({ appId: row.id, code: fault.code, waitMs: Math.round(waitMs) }, 'reading the app again');
        await this.#patience.sleep(waitMs, this.#signal);
      }
    }
  }

  /** Runs a visit to an app within its time; after it, whatever the visit still does is ended. */
  async #within<T>(row: QrsApp, visit: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const end = new AbortController();
    const { appTimeoutMs } = this.#context.connection.crawl;
    const timer = setTimeout(() => {
      end.abort(new Fault('qlik.app_timeout', `App "${row.name}" (${row.id}) took longer than ${appTimeoutMs} ms`));
    }, appTimeoutMs);
    try {
      return await visit(AbortSignal.any([end.signal, this.#signal]));
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
    this.#signal.throwIfAborted();
    if (!exists) return new Fault('qlik.not_found', `App "${row.name}" (${row.id}) was deleted`, { cause: fault });
    this.#sameFailures = OF_THE_CONNECTION.test(fault.code) ? this.#sameFailures + 1 : 0;
    if (this.#sameFailures >= SAME_FAILURES) throw fault;
    return fault.code === 'qlik.not_found'
      ? new Fault('qlik.engine_failed', `${fault.message}, though the repository has it`, { cause: fault })
      : fault;
  }

  async #write(row: QrsApp, read: AppContent | Fault): Promise<void> {
    const out = new ScopeWriter(this.#sink, this.#context.keys.of(row.id));
    await out.open('app', row.name);
    const outcome = await this.#writeScope(out, row, read);
    this.tally.add(out, 'app', outcome);
    this.#report();
  }

  async #writeScope(out: ScopeWriter, row: QrsApp, read: AppContent | Fault): Promise<Outcome> {
    if (read instanceof Fault) {
      this.#log.warn({ appId: row.id, reason: read.message, ...faultFields(read) }, 'the app could not be read');
      if (read.code === 'qlik.not_found') {
        await out.outcome('gone', { error: read });
        return 'gone';
      }
      const outcome = read.code === 'qlik.access_denied' ? 'denied' : 'failed';
      await writeApp(out, row, this.#context, undefined);
      await out.outcome(outcome, { error: read });
      return outcome;
    }
    await writeApp(out, row, this.#context, read);
    await writeAppContent(out, row, this.#context, read);
    const { missing } = read.gaps;
    const outcome = missing.length === 0 ? 'complete' : 'partial';
    await out.outcome(outcome, { missing });
    return outcome;
  }
}
