import { measureExpression, quoted } from './expressions.ts';
import type { Json, Library, Properties } from './hypercubes.ts';
import { description } from './names.ts';
import { type Random, randomOf } from './random.ts';

type Tree = { readonly [key: string]: Json };

const isTree = (value: Json | undefined): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const meta = (value: Json | undefined): Tree => (isTree(value) ? value : {});
const without = (expression: string): string => expression.replace(/^=/, '');

/** How authors colour: by a formula, by a measure of the library or of their own, by a field. */
const colorOf = (random: Random, library: Library): Properties => {
  const formula = without(measureExpression(random, library.model));
  switch (random.weighted({ byExpression: 40, byMeasure: 35, byDimension: 25 })) {
    case 'byExpression':
      return {
        auto: false,
        mode: 'byExpression',
        colorExpression: `=If(${formula} > 0, Green(), RGB(200, 0, 0))`,
        expressionIsColor: true,
        expressionLabel: random.chance(0.3) ? 'Plan; met' : '',
      };
    case 'byMeasure': {
      const item = library.measures.length > 0 && random.chance(0.5) ? random.pick(library.measures) : undefined;
      const byMeasureDef =
        item === undefined
          ? { label: formula, key: formula, type: 'expression' }
          : { label: 'Margin', key: item, type: 'libraryItem' };
      return { auto: false, mode: 'byMeasure', byMeasureDef };
    }
    case 'byDimension': {
      const field = quoted(random.pick(library.model.texts.length > 0 ? library.model.texts : ['Name']));
      return { auto: false, mode: 'byDimension', byDimDef: { label: field, key: field, type: 'expression' } };
    }
  }
};

/** A field's dimension becomes a group that readers drill down in; a column may be hidden, or sorted by a formula. */
const dimensionLooks = (random: Random, library: Library, entry: Tree): Tree => {
  const inner = entry['qDef'];
  if (!isTree(inner)) return entry;
  const own = Array.isArray(inner['qFieldDefs']) && inner['qFieldDefs'].length === 1;
  const drills = own && library.model.texts.length > 2 && random.chance(0.15);
  const sorts = random.chance(0.2);
  const [sort] = Array.isArray(inner['qSortCriterias']) ? inner['qSortCriterias'] : [];
  return {
    ...entry,
    ...(random.chance(0.1) ? { qCalcCondition: { qCond: { qv: '=vTop > 0' }, qMsg: { qv: '' } } } : {}),
    qDef: {
      ...inner,
      ...(drills
        ? {
            qGrouping: 'H',
            qFieldDefs: random.sample(library.model.texts, 2).map(quoted),
            qFieldLabels: ['', ''],
          }
        : {}),
      ...(sorts && isTree(sort)
        ? {
            qSortCriterias: [
              {
                ...sort,
                qSortByExpression: -1,
                qExpression: { qv: `=${without(measureExpression(random, library.model))}` },
              },
            ],
          }
        : {}),
    },
  };
};

const measureLooks = (random: Random, library: Library, entry: Tree): Tree =>
  random.chance(0.15)
    ? {
        ...entry,
        qSortBy: {
          ...(isTree(entry['qSortBy']) ? entry['qSortBy'] : {}),
          qSortByExpression: 1,
          qExpression: { qv: without(measureExpression(random, library.model)) },
        },
      }
    : entry;

/**
 * What some authors change in the properties of a chart: colours, sorting, drill-down groups, conditions, a description. Drawn from the
 * chart's own id, so that a site of a seed stays otherwise what it was.
 */
export const withLooks = (properties: Properties, qId: string, library: Library): Properties => {
  const random = randomOf(0, 'looks', qId);
  const cube = properties['qHyperCubeDef'];
  const looked: { [key: string]: Json } = { ...properties };
  if (isTree(cube)) {
    const each = (name: string, look: (random: Random, library: Library, entry: Tree) => Tree): Json => {
      const list = cube[name];
      return Array.isArray(list) ? list.map((entry) => (isTree(entry) ? look(random, library, entry) : entry)) : [];
    };
    looked['qHyperCubeDef'] = {
      ...cube,
      qDimensions: each('qDimensions', dimensionLooks),
      qMeasures: each('qMeasures', measureLooks),
    };
  }
  if ('color' in properties && random.chance(0.2)) looked['color'] = colorOf(random, library);
  if (random.chance(0.05)) looked['footnote'] = { qStringExpression: { qExpr: "='As of ' & Today()" } };
  if (random.chance(0.05)) {
    // Some were written when a field was called otherwise.
    const field = random.chance(0.1) ? 'Order ID' : (library.model.texts[0] ?? 'Name');
    looked['showCondition'] = { qStringExpression: { qExpr: `=GetSelectedCount(${quoted(field)}) > 0` } };
  }
  // A stream of its own, last, so that what was drawn before stays as it was.
  const said = description(randomOf(0, 'description', qId), 0.08);
  if (said !== '') looked['qMetaDef'] = { ...meta(properties['qMetaDef']), description: said };
  return looked;
};
