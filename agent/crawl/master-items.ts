import type { QrsApp } from '#agent/qlik/repository/entities.ts';
import type { AppContent } from './app-content.ts';
import type { AppContext } from './app-context.ts';
import { present } from './attributes.ts';
import { chartFacts } from './chart-facts.ts';
import type { ChartWriter } from './charts.ts';
import { writeDerives } from './derives.ts';
import type { FieldNames } from './field-names.ts';
import { metaOf, titleOf } from './meta.ts';
import { groupingAt, numberFormatOf, textAt, textsAt, treeAt } from './properties.ts';
import type { ScopeWriter } from './scope-writer.ts';

/** Master dimensions, measures and visualizations of an app, and which of them use others. */
export const writeMasterItems = async (
  out: ScopeWriter,
  row: QrsApp,
  { keys, people }: AppContext,
  { lists, visualizations }: AppContent,
  charts: ChartWriter,
  names: FieldNames,
): Promise<void> => {
  const parent = keys.of(row.id);
  for (const entry of lists.dimensions) {
    const dim = treeAt(entry.qData, 'dim');
    const fields = textsAt(dim, 'qFieldDefs');
    const labelExpression = textAt(dim, 'qLabelExpression');
    const key = keys.of(row.id, entry.qInfo.qId);
    const named = names.of([
      ...fields.map((field) => names.dimension(field)),
      { text: labelExpression, role: 'attribute' },
    ]);
    await out.asset({
      kind: 'masterDimension',
      key,
      name: titleOf(entry),
      parent,
      attributes: present({
        ...metaOf(entry, people),
        grouping: groupingAt(dim),
        fields,
        calculated: fields.some((field) => names.calculated(field)) || undefined,
        labels: textsAt(dim, 'qFieldLabels').filter((label) => label !== ''),
        labelExpression,
        alias: textAt(dim, 'qAlias'),
        numberFormat: numberFormatOf(dim),
        color: colorOf(dim),
        ...named.facts,
      }),
    });
    await writeDerives(out, keys, row.id, key, named);
  }
  for (const entry of lists.measures) {
    const measure = treeAt(entry.qData, 'measure');
    const expression = textAt(measure, 'qDef');
    const labelExpression = textAt(measure, 'qLabelExpression');
    const key = keys.of(row.id, entry.qInfo.qId);
    const named = names.of([
      { text: expression, role: 'value' },
      { text: labelExpression, role: 'attribute' },
    ]);
    await out.asset({
      kind: 'masterMeasure',
      key,
      name: titleOf(entry),
      parent,
      attributes: present({
        ...metaOf(entry, people),
        label: textAt(measure, 'qLabel'),
        labelExpression,
        expression,
        numberFormat: numberFormatOf(measure),
        color: colorOf(measure),
        ...named.facts,
      }),
    });
    for (const item of named.measures) {
      if (item !== entry.qInfo.qId) await out.edge('uses', key, keys.of(row.id, item));
    }
    await writeDerives(out, keys, row.id, key, named);
  }
  for (const { entry, properties } of visualizations) {
    const key = keys.of(row.id, entry.qInfo.qId);
    const { facts, named } = chartFacts(properties, names);
    await out.asset({
      kind: 'masterVisualization',
      key,
      name: textAt(treeAt(properties, 'qMetaDef'), 'title') || titleOf(entry),
      parent,
      attributes: present({ ...facts, ...metaOf(entry, people) }),
    });
    await writeDerives(out, keys, row.id, key, named);
    await charts.drawnBy(properties, key);
    await charts.definitions(properties, entry.qInfo.qId, key);
  }
};

/** The colour that a master item gives itself wherever it is shown. */
const colorOf = (item: unknown): string => textAt(treeAt(item, 'coloring', 'baseColor'), 'color');
