import type { Binary, Call, Expression } from '../syntax/expression.ts';
import { applyFunction, matches, SHOWN, TAKES_DATE, truth } from './functions.ts';
import { ASKS_TABLES } from './known-tables.ts';
import { fromNumber, toNumber } from './numbers.ts';
import {
  alternatives,
  isUncertain,
  joinWorlds,
  MOST_ALTERNATIVES,
  NOWHERE,
  NULL,
  type Option,
  text,
  unknown,
  type Value,
  withoutHoles,
} from './values.ts';

/** What an expression outside of LOAD may refer to. */
export interface Scope {
  /** The value of a variable; undefined: there is none of this name. */
  readonly variable: (name: string) => Value | undefined;
  /** Makes an unresolved `$(…)` a hole. */
  readonly expansion: (text: string) => Value;
  /** A number for a choice that this evaluation leaves open. */
  readonly choice: () => number;
  /** What a function says of the tables that there are; undefined: only a reload knows. */
  readonly tables: (name: string, args: readonly string[]) => string | undefined;
  /** A date or a month as text. */
  readonly shown: (value: Value) => Value;
  /** The number of a date that is written as the app writes dates. */
  readonly dateOf: (text: string) => string | undefined;
}

/** Deeper ones are none that somebody wrote. */
const MOST_DEPTH = 200;
/** Arguments of a function of which one has alternatives: each is put together with all the others. */
const MOST_COMBINED = 1_000;

/**
 * What an expression is outside of LOAD: names are variables. It computes what is certain whoever runs the script;
 * everything that depends on data, files, time or the user is unknown.
 */
export const evaluate = (expression: Expression, scope: Scope, depth = 0): Value => {
  if (depth > MOST_DEPTH) return unknown('depth');
  const inner = (part: Expression): Value => evaluate(part, scope, depth + 1);
  switch (expression.type) {
    case 'number':
      return text(fromNumber(expression.value));
    case 'text':
      return text(expression.value);
    case 'name': {
      const named = scope.variable(expression.name);
      if (named !== undefined) return named.type === 'unknown' ? (named.dual ?? named) : named;
      // `LET p = "lib://Data/";`: no variable is called like a path, and that is what was meant.
      if (expression.quote !== '' && /[/\\]/.test(expression.name)) return text(expression.name);
      return expression.quote === '' && /^(?:null|true|false)$/i.test(expression.name)
        ? unknown('name')
        : scope.expansion(expression.name);
    }
    case 'expansion':
      return scope.expansion(expression.text);
    case 'unary':
      return combine([inner(expression.operand)], ([operand = '']) => unary(expression.operator, operand));
    case 'binary':
      return binary(expression, inner, scope);
    case 'call':
      return call(expression, inner, scope);
    case 'unreadable':
      return unknown('unreadable');
    default:
      return expression satisfies never;
  }
};

/** True, false, or undefined where it cannot be told. */
export const isTrue = (value: Value): boolean | undefined => {
  if (value.type === 'unknown') return undefined;
  if (value.type === 'alternatives') {
    const truths = new Set(value.options.map((option) => isTrue(text(option.text))));
    const [only] = truths;
    return truths.size === 1 ? only : undefined;
  }
  if (isUncertain(value.text)) return undefined;
  const number = toNumber(value.text);
  return number !== undefined && number !== 0;
};

/** For all options that can meet, what `compute` gives of them; undefined of it is unknown. */
const combine = (values: readonly Value[], compute: (texts: readonly string[]) => string | undefined): Value => {
  const unclear = values.find((value) => value.type === 'unknown');
  if (unclear !== undefined) return unclear;
  const certain = values.flatMap((value) => (value.type === 'text' ? [value.text] : []));
  if (certain.length === values.length) {
    const result = compute(certain);
    return result === undefined ? uncomputed(certain) : text(result);
  }
  if (values.length > MOST_COMBINED) return unknown('alternatives');
  let combined: readonly { readonly texts: readonly string[]; readonly world: Option['world'] }[] = [
    { texts: [], world: NOWHERE },
  ];
  for (const value of values) {
    const options = value.type === 'alternatives' ? value.options : [{ text: plain(value), world: NOWHERE }];
    combined = combined.flatMap(({ texts, world }) =>
      options.flatMap((option) => {
        const joined = joinWorlds(world, option.world);
        return joined === undefined ? [] : [{ texts: [...texts, option.text], world: joined }];
      }),
    );
    if (combined.length > MOST_ALTERNATIVES * 2) return unknown('alternatives');
  }
  const options: Option[] = [];
  for (const { texts, world } of combined) {
    const result = compute(texts);
    if (result === undefined) return uncomputed(texts);
    options.push({ text: result, world });
  }
  return alternatives(options);
};

