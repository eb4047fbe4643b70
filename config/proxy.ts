import { isLoopback } from './loopback.ts';
import { exempts } from './no-proxy.ts';
import type { Secret } from './secret.ts';

/**
 * `http` and `https` say how the proxy itself is spoken to (CONNECT in both cases); with `socks5` and `socks4a` the
 * proxy resolves the names.
 */
export const PROXY_SCHEMES = ['http', 'https', 'socks5', 'socks4a'] as const;
export type ProxyScheme = (typeof PROXY_SCHEMES)[number];

export interface ProxyServer {
  readonly scheme: ProxyScheme;
  /** Name or address, IPv6 without brackets. */
  readonly hostname: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: Secret | undefined;
  /** PEM certificates to trust, besides the default roots, for an `https` proxy itself; never for what lies behind it. */
  readonly extraAuthorities: readonly string[];
  /** Where it was named: `proxy.hostname`, or an environment variable. For messages. */
  readonly from: string;
}

/** Which proxy leads where, as the file or the environment says it. */
export type ProxyChoice =
  | { readonly type: 'fixed'; readonly proxy: ProxyServer }
  | {
      readonly type: 'environment';
      /** For `https:` and `wss:`. */
      readonly secure: ProxyServer | undefined;
      /** For `http:` and `ws:`. */
      readonly plain: ProxyServer | undefined;
      /** Entries of `no_proxy`. */
      readonly except: readonly string[];
    };

/** True when a proxy that may be on the way is logged in to with a password. */
export const needsPassword = (choice: ProxyChoice | undefined): boolean =>
  (choice === undefined ? [] : choice.type === 'fixed' ? [choice.proxy] : [choice.secure, choice.plain]).some(
    (proxy) => proxy?.password !== undefined,
  );

/** A proxy for messages and logs: kind, address and where it was named; never a user or a password. */
export const proxyName = ({ scheme, hostname, port, from }: ProxyServer): string =>
  `${scheme} proxy ${hostname.includes(':') ? `[${hostname}]` : hostname}:${port} (${from})`;

interface Way {
  readonly proxy: ProxyServer | undefined;
  /** Why there is none, in words; empty when nothing was to be said. */
  readonly why: string;
}

const wayTo = (choice: ProxyChoice | undefined, url: URL): Way => {
  if (choice === undefined) return { proxy: undefined, why: '' };
  if (choice.type === 'fixed') return { proxy: choice.proxy, why: '' };
  const { secure, plain, except } = choice;
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:';
  const proxy = isSecure ? secure : plain;
  if (proxy === undefined) {
    const why = isSecure && plain !== undefined ? `${plain.from} counts only for http://; there is no https_proxy` : '';
    return { proxy, why };
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // A proxy's own loopback is another one: what is meant to be on this machine must never be asked of it.
  if (isLoopback(url.hostname)) return { proxy: undefined, why: 'it is on this machine' };
  const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port);
  const entry = exempts(except, host, port);
  return entry === undefined ? { proxy, why: '' } : { proxy: undefined, why: `no_proxy has ${entry}` };
};

/** The proxy on the way to a server, or undefined for none. A proxy that a file names is used for every server. */
export const proxyFor = (choice: ProxyChoice | undefined, url: URL): ProxyServer | undefined =>
  wayTo(choice, url).proxy;

/** The way to a server in words, for the log: `directly`, or through which proxy, and why. Without credentials. */
export const describeWay = (choice: ProxyChoice | undefined, address: string): string => {
  const { proxy, why } = wayTo(choice, new URL(address));
  if (proxy !== undefined) return `through the ${proxyName(proxy)}`;
  return why === '' ? 'directly' : `directly (${why})`;
};
