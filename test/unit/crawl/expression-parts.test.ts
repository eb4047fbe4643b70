import { expect, test } from 'vitest';
import type { AppContent } from '#agent/crawl/app-content.ts';
import { chartFacts } from '#agent/crawl/chart-facts.ts';
import { columnFacts } from '#agent/crawl/column-facts.ts';
import { definitionsIn } from '#agent/crawl/definitions.ts';
import { FieldNames, type Named } from '#agent/crawl/field-names.ts';
import { Gaps } from '#agent/crawl/missing.ts';

const FIELDS = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'Sales Region', '$Syn 1'];
const content = {
  model: { available: true, fields: FIELDS.map((name) => ({ name, is_system: name.startsWith('$') })), tables: [] },
  lists: { dimensions: [], measures: [], variables: [{ qName: 'vC', qDefinition: 'C' }], bookmarks: [] },
  gaps: new Gaps(),
} as unknown as AppContent;
const names = new FieldNames(content);
const shown = ({ fields }: Named): string[] =>
  fields.map(({ name, roles }) => `${name} ${[...roles].join('+')}`).sort();

test('a chart uses the fields of its titles, conditions, lines, colours and of what an extension keeps', () => {
  const { named } = chartFacts(
    {
      title: { qStringExpression: { qExpr: "='Sales in ' & Only(A)" } },
      showCondition: '=B > 1',
      refLine: { refLines: [{ refLineExpr: { value: { qValueExpression: { qExpr: 'Avg(C)' } } } }] },
      color: { auto: false, mode: 'byDimension', byDimDef: { type: 'expression', key: 'Sales Region' } },
      props: { gantt: { tooltip: '=Max(D)' }, text: 'E' },
      qHyperCubeDef: {
        qDimensions: [{ qDef: { qFieldDefs: ['F'] } }],
        qCalcCondition: { qCond: { qv: '=Count(G) < 100' } },
      },
    },
    names,
  );
  expect(shown(named)).toEqual([
    'A attribute',
    'B condition',
    'C value',
    'D attribute',
    'G condition',
    'Sales Region attribute',
  ]);
  const measured = { color: { auto: false, mode: 'byMeasure', byMeasureDef: { type: 'expression', key: 'Sum(A)' } } };
  expect(shown(chartFacts(measured, names).named)).toEqual(['A attribute']);
});

test('a column uses those of its definition, label, condition, order and attributes, drilled down or not', () => {
  const properties = {
    qHyperCubeDef: {
      qDimensions: [
        {
          qDef: {
            qGrouping: 'H',
            qFieldDefs: ['Sales Region', '=Year(A)', '[B]'],
            qFieldLabels: ["='Region ' & Only(C)", 'D'],
            qSortCriterias: [{ qSortByExpression: 1, qExpression: { qv: 'Sum(E)' } }],
            custom: { note: '=Only(H)' },
          },
          qAttributeDimensions: [{ qDef: 'F' }],
        },
      ],
      qMeasures: [
        {
          qDef: { qDef: 'Sum({<A={1}>} $(vC))', qLabelExpression: "='x' & Only(D)" },
          qCalcCondition: { qCond: { qv: 'E = 1' } },
          qAttributeExpressions: [{ qExpression: 'If(F = 1, Red())' }],
          qSortBy: { qSortByExpression: 0, qExpression: { qv: 'Sum(G)' } },
        },
      ],
    },
  };
  const [dimension, measure] = definitionsIn(properties).map((one) => columnFacts(one, names, new Map()).named);
  expect(shown(dimension as Named)).toEqual([
    ...['A dimension', 'B dimension', 'C attribute', 'E sort', 'F attribute', 'H attribute', 'Sales Region dimension'],
  ]);
  expect(shown(measure as Named)).toEqual(['A filter', 'C value', 'D attribute', 'E condition', 'F condition']);
});

test('what stands for a field is one with blanks and a sign in front, and blanks without end cost time by their number alone', () => {
  const texts = [' = [Sales Region] ', '\n"Sales Region"', '= `A`\t', ' =  A ', '[a]]b]', '= = A', '[A] B', '=$(vC)'];
  expect(texts.map((text) => names.dimension(text).text)).toEqual([
    ...['[Sales Region]', '[Sales Region]', '[A]', '[A]', '[a]]b]'],
    ...['= = A', '[A] B', '=$(vC)'],
  ]);
  const blanks = ' '.repeat(1_000_000);
  for (const text of [`${blanks}+A`, `=${blanks}+A`, `A${blanks}+`, `[A]${blanks}+`])
    expect(names.dimension(text).text).toBe(text);
});
