import { isIP } from 'node:net';
import { PROXY_SCHEMES, type ProxyChoice, type ProxyServer } from '../proxy.ts';
import { credentialTrouble, type Environment, environmentProxies } from '../proxy-environment.ts';
import { Secret } from '../secret.ts';
import type { Problems } from './problem.ts';
import type { SideFiles } from './side-files.ts';
import { type Below, readTruststore } from './trust.ts';
import type { Placed, Values } from './values.ts';

/**
 * What `proxy` says: the proxy that it names, else that of the environment where the file (or the standard of
 * `proxy.from_environment`) wants it. `below` is what stands in front of its keys. Undefined for none, and when it is
 * wrong, which is reported.
 */
export const readProxy = (
  values: Values,
  files: SideFiles,
  problems: Problems,
  env: Environment,
  below: Below = '',
): ProxyChoice | undefined => {
  const scheme = values.text(`${below}proxy.scheme`);
  const hostname = values.text(`${below}proxy.hostname`);
  const portGiven = values.text(`${below}proxy.port`);
  const port = values.integer(`${below}proxy.port`);
  const username = values.text(`${below}proxy.username`);
  const password = values.text(`${below}proxy.password`);
  const asked = values.text(`${below}proxy.from_environment`);
  const fromEnvironment = values.flag(`${below}proxy.from_environment`);
  const extraAuthorities = readTruststore(`${below}proxy.tls.truststore`, values, files, problems);
  if (hostname === undefined) {
    const lonely = portGiven ?? username ?? password ?? scheme;
    if (lonely !== undefined) {
      problems.error(
        'config.missing_key',
        values.placeOf(`${below}proxy.hostname`) ?? lonely.at,
        `${below}proxy.hostname is missing: the host of the proxy.`,
        `Add ${below}proxy.hostname = "proxy.example.com", or delete all of ${below}proxy.`,
      );
      return undefined;
    }
    return fromEnvironment ? readEnvironment(env, extraAuthorities, asked, problems, below) : undefined;
  }
  if (asked !== undefined && fromEnvironment)
    problems.warn(
      'config.suspicious_value',
      asked.at,
      `${below}proxy.from_environment has no effect: the file names a proxy itself.`,
      `Delete the line, or ${below}proxy.hostname.`,
    );
  const host = readHost(hostname, problems, below);
  if (portGiven === undefined)
    problems.error(
      'config.missing_key',
      values.placeOf(`${below}proxy.port`) ?? hostname.at,
      `${below}proxy.port is missing: the port of the proxy.`,
      `Add ${below}proxy.port = 3128, for instance.`,
    );
  if (host === undefined || port === undefined) return undefined;
  const proxy: ProxyServer = {
    scheme: PROXY_SCHEMES.find((known) => known === scheme?.value) ?? 'http',
    hostname: host,
    port,
    username: username?.value,
    password: password === undefined ? undefined : new Secret(password.value),
    extraAuthorities,
    from: `${below}proxy.hostname`,
  };
  const trouble = credentialTrouble(proxy);
  const place = username ?? password;
  if (trouble !== undefined)
    problems.error(
      'config.invalid',
      place?.at,
      `${below}proxy: ${trouble}.`,
      `Correct ${below}proxy.username and ${below}proxy.password, or use a proxy of another scheme.`,
    );
  else if (username === undefined && password !== undefined)
    problems.warn(
      'config.suspicious_value',
      password.at,
      `${below}proxy.password stands without ${below}proxy.username.`,
      `Add ${below}proxy.username, or delete the line.`,
    );
  if (proxy.scheme !== 'https' && extraAuthorities.length > 0)
    problems.warn(
      'config.suspicious_value',
      values.placeOf(`${below}proxy.tls.truststore.path`),
      `${below}proxy.tls.truststore has no effect: the way to the proxy is without TLS (${below}proxy.scheme is ${proxy.scheme}).`,
      `Write ${below}proxy.scheme = "https" if the proxy speaks TLS; for the server behind it there is tls.truststore.`,
    );
  return { type: 'fixed', proxy };
};

const readEnvironment = (
  env: Environment,
  extraAuthorities: readonly string[],
  asked: Placed<string> | undefined,
  problems: Problems,
  below: Below,
): ProxyChoice | undefined => {
  const { choice, unusable } = environmentProxies(env, extraAuthorities);
  for (const name of unusable)
    problems.error(
      'config.invalid',
      asked?.at,
      `The environment variable ${name} is not the address of a proxy.`,
      `Set ${name} to http://host:port (user and password percent-encoded), or write ${below}proxy.from_environment = false.`,
    );
  return choice;
};

const readHost = ({ value, at }: Placed<string>, problems: Problems, below: Below): string | undefined => {
  const host = value.trim().replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0 || /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?\.?$/.test(host)) return host;
  problems.error(
    'config.invalid',
    at,
    `${below}proxy.hostname must be a host name or an address, without scheme, user, port or path.`,
    `Write ${below}proxy.hostname = "proxy.example.com"; the rest stands in ${below}proxy.scheme, ${below}proxy.port, ${below}proxy.username and ${below}proxy.password.`,
  );
  return undefined;
};
