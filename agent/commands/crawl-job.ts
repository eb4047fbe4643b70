import { join } from 'node:path';
import type { JobHandler } from '#agent/bridge/job-handler.ts';
import { crawl } from '#agent/crawl/crawl.ts';
import { CHECKPOINT_FOLDER } from '#agent/crawl/delta/checkpoint.ts';
import type { Dialer } from '#agent/network/dialer.ts';
import type { Log } from '#agent/qlik/log.ts';
import type { QlikObserver } from '#agent/qlik/observer.ts';
import { openSite } from '#agent/qlik/site.ts';
import type { ConnectionFolder } from '#config/folder.ts';
import { describeWay } from '#config/proxy.ts';
import { CrawlOptions } from '#protocol/job-options.ts';
import { filterInForce } from './filter-in-force.ts';
import { connectionOfJob } from './job-connection.ts';
import { optionsOf } from './job-options.ts';
import type { LineageOf } from './lineage-means.ts';
import { VERSION } from './version.ts';

/** So many reasons why something is missing get a line in the log, the widest first. */
const LOGGED_REASONS = 8;

/** Does the jobs of kind `crawl` against the connections of a folder. */
export const crawlJob = (
  folder: ConnectionFolder,
  dialer: Dialer,
  log: Log,
  observer?: QlikObserver,
  allowsScripts: (connection: string) => boolean = () => true,
  /** Where and for whom states are kept from crawl to crawl; undefined: nowhere. */
  kept?: { readonly stateFolder: string; readonly owner: string },
  /** Undefined: no lineage is made. */
  lineageOf?: LineageOf,
): JobHandler => ({
  run: async (spec, sink, { signal, skipScopes, onProgress }) => {
    const connection = connectionOfJob(folder, spec.connection);
    const way = describeWay(connection.proxy, connection.origin);
    log.info({ jobId: spec.jobId, connection: connection.code, url: connection.displayUrl, way }, 'crawl started');
    const asked = optionsOf(CrawlOptions, spec);
    await using site = openSite(connection, { dialer, log, signal, observer });
    const summary = await crawl(site, connection, sink, {
      signal,
      skipScopes,
      log,
      // A crawl that rests goes on when somebody takes the quiet hours out of the file.
      quietHours: () => (folder.get(connection.code) ?? connection).crawl.quietHours,
      scripts: allowsScripts(connection.code),
      asked,
      filter: filterInForce(connection, asked.settings),
      lineage: await lineageOf?.(connection.code),
      ...(kept === undefined
        ? {}
        : {
            checkpoints: {
              folder: join(kept.stateFolder, CHECKPOINT_FOLDER),
              job: spec.jobId,
              owner: kept.owner,
              crawler: VERSION,
              flush: () => sink.flush(),
            },
          }),
      onProgress: ({ appsTotal, appsDone, appsSkipped, records, reading, slowed }) =>
        onProgress({
          // The site is a scope too.
          scopesDone: appsDone + appsSkipped + 1,
          scopesTotal: appsTotal === null ? null : appsTotal + 1,
          records,
          current: slowed === undefined ? reading : slowed.paused ? [slowed.text] : [...reading, slowed.text],
        }),
    });
    const { appsTotal, records, outcomes, durationMs, missing } = summary;
    for (const { code, advice, what, scopes } of missing.slice(0, LOGGED_REASONS)) {
      log.warn({ jobId: spec.jobId, connection: connection.code, code, what, scopes, advice }, 'not all could be read');
    }
    log.info(
      { jobId: spec.jobId, connection: connection.code, appsTotal, records, outcomes, durationMs },
      'crawl done',
    );
  },
});
