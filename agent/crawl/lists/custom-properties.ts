import { QrsCustomProperty } from '#agent/qlik/repository/entities.ts';
import { present } from '../attributes.ts';
import { described, type SiteList } from './site-list.ts';

export const customProperties: SiteList<QrsCustomProperty> = {
  what: 'custom properties',
  kind: 'customProperty',
  entity: 'custompropertydefinition',
  schema: QrsCustomProperty,
  rows: (site) => site.customProperties(),
  asset: (row, context) => ({
    name: row.name,
    attributes: present({
      ...described(row, context),
      description: row.description,
      valueType: row.valueType,
      choiceValues: row.choiceValues,
      objectTypes: row.objectTypes,
    }),
  }),
};
