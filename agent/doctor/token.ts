import { span } from '#agent/network/clock.ts';
import { tokenPart } from '#config/connection/token-parts.ts';
import type { ErrorCode } from '#protocol/errors.ts';
import { apart } from './clock.ts';

/** What can be said of a JSON web token without the key that signed it. */
export interface TokenReading {
  /** Facts, one a line, without values that are secret. */
  readonly details: readonly string[];
  /** Why a server may refuse it; undefined when nothing is wrong that can be seen. */
  readonly suspicion: { readonly code: ErrorCode; readonly text: string } | undefined;
}

const TIMES = new Set(['exp', 'nbf', 'iat']);
/** Claims that say something about the token, not about a user. */
const OF_THE_TOKEN = new Set([...TIMES, 'iss', 'aud', 'jti', 'typ', 'ver', 'alg']);
const USER = /user.?(?:id|name)?$|^(?:id|sub|name|upn|email|mail|login|account|uid)$|name$/i;
const DIRECTORY = /dir|domain|^ud$|realm|tenant|^org/i;

const isoOf = (seconds: number): string =>
  Number.isFinite(new Date(seconds * 1000).getTime()) ? new Date(seconds * 1000).toISOString() : String(seconds);

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/**
 * Reads a token as the virtual proxy will. `siteAheadMs`: how far the clock of the site is ahead of `nowMs`; a token is
 * good or not by that clock, and where ours says otherwise the clocks are the cause.
 */
export const readToken = (token: string, nowMs: number, siteAheadMs: number | undefined): TokenReading => {
  const parts = token.split('.');
  const head = tokenPart(token, 'head');
  const claims = tokenPart(token, 'claims');
  if (parts.length !== 3 || head === undefined || claims === undefined) {
    const bearer = /^bearer\s/i.test(token) ? ': it begins with "Bearer", which Culvert adds itself' : '';
    return {
      details: [],
      suspicion: {
        code: 'qlik.token_malformed',
        text: `what stands in the file is no JSON web token (three parts with dots between)${bearer}`,
      },
    };
  }
  const names = Object.keys(claims).filter((name) => !OF_THE_TOKEN.has(name));
  const exp = numberOf(claims['exp']);
  const nbf = numberOf(claims['nbf']) ?? numberOf(claims['iat']);
  const algorithm = typeof head['alg'] === 'string' ? head['alg'] : 'none';
  const audience = claims['aud'];
  const details = [
    `token: ${algorithm}, claims ${[...names, ...Object.keys(claims).filter((name) => !TIMES.has(name) && !names.includes(name))].join(', ')}`,
    `valid: ${nbf === undefined ? '' : `from ${isoOf(nbf)} `}${exp === undefined ? 'without end' : `until ${isoOf(exp)}`}`,
    ...(typeof audience === 'string' ? [`audience: ${audience.slice(0, 100)}`] : []),
  ];
  return { details, suspicion: suspicionOf({ algorithm, names, exp, nbf }, nowMs, siteAheadMs) };
};

const suspicionOf = (
  token: {
    readonly algorithm: string;
    readonly names: readonly string[];
    readonly exp: number | undefined;
    readonly nbf: number | undefined;
  },
  nowMs: number,
  siteAheadMs: number | undefined,
): TokenReading['suspicion'] => {
  const theirMs = nowMs + (siteAheadMs ?? 0);
  const clocks = apart(siteAheadMs);
  const { algorithm, names, exp, nbf } = token;
  if (exp !== undefined && exp * 1000 <= theirMs) {
    if (exp * 1000 > nowMs && clocks !== undefined)
      return {
        code: 'qlik.clock_skew',
        text: `the token is good by the clock of this machine and has expired by that of the site, which is ${clocks} ours`,
      };
    return {
      code: 'qlik.token_expired',
      text: `the token expired at ${isoOf(exp)}, ${span(theirMs - exp * 1000)} ago`,
    };
  }
  if (nbf !== undefined && nbf * 1000 > theirMs) {
    if (nbf * 1000 <= nowMs && clocks !== undefined)
      return {
        code: 'qlik.clock_skew',
        text: `the token is good by the clock of this machine and not yet by that of the site, which is ${clocks} ours`,
      };
    return { code: 'qlik.token_not_yet_valid', text: `the token is good only from ${isoOf(nbf)} on` };
  }
  if (!/^(?:RS|PS|ES)\d{3}$/.test(algorithm))
    return {
      code: 'qlik.token_malformed',
      text: `the token is signed by ${algorithm}; Qlik Sense takes RS256, which needs a key pair`,
    };
  const lacks = [
    ...(names.some((name) => USER.test(name) && !DIRECTORY.test(name)) || names.includes('userId') ? [] : ['user ID']),
    ...(names.some((name) => DIRECTORY.test(name)) ? [] : ['user directory']),
  ];
  if (lacks.length > 0)
    return {
      code: 'qlik.token_claims',
      text: `no claim of the token looks like a ${lacks.join(' or a ')}: it has ${names.length === 0 ? 'none about a user' : names.join(', ')}`,
    };
  return undefined;
};
