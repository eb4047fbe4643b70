/** The virtual proxies of the site, and which one a path belongs to. */
import type { Authenticator } from './authenticator.ts';

export interface VirtualProxy {
  /** Lower case, may hold slashes; empty for the default one. */
  readonly prefix: string;
  readonly description: string;
  readonly authenticator: Authenticator;
  /** Of the session cookie, without the suffix for plain http. */
  readonly cookieName: string;
  /** Host names that an `Origin` may have, and by which the proxy may be called. */
  readonly allowedHosts: readonly string[];
  /** False: not linked to the proxy service that is called; every answer is a large HTML 400. */
  readonly linked: boolean;
  readonly inactivityMs: number;
}

/** The default name of the session cookie of a prefix. */
export const cookieNameOf = (prefix: string): string =>
  prefix === '' ? 'X-Qlik-Session' : `X-Qlik-Session-${prefix.replaceAll('/', '-')}`;

/** Whether the request came by a name that the virtual proxy allows; `instead`: of its list, unless empty. */
export function allowsHost(
  { allowedHosts }: VirtualProxy,
  host: string | undefined,
  instead: readonly string[],
): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  return (instead.length > 0 ? instead : allowedHosts).some((allowed) => allowed.toLowerCase() === name);
}

export interface Routed {
  readonly proxy: VirtualProxy;
  /** What comes after the prefix, with a leading slash. */
  readonly path: string;
}

/** The proxy with the longest prefix that the path starts with; a path with an unknown prefix is the default one's. */
export function route(proxies: readonly VirtualProxy[], path: string): Routed | null {
  const lower = path.toLowerCase();
  const fits = proxies
    .filter(({ prefix }) => prefix === '' || lower === `/${prefix}` || lower.startsWith(`/${prefix}/`))
    .sort((a, b) => b.prefix.length - a.prefix.length)[0];
  if (!fits) return null;
  const rest = fits.prefix === '' ? path : path.slice(fits.prefix.length + 1);
  return { proxy: fits, path: rest === '' ? '/' : rest };
}
