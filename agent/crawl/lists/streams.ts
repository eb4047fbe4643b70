import type { QrsStream } from '#agent/qlik/repository/entities.ts';
import { described, type SiteList } from './site-list.ts';

export const streams: SiteList<QrsStream> = {
  what: 'streams',
  kind: 'stream',
  entity: 'stream',
  rows: (site) => site.streams(),
  asset: (row, context) => ({ name: row.name, attributes: described(row, context) }),
};
