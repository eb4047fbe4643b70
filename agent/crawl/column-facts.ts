import type { Part } from '#agent/lineage/expression/app-names.ts';
import { type JsonObject, present } from './attributes.ts';
import { expressionsIn } from './chart-facts.ts';
import { type Definition, NOT_SHOWN } from './definitions.ts';
import type { FieldNames, Named } from './field-names.ts';
import { conditionAt, groupingAt, isTree, listAt, numberFormatOf, type Tree, textAt, textsAt } from './properties.ts';

/** Read on their own, or copies. What else an extension keeps in a dimension or measure may be an expression, too. */
const READ: ReadonlySet<string> = new Set([
  ...NOT_SHOWN,
  ...['qFieldDefs', 'qFieldLabels', 'qLabel', 'qLabelExpression', 'qSortCriterias', 'qSortBy', 'qCalcCondition'],
  ...[
    'qDef',
    'qCalcCond',
    'qAttributeExpressions',
    'qAttributeDimensions',
    'qNumFormat',
    'qNumberPresentations',
    'qLibraryId',
  ],
]);

/** The name of a dimension or measure as the chart gives it: its label, else what it is made of. */
export const columnName = ({ side, entry }: Definition): string => {
  const inner = entry['qDef'];
  if (side === 'm') return textAt(inner, 'qLabel') || textAt(inner, 'qDef');
  return textsAt(inner, 'qFieldLabels').find((label) => label !== '') ?? textsAt(inner, 'qFieldDefs')[0] ?? '';
};

/**
 * What a chart says of one of its dimensions or measures, and what its expressions name.
 *
 * @param columns expressions of the chart's columns by their names
 */
export const columnFacts = (
  { side, entry, alternative }: Definition,
  names: FieldNames,
  columns: ReadonlyMap<string, string>,
): { readonly facts: JsonObject; readonly named: Named } => {
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
  const named = names.of(
    [
      ...(side === 'm'
        ? [{ text: textAt(inner, 'qDef'), role: 'value' } as const]
        : fields.map((field) => names.dimension(field))),
      ...as('attribute', [
        shared.labelExpression,
        ...[label, ...textsAt(inner, 'qFieldLabels')].filter((text) => text.startsWith('=')),
      ]),
      ...as('condition', [shared.condition]),
      ...as('sort', shared.sortExpressions),
      ...as('attribute', shared.attributeExpressions),
      ...attributeDimensions(entry).map((definition) => ({
        ...names.dimension(definition),
        role: 'attribute' as const,
      })),
      ...as(
        'attribute',
        [...expressionsIn(entry, READ), ...expressionsIn(inner, READ)].map(({ expression }) => expression),
      ),
    ],
    columns,
  );
  const facts = present({
    libraryId: textAt(entry, 'qLibraryId'),
    label,
    labelIsExpression: label.startsWith('=') || undefined,
    ...own,
    ...shared,
    numberFormat: numberFormatOf(inner),
    alternative: alternative || undefined,
    ...named.facts,
  });
  return { facts, named };
};

const as = (role: Part['role'], texts: readonly string[]): Part[] => texts.map((text) => ({ text, role }));

/** Colours and the like by expression: they use fields too. */
const attributeExpressions = (entry: Tree): string[] =>
  listAt(entry, 'qAttributeExpressions')
    .map((expression) => textAt(expression, 'qExpression'))
    .filter((expression) => expression !== '');

/** What else goes with each value: fields or calculated dimensions, for maps and colours. */
const attributeDimensions = (entry: Tree): string[] =>
  listAt(entry, 'qAttributeDimensions')
    .map((dimension) => textAt(dimension, 'qDef'))
    .filter((definition) => definition !== '');

/** Of a dimension in `qDef.qSortCriterias`, of a measure in `qSortBy`; only those that are switched on. */
const sortExpressions = (entry: Tree): string[] =>
  [...listAt(entry['qDef'], 'qSortCriterias'), entry['qSortBy']].flatMap((criterion) => {
    if (!isTree(criterion) || (criterion['qSortByExpression'] ?? 0) === 0) return [];
    const expression = textAt(criterion['qExpression'], 'qv');
    return expression === '' ? [] : [expression];
  });
