import { QrsTag } from '#agent/qlik/repository/entities.ts';
import { described, type SiteList } from './site-list.ts';

export const tags: SiteList<QrsTag> = {
  what: 'tags',
  kind: 'tag',
  entity: 'tag',
  schema: QrsTag,
  rows: (site) => site.tags(),
  asset: (row, context) => ({ name: row.name, attributes: described(row, context) }),
};
