import { opened, UpgradeRefused } from '#agent/network/dialer.ts';
import { originOf, tlsOptions } from '#agent/qlik/auth/credentials.ts';
import type { UpgradePass } from '#agent/qlik/auth/session.ts';
import { EngineSession } from '#agent/qlik/engine/session.ts';
import type { CheckId } from '#protocol/checks.ts';
import { asFault, type ErrorInfo, errorInfo, type Fault } from '#protocol/errors.ts';
import { type Check, type Finding, fail, pass } from '../check.ts';
import { saying } from '../excerpt.ts';
import { otherNames } from '../other-names.ts';
import type { Visit } from '../visit.ts';

/** A path that is no app: global calls only. */
const NO_APP = 'engineData';
const UPGRADE_MS = 30_000;
const MAX_NAMES = 4;

export const websocket: Check<Visit, CheckId> = {
  id: 'websocket',
  noun: 'the WebSocket',
  needs: ['authentication'],
  deadlineMs: 100_000,
  late: 'qlik.no_answer',
  run: async (visit, signal) => {
    const { facts } = visit;
    try {
      facts.engine = await EngineSession.connect(engineOptions(visit, signal), facts.candidates?.[0]?.id ?? NO_APP);
      facts.engineSessions += 1;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      return await refused(visit, asFault(error), signal);
    }
    if (visit.direct) return pass(`Open, at ${new URL(visit.connection.engineUrl).host}.`);
    const { query } = await visit.session.upgrade(signal);
    return pass(
      query === ''
        ? `Open (no csrf token: a release before November 2024).`
        : `Open (Origin ${originOf(visit.connection)}, csrf token).`,
    );
  },
};

/** How the doctor's sessions with the engine are opened. */
export const engineOptions = (visit: Visit, signal: AbortSignal) => ({
  connection: visit.connection,
  dialer: visit.dialer,
  session: visit.session,
  patience: visit.patience,
  identity: visit.identity,
  // Outlives its check: the check's deadline counts only as long as the check runs.
  signal,
});

const refused = async (visit: Visit, fault: Fault, signal: AbortSignal): Promise<Finding> => {
  const at = new URL(visit.connection.engineUrl).host;
  switch (fault.code) {
    case 'qlik.websocket_forbidden':
      return await forbidden(visit, fault, signal);
    case 'qlik.forbidden':
      return fail(
        errorInfo(
          'qlik.forbidden',
          `${at}: the engine was reached and refuses ${visit.facts.whoami ?? 'the user'} (HTTP 403).`,
          'Check auth.user_directory and auth.user_id, and the licence of that user in the QMC.',
        ),
      );
    case 'qlik.login_page':
    case 'qlik.unauthorized':
      return fail(
        errorInfo(
          'qlik.unauthorized',
          `${fault.message}: the log-in holds for the repository, but not for the WebSocket.`,
          'Is there a load balancer or reverse proxy in front of Qlik? It must pass on the Cookie header of WebSockets, and keep a session on one proxy.',
        ),
      );
    case 'qlik.prefix_unknown':
    case 'qlik.protocol':
      return fail(
        errorInfo(
          'proxy.upgrade_blocked',
          `${fault.message}: HTTP works there, WebSockets do not.`,
          'Ask who runs the reverse proxy or load balancer before Qlik to let WebSockets pass (headers Upgrade and Connection); check engine_url, if it is set.',
        ),
      );
    case 'qlik.unavailable':
      return fail(
        errorInfo(
          fault.code,
          `${fault.message}, while the repository behind the same address answers.`,
          'Look whether the Qlik Sense proxy and engine services run, and at the reverse proxy or load balancer before Qlik, which must let WebSockets pass.',
        ),
      );
    default:
      return fail(fault);
  }
};

/**
 * HTTP 403 to the upgrade has three causes, which look the same: the Origin's host is not in the Host allow list, the csrf
 * token is missing or old, the Origin did not arrive. Tried with other Origins on the same session, the first shows.
 */
const forbidden = async (visit: Visit, fault: Fault, signal: AbortSignal): Promise<Finding> => {
  const pass = await visit.session.upgrade(signal);
  const own = originOf(visit.connection);
  const host = new URL(own).hostname;
  const prefix = visit.connection.prefix;
  for (const name of otherNames(visit, host, 'all', MAX_NAMES)) {
    const origin = own.replace(host, name);
    if (!(await opens(visit, pass, origin, signal))) continue;
    return fail(
      errorInfo(
        'qlik.origin_not_allowed',
        `The proxy refuses the WebSocket (HTTP 403) with Origin ${own} and opens it with ${origin}: ${host} is not in the Host allow list.`,
        `In the QMC, Virtual proxies > "${prefix}" > Advanced, add ${host} to the Host allow list (no scheme, no port), then Apply.`,
      ),
    );
  }
  if (await opens(visit, pass, undefined, signal)) return fail(originAlone(own, host, prefix));
  if (pass.query === '')
    return fail(
      errorInfo(
        'qlik.csrf_token_missing',
        `The proxy refuses the WebSocket (HTTP 403), and gave no csrf token at ${visit.path('/qps/csrftoken')}, which releases from November 2024 on want: something between keeps it back, or the Host allow list lacks ${host}.`,
      ),
    );
  return fail(
    errorInfo(
      'qlik.websocket_forbidden',
      `The proxy refuses the WebSocket (HTTP 403), also with a new csrf token. Three causes look like this: ${host}, the host of the Origin, is not in the Host allow list; something between removes the Origin header; or the token does not arrive in the query.`,
      `Look first in the QMC, Virtual proxies > "${prefix}" > Advanced: add ${host} to the Host allow list (no scheme, no port), then Apply. The proxy's log has the reason (Proxy\\Trace: Cross-Site Websocket Hijacking).`,
    ),
    saying(fault.cause instanceof UpgradeRefused ? fault.cause.excerpt : ''),
  );
};

const originAlone = (own: string, host: string, prefix: string): ErrorInfo =>
  errorInfo(
    'qlik.origin_not_allowed',
    `The proxy refuses the WebSocket (HTTP 403) with Origin ${own} and opens it without: ${host} is not in the Host allow list.`,
    `In the QMC, Virtual proxies > "${prefix}" > Advanced, add ${host} to the Host allow list (no scheme, no port), then Apply.`,
  );

const opens = async (
  visit: Visit,
  pass: UpgradePass,
  origin: string | undefined,
  signal: AbortSignal,
): Promise<boolean> => {
  const { connection, dialer, identity } = visit;
  const socket = dialer.webSocket(
    `${connection.engineUrl}/app/${NO_APP}/identity/${identity}-origin/ttl/5${pass.query === '' ? '' : `?${pass.query}`}`,
    {
      headers: pass.headers,
      ...(origin === undefined ? {} : { origin }),
      aliasHost: connection.aliasHost,
      tls: tlsOptions(connection),
      proxy: connection.proxy,
      handshakeTimeoutMs: UPGRADE_MS,
      maxPayloadBytes: 1024 * 1024,
      signal,
    },
  );
  try {
    await opened(socket);
    return true;
  } catch {
    if (signal.aborted) throw signal.reason;
    return false;
  } finally {
    socket.terminate();
  }
};
