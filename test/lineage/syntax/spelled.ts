import type { Expression, SetExpression, SetValue } from '#agent/lineage/syntax/expression.ts';

/** An expression in a short form that shows how it was read: `(a + sum[<b>])`; names stand in `<…>`. */
export const spelled = (expression: Expression): string => {
  switch (expression.type) {
    case 'number':
      return String(expression.value);
    case 'text':
      return `'${expression.value}'`;
    case 'name':
      return `<${expression.name}>`;
    case 'expansion':
      return `$(${expression.text})`;
    case 'unary':
      return `(${expression.operator} ${spelled(expression.operand)})`;
    case 'binary':
      return `(${spelled(expression.left)} ${expression.operator} ${spelled(expression.right)})`;
    case 'call': {
      const { name, distinct, total, set, args, sorting } = expression;
      const words = [
        ...(distinct ? ['distinct'] : []),
        ...(total === undefined ? [] : [`total<${total.map((field) => field.name).join()}>`]),
        ...(set === undefined ? [] : [spelledSet(set)]),
      ];
      const sorted = sorting.length > 0 ? ` by ${sorting.join()}` : '';
      return `${name}[${words.map((word) => `${word} `).join('')}${args.map(spelled).join(', ')}${sorted}]`;
    }
    case 'unreadable':
      return `?${expression.text}?`;
  }
};

const spelledSet = ({ entities }: SetExpression): string => {
  const spelledEntities = entities.map(({ identifier, modifiers }) => {
    const inner = modifiers.map(({ field, operator, values }) => {
      const name = field.type === 'name' ? field.name : `$(${field.text})`;
      return `${name}${operator}${values.map(spelledValue).join('|')}`;
    });
    return `${identifier}<${inner.join('; ')}>`;
  });
  return `{${spelledEntities.join(' ')}}`;
};

const spelledValue = (value: SetValue): string => {
  switch (value.type) {
    case 'value':
      return value.text;
    case 'search':
      return `?${spelled(value.expression)}`;
    case 'field':
      return `of ${value.field.name}`;
    case 'possible':
      return `p(${value.set === undefined ? '' : spelledSet(value.set)}${value.field?.name ?? ''})`;
  }
};
