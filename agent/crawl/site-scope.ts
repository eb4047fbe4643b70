import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import { toQrs } from '#agent/qlik/repository/filter-text.ts';
import type { Listing } from '#agent/qlik/repository/listing.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { Readable } from '#config/connection/rights.ts';
import { EVERYTHING, type Filter } from '#config/filter/filter.ts';
import { asFault, Fault } from '#protocol/errors.ts';
import type { AssetKind, Outcome } from '#protocol/records.ts';
import { present } from './attributes.ts';
import { digestOf } from './delta/fingerprint.ts';
import type { ListChanges } from './delta/site-changes.ts';
import { rowDigest, type SiteNotes } from './delta/site-notes.ts';
import { writeManualDatasets } from './lineage/manual-edges.ts';
import type { SiteLineage } from './lineage/site-lineage.ts';
import { SITE_LISTS } from './lists/lists.ts';
import { isLeftOut } from './lists/named-apps.ts';
import { rememberRows, rowKey, type SiteContext, type SiteList, type SiteRow, writeRow } from './lists/site-list.ts';
import { Gaps, isOfTheCrawl, missing, whyEmpty } from './missing.ts';
import { writeQvdDatasets } from './qvd-datasets.ts';
import type { Asset, ScopeWriter } from './scope-writer.ts';
import { resultOf, type Settled, settled } from './settled.ts';
import type { SiteFiles } from './site-files.ts';

/** The apps that belong to the site now, whether they are read or not. */
export interface ListedApps {
  readonly apps: readonly { readonly id: string; readonly name: string }[];
  /** Why these may not be all. */
  readonly incomplete: Fault | undefined;
  /** Those that the filter rejects: they are there, though nothing is said of them. */
  readonly rejected: readonly unknown[];
}

/**
 * Writes the site scope: the site, what QRS lists of it, and which apps there are. A list that the user may not read, or
 * that disagrees with QRS's own count, makes the scope `partial`, so that nothing is deleted on it; the lists that came
 * whole are named, since a right may be missing for ever.
 */
export const writeSiteScope = async (
  site: Site,
  listed: ListedApps,
  context: SiteContext,
  out: ScopeWriter,
  notes: SiteNotes,
  files?: SiteFiles | undefined,
  lineage?: Pick<SiteLineage, 'manualDatasets' | 'unusedEdges'> | undefined,
): Promise<Outcome> => {
  const gaps = new Gaps();
  // All at once: they are independent, and the repository takes long for each.
  const lists = SITE_LISTS.map((list) => ({
    list,
    rows: settled(list.rows(site)),
    prepared: settled(list.prepare?.(site, context, gaps) ?? Promise.resolve()),
    signature: notes.isKept ? settled(Promise.resolve(list.signature?.(site))) : undefined,
  }));
  const self = await siteAsset(site, context, gaps);
  await out.open('site', site.connection.name);
  await out.asset(self);
  notes.self = digestOf(self);
  const whole: AssetKind[] = [];
  for (const { list, rows, prepared, signature } of lists) {
    const listing = whyNotAll(list, await orWhyNot(rows));
    const reason = listing.incomplete;
    if (reason !== undefined) gaps.note(list.what, reason);
    await resultOf(prepared);
    const sign = await signature;
    rememberRows(list, listing.rows, reason, context);
    for (const row of listing.rows) if (!isLeftOut(list, row, context)) await writeRow(out, list, row, context);
    // What is not all known is read as a whole again.
    if (reason !== undefined) continue;
    notes.whole(list, listing.rows, context, sign && 'value' in sign ? sign.value : undefined);
    whole.push(list.kind);
  }
  await writeMapping(out, gaps, lineage);
  await writeFiles(site, listed, context, out, gaps, files);
  return await writeListed(out, listed, context, gaps, { outcome: 'complete', kinds: whole });
};

/** Writes what changed of the site's scope, and which apps there are. */
export const writeSiteChanges = async (
  site: Site,
  changes: readonly ListChanges[],
  listed: ListedApps,
  context: SiteContext,
  out: ScopeWriter,
  notes: SiteNotes,
  files?: SiteFiles | undefined,
  lineage?: Pick<SiteLineage, 'manualDatasets' | 'unusedEdges'> | undefined,
): Promise<Outcome> => {
  const gaps = new Gaps();
  const self = await siteAsset(site, context, gaps);
  await out.open('site', site.connection.name);
  if (digestOf(self) !== notes.self) await out.asset(self);
  notes.self = digestOf(self);
  for (const { list, rows, gone, fault, signature, isAnew } of changes) {
    const known = notes.known(list)?.rows;
    if (fault !== undefined) gaps.note(list.what, fault);
    const changed = rows.filter((row) => isAnew || known?.get(row.id) !== rowDigest(row, context));
    if (changed.length > 0) await list.prepare?.(site, context, gaps);
    for (const row of changed)
      if (!isLeftOut(list, row, context)) await writeRow(out, list, row, context);
      else if (known?.has(row.id) === true) await out.gone(rowKey(list, row.id, context.keys));
    if (fault !== undefined) continue;
    for (const id of gone) await out.gone(rowKey(list, id, context.keys));
    notes.took(list, { rows, gone, signature }, context);
  }
  // Whether files changed is seen by reading them; those that are gone are noticed when everything is read.
  await writeMapping(out, gaps, lineage);
  await writeFiles(site, listed, context, out, gaps, files);
  return await writeListed(out, listed, context, gaps, { outcome: 'updated', kinds: [] });
};

