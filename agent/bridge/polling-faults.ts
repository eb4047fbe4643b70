import type { HttpReply } from '#agent/network/dialer.ts';
import { Fault } from '#protocol/errors.ts';
import { GATEWAY_NAME, POLLING_HEADERS } from '#protocol/polling.ts';
import type { GatewayAddress } from './gateway-address.ts';
import { linkFault } from './upgrade-faults.ts';

type Answer = Pick<HttpReply, 'status' | 'headers'>;

/** What `Retry-After` asks for. */
const retryAfterMs = ({ headers }: Pick<Answer, 'headers'>): number | undefined => {
  const given = headers['retry-after'];
  if (typeof given !== 'string' || !/^\d{1,9}$/.test(given.trim())) return undefined;
  return Number(given) * 1000;
};

/** The gateway, or something before it, let no session be opened. */
export class PollingRefused extends Fault {
  readonly retryAfterMs: number | undefined;

  constructor(reply: Answer, address: GatewayAddress) {
    const { code, message, retryable, advice } = pollingFault(reply, address);
    super(code, message, { retryable, advice });
    this.retryAfterMs = retryAfterMs(reply);
  }
}

/** What it means that a request of the long polling was not answered as a gateway does. */
export const pollingFault = ({ status, headers }: Answer, address: GatewayAddress): Fault => {
  const said = `long polling was answered with HTTP ${status}`;
  const genuine = headers[POLLING_HEADERS.gateway] === GATEWAY_NAME;
  if (genuine && status === 421)
    return linkFault(
      'refused',
      address,
      `${said}: the catalog does not go by this name`,
      'Write the name by which the catalog was started into `gateway.url`.',
    );
  if (status === 407)
    return new Fault('proxy.auth_required', `${address.host}: ${said}: something between wants a log-in of its own`, {
      advice: 'Name the proxy of your network in `proxy` of agent.conf, with an account.',
    });
  if (genuine || status >= 500)
    return new Fault('bridge.unreachable', `${address.host}: ${said}: the catalog has no room, or is not reached`, {
      advice: 'Nothing has to be done if it passes: the agent tries again by itself. Else look into its log.',
    });
  return linkFault('refused', address, `${said} by something that is no gateway of this release`);
};
