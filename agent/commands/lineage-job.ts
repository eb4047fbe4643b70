import { join } from 'node:path';
import type { JobHandler } from '#agent/bridge/job-handler.ts';
import { CHECKPOINT_FOLDER } from '#agent/crawl/delta/checkpoint.ts';
import { remakeLineage } from '#agent/crawl/lineage/remake-all.ts';
import type { Dialer } from '#agent/network/dialer.ts';
import type { Log } from '#agent/qlik/log.ts';
import type { QlikObserver } from '#agent/qlik/observer.ts';
import { openSite } from '#agent/qlik/site.ts';
import type { ConnectionFolder } from '#config/folder.ts';
import { LineageOptions } from '#protocol/job-options.ts';
import { filterInForce } from './filter-in-force.ts';
import { connectionOfJob } from './job-connection.ts';
import { optionsOf } from './job-options.ts';
import type { LineageOf } from './lineage-means.ts';

/** Does the jobs of kind `lineage`: makes the lineage of apps anew from what was kept of them, and opens none. */
export const lineageJob = (
  folder: Pick<ConnectionFolder, 'get' | 'states'>,
  dialer: Dialer,
  log: Log,
  lineageOf: LineageOf,
  /** Where and for whom states are kept from crawl to crawl. */
  kept: { readonly stateFolder: string; readonly owner: string },
  observer?: QlikObserver,
): JobHandler => ({
  run: async (spec, sink, { signal, skipScopes, onProgress }) => {
    const asked = optionsOf(LineageOptions, spec);
    const connection = connectionOfJob(folder, spec.connection);
    log.info({ jobId: spec.jobId, connection: connection.code }, 'lineage started');
    await using site = openSite(connection, { dialer, log, signal, observer });
    const { apps, unknown, scriptless, records } = await remakeLineage(site, connection, sink, {
      ...{ asked, signal, skipScopes },
      means: await lineageOf(connection.code),
      filter: filterInForce(connection, asked.settings),
      checkpoints: {
        folder: join(kept.stateFolder, CHECKPOINT_FOLDER),
        job: spec.jobId,
        owner: kept.owner,
        flush: () => sink.flush(),
      },
      onUnused: ({ code, message, advice }) => log.warn({ jobId: spec.jobId, code, advice }, message),
      onProgress: ({ done, of, records: made, current }) =>
        onProgress({
          scopesDone: done,
          scopesTotal: of,
          records: made,
          current: current === undefined ? [] : [current],
        }),
    });
    log.info({ jobId: spec.jobId, connection: connection.code, apps, unknown, scriptless, records }, 'lineage done');
  },
});
