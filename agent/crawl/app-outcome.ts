import type { Log } from '#agent/qlik/log.ts';
import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import { faultFields } from '#config/redaction/logged.ts';
import { Fault } from '#protocol/errors.ts';
import type { Outcome } from '#protocol/records.ts';
import type { AppContent } from './app-content.ts';
import { type AppContext, writeApp, writeAppContent } from './app-scope.ts';
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
    const outcome = read.code === 'qlik.access_denied' ? 'denied' : 'failed';
    await writeApp(out, row, context, undefined);
    await out.outcome(outcome, { error: read });
    return outcome;
  }
  await writeApp(out, row, context, read);
  await writeAppContent(out, row, context, read);
  const { missing } = read.gaps;
  const outcome = missing.length === 0 ? 'complete' : 'partial';
  await out.outcome(outcome, { missing });
  return outcome;
};
