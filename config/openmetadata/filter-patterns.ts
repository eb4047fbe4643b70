import type { Problems } from '../connection/problem.ts';
import { compileRegex, PatternError } from '../filter/regex.ts';
import { descend, type Place, type Tree } from '../tree.ts';
import { CONNECTION_AT, FILTER_PATTERNS, RUN_AT } from './keys.ts';
import type { Setting } from './setting.ts';

interface Entry {
  readonly text: string;
  readonly at: Place;
}

/**
 * OpenMetadata's regular expression as a pattern of our own. It matches from the beginning of a name, without case, and what
 * follows does not matter: `Sales` is `Sales*`.
 */
const ownPattern = (text: string): string => {
  const plain = /^\^?([\p{L}\p{N} _-]+)(\$|\.\*\$?)?$/u.exec(text);
  // A name alone could be meant as an id, and `personal` as apps without a stream.
  if (plain !== null && plain[2] !== '$') return `${plain[1]}*`;
  return `regex:(?:${text.replaceAll(/(?<!\\)((?:\\\\)*)\{,(\d+)\}/g, '$1{0,$2}')})(?s:.*)`;
};

const entriesOf = (tree: Tree, path: string, problems: Problems): readonly Entry[] | undefined => {
  const node = descend(tree, path.split('.'));
  if (node === undefined || (node.type === 'scalar' && node.value === null)) return [];
  const name = path.split('.').slice(-2).join('.');
  const entries: Entry[] = [];
  let failed = false;
  const refuse = (at: Place, message: string, advice: string): void => {
    failed = true;
    problems.error('config.invalid', at, message, advice);
  };
  for (const item of node.type === 'list' ? node.items : [node]) {
    if (item.type !== 'scalar' || item.value === null || item.text === '' || item.origin !== undefined) {
      refuse(
        item.at,
        `${name} must be a list of regular expressions.`,
        'Write them as a list, each behind a hyphen: - ^Sales.*',
      );
      continue;
    }
    try {
      compileRegex(item.text, { fold: true, dialect: 'python' });
      entries.push({ text: ownPattern(item.text), at: item.at });
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      refuse(item.at, `${name}: ${error.message}`, error.advice);
    }
  }
  return failed ? undefined : entries;
};

/**
 * Filter patterns as lists of includes and excludes; undefined when one cannot be used, which is reported. They stand in the
 * block of the run, or, as older releases had them, in that of the connection; where both have them, both count.
 */
export const readFilterPatterns = (tree: Tree, problems: Problems): readonly Setting[] | undefined => {
  const settings: Setting[] = [];
  let failed = false;
  for (const [pattern, what] of FILTER_PATTERNS)
    for (const [list, action] of [
      ['includes', 'include'],
      ['excludes', 'exclude'],
    ] as const) {
      const all = [RUN_AT, CONNECTION_AT].map((at) => entriesOf(tree, `${at}.${pattern}.${list}`, problems));
      failed ||= all.includes(undefined);
      const items = all.flatMap((entries) => entries ?? []);
      const [first] = items;
      if (first === undefined) continue;
      const text = items.map((item) => item.text).join(', ');
      settings.push({
        path: `crawl.${action}.${what}`,
        text,
        written: text,
        at: first.at,
        from: `${pattern}.${list}`,
        items,
      });
    }
  return failed ? undefined : settings;
};
