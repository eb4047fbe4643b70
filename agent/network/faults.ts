import { type ErrorCode, Fault } from '#protocol/errors.ts';

/** The other end of a connection, for messages: host and port as dialled. */
export interface Peer {
  readonly host: string;
  readonly port: number;
  /** Without TLS. */
  readonly plain?: true;
  /** The proxy on the way, as messages name it; absent for none. */
  readonly via?: string;
}

/** `host:port` for messages, with the proxy on the way. */
export const placeOf = ({ host, port, via }: Peer): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}${via === undefined ? '' : ` (through the ${via})`}`;

/** The message of a fault without the place in front of it (see {@link placeOf}), to be told of another one. */
export const withoutPlace = (message: string): string => message.slice(message.indexOf(': ') + 2);

/** Host and port that a URL leads to, with the default port of its scheme. */
export const peerOf = (url: URL): Peer => ({
  host: url.hostname.replace(/^\[|\]$/g, ''),
  port: url.port !== '' ? Number(url.port) : url.protocol === 'https:' || url.protocol === 'wss:' ? 443 : 80,
  ...(url.protocol === 'http:' || url.protocol === 'ws:' ? { plain: true as const } : {}),
});

/** `https://host:port`, or `http://…` without TLS. */
export const originOfPeer = ({ host, port, plain }: Peer): string =>
  `${plain === true ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;

interface Seen {
  readonly code: ErrorCode;
  /** Reads after "host:port"; `{}` is replaced by what the system said. */
  readonly text: string;
}

const seen = (code: ErrorCode, text: string): Seen => ({ code, text });

const CODES: Readonly<Record<string, Seen>> = {
  ENOTFOUND: seen('network.dns', 'the name has no address'),
  EAI_AGAIN: seen('network.dns_unavailable', 'the DNS server did not answer'),
  EAI_NODATA: seen('network.dns', 'the name has no address'),
  ECONNREFUSED: seen('network.refused', 'the connection was refused'),
  EHOSTUNREACH: seen('network.unreachable', 'there is no route to the host'),
  ENETUNREACH: seen('network.unreachable', 'there is no route to the network'),
  EACCES: seen('network.refused', 'this machine does not permit the connection'),
  ETIMEDOUT: seen('network.timeout', 'the connection timed out'),
  ESOCKETTIMEDOUT: seen('network.timeout', 'the connection timed out'),
  UND_ERR_CONNECT_TIMEOUT: seen('network.timeout', 'no connection came about in time'),
  UND_ERR_HEADERS_TIMEOUT: seen('network.timeout', 'the request was sent, but no answer came in time'),
  UND_ERR_BODY_TIMEOUT: seen('network.timeout', 'the answer stopped in the middle'),
  ECONNRESET: seen('network.reset', 'the connection was reset'),
  ECONNABORTED: seen('network.reset', 'the connection was aborted'),
  EPIPE: seen('network.reset', 'the connection was closed while data was sent'),
  UND_ERR_SOCKET: seen('network.reset', 'the connection was closed by the other side'),
  UND_ERR_CLOSED: seen('network.reset', 'the connection was closed'),
  UND_ERR_DESTROYED: seen('network.reset', 'the connection was closed'),
  UND_ERR_RES_EXCEEDED_MAX_SIZE: seen('qlik.protocol', 'the answer is larger than allowed'),
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: seen('qlik.protocol', 'a message is larger than allowed'),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: seen(
    'tls.untrusted',
    'the certificate was issued by an authority that is not trusted',
  ),
  UNABLE_TO_GET_ISSUER_CERT: seen('tls.untrusted', 'the certificate was issued by an authority that is not trusted'),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: seen(
    'tls.untrusted',
    'the certificate was issued by an authority that is not trusted',
  ),
  SELF_SIGNED_CERT_IN_CHAIN: seen('tls.untrusted', 'the chain ends in a self-signed authority that is not trusted'),
  DEPTH_ZERO_SELF_SIGNED_CERT: seen('tls.untrusted', 'the certificate is self-signed and not trusted'),
  CERT_UNTRUSTED: seen('tls.untrusted', 'the certificate is not trusted'),
  CERT_SIGNATURE_FAILURE: seen('tls.untrusted', 'the signature of the certificate is wrong'),
  CERT_REVOKED: seen('tls.unverifiable', 'the certificate was revoked'),
  INVALID_CA: seen('tls.unverifiable', 'an issuing certificate is not one of an authority'),
  CERT_HAS_EXPIRED: seen('tls.expired', 'the certificate of the server (or of its issuer) has expired'),
  CERT_NOT_YET_VALID: seen('tls.not_yet_valid', 'the certificate of the server is not valid yet'),
  ERR_TLS_CERT_ALTNAME_INVALID: seen('tls.wrong_host', 'the certificate is for other names'),
  HOSTNAME_MISMATCH: seen('tls.wrong_host', 'the certificate is for another name'),
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: seen('tls.client_certificate', 'the server demands a client certificate'),
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: seen('tls.client_certificate', 'the server does not trust our client certificate'),
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: seen('tls.client_certificate', 'the server refused our client certificate'),
  ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR: seen('tls.client_certificate', 'the server refused our client certificate'),
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: seen('tls.client_certificate', 'the server refused our client certificate'),
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: seen(
    'tls.client_certificate',
    'the server does not support our client certificate',
  ),
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: seen('tls.client_certificate', 'our client certificate was revoked'),
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: seen('tls.client_certificate', 'our client certificate has expired'),
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: seen('tls.client_certificate', 'the server refused our client certificate'),
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: seen(
    'tls.client_certificate',
    'the server ended the TLS handshake, as it does when a client certificate is missing',
  ),
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: seen(
    'tls.client_certificate',
    'the private key does not belong to the certificate',
  ),
};

interface LowLevel {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly reason?: unknown;
  readonly cause?: unknown;
  readonly error?: unknown;
  readonly errors?: unknown;
}

/** Every error inside `error`: the error of a WebSocket event, the parts of an aggregate, the causes; outermost first. */
const unfold = (error: unknown, depth = 0): LowLevel[] => {
  if (typeof error !== 'object' || error === null || depth > 5) return [];
  const low = error as LowLevel;
  const parts = Array.isArray(low.errors) ? low.errors : [];
  return [low, ...[low.error, ...parts, low.cause].flatMap((inner) => unfold(inner, depth + 1))];
};

const textOf = (low: LowLevel): string =>
  typeof low.reason === 'string' && low.reason !== ''
    ? low.reason
    : typeof low.message === 'string'
      ? (low.message.split('\n')[0] ?? '').slice(0, 300)
      : '';

const recognise = (low: LowLevel): Seen | undefined => {
  // OpenSSL 3.5 calls the alerts of SSL 3, which TLS kept, `ssl/tls alert`; before it was `sslv3 alert`.
  const code = typeof low.code === 'string' ? low.code.replace('_SSL/TLS_ALERT_', '_SSLV3_ALERT_') : '';
  const known = CODES[code];
  if (known !== undefined) return known;
  const message = typeof low.message === 'string' ? low.message : '';
  if (low.name === 'TimeoutError' || message.includes('handshake has timed out')) {
    return seen('network.timeout', 'no answer came in time');
  }
  // Verification errors that node has no name for; its text is OpenSSL's.
  if (code === 'UNSPECIFIED')
    return /too (?:weak|small)/.test(message)
      ? seen('tls.weak', 'the certificate is too weak to be trusted')
      : seen('tls.unverifiable', 'the certificate cannot be verified');
  if (code.startsWith('ERR_OSSL_'))
    return seen('tls.client_certificate', 'the client certificate or its key is unusable');
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO') {
    return seen('tls.failed', 'the TLS handshake failed');
  }
  if (message === 'socket hang up' || message.includes('other side closed')) {
    return seen('network.reset', 'the connection was closed by the other side');
  }
  return undefined;
};

/**
 * What a failed connection or request means to a person: an error of node, OpenSSL, undici or ws (their events and
 * aggregates included) becomes a {@link Fault} that names host and port and what was seen. A {@link Fault} stays as it
 * is; what nothing is known about becomes `network.reset`, with the text of the error.
 */
export const networkFault = (error: unknown, peer: Peer): Fault => {
  if (error instanceof Fault) return error;
  const where = placeOf(peer);
  const inner = unfold(error);
  for (const low of inner.toReversed()) {
    const found = recognise(low);
    if (found === undefined) continue;
    const said = textOf(low);
    return new Fault(found.code, `${where}: ${found.text}${said === '' ? '' : ` (${said})`}`, { cause: error });
  }
  const said = inner.map(textOf).find((text) => text !== '') ?? String(error);
  return new Fault('network.reset', `${where}: the connection failed (${said})`, { cause: error });
};
