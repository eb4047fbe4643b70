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
