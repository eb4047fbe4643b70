import { QrsDataConnection } from '#agent/qlik/repository/entities.ts';
import { present } from '../attributes.ts';
import { described, type SiteList } from './site-list.ts';

/** With whose rights a connection reads, and for which drivers it was made, by QRS's numbers. */
const LOG_ON = ['serviceUser', 'currentUser'] as const;
const ARCHITECTURE_BITS = [64, 32] as const;

export const dataConnections: SiteList<QrsDataConnection> = {
  what: 'data connections',
  kind: 'dataConnection',
  entity: 'dataconnection',
  schema: QrsDataConnection,
  // Two folders of log files come with every site.
  isNeverEmpty: true,
  rows: (site) => site.dataConnections(),
  remember: ({ id, name, type, target }, { connections }) => connections.set(id, { id, name, type, target }),
  recall: (earlier, { connections }) => {
    for (const place of earlier.connections) connections.set(place.id, place);
  },
  // Of the connection string only what is known to be no secret: it did not come further than the reader of the row.
  asset: (row, context) => ({
    name: row.name,
    attributes: present({
      ...described(row, context),
      type: row.type,
      leadsTo: row.target.kind,
      provider: row.target.provider,
      driver: row.target.driver,
      dsn: row.target.dsn,
      host: row.target.host,
      port: row.target.port,
      instance: row.target.instance,
      database: row.target.database,
      schema: row.target.schema,
      warehouse: row.target.warehouse,
      path: row.target.path,
      address: row.target.address,
      logOn: LOG_ON[row.logOn ?? -1],
      architectureBits: ARCHITECTURE_BITS[row.architecture ?? -1],
    }),
  }),
};