const plain = (value: Value): string => (value.type === 'text' ? value.text : '');

const uncomputed = (texts: readonly string[]): Value => unknown(texts.some(isUncertain) ? 'hole' : 'function');

const unary = (operator: string, operand: string): string | undefined => {
  if (isUncertain(operand)) return undefined;
  const number = toNumber(operand);
  switch (operator) {
    case '-':
      return number === undefined ? undefined : fromNumber(-number);
    case '+':
      return operand;
    case 'not':
      return truth(number === undefined || number === 0);
    default:
      return undefined;
  }
};

const binary = (expression: Binary, inner: (part: Expression) => Value, scope: Scope): Value => {
  const { operator } = expression;
  const left = inner(expression.left);
  if (operator === 'and' || operator === 'or') {
    const [one, other] = [isTrue(left), isTrue(inner(expression.right))];
    const decisive = operator === 'or';
    if (one === decisive || other === decisive) return text(truth(decisive));
    return one === undefined || other === undefined ? unknown('condition') : text(truth(!decisive));
  }
  const right = inner(expression.right);
  if (OF_TEXTS.has(operator)) {
    return combine([scope.shown(left), scope.shown(right)], ([one = '', other = '']) => operate(operator, one, other));
  }
  return combine([left, right], ([one = '', other = '']) => {
    return operate(operator, numberOf(one, scope), numberOf(other, scope));
  });
};

const OF_TEXTS: ReadonlySet<string> = new Set(['&', 'like', 'precedes', 'follows']);

/** A date as its number, anything else as it is. */
const numberOf = (content: string, { dateOf }: Scope): string =>
  toNumber(content) === undefined ? (dateOf(content) ?? content) : content;

const operate = (operator: string, left: string, right: string): string | undefined => {
  if (operator === '&') return left + right;
  if (isUncertain(left) || isUncertain(right)) return compareTemplates(operator, left, right);
  const [one, other] = [toNumber(left), toNumber(right)];
  const numbers = one !== undefined && other !== undefined;
  switch (operator) {
    case '=':
    case '<>':
      // Whether the case of letters counts depends on where the texts come from.
      if (!numbers && left !== right && left.toLowerCase() === right.toLowerCase()) return undefined;
      return truth((numbers ? one === other : left === right) === (operator === '='));
    case 'like':
      return truth(matches(left, right));
    case 'precedes':
      return truth(left < right);
    case 'follows':
      return truth(left > right);
    case 'xor':
      return numbers ? truth((one !== 0) !== (other !== 0)) : undefined;
  }
  if (!numbers) return undefined;
  return arithmetic(operator, one, other);
};

const arithmetic = (operator: string, one: number, other: number): string | undefined => {
  switch (operator) {
    case '<':
      return truth(one < other);
    case '>':
      return truth(one > other);
    case '<=':
      return truth(one <= other);
    case '>=':
      return truth(one >= other);
    case '+':
      return fromNumber(one + other);
    case '-':
      return fromNumber(one - other);
    case '*':
      return fromNumber(one * other);
    case '/':
      return other === 0 ? undefined : fromNumber(one / other);
    default:
      return undefined;
  }
};

/** A template is certainly not empty when it has more than its holes. */
const compareTemplates = (operator: string, left: string, right: string): string | undefined => {
  if (operator !== '=' && operator !== '<>') return undefined;
  const [template, other] = isUncertain(left) ? [left, right] : [right, left];
  const fixedPart = withoutHoles(template);
  return other === '' && fixedPart.trim() !== '' ? truth(operator === '<>') : undefined;
};

