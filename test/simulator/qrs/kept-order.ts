import type { App, Site } from '../model/types.ts';

interface Kept {
  readonly revision: number | undefined;
  readonly apps: readonly App[];
  readonly order: string;
  readonly rows: readonly unknown[];
}

const kept = new WeakMap<Site, Kept>();

/**
 * All objects of a large site in the order in which they were asked for last: whoever pages through them asks hundreds of
 * times, and each time all of them would be made and sorted anew. Undefined when the site changed since, when others see
 * it, or when another order is wanted.
 */
export const keptOrder = (site: Site, apps: readonly App[], order: string): readonly unknown[] | undefined => {
  const known = kept.get(site);
  if (known === undefined || known.revision !== site.revision || known.order !== order) return undefined;
  const isSame = known.apps.length === apps.length && known.apps.every((app, place) => app === apps[place]);
  return isSame ? known.rows : undefined;
};

/** @param revision of the site before its rows were read: it may have changed while that went on */
export const keepOrder = (
  site: Site,
  revision: number | undefined,
  apps: readonly App[],
  order: string,
  rows: readonly unknown[],
): void => {
  kept.set(site, { revision, apps, order, rows });
};
