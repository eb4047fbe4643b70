import { originOfPeer } from '#agent/network/faults.ts';
import { answerOf, isHtml } from '#agent/qlik/auth/verdict.ts';
import { QrsAbout } from '#agent/qlik/repository/entities.ts';
import type { CheckId } from '#protocol/checks.ts';
import { asFault, type ErrorInfo, errorInfo, type Fault } from '#protocol/errors.ts';
import { shortened } from '#protocol/printable.ts';
import { type Check, fail, pass } from '../check.ts';
import type { Visit } from '../visit.ts';

export const repository: Check<Visit, CheckId> = {
  id: 'repository',
  noun: 'the repository',
  needs: ['authentication'],
  deadlineMs: 100_000,
  late: 'qlik.no_answer',
  run: async (visit, signal) => {
    let answer: unknown;
    try {
      answer = await visit.ask('/qrs/about', signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      return fail(refused(visit, asFault(error)));
    }
    const about = QrsAbout.safeParse(answer);
    if (!about.success || (about.data.buildVersion ?? '') === '')
      return fail(
        errorInfo('qlik.protocol', `${at(visit)} did not answer as QRS does: the address leads to another program.`),
      );
    const release = await releaseOf(visit, signal);
    return pass(
      `QRS ${about.data.buildVersion}${release === undefined ? '' : `, Qlik Sense ${release}`}.`,
      about.data.nodeType === undefined || about.data.nodeType === null
        ? []
        : [`node type ${shortened(String(about.data.nodeType), 100)}`],
    );
  },
};

const at = (visit: Visit): string => `GET ${originOfPeer(visit.http.peer)}${visit.path('/qrs/about')}`;

/** `May 2025`, where the site tells; asked for the eye only. */
const releaseOf = async (visit: Visit, signal: AbortSignal): Promise<string | undefined> => {
  if (visit.direct) return undefined;
  const info = await visit.glance('/api/about/v1/systeminfo', signal);
  const label = typeof info === 'object' && info !== null && 'releaseLabel' in info ? info.releaseLabel : undefined;
  return typeof label === 'string' && label !== '' ? label.slice(0, 60) : undefined;
};

const refused = (visit: Visit, fault: Fault): ErrorInfo => {
  const reply = answerOf(fault);
  if (fault.code === 'qlik.protocol' && reply === undefined)
    return errorInfo(
      fault.code,
      `${fault.message}.`,
      'Something between this machine and Qlik changes or cuts answers (reverse proxy, inspection): ask who runs it; else another program answers at this address.',
    );
  if (reply === undefined) return fault;
  const who = visit.facts.whoami ?? 'the user';
  switch (reply.status) {
    case 400:
      return isHtml(reply)
        ? fault
        : errorInfo(
            'qlik.xrfkey_refused',
            `${at(visit)}: HTTP 400: the repository wants its key against forged requests (Xrfkey) both in the query and in the header X-Qlik-Xrfkey. Both were sent, so something between removes one.`,
          );
    case 401:
      return errorInfo(
        'qlik.unauthorized',
        `${at(visit)}: HTTP 401, although the log-in went well: the session does not hold.`,
        'Is there a load balancer in front of Qlik? It must keep a session on one proxy (sticky by cookie).',
      );
    case 403:
      return errorInfo(
        'qlik.forbidden',
        `${at(visit)}: HTTP 403: the repository was reached, and refuses ${who}.`,
        'In the QMC, look at the user (blocked, inactive?) and at the security rules; give it the rule that culvert doctor --rules prints.',
      );
    case 404:
      return errorInfo(
        'qlik.protocol',
        `${at(visit)}: HTTP 404: no repository answers there.`,
        visit.direct
          ? 'Check the port in connection.url: the repository listens on 4242.'
          : 'Check connection.url: it must lead to a Qlik Sense proxy, with the prefix of the virtual proxy.',
      );
    default:
      if (fault.code === 'qlik.login_page')
        return errorInfo(
          fault.code,
          `${at(visit)}: a page or a redirect came in place of data (HTTP ${reply.status}), although the log-in went well: something between asks for a log-in of its own, or the session does not hold.`,
          'Is there a portal, a load balancer or a reverse proxy in front of Qlik? It must pass programs through, and keep a session on one proxy.',
        );
      return reply.status >= 500
        ? errorInfo(
            'qlik.unavailable',
            `${at(visit)}: HTTP ${reply.status}: the proxy works, the repository behind it fails.`,
            'Look at the Qlik Sense Repository Service and its database (QMC, Nodes; log Repository\\Trace); it takes minutes to start.',
          )
        : fault;
  }
};
