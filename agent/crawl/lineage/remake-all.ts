import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { RecordSink } from '#agent/spool/sink.ts';
import type { Connection } from '#config/connection/connection.ts';
import { EVERYTHING, type Filter } from '#config/filter/filter.ts';
import { Fault } from '#protocol/errors.ts';
import type { LineageOptions } from '#protocol/job-options.ts';
import { siteAppContext } from '../app-context.ts';
import { UNKNOWN_OBJECTS } from '../delta/objects.ts';
import { ASKED } from '../delta/reasons.ts';
import { surveyOf } from '../delta/survey.ts';
import { keptApps } from '../filtered.ts';
import { siteContext } from '../lists/site-list.ts';
import { ScopeWriter } from '../scope-writer.ts';
import { listApps, rememberSite } from '../site-scope.ts';
import { REMADE, writeRemade } from './remake.ts';
import type { LineageMeans } from './site-lineage.ts';

/** What a run brought. */
export interface Remade {
  /** Apps whose lineage was made anew. */
  readonly apps: number;
  /** Apps of which nothing is kept: a crawl has to read them first. */
  readonly unknown: number;
  readonly records: number;
}

export interface RemakeOptions {
  readonly asked: LineageOptions;
  readonly means: LineageMeans;
  readonly filter?: Filter | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly skipScopes?: ReadonlySet<string> | undefined;
  readonly onProgress?: (progress: Remade & { readonly of: number; readonly current: string }) => void;
}

/**
 * Makes the lineage of apps anew from what was kept of them and what surrounds them now. No app is opened: the repository is
 * asked which there are, and where data connections lead.
 *
 * @throws Fault `lineage.nothing_kept`; what ends a crawl
 */
export const remakeLineage = async (
  site: Site,
  connection: Connection,
  sink: RecordSink,
  options: RemakeOptions,
): Promise<Remade> => {
  const { asked, means, filter = EVERYTHING, signal, skipScopes } = options;
  const context = siteAppContext(site, connection, { filter, lineage: means, signal });
  await rememberSite(site, siteContext(context));
  const survey = await keptApps(surveyOf(await listApps(site, filter), UNKNOWN_OBJECTS, Date.now()), filter);
  const rows = survey.apps.flatMap(({ row }) => (row !== undefined && isAsked(row, asked) ? [row] : []));
  const kept = await context.lineage?.kept();
  let [apps, unknown, records] = [0, 0, 0];
  for (const row of rows) {
    signal?.throwIfAborted();
    const key = context.keys.of(row.id);
    if (skipScopes?.has(key) === true) continue;
    options.onProgress?.({ apps, unknown, records, of: rows.length, current: row.name });
    const content = await kept?.read(row.id);
    const made = content && (await context.lineage?.of(row, content));
    if (content === undefined || made === undefined) {
      unknown += 1;
      continue;
    }
    const out = new ScopeWriter(sink, key, () => Promise.resolve({ reason: ASKED }), REMADE);
    await writeRemade(out, row, content, context, made);
    apps += 1;
    records += out.records;
  }
  if (apps === 0 && unknown > 0)
    throw new Fault('lineage.nothing_kept', `Of none of the ${unknown} apps anything is kept on the agent's machine`);
  return { apps, unknown, records };
};

const isAsked = ({ id, stream }: QrsApp, { only }: LineageOptions): boolean =>
  only === undefined || only.apps.includes(id) || (stream !== null && only.streams.includes(stream.id));
