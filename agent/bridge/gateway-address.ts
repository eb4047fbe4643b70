import { readGatewayUrl } from '#config/gateway-url.ts';
import { AGENT_PATH, ENROL_PATH } from '#protocol/constants.ts';

/** Where the catalog is reached, derived from `gateway.url`. */
export interface GatewayAddress {
  /** The WebSocket. */
  readonly link: string;
  /** `https://host[:port]`, for calls over HTTP. */
  readonly origin: string;
  /** What stands before every path: empty, or `/…` without a slash at its end. */
  readonly prefix: string;
  readonly enrolPath: string;
  /** As the `Host` header has it: it is part of what the agent signs. */
  readonly host: string;
}

/** @throws Fault `config.invalid` for what {@link readGatewayUrl} refuses */
export const gatewayAddress = (text: string): GatewayAddress => {
  const { protocol, host, pathname } = readGatewayUrl(text);
  const prefix = pathname.replace(/(?<!\/)\/+$/, '');
  return {
    link: `${protocol}//${host}${prefix}${AGENT_PATH}`,
    origin: `${protocol === 'wss:' ? 'https:' : 'http:'}//${host}`,
    prefix,
    enrolPath: `${prefix}${ENROL_PATH}`,
    host,
  };
};