/** What the mapping file says of the site, and what of it leads nowhere: nothing is gone because of that. */
const writeMapping = async (
  out: ScopeWriter,
  gaps: Gaps,
  lineage: Pick<SiteLineage, 'manualDatasets' | 'unusedEdges'> | undefined,
): Promise<void> => {
  if (lineage === undefined) return;
  await writeManualDatasets(out, lineage.manualDatasets());
  const { unusedEdges } = lineage;
  if (unusedEdges !== undefined) gaps.missing.push(missing('edges of the mapping file', unusedEdges));
};

const writeFiles = async (
  { connection }: Site,
  { apps }: ListedApps,
  { keys, namedApps }: SiteContext,
  out: ScopeWriter,
  gaps: Gaps,
  files: SiteFiles | undefined,
): Promise<void> => {
  if (files === undefined) return;
  const ids = new Set(apps.map(({ id }) => id.toLowerCase()));
  await writeQvdDatasets(out, {
    files,
    keys,
    origin: connection.origin,
    apps: ids,
    isFiltered: namedApps !== undefined,
    gaps,
  });
};

const siteAsset = async (site: Site, { keys }: SiteContext, gaps: Gaps): Promise<Asset> => {
  const { connection } = site;
  const about = await gaps.list('product version', site.about());
  return {
    kind: 'site',
    key: keys.site,
    name: connection.name,
    attributes: present({
      productVersion: about?.buildVersion,
      nodeType: String(about?.nodeType ?? ''),
      url: connection.displayUrl,
      environment: connection.environment,
      description: connection.description,
    }),
  };
};

/** Names all apps and ends the scope. Where the list of apps may lack some, none counts as gone. */
const writeListed = async (
  out: ScopeWriter,
  { apps, incomplete, rejected }: ListedApps,
  { keys, filter }: SiteContext,
  gaps: Gaps,
  whole: { readonly outcome: 'complete' | 'updated'; readonly kinds: readonly AssetKind[] },
): Promise<Outcome> => {
  const reason = incomplete ?? whyEmpty('apps', apps.length + rejected.length);
  if (reason !== undefined) gaps.note('apps', reason);
  for (const { id, name } of apps) await out.listed(keys.of(id), name);
  // A difference deletes only what it names, whatever else could not be read.
  const isWhole = whole.outcome === 'complete' ? !gaps.hasHoles : reason === undefined;
  if (isWhole) {
    await out.outcome(whole.outcome, { missing: gaps.missing });
    return whole.outcome;
  }
  const areAllApps = reason === undefined && tellsAllApps(gaps, filter);
  await out.outcome('partial', {
    missing: gaps.missing,
    whole: [...whole.kinds, ...(areAllApps ? ['app' as const] : [])],
  });
  return 'partial';
};

/** Lists that apps are judged by, where there is a filter: what cannot be read of them may be missing in the apps' rows. */
const JUDGED_BY: ReadonlySet<string> = new Set<Readable>(['streams', 'tags', 'custom properties', 'users']);

/**
 * Whether a list of apps that is whole by its count is one of all apps, though other lists are missing. Who sees no stream at
 * all may see none of the apps in them either, and is told a count without these.
 */
const tellsAllApps = ({ missing }: Gaps, filter: Filter): boolean =>
  !missing.some(
    ({ what, code }) =>
      (what === 'streams' && code === 'qlik.kinds_not_visible') || (filter !== EVERYTHING && JUDGED_BY.has(what)),
  );

/**
 * Reads what apps need of a site whose scope is not written: owners want their e-mail addresses, charts their extensions.
 * What cannot be read is as an earlier crawl knew it, or left out.
 */
export const rememberSite = async (site: Site, context: SiteContext): Promise<void> => {
  await Promise.all(
    SITE_LISTS.map(async (list) => {
      if (list.remember === undefined) return;
      const read = list.rows(site).catch((error: unknown) => ({ rows: [], incomplete: asFault(error) }));
      const { rows, incomplete } = whyNotAll(list, await read);
      rememberRows(list, rows, incomplete, context);
    }),
  );
};

type Rows = Pick<Listing<SiteRow>, 'rows' | 'incomplete'>;

/** A list, or none of it with the reason: a service that fails for one list may well answer the others. */
const orWhyNot = async (read: Settled<Listing<SiteRow>>): Promise<Rows> => {
  try {
    return await resultOf(read);
  } catch (error) {
    if (!(error instanceof Fault) || isOfTheCrawl(error)) throw error;
    return { rows: [], incomplete: error };
  }
};

/** A list with the reason why these rows may not be all. */
const whyNotAll = (list: SiteList, { rows, incomplete }: Rows): Rows => ({
  rows,
  incomplete: incomplete ?? (list.isNeverEmpty ? whyEmpty(list.what, rows.length) : undefined),
});

/**
 * The list of apps is what a crawl stands on: without it there is none. With a filter the repository is asked for what it may
 * keep, as far as that can be said to it; what comes still has to be judged.
 */
export const listApps = async (site: Site, filter: Filter = EVERYTHING): Promise<Listing<QrsApp>> => {
  const asked = toQrs(filter, 'app');
  if (asked.type === 'some') {
    // A filter that the repository does not take, or finds nothing with, is no word on what there is.
    const listing = await site.apps(asked.filter).catch((error: unknown) => {
      if (error instanceof Fault && error.code === 'qlik.protocol') return undefined;
      throw error;
    });
    if (listing !== undefined && listing.rows.length > 0) return listing;
  }
  const apps = await site.apps();
  if (apps.rows.length === 0 && apps.incomplete !== undefined) {
    throw apps.incomplete;
  }
  return apps;
};
