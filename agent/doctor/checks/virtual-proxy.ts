import type { HttpReply } from '#agent/network/dialer.ts';
import { originOfPeer } from '#agent/network/faults.ts';
import { isHtml } from '#agent/qlik/auth/verdict.ts';
import type { CheckId } from '#protocol/checks.ts';
import { errorInfo } from '#protocol/errors.ts';
import { type Check, type Finding, fail, pass, skip } from '../check.ts';
import { apart, siteAheadMs } from '../clock.ts';
import { excerpt } from '../excerpt.ts';
import { otherNames } from '../other-names.ts';
import type { Greeting, Visit } from '../visit.ts';

const KNOCKED = '/qrs/about';
const OWN_PAGE = /\/internal_(forms|windows)_authentication(?:\/|$)/i;
/** What the proxy sends for a virtual proxy that is not linked to it is this large at least; its other pages are small. */
const LARGE_PAGE = 40_000;
const MAX_NAMES = 3;

/** What a virtual proxy does with somebody who has no session. */
export const greetingOf = (reply: HttpReply, origin: string): Greeting => {
  const say = (does: string | undefined, interactive = false): Greeting => ({ reply, does, interactive });
  if (reply.status === 401) {
    const offered = [reply.headers['www-authenticate'] ?? []].flat().map((one) => one.split(' ')[0] ?? '');
    return say(`answers strangers with HTTP 401${offered.length === 0 ? '' : ` (${offered.join(', ')})`}`);
  }
  if (reply.status >= 200 && reply.status < 300)
    return isHtml(reply) ? say('shows strangers a page', true) : say('lets anonymous users in');
  if (reply.status < 300 || reply.status >= 400) return say(undefined);
  const location = String(reply.headers['location'] ?? '');
  const target = URL.canParse(location, origin) ? new URL(location, origin) : undefined;
  if (target === undefined) return say(undefined);
  const own = OWN_PAGE.exec(target.pathname)?.[1];
  if (own !== undefined)
    return say(`sends strangers to ${own === 'windows' ? 'Windows authentication' : 'its log-in form'}`);
  if (target.searchParams.has('SAMLRequest') || /saml/i.test(target.pathname))
    return say(`sends strangers to SAML at ${target.host}`, true);
  if (target.searchParams.has('client_id') || target.searchParams.has('response_type') || /oidc/i.test(target.pathname))
    return say(`sends strangers to OpenID Connect at ${target.host}`, true);
  return say(`sends strangers to ${target.host}${target.pathname}`.slice(0, 200), true);
};

/** The default virtual proxy answers for every prefix that is none: its log-in page stands without our prefix. */
const answeredByDefault = (reply: HttpReply, origin: string, prefix: string): boolean => {
  const location = String(reply.headers['location'] ?? '');
  if (prefix === '' || !URL.canParse(location, origin)) return false;
  const { pathname, host } = new URL(location, origin);
  return (
    host === new URL(origin).host &&
    OWN_PAGE.test(pathname) &&
    !pathname.toLowerCase().startsWith(`/${prefix.toLowerCase()}/`)
  );
};

