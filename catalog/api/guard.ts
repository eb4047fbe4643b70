import { timingSafeEqual, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { findApiToken } from '#catalog/store/api-tokens.ts';
import { findSession, type Principal } from '#catalog/store/members.ts';
import type { Sql } from '#catalog/store/sql.ts';
import { Fault } from '#protocol/errors.ts';

/** With HTTPS the `__Host-` prefix keeps other hosts and plain HTTP from setting the cookie. */
export const cookieName = (secure: boolean): string => (secure ? '__Host-culvert' : 'culvert');

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

const equal = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};

/**
 * Finds out who asks: an API token in `Authorization`, else the session cookie, which for changes must come with the
 * session's CSRF token.
 *
 * @throws Fault `api.unauthenticated`, `api.csrf`
 */
export const authenticate = async (sql: Sql, request: FastifyRequest, secure: boolean): Promise<Principal> => {
  const bearer = /^Bearer (\S{1,200})$/i.exec(request.headers.authorization ?? '')?.[1];
  if (request.headers.authorization !== undefined) {
    const found = bearer === undefined ? undefined : await findApiToken(sql, bearer);
    if (!found) throw new Fault('api.unauthenticated', 'The API token is wrong, expired or deleted.');
    return found;
  }
  const cookie = request.cookies[cookieName(secure)];
  const found = cookie === undefined || cookie.length > 200 ? undefined : await findSession(sql, cookie);
  if (!found)
    throw new Fault('api.unauthenticated', cookie === undefined ? 'This needs a login.' : 'The login has ended.');
  if (!READS.has(request.method)) {
    const sent = request.headers['x-csrf-token'];
    if (typeof sent !== 'string' || found.csrf === null || !equal(sent, found.csrf))
      throw new Fault('api.csrf', 'The header x-csrf-token is missing or not the one of this login.');
  }
  return found;
};

const nameOf = (authority: string): string => {
  try {
    return new URL(`http://${authority}`).hostname.replace(/^\[|\]$/g, '');
  } catch {
    return '';
  }
};

/** Is this an address or a name of this very machine? */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** What the catalog knows of the names by which it is reached. */
export interface KnownHosts {
  /** It listens on loopback only: then it answers to loopback names. */
  readonly loopbackOnly: boolean;
  /** Host (and port) by which people and agents reach it. */
  readonly publicHost?: string | undefined;
  /** Its own certificate (PEM), whose names are its names. */
  readonly certificate?: string | undefined;
}

/**
 * Tells whether a `Host` header names this catalog. Behind a proxy of which no name is known, any name does.
 *
 * @throws Error when the certificate cannot be read.
 */
export const hostCheck = ({ loopbackOnly, publicHost, certificate }: KnownHosts): ((host: string) => boolean) => {
  const own = publicHost === undefined ? undefined : nameOf(publicHost);
  const names = certificate === undefined ? undefined : new X509Certificate(certificate);
  return (host) => {
    const name = nameOf(host);
    if (name === '') return false;
    if (isLoopback(name) || name === own) return true;
    if (loopbackOnly || own !== undefined) return false;
    return names === undefined || (isIP(name) ? names.checkIP(name) : names.checkHost(name)) !== undefined;
  };
};

/**
 * Refuses what a page of another site makes a browser send: a foreign name that was pointed at this machine (DNS
 * rebinding), and changes that another origin asks for.
 */
export const checkOrigin = (
  request: Pick<FastifyRequest, 'method' | 'headers'>,
  answersTo: (host: string) => boolean,
): void => {
  const host = request.headers.host ?? '';
  if (!answersTo(host)) throw new Fault('api.host', 'The catalog is not reached by this name.');
  const { origin } = request.headers;
  if (READS.has(request.method) || origin === undefined) return;
  if (URL.parse(origin)?.host !== host.toLowerCase())
    throw new Fault('api.csrf', 'Another site asked for this change.');
};
