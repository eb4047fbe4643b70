import { type Log, SILENT } from '#agent/qlik/log.ts';
import { PATIENCE } from '#agent/qlik/patience.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { RecordSink } from '#agent/spool/sink.ts';
import type { Connection } from '#config/connection/connection.ts';
import { EVERYTHING } from '#config/filter/filter.ts';
import type { AppContent } from './app-content.ts';
import type { AppContext } from './app-context.ts';
import { siteAppContext } from './app-context.ts';
import { writeAppScope } from './app-outcome.ts';
import { AppNotes } from './delta/app-notes.ts';
import { Delta } from './delta/delta.ts';
import { UNKNOWN_OBJECTS } from './delta/objects.ts';
import { surveyOf } from './delta/survey.ts';
import { keptApps } from './filtered.ts';
import { remakeApp } from './lineage/remake.ts';
import { replanned } from './lineage/replan.ts';
import type { AppLineage } from './lineage/site-lineage.ts';
import type { CrawlOptions } from './options.ts';
import { Turnstile } from './pace/turnstile.ts';
import { type Plan, type PlannedApp, type PlannedVisit, planOf } from './plan.ts';
import { type CrawlSummary, Tally } from './progress.ts';
import { requestedApps } from './requested.ts';
import { ScopeWriter } from './scope-writer.ts';
import { resultOf, settled } from './settled.ts';
import { lookAtSite } from './site-visit.ts';
import { type Unread, Visits } from './visits.ts';
import { workOff } from './workers.ts';

/** As objects and records an app takes some ten times as much memory as its answers. */
const LARGE_BYTES = 1024 * 1024;

/**
 * Crawls a site into `sink`: the site scope, then one scope for each app, with as many apps in flight as the connection
 * allows engine sessions. An app that fails spoils neither the others nor what was published of it. With a place for
 * checkpoints only apps that changed since the crawl before are opened. Rejects with a {@link Fault} when the site cannot
 * be reached at all, with the signal's reason, or with what `sink` rejects with; the scopes that were finished until then
 * stand.
 */
export const crawl = async (
  site: Site,
  connection: Connection,
  sink: RecordSink,
  options: CrawlOptions = {},
): Promise<CrawlSummary> => {
  const now = options.now ?? (() => performance.now());
  const started = now();
  options.signal?.throwIfAborted();
  const { asked, checkpoints, scripts } = options;
  const delta = await Delta.open({
    connection,
    asked,
    place: checkpoints,
    nowMs: options.wallNow ?? Date.now,
    filter: options.filter?.digest ?? '',
    options: {
      scripts: scripts !== false,
      texts: options.lineage?.withTexts !== false,
      pictures: asked?.pictures === true,
      settings: asked?.settings,
    },
  });
  const run = new Crawl(site, connection, sink, options, delta);
  try {
    await run.run();
  } finally {
    await delta.close();
  }
  return {
    ...run.tally.totals(),
    missing: run.tally.missing,
    appsTotal: run.tally.appsTotal ?? 0,
    durationMs: Math.round(now() - started),
  };
};

class Crawl {
  readonly tally = new Tally();
  readonly #site: Site;
  readonly #sink: RecordSink;
  readonly #options: CrawlOptions;
  readonly #delta: Delta;
  readonly #log: Log;
  readonly #context: AppContext;
  /** Ends all apps in flight when the crawl ends early. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #turnstile: Turnstile;
  /** Names of the apps that are being read, by id: at most one for each engine session. */
  readonly #reading = new Map<string, string>();

