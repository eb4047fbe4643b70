import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toQrs } from '#agent/qlik/repository/filter-text.ts';
import { filterOf } from '#config/filter/decision.ts';
import { expressionList } from '#config/filter/expression.ts';
import { EVERYTHING } from '#config/filter/filter.ts';
import type { AppItem } from '#config/filter/item.ts';
import { settingsFilter } from '#config/filter/settings.ts';
import { parseFilter } from '#test/simulator/qrs/filter.ts';
import { matches } from '#test/simulator/qrs/match.ts';
import { appItem, filter } from './generated.ts';
import { sheet } from './items.ts';

/** The row that QRS has of an app. */
const row = ({ kind: _, tags, customProperties, stream, owner, ...app }: AppItem) => ({
  ...app,
  stream: stream === null ? null : { ...stream },
  owner: owner === null ? null : { ...owner },
  tags: tags.map((name) => ({ name })),
  customProperties: customProperties.map(({ name, value }) => ({ value, definition: { name } })),
});
const objectRow = (app: AppItem) => ({
  id: 'x',
  name: 'Overview',
  objectType: 'sheet',
  app: { id: app.id, name: app.name, published: app.published, stream: app.stream === null ? null : { ...app.stream } },
});

const asked = (filterText: ReturnType<typeof toQrs>, of: Parameters<typeof matches>[1]): boolean =>
  filterText.type === 'some' ? matches(parseFilter(filterText.filter), of) : filterText.type === 'all';

describe('a filter in the grammar of QRS', () => {
  test('then judged keeps what judging all keeps, whatever the names are', () => {
    let narrower = 0;
    fc.assert(
      fc.property(filter, fc.array(appItem, { minLength: 1, maxLength: 8 }), (given, apps) => {
        const forApps = toQrs(given, 'app');
        const forSheets = toQrs(given, 'sheet');
        const judged = apps.filter((item) => given.judge(item).kept);
        expect(apps.filter((item) => asked(forApps, row(item))).filter((item) => given.judge(item).kept)).toEqual(
          judged,
        );
        for (const item of apps)
          if (given.judge(sheet('Overview', item)).kept) expect(asked(forSheets, objectRow(item))).toBe(true);
        narrower += forApps.type === 'some' ? 1 : 0;
      }),
      { numRuns: 400 },
    );
    // Else nothing was tried.
    expect(narrower).toBeGreaterThan(40);
  });

  const ofSettings = (given: Parameters<typeof settingsFilter>[0]) => toQrs(settingsFilter(given), 'app');
  const ofExpression = (text: string, kind: 'app' | 'sheet' = 'app') =>
    toQrs(filterOf(expressionList(text, ''), EVERYTHING.options), kind);

  test('says streams and apps by name and by id, as lists have them', () => {
    const id = '5d2a6a4e-7f5e-4a5e-9d3b-0b7b0a3c1e11';
    expect(ofSettings({ includeStreams: ['Finance', "O'Brien", 'Sales*'], unpublishedApps: false })).toEqual({
      type: 'some',
      filter:
        "(published eq true and (stream.name eq 'Finance' or stream.name eq 'O''Brien' or stream.name sw 'Sales'))",
    });
    expect(ofSettings({ includeApps: [id] })).toEqual({ type: 'some', filter: `(name eq '${id}' or id eq ${id})` });
    expect(ofSettings({ includeStreams: ['Finance', 'personal'] })).toEqual({ type: 'all' });
  });

  test.each([
    ["stream in ('Finance', 'O\\'Brien')", "(stream.name eq 'Finance' or stream.name eq 'O''Brien')"],
    ["name ~ 'Sal*x?y*2'", "(name sw 'Sal' and name so 'x' and name so 'y' and name ew '2')"],
    ["name starts with '100%' and published = 'true'", "(name sw '100%' and published eq true)"],
    ["name contains 'Über' and published != 'true'", 'published eq false'],
    ["any t in tags match t = 'gdpr'", "tags.name eq 'gdpr'"],
  ])('%s', (text, expected) => {
    const pushed = ofExpression(text);
    expect(pushed.type === 'some' ? pushed.filter : pushed.type).toBe(expected);
  });

  test('says of sheets what their rows know of the app', () => {
    expect(ofExpression("stream = 'a' and owner_id = 'b' and sheet = 'c'", 'sheet')).toEqual({
      type: 'some',
      filter: "app.stream.name eq 'a'",
    });
    expect(ofExpression("stream = 'a' or owner_id = 'b'", 'sheet')).toEqual({ type: 'all' });
  });

  test.each([
    "stream != 'a'",
    'stream is null',
    "name = '2025-06-15'",
    "name = 'a\\\\b'",
    "name = 'tab\there'",
    "name ~ '*'",
    "sheet = 'x'",
    'name ~ /a/',
  ])('does not ask for what the repository may see in another way: %s', (text) =>
    expect(ofExpression(text)).toEqual({ type: 'all' }),
  );

  test('asks for nothing where nothing is kept, and for all rather than for too long an address', () => {
    expect(ofExpression('never')).toEqual({ type: 'none' });
    const many = Array.from({ length: 150 }, (_, i) => `'name of a stream ${i}'`).join(', ');
    expect(ofExpression(`stream in (${many})`)).toEqual({ type: 'all' });
    expect(ofExpression(`stream in (${many}) and published = true`)).toEqual({
      type: 'some',
      filter: 'published eq true',
    });
  });
});
