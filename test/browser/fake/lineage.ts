import * as contract from '#catalog/api/contract.ts';
import type { World } from './world.ts';

/** Nothing but the asset itself: what lineage looks like is tried with the real catalog. */
export const lineageOf = (world: World, key: string): contract.Lineage | undefined => {
  const asset = world.asset(key);
  if (asset === undefined) return undefined;
  const { kind, name, parent, connection, appName, goneAt } = asset;
  const node = {
    key,
    kind,
    name,
    parent,
    connection,
    app: null,
    appName,
    goneAt,
    group: null,
    distance: 0,
    opens: false,
  };
  return contract.Lineage.parse({
    ...{ focus: key, level: 'table', nodes: [node], groups: [], edges: [], edgesCut: false, more: [] },
  });
};
