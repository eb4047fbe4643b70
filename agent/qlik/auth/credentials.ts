import { randomBytes } from 'node:crypto';
import type { Route } from '#agent/network/dialer.ts';
import type { TlsOptions } from '#agent/network/tls.ts';
import type { Connection, TicketLogin } from '#config/connection/connection.ts';

/**
 * How the site is reached: `direct` at the ports of the services themselves, with a client certificate and a user that
 * we name; or through the `proxy`, where a virtual proxy finds out the user and gives a session.
 */
export type RouteKind = 'direct' | 'proxy';

export const routeKind = (connection: Connection): RouteKind =>
  connection.authentication.type === 'certificate' ? 'direct' : 'proxy';

/** `X-Qlik-User` of the direct route: both parts percent-encoded as UTF-8, as names may hold `;`, `=` or any letter. */
export const qlikUser = (userDirectory: string, userId: string): string =>
  `UserDirectory=${encodeURIComponent(userDirectory)}; UserId=${encodeURIComponent(userId)}`;

export const tlsOptions = (connection: Connection): TlsOptions => {
  const { authentication, tls } = connection;
  // The export of the QMC brings the root that signed the site's own certificates.
  const authority =
    authentication.type === 'certificate' || authentication.type === 'ticket' ? authentication.authority : undefined;
  const certificate = authentication.type === 'certificate' ? authentication : undefined;
  return {
    extraAuthorities: authority === undefined ? tls.extraAuthorities : [...tls.extraAuthorities, authority],
    replaceDefaultRoots: tls.replaceDefaultRoots,
    systemAuthorities: tls.systemAuthorities,
    verifyHostName: tls.verifyHostName,
    bypassCertificateValidation: tls.bypassCertificateValidation,
    ...(certificate === undefined
      ? {}
      : { clientCertificate: { certificate: certificate.certificate, key: certificate.key } }),
  };
};

/** The repository (direct) or the proxy. */
export const repositoryRoute = (connection: Connection): Route => ({
  origin: connection.origin,
  aliasHost: connection.aliasHost,
  tls: tlsOptions(connection),
  proxy: connection.proxy,
});

/** The proxy service's own API, for tickets: it speaks only to holders of a client certificate of the site. */
export const proxyServiceRoute = (connection: Connection, login: TicketLogin): Route => ({
  origin: login.proxyServiceOrigin,
  // The alias is the name of the machine in connection.url; the proxy service may stand on another one.
  aliasHost:
    new URL(login.proxyServiceOrigin).hostname === new URL(connection.origin).hostname
      ? connection.aliasHost
      : undefined,
  tls: { ...tlsOptions(connection), clientCertificate: { certificate: login.certificate, key: login.key } },
  proxy: connection.proxy,
});

/** The engine's port over HTTP, for its REST calls on the direct route. */
export const engineRoute = (connection: Connection): Route => {
  const url = new URL(connection.engineUrl);
  return {
    origin: `${url.protocol === 'ws:' ? 'http:' : 'https:'}//${url.host}`,
    aliasHost: connection.aliasHost,
    tls: tlsOptions(connection),
    proxy: connection.proxy,
  };
};

/** `Origin` as a browser on the site would send it; its host must be on the virtual proxy's allow list. */
export const originOf = (connection: Connection): string => {
  const url = new URL(connection.origin);
  if (connection.aliasHost === undefined) return url.origin;
  return `${url.protocol}//${connection.aliasHost}${url.port === '' ? '' : `:${url.port}`}`;
};

/** 16 characters of `0-9a-zA-Z`, sent twice: QRS compares query and header to refuse forged cross-site requests. */
export const xrfKey = (): string => randomBytes(8).toString('hex');
