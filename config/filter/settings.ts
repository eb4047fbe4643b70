import type { ConnectorSettings } from '#protocol/job-options.ts';
import type { Condition } from './condition.ts';
import { bothOf, type DecisionList, filterOf } from './decision.ts';
import { expressionList } from './expression.ts';
import { EVERYTHING, type Filter } from './filter.ts';
import { ownLists, type WrittenFlag, type WrittenPattern } from './own.ts';
import { PatternError } from './regex.ts';

/** Where settings of the catalog stand, for people. */
const CATALOG = 'settings in the catalog';

/**
 * What all patterns of the settings take for each character of a name. They come from elsewhere, and every app of a site is
 * judged by them: a thousand large ones would keep an agent busy for hours.
 */
const MOST_STEPS = 4_000;

const costOf = (condition: Condition): number => {
  switch (condition.type) {
    case 'test':
      return condition.test.how === 'pattern' ? condition.test.pattern.cost : 0;
    case 'and':
    case 'or':
      return condition.of.reduce((sum, part) => sum + costOf(part), 0);
    case 'not':
    case 'each':
      return costOf(condition.of);
    case 'always':
    case 'never':
      return 0;
    default:
      return condition satisfies never;
  }
};

/**
 * The filter that the catalog's settings are by themselves; what a file gives of the options is in `given` and makes the
 * catalog's say nothing. Throws {@link PatternError} and {@link ExpressionError} for patterns that cannot be run.
 */
export const settingsFilter = (settings: ConnectorSettings, given: Filter['options'] = EVERYTHING.options): Filter => {
  const patterns = (texts: readonly string[] | undefined): WrittenPattern[] =>
    (texts ?? []).map((text) => ({ text, place: CATALOG }));
  const flag = (value: boolean | undefined, ofFile: boolean | undefined): WrittenFlag | undefined =>
    value === undefined || ofFile !== undefined ? undefined : { value, place: CATALOG };
  const lists: DecisionList[] = ownLists({
    includeStreams: patterns(settings.includeStreams),
    excludeStreams: patterns(settings.excludeStreams),
    includeApps: patterns(settings.includeApps),
    excludeApps: patterns(settings.excludeApps),
    includeSheets: [],
    excludeSheets: [],
    streams: flag(settings.streams, given.streams),
    unpublishedApps: flag(settings.unpublishedApps, given.unpublishedApps),
    unpublishedSheets: flag(settings.unpublishedSheets, given.unpublishedSheets),
  });
  lists.push(...expressionList(settings.filter ?? '', CATALOG));
  const steps = lists.flatMap(({ decisions }) => decisions).reduce((sum, { when }) => sum + costOf(when), 0);
  if (steps > MOST_STEPS)
    throw new PatternError(
      `The patterns are too large altogether (${Math.ceil(steps)} steps of ${MOST_STEPS}).`,
      'Use fewer regular expressions, and smaller counts in them; names without wildcards cost nothing.',
    );
  return filterOf(lists, {
    streams: settings.streams,
    unpublishedApps: settings.unpublishedApps,
    unpublishedSheets: settings.unpublishedSheets,
  });
};

/**
 * The filter of a file, narrowed by what the catalog sets: an item must be kept by both, and of options what the file gives
 * is in force. Nothing is kept that the file's filter alone rejects. Throws as {@link settingsFilter} does.
 */
export const narrowed = (filter: Filter, settings: ConnectorSettings | undefined): Filter =>
  settings === undefined ? filter : bothOf(filter, settingsFilter(settings, filter.options));
