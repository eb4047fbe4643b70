import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Listing } from '#agent/qlik/repository/listing.ts';
import type { Site } from '#agent/qlik/site.ts';
import { EVERYTHING } from '#config/filter/filter.ts';
import type { CrawlOptions as AskedOptions } from '#protocol/job-options.ts';
import type { Reason } from '#protocol/records.ts';
import type { AppContext } from './app-context.ts';
import { UNKNOWN_OBJECTS } from './delta/objects.ts';
import { REQUESTED } from './delta/reasons.ts';
import { surveyOf } from './delta/survey.ts';
import { keptApps } from './filtered.ts';
import { siteContext } from './lists/site-list.ts';
import { listApps, rememberSite } from './site-scope.ts';

/** The apps that a crawl was asked for by name, and those of the streams that it was asked for. */
export const requestedApps = async (
  site: Site,
  only: NonNullable<AskedOptions['only']>,
  context: AppContext,
): Promise<{ readonly apps: Listing<QrsApp>; readonly reason: Reason }> => {
  // Without it an app would be written with less than before.
  await rememberSite(site, siteContext(context));
  const [ids, streams] = [new Set(only.apps), new Set(only.streams)];
  const { rows, ...rest } = await listApps(site, context.filter);
  const all = surveyOf({ ...rest, rows }, UNKNOWN_OBJECTS, 0);
  context.lineage?.knows((await keptApps(all, context.filter ?? EVERYTHING)).apps);
  const wanted = rows.filter(({ id, stream }) => ids.has(id) || (stream !== null && streams.has(stream.id)));
  return { apps: { ...rest, rows: wanted }, reason: REQUESTED };
};
