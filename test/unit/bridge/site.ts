import { createHash } from 'node:crypto';
import type { JobHandler } from '#agent/bridge/job-handler.ts';
import { recordLine } from '#agent/spool/record-size.ts';
import type { RecordSink } from '#agent/spool/sink.ts';
import type { StreamRecord } from '#protocol/records.ts';

/** A made-up site: scopes with assets that can be told apart, and that hardly compress if `bulkBytes` is large. */
export interface SiteShape {
  readonly apps: number;
  readonly assetsPerApp: number;
  /** Size of an attribute in each asset. */
  readonly bulkBytes: number;
}

const bulk = (seed: string, bytes: number): string => {
  let text = '';
  for (let n = 0; text.length < bytes; n += 1) text += createHash('sha256').update(`${seed}/${n}`).digest('base64url');
  return text.slice(0, bytes);
};

export const scopeRecords = (scope: string, assets: number, bulkBytes: number): StreamRecord[] => {
  const body: StreamRecord[] = Array.from({ length: assets }, (_, n) => ({
    t: 'asset',
    scope,
    key: `${scope}/${n}`,
    kind: 'sheet',
    name: `Sheet "${n}" of ${scope}`,
    parent: scope,
    attributes: { bulk: bulk(`${scope}/${n}`, bulkBytes) },
  }));
  const sha256 = createHash('sha256').update(body.map(recordLine).join('')).digest('hex');
  return [
    { t: 'scope', scope, kind: 'app', name: scope },
    ...body,
    { t: 'outcome', scope, outcome: 'complete', records: body.length, sha256 },
  ];
};

/** What the catalog must hold after a complete crawl: the lines of each scope. */
export const expectedScopes = (site: SiteShape): Map<string, string[]> =>
  new Map(
    Array.from({ length: site.apps }, (_, app) => {
      const scope = `site/app-${app}`;
      const lines = scopeRecords(scope, site.assetsPerApp, site.bulkBytes).slice(1, -1).map(recordLine);
      return [scope, lines];
    }),
  );

/** Crawls a {@link SiteShape}; `pace` is awaited before each record, `ran` counts the scopes that were read. */
export const siteHandler = (
  site: SiteShape,
  options: { readonly pace?: (scope: string) => Promise<void>; readonly ran?: string[] } = {},
): JobHandler => ({
  run: async (_spec, sink: RecordSink, { signal, skipScopes, onProgress }) => {
    for (let app = 0; app < site.apps; app += 1) {
      const scope = `site/app-${app}`;
      if (skipScopes.has(scope)) continue;
      options.ran?.push(scope);
      for (const record of scopeRecords(scope, site.assetsPerApp, site.bulkBytes)) {
        signal.throwIfAborted();
        await options.pace?.(scope);
        await sink.write(record);
      }
      onProgress({ scopesDone: app + 1, scopesTotal: site.apps, records: 0, current: [scope] });
    }
  },
});
