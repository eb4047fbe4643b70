import { type ConnectionSetting, SETTING_LIMITS } from '#protocol/status.ts';
import { type DecisionList, filterOf } from '../filter/decision.ts';
import { expressionList } from '../filter/expression.ts';
import { ExpressionError } from '../filter/expression-lexer.ts';
import type { Filter } from '../filter/filter.ts';
import { MOST_PATTERNS, type OwnFilter, ownLists, type WrittenFlag, type WrittenPattern } from '../filter/own.ts';
import { namePattern } from '../filter/pattern.ts';
import { PatternError } from '../filter/regex.ts';
import { MOST_RULES, ruleList, ruleTest, type WrittenRule } from '../filter/rules.ts';
import type { ObjectTree, Place, Tree } from '../tree.ts';
import { type FilterText, inlineText, sideText } from './filter-text.ts';
import type { Problems } from './problem.ts';
import type { SideFiles } from './side-files.ts';
import type { Values } from './values.ts';

/** Keys of the lists, with the name that the catalog's settings have for them. */
const LISTS = [
  ['crawl.include.streams', 'includeStreams'],
  ['crawl.exclude.streams', 'excludeStreams'],
  ['crawl.include.apps', 'includeApps'],
  ['crawl.exclude.apps', 'excludeApps'],
  ['crawl.include.sheets', 'includeSheets'],
  ['crawl.exclude.sheets', 'excludeSheets'],
] as const;
const FLAGS = [
  ['crawl.streams', 'streams'],
  ['crawl.unpublished_apps', 'unpublishedApps'],
  ['crawl.unpublished_sheets', 'unpublishedSheets'],
] as const;

export interface FilterContext {
  readonly values: Values;
  readonly files: SideFiles;
  readonly problems: Problems;
  readonly folder: string;
  /** The text of the connection file itself. */
  readonly source: { readonly file: string; readonly text: string };
}

export interface ReadFilter {
  /** Absent when the file says nothing of it: everything is crawled. */
  readonly filter?: Filter;
  /** What the file gives of what the catalog may give, too. */
  readonly settings?: readonly ConnectionSetting[];
}

const inWords = ({ file, line }: Place): string => `${file}, line ${line}`;

/** Reads what a connection file says of what is crawled: Culvert's own keys, and filters of Zeenea at both of their places. */
export const readFilter = (context: FilterContext): ReadFilter => {
  const { values, problems } = context;
  const settings: ConnectionSetting[] = [];
  const tell = (name: string, value: string): void => {
    const cut =
      value.length > SETTING_LIMITS.value ? `${value.slice(0, SETTING_LIMITS.value - 1).toWellFormed()}…` : value;
    settings.push({ name, value: cut });
  };
  const own: Partial<Record<keyof OwnFilter, unknown>> = {};
  for (const [key, name] of LISTS) {
    const patterns = readPatterns(key, context);
    own[name] = patterns;
    if (patterns.length > 0) tell(name, patterns.map(({ text }) => text).join(', '));
  }
  for (const [key, name] of FLAGS) {
    const flag = readFlag(key, values);
    own[name] = flag;
    if (flag !== undefined) tell(name, String(flag.value));
  }
  const lists: DecisionList[] = [...ownLists(own as unknown as OwnFilter)];
  for (const key of ['filter', 'crawl.filter']) {
    const text = readText(key, context);
    if (text === undefined) continue;
    lists.push(...readExpression(text, problems));
    tell('filter', text.label.trim());
  }
  for (const key of ['filters', 'crawl.filters']) {
    const rules = readRules(key, context);
    lists.push(...ruleList(rules));
    if (rules.length > 0) tell('filters', rules.length === 1 ? '1 rule' : `${rules.length} rules`);
  }
  const deletion = values.text('crawl.deletion')?.value;
  if (deletion !== undefined) tell('deletion', deletion);
  const options = {
    streams: (own.streams as WrittenFlag | undefined)?.value,
    unpublishedApps: (own.unpublishedApps as WrittenFlag | undefined)?.value,
    unpublishedSheets: (own.unpublishedSheets as WrittenFlag | undefined)?.value,
  };
  if (settings.length === 0) return {};
  return lists.length === 0 && Object.values(options).every((one) => one === undefined)
    ? { settings }
    : { filter: filterOf(lists, options), settings };
};

