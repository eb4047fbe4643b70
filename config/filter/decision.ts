import { createHash } from 'node:crypto';
import { type Condition, conditionText } from './condition.ts';
import { evaluate } from './evaluate.ts';
import { type Filter, type FilterOptions, type FilterRule, RULE_CHARS, type Verdict } from './filter.ts';
import type { FilterItem } from './item.ts';

/** One rule of a list: what it says of items that fulfil its condition. */
export interface Decision {
  readonly text: string;
  readonly action: 'accept' | 'reject';
  readonly when: Condition;
}

/**
 * Rules of which the first that matches decides. A rule whose condition hangs on what items of a kind do not have matches
 * when it accepts, and does not when it rejects: so that nothing is rejected for what it cannot have.
 */
export interface DecisionList {
  readonly decisions: readonly Decision[];
  /** When none matches. */
  readonly otherwise: 'accept' | 'reject';
  /** Rules that accept for want of a property count as those that decided. */
  readonly creditsOpen?: true;
}

const decide = ({ decisions, otherwise, creditsOpen }: DecisionList, item: FilterItem): Verdict => {
  for (const { text, action, when } of decisions) {
    const truth = evaluate(when, item);
    if (truth === true) return { kept: action === 'accept', rule: text };
    if (truth === undefined && action === 'accept')
      return { kept: true, rule: creditsOpen === true ? text : undefined };
  }
  return { kept: otherwise === 'accept', rule: undefined };
};

const wantedOf = ({ decisions, otherwise }: DecisionList): Condition =>
  decisions.reduceRight<Condition>(
    (rest, { action, when }) =>
      action === 'accept' ? { type: 'or', of: [when, rest] } : { type: 'and', of: [{ type: 'not', of: when }, rest] },
    { type: otherwise === 'accept' ? 'always' : 'never' },
  );

/** Texts of rules, each once: a rule may stand for keeping and for rejecting. */
const rulesOf = (lists: readonly DecisionList[]): FilterRule[] =>
  [...new Set(lists.flatMap(({ decisions }) => decisions.map(({ text }) => text)))].map((text) => ({ text }));

class ListFilter implements Filter {
  readonly #lists: readonly DecisionList[];
  readonly rules: readonly FilterRule[];
  readonly digest: string;
  readonly options: FilterOptions;
  readonly wanted: Condition;

  constructor(lists: readonly DecisionList[], options: FilterOptions) {
    this.#lists = lists;
    this.rules = rulesOf(lists);
    const identity = lists.map(({ decisions, otherwise }) => [
      otherwise,
      ...decisions.map(({ action, when }) => [action, conditionText(when)]),
    ]);
    this.digest = lists.length === 0 ? '' : createHash('sha256').update(JSON.stringify(identity)).digest('hex');
    this.options = options;
    this.wanted = { type: 'and', of: lists.map(wantedOf) };
  }

  judge(item: FilterItem): Verdict {
    let rule: string | undefined;
    for (const list of this.#lists) {
      const verdict = decide(list, item);
      if (!verdict.kept) return verdict;
      rule = verdict.rule ?? rule;
    }
    return { kept: true, rule };
  }
}

/**
 * A filter that keeps what all lists keep. The first list that rejects an item says why; of one that is kept the last that
 * has something to say.
 */
export const filterOf = (lists: readonly DecisionList[], options: FilterOptions): Filter =>
  new ListFilter(lists, options);

/** Keeps what both keep; what the first says of options holds, and of an item that both reject. */
export const bothOf = (first: Filter, second: Filter): Filter => ({
  judge: (item) => {
    const verdict = first.judge(item);
    if (!verdict.kept) return verdict;
    const other = second.judge(item);
    return other.kept ? { kept: true, rule: other.rule ?? verdict.rule } : other;
  },
  rules: [...first.rules, ...second.rules],
  digest: first.digest === '' ? second.digest : second.digest === '' ? first.digest : digestOf(first, second),
  options: {
    streams: first.options.streams ?? second.options.streams,
    unpublishedApps: first.options.unpublishedApps ?? second.options.unpublishedApps,
    unpublishedSheets: first.options.unpublishedSheets ?? second.options.unpublishedSheets,
  },
  wanted: { type: 'and', of: [first.wanted, second.wanted] },
});

const digestOf = (...filters: readonly Filter[]): string =>
  createHash('sha256')
    .update(filters.map(({ digest }) => digest).join(' '))
    .digest('hex');

/** A rule's text with its place: `exclude stream "Test*" (qlik-prod.conf, line 12)`. */
export const ruleText = (what: string, place: string): string => {
  const tail = ` (${place})`;
  const room = Math.max(20, RULE_CHARS - tail.length);
  return (what.length <= room ? what : `${what.slice(0, room - 1).toWellFormed()}…`) + tail.slice(0, RULE_CHARS - 20);
};
