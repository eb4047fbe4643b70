import { type ProxyServer, proxyName } from '#config/proxy.ts';
import { type ErrorCode, Fault } from '#protocol/errors.ts';
import { networkFault, type Peer, placeOf, withoutPlace } from './faults.ts';

/** What a proxy answered to CONNECT. */
export interface ConnectAnswer {
  readonly statusCode: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What web servers answer to a method that they do not know. */
const NO_TUNNELS: ReadonlySet<number> = new Set([400, 404, 405, 501]);

const RELAY =
  'Ask for an account with Basic authentication or an exception for this machine, or run a local relay (cntlm, px) and name it as the proxy.';

/** Names of the ways to log in that `Proxy-Authenticate` offers, as written. */
const schemesOf = (header: string | string[] | undefined): readonly string[] => {
  const lines = header === undefined ? [] : Array.isArray(header) ? header : [header];
  return lines
    .flatMap((line) =>
      line
        .slice(0, 4000)
        .replace(/"[^"]*"/g, '""')
        .split(','),
    )
    .map((part) => /^\s*([A-Za-z][A-Za-z0-9_-]*)(?=\s|$)(?!\s*=)/.exec(part)?.[1] ?? '')
    .filter((scheme) => scheme !== '');
};

/** What a proxy's refusal of a tunnel means; it is the proxy's own, so the server behind it is only named as asked for. */
export const connectFault = (proxy: ProxyServer, target: Peer, answer: ConnectAnswer): Fault => {
  const { statusCode, headers } = answer;
  const said = `${proxyName(proxy)} answered HTTP ${statusCode} when asked for ${placeOf({ host: target.host, port: target.port })}`;
  // 401 belongs to servers, but tinyproxy answers it to a wrong password.
  if (statusCode === 407 || statusCode === 401) {
    const schemes = schemesOf(headers['proxy-authenticate']);
    const list = schemes.join(', ');
    const basic = schemes.some((scheme) => scheme.toLowerCase() === 'basic');
    if (schemes.length > 0 && !basic) {
      if (schemes.some((scheme) => /^(?:ntlm|negotiate|kerberos)$/i.test(scheme)))
        return new Fault(
          'proxy.ntlm_only',
          `${said}: it wants a Windows log-in only (${list}), which Culvert cannot give`,
        );
      return new Fault('proxy.auth_required', `${said}: it wants a log-in by ${list}, of which Culvert knows none`, {
        advice: RELAY,
      });
    }
    return proxy.username === undefined
      ? new Fault('proxy.auth_required', `${said}: it wants a user name and a password, and none are set`)
      : new Fault('proxy.auth_refused', `${said}: it does not accept the user name and password that are set`);
  }
  if (NO_TUNNELS.has(statusCode)) return new Fault('proxy.no_tunnels', `${said}: it does not open tunnels (CONNECT)`);
  // Mostly 502 to 504; tinyproxy says 500.
  if (statusCode >= 500 && statusCode < 600)
    return new Fault('proxy.target_unreachable', `${said}: it cannot reach that server`);
  if (statusCode >= 400 && statusCode < 500)
    return new Fault('proxy.refused', `${said}: its rules do not allow that, or not to this machine`);
  return new Fault('proxy.protocol', `${said}, which is no answer of a proxy`);
};

const BY_NETWORK: Readonly<Partial<Record<ErrorCode, ErrorCode>>> = {
  'network.dns': 'proxy.unreachable',
  'network.dns_unavailable': 'proxy.unreachable',
  'network.refused': 'proxy.unreachable',
  'network.unreachable': 'proxy.unreachable',
  'network.timeout': 'proxy.timeout',
  'network.reset': 'proxy.protocol',
  'tls.untrusted': 'proxy.tls_untrusted',
  'tls.unverifiable': 'proxy.tls_untrusted',
  'tls.weak': 'proxy.tls_untrusted',
  'tls.expired': 'proxy.tls_untrusted',
  'tls.not_yet_valid': 'proxy.tls_untrusted',
  'tls.wrong_host': 'proxy.tls_untrusted',
  'tls.client_certificate': 'proxy.tls_failed',
  'tls.failed': 'proxy.tls_failed',
};

const ADVICE: Readonly<Partial<Record<ErrorCode, string>>> = {
  'tls.expired': 'Ask who runs the proxy to renew its certificate; its date of expiry has passed.',
  'tls.not_yet_valid': 'Check the clock of this machine and the certificate of the proxy.',
  'tls.wrong_host': 'Name the proxy in `proxy.hostname` as its certificate does.',
  'tls.client_certificate':
    'The proxy wants a client certificate, which is not supported: ask for a log-in by user and password.',
};

/** What failed on the way to an HTTP proxy, before it answered. */
export const proxyFault = (proxy: ProxyServer, error: unknown): Fault => {
  const seen = networkFault(error, { host: proxy.hostname, port: proxy.port });
  const code = BY_NETWORK[seen.code];
  if (code === undefined) return seen;
  const what = withoutPlace(seen.message);
  const advice = ADVICE[seen.code];
  return new Fault(code, `${proxyName(proxy)}: ${what}`, { cause: error, ...(advice === undefined ? {} : { advice }) });
};

interface Said {
  readonly code: ErrorCode;
  readonly text: string;
}

/** By what the client library says: it flattens every error into a text. */
const SOCKS: readonly (readonly [RegExp, Said])[] = [
  [
    /no accepted authentication type/,
    { code: 'proxy.auth_required', text: 'it takes none of the ways to log in that were offered' },
  ],
  [
    /Authentication failed/,
    { code: 'proxy.auth_refused', text: 'it does not accept the user name and password that are set' },
  ],
  [/RejectedIdent/, { code: 'proxy.auth_refused', text: 'it does not accept the user name' }],
  [/ - NotAllowed/, { code: 'proxy.refused', text: 'its rules do not allow that' }],
  [
    / - (?:NetworkUnreachable|HostUnreachable)/,
    { code: 'proxy.target_unreachable', text: 'it finds no way to that server' },
  ],
  [/ - ConnectionRefused/, { code: 'proxy.target_unreachable', text: 'that server refused its connection' }],
  [/ - TTLExpired/, { code: 'proxy.target_unreachable', text: 'its connection to that server timed out' }],
  [/ - (?:AddressNotSupported|CommandNotSupported)/, { code: 'proxy.socks_failed', text: 'it does not support that' }],
  [
    / - Failure/,
    { code: 'proxy.socks_failed', text: 'it failed without saying why (a name that it cannot resolve, or a rule)' },
  ],
  [/Socks4 Proxy rejected/, { code: 'proxy.socks_failed', text: 'it refused or failed without saying why' }],
  [/timed out$/, { code: 'proxy.timeout', text: 'it did not answer in time' }],
  [/^Socket closed/, { code: 'proxy.socks_failed', text: 'it closed the connection in the middle of the handshake' }],
  [/handshake/i, { code: 'proxy.socks_failed', text: 'its answer is not SOCKS' }],
];

/** What failed on the way to or through a SOCKS proxy. */
export const socksFault = (proxy: ProxyServer, target: Peer, error: unknown): Fault => {
  const message = error instanceof Error ? error.message : String(error);
  // Never the error itself as a cause: it carries the options, and with them the password.
  const cause = new Error(message);
  const found = SOCKS.find(([pattern]) => pattern.test(message))?.[1];
  if (found !== undefined) {
    const asked = placeOf({ host: target.host, port: target.port });
    const anonymous = proxy.username === undefined;
    const code = anonymous && found.code === 'proxy.auth_refused' ? 'proxy.auth_required' : found.code;
    const none = anonymous && code === 'proxy.auth_required' ? ', and no user is set' : '';
    return new Fault(code, `${proxyName(proxy)}, asked for ${asked}: ${found.text}${none}`, { cause });
  }
  const reset = /ECONNRESET|EPIPE/.test(message);
  const text = message === '' ? 'the connection was refused' : message.slice(0, 300);
  return reset
    ? new Fault('proxy.socks_failed', `${proxyName(proxy)}: it cut the connection (${text})`, { cause })
    : new Fault('proxy.unreachable', `${proxyName(proxy)}: ${text}`, { cause });
};