/** A key whose value came to nothing would let through what it was to keep back. */
const missesValue = (key: string, { values, problems }: FilterContext): boolean => {
  const node = values.node(key);
  const at = values.placeOf(key);
  if (
    at === undefined ||
    (node !== undefined && !(node.type === 'scalar' && (node.value === null || node.text.trim() === '')))
  )
    return false;
  problems.error(
    'config.empty_value',
    at,
    `${key} has no value, so that nobody can say what it was to keep.`,
    'Give it one, or take the line out; an empty list is written [].',
  );
  return true;
};

const readPatterns = (key: string, context: FilterContext): readonly WrittenPattern[] => {
  const { values, problems } = context;
  if (missesValue(key, context)) return [];
  const node = values.node(key);
  if (node === undefined) return [];
  const items = node.type === 'list' ? node.items : [node];
  if (items.length > MOST_PATTERNS)
    problems.error(
      'config.invalid',
      node.at,
      `${key} has ${items.length} entries, more than ${MOST_PATTERNS}.`,
      'Use patterns: * stands for any text, regex: begins a regular expression.',
    );
  const patterns: WrittenPattern[] = [];
  for (const item of items.slice(0, MOST_PATTERNS)) {
    if (item.type !== 'scalar' || item.value === null || item.text.trim() === '') {
      problems.error(
        'config.invalid',
        item.at,
        `${key} must be a list of names.`,
        `Write ${key} = ["Finance", "Sales*", "regex:(EMEA|APAC) .*"].`,
      );
      continue;
    }
    const text = item.text.trim();
    try {
      namePattern(text);
      patterns.push({ text, place: inWords(item.at) });
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      problems.error('config.invalid', item.at, `${key}: ${error.message}`, error.advice);
    }
  }
  return patterns;
};

const readFlag = (key: string, values: Values): WrittenFlag | undefined => {
  const node = values.node(key);
  if (node === undefined || (node.type === 'scalar' && (node.value === null || node.text.trim() === '')))
    return undefined;
  return { value: values.flag(key), place: inWords(node.at) };
};

const readText = (key: string, context: FilterContext): FilterText | undefined => {
  const { values, files, problems, folder, source } = context;
  const found = values.text(key);
  if (found === undefined) return undefined;
  if (!/^\s*file:/i.test(found.value))
    return inlineText(found.value, found.at, found.at.file === source.file ? source.text : undefined);
  const read = sideText(found.value.trim(), files, folder);
  if (typeof read !== 'string') return read;
  problems.error(
    'config.unreadable',
    found.at,
    `The file that ${key} names cannot be used: ${read}.`,
    'Check the path: it is relative to the folder of this file, or absolute.',
  );
  return undefined;
};

const readExpression = ({ text, placeAt, shown }: FilterText, problems: Problems): readonly DecisionList[] => {
  const first = /\S/.exec(text)?.index ?? 0;
  try {
    return expressionList(text, inWords(placeAt(first)));
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    problems.error(
      'config.invalid',
      placeAt(error.offset),
      shown ? `filter: ${error.message}` : 'The filter cannot be read here.',
      shown
        ? error.advice
        : 'Correct it at this place; culvert validate shows more when the file is in the folder of the connection.',
    );
    return [];
  }
};

const RULE_KEYS = ['id', 'action', 'catalog', 'rules'];

