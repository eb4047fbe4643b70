import type { JobHandler } from '#agent/bridge/job-handler.ts';
import { crawl } from '#agent/crawl/crawl.ts';
import type { Dialer } from '#agent/network/dialer.ts';
import type { Log } from '#agent/qlik/log.ts';
import type { QlikObserver } from '#agent/qlik/observer.ts';
import { openSite } from '#agent/qlik/site.ts';
import type { ConnectionFolder } from '#config/folder.ts';
import { describeWay } from '#config/proxy.ts';
import { connectionOfJob } from './job-connection.ts';

/** Does the jobs of kind `crawl` against the connections of a folder. */
export const crawlJob = (
  folder: ConnectionFolder,
  dialer: Dialer,
  log: Log,
  observer?: QlikObserver,
  allowsScripts: (connection: string) => boolean = () => true,
): JobHandler => ({
  run: async (spec, sink, { signal, skipScopes, onProgress }) => {
    const connection = connectionOfJob(folder, spec.connection);
    const way = describeWay(connection.proxy, connection.origin);
    log.info({ jobId: spec.jobId, connection: connection.code, url: connection.displayUrl, way }, 'crawl started');
    await using site = openSite(connection, { dialer, log, signal, observer });
    const summary = await crawl(site, connection, sink, {
      signal,
      skipScopes,
      log,
      scripts: allowsScripts(connection.code),
      onProgress: ({ appsTotal, appsDone, appsSkipped, records, reading, slowed }) =>
        onProgress({
          // The site is a scope too.
          scopesDone: appsDone + appsSkipped + 1,
          scopesTotal: appsTotal === null ? null : appsTotal + 1,
          records,
          current: slowed === undefined ? reading : slowed.paused ? [slowed.text] : [...reading, slowed.text],
        }),
    });
    const { appsTotal, records, outcomes, durationMs } = summary;
    log.info(
      { jobId: spec.jobId, connection: connection.code, appsTotal, records, outcomes, durationMs },
      'crawl done',
    );
  },
});
