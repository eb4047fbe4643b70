import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { RecordSink } from '#agent/spool/sink.ts';
import type { Connection } from '#config/connection/connection.ts';
import { EVERYTHING, type Filter } from '#config/filter/filter.ts';
import { Fault } from '#protocol/errors.ts';
import type { LineageOptions } from '#protocol/job-options.ts';
import type { Reason } from '#protocol/records.ts';
import { siteAppContext } from '../app-context.ts';
import { type Checkpoint, type KnownApp, loadCheckpoint } from '../delta/checkpoint.ts';
import type { CheckpointPlace } from '../delta/delta.ts';
import { UNKNOWN_OBJECTS } from '../delta/objects.ts';
import { ASKED, lineageOf, NO_SCRIPT, NOT_KEPT } from '../delta/reasons.ts';
import {
  beginRemade,
  type RemadeNotes,
  type RemadeWith,
  readRemade,
  saveRemade,
  withRemade,
} from '../delta/remade-notes.ts';
import { surveyOf } from '../delta/survey.ts';
import { keptApps } from '../filtered.ts';
import { siteContext } from '../lists/site-list.ts';
import { ScopeWriter } from '../scope-writer.ts';
import { listApps, rememberSite } from '../site-scope.ts';
import { remakeApp } from './remake.ts';
import type { LineageMeans } from './site-lineage.ts';

/** What a run brought. */
export interface Remade {
  /** Apps whose lineage was made anew. */
  readonly apps: number;
  /** Apps of which nothing is kept: a crawl has to read them first. */
  readonly unknown: number;
  /** Apps of which there is no lineage to make: no script of theirs could be read. */
  readonly scriptless: number;
  readonly records: number;
}

export interface RemakeOptions {
  readonly asked: LineageOptions;
  readonly means: LineageMeans;
  /** Where crawls leave what the next one goes on from; absent: nowhere. */
  readonly checkpoints?: Omit<CheckpointPlace, 'crawler'> | undefined;
  readonly filter?: Filter | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly skipScopes?: ReadonlySet<string> | undefined;
  /** Told of what the mapping file says in vain. */
  readonly onUnused?: (fault: Fault) => void;
  /** Before each app that was asked for, and when all are done. */
  readonly onProgress?: (progress: RemakeProgress) => void;
}

export interface RemakeProgress {
  /** Apps that were looked at, whatever came of it. */
  readonly done: number;
  readonly of: number;
  readonly records: number;
  /** Name of the app that is being looked at; absent when all are done. */
  readonly current?: string;
}

/** What the crawls before left, as far as this agent wrote it for this catalog. */
interface Before {
  readonly checkpoint: Checkpoint;
  readonly notes: RemadeNotes | undefined;
  /** Whether the catalog has what the checkpoint says. */
  readonly isCatalogs: boolean;
}

/**
 * Makes the lineage of apps anew from what was kept of them and what surrounds them now. No app is opened: the repository is
 * asked which there are, and where data connections lead. With what it was made is noted beside the checkpoint, so that the
 * next crawl does not make the same again. Of apps that were asked for and are not kept the scope is told as unchanged, with
 * the reason.
 *
 * @throws Fault `lineage.nothing_kept`; what ends a crawl
 */
