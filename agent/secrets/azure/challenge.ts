/** What a vault says about the token that it wants (`WWW-Authenticate: Bearer authorization="…", resource="…"`). */
export interface Challenge {
  /** The tenant of the vault; undefined when it is not said. */
  readonly tenant: string | undefined;
  /** `https://vault.azure.net`, say. */
  readonly resource: string;
}

/** No more of the header is looked at. */
const MAX_HEADER = 4096;

/**
 * What Azure's clouds call the resource of their vaults: a vault's host lies in its domain
 * (https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates, “DNS suffixes for object identifiers”).
 */
const DOMAINS: ReadonlySet<string> = new Set(
  ['azure.net', 'azure.cn', 'usgovcloudapi.net', 'microsoftazure.de'].flatMap((cloud) => [
    `vault.${cloud}`,
    `managedhsm.${cloud}`,
  ]),
);

/**
 * The challenge of a vault; undefined for another one, or one whose resource is neither the vault itself nor the domain of
 * Azure's that it lies in: a token for somebody else's resource must not go to a host that asks for it.
 */
export const readChallenge = (header: string | undefined, vault: string): Challenge | undefined => {
  const text = header?.slice(0, MAX_HEADER) ?? '';
  if (!/^\s*bearer\s/i.test(text)) return undefined;
  const values = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/(?<![a-z_])([a-z_]+)\s*=\s*"([^"]*)"/gi))
    values.set((name ?? '').toLowerCase(), value ?? '');
  const resource = URL.parse((values.get('resource') ?? values.get('scope') ?? '').replace(/\/\.default$/, ''));
  if (resource === null || resource.protocol !== 'https:') return undefined;
  const { host, hostname } = new URL(vault);
  const own = resource.host === host;
  const known = DOMAINS.has(resource.host) && hostname.endsWith(`.${resource.host}`);
  if (!own && !known) return undefined;
  const tenant = URL.parse(values.get('authorization') ?? '')?.pathname.split('/')[1];
  return { tenant: tenant !== undefined && isTenant(tenant) ? tenant : undefined, resource: resource.origin };
};

/** The id of a tenant, or one of its domains: it becomes part of a path. */
export const isTenant = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9.-]{0,253}$/.test(text);
