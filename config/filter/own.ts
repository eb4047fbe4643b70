import type { Condition } from './condition.ts';
import { type Decision, type DecisionList, ruleText } from './decision.ts';
import { folded } from './fold.ts';
import { namePattern } from './pattern.ts';

/** A pattern as it stands in a list, with the place of the list's entry in words. */
export interface WrittenPattern {
  readonly text: string;
  /** `qlik-prod.conf, line 12`. */
  readonly place: string;
}

/** An option that was said, with its place in words. */
export interface WrittenFlag {
  readonly value: boolean;
  readonly place: string;
}

/** Streams, apps and sheets to crawl and not to crawl, as files and the catalog say it. */
export interface OwnFilter {
  readonly includeStreams: readonly WrittenPattern[];
  readonly excludeStreams: readonly WrittenPattern[];
  readonly includeApps: readonly WrittenPattern[];
  readonly excludeApps: readonly WrittenPattern[];
  readonly includeSheets: readonly WrittenPattern[];
  readonly excludeSheets: readonly WrittenPattern[];
  readonly unpublishedApps: WrittenFlag | undefined;
  readonly unpublishedSheets: WrittenFlag | undefined;
  readonly streams: WrittenFlag | undefined;
}

/** The most patterns of one list. */
export const MOST_PATTERNS = 200;

/** What stands for apps without a stream in a list of streams. */
const PERSONAL = 'personal';

const isText = (key: string, value: string): Condition => ({
  type: 'test',
  key,
  test: { how: 'equals', value, fold: false },
});

type Named = 'stream' | 'app' | 'sheet';

/**
 * Whether something is what a pattern means: by its name, or by its id where the pattern is one text without wildcards. An id
 * is letters and digits by chance, which `*2*` never means.
 */
const named = (what: Named, text: string): Condition => {
  const pattern = namePattern(text);
  const tests: Condition[] = [{ type: 'test', key: what, test: { how: 'pattern', pattern } }];
  const [literal, ...more] = pattern.glob ?? [];
  if (typeof literal === 'string' && more.length === 0)
    tests.push({ type: 'test', key: `${what}_id`, test: { how: 'pattern', pattern } });
  if (what === 'stream' && folded(text) === PERSONAL)
    tests.push({ type: 'test', key: 'stream', test: { how: 'null' } });
  return tests.length === 1 ? (tests[0] as Condition) : { type: 'or', of: tests };
};

const listed = (action: 'include' | 'exclude', what: Named, patterns: readonly WrittenPattern[]): Decision[] =>
  patterns.map(({ text, place }) => ({
    text: ruleText(`${action} ${what} "${text}"`, place),
    action: action === 'include' ? 'accept' : 'reject',
    when: named(what, text),
  }));

/** What is rejected for an option that is false. */
const withheld = (name: string, flag: WrittenFlag | undefined, when: Condition): Decision[] =>
  flag?.value === false ? [{ text: ruleText(`${name} = false`, flag.place), action: 'reject', when }] : [];

/**
 * Culvert's own filter as lists of rules: what is excluded is rejected whatever else is said, then an item must be in every
 * list of includes that is not empty. Throws {@link PatternError}; {@link namePattern} tells of which pattern.
 */
export const ownLists = (own: OwnFilter): DecisionList[] => {
  const rejects = [
    ...withheld('streams', own.streams, isText('$kind', 'stream')),
    ...listed('exclude', 'stream', own.excludeStreams),
    ...listed('exclude', 'app', own.excludeApps),
    ...listed('exclude', 'sheet', own.excludeSheets),
    ...withheld('unpublished apps', own.unpublishedApps, isText('published', 'false')),
    ...withheld('unpublished sheets', own.unpublishedSheets, isText('sheet_published', 'false')),
  ];
  const includes = [
    listed('include', 'stream', own.includeStreams),
    listed('include', 'app', own.includeApps),
    listed('include', 'sheet', own.includeSheets),
  ];
  return [
    ...(rejects.length === 0 ? [] : [{ decisions: rejects, otherwise: 'accept' as const }]),
    ...includes.flatMap((decisions) => (decisions.length === 0 ? [] : [{ decisions, otherwise: 'reject' as const }])),
  ];
};
