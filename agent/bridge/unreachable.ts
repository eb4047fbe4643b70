import { asFault, type ErrorCode, Fault } from '#protocol/errors.ts';

/** Where the advice of a fault of the network speaks of the connection file or of Qlik, which have no part in this. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  'network.dns': 'Check the host name in `gateway.url` and the DNS of this machine.',
  'tls.untrusted':
    'Put the certificate of the issuing authority into a PEM file and name it in `tls.truststore.path` of agent.conf.',
  'tls.wrong_host': 'Write the host name that is in the certificate of the catalog into `gateway.url`.',
  // What OpenSSL says when a handshake is refused reads like a missing client certificate; the catalog asks for none.
  'tls.client_certificate':
    'The server wants a client certificate, as no catalog does: check where `gateway.url` leads.',
};

const FROM_THE_NETWORK = /^(?:network|tls)\./;

/** Why the catalog cannot be reached, from what the Dialer says; what a proxy did keeps its own name. */
export const unreachable = (error: unknown): Fault => {
  const fault = asFault(error);
  if (fault.code.startsWith('proxy.')) return fault;
  const { code, message, advice } = fault;
  return new Fault('bridge.unreachable', message, {
    cause: error,
    ...(FROM_THE_NETWORK.test(code) ? { advice: ADVICE[code] ?? advice } : {}),
  });
};
