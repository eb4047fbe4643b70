import type { HttpReply } from '#agent/network/dialer.ts';
import { originOfPeer } from '#agent/network/faults.ts';
import { signToken } from '#agent/qlik/auth/signed-jwt.ts';
import { answerOf, isHtml } from '#agent/qlik/auth/verdict.ts';
import { countIn } from '#agent/qlik/repository/listing.ts';
import type { Authentication, WindowsLogin } from '#config/connection/connection.ts';
import type { CheckId } from '#protocol/checks.ts';
import { asFault, type ErrorInfo, errorInfo, type Fault } from '#protocol/errors.ts';
import { shortened } from '#protocol/printable.ts';
import { type Check, type Finding, fail, pass } from '../check.ts';
import { apart, siteAheadMs } from '../clock.ts';
import { excerpt } from '../excerpt.ts';
import { readToken, type TokenReading } from '../token.ts';
import { userFilter, type Visit } from '../visit.ts';

/** What the log-in is by, for sentences. */
const WAYS: Readonly<Record<Authentication['type'], string>> = {
  header: 'header',
  jwt: 'JWT',
  'signed-jwt': 'JWT',
  ticket: 'ticket',
  windows: 'Windows authentication',
  certificate: 'client certificate',
};

export const authentication: Check<Visit, CheckId> = {
  id: 'authentication',
  noun: 'the log-in',
  needs: ['secrets', 'dns', 'tcp', 'proxy', 'tls', 'virtual_proxy'],
  deadlineMs: 120_000,
  late: 'qlik.no_answer',
  run: async (visit, signal) => (visit.direct ? await byCertificate(visit, signal) : await byProxy(visit, signal)),
};

/** On the direct route each request names its user; the repository says whether the certificate may do that. */
const byCertificate = async (visit: Visit, signal: AbortSignal): Promise<Finding> => {
  const own = visit.connection.authentication;
  if (own.type !== 'certificate') throw new RangeError('only certificates go to the services directly');
  const user = `${own.userDirectory}\\${own.userId}`;
  try {
    await visit.ask('/qrs/about', signal);
  } catch (error) {
    const fault = asFault(error);
    const reply = answerOf(fault);
    if (reply === undefined) throw fault;
    note(visit, reply);
    const at = `GET ${originOfPeer(visit.http.peer)}/qrs/about`;
    if (reply.status === 401 || reply.status === 403) {
      const text = reply.body.subarray(0, 4096).toString('utf8');
      if (/certificate/i.test(text))
        return fail(
          errorInfo(
            'tls.client_certificate',
            `${at}: HTTP ${reply.status}: the repository does not accept the client certificate.`,
          ),
        );
      return fail(
        errorInfo(
          'qlik.user_unknown',
          `${at}: HTTP ${reply.status}: the repository was reached and does not serve ${user}.`,
          `Check auth.user_directory and auth.user_id against the QMC (Users), and that the certificate was exported by this site.`,
        ),
      );
    }
    // What else the repository answers is looked at next.
  }
  visit.facts.whoami = user;
  if (!SERVICE.test(own.userDirectory) && (await isStranger(visit, own.userDirectory, own.userId, signal)))
    return fail(
      errorInfo(
        'qlik.user_unknown',
        `The repository takes the client certificate, but has no user ${user}, for whom it is to speak.`,
        'Check auth.user_directory and auth.user_id, in the spelling of the QMC (Users).',
      ),
    );
  return pass(`The repository takes the client certificate, for ${user}.`);
};

/** Accounts of Qlik Sense itself, which lists need not show. */
const SERVICE = /^INTERNAL$/i;

/** True when the repository shows users, and this one is not among them. */
const isStranger = async (visit: Visit, directory: string, id: string, signal: AbortSignal): Promise<boolean> => {
  try {
    const rows = await visit.ask('/qrs/user', signal, { filter: userFilter(directory, id) });
    if (!Array.isArray(rows) || rows.length > 0) return false;
    return (countIn(await visit.ask('/qrs/user/count', signal)) ?? 0) > 0;
  } catch {
    if (signal.aborted) throw signal.reason;
    return false;
  }
};

