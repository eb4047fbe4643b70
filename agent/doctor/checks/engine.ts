import { OpenApp } from '#agent/qlik/engine/app.ts';
import { EngineSession } from '#agent/qlik/engine/session.ts';
import { rpcError } from '#agent/qlik/engine/verdict.ts';
import type { CheckId } from '#protocol/checks.ts';
import { asFault, type ErrorInfo, errorInfo, Fault } from '#protocol/errors.ts';
import { type Check, type Finding, fail, pass } from '../check.ts';
import type { ChosenApp, Visit } from '../visit.ts';
import { engineOptions } from './websocket.ts';

export const engine: Check<Visit, CheckId> = {
  id: 'engine',
  noun: 'the engine',
  needs: ['websocket'],
  deadlineMs: 70_000,
  late: 'qlik.no_answer',
  run: async (visit) => {
    const { engine: session, whoami } = visit.facts;
    if (session === undefined) throw new Fault('internal', 'the WebSocket passed without a session');
    try {
      return pass(`Engine ${(await session.version()) ?? 'of an unknown release'}.`);
    } catch (error) {
      return fail(refused(visit, asFault(error), whoami ?? 'the user'));
    }
  },
};

const refused = (visit: Visit, fault: Fault, who: string): ErrorInfo => {
  switch (fault.code) {
    case 'qlik.session_limit':
      return errorInfo(
        fault.code,
        `${who} has five sessions open already, as many as Qlik Sense allows: the engine let no more in (${topicOf(fault)}).`,
        'Close browsers of that user and wait for the inactivity time-out of the virtual proxy (30 minutes unless changed): runs of culvert without the settings of the agent count, too. Give the agent a user of its own.',
      );
    case 'qlik.license':
      if (topicOf(fault) === 'OnLicenseAccessDeniedPendingUserSync')
        return errorInfo('qlik.license_pending', `The licence of ${who} is not assigned yet (${topicOf(fault)}).`);
      return errorInfo(
        fault.code,
        `${who} has no access allocation (${topicOf(fault)}).`,
        'In the QMC, License management, give the user a professional or analyzer access; a new one counts at once.',
      );
    case 'qlik.no_engine':
      if (topicOf(fault) === 'OnEngineWebsocketFailed')
        return errorInfo(
          fault.code,
          `The proxy knows an engine and could not connect to it (${topicOf(fault)}).`,
          'Check that the Qlik Sense Engine Service runs and that the proxy reaches its port 4747; the proxy log has the reason.',
        );
      return errorInfo(
        fault.code,
        `The proxy found no engine for ${who} (${topicOf(fault)}).`,
        visit.direct
          ? 'Check that the Qlik Sense Engine Service runs.'
          : `Check that the Qlik Sense Engine Service runs, and in the QMC that the virtual proxy "${visit.connection.prefix}" has engine nodes under Load balancing nodes.`,
      );
    case 'qlik.unavailable':
      return errorInfo(
        fault.code,
        `The WebSocket opened, but the proxy cannot reach the repository (${topicOf(fault)}).`,
        'Look at the Qlik Sense Repository Service (QMC, Nodes); it takes minutes to start.',
      );
    case 'qlik.access_denied':
      return errorInfo(
        fault.code,
        `The engine lets ${who} not into the app (${topicOf(fault)}).`,
        'Give the user the security rule that culvert doctor --rules prints (App_*, Read), in hub and QMC, and an access allocation.',
      );
    case 'network.timeout':
      return errorInfo(
        'qlik.no_answer',
        `${fault.message}: the WebSocket opened, but the engine is silent.`,
        'Look whether the engine is overloaded (memory, QMC Nodes), and whether a proxy between holds WebSocket frames back.',
      );
    default:
      return fault;
  }
};

/** The word of the server in brackets at the end of a message, for whoever searches for it. */
const topicOf = ({ message, code }: Fault): string => /\(([^()]+)\)$/.exec(message)?.[1] ?? code;

/** One denied app may be a matter of section access; so many in a row are not. */
const TRIES = 3;

