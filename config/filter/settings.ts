import type { ConnectorSettings } from '#protocol/job-options.ts';
import { bothOf, type DecisionList, filterOf } from './decision.ts';
import { expressionList } from './expression.ts';
import { EVERYTHING, type Filter } from './filter.ts';
import { ownLists, type WrittenFlag, type WrittenPattern } from './own.ts';

/** Where settings of the catalog stand, for people. */
const CATALOG = 'settings in the catalog';

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
  return filterOf([...lists, ...expressionList(settings.filter ?? '', CATALOG)], {
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
