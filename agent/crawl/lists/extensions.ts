import type { QrsExtension } from '#agent/qlik/repository/entities.ts';
import { described, type SiteList } from './site-list.ts';

export const extensions: SiteList<QrsExtension> = {
  what: 'extensions',
  kind: 'extension',
  entity: 'extension',
  rows: (site) => site.extensions(),
  asset: (row, context) => ({ name: row.name, attributes: described(row, context) }),
};