export const openApp: Check<Visit, CheckId> = {
  id: 'open_app',
  noun: 'opening an app',
  needs: ['objects', 'engine'],
  deadlineMs: 200_000,
  late: 'qlik.app_timeout',
  run: async (visit, signal) => {
    const { facts } = visit;
    const denied: { readonly app: ChosenApp; readonly fault: Fault }[] = [];
    for (const app of (facts.candidates ?? []).slice(0, TRIES)) {
      try {
        facts.app = await open(visit, app, denied.length > 0, signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        const fault = asFault(error);
        if (fault.code !== 'qlik.access_denied' && fault.code !== 'qlik.not_found')
          return fail(couldNot(app, fault), deniedDetails(denied));
        denied.push({ app, fault });
        continue;
      }
      facts.opened = app;
      return await look(visit, app, denied);
    }
    const [first] = denied;
    if (first === undefined) throw new Fault('qlik.nothing_visible', 'there is no app to open');
    if (denied.every(({ fault }) => rpcError(fault.cause)?.code === PERSONAL_SECTION_ACCESS))
      return fail(
        errorInfo(
          'qlik.section_access',
          `${denied.length === 1 ? 'The app' : `${denied.length} apps that were tried, such as`} "${first.app.name}" cannot be opened: the section access of the app lets ${facts.whoami ?? 'the user'} see nothing (engine error ${PERSONAL_SECTION_ACCESS}).`,
        ),
        deniedDetails(denied),
      );
    return fail(
      errorInfo(
        'qlik.access_denied',
        `${denied.length === 1 ? 'The app' : `${denied.length} apps that were tried, such as`} "${first.app.name}" cannot be opened: the engine denies ${facts.whoami ?? 'the user'} access, although the repository lists ${denied.length === 1 ? 'it' : 'them'}.`,
        'Give the user the security rule that culvert doctor --rules prints (App_*, Read), in hub and QMC; and its name in the section access of apps that have one.',
      ),
      deniedDetails(denied),
    );
  },
};

/** LOCERR_PERSONAL_SECTION_ACCESS: the app was found and may be read, and its data say that the user may see none. */
const PERSONAL_SECTION_ACCESS = 12_002;

/** `engine error 5`, or the code of the fault. */
const saidBy = (fault: Fault): string => {
  const code = rpcError(fault.cause)?.code;
  return code === undefined ? fault.code : `engine error ${code}`;
};

const deniedDetails = (denied: readonly { readonly app: ChosenApp; readonly fault: Fault }[]): readonly string[] =>
  denied.map(({ app, fault }) => `denied: "${app.name}" (${app.id}), ${saidBy(fault)}`);

/** The session at hand is for the first app; another app needs one of its own, in its place. */
const open = async (visit: Visit, app: ChosenApp, again: boolean, signal: AbortSignal): Promise<OpenApp> => {
  const { facts } = visit;
  if (again) {
    await facts.engine?.close();
    facts.engine = await EngineSession.connect(engineOptions(visit, signal), app.id);
    facts.engineSessions += 1;
  }
  if (facts.engine === undefined) throw new Fault('internal', 'there is no engine session');
  return await OpenApp.on(facts.engine);
};

const look = async (
  visit: Visit,
  app: ChosenApp,
  denied: readonly { readonly app: ChosenApp; readonly fault: Fault }[],
): Promise<Finding> => {
  const without = (await visit.facts.app?.withoutData()) ?? false;
  const base = {
    status: 'pass',
    details: [`app ${app.id}`, ...deniedDetails(denied)],
  } as const;
  if (!without)
    return {
      ...base,
      seen: `"${app.name}" opened, but with its data: the engine let us into a session that had it open.`,
      note: errorInfo('qlik.opened_with_data', ''),
    };
  const seen = `"${app.name}" opened, without its data.`;
  const [first] = denied;
  if (first === undefined) return { ...base, seen };
  return {
    ...base,
    seen: `${seen} "${first.app.name}" is denied.`,
    note: {
      code: 'qlik.section_access',
      advice: `If "${first.app.name}" has section access, add ${visit.facts.whoami ?? 'the user'} to it; the catalog shows such apps as denied and keeps what it knows of them.`,
    },
  };
};

const couldNot = (app: ChosenApp, fault: Fault): ErrorInfo => {
  const code = rpcError(fault.cause)?.code;
  const name = `"${app.name}"`;
  if (code === 1009)
    return errorInfo(
      'qlik.opened_with_data',
      `${name} cannot be opened: another session of the same user has it open with its data (engine error 1009).`,
    );
  if (code === 1010)
    return errorInfo('qlik.app_migrating', `${name} cannot be opened: it is being migrated (engine error 1010).`);
  switch (fault.code) {
    case 'qlik.overloaded':
      return errorInfo(
        fault.code,
        `${name} cannot be opened: the engine is out of memory or busy (engine error ${code ?? '?'}).`,
        'Crawl at a quieter hour, or give the engine more memory; Culvert itself loads no data.',
      );
    case 'network.timeout':
      return errorInfo('qlik.app_timeout', `${name} did not open in time: ${fault.message}`);
    case 'qlik.engine_failed':
      return errorInfo(
        fault.code,
        `${name} cannot be opened: ${fault.message}.`,
        'Try whether the app opens in the hub as that user; the engine log has the reason.',
      );
    default:
      return {
        code: fault.code,
        message: `${name} cannot be opened: ${fault.message}.`,
        retryable: fault.retryable,
        advice: fault.advice,
      };
  }
};
