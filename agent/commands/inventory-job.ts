import type { JobHandler } from '#agent/bridge/job-handler.ts';
import { ruleTexts, takeInventory } from '#agent/crawl/inventory.ts';
import { refuseInQuietHours } from '#agent/crawl/quiet-hours.ts';
import type { Dialer } from '#agent/network/dialer.ts';
import type { Log } from '#agent/qlik/log.ts';
import type { QlikObserver } from '#agent/qlik/observer.ts';
import { openSite } from '#agent/qlik/site.ts';
import type { ConnectionFolder } from '#config/folder.ts';
import { InventoryOptions } from '#protocol/job-options.ts';
import { filterInForce } from './filter-in-force.ts';
import { connectionOfJob } from './job-connection.ts';
import { optionsOf } from './job-options.ts';

/**
 * Does the jobs of kind `inventory`: which streams, apps and sheets there are, and what the filter in force says of each. No
 * app is opened.
 */
export const inventoryJob = (
  folder: Pick<ConnectionFolder, 'get' | 'states'>,
  dialer: Dialer,
  log: Log,
  observer?: QlikObserver,
): JobHandler => ({
  run: async (spec, sink, { signal, onProgress }) => {
    const options = optionsOf(InventoryOptions, spec);
    const connection = connectionOfJob(folder, spec.connection);
    refuseInQuietHours(connection);
    const filter = filterInForce(connection, options.settings);
    log.info({ jobId: spec.jobId, connection: connection.code }, 'inventory started');
    await using site = openSite(connection, { dialer, log, signal, observer });
    // An attempt that is begun again after a crash leaves behind what it had listed before.
    await sink.write({ t: 'inventory', rules: ruleTexts(filter) });
    const found = { kept: 0, rejected: 0 };
    for await (const items of takeInventory(site, filter, options)) {
      for (const item of items) {
        signal.throwIfAborted();
        found[item.kept ? 'kept' : 'rejected'] += 1;
        await sink.write(item);
      }
      const records = found.kept + found.rejected;
      onProgress({ scopesDone: records, scopesTotal: null, records, current: [] });
    }
    log.info({ jobId: spec.jobId, connection: connection.code, ...found }, 'inventory done');
  },
});
