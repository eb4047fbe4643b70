import type { ConnectionPlace } from '#agent/lineage/naming/connection-place.ts';
import type { Site } from '#agent/qlik/site.ts';
import type { Connection } from '#config/connection/connection.ts';
import type { Filter } from '#config/filter/filter.ts';
import { keysOf } from './keys.ts';
import { type LineageMeans, SiteLineage } from './lineage/site-lineage.ts';
import type { AppLists, EarlierLists } from './lists/site-list.ts';
import { People } from './people.ts';
import { SiteFiles } from './site-files.ts';

/** What the records of an app are made with. */
export interface AppContext extends AppLists {
  readonly connection: Connection;
  /** Files of the site that the agent may read; undefined for none. */
  readonly files?: SiteFiles | undefined;
  /** Which streams and sheets are kept; absent: all. Apps that are not kept are never written. */
  readonly filter?: Filter | undefined;
  /** Absent: no lineage is made. */
  readonly lineage?: SiteLineage | undefined;
}

/** What the apps of a site are written with, before any of its lists was read. */
export const siteAppContext = (
  site: Site,
  connection: Connection,
  options: {
    readonly earlier?: EarlierLists | undefined;
    readonly filter: Filter | undefined;
    readonly lineage: LineageMeans | undefined;
    readonly signal: AbortSignal | undefined;
  },
): AppContext => {
  const { earlier, filter, lineage, signal } = options;
  const files = SiteFiles.of(site, signal);
  const connections = new Map<string, ConnectionPlace>();
  return {
    connection,
    keys: keysOf(connection.code),
    people: new People(),
    extensions: new Map(),
    connections,
    earlier,
    unread: new Map(),
    files,
    filter,
    lineage: lineage && new SiteLineage(lineage, connection, connections, files, signal),
  };
};
