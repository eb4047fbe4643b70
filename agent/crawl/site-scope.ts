import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Listing } from '#agent/qlik/repository/listing.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { Outcome } from '#protocol/records.ts';
import { present } from './attributes.ts';
import type { Keys } from './keys.ts';
import { SITE_LISTS } from './lists/lists.ts';
import { writeRow } from './lists/site-list.ts';
import { Gaps } from './missing.ts';
import type { People } from './people.ts';
import type { ScopeWriter } from './scope-writer.ts';
import { resultOf, settled } from './settled.ts';

/**
 * Writes the site scope: the site, what QRS lists of it, and which apps there are. A list that the user may not read, or
 * that disagrees with QRS's own count, makes the scope `partial`, so that nothing is deleted on it.
 */
export const writeSiteScope = async (
  site: Site,
  apps: Listing<QrsApp>,
  people: People,
  keys: Keys,
  out: ScopeWriter,
): Promise<Outcome> => {
  const { connection } = site;
  const gaps = new Gaps();
  // All at once: they are independent, and the repository takes long for each.
  const lists = SITE_LISTS.map((list) => ({ list, rows: settled(list.rows(site)) }));
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
  const context = { keys, people };
  for (const { list, rows } of lists) {
    const listing = await gaps.list(list.what, resultOf(rows));
    if (listing === undefined) continue;
    if (listing.incomplete !== undefined) gaps.note(list.what, listing.incomplete);
    for (const row of listing.rows) list.remember?.(row, context);
    for (const row of listing.rows) await writeRow(out, list, row, context);
  }
  if (apps.incomplete !== undefined) gaps.note('apps', apps.incomplete);
  for (const app of apps.rows) await out.listed(keys.of(app.id), app.name);
  const outcome = gaps.missing.length === 0 ? 'complete' : 'partial';
  await out.outcome(outcome, { missing: gaps.missing });
  return outcome;
};

/** The list of apps is what a crawl stands on: without it there is none. */
export const listApps = async (site: Site): Promise<Listing<QrsApp>> => {
  const apps = await site.apps();
  if (apps.rows.length === 0 && apps.incomplete !== undefined) {
    throw apps.incomplete;
  }
  return apps;
};
