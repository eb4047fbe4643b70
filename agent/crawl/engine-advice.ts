import { routeKind } from '#agent/qlik/auth/credentials.ts';
import { rpcError } from '#agent/qlik/engine/verdict.ts';
import type { Connection } from '#config/connection/connection.ts';
import { ruleAdvice } from '#config/connection/rights.ts';
import type { Fault } from '#protocol/errors.ts';

/** LOCERR_PERSONAL_SECTION_ACCESS: the app may be read, and its data say that the user may see none of them. */
const PERSONAL_SECTION_ACCESS = 12_002;

/** What lets the engine of this connection be reached: its port, or the settings of its virtual proxy. */
export const engineAdvice = (fault: Fault, connection: Connection): string => {
  const { hostname, port, protocol } = new URL(connection.engineUrl);
  const at = `port ${port === '' ? (protocol === 'wss:' ? '443' : '80') : port} of ${hostname}`;
  const direct = routeKind(connection) === 'direct';
  const proxy = connection.prefix === '' ? 'the default virtual proxy' : `the virtual proxy "${connection.prefix}"`;
  switch (fault.code) {
    case 'qlik.websocket_forbidden':
    case 'qlik.origin_not_allowed':
      return `In the QMC, Virtual proxies, add ${new URL(connection.origin).hostname} to the Host allow list of ${proxy} (no scheme, no port), then Apply; and let whatever stands before it pass WebSockets with their Origin header to ${at}.`;
    case 'qlik.license':
    case 'qlik.license_pending':
    case 'qlik.session_limit':
    case 'qlik.overloaded':
    case 'qlik.unauthorized':
    case 'qlik.app_timeout':
      return fault.advice;
    case 'qlik.no_engine':
      return direct
        ? `Check that the Qlik Sense Engine Service runs, and that this machine reaches ${at}.`
        : `Check that the Qlik Sense Engine Service runs, and in the QMC that ${proxy} has engine nodes under Load balancing nodes.`;
    case 'qlik.forbidden':
      return ruleAdvice('apps');
    default:
      return direct
        ? `Let this machine reach ${at} (the Qlik Sense Engine Service) through the firewall, and check that the service runs.`
        : `Let WebSockets from this machine through to ${at}: a firewall, gateway or reverse proxy before Qlik may pass requests and stop these.`;
  }
};

/** What lets the user into an app that denied it. */
export const deniedAdvice = (fault: Fault): string =>
  rpcError(fault.cause)?.code === PERSONAL_SECTION_ACCESS
    ? 'Add the user of this connection to the section access of the app: the rules of the QMC let it in, its data do not.'
    : `${ruleAdvice('apps')} If the app has section access, add the user there, too.`;