  constructor(site: Site, connection: Connection, sink: RecordSink, options: CrawlOptions, delta: Delta) {
    this.#site = site;
    this.#sink = sink;
    this.#options = options;
    this.#delta = delta;
    this.#log = options.log ?? SILENT;
    this.#signal =
      options.signal === undefined ? this.#stop.signal : AbortSignal.any([options.signal, this.#stop.signal]);
    const { filter, lineage } = options;
    const { earlierLists: earlier } = delta;
    this.#context = siteAppContext(site, connection, { earlier, filter, lineage, signal: this.#signal });
    this.#turnstile = new Turnstile({
      site,
      connection,
      quietHours: options.quietHours,
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
    const { keys, people } = this.#context;
    const { asked, skipScopes } = this.#options;
    const delta = this.#delta;
    if (asked?.only !== undefined) {
      const listing = await requestedApps(this.#site, asked.only, this.#context);
      const survey = await keptApps(
        surveyOf(listing.apps, UNKNOWN_OBJECTS, delta.nowMs),
        this.#options.filter ?? EVERYTHING,
      );
      this.tally.appsTotal = survey.apps.length;
      await this.#apps(planOf(survey, { keys, people, skipScopes, readAll: listing.reason, unsure: new Set() }));
      return;
    }
    const looked = await lookAtSite(this.#site, this.#sink, this.#context, delta, {
      isPublished: skipScopes?.has(keys.site) === true,
      log: this.#log,
      onListed: (apps) => {
        this.tally.appsTotal = apps;
      },
      onWritten: (out, outcome) => {
        this.tally.add(out, 'site', outcome);
        this.#report();
      },
    });
    const plan = planOf(looked.survey, {
      keys,
      people,
      skipScopes,
      readAll: delta.base === undefined ? delta.reason : undefined,
      unsure: delta.noted.interrupted,
    });
    const again = await replanned(plan, this.#site, this.#context.lineage);
    const notes = await this.#apps(again.plan, again.remade);
    if (!delta.isKept) return;
    const apps = notes.result(again.plan, delta.noted);
    await (await this.#context.lineage?.kept())?.forgetOthers(apps.map(([id]) => id));
    await delta.finish({
      site: looked.known,
      apps,
      otherObjects: notes.otherObjects(looked.survey.objects),
      rejected: looked.survey.rejected.map(([id, name, rule]) => [id, name, rule]),
    });
  }

  #report(): void {
    const { slowed } = this.#turnstile;
    this.#options.onProgress?.({ ...this.tally.totals(), reading: [...this.#reading.values()], slowed });
  }

  async #apps(plan: Plan, remade: readonly PlannedVisit[] = []): Promise<AppNotes> {
    const notes = new AppNotes(this.#delta);
    this.tally.appsSkipped = plan.published.length;
    for (const app of plan.unchanged) {
      this.#signal.throwIfAborted();
      const out = new ScopeWriter(this.#sink, this.#context.keys.of(app.id), () =>
        Promise.resolve({ reason: app.reason }),
      );
      await out.open('app', app.name);
      await out.outcome('unchanged');
      this.tally.add(out, 'app', 'unchanged');
    }
    if (plan.unchanged.length > 0) this.#report();
    for (const app of remade) await this.#remake(app, plan, notes);
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
          queue: plan.read,
          workers: this.#context.connection.crawl.engineSessions,
          read: async (app) => {
            const read = await this.#visibly(app, () => visits.read(app.row));
            // Worked on while the next app is read.
            const lineage = settled(this.#lineageOf(app, read));
            return { read, lineage };
          },
          isLarge: ({ read }) => !('fault' in read) && (read.answerBytes ?? 0) > LARGE_BYTES,
          write: async (app, { read, lineage }) => {
            const made = await resultOf(lineage);
            const out = new ScopeWriter(this.#sink, this.#context.keys.of(app.id), (outcome, why) =>
              notes.read(app, outcome, why, this.#context.files?.taken(app.id), made?.inputs),
            );
            // Before it is known as what it was read: what is kept may be newer than what is known, and never older.
            if (!('fault' in read)) await (await this.#context.lineage?.kept())?.keep(app.id, read);
            const outcome = await writeAppScope(out, app.row, read, this.#context, this.#log, made);
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
    return notes;
  }

  /** Makes the lineage of an app anew that did not change; one that turns out not to be kept is read. */
  async #remake(app: PlannedVisit, plan: Plan, notes: AppNotes): Promise<void> {
    this.#signal.throwIfAborted();
    const made = await remakeApp(this.#sink, app.row, this.#context, (inputs) => notes.remade(app, inputs));
    if (made === undefined) plan.read.push(app);
    else {
      this.tally.add(made.out, 'app', made.outcome);
      this.#report();
    }
  }

  async #lineageOf({ row }: PlannedVisit, read: AppContent | Unread): Promise<AppLineage | undefined> {
    return 'fault' in read || read.script.trim() === '' ? undefined : await this.#context.lineage?.of(row, read);
  }

  async #visibly<T>({ id, name }: PlannedApp, read: () => Promise<T>): Promise<T> {
    this.#reading.set(id, name);
    this.#report();
    try {
      return await read();
    } finally {
      this.#reading.delete(id);
    }
  }
}
