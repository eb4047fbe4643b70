import { DataModels } from '#agent/qlik/engine/data-model.ts';
import type { CheckId } from '#protocol/checks.ts';
import { type ErrorInfo, errorInfo } from '#protocol/errors.ts';
import { type Check, fail } from '../check.ts';
import type { Visit } from '../visit.ts';

/** A thing that a crawl reads and the user may not be allowed to. */
interface Right {
  readonly line: string;
  /** What is missing; undefined when nothing is. */
  readonly missing?: ErrorInfo;
  /** Nothing that must be mended. */
  readonly note?: ErrorInfo;
}

export const rights: Check<Visit, CheckId> = {
  id: 'rights',
  noun: 'reading the app',
  needs: ['open_app'],
  deadlineMs: 100_000,
  late: 'qlik.no_answer',
  run: async (visit, signal) => {
    const all = [await tables(visit, signal), await script(visit), connections(visit)];
    const details = all.map(({ line }) => line);
    const missing = all.flatMap((right) => right.missing ?? []);
    const [first] = missing;
    if (first !== undefined)
      return fail(
        missing.length === 1
          ? first
          : {
              ...first,
              message: missing.map(({ message }) => message).join(' '),
              advice: missing.map(({ advice }) => advice).join(' '),
            },
        details,
      );
    const note = all.find((right) => right.note !== undefined)?.note;
    return {
      status: 'pass',
      seen: `${capital(details.join('; '))}.`,
      ...(note === undefined ? {} : { note }),
    };
  },
};

export const sessions: Check<Visit, CheckId> = {
  id: 'sessions',
  noun: 'the sessions',
  needs: ['engine'],
  deadlineMs: 5_000,
  late: 'qlik.no_answer',
  run: (visit) => {
    const { facts, direct, connection } = visit;
    if (direct)
      return Promise.resolve({
        status: 'pass',
        seen: 'No proxy session was opened: the limit of five a user is that of the proxy.',
      });
    const shared = facts.sessionWasOpen === true;
    return Promise.resolve({
      status: 'pass',
      seen: shared
        ? 'The session of this agent was used; none more was taken.'
        : 'One of the five of this user was free, and is taken now.',
      details: [
        'how many of the five are left a proxy does not tell',
        `this run: ${shared ? 'no new' : 'one'} proxy session, which ends by ${connection.dedicatedUser ? 'the log-out at the end, unless an agent runs' : 'the inactivity time-out of the virtual proxy (30 minutes unless changed)'}, and ${facts.engineSessions} engine session${facts.engineSessions === 1 ? '' : 's'}, closed now`,
        `a running agent takes one session of the five for this connection, whatever crawl.engine_sessions says (${connection.crawl.engineSessions}), also over restarts; culvert doctor and culvert crawl use the same one where they know its settings (--config), and each one of its own otherwise`,
      ],
    });
  },
};

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Which releases serve them at the engine's own port is written nowhere. */
const AT_THE_ENGINE =
  'Reload the app once on a release of June 2018 or later. If that changes nothing, this release does not give tables and fields out at the port of the engine: through a virtual proxy it does.';

const tables = async (visit: Visit, signal: AbortSignal): Promise<Right> => {
  const { opened } = visit.facts;
  if (opened === undefined) return { line: 'tables: no app was opened' };
  const models = new DataModels(
    visit.engineHttp,
    visit.session,
    visit.direct ? undefined : visit.connection.prefix,
    visit.patience,
  );
  const model = await models.read(opened.id, signal);
  if (model.available) {
    const own = model.tables.filter((table) => table.is_system !== true).length;
    return { line: `tables: ${own} read` };
  }
  const { reason } = model;
  if (reason.code === 'qlik.data_model_unavailable')
    return {
      line: 'tables: none kept for this app',
      note: visit.direct
        ? errorInfo(reason.code, reason.message, AT_THE_ENGINE)
        : errorInfo(reason.code, reason.message),
    };
  if (reason.code === 'qlik.forbidden')
    return {
      line: 'tables: refused',
      missing: errorInfo(
        reason.code,
        `Tables and fields of "${opened.name}" are refused (HTTP 403).`,
        'Give the user read access to apps in hub and QMC (resource `App_*`, action Read).',
      ),
    };
  return { line: 'tables: not read', missing: reason };
};

const script = async ({ facts: { app, opened } }: Visit): Promise<Right> => {
  if (app === undefined || opened === undefined) return { line: 'script: no app was opened' };
  const text = await app.script();
  if (text.trim() !== '') return { line: `script: visible (${text.split('\n').length} lines)` };
  if (opened.lastReloadTime === null) return { line: `script: none in "${opened.name}", which was never reloaded` };
  return {
    line: 'script: not visible',
    missing: errorInfo(
      'qlik.script_not_visible',
      `The load script of "${opened.name}" came back empty, although the app was reloaded: the user may not see it.`,
    ),
  };
};

const connections = ({ facts: { counts } }: Visit): Right => {
  const seen = counts?.get('data connections');
  if (seen === undefined)
    return {
      line: 'data connections: refused',
      missing: errorInfo('qlik.connections_not_visible', 'The repository refuses to list data connections.'),
    };
  return seen > 0
    ? { line: `data connections: ${seen} visible` }
    : { line: 'data connections: none visible', note: errorInfo('qlik.connections_not_visible', '') };
};
