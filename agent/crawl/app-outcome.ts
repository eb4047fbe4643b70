import type { Log } from '#agent/qlik/log.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import { faultFields } from '#config/redaction/logged.ts';
import { Fault } from '#protocol/errors.ts';
import type { Outcome } from '#protocol/records.ts';
import type { AppContent } from './app-content.ts';
import { type AppContext, writeApp, writeAppContent } from './app-scope.ts';
import { missing } from './missing.ts';
import { writePictures } from './pictures/write-pictures.ts';
import type { ScopeWriter } from './scope-writer.ts';

/** Writes the scope of an app that was visited, with the outcome that the visit had. */
export const writeAppScope = async (
  out: ScopeWriter,
  row: QrsApp,
  read: AppContent | Fault,
  context: AppContext,
  log: Log,
): Promise<Outcome> => {
  await out.open('app', row.name);
  if (read instanceof Fault) {
    log.warn({ appId: row.id, reason: read.message, ...faultFields(read) }, 'the app could not be read');
    if (read.code === 'qlik.not_found') {
      await out.outcome('gone', { error: read });
      return 'gone';
    }
    await writeApp(out, row, context, undefined);
    if (read.code === 'qlik.app_too_large') {
      await out.outcome('partial', { missing: [missing('everything inside the app', read)] });
      return 'partial';
    }
    const outcome = read.code === 'qlik.access_denied' ? 'denied' : 'failed';
    await out.outcome(outcome, { error: read });
    return outcome;
  }
  await writeApp(out, row, context, read);
  await writeAppContent(out, row, context, read);
  if (read.thumbnails !== undefined) await writePictures(out, row, context.keys, read, read.thumbnails);
  const { gaps } = read;
  const outcome = gaps.missing.length === 0 ? 'complete' : 'partial';
  await out.outcome(outcome, { missing: gaps.missing });
  return outcome;
};
