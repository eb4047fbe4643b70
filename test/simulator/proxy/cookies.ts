/** Session cookies: read from any request, named by virtual proxy and by whether TLS was used. */
import type { IncomingMessage } from 'node:http';
import type { VirtualProxy } from './virtual-proxy.ts';

/** The cookie's name on this connection: over plain http releases since February 2019 add `-HTTP`. */
export const sessionCookieName = (proxy: VirtualProxy, secure: boolean, httpSuffix: boolean): string =>
  secure || !httpSuffix ? proxy.cookieName : `${proxy.cookieName}-HTTP`;

/** The value of a cookie; undefined when it was not sent. Names compare exactly. */
export function cookieValue(request: IncomingMessage, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}

export const setCookie = (name: string, value: string, secure: boolean): string =>
  `${name}=${value}; Path=/; HttpOnly${secure ? '; Secure; SameSite=None' : '; SameSite=Lax'}`;