const call = (expression: Call, inner: (part: Expression) => Value, scope: Scope): Value => {
  const { name, args } = expression;
  const [first] = args;
  switch (name) {
    case '':
      return first === undefined ? unknown('empty') : inner(first);
    case 'if': {
      const [, yes, no] = args;
      if (first === undefined || yes === undefined) return unknown('arguments');
      return choose(
        isTrue(inner(first)),
        () => inner(yes),
        () => (no === undefined ? text('') : inner(no)),
        scope,
      );
    }
    case 'pick': {
      const which = first === undefined ? unknown('arguments') : inner(first);
      const number = which.type === 'text' ? toNumber(which.text) : undefined;
      const picked = number === undefined ? undefined : args[Math.trunc(number)];
      return number === undefined || number < 1 ? unknown('pick') : picked === undefined ? text('') : inner(picked);
    }
    case 'alt': {
      const found = args.map(inner).find((value) => value.type !== 'text' || toNumber(value.text) !== undefined);
      return found ?? unknown('alt');
    }
    case 'coalesce': {
      const found = args.map(inner).find((value) => value.type !== 'text' || value.text !== '');
      return found ?? text('');
    }
    case 'null':
      return NULL;
    case 'isnull': {
      const asked = first === undefined ? unknown('arguments') : inner(first);
      if (asked.type === 'text' && asked.isNull === true) return text(truth(true));
      return combine([asked], (texts) => (texts.some(isUncertain) ? undefined : applyFunction(name, texts)));
    }
    case 'date#': {
      const written = first === undefined ? unknown('arguments') : inner(first);
      const number = combine([written, ...args.slice(1).map(inner)], (texts) => applyFunction(name, texts));
      return number.type === 'text' && written.type === 'text' ? { ...number, shown: { as: written.text } } : number;
    }
    case 'trim':
    case 'text':
      return combine(args.map(inner).map(scope.shown), ([content = '']) =>
        name === 'trim' ? content.trim() : content,
      );
  }
  if (ASKS_TABLES.has(name)) {
    // A field or a table may be given by its bare name.
    const given = args.map((arg) =>
      arg.type === 'name' && scope.variable(arg.name) === undefined ? text(arg.name) : scope.shown(inner(arg)),
    );
    const told = combine(given, (texts) => (texts.some(isUncertain) ? undefined : scope.tables(name, texts)));
    return told.type === 'unknown' ? unknown(`function:${name}`) : told;
  }
  const values = args.map(inner);
  const dated = TAKES_DATE.has(name);
  const value = combine(dated || SHOWN.has(name) ? values : values.map(scope.shown), (texts) => {
    if (texts.some(isUncertain)) return undefined;
    return applyFunction(name, dated ? [numberOf(texts[0] ?? '', scope), ...texts.slice(1)] : texts);
  });
  if (value.type === 'unknown') return value.reason === 'function' ? unknown(`function:${name}`) : value;
  const shown = SHOWN.get(name);
  if (shown === undefined) return value;
  if (value.type === 'text') return { ...value, shown };
  const written = value.options.map((option) => ({
    option,
    as: scope.shown({ type: 'text', text: option.text, shown }),
  }));
  const known = written.flatMap(({ option, as }) => (as.type === 'text' ? [{ ...option, text: as.text }] : []));
  return known.length === written.length ? alternatives(known) : unknown('date-format');
};

const choose = (condition: boolean | undefined, yes: () => Value, no: () => Value, scope: Scope): Value => {
  if (condition !== undefined) return condition ? yes() : no();
  const arms = [scope.shown(yes()), scope.shown(no())];
  const choice = scope.choice();
  const options: Option[] = [];
  for (const [arm, value] of arms.entries()) {
    if (value.type === 'unknown') return value;
    for (const option of value.type === 'text' ? [{ text: value.text, world: NOWHERE }] : value.options) {
      const world = joinWorlds(option.world, new Map([[choice, arm]]));
      if (world !== undefined) options.push({ text: option.text, world });
    }
  }
  return alternatives(options);
};
