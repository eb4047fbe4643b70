import type { KeySpec } from './key-spec.ts';

const used = (path: string, type: KeySpec['type'], description: string, more: Partial<KeySpec> = {}): KeySpec => ({
  path,
  type,
  status: 'used',
  description,
  ...more,
});

const list = (path: string, description: string): KeySpec => used(path, 'any', description);
const RULES =
  'Rules { action = ACCEPT or REJECT, rules { key = pattern } }: the first that matches decides, none keeps.';
const EXPRESSION = "Which items to keep, such as stream = 'Finance' and not name ~ '*draft*'; or file:name.";

/** Keys that say what is crawled: Culvert's own, and those of Zeenea at the places where its other connectors have them. */
export const FILTER_KEYS: readonly KeySpec[] = [
  list(
    'crawl.include.streams',
    'Streams to read: names, ids, * and ?, regex:…; personal stands for apps without one. Default: all.',
  ),
  list('crawl.exclude.streams', 'Streams not to read, whatever else says so.'),
  list('crawl.include.apps', 'Apps to read: names, ids, * and ?, regex:…. Default: all.'),
  list('crawl.exclude.apps', 'Apps not to read, whatever else says so.'),
  list('crawl.include.sheets', 'Sheets to read: names, ids, * and ?, regex:…. Default: all.'),
  list('crawl.exclude.sheets', 'Sheets not to read, whatever else says so.'),
  used('crawl.unpublished_apps', 'boolean', 'False leaves out apps that are not published.', { standard: true }),
  used('crawl.unpublished_sheets', 'boolean', 'False leaves out sheets that are not published.', { standard: true }),
  used('crawl.streams', 'boolean', 'False leaves out streams; apps then belong to the site.', { standard: true }),
  used('crawl.filter', 'string', EXPRESSION),
  list('crawl.filters', RULES),
  used('filter', 'string', EXPRESSION),
  list('filters', RULES),
];
