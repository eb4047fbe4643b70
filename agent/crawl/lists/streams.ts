import { QrsStream } from '#agent/qlik/repository/entities.ts';
import { present } from '../attributes.ts';
import { described, type SiteList } from './site-list.ts';

export const streams: SiteList<QrsStream> = {
  what: 'streams',
  kind: 'stream',
  entity: 'stream',
  schema: QrsStream,
  isNeverEmpty: true,
  rows: (site) => site.streams(),
  asset: (row, context) => ({
    name: row.name,
    attributes: present({ ...described(row, context), type: streamType(row.id) }),
  }),
};

/** Two streams come with every site, under ids that are the same everywhere. */
const streamType = (id: string): 'everyone' | 'monitoring' | 'custom' =>
  id === 'aaec8d41-5201-43ab-809f-3063750dfafd'
    ? 'everyone'
    : id === 'a70ca8a5-1d59-4cc9-b5fa-6e207978dcaf'
      ? 'monitoring'
      : 'custom';