export const remakeLineage = async (
  site: Site,
  connection: Connection,
  sink: RecordSink,
  options: RemakeOptions,
): Promise<Remade> => {
  const { asked, means, checkpoints, filter = EVERYTHING, signal, skipScopes } = options;
  const before = await readBefore(connection.code, asked, checkpoints);
  // Lists that cannot be read today are as the crawl knew them: an app must not lose what it has by that.
  const earlier = before?.checkpoint.site;
  const context = siteAppContext(site, connection, { earlier, filter, lineage: means, signal });
  await rememberSite(site, siteContext(context));
  const survey = await keptApps(surveyOf(await listApps(site, filter), UNKNOWN_OBJECTS, Date.now()), filter);
  const known = new Map<string, KnownApp>(before?.checkpoint.apps);
  const remade = new Map<string, RemadeWith>();
  context.lineage?.knows(survey.apps);
  const unused = context.lineage?.unusedEdges;
  if (unused !== undefined) options.onUnused?.(unused);
  const rows = survey.apps.flatMap(({ row }) => (row !== undefined && isAsked(row, asked) ? [row] : []));
  const reasons = new Map<string, Reason>();
  for (const { id } of rows) {
    signal?.throwIfAborted();
    // What the catalog does not have of the checkpoint nobody can compare with: then all counts as changed.
    const isCompared = asked.changed !== undefined && before?.isCatalogs === true;
    const changed = isCompared ? await context.lineage?.changed(known.get(id)?.lineage ?? []) : undefined;
    if (!isCompared) reasons.set(id, ASKED);
    else if (changed !== undefined) reasons.set(id, lineageOf(changed));
  }
  const about = { code: connection.code, checkpoint: before?.checkpoint.name ?? '' };
  if (checkpoints !== undefined && before !== undefined && reasons.size > 0)
    await beginRemade(checkpoints.folder, about, before.notes, [...reasons.keys()]);
  let [apps, unknown, scriptless, records] = [0, 0, 0, 0];
  const written: string[] = [];
  for (const [done, row] of rows.entries()) {
    signal?.throwIfAborted();
    const key = context.keys.of(row.id);
    if (skipScopes?.has(key) === true) {
      written.push(row.id);
      continue;
    }
    options.onProgress?.({ done, of: rows.length, records, current: row.name });
    const reason = reasons.get(row.id);
    if (reason === undefined) continue;
    const made = await remakeApp(sink, row, context, (inputs) => {
      remade.set(row.id, inputs);
      return Promise.resolve({ reason });
    });
    if (made !== undefined) {
      apps += 1;
      records += made.out.records;
      continue;
    }
    const why = known.has(row.id) && known.get(row.id)?.lineage === undefined ? NO_SCRIPT : NOT_KEPT;
    if (why === NO_SCRIPT) scriptless += 1;
    else unknown += 1;
    const out = new ScopeWriter(sink, key, () => Promise.resolve({ reason: why }));
    await out.open('app', row.name);
    await out.outcome('unchanged');
  }
  options.onProgress?.({ done: rows.length, of: rows.length, records });
  if (apps === 0 && unknown > 0)
    throw new Fault('lineage.nothing_kept', `Of none of the ${unknown} apps anything is kept on the agent's machine`);
  // Also when nothing was remade: the catalog will name this job.
  if (checkpoints !== undefined && before !== undefined) {
    await checkpoints.flush?.();
    // One that was lost or cancelled meanwhile is not told of as done.
    signal?.throwIfAborted();
    const made = { job: checkpoints.job, published: asked.lineageJob, apps: remade, earlier: written };
    await saveRemade(checkpoints.folder, about, before.notes, made);
  }
  return { apps, unknown, scriptless, records };
};

const readBefore = async (
  code: string,
  { checkpoint: named, lineageJob }: LineageOptions,
  place: RemakeOptions['checkpoints'],
): Promise<Before | undefined> => {
  if (place === undefined) return undefined;
  const loaded = await loadCheckpoint(place.folder, code);
  if (loaded.type !== 'checkpoint' || loaded.checkpoint.identity.owner !== place.owner) return undefined;
  const noted = await readRemade(place.folder, code);
  const notes = noted?.checkpoint === loaded.checkpoint.name ? noted : undefined;
  const isCatalogs = loaded.checkpoint.name === named;
  return { checkpoint: withRemade(loaded.checkpoint, notes, lineageJob), notes, isCatalogs };
};

const isAsked = ({ id, stream }: QrsApp, { only }: LineageOptions): boolean =>
  only === undefined || only.apps.includes(id) || (stream !== null && only.streams.includes(stream.id));
