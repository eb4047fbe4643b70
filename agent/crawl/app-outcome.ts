import type { Log } from '#agent/qlik/log.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import { faultFields } from '#config/redaction/logged.ts';
import { Fault } from '#protocol/errors.ts';
import type { Missing, Outcome } from '#protocol/records.ts';
import type { AppContent } from './app-content.ts';
import type { AppContext } from './app-context.ts';
import { writeApp, writeAppContent } from './app-scope.ts';
import { engineAdvice } from './engine-advice.ts';
import { keptObjects, keptSheets } from './filtered.ts';
import type { AppLineage } from './lineage/site-lineage.ts';
import { missing } from './missing.ts';
import { writePictures } from './pictures/write-pictures.ts';
import { writeRepositoryContent } from './repository-only.ts';
import type { ScopeWriter } from './scope-writer.ts';
import type { Unread } from './visits.ts';

/** Writes the scope of an app that was visited, with the outcome that the visit had. */
export const writeAppScope = async (
  out: ScopeWriter,
  row: QrsApp,
  read: AppContent | Unread,
  context: AppContext,
  log: Log,
  lineage?: AppLineage,
): Promise<Outcome> => {
  await out.open('app', row.name);
  if ('fault' in read) return await writeUnread(out, row, read, context, log);
  const kept = keptSheets(row, read, context);
  await writeApp(out, row, context, kept, lineage);
  const unknown = await writeAppContent(out, row, context, kept, lineage);
  if (kept.thumbnails !== undefined) await writePictures(out, row, context.keys, kept, kept.thumbnails);
  const lacking = [...read.gaps.missing, ...missingLists(context)];
  // What only the lineage lacks hides nothing that is gone.
  const outcome = lacking.length === 0 ? 'complete' : 'partial';
  await out.outcome(outcome, {
    missing: [...lacking, ...unknown],
    ...(outcome === 'partial' ? { whole: read.gaps.wholeOfApp } : {}),
  });
  return outcome;
};

/** What apps are written without because a list of the site could not be read. */
const missingLists = ({ unread }: AppContext): Missing[] => [...unread].map(([list, fault]) => missing(list, fault));

/** Why an app has no tables and fields even where the engine answers. */
const OF_THE_MODEL: ReadonlySet<string> = new Set(['qlik.data_model_unavailable', 'qlik.forbidden']);

/** What only the engine tells of an app, in words. */
const INSIDE = 'charts, definitions, variables and load script';

/** An app that was not opened: what the repository told of it, and what would have it opened. */
const writeUnread = async (
  out: ScopeWriter,
  row: QrsApp,
  { fault, isEngineAway, repository }: Unread,
  context: AppContext,
  log: Log,
): Promise<Outcome> => {
  // Said once for all of them, not once for each.
  if (!isEngineAway)
    log.warn({ appId: row.id, reason: fault.message, ...faultFields(fault) }, 'the app could not be read');
  if (fault.code === 'qlik.not_found') {
    await out.outcome('gone', { error: fault });
    return 'gone';
  }
  await writeApp(out, row, context, repository);
  if (repository !== undefined) await writeRepositoryContent(out, row, context, keptObjects(row, repository, context));
  const reason = isEngineAway ? withAdvice(fault, context) : fault;
  const gaps: Missing[] = [...(repository?.gaps.missing ?? []), ...missingLists(context)];
  const model = repository?.model;
  if (model?.available !== true && row.lastReloadTime !== null)
    gaps.unshift(
      missing('tables and fields', OF_THE_MODEL.has(model?.reason.code ?? '') ? (model?.reason ?? reason) : reason),
    );
  if (!isEngineAway && fault.code !== 'qlik.app_too_large') {
    const outcome = fault.code === 'qlik.access_denied' ? 'denied' : 'failed';
    await out.outcome(outcome, { error: fault, missing: gaps });
    return outcome;
  }
  await out.outcome('partial', { missing: [missing(INSIDE, reason), ...gaps] });
  return 'partial';
};

const withAdvice = (fault: Fault, { connection }: AppContext): Fault =>
  new Fault(fault.code, fault.message, { advice: engineAdvice(fault, connection), retryable: fault.retryable });
