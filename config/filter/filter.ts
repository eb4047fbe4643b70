import type { Condition } from './condition.ts';
import { type FilterItem, type StreamName, streamItem } from './item.ts';

/** What a filter says of an item. */
export interface Verdict {
  readonly kept: boolean;
  /** The {@link FilterRule.text} of the rule that decided; undefined when none did, or an item is rejected for want of one. */
  readonly rule: string | undefined;
}

/** One rule of a filter, as its writer knows it. */
export interface FilterRule {
  /** With its place: `exclude stream "Test*" (qlik-prod.conf, line 12)`. At most {@link RULE_CHARS} long. */
  readonly text: string;
}

/** A longer text of a rule is cut. */
export const RULE_CHARS = 500;

/** What may be said in a file or in the catalog, and is in force from the file when both say it. Undefined: nobody said it. */
export interface FilterOptions {
  /** False: streams are no assets; apps belong to the site. */
  readonly streams: boolean | undefined;
  readonly unpublishedApps: boolean | undefined;
  readonly unpublishedSheets: boolean | undefined;
}

/**
 * Decides which streams, apps and sheets are crawled. Pure, and linear in the length of what it looks at. A rejected app is
 * neither read nor listed, and so are all sheets of it; a rejected stream is no asset.
 */
export interface Filter {
  /** Whether an item is kept, and which rule decided. A sheet is kept only with its app. */
  judge(item: FilterItem): Verdict;
  /** All rules, in the order in which they are tried; of a filter from file and catalog first those of the file. */
  readonly rules: readonly FilterRule[];
  /** SHA-256 (hex) over what decides, without places: filters with one digest judge alike. */
  readonly digest: string;
  readonly options: FilterOptions;
  /**
   * What every item fulfils that the filter keeps (others may fulfil it, too), with keys that an item lacks left open: for
   * asking a repository for less.
   */
  readonly wanted: Condition;
}

/** Keeps everything. */
export const EVERYTHING: Filter = {
  judge: () => ({ kept: true, rule: undefined }),
  rules: [],
  digest: '',
  options: { streams: undefined, unpublishedApps: undefined, unpublishedSheets: undefined },
  wanted: { type: 'always' },
};

/** The stream that an app belongs to in the catalog: none for personal work, nor where its stream is not kept. */
export const keptStream = (filter: Filter, stream: StreamName | null): StreamName | null =>
  stream !== null && filter.judge(streamItem(stream)).kept ? stream : null;
