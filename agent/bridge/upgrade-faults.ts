import { UpgradeRefused } from '#agent/network/dialer.ts';
import { withoutPlace } from '#agent/network/faults.ts';
import { AGENT_PATH, SUBPROTOCOL } from '#protocol/constants.ts';
import { asFault, Fault } from '#protocol/errors.ts';
import { GATEWAY_NAME, POLLING_HEADERS } from '#protocol/polling.ts';
import type { GatewayAddress } from './gateway-address.ts';
import type { UpgradeEvidence } from './transport.ts';
import { unreachable } from './unreachable.ts';

type Place = Pick<GatewayAddress, 'host' | 'origin'>;

/** Something else than a catalog answered, or something between did not let the WebSocket through. */
export const linkFault = (why: 'refused' | 'blocked', { host }: Place, seen: string, advice?: string): Fault =>
  new Fault(why === 'refused' ? 'bridge.upgrade_refused' : 'bridge.upgrade_blocked', `${host}: ${seen}`, {
    ...(advice === undefined ? {} : { advice }),
  });

/** Where a redirection leads: scheme and host only, the rest may hold a token. */
const leadsTo = (location: string | string[] | undefined, from: string): string => {
  const text = Array.isArray(location) ? location[0] : location;
  return text !== undefined && URL.canParse(text, from) ? new URL(text, from).origin : 'nowhere';
};

/** What it means that an HTTP answer came instead of the WebSocket. */
export const upgradeFault = ({ status, headers, excerpt }: UpgradeRefused, address: Place): Fault => {
  const said = `the WebSocket upgrade was answered with HTTP ${status}`;
  const page = /^\s*(?:text\/html|application\/xhtml)/i.test(String(headers['content-type'] ?? ''));
  if (status >= 300 && status < 400)
    return linkFault(
      'refused',
      address,
      `${said}, which leads to ${leadsTo(headers['location'], address.origin)}`,
      'A portal or a log-in page stands before the catalog: ask for an exception for its host, or correct `gateway.url`.',
    );
  if (status === 426 || (status === 200 && !page))
    return linkFault('blocked', address, `${said}, as to a request without the Upgrade header or subprotocol`);
  if (status === 200) return linkFault('refused', address, `${said}, a web page`);
  if (status === 421)
    return linkFault(
      'refused',
      address,
      `${said}: the catalog does not go by this name`,
      'Write the name by which the catalog was started into `gateway.url`.',
    );
  // The catalog's own words for an address that it has only for WebSockets.
  if (status === 404 && excerpt.includes(NOT_ASKED))
    return linkFault('blocked', address, `${said} by the catalog itself: the Upgrade header did not reach it`);
  if (status === 404)
    return linkFault(
      'refused',
      address,
      `${said}: there is no ${AGENT_PATH} at this address`,
      'Check host and path of `gateway.url`; a reverse proxy before the catalog must pass this path, with the Upgrade header.',
    );
  if (status === 407)
    return new Fault('proxy.auth_required', `${address.host}: ${said}: something between wants a log-in of its own`, {
      advice: 'Name the proxy of your network in `proxy` of agent.conf, with an account.',
    });
  if (status === 502 || status === 504)
    return new Fault(
      'bridge.unreachable',
      `${address.host}: ${said}: what stands before the catalog does not reach it`,
      {
        advice: 'Start the catalog, or look into the log of the reverse proxy or load balancer before it.',
      },
    );
  if (status >= 500)
    return new Fault('bridge.unreachable', `${address.host}: ${said}: the catalog has no room or is about to stop`, {
      advice:
        'Nothing has to be done if it passes: the agent tries again by itself. Else look into the log of the catalog.',
    });
  return linkFault(
    'refused',
    address,
    said,
    status === 403
      ? 'A firewall for web applications seems to refuse it: let WebSockets to this host and path pass.'
      : undefined,
  );
};

/** What it means that neither a WebSocket nor an HTTP answer came, where TLS had passed a moment before. */
export const silent = (error: unknown, address: Place): Fault => {
  const message = error instanceof Error ? error.message : String(error);
  if (/subprotocol/i.test(message))
    return linkFault('refused', address, `a WebSocket server answers that does not know ${SUBPROTOCOL}`);
  if (/Sec-WebSocket-Accept|Invalid Upgrade header|Parse Error/i.test(message))
    return linkFault('blocked', address, `the answer to the upgrade was changed on the way (${message.slice(0, 200)})`);
  const fault = asFault(error);
  if (fault.code === 'network.timeout' || fault.code === 'network.reset') {
    const seen = withoutPlace(fault.message);
    return linkFault('blocked', address, `everything before passed, but the WebSocket upgrade did not: ${seen}`);
  }
  return unreachable(error);
};

/** Only a catalog that was not asked for an upgrade says this of the address of its link. */
const NOT_ASKED = '"api.not_found"';
/** Said to what looks like an ordinary request, and by nobody to an upgrade that he understood. */
const STRIPPED: ReadonlySet<number> = new Set([405, 426, 501]);
/** A portal, a proxy that wants a log-in, a gateway or what stands before it without room. */
const OTHER_REASONS: ReadonlySet<number> = new Set([401, 407, 421, 429, 503]);

/**
 * Whether a WebSocket that came to nothing speaks against WebSockets. What a gateway says itself does not, except that the
 * subprotocol was lost on the way; nor do DNS, TLS, a port where nobody listens, or a proxy that refuses.
 */
export const upgradeEvidence = (error: unknown): UpgradeEvidence | undefined => {
  if (error instanceof UpgradeRefused) {
    const { status, headers, excerpt } = error;
    const seen = `the upgrade was answered with HTTP ${status}`;
    if (STRIPPED.has(status)) return { certain: true, seen };
    if (headers[POLLING_HEADERS.gateway] === GATEWAY_NAME || OTHER_REASONS.has(status)) return undefined;
    if (status >= 300 && status < 400) return undefined;
    return { certain: status === 404 && excerpt.includes(NOT_ASKED), seen };
  }
  const fault = asFault(error);
  const message = error instanceof Error ? error.message : String(error);
  const blocked =
    ['network.timeout', 'network.reset', 'proxy.upgrade_blocked'].includes(fault.code) ||
    /Sec-WebSocket-Accept|Invalid Upgrade header|Parse Error|subprotocol/i.test(message);
  return blocked
    ? { certain: false, seen: `the upgrade failed (${withoutPlace(fault.message).slice(0, 200)})` }
    : undefined;
};
