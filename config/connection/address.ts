import { isIP } from 'node:net';
import { isLoopback } from '../loopback.ts';
import type { Authentication } from './connection.ts';
import type { Problems } from './problem.ts';
import type { Placed, Values } from './values.ts';

/** Ports of the services themselves, which speak only with client certificates. */
const REPOSITORY_PORT = '4242';
const ENGINE_PORT = '4747';
/** First parts of the pages of Qlik Sense, which people copy from the address bar. */
const PAGE = /^\/(?:(.*)\/)?(?:hub|sense|qmc|dev-hub|single|resources|qrs|api)(?:\/.*)?$/i;

export interface Addresses {
  readonly origin: string;
  readonly prefix: string;
  readonly engineUrl: string;
  readonly displayUrl: string;
  readonly aliasHost: string | undefined;
}

interface Address {
  readonly url: URL;
  readonly prefix: string;
}

const readUrl = (
  path: string,
  given: Placed<string>,
  protocol: 'https:' | 'wss:',
  problems: Problems,
): Address | undefined => {
  const plain = protocol === 'https:' ? 'http:' : 'ws:';
  const fail = (message: string, advice: string): undefined => {
    problems.error('config.invalid', given.at, `${path} ${message}`, advice);
    return undefined;
  };
  const example = `Write ${path} = "${protocol}//qlik.example.com/prefix", in double quotes.`;
  const text = given.value.trim();
  // Looked for before parsing: what is wrong with such a URL may not be shown.
  if (/^[a-z]+:\/\/[^?#]*@/i.test(text))
    return fail(
      'holds a user or a password, which may not stand in a URL.',
      'Take out everything from // up to and with the @; how to log in stands in connection.auth.',
    );
  if (!URL.canParse(text) || !/^[a-z]+:\/\//i.test(text))
    return fail(/^[a-z]+:\/\//i.test(text) ? 'is not a URL.' : `must begin with ${protocol}//.`, example);
  const url = new URL(text);
  if (url.protocol !== protocol && url.protocol !== plain)
    return fail(`must begin with ${protocol}//, not ${url.protocol}//.`, example);
  if (url.search !== '' || url.hash !== '')
    problems.warn(
      'config.suspicious_value',
      given.at,
      `${path} has a part after ? or #, which has no effect.`,
      `Write only ${url.protocol}//host[:port][/prefix].`,
    );
  const page = protocol === 'https:' ? PAGE.exec(url.pathname) : null;
  if (page !== null)
    problems.warn(
      'config.suspicious_value',
      given.at,
      `${path} looks like the address of a page; only the part before it is used.`,
      `Write ${path} = "${url.origin}${page[1] === undefined ? '' : `/${page[1]}`}".`,
    );
  return { url, prefix: (page === null ? url.pathname : (page[1] ?? '')).replace(/^\/+|(?<!\/)\/+$/g, '') };
};

/** Loud, because whoever listens on the way can log in as the user of the connection. */
const warnOfPlain = (path: string, given: Placed<string>, url: URL, problems: Problems): void => {
  if ((url.protocol !== 'http:' && url.protocol !== 'ws:') || isLoopback(url.hostname)) return;
  problems.warn(
    'config.suspicious_value',
    given.at,
    `${path} is without TLS: credentials and all that is read travel in clear, and whoever listens can use them.`,
    `Switch on HTTPS at the Qlik proxy (QMC, Proxies, Ports) and write ${path} = "${url.protocol === 'http:' ? 'https' : 'wss'}://…".`,
  );
};

const joined = (base: string, prefix: string): string => (prefix === '' ? base : `${base}/${prefix}`);

/** Addresses of the site. Undefined when `connection.url` is missing or wrong, which is reported. */
export const readAddresses = (
  values: Values,
  type: Authentication['type'] | undefined,
  problems: Problems,
): Addresses | undefined => {
  const given = values.text('connection.url');
  const engineGiven = values.text('connection.engine_url');
  const displayGiven = values.text('connection.display_url');
  const alias = values.text('connection.alias_host');
  const address = given && readUrl('connection.url', given, 'https:', problems);
  const engine = engineGiven && readUrl('connection.engine_url', engineGiven, 'wss:', problems);
  const display = displayGiven && readUrl('connection.display_url', displayGiven, 'https:', problems);
  let aliasHost: string | undefined;
  if (alias !== undefined) {
    aliasHost = alias.value.trim();
    if (isIP(aliasHost) !== 0 || !/^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9])?$/.test(aliasHost))
      problems.error(
        'config.invalid',
        alias.at,
        'connection.alias_host must be a host name, without scheme, port or path.',
        'Write the name that stands in the certificate of the server, for instance "qlik.example.com".',
      );
  }
  if (given === undefined || address === undefined) return undefined;
  const { url, prefix } = address;
  const direct = type === 'certificate';
  if (direct && (url.protocol === 'http:' || engine?.url.protocol === 'ws:')) {
    problems.error(
      'config.invalid',
      (url.protocol === 'http:' ? given : engineGiven)?.at,
      'A client certificate can be shown only over TLS.',
      `Write connection.url = "https://${url.hostname}:${REPOSITORY_PORT}", without an engine_url.`,
    );
    return undefined;
  }
  warnOfPlain('connection.url', given, url, problems);
  if (engine !== undefined && engineGiven !== undefined)
    warnOfPlain('connection.engine_url', engineGiven, engine.url, problems);
  if (direct && prefix !== '')
    problems.warn(
      'config.suspicious_value',
      given.at,
      'Client certificates speak to the services directly, where a virtual proxy prefix has no meaning.',
      `Write connection.url = "https://${url.host}", or log in by header or JWT.`,
    );
  if (!direct && (url.port === REPOSITORY_PORT || url.port === ENGINE_PORT))
    problems.warn(
      'config.suspicious_value',
      given.at,
      `Port ${url.port} is the ${url.port === ENGINE_PORT ? "engine's" : "repository's"} own, where only client certificates can log in.`,
      `Write connection.url = "https://${url.hostname}/prefix", with the prefix of the virtual proxy.`,
    );
  const origin = direct && url.port === '' ? `https://${url.hostname}:${REPOSITORY_PORT}` : url.origin;
  const engineBase = direct ? `wss://${url.hostname}:${ENGINE_PORT}` : url.origin.replace(/^http/, 'ws');
  const displayBase = direct && url.port === REPOSITORY_PORT ? `https://${url.hostname}` : url.origin;
  const usedPrefix = direct ? '' : prefix;
  return {
    origin,
    prefix: usedPrefix,
    engineUrl:
      engine === undefined
        ? joined(engineBase, usedPrefix)
        : joined(`${engine.url.protocol}//${engine.url.host}`, engine.prefix),
    displayUrl: display === undefined ? joined(displayBase, usedPrefix) : joined(display.url.origin, display.prefix),
    aliasHost,
  };
};