const byProxy = async (visit: Visit, signal: AbortSignal): Promise<Finding> => {
  const { session, facts, connection } = visit;
  const token = tokenOf(visit);
  facts.sessionWasOpen = session.isOpen;
  try {
    await session.upgrade(signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const fault = asFault(error);
    const reply = answerOf(fault);
    if (reply !== undefined) note(visit, reply);
    return fail(refused(visit, fault, reply), [
      ...(token?.details ?? []),
      ...clockDetail(visit),
      ...(reply?.status === 403 ? excerpt(reply) : []),
      ...(fault.code === 'qlik.password_refused' ? [fault.message] : []),
      ...(facts.greeting?.does === undefined ? [] : [`this virtual proxy ${facts.greeting.does}`]),
    ]);
  }
  facts.sessionWasOpen ||= session.isKept;
  facts.whoami = await whoami(visit, signal);
  const as = facts.whoami === undefined ? '' : ` as ${facts.whoami}`;
  const way = WAYS[connection.authentication.type];
  const details = [...(token?.details ?? []), ...clockDetail(visit)];
  if (!facts.sessionWasOpen) return pass(`Logged in${as} by ${way}.`, details);
  const seen = `Logged in before${as} by ${way}; the session holds.`;
  // A session outlives what opened it.
  return token?.suspicion === undefined
    ? pass(seen, details)
    : {
        status: 'pass',
        seen,
        details,
        note: { code: token.suspicion.code, advice: `A new log-in would be refused: ${token.suspicion.text}.` },
      };
};

const note = ({ facts, nowMs }: Visit, reply: HttpReply): void => {
  facts.siteAheadMs ??= siteAheadMs(reply, nowMs());
};

const clockDetail = ({ facts }: Visit): readonly string[] => {
  const clocks = apart(facts.siteAheadMs);
  return clocks === undefined ? [] : [`the clock of the site is ${clocks} that of this machine`];
};

/** Of a name that the site tells: more of it is no name. */
const MAX_NAME = 300;

/** Who the proxy says that we are; undefined where it does not say. */
const whoami = async (visit: Visit, signal: AbortSignal): Promise<string | undefined> => {
  const answer = await visit.glance('/qps/user', signal);
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { userId, userDirectory } = answer as { userId?: unknown; userDirectory?: unknown };
  if (typeof userId !== 'string' || userId === '') return undefined;
  const id = shortened(userId, MAX_NAME);
  return typeof userDirectory === 'string' ? `${shortened(userDirectory, MAX_NAME)}\\${id}` : id;
};

const tokenOf = ({ connection, nowMs, facts }: Visit): TokenReading | undefined => {
  const own = connection.authentication;
  if (own.type === 'jwt') return readToken(own.token.reveal(), nowMs(), facts.siteAheadMs);
  if (own.type === 'signed-jwt') return readToken(signToken(own, nowMs()), nowMs(), facts.siteAheadMs);
  return undefined;
};

/** Faults that name their cause themselves. */
const CLEAR =
  /^(?:network|proxy|tls|config|secrets)\.|^qlik\.(?:kerberos_only|no_cookie|password_refused|ticket_refused|ticket_prefix_unknown|unavailable)$/;

/** The verdict on a log-in that failed: from the answer, from what the virtual proxy wants, and from the proof itself. */
const refused = (visit: Visit, fault: Fault, reply: HttpReply | undefined): ErrorInfo => {
  const { connection, facts } = visit;
  const own = connection.authentication;
  if (fault.code === 'qlik.password_refused' && own.type === 'windows') return passwordRefused(own);
  if (CLEAR.test(fault.code)) return fault;
  const { greeting } = facts;
  const prefix = connection.prefix === '' ? 'The default virtual proxy' : `The virtual proxy "${connection.prefix}"`;
  const redirected = fault.code === 'qlik.login_page';
  if (redirected && greeting?.interactive === true && own.type !== 'ticket')
    return errorInfo(
      'qlik.interactive_only',
      `${prefix} ${greeting.does ?? 'shows a page'}, where only people can log in.`,
    );
  switch (own.type) {
    case 'jwt':
    case 'signed-jwt':
      return ofToken(visit, fault, reply, prefix);
    case 'header':
      return ofHeader(fault, reply, own, prefix, greeting?.reply.status === 400);
    case 'ticket':
      if (redirected || reply?.status === 401 || reply?.status === 403)
        return errorInfo(
          'qlik.ticket_not_taken',
          `The proxy service gave a ticket for ${own.userDirectory}\\${own.userId}, but ${prefix} did not take it (${statusOf(reply, fault)}).`,
        );
      return fault;
    case 'windows':
    case 'certificate':
      return reply?.status === 403 ? afterLogin(prefix, fault) : fault;
    default:
      return own satisfies never;
  }
};

/** Windows says neither which of the two is wrong nor whether the account is locked: it must not be tried often. */
const passwordRefused = ({ user, domain }: WindowsLogin): ErrorInfo =>
  errorInfo(
    'qlik.password_refused',
    `Windows refused the log-in of ${typeof domain === 'string' && domain !== '' ? `${domain}\\` : ''}${user}: user or password are wrong, or the account is disabled, locked or expired. Windows tells nobody which.`,
    'Log in as that user in a browser to see why, then mend the password in the file. It was sent once; do not repeat the test before something has changed: some wrong tries lock the account.',
  );

const statusOf = (reply: HttpReply | undefined, fault: Fault): string =>
  reply === undefined ? fault.message : `HTTP ${reply.status}${isHtml(reply) ? ' with a page' : ''}`;

const afterLogin = (prefix: string, fault: Fault): ErrorInfo =>
  errorInfo(
    'qlik.forbidden',
    `${prefix} was reached and refuses the user (${fault.message.replace(/,[^,]*$/, '')}).`,
    'In the QMC, look at the user: it may be blocked or inactive, without access allocation, or not allowed on this virtual proxy.',
  );

const ofToken = (visit: Visit, fault: Fault, reply: HttpReply | undefined, prefix: string): ErrorInfo => {
  const reading = tokenOf(visit);
  const { suspicion } = reading ?? {};
  if (reply === undefined) return fault;
  const refusedIt = `${prefix} refused the token (HTTP ${reply.status})`;
  if (reply.status === 403) return afterLogin(prefix, fault);
  if (fault.code !== 'qlik.login_page' && reply.status !== 401 && reply.status !== 400) return fault;
  if (suspicion !== undefined) return errorInfo(suspicion.code, `${refusedIt}: ${suspicion.text}.`);
  const clocks = apart(visit.facts.siteAheadMs);
  if (clocks !== undefined && visit.connection.authentication.type === 'signed-jwt')
    return errorInfo('qlik.clock_skew', `${refusedIt}, and the clock of the site is ${clocks} that of this machine.`);
  if (fault.code === 'qlik.login_page')
    return errorInfo(
      'qlik.token_ignored',
      `${prefix} sent us to its log-in, token or not (${statusOf(reply, fault)}): its authentication method does not seem to be JWT.`,
    );
  return errorInfo(
    'qlik.token_refused',
    `${refusedIt}, which has not expired: either another key signed it than the one of the JWT certificate in the virtual proxy, or the virtual proxy looks for claims of other names.`,
  );
};

const ofHeader = (
  fault: Fault,
  reply: HttpReply | undefined,
  own: Authentication & { readonly type: 'header' },
  prefix: string,
  strangersToo: boolean,
): ErrorInfo => {
  if (reply === undefined) return fault;
  if (fault.code === 'qlik.login_page')
    return errorInfo(
      'qlik.header_ignored',
      `${prefix} did not look at the header ${own.header}${/^x-qlik-/i.test(own.header) ? ' (names that begin with X-Qlik- are its own and never count)' : ''} and sent us to its log-in (${statusOf(reply, fault)}): its header has another name, or its authentication method is another one.`,
    );
  if (reply.status === 400) {
    const value = own.value.reveal();
    if (strangersToo && /^[\x20-\x7e]+\\[\x20-\x7e]+$/.test(value))
      return errorInfo(
        'qlik.header_ignored',
        `${prefix} answers HTTP 400 with the header ${own.header} as without it: its header has another name, or it takes the user alone, without a user directory in front.`,
      );
    const why = /[^\x20-\x7e]/.test(value)
      ? 'it holds characters outside ASCII, which Qlik Sense does not take there'
      : value.includes('\\')
        ? 'it has a user directory in front, as a dynamic user directory wants it'
        : 'it has no user directory in front (directory\\user), as a dynamic user directory wants it';
    return errorInfo(
      'qlik.header_invalid',
      `${prefix} cannot read the value of the header ${own.header} (HTTP 400): ${why}.`,
    );
  }
  if (reply.status === 401 || reply.status === 403) return afterLogin(prefix, fault);
  return fault;
};
