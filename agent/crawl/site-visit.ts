import type { Log } from '#agent/qlik/log.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { RecordSink } from '#agent/spool/sink.ts';
import { EVERYTHING } from '#config/filter/filter.ts';
import { asFault } from '#protocol/errors.ts';
import type { Outcome } from '#protocol/records.ts';
import type { AppContext } from './app-context.ts';
import type { KnownSite } from './delta/checkpoint.ts';
import type { Delta } from './delta/delta.ts';
import { type ObjectState, surveyObjects, UNKNOWN_OBJECTS } from './delta/objects.ts';
import { mayHavePassed, reason } from './delta/reasons.ts';
import { ChangedNames, type ListChanges, readAnew, readSiteChanges } from './delta/site-changes.ts';
import { SiteNotes } from './delta/site-notes.ts';
import { type Survey, surveyChanges, surveyOf } from './delta/survey.ts';
import { isNamedAnew, keptApps } from './filtered.ts';
import { namedApps } from './lists/named-apps.ts';
import { reloadTasks } from './lists/reload-tasks.ts';
import { siteContext } from './lists/site-list.ts';
import { isOfTheCrawl } from './missing.ts';
import { ScopeWriter } from './scope-writer.ts';
import { resultOf, settled } from './settled.ts';
import { listApps, rememberSite, writeSiteChanges, writeSiteScope } from './site-scope.ts';

/** What a look at the site brought. */
interface Looked {
  readonly survey: Survey;
  /** What the next crawl shall know of the site's scope. */
  readonly known: KnownSite;
}

export interface LookOptions {
  /** The scope was published by an earlier attempt of the job: it is not written again. */
  readonly isPublished: boolean;
  readonly log: Log;
  /** Is told how many apps there are, as soon as that is known. */
  readonly onListed: (apps: number) => void;
  readonly onWritten: (out: ScopeWriter, outcome: Outcome) => void;
}

const CHANGES = reason('delta', 'What changed since the last crawl was read.');
const UNSURE = reason('interrupted', 'An earlier crawl ended before its time: all lists of the site were read again.');

/**
 * Finds out which apps there are and writes the scope of the site: whole, or what changed since the crawl that `delta` goes
 * on from.
 */
export const lookAtSite = async (
  site: Site,
  sink: RecordSink,
  context: AppContext,
  delta: Delta,
  options: LookOptions,
): Promise<Looked> => {
  const { base, noted, nowMs } = delta;
  const { keys } = context;
  // What another crawl wrote of the site before it was broken off is not known: then all of it is written.
  const isWhole = base === undefined || base.site.again || noted.isSiteUnsure;
  const notes = new SiteNotes(nowMs, delta.isKept, isWhole ? undefined : base.site);
  const { listing, changes, objects, isUnsure } = await survey(site, context, delta, options);
  options.onListed(listing.apps.length);
  context.lineage?.knows(listing.apps);
  const { filter = EVERYTHING } = context;
  const lists = siteContext(context, namedApps(filter, listing.apps));

  const knownWith = async (again: boolean): Promise<KnownSite> => {
    const { since, recent } = await resultOf(objects);
    return notes.result(lists, {
      again,
      appsSince: listing.since,
      objectsSince: since,
      recentObjects: [...recent],
    });
  };
  const finish = async (known: KnownSite): Promise<Looked> => ({
    survey: { ...listing, objects: await resultOf(objects) },
    known,
  });
  if (options.isPublished) {
    // As it was read then: what changed meanwhile is seen the next time.
    const known = noted.own?.site;
    if (known !== undefined) recall(context, known);
    else if (base === undefined) await rememberSite(site, lists);
    return await finish(known ?? (await knownWith(true)));
  }
  let known: KnownSite | undefined;
  const why = base === undefined ? delta.reason : isWhole ? UNSURE : CHANGES;
  const out = new ScopeWriter(sink, keys.site, async (outcome, reasons) => {
    known = await knownWith(isUnsure || (outcome === 'partial' && (base !== undefined || mayHavePassed(reasons))));
    await delta.site(known);
    return { reason: why, checkpoint: delta.name };
  });
  const outcome =
    isWhole || changes === undefined
      ? await writeSiteScope(site, listing, lists, out, notes, context.files, context.lineage)
      : await writeSiteChanges(site, changes, listing, lists, out, notes, context.files, context.lineage);
  options.onWritten(out, outcome);
  return await finish(known ?? (await knownWith(true)));
};

/** Takes what apps are written with from what an earlier crawl knew of the site. */
const recall = ({ people, extensions, connections }: AppContext, known: KnownSite): void => {
  people.recall(known.people);
  for (const place of known.connections) connections.set(place.id, place);
  for (const [name, key] of known.extensions) extensions.set(name, key);
};

/** Which apps there are; objects are looked at meanwhile. */
const survey = async (
  site: Site,
  context: AppContext,
  delta: Delta,
  { log }: LookOptions,
): Promise<{
  readonly listing: Survey;
  readonly changes: readonly ListChanges[] | undefined;
  readonly objects: ReturnType<typeof settled<ObjectState>>;
  /** Rows that name apps could not be read anew. */
  readonly isUnsure: boolean;
}> => {
  const { base, nowMs, comparesIds } = delta;
  const { people, filter = EVERYTHING } = context;
  if (base === undefined) {
    // What is rejected is asked for, too, where the next crawl shall know it as that.
    const asked = delta.isKept ? EVERYTHING : filter;
    const listing = await keptApps(surveyOf(await listApps(site, asked), UNKNOWN_OBJECTS, nowMs), filter);
    // Before any app is opened: what changes later is seen the next time.
    const objects = delta.isKept ? surveyObjects(site, nowMs, log) : Promise.resolve(UNKNOWN_OBJECTS);
    return { listing, changes: undefined, objects: settled(objects), isUnsure: false };
  }
  recall(context, base.site);
  const names = new ChangedNames();
  const notes = new SiteNotes(nowMs, delta.isKept, base.site);
  const changes = await readSiteChanges(site, notes, names, siteContext(context), comparesIds);
  // What a script includes changes without its app. A newer log comes with a newer reload, which the app's row tells.
  const included = await context.files?.changed(base.apps.map(([id, app]) => [id, app.includes ?? []] as const));
  const surveyed = await surveyChanges(site, base, {
    people,
    names,
    compareIds: comparesIds,
    unsure: delta.noted.interrupted,
    included: included ?? new Set(),
    nowMs,
    log,
  });
  const listing = await keptApps(surveyed, filter);
  const objects = settled(Promise.resolve(listing.objects));
  if (!isNamedAnew(base, listing, filter)) return { listing, changes, objects, isUnsure: false };
  try {
    // A task names its app, and is not modified with it.
    const anew = await Promise.all(
      changes.map((one) => (one.list.entity === reloadTasks.entity ? readAnew(site, one.list, one, notes) : one)),
    );
    return { listing, changes: anew, objects, isUnsure: false };
  } catch (error) {
    if (isOfTheCrawl(asFault(error))) throw error;
    return { listing, changes, objects, isUnsure: true };
  }
};
