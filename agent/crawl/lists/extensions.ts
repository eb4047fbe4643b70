import { QrsExtension } from '#agent/qlik/repository/entities.ts';
import { present } from '../attributes.ts';
import { described, type SiteList } from './site-list.ts';

export const extensions: SiteList<QrsExtension> = {
  what: 'extensions',
  kind: 'extension',
  entity: 'extension',
  schema: QrsExtension,
  rows: (site) => site.extensions(),
  remember: (row, { extensions: known, keys }) => known.set(row.name, keys.of('extension', row.id)),
  recall: (earlier, { extensions: known }) => {
    for (const [name, key] of earlier.extensions) known.set(name, key);
  },
  prepare: async (site, { definitions }, gaps) => {
    const schemas = await gaps.detail('type, version and author of extensions', site.extensionSchemas());
    for (const [name, { type, description, version, author }] of Object.entries(schemas ?? {})) {
      definitions.set(name, present({ type, description, version, author }));
    }
  },
  asset: (row, context) => ({
    name: row.name,
    attributes: present({ ...described(row, context), ...context.definitions.get(row.name) }),
  }),
};
