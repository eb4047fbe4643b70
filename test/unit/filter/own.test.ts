import { describe, expect, test } from 'vitest';
import { filterOf } from '#config/filter/decision.ts';
import { EVERYTHING, keptStream } from '#config/filter/filter.ts';
import type { FilterItem } from '#config/filter/item.ts';
import { type OwnFilter, ownLists } from '#config/filter/own.ts';
import { app, kept, sheet, stream } from './items.ts';

type Texts = {
  readonly [K in keyof OwnFilter]?: OwnFilter[K] extends readonly unknown[] ? readonly string[] : boolean;
};

const own = (texts: Texts) => {
  const patterns = (list: readonly string[] | undefined) =>
    (list ?? []).map((text) => ({ text, place: 'a.conf, line 1' }));
  const flag = (value: boolean | undefined) => (value === undefined ? undefined : { value, place: 'a.conf, line 2' });
  return filterOf(
    ownLists({
      includeStreams: patterns(texts.includeStreams),
      excludeStreams: patterns(texts.excludeStreams),
      includeApps: patterns(texts.includeApps),
      excludeApps: patterns(texts.excludeApps),
      includeSheets: patterns(texts.includeSheets),
      excludeSheets: patterns(texts.excludeSheets),
      unpublishedApps: flag(texts.unpublishedApps),
      unpublishedSheets: flag(texts.unpublishedSheets),
      streams: flag(texts.streams),
    }),
    EVERYTHING.options,
  );
};

const sales = app('Sales', { stream: { id: 'id-of-Sales', name: 'Sales' } });
const ledger = app('Ledger');
const personal = app('My draft', { stream: null, published: false });
const SITE: readonly FilterItem[] = [stream('Finance'), stream('Sales'), ledger, sales, personal];
const ALL = ['stream Finance', 'stream Sales', 'app Ledger', 'app Sales', 'app My draft'];

describe("Culvert's own filter", () => {
  test.each<[string, Texts, string[]]>([
    ['nothing said keeps all', {}, ALL],
    [
      'an include of streams leaves out the others and personal apps',
      { includeStreams: ['finance'] },
      ['stream Finance', 'app Ledger'],
    ],
    [
      'personal names the apps without a stream',
      { includeStreams: ['Finance', 'Personal'] },
      ['stream Finance', 'app Ledger', 'app My draft'],
    ],
    ['personal can be excluded, too', { excludeStreams: ['personal'] }, ALL.slice(0, 4)],
    ['an exclude wins', { includeStreams: ['*'], excludeStreams: ['Sal*'] }, ['stream Finance', 'app Ledger']],
    ['an id is as good as a name', { includeStreams: ['ID-OF-SALES'] }, ['stream Sales', 'app Sales']],
    ['wildcards are for names, not for ids', { excludeStreams: ['id-of*', 'regex:id.*'] }, ALL],
    ['? stands for one character', { includeStreams: ['?ales'] }, ['stream Sales', 'app Sales']],
    [
      'a regular expression is for the whole name',
      { includeStreams: ['regex:Fin|Sal.s'] },
      ['stream Sales', 'app Sales'],
    ],
    ['apps say nothing of streams', { includeApps: ['Ledger'] }, ['stream Finance', 'stream Sales', 'app Ledger']],
    [
      'both lists have to keep an app',
      { includeStreams: ['Sales'], includeApps: ['L*', 'S*'] },
      ['stream Sales', 'app Sales'],
    ],
    ['unpublished apps can be left out', { unpublishedApps: false }, ALL.slice(0, 4)],
    ['unpublished apps can be said to be in', { unpublishedApps: true }, ALL],
    ['streams can be left out as assets', { streams: false }, ALL.slice(2)],
  ])('%s', (_, texts, expected) => expect(kept(own(texts), SITE)).toEqual(expected));

  test('names what decided, with its place', () => {
    const filter = own({ includeStreams: ['Finance'], excludeApps: ['Led*'], streams: false });
    expect(filter.rules.map(({ text }) => text)).toEqual([
      'streams = false (a.conf, line 2)',
      'exclude app "Led*" (a.conf, line 1)',
      'include stream "Finance" (a.conf, line 1)',
    ]);
    expect(filter.judge(ledger)).toEqual({ kept: false, rule: 'exclude app "Led*" (a.conf, line 1)' });
    expect(filter.judge(app('X'))).toEqual({ kept: true, rule: 'include stream "Finance" (a.conf, line 1)' });
    expect(filter.judge(sales)).toEqual({ kept: false, rule: undefined });
    expect(filter.judge(stream('Sales')).rule).toBe('streams = false (a.conf, line 2)');
  });

  test('judges sheets with their app, by their own name and by whether they are published', () => {
    const sheets = [sheet('A', ledger), sheet('B', ledger, { published: false }), sheet('A', sales)];
    expect(kept(own({ unpublishedSheets: false }), sheets)).toEqual(['sheet A', 'sheet A']);
    expect(kept(own({ excludeApps: ['Sales'] }), sheets)).toEqual(['sheet A', 'sheet B']);
    expect(kept(own({ excludeSheets: ['A'] }), [...sheets, ledger, stream('A')])).toEqual([
      'sheet B',
      'app Ledger',
      'stream A',
    ]);
  });

  test('an app belongs to its stream where that is kept, else to the site', () => {
    expect(keptStream(own({}), sales.stream)).toEqual(sales.stream);
    expect(keptStream(own({ streams: false }), sales.stream)).toBeNull();
    expect(keptStream(EVERYTHING, null)).toBeNull();
  });

  test('has a digest of what it says, wherever it stands', () => {
    const at = (place: string) =>
      filterOf(ownLists({ ...NOTHING, excludeApps: [{ text: 'x', place }] }), EVERYTHING.options).digest;
    expect(at('a, line 1')).toBe(at('b, line 7'));
    expect(
      new Set(
        [
          own({}),
          own({ excludeApps: ['x'] }),
          own({ excludeApps: ['X'] }),
          own({ includeApps: ['x'] }),
          own({ excludeApps: ['regex:x'] }),
          own({ streams: false }),
        ].map(({ digest }) => digest),
      ).size,
    ).toBe(6);
  });
});

const NOTHING: OwnFilter = {
  includeStreams: [],
  excludeStreams: [],
  includeApps: [],
  excludeApps: [],
  includeSheets: [],
  excludeSheets: [],
  unpublishedApps: undefined,
  unpublishedSheets: undefined,
  streams: undefined,
};