export const virtualProxy: Check<Visit, CheckId> = {
  id: 'virtual_proxy',
  noun: 'finding the virtual proxy',
  needs: ['secrets', 'dns', 'tcp', 'proxy', 'tls'],
  deadlineMs: 100_000,
  late: 'qlik.no_answer',
  run: async (visit, signal) => {
    const { connection, http, facts } = visit;
    if (visit.direct) return skip('Client certificates go past it, to the repository and the engine themselves.');
    const reply = await visit.knock(visit.path(KNOCKED), signal);
    facts.siteAheadMs = siteAheadMs(reply, visit.nowMs());
    const { origin, prefix } = connection;
    const at = `GET ${originOfPeer(http.peer)}${visit.path(KNOCKED)}`;
    const named = prefix === '' ? 'The default one (no prefix)' : `"${prefix}"`;
    const greeting = greetingOf(reply, reply.headers['location'] === undefined ? origin : ownOrigin(visit));
    facts.greeting = greeting;
    const { status } = reply;
    if (status === 404)
      return fail(errorInfo('qlik.prefix_unknown', `${at}: HTTP 404, the prefix "${prefix}" leads nowhere.`));
    if (answeredByDefault(reply, ownOrigin(visit), prefix) || answeredByDefault(reply, origin, prefix))
      return fail(
        errorInfo(
          'qlik.prefix_unknown',
          `There is no virtual proxy with the prefix "${prefix}": the default one answered, with its own log-in page.`,
          `Check connection.url against the prefix in the QMC (Virtual proxies); it is written there in lower case.`,
        ),
      );
    if (status === 400 && isHtml(reply)) return await refusedByName(visit, reply, signal);
    if (status === 403 && /client certificate/i.test(reply.body.subarray(0, 4096).toString('utf8')))
      return fail(
        errorInfo(
          'tls.client_certificate_missing',
          `${at}: HTTP 403: this is no proxy but a service of Qlik Sense itself, which serves holders of a client certificate only.`,
        ),
        excerpt(reply),
      );
    if (status >= 200 && status < 300 && isHtml(reply))
      return fail(
        errorInfo(
          'qlik.foreign_page',
          `${at}: HTTP ${status} with a page, where a Qlik Sense proxy would ask for a log-in: another web server answers, or a gateway before Qlik with a log-in of its own.`,
        ),
        excerpt(reply),
      );
    if (status === 403)
      return fail(
        errorInfo(
          'qlik.blocked_before_login',
          `${at}: HTTP 403 before any log-in: the server is up, and something in front of Qlik, or the proxy itself, does not serve this machine.`,
        ),
        excerpt(reply),
      );
    if (status === 407 || status === 400 || (status > 404 && status < 500 && status !== 429))
      return fail(
        errorInfo('qlik.protocol', `${at}: HTTP ${status}, which is no answer of a Qlik Sense proxy.`),
        excerpt(reply),
      );
    if (status >= 500 || status === 429)
      return fail(
        errorInfo(
          'qlik.unavailable',
          `${at}: HTTP ${status}: something answers at that address, but the services of Qlik Sense behind it do not.`,
          'Check in the QMC, or in the Windows services, that the Qlik Sense proxy and repository services run; after a start they take minutes.',
        ),
        excerpt(reply),
      );
    const clocks = apart(facts.siteAheadMs);
    return pass(
      `${named} answers${greeting.does === undefined ? '' : `: it ${greeting.does}`}.`,
      clocks === undefined ? [] : [`the clock of the site is ${clocks} that of this machine`],
    );
  },
};

/** The site as it calls itself in redirects. */
const ownOrigin = ({ connection }: Visit): string => {
  const url = new URL(connection.origin);
  if (connection.aliasHost !== undefined) url.hostname = connection.aliasHost;
  return url.origin;
};

/**
 * HTTP 400 with a page is the proxy's answer to three things: a virtual proxy that is not linked to it, a name by which it
 * may not be called, and (with header authentication) no header that it can read. The names of the server's own
 * certificate tell the second apart, since the proxy allows its own.
 */
const refusedByName = async (visit: Visit, reply: HttpReply, signal: AbortSignal): Promise<Finding> => {
  const { connection, http } = visit;
  const { prefix } = connection;
  const called = connection.aliasHost ?? new URL(connection.origin).hostname;
  const at = `GET ${originOfPeer(http.peer)}${visit.path(KNOCKED)}`;
  for (const name of otherNames(visit, called, 'names', MAX_NAMES)) {
    const again = await visit.knock(visit.path(KNOCKED), signal, { host: hostWithPort(name, connection.origin) });
    if (again.status === 400 && isHtml(again)) continue;
    return fail(
      errorInfo(
        'qlik.host_not_allowed',
        `${at}: HTTP 400: the proxy does not let itself be called ${called}, but takes the name ${name}.`,
        `In the QMC, add ${called} to the Host allow list of the virtual proxy "${prefix}", or use ${name} in connection.url.`,
      ),
    );
  }
  const plain = prefix === '' ? reply : await visit.knock(KNOCKED, signal);
  if (plain.status === 400 && isHtml(plain))
    return fail(
      errorInfo(
        'qlik.host_not_allowed',
        `${at}: HTTP 400 with a page, with the prefix and without: the proxy does not let itself be called ${called}.`,
        `In the QMC, add ${called} to the Host allow list of the virtual proxy, or use a name that is on it in connection.url.`,
      ),
    );
  // With header authentication this is also how somebody without a header is answered: the log-in will tell.
  if (connection.authentication.type === 'header' && reply.body.length < LARGE_PAGE)
    return pass(`The virtual proxy "${prefix}" answers, with HTTP 400 to strangers.`);
  return fail(
    errorInfo(
      'qlik.prefix_not_linked',
      `${at}: HTTP 400 with a page, while the default virtual proxy answers: the virtual proxy "${prefix}" is not linked to the proxy that was called, or ${called} is not in its Host allow list.`,
      `In the QMC, open the virtual proxy "${prefix}": Associated items > Proxies > Link, the proxy that serves ${called}; then its Host allow list.`,
    ),
  );
};

const hostWithPort = (name: string, origin: string): string => {
  const { port } = new URL(origin);
  return port === '' ? name : `${name}:${port}`;
};
