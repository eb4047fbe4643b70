import { AGENT_PATH, ENROL_PATH } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';

/** Where the catalog is reached, derived from `gateway.url`. */
export interface GatewayAddress {
  /** The WebSocket. */
  readonly link: string;
  /** `https://host[:port]`, for calls over HTTP. */
  readonly origin: string;
  readonly enrolPath: string;
  /** As the `Host` header has it: it is part of what the agent signs. */
  readonly host: string;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Reads `gateway.url`: `https://…` or `wss://…`; without TLS only to this machine itself.
 * @throws Fault `config.invalid`
 */
export const gatewayAddress = (text: string): GatewayAddress => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const secure = url?.protocol === 'https:' || url?.protocol === 'wss:';
  const plain = url?.protocol === 'http:' || url?.protocol === 'ws:';
  // What was written is not repeated: it may hold a password in a place where none belongs.
  if (!url || !(secure || plain)) throw new Fault('config.invalid', 'gateway.url must be an https:// address');
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    throw new Fault('config.invalid', 'gateway.url may hold neither user, password, query nor fragment');
  if (plain && !LOOPBACK.test(url.hostname))
    throw new Fault(
      'config.invalid',
      `gateway.url must be https:// for ${url.hostname}: without TLS only loopback is allowed`,
    );
  const prefix = url.pathname.replace(/\/+$/, '');
  return {
    link: `${secure ? 'wss' : 'ws'}://${url.host}${prefix}${AGENT_PATH}`,
    origin: `${secure ? 'https' : 'http'}://${url.host}`,
    enrolPath: `${prefix}${ENROL_PATH}`,
    host: url.host,
  };
};
