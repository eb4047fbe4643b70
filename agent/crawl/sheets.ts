import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { AppContent } from './app-content.ts';
import type { AppContext } from './app-context.ts';
import { present } from './attributes.ts';
import { type ChartWriter, cellsOf } from './charts.ts';
import { writeDerives } from './derives.ts';
import type { FieldNames } from './field-names.ts';
import { addressOf, classOf, metaOf, ownerOf, titleOf } from './meta.ts';
import { writeOwner } from './owners.ts';
import { conditionAt, isExpression, numberAt, textAt, treeAt } from './properties.ts';
import type { ScopeWriter } from './scope-writer.ts';

/** The sheets of an app with everything on them. */
export const writeSheets = async (
  out: ScopeWriter,
  row: QrsApp,
  context: AppContext,
  { sheets, sheetIds }: AppContent,
  charts: ChartWriter,
  names: FieldNames,
): Promise<void> => {
  const { connection, keys, people } = context;
  for (const { entry, tree } of sheets) {
    const id = entry.qInfo.qId;
    const key = keys.of(row.id, sheetIds?.get(id) ?? id);
    const properties = tree.qProperty;
    const meta = treeAt(properties, 'qMetaDef');
    const about = metaOf(entry, people);
    await out.asset({
      kind: 'sheet',
      key,
      name: textAt(meta, 'title') || titleOf(entry),
      parent: keys.of(row.id),
      attributes: present({
        ...about,
        description: textAt(meta, 'description') || about['description'],
        descriptionIsExpression: isExpression(meta, 'description') || undefined,
        class: classOf(entry.qMeta),
        titleExpression: textAt(properties, 'labelExpression'),
        showCondition: conditionAt(properties, 'showCondition'),
        rank: numberAt(properties, 'rank'),
        columns: numberAt(properties, 'columns'),
        rows: numberAt(properties, 'rows'),
        cells: [...cellsOf(properties)].map(([object, cell]) => ({ object, ...cell })),
        thumbnailUrl: addressOf(connection, textAt(treeAt(properties, 'thumbnail', 'qStaticContentUrlDef'), 'qUrl')),
        url: `${connection.displayUrl}/sense/app/${encodeURIComponent(row.id)}/sheet/${encodeURIComponent(id)}/state/analysis`,
      }),
    });
    const named = names.of([
      { text: textAt(properties, 'labelExpression'), role: 'attribute' },
      { text: isExpression(meta, 'description') ? textAt(meta, 'description') : '', role: 'attribute' },
      { text: conditionAt(properties, 'showCondition'), role: 'condition' },
    ]);
    await writeDerives(out, keys, row.id, key, named);
    await writeOwner(out, context, ownerOf(entry), key);
    await charts.children(tree, key);
  }
};
