import { type ErrorCode, Fault } from '#protocol/errors.ts';

/** Whose way is probed: a connection's to its servers, or the agent's own link to the catalog. */
export type Speaks = 'connection' | 'link';

/** How advice names settings: a connection's stand in its file, those of the link in agent.conf. */
export interface Wording {
  readonly speaks: Speaks;
  /** The key with the address. */
  readonly address: 'connection.url' | 'gateway.url';
  /** The key of trust stores, with its file where that is not plain. */
  readonly truststore: string;
  /** The key for the authorities of the operating system, likewise. */
  readonly system: string;
  /** The same fault with advice that names the right settings. */
  of(fault: Fault): Fault;
}

/** Where the advice of a fault of the network speaks of the connection file or of Qlik, which have no part in the link. */
const LINK_ADVICE: Readonly<Partial<Record<ErrorCode, string>>> = {
  'network.dns': 'Check the host name in `gateway.url` and the DNS of this machine.',
  'tls.untrusted':
    'Put the certificate of the issuing authority into a PEM file and name it in `tls.truststore.path` of agent.conf.',
  'tls.wrong_host': 'Write the host name that is in the certificate of the catalog into `gateway.url`.',
  // What OpenSSL says when a handshake is refused reads like a missing client certificate; the catalog asks for none.
  'tls.client_certificate':
    'The server wants a client certificate, as no catalog does: check where `gateway.url` leads.',
  'tls.client_certificate_missing':
    'The server wants a client certificate, as no catalog does: check where `gateway.url` leads.',
  'tls.client_certificate_expired':
    'The server wants a client certificate, as no catalog does: check where `gateway.url` leads.',
};

/** The words for a connection, or for the link to the catalog. */
export const wordingFor = (speaks: Speaks): Wording => {
  const link = speaks === 'link';
  const of = link ? ' of agent.conf' : '';
  const truststore = `\`tls.truststore.path\`${of}`;
  const system = `\`tls.system_authorities = true\`${of}`;
  return {
    speaks,
    address: link ? 'gateway.url' : 'connection.url',
    truststore,
    system,
    of: (fault) =>
      link
        ? new Fault(fault.code, fault.message, {
            cause: fault.cause,
            retryable: fault.retryable,
            advice:
              LINK_ADVICE[fault.code] ??
              fault.advice
                .replaceAll('`connection.url`', '`gateway.url`')
                .replaceAll('`tls.truststore.path`', truststore)
                .replaceAll('`tls.system_authorities = true`', system),
          })
        : fault,
  };
};
