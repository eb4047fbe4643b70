import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Listing } from '#agent/qlik/repository/listing.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { Readable } from '#config/connection/rights.ts';
import { Fault } from '#protocol/errors.ts';
import type { Outcome } from '#protocol/records.ts';
import { present } from './attributes.ts';
import { SITE_LISTS } from './lists/lists.ts';
import { type SiteContext, siteContext, writeRow } from './lists/site-list.ts';
import { Gaps } from './missing.ts';
import { writeQvdDatasets } from './qvd-datasets.ts';
import type { ScopeWriter } from './scope-writer.ts';
import { resultOf, settled } from './settled.ts';
import type { SiteFiles } from './site-files.ts';

/**
 * Writes the site scope: the site, what QRS lists of it, and which apps there are. A list that the user may not read, or
 * that disagrees with QRS's own count, makes the scope `partial`, so that nothing is deleted on it.
 */
export const writeSiteScope = async (
  site: Site,
  apps: Listing<QrsApp>,
  { people, keys, extensions }: Pick<SiteContext, 'people' | 'keys' | 'extensions'>,
  out: ScopeWriter,
  files?: SiteFiles | undefined,
): Promise<Outcome> => {
  const { connection } = site;
  const gaps = new Gaps();
  // All at once: they are independent, and the repository takes long for each.
  const context = siteContext(keys, people, extensions);
  const lists = SITE_LISTS.map((list) => ({
    list,
    rows: settled(list.rows(site)),
    prepared: settled(list.prepare?.(site, context, gaps) ?? Promise.resolve()),
  }));
  const about = await gaps.list('product version', site.about());
  await out.open('site', connection.name);
  await out.asset({
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
  });
  for (const { list, rows, prepared } of lists) {
    const listing = await gaps.list(list.what, resultOf(rows));
    await resultOf(prepared);
    if (listing === undefined) continue;
    const reason = listing.incomplete ?? (list.isNeverEmpty ? whyEmpty(list.what, listing) : undefined);
    if (reason !== undefined) gaps.note(list.what, reason);
    for (const row of listing.rows) list.remember?.(row, context);
    for (const row of listing.rows) await writeRow(out, list, row, context);
  }
  if (files !== undefined) {
    const ids = new Set(apps.rows.map(({ id }) => id.toLowerCase()));
    await writeQvdDatasets(out, { files, keys, origin: connection.origin, apps: ids, gaps });
  }
  const reason = apps.incomplete ?? whyEmpty('apps', apps);
  if (reason !== undefined) gaps.note('apps', reason);
  for (const app of apps.rows) await out.listed(keys.of(app.id), app.name);
  const outcome = gaps.hasHoles ? 'partial' : 'complete';
  await out.outcome(outcome, { missing: gaps.missing });
  return outcome;
};

/**
 * Reads what apps need of a site whose scope is not written: owners want their e-mail addresses, charts their extensions.
 * What cannot be read is left out.
 */
export const rememberSite = async (
  site: Site,
  { people, keys, extensions }: Pick<SiteContext, 'people' | 'keys' | 'extensions'>,
): Promise<void> => {
  const context = siteContext(keys, people, extensions);
  await Promise.all(
    SITE_LISTS.map(async (list) => {
      if (list.remember === undefined) return;
      const listing = await list.rows(site).catch(() => undefined);
      for (const row of listing?.rows ?? []) list.remember(row, context);
    }),
  );
};

/**
 * Of some things every site has a few. The repository lists and counts only what the user may read: a list without rows
 * is then no empty one but a right that is missing, and deleting on it would empty the catalog.
 */
const whyEmpty = (what: Readable, { rows }: Listing<unknown>): Fault | undefined => {
  if (rows.length > 0) return undefined;
  const code =
    what === 'apps'
      ? 'qlik.nothing_visible'
      : what === 'data connections'
        ? 'qlik.connections_not_visible'
        : 'qlik.kinds_not_visible';
  return new Fault(code, `The repository shows the user no ${what} at all`);
};

/** The list of apps is what a crawl stands on: without it there is none. */
export const listApps = async (site: Site): Promise<Listing<QrsApp>> => {
  const apps = await site.apps();
  if (apps.rows.length === 0 && apps.incomplete !== undefined) {
    throw apps.incomplete;
  }
  return apps;
};
