import type { Condition } from './condition.ts';
import { type Decision, type DecisionList, ruleText } from './decision.ts';
import { filterKey, KNOWN_KEYS } from './keys.ts';
import { exactPattern, globPattern, type Pattern, regexPattern } from './pattern.ts';
import { PatternError } from './regex.ts';

/** One of Zeenea's universal filters, as a file has it. */
export interface WrittenRule {
  readonly id: string | undefined;
  readonly action: 'accept' | 'reject';
  /** Keys and values, all of which have to match; none: everything matches. */
  readonly tests: readonly { readonly key: string; readonly value: string }[];
  /** `qlik-prod.conf, line 12`. */
  readonly place: string;
}

/** The most rules of a list. */
export const MOST_RULES = 200;

/**
 * What a value stands for: itself, letter for letter; with `*` or `?` any text and any character; behind `glob:` and
 * `regex:` a pattern in any case. A backslash is one. Throws {@link PatternError}.
 */
const valuePattern = (value: string): Pattern => {
  if (value.startsWith('regex:')) return regexPattern(value.slice(6).trim(), { fold: false, dialect: 'java' });
  if (value.startsWith('glob:')) return globPattern(value.slice(5).trim(), false, false);
  return /[*?]/.test(value) ? globPattern(value, false, false) : exactPattern(value, false);
};

/**
 * The test of one key. An item without a value matches a rule that accepts and no rule that rejects. Throws
 * {@link PatternError}, also for a key that there is not.
 */
export const ruleTest = (key: string, value: string): Condition => {
  const known = key.startsWith('$') ? undefined : filterKey(key);
  if (known === undefined) throw new PatternError(`${key} is not a key of filters.`, `Keys: ${KNOWN_KEYS}.`);
  return {
    type: 'test',
    key: known.names[0] ?? key,
    test: { how: 'pattern', pattern: valuePattern(value) },
    open: true,
  };
};

/** The rules as a list: the first that matches decides, and what none matches is kept. None for no rules. */
export const ruleList = (rules: readonly WrittenRule[]): readonly DecisionList[] => {
  if (rules.length === 0) return [];
  const decisions = rules.map(({ id, action, tests, place }, i): Decision => {
    const of = tests.map(({ key, value }) => ruleTest(key, value));
    return {
      text: ruleText(`${action} ${id ?? `rule ${i + 1}`}`, place),
      action,
      when: of.length === 0 ? { type: 'always' } : { type: 'and', of },
    };
  });
  return [{ decisions, otherwise: 'accept', creditsOpen: true }];
};
