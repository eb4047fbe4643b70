import type { JobHandler } from '#agent/bridge/job-handler.ts';
import { drawPreview } from '#agent/crawl/pictures/preview.ts';
import type { Dialer } from '#agent/network/dialer.ts';
import type { Log } from '#agent/qlik/log.ts';
import type { QlikObserver } from '#agent/qlik/observer.ts';
import { openSite } from '#agent/qlik/site.ts';
import type { ConnectionFolder } from '#config/folder.ts';
import { Fault } from '#protocol/errors.ts';
import { PreviewOptions } from '#protocol/job-options.ts';
import { filterInForce } from './filter-in-force.ts';
import { connectionOfJob } from './job-connection.ts';
import { optionsOf } from './job-options.ts';

/**
 * Does the jobs of kind `preview`: draws the sheets of one app anew. Whether it may be done with data is for the policy to
 * say, before this is called. All of it has the time that a crawl gives one app.
 */
export const previewJob = (
  folder: Pick<ConnectionFolder, 'get' | 'states'>,
  dialer: Dialer,
  log: Log,
  observer?: QlikObserver,
): JobHandler => ({
  run: async (spec, sink, { signal, onProgress }) => {
    const options = optionsOf(PreviewOptions, spec);
    const connection = connectionOfJob(folder, spec.connection);
    const { app, data } = options;
    const filter = filterInForce(connection, options.settings);
    const late = new AbortController();
    const { appTimeoutMs } = connection.crawl;
    const timer = setTimeout(() => {
      late.abort(new Fault('qlik.app_timeout', `The preview of app ${app} took longer than ${appTimeoutMs} ms`));
    }, appTimeoutMs);
    const end = AbortSignal.any([signal, late.signal]);
    log.info({ jobId: spec.jobId, connection: connection.code, appId: app, data }, 'preview started');
    try {
      await using site = openSite(connection, { dialer, log, signal: end, observer });
      const pictures = await drawPreview(site, sink, filter, options, end, ({ done, total, sheet }) =>
        onProgress({ scopesDone: done, scopesTotal: total, records: done, current: sheet === '' ? [] : [sheet] }),
      );
      log.info({ jobId: spec.jobId, connection: connection.code, appId: app, data, pictures }, 'preview done');
    } finally {
      clearTimeout(timer);
    }
  },
});
