import { isLoopback } from '#config/loopback.ts';
import { Fault } from '#protocol/errors.ts';

/** Domains of AWS's partitions, by how the names of their regions begin. */
const DOMAINS: readonly (readonly [prefix: string, domain: string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-iso-', 'c2s.ic.gov'],
  ['eusc-', 'amazonaws.eu'],
];

/** The host of a service in a region. */
export const hostOf = (service: string, region: string): string =>
  `${service}.${region}.${DOMAINS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'amazonaws.com'}`;

/**
 * Where a service is reached: at what the environment names for it, else in the region.
 * @throws Fault `secrets.refused` for an address of the environment that is not https, nor on this machine
 */
export const endpointOf = (
  service: 'secretsmanager' | 'sts',
  region: string,
  env: Readonly<Record<string, string | undefined>>,
): string => {
  const own = service === 'sts' ? 'AWS_ENDPOINT_URL_STS' : 'AWS_ENDPOINT_URL_SECRETS_MANAGER';
  const from = [own, 'AWS_ENDPOINT_URL'].find((name) => env[name]);
  if (from === undefined) return `https://${hostOf(service, region)}`;
  const url = URL.parse(env[from] ?? '');
  if (url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))))
    return url.origin;
  throw new Fault('secrets.refused', `The environment variable ${from} is no https:// address`, {
    advice: `Correct ${from} in the environment of the agent, or remove it.`,
  });
};

/**
 * A region becomes part of a host name: nothing else may.
 * @throws Fault `secrets.refused`
 */
export const checkedRegion = (region: string, from: string): string => {
  if (/^[a-z]{2,}(?:-[a-z0-9]+){1,4}$/.test(region)) return region;
  throw new Fault('secrets.refused', `“${region.slice(0, 60)}” (${from}) is no region of AWS`, {
    advice: 'Write a region such as eu-central-1.',
  });
};

/** The region that the ARN of a secret names. */
export const regionOfArn = (key: string): string | undefined =>
  /^arn:[a-z0-9-]+:secretsmanager:([a-z0-9-]+):/.exec(key)?.[1];
