import { type JsonObject, present } from './attributes.ts';
import type { Definition } from './definitions.ts';
import type { FieldNames } from './field-names.ts';
import { conditionAt, groupingAt, isTree, listAt, numberFormatOf, type Tree, textAt, textsAt } from './properties.ts';

/** The name of a dimension or measure as the chart gives it: its label, else what it is made of. */
export const columnName = ({ side, entry }: Definition): string => {
  const inner = entry['qDef'];
  if (side === 'm') return textAt(inner, 'qLabel') || textAt(inner, 'qDef');
  return textsAt(inner, 'qFieldLabels').find((label) => label !== '') ?? textsAt(inner, 'qFieldDefs')[0] ?? '';
};

/** What a chart says of one of its dimensions or measures. `labels`: what its columns are called. */
export const columnFacts = (
  { side, entry, alternative }: Definition,
  names: FieldNames,
  labels: ReadonlySet<string>,
): JsonObject => {
  const inner = entry['qDef'];
  const grouping = groupingAt(inner);
  const fields = textsAt(inner, 'qFieldDefs');
  const label =
    side === 'm' ? textAt(inner, 'qLabel') : (textsAt(inner, 'qFieldLabels').find((one) => one !== '') ?? '');
  const own: JsonObject = present(
    side === 'm'
      ? { expression: textAt(inner, 'qDef') }
      : {
          fields,
          grouping: grouping === 'single' ? undefined : grouping,
          calculated: fields.some((field) => names.calculated(field)) || undefined,
        },
  );
  const shared = {
    labelExpression: textAt(inner, 'qLabelExpression'),
    condition: conditionAt(entry, 'qCalcCondition') || conditionAt(entry, 'qCalcCond'),
    sortExpressions: sortExpressions(entry),
    attributeExpressions: attributeExpressions(entry),
  };
  const expressions = [
    ...(side === 'm' ? [textAt(inner, 'qDef')] : []),
    shared.labelExpression,
    shared.condition,
    ...shared.sortExpressions,
    ...shared.attributeExpressions,
  ].filter((expression) => expression !== '');
  return present({
    libraryId: textAt(entry, 'qLibraryId'),
    label,
    labelIsExpression: label.startsWith('=') || undefined,
    ...own,
    ...shared,
    numberFormat: numberFormatOf(inner),
    alternative: alternative || undefined,
    ...names.of(expressions, side === 'd' ? fields : [], labels),
  });
};

/** Colours and the like by expression: they use fields too. */
const attributeExpressions = (entry: Tree): string[] =>
  listAt(entry, 'qAttributeExpressions')
    .map((expression) => textAt(expression, 'qExpression'))
    .filter((expression) => expression !== '');

/** Of a dimension in `qDef.qSortCriterias`, of a measure in `qSortBy`; only those that are switched on. */
const sortExpressions = (entry: Tree): string[] =>
  [...listAt(entry['qDef'], 'qSortCriterias'), entry['qSortBy']].flatMap((criterion) => {
    if (!isTree(criterion) || (criterion['qSortByExpression'] ?? 0) === 0) return [];
    const expression = textAt(criterion['qExpression'], 'qv');
    return expression === '' ? [] : [expression];
  });
