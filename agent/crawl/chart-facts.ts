import type { Part } from '#agent/lineage/expression/app-names.ts';
import { type JsonObject, present } from './attributes.ts';
import { MAX_DEPTH, NOT_SHOWN } from './definitions.ts';
import type { FieldNames, Named } from './field-names.ts';
import { conditionAt, expressionOf, isExpression, listAt, type Tree, textAt, treeAt } from './properties.ts';

/** Expressions of a chart besides its dimensions and measures, by where they stand in its properties. */
interface Expression {
  readonly at: string;
  readonly expression: string;
}

const MOST_EXPRESSIONS = 50;
/** Read on their own. */
const APART: ReadonlySet<string> = new Set([...NOT_SHOWN, 'qHyperCubeDef', 'qListObjectDef', 'qChildListDef', 'qInfo']);

/**
 * What the properties of a chart or a master visualization say of it, besides its dimensions and measures, and what the
 * expressions among them name.
 */
export const chartFacts = (
  properties: Tree,
  names: FieldNames,
): { readonly facts: JsonObject; readonly named: Named } => {
  const expressions = expressionsIn(properties, APART);
  const cube = treeAt(properties, 'qHyperCubeDef') ?? treeAt(properties, 'qListObjectDef');
  const calculation = conditionAt(cube, 'qCalcCondition') || conditionAt(cube, 'qCalcCond');
  const apart = new Set(['title', 'subtitle', 'footnote', 'showCondition', 'color.colorExpression']);
  const named = names.of([
    ...expressions.map(({ at, expression }) => ({ text: expression, role: roleAt(at) })),
    { text: calculation, role: 'condition' },
    ...colouredBy(properties, names),
  ]);
  const facts = present({
    type: textAt(properties, 'visualization') || textAt(treeAt(properties, 'qInfo'), 'qType'),
    ...captionFacts(properties),
    description: textAt(properties, 'description') || textAt(treeAt(properties, 'qMetaDef'), 'description'),
    orientation: textAt(properties, 'orientation'),
    state: textAt(properties, 'qStateName'),
    showCondition: conditionAt(properties, 'showCondition'),
    calculationCondition: calculation,
    calculationMessage: textAt(treeAt(cube, 'qCalcCondition', 'qMsg'), 'qv'),
    color: colorOf(properties),
    variable: textAt(properties, 'variableName'),
    expressions: expressions.filter(({ at }) => !apart.has(at)).map(({ at, expression }) => ({ at, expression })),
    ...named.facts,
  });
  return { facts, named };
};

/** What an expression is to its chart, by where it stands: what is drawn as a line or limit is a value, texts are not. */
const roleAt = (at: string): Part['role'] => {
  if (CONDITIONS.test(at)) return 'condition';
  if (SORTS.test(at)) return 'sort';
  return VALUES.test(at) ? 'value' : 'attribute';
};

const CONDITIONS = /cond(?:ition)?(?:\.|$)/i;
const SORTS = /sort/i;
const VALUES = /^(?:refLine|measureAxis|dimensionAxis)\b/;

/** Title, subtitle and footnote; each says whether it is an expression, since the engine shows what that gives. */
const captionFacts = (properties: Tree): JsonObject => {
  const facts: JsonObject = {};
  for (const name of ['title', 'subtitle', 'footnote']) {
    const text = textAt(properties, name);
    if (text === '') continue;
    facts[name] = text;
    if (isExpression(properties, name)) facts[`${name}IsExpression`] = true;
  }
  return facts;
};

/** A field or an expression that gives the colours; master items have edges of their own. */
const colouredBy = (properties: Tree, names: FieldNames): readonly Part[] => {
  const color = treeAt(properties, 'color');
  const mode = textAt(color, 'mode');
  if (color?.['auto'] !== false || !mode.startsWith('by')) return [];
  if (mode === 'byExpression') return [{ text: textAt(color, 'colorExpression'), role: 'attribute' }];
  const by = treeAt(color, mode === 'byMeasure' ? 'byMeasureDef' : 'byDimDef');
  if (textAt(by, 'type') === 'libraryItem') return [];
  const key = textAt(by, 'key');
  return [{ text: mode === 'byMeasure' ? key : names.dimension(key).text, role: 'attribute' }];
};

/** By what a chart is coloured, when that is not left to Qlik. */
const colorOf = (properties: Tree): JsonObject | undefined => {
  const color = treeAt(properties, 'color');
  if (color === undefined || color['auto'] !== false) return undefined;
  const mode = textAt(color, 'mode');
  const by = treeAt(color, mode === 'byMeasure' ? 'byMeasureDef' : 'byDimDef');
  const library = textAt(by, 'type') === 'libraryItem';
  const facts = present({
    mode,
    ...(mode === 'byExpression'
      ? { expression: textAt(color, 'colorExpression'), label: textAt(color, 'expressionLabel') }
      : {}),
    ...(mode === 'byMeasure' || mode === 'byDimension'
      ? { [library ? 'libraryId' : 'expression']: textAt(by, 'key'), label: textAt(by, 'label') }
      : {}),
  });
  return Object.keys(facts).length === 0 ? undefined : facts;
};

/** How a container shows its children: the name of each one's tab, and when, by the id that the tab refers to. */
export const tabsOf = (container: Tree): ReadonlyMap<string, JsonObject> => {
  const tabs = new Map<string, JsonObject>();
  for (const tab of [...listAt(container, 'children'), ...listAt(container, 'objects')]) {
    const reference = textAt(tab, 'childRefId') || textAt(tab, 'refId');
    if (reference === '' || tabs.has(reference)) continue;
    const facts = present({
      label: textAt(tab, 'label'),
      labelIsExpression: isExpression(tab, 'label') || undefined,
      condition: conditionAt(tab, 'condition') || conditionAt(tab, 'showCondition'),
    });
    if (Object.keys(facts).length > 0) tabs.set(reference, facts);
  }
  return tabs;
};

/** Everything that the engine evaluates, and what begins with `=`, as extensions keep it; nothing of what is `apart`. */
export const expressionsIn = (properties: unknown, apart: ReadonlySet<string>): readonly Expression[] => {
  const found: Expression[] = [];
  collect(properties, '', 0, apart, found);
  return found;
};

const collect = (value: unknown, at: string, depth: number, apart: ReadonlySet<string>, found: Expression[]): void => {
  if (found.length >= MOST_EXPRESSIONS) return;
  if (typeof value === 'string') {
    if (value.startsWith('=') && value.length > 1) found.push({ at, expression: value });
    return;
  }
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return;
  const expression = expressionOf(value);
  if (expression !== '') {
    found.push({ at, expression });
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    if (!apart.has(name)) collect(member, at === '' ? name : `${at}.${name}`, depth + 1, apart, found);
  }
};
