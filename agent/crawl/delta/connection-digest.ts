import type { Authentication, Connection } from '#config/connection/connection.ts';
import { digestOf } from './fingerprint.ts';

/** Keys of the block `crawl` that change when or how fast is read, and not what. */
const OF_NO_MATTER: ReadonlySet<string> = new Set([
  'engineSessions',
  'appTimeoutMs',
  'fullEveryMs',
  'deletion',
  'quietHours',
]);

/** As whom the site is asked; secrets that change while the user stays are left out. */
const userOf = (authentication: Authentication): unknown => {
  switch (authentication.type) {
    case 'header':
      return [authentication.header, authentication.value.reveal()];
    case 'jwt':
      return claimsOf(authentication.token.reveal());
    case 'signed-jwt':
      return authentication.claims;
    case 'ticket':
    case 'certificate':
      return [authentication.userDirectory, authentication.userId];
    case 'windows':
      return [authentication.domain, authentication.user];
    default:
      return authentication satisfies never;
  }
};

/** What a token says, without its times and number: a new one for the same user makes no difference. */
const claimsOf = (token: string): unknown => {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    if (typeof claims !== 'object' || claims === null) return token;
    return Object.entries(claims).filter(([name]) => !['exp', 'iat', 'nbf', 'jti'].includes(name));
  } catch {
    return token;
  }
};

/** What of a connection changes what a crawl finds or how it is written. */
export const connectionDigest = (connection: Connection): string => {
  const { code, origin, prefix, engineUrl, displayUrl, authentication, crawl } = connection;
  const paths = 'paths' in connection ? connection.paths : undefined;
  return digestOf([
    code,
    origin,
    prefix,
    engineUrl,
    displayUrl,
    authentication.type,
    userOf(authentication),
    Object.entries(crawl).filter(([name]) => !OF_NO_MATTER.has(name)),
    paths,
  ]);
};
