import type { DataModel } from './data-model.ts';
import { dimensionExpression, measureExpression, quoted } from './expressions.ts';
import { oddly } from './names.ts';
import { hashOf, type Random } from './random.ts';

export interface DimensionDefinition {
  readonly title: string;
  readonly fieldDefs: readonly string[];
  readonly fieldLabels: readonly string[];
  /** `N` single, `H` drill-down. */
  readonly grouping: 'N' | 'H';
  readonly labelExpression: string;
}

export interface MeasureDefinition {
  /** Ids of other master measures that the expression names by their labels. */
  readonly names: readonly string[];
  readonly title: string;
  readonly expression: string;
  readonly labelExpression: string;
  readonly format: {
    readonly qType: string;
    readonly qnDec: number;
    readonly qUseThou: number;
    readonly qFmt: string;
    readonly qDec: string;
    readonly qThou: string;
  };
}

export const dimensionDefinition = (random: Random, model: DataModel): DimensionDefinition => {
  const drills = model.texts.length > 2 && random.chance(0.15);
  const fieldDefs = drills
    ? random.sample(model.texts, random.int(2, 3)).map(quoted)
    : [dimensionExpression(random, model)];
  const plain = (fieldDefs[0] ?? '')
    .replace(/^=/, '')
    .replaceAll(/^\[|\]$/g, '')
    .slice(0, 60);
  return {
    title: oddly(random, drills ? `${plain} (drill-down)` : plain, 0.05, true),
    fieldDefs,
    fieldLabels: fieldDefs.map(() => (random.chance(0.2) ? 'Label; "x"' : '')),
    grouping: drills ? 'H' : 'N',
    labelExpression: random.chance(0.1) ? `='Dim ' & GetFieldSelections(${fieldDefs[0] ?? ''})` : '',
  };
};

const FORMATS: readonly MeasureDefinition['format'][] = [
  { qType: 'U', qnDec: 10, qUseThou: 0, qFmt: '', qDec: '', qThou: '' },
  { qType: 'F', qnDec: 2, qUseThou: 0, qFmt: '#.##0,00 €', qDec: ',', qThou: '.' },
  { qType: 'F', qnDec: 1, qUseThou: 0, qFmt: '0.0%', qDec: '.', qThou: ',' },
  { qType: 'M', qnDec: 2, qUseThou: 1, qFmt: '$#,##0.00;-$#,##0.00', qDec: '.', qThou: ',' },
];

export const numberFormat = (random: Random): MeasureDefinition['format'] => random.pick(FORMATS);

export const measureDefinition = (random: Random, model: DataModel): MeasureDefinition => {
  const expression = measureExpression(random, model);
  const plain = `${random.pick(['Total', 'Average', 'Net', 'Gross', 'YTD', 'PY', 'Share of'])} ${random.pick(model.numbers.length > 0 ? model.numbers : ['Value'])}`;
  return {
    names: [],
    title: oddly(random, plain, 0.05, true),
    expression,
    labelExpression: random.chance(0.1) ? `='${plain.replaceAll("'", "''")} ' & vCurrentYear` : '',
    format: numberFormat(random),
  };
};

interface Measure {
  readonly qId: string;
  readonly name: string;
  readonly definition: MeasureDefinition;
}

/** Some measures are made of others: their expressions name them by their labels, as authors do. */
export const madeOfOthers = <T extends Measure>(measures: readonly T[], model: DataModel | undefined): readonly T[] => {
  if (model === undefined) return measures;
  const taken = new Set(
    model.tables.flatMap(({ fields, joined }) => [...fields, ...(joined ? [joined] : [])]).map(({ name }) => name),
  );
  const unique = (name: string): boolean => name !== '' && measures.filter((other) => other.name === name).length === 1;
  return measures.map((measure, index) => {
    const other = measures[index - 1];
    if (other === undefined || hashOf(measure.qId) % 10 !== 0) return measure;
    if (!unique(other.name) || taken.has(other.name) || /^=|\$\(/.test(other.name)) return measure;
    const [number = 'Value'] = model.numbers;
    const expression = `[${other.name.replaceAll(']', ']]')}] / Sum(${quoted(number)})`;
    return { ...measure, definition: { ...measure.definition, expression, names: [other.qId] } };
  });
};
