/** What a vault says about the token that it wants (`WWW-Authenticate: Bearer authorization="…", resource="…"`). */
export interface Challenge {
  /** The tenant of the vault; undefined when it is not said. */
  readonly tenant: string | undefined;
  /** `https://vault.azure.net`, say. */
  readonly resource: string;
}

/**
 * The challenge of a vault; undefined for another one, or one whose resource is not the domain that the vault belongs to:
 * a token for somebody else's resource must not go to a host that asks for it.
 */
export const readChallenge = (header: string | undefined, vault: string): Challenge | undefined => {
  if (header === undefined || !/^\s*bearer\s/i.test(header)) return undefined;
  const values = new Map<string, string>();
  for (const [, name, value] of header.matchAll(/([a-z_]+)\s*=\s*"([^"]*)"/gi))
    values.set((name ?? '').toLowerCase(), value ?? '');
  const resource = URL.parse((values.get('resource') ?? values.get('scope') ?? '').replace(/\/\.default$/, ''));
  if (resource === null || resource.protocol !== 'https:') return undefined;
  if (!new URL(vault).hostname.endsWith(`.${resource.hostname}`)) return undefined;
  const tenant = URL.parse(values.get('authorization') ?? '')?.pathname.split('/')[1];
  return { tenant: tenant !== undefined && isTenant(tenant) ? tenant : undefined, resource: resource.origin };
};

/** The id of a tenant, or one of its domains: it becomes part of a path. */
export const isTenant = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9.-]{0,253}$/.test(text);
