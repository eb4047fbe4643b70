import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EVERYTHING } from '#config/filter/filter.ts';
import { type FilterItem, streamItem } from '#config/filter/item.ts';
import { narrowed, settingsFilter } from '#config/filter/settings.ts';
import { appItem, filter, settings } from './generated.ts';
import { app, refusal, sheet } from './items.ts';

/** What a site has around an app. */
const around = (item: Parameters<typeof sheet>[1]): FilterItem[] => [
  item,
  ...(item.stream === null ? [] : [streamItem(item.stream)]),
  sheet('Overview', item),
  sheet(item.name, item, { published: false }),
];

describe('what the catalog sets', () => {
  test('only narrows what the file keeps, and where the file is silent says as much by itself', () => {
    fc.assert(
      fc.property(filter, settings, fc.array(appItem, { maxLength: 4 }), (ofFile, given, apps) => {
        const both = narrowed(ofFile, given);
        const alone = settingsFilter(given, ofFile.options);
        for (const item of apps.flatMap(around)) {
          const verdict = both.judge(item);
          expect(verdict.kept).toBe(ofFile.judge(item).kept && alone.judge(item).kept);
          expect(narrowed(EVERYTHING, given).judge(item).kept).toBe(settingsFilter(given).judge(item).kept);
          if (verdict.rule !== undefined) expect(both.rules.map(({ text }) => text)).toContain(verdict.rule);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('a sheet is kept only with its app', () => {
    fc.assert(
      fc.property(filter, appItem, (ofFile, item) => {
        for (const one of around(item))
          if (one.kind === 'sheet' && ofFile.judge(one).kept) expect(ofFile.judge(item).kept).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('of options the file wins', () => {
    const draft = app('Draft', { published: false });
    const file = { ...EVERYTHING, options: { ...EVERYTHING.options, unpublishedApps: true } };
    expect(narrowed(file, { unpublishedApps: false }).judge(draft).kept).toBe(true);
    expect(narrowed(EVERYTHING, { unpublishedApps: false }).judge(draft)).toEqual({
      kept: false,
      rule: 'unpublished apps = false (settings in the catalog)',
    });
    expect(narrowed(EVERYTHING, undefined)).toBe(EVERYTHING);
  });

  test('digests tell filters apart', () => {
    const a = narrowed(settingsFilter({ excludeApps: ['a'] }), { excludeApps: ['b'] }).digest;
    const b = narrowed(settingsFilter({ excludeApps: ['b'] }), { excludeApps: ['a'] }).digest;
    expect(new Set([a, b, EVERYTHING.digest]).size).toBe(3);
    expect(narrowed(EVERYTHING, { excludeApps: ['a'] }).digest).toBe(settingsFilter({ excludeApps: ['a'] }).digest);
  });

  test('that cannot be run is refused', () => {
    expect(refusal(() => settingsFilter({ includeApps: ['regex:(?=x)'] })).message).toContain('looks ahead');
    expect(refusal(() => settingsFilter({ filter: 'x' }))).toMatchObject({ offset: 0 });
  });
});

describe('settings of a catalog that means harm', () => {
  const LARGE = ['regex:(.*a){40}b', `*a*${'?'.repeat(240)}b`];

  test.each(LARGE)('cannot make an agent judge by hundreds of patterns such as %s', (text) => {
    const patterns = Array.from({ length: 200 }, (_, i) => `${text}${i}`);
    const lists = { excludeApps: patterns, excludeStreams: patterns, includeApps: patterns, includeStreams: patterns };
    const refused = refusal(() => settingsFilter(lists));
    expect(refused.message).toContain('too large altogether');
    expect(refused.advice).not.toBe('');
  });

  test('cannot do so in an expression either', () => {
    const text = Array.from({ length: 200 }, (_, i) => `app ~ /(.*a){40}b${i}/`).join(' or ');
    expect(refusal(() => settingsFilter({ filter: text })).message).toContain('too large altogether');
  });

  test('may hold hundreds of ordinary patterns', () => {
    const patterns = Array.from({ length: 200 }, (_, i) => `Sales ${i} *`);
    const regular = Array.from({ length: 200 }, (_, i) => `regex:Sales ${i}.*`).slice(0, 100);
    expect(() =>
      settingsFilter({ excludeApps: patterns, includeStreams: patterns, includeApps: regular }),
    ).not.toThrow();
  });

  test('with a name of megabytes look at its beginning only', () => {
    const judged = settingsFilter({ excludeApps: ['*x'] });
    expect(judged.judge(app(`${'a'.repeat(1_999)}x`)).kept).toBe(false);
    expect(judged.judge(app(`${'a'.repeat(2_000)}x`)).kept).toBe(true);
  });
});
