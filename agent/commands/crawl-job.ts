import type { JobHandler } from '#agent/bridge/job-handler.ts';
import { crawl } from '#agent/crawl/crawl.ts';
import type { Dialer } from '#agent/network/dialer.ts';
import type { Log } from '#agent/qlik/log.ts';
import type { QlikObserver } from '#agent/qlik/observer.ts';
import { openSite } from '#agent/qlik/site.ts';
import type { ConnectionFolder } from '#config/folder.ts';
import { describeWay } from '#config/proxy.ts';
import { Fault } from '#protocol/errors.ts';

/** Does the jobs of kind `crawl` against the connections of a folder. */
export const crawlJob = (
  folder: ConnectionFolder,
  dialer: Dialer,
  log: Log,
  observer?: QlikObserver,
  allowsScripts: (connection: string) => boolean = () => true,
): JobHandler => ({
  run: async (spec, sink, { signal, skipScopes, onProgress }) => {
    // Taken once: a crawl keeps the version that was in force when it began.
    const connection = folder.get(spec.connection);
    if (connection === undefined) {
      const broken = folder.states().find((state) => state.code === spec.connection && state.state === 'error');
      throw broken === undefined
        ? new Fault('job.unknown_connection', `This agent has no connection ${spec.connection}`)
        : new Fault('job.connection_invalid', `${broken.file} cannot be used: ${broken.problems[0]?.message ?? ''}`);
    }
    if (!connection.enabled) {
      throw new Fault('job.connection_invalid', `The connection ${spec.connection} is disabled`, {
        advice: `Set enabled = true in ${connection.file}.`,
      });
    }
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
