import fc from 'fast-check';
import { filterOf } from '#config/filter/decision.ts';
import { expressionList } from '#config/filter/expression.ts';
import type { Filter } from '#config/filter/filter.ts';
import type { AppItem } from '#config/filter/item.ts';
import { ruleList } from '#config/filter/rules.ts';
import { settingsFilter } from '#config/filter/settings.ts';
import type { ConnectorSettings } from '#protocol/job-options.ts';

/** Names of few letters, so that patterns meet them; odd ones among them. */
export const NAMES = [
  '',
  'Sales',
  'SALES',
  'sales 2',
  "O'Brien",
  "''",
  '100%',
  '%',
  'a_b',
  'a\\b',
  'Über',
  'ÜBER',
  'straße',
  'Kelvin \u212a',
  'kelvin k',
  '\u0130zmir',
  'izmir',
  'ΟΔΟΣ',
  '日本',
  '2025-06-15',
  '2025-06-15T10:00:00Z',
  'a*b',
  '(x) and y',
  ' blank ',
  'personal',
  'null',
  'true',
  '\ud800',
  'tab\there',
];
export const name = fc.constantFrom(...NAMES);
const GUIDS = Array.from({ length: 6 }, (_, i) => `${i}0000000-0000-4000-8000-00000000000${i}`);
const guid = fc.constantFrom(...GUIDS);

const ownPattern = fc.oneof(
  name.filter((text) => text.trim() !== ''),
  guid,
  name.map((text) => `${text.slice(0, 2)}*`),
  name.map((text) => `*${text.slice(-2)}`),
  name.map((text) => `*${text.slice(1, 3)}*?`),
  name.map((text) => `regex:.*${text.slice(0, 1).replace(/[^\p{L}]/u, '')}.*`),
);
const patterns = fc.option(fc.array(ownPattern, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 2 });
const flag = fc.option(fc.boolean(), { nil: undefined, freq: 2 });

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
const key = fc.constantFrom(
  'stream',
  'app',
  'name',
  'description',
  'owner_id',
  'owner_name',
  'owner',
  'stream_id',
  'app_id',
  'sheet',
);
const comparison = fc.oneof(
  fc
    .tuple(
      key,
      fc.constantFrom('=', '!=', 'equals', 'starts with', 'ends with', 'contains', 'not contains', '~', 'not ~'),
      fc.oneof(name, guid),
    )
    .map(([k, operator, text]) => `${k} ${operator} ${quoted(text)}`),
  fc.tuple(key, fc.constantFrom('is null', 'is not null')).map((parts) => parts.join(' ')),
  fc.tuple(key, name, name).map(([k, a, b]) => `${k} in (${quoted(a)}, ${quoted(b)})`),
  fc.tuple(key, name).map(([k, text]) => `${k} ~ ${quoted(`${text.replaceAll(/[*?\\]/g, '').slice(0, 3)}*`)}`),
  fc.constantFrom(
    "published = 'true'",
    "published != 'true'",
    'published = false',
    "published ~ 't*'",
    "sheet_published = 'true'",
    'always',
    'never',
  ),
  fc.tuple(fc.constantFrom('all', 'any'), name).map(([all, text]) => `${all} t in tags match t = ${quoted(text)}`),
);
export const expression: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    comparison,
    fc.tuple(tie('any'), fc.constantFrom('and', 'or'), tie('any')).map(([a, word, b]) => `(${a} ${word} ${b})`),
    tie('any').map((text) => `not (${text})`),
  ),
})).any;

const rules = fc.array(
  fc.record({
    id: fc.constant(undefined),
    action: fc.constantFrom('accept' as const, 'reject' as const),
    tests: fc.array(
      fc.record({
        key: fc.constantFrom('stream', 'app', 'published', 'tags', 'owner_id', 'sheet'),
        value: fc.oneof(
          name,
          name.map((text) => `${text.slice(0, 2)}*`),
          fc.constant('true'),
        ),
      }),
      { maxLength: 2 },
    ),
    place: fc.constant('a.conf, line 1'),
  }),
  { maxLength: 4 },
);

export const settings: fc.Arbitrary<ConnectorSettings> = fc.record({
  includeStreams: patterns,
  excludeStreams: patterns,
  includeApps: patterns,
  excludeApps: patterns,
  unpublishedApps: flag,
  unpublishedSheets: flag,
  streams: flag,
  filter: fc.option(expression, { nil: undefined, freq: 1 }),
});

/** Filters of files, of all three kinds. */
export const filter: fc.Arbitrary<Filter> = fc.oneof(
  settings.map((given) => settingsFilter(given)),
  expression.map((text) =>
    filterOf(expressionList(text, 'a.conf, line 1'), {
      streams: undefined,
      unpublishedApps: undefined,
      unpublishedSheets: undefined,
    }),
  ),
  rules.map((list) =>
    filterOf(ruleList(list), { streams: true, unpublishedApps: undefined, unpublishedSheets: undefined }),
  ),
);

export const appItem: fc.Arbitrary<AppItem> = fc.record({
  kind: fc.constant('app' as const),
  id: guid,
  name,
  description: name,
  stream: fc.option(fc.record({ id: guid, name })),
  published: fc.boolean(),
  owner: fc.option(fc.record({ userDirectory: name, userId: name, name }), { freq: 5 }),
  tags: fc.array(name, { maxLength: 2 }),
  customProperties: fc.array(fc.record({ name, value: name }), { maxLength: 1 }),
});
