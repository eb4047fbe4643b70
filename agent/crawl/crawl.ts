import { type Log, SILENT } from '#agent/qlik/log.ts';
import { PATIENCE } from '#agent/qlik/patience.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { RecordSink } from '#agent/spool/sink.ts';
import type { Connection } from '#config/connection/connection.ts';
import { writeAppScope } from './app-outcome.ts';
import type { AppContext } from './app-scope.ts';
import { keysOf } from './keys.ts';
import type { CrawlOptions } from './options.ts';
import { Turnstile } from './pace/turnstile.ts';
import { People } from './people.ts';
import { type Plan, planOf } from './plan.ts';
import { type CrawlSummary, Tally } from './progress.ts';
import { ScopeWriter } from './scope-writer.ts';
import { SiteFiles } from './site-files.ts';
import { listApps, rememberSite, writeSiteScope } from './site-scope.ts';
import { Visits } from './visits.ts';
import { workOff } from './workers.ts';

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
  readonly #context: AppContext;
  /** Ends all apps in flight when the crawl ends early. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #turnstile: Turnstile;
  /** Names of the apps that are being read, by id: at most one for each engine session. */
  readonly #reading = new Map<string, string>();

  constructor(site: Site, connection: Connection, sink: RecordSink, options: CrawlOptions) {
    this.#site = site;
    this.#sink = sink;
    this.#options = options;
    this.#log = options.log ?? SILENT;
    this.#signal =
      options.signal === undefined ? this.#stop.signal : AbortSignal.any([options.signal, this.#stop.signal]);
    const files = SiteFiles.of(site, this.#signal);
    this.#context = { connection, keys: keysOf(connection.code), people: new People(), extensions: new Map(), files };
    this.#turnstile = new Turnstile({
      site,
      connection,
      log: this.#log,
      patience: options.patience ?? PATIENCE,
      signal: this.#signal,
      now: options.now ?? (() => performance.now()),
      wallNow: options.wallNow ?? Date.now,
      onChange: () => this.#report(),
    });
  }

  async run(): Promise<void> {
    await this.#turnstile.awake();
    const { keys } = this.#context;
    const { skipScopes } = this.#options;
    const apps = await listApps(this.#site);
    this.tally.appsTotal = apps.rows.length;
    if (skipScopes?.has(keys.site) === true) {
      await rememberSite(this.#site, this.#context);
    } else {
      const out = new ScopeWriter(this.#sink, keys.site);
      const outcome = await writeSiteScope(this.#site, apps, this.#context, out, this.#context.files);
      this.tally.add(out, 'site', outcome);
      this.#report();
    }
    const plan = planOf(apps.rows, keys, skipScopes);
    this.tally.appsSkipped = plan.published.length;
    await this.#apps(plan);
  }

  #report(): void {
    const { slowed } = this.#turnstile;
    this.#options.onProgress?.({ ...this.tally.totals(), reading: [...this.#reading.values()], slowed });
  }

  async #apps({ read: queue }: Plan): Promise<void> {
    const visits = new Visits(this.#site, {
      signal: this.#signal,
      turnstile: this.#turnstile,
      patience: this.#options.patience ?? PATIENCE,
      log: this.#log,
      scripts: this.#options.scripts,
      pictures: this.#options.asked?.pictures === true,
    });
    try {
      await workOff(
        {
          queue,
          workers: this.#context.connection.crawl.engineSessions,
          read: (row) => this.#visibly(row, () => visits.read(row)),
          write: async (row, read) => {
            const out = new ScopeWriter(this.#sink, this.#context.keys.of(row.id));
            const outcome = await writeAppScope(out, row, read, this.#context, this.#log);
            this.tally.add(out, 'app', outcome);
            this.#report();
          },
        },
        this.#signal,
        this.#stop,
      );
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      throw error;
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
}
