import type { QrsDataConnection } from '#agent/qlik/repository/entities.ts';
import { present } from '../attributes.ts';
import { described, type SiteList } from './site-list.ts';

export const dataConnections: SiteList<QrsDataConnection> = {
  what: 'data connections',
  kind: 'dataConnection',
  entity: 'dataconnection',
  rows: (site) => site.dataConnections(),
  // Never the connection string: passwords lie in it in clear. It is not even read.
  asset: (row, context) => ({ name: row.name, attributes: present({ ...described(row, context), type: row.type }) }),
};
