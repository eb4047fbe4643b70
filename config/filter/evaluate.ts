import type { Condition, Test } from './condition.ts';
import { folded } from './fold.ts';
import type { FilterItem } from './item.ts';
import { type Fact, filterKey } from './keys.ts';

/** True, false, or undefined where it depends on what items of this kind do not have. */
export type Truth = boolean | undefined;

/** So much of a text is matched with patterns, and so many members of a list: a site may give more than any has. */
const MOST_CHARS = 2_000;
const MOST_MEMBERS = 1_000;

const tested = (test: Test, text: string): boolean => {
  switch (test.how) {
    case 'pattern':
      return test.pattern.matches(text.length <= MOST_CHARS ? text : text.slice(0, MOST_CHARS));
    case 'null':
      return false;
    case 'equals':
    case 'startsWith':
    case 'endsWith':
    case 'contains': {
      const given = test.fold ? folded(text) : text;
      const wanted = test.fold ? folded(test.value) : test.value;
      if (test.how === 'equals') return given === wanted;
      if (test.how === 'startsWith') return given.startsWith(wanted);
      return test.how === 'endsWith' ? given.endsWith(wanted) : given.includes(wanted);
    }
    default:
      return test satisfies never;
  }
};

/** Names that stand for members of lists, inside `any … in … match`. */
type Bound = ReadonlyMap<string, string>;
const NONE: Bound = new Map();

const factOf = (item: FilterItem, key: string, bound: Bound): Fact => bound.get(key) ?? filterKey(key)?.of(item);

const testFact = (condition: Condition & { readonly type: 'test' }, item: FilterItem, bound: Bound): Truth => {
  const { key, test, open } = condition;
  const fact = factOf(item, key, bound);
  if (fact === undefined) return undefined;
  if (fact === null) return test.how === 'null' ? true : open === true ? undefined : false;
  return typeof fact === 'string' ? tested(test, fact) : fact.slice(0, MOST_MEMBERS).some((text) => tested(test, text));
};

/** Whether one of them is as wanted; undefined when that hangs on an undefined one. */
const some = <T>(all: readonly T[], truth: (one: T) => Truth, wanted: boolean): Truth => {
  let open = false;
  for (const one of all) {
    const found = truth(one);
    if (found === wanted) return wanted;
    open ||= found === undefined;
  }
  return open ? undefined : !wanted;
};

/** Whether an item fulfils a condition. */
export const evaluate = (condition: Condition, item: FilterItem, bound: Bound = NONE): Truth => {
  switch (condition.type) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'and':
      return some(condition.of, (part) => evaluate(part, item, bound), false);
    case 'or':
      return some(condition.of, (part) => evaluate(part, item, bound), true);
    case 'not': {
      const truth = evaluate(condition.of, item, bound);
      return truth === undefined ? undefined : !truth;
    }
    case 'test':
      return testFact(condition, item, bound);
    case 'each': {
      const list = factOf(item, condition.list, NONE);
      if (list === undefined) return undefined;
      const members = list === null ? [] : typeof list === 'string' ? [list] : list.slice(0, MOST_MEMBERS);
      const truth = (member: string): Truth => evaluate(condition.of, item, new Map(bound).set(condition.name, member));
      return some(members, truth, condition.quantifier === 'any');
    }
    default:
      return condition satisfies never;
  }
};
