/**
 * How a virtual proxy learns who asks. Header and JWT need one request; methods that take several (Windows) or a detour
 * (ticket, forms) answer a challenge and may serve pages of their own: they fit the same interface.
 */
import type { IncomingMessage } from 'node:http';
import type { FaultSettings } from '../faults.ts';
import type { UserName } from '../model/types.ts';
import { htmlReply, type Reply } from '../reply.ts';
import { verifyToken } from '../tokens.ts';

type Authentication =
  | { readonly kind: 'user'; readonly user: UserName }
  /** Nothing was offered that this method takes: the proxy sends the client to its login page. */
  | { readonly kind: 'none' }
  /** Something was offered, and refused. */
  | { readonly kind: 'refused'; readonly reply: Reply }
  /** The method wants to say something first, such as a 401 with `WWW-Authenticate`. */
  | { readonly kind: 'challenge'; readonly reply: Reply };

/** A request to a page of an authentication method. `path` is without the prefix. */
export interface PageAsked {
  readonly request: IncomingMessage;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

export interface Authenticator {
  readonly method: 'header' | 'jwt' | 'login' | 'windows' | 'ticket' | 'saml' | 'oidc';
  /** Asked when a request has no valid session cookie. State of one connection belongs to `request.socket`. */
  authenticate(request: IncomingMessage, query: URLSearchParams): Authentication;
  /**
   * Where a client without session is sent, below the prefix or, as a whole URL, to another machine; default: the form
   * of the proxy. `target`: what it asked.
   */
  loginPath?(request: IncomingMessage, target: string): string;
  /** A page of the method's own below the prefix (`/internal_…`); null when the path is none of its. */
  page?(asked: PageAsked): Promise<Reply> | null;
}

export interface HeaderSettings {
  /** The header that names the user. `X-Qlik-…` names are not allowed. */
  readonly header: string;
  /** Dynamic: the value is `directory\user`. Else the directory of everyone; the value is the user alone. */
  readonly directory: 'dynamic' | { readonly static: string };
}

/** What the proxy says to a header it cannot read. */
const incorrectHeader = (): Reply => htmlReply(400, 'Error 400 - Bad request', 'The http request header is incorrect.');

/**
 * `missing`: what a request without the header is told; by default it is sent to log in.
 * @throws TypeError for a header name that Qlik refuses in its settings
 */
export function headerAuthenticator(
  { header, directory }: HeaderSettings,
  missing: () => FaultSettings['headerMissing'] = () => 'login',
): Authenticator {
  const name = header.toLowerCase();
  if (name.startsWith('x-qlik-')) throw new TypeError(`header authentication may not use ${header}`);
  return {
    method: 'header',
    authenticate(request) {
      const value = request.headers[name];
      if (value === undefined)
        return missing() === 'login' ? { kind: 'none' } : { kind: 'refused', reply: incorrectHeader() };
      // Only US-ASCII is supported; a repeated header is none.
      if (typeof value !== 'string' || value === '' || /[^\x20-\x7e]/.test(value))
        return { kind: 'refused', reply: incorrectHeader() };
      if (directory !== 'dynamic') return { kind: 'user', user: { directory: directory.static, id: value } };
      const [domain, ...rest] = value.split('\\');
      const id = rest.join('\\');
      if (!domain || id === '') return { kind: 'refused', reply: incorrectHeader() };
      return { kind: 'user', user: { directory: domain, id } };
    },
  };
}

export interface JwtSettings {
  readonly certificatePem: string;
  /** The names of the claims that hold user and directory. */
  readonly userClaim: string;
  readonly directoryClaim: string;
}

/** What the site decides about tokens while it runs. */
export interface JwtRules {
  /** The clock that the times in a token are held against. */
  now(): number;
  refusal(): FaultSettings['tokenRefusal'];
}

/**
 * The proxy checks the signature (RS256), the times, and that both claims are there; it knows no audience, so `aud` may
 * be anything.
 */
export function jwtAuthenticator(
  { certificatePem, userClaim, directoryClaim }: JwtSettings,
  rules: JwtRules = { now: () => Date.now(), refusal: () => 'unauthorized' },
): Authenticator {
  const refused = (): Authentication => {
    const way = rules.refusal();
    switch (way) {
      case 'login':
        return { kind: 'none' };
      case 'unauthorized':
        return {
          kind: 'refused',
          reply: htmlReply(401, 'Error 401 - Unauthorized', 'The token could not be validated.'),
        };
      case 'bad-request':
        return { kind: 'refused', reply: incorrectHeader() };
      default:
        return way satisfies never;
    }
  };
  return {
    method: 'jwt',
    authenticate(request) {
      const header = request.headers.authorization;
      if (header === undefined) return { kind: 'none' };
      const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
      const claims = token === undefined ? null : verifyToken(certificatePem, token, rules.now());
      const id = claims?.[userClaim];
      const directory = claims?.[directoryClaim];
      if (typeof id !== 'string' || typeof directory !== 'string' || id === '' || directory === '') return refused();
      return { kind: 'user', user: { directory, id } };
    },
  };
}

/** Tickets only: the proxy itself takes them, on every virtual proxy. */
export const ticketAuthenticator = (): Authenticator => ({ method: 'ticket', authenticate: () => ({ kind: 'none' }) });

/** Interactive login only: nobody gets in by a program. */
export const loginAuthenticator = (): Authenticator => ({ method: 'login', authenticate: () => ({ kind: 'none' }) });