const readRules = (key: string, context: FilterContext): readonly WrittenRule[] => {
  const { values, problems } = context;
  const node = values.node(key);
  if (node === undefined || (node.type === 'scalar' && (node.value === null || node.text.trim() === ''))) return [];
  if (node.type !== 'list') {
    problems.error(
      'config.invalid',
      node.at,
      `${key} must be a list of rules.`,
      `Write ${key} = [ { id = no_tests, action = REJECT, rules { stream = "Test*" } } ].`,
    );
    return [];
  }
  if (node.items.length > MOST_RULES)
    problems.error(
      'config.invalid',
      node.at,
      `${key} has more than ${MOST_RULES} rules.`,
      'Use patterns in their values.',
    );
  return node.items.slice(0, MOST_RULES).flatMap((item) => {
    const rule = readRule(key, item, problems);
    return rule === undefined ? [] : [rule];
  });
};

const readRule = (key: string, item: Tree, problems: Problems): WrittenRule | undefined => {
  const refuse = (at: Place, message: string, advice: string): undefined => {
    problems.error('config.invalid', at, message, advice);
    return undefined;
  };
  if (item.type !== 'object')
    return refuse(
      item.at,
      `${key} holds something that is no rule.`,
      'Write { action = REJECT, rules { stream = "Test*" } }.',
    );
  for (const [name, value] of item.entries)
    if (!RULE_KEYS.includes(name))
      refuse(
        value.at,
        'A rule has no such key.',
        `A rule has ${RULE_KEYS.join(', ')}; what it looks at stands below rules.`,
      );
  const text = (name: string): string | undefined => {
    const value = item.entries.get(name);
    return value?.type === 'scalar' && value.value !== null && value.origin !== 'secret'
      ? value.text.trim()
      : undefined;
  };
  const catalog = text('catalog');
  if (catalog !== undefined && catalog !== '' && catalog !== 'default')
    problems.warn(
      'config.unknown_key',
      item.entries.get('catalog')?.at,
      'catalog has no effect in a rule: an agent has one catalog, the one that it enrolled with.',
      'Delete it; the rule itself works.',
    );
  const action = text('action')?.toUpperCase();
  if (action !== 'ACCEPT' && action !== 'REJECT')
    return refuse(
      item.entries.get('action')?.at ?? item.at,
      action === undefined ? 'The rule has no action.' : 'The action of a rule is ACCEPT or REJECT.',
      'Write action = ACCEPT or action = REJECT.',
    );
  const rules = item.entries.get('rules');
  if (
    rules !== undefined &&
    rules.type !== 'object' &&
    !(rules.type === 'scalar' && (rules.value === null || rules.text.trim() === ''))
  )
    return refuse(rules.at, 'rules must be an object of keys and values.', 'Write rules { stream = "Test*" }.');
  const id = text('id');
  return {
    id: id === undefined || id === '' ? undefined : id,
    action: action === 'ACCEPT' ? 'accept' : 'reject',
    tests: rules?.type === 'object' ? readTests(rules, '', problems) : [],
    place: inWords(item.at),
  };
};

const readTests = (rules: ObjectTree, prefix: string, problems: Problems): WrittenRule['tests'] =>
  [...rules.entries].flatMap(([name, value]) => {
    const key = `${prefix}${name}`;
    if (value.type === 'object') return readTests(value, `${key}.`, problems);
    if (value.type !== 'scalar' || value.value === null || value.origin === 'secret') {
      problems.error(
        'config.invalid',
        value.at,
        `The value of ${shownKey(key)} must be a text.`,
        `Write ${shownKey(key)} = "Test*".`,
      );
      return [];
    }
    const test = { key, value: value.text };
    try {
      ruleTest(key, value.text);
      return [test];
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      problems.error('config.invalid', value.at, error.message.replace(key, shownKey(key)), error.advice);
      return [];
    }
  });

const shownKey = (key: string): string => (/^[A-Za-z_][\w.]{0,60}$/.test(key) ? key : 'What stands here');
