import { describe, expect, test } from 'vitest';
import { filterOf } from '#config/filter/decision.ts';
import { evaluate } from '#config/filter/evaluate.ts';
import { expressionList, parseExpression } from '#config/filter/expression.ts';
import { EVERYTHING } from '#config/filter/filter.ts';
import { app, kept, refusal, sheet, stream } from './items.ts';

const item = app("Sales d'été (EMEA)", {
  description: '50% of *all*',
  tags: ['finance', 'gdpr'],
  customProperties: [{ name: 'Dept', value: 'IT' }],
});
const personal = app('Draft', { stream: null, published: false, owner: null });
const holds = (text: string, of = item) => evaluate(parseExpression(text), of);

describe('a filter expression', () => {
  test.each([
    ["stream = 'Finance'", true],
    ["stream='finance'", false],
    ["stream != 'Sales'", true],
    ["stream equals 'Finance'", true],
    ["stream not equals 'Finance'", false],
    ["app = 'Sales d\\'été (EMEA)'", true],
    ["name starts with 'Sales'", true],
    ["name ends with '(EMEA)'", true],
    ["name contains 'été'", true],
    ["name not contains 'x'", true],
    ["name not starts with 'Sales'", false],
    ["name not ends with 'x'", true],
    ["stream in ('A', 'Finance')", true],
    ["stream not in ('A', 'Finance')", false],
    ['stream is null', false],
    ['stream is not null', true],
    ["name ~ 'Sales*(EMEA)'", true],
    ["name matches 'Sales*'", true],
    ["name not matches 'Sales*'", false],
    ["name ~ 'Sales'", false],
    ["description ~ '*% of \\\\*all\\\\*'", true],
    ["description ~ '??% *'", true],
    ['name ~ / Sales .* \\(EMEA\\) /', true],
    ['name ~ /Sales/', false],
    ['name ~ /SALES.*/i', true],
    ['name ~ /S a l e s # with a comment\n .*/x', true],
    ["name ~ /Sales d'\\u00e9t\\u00E9.*/", true],
    ["published = 'true'", true],
    ['published = true and not published = false', true],
    ["any t in tags match t = 'gdpr'", true],
    ["all t in tags match t = 'gdpr'", false],
    ["all t in tags match (t = 'gdpr' or t ~ 'fin*')", true],
    ["any p in custom_properties match p ~ 'Dept=*'", true],
    ["any t in tags match any u in tags match (t = 'gdpr' and u = 'finance')", true],
    ["owner = 'CORP\\\\ada' && owner_id = 'ada' && owner_name starts with 'Ada'", true],
    ['always', true],
    ['never', false],
    ['', true],
    [' # nothing\n', true],
    // not before and before or.
    ["not stream = 'x' and published = 'true'", true],
    ["stream = 'x' and never or always", true],
    ["stream = 'x' and (never or always)", false],
    ['always or always and never', true],
    ["!!(stream = 'Finance') || never # and a comment", true],
  ])('%s → %s', (text, expected) => expect(holds(text)).toBe(expected));

  test('of what has no value: only that there is none', () => {
    expect(
      ['stream is null', "stream != 'x'", "stream not in ('x')", "owner != 'x'"].map((text) => holds(text, personal)),
    ).toEqual([true, true, true, true]);
    expect(
      ["stream = ''", "stream ~ '*'", 'stream is not null', "owner ~ '*'"].map((text) => holds(text, personal)),
    ).toEqual([false, false, false, false]);
    const bare = app('x');
    expect(holds("any t in tags match t = ''", bare)).toBe(false);
    expect(holds('all t in tags match never', bare)).toBe(true);
  });

  test('leaves open what items of a kind do not have, so that nothing is rejected for it', () => {
    const filter = (text: string) => filterOf(expressionList(text, 'a.conf, line 3'), EVERYTHING.options);
    const finance = stream('Finance');
    const sheets = [sheet('Overview', item), sheet('Draft', item, { approved: false })];
    expect(kept(filter("sheet != 'Draft'"), [finance, item, ...sheets])).toEqual([
      'stream Finance',
      `app ${item.name}`,
      'sheet Overview',
    ]);
    expect(kept(filter("approved = 'true' and stream = 'Finance'"), [finance, stream('x'), item, ...sheets])).toEqual([
      'stream Finance',
      `app ${item.name}`,
      'sheet Overview',
    ]);
    expect(kept(filter("app = 'other'"), [finance, item, ...sheets])).toEqual(['stream Finance']);
    expect(filter("stream = 'x'").judge(item)).toEqual({ kept: false, rule: 'filter (a.conf, line 3)' });
    expect(filter("stream = 'x'").rules).toEqual([{ text: 'filter (a.conf, line 3)' }]);
    expect(filter('  ').rules).toEqual([]);
  });

  test.each([
    ["strem = 'x'", 0, 'strem is not a key of filters.', 'Keys: stream, stream_id, app'],
    ["stream = 'x' AND app = 'y'", 13, 'Nothing more was expected before AND.', 'Write and in small letters.'],
    ['stream = "x"', 9, '" begins no text here.', "single quotes: 'Sales'"],
    ['stream = x', 9, 'A text is missing before x.', "single quotes: 'x'"],
    ["stream == 'x'", 7, '== means nothing in a filter.', 'Write = for ==.'],
    ["stream <> 'x'", 7, '<> means nothing', 'Write != for <>.'],
    ["stream = 'x", 9, 'has no end', 'single quotes'],
    ['name ~ /x', 7, 'has no end', 'Close it with /'],
    ['stream', 6, 'A comparison is missing after stream.', 'starts with'],
    ['published', 9, 'A comparison is missing', "published = 'true'"],
    ["published = 'yes'", 12, 'published is true or false.', "published = 'true'"],
    ["tags = 'x'", 0, 'tags is a list.', 'any t in tags match t'],
    ["any t in stream match t = 'x'", 9, 'stream is no list.', 'tags and custom_properties'],
    ["any t in tags t = 'x'", 14, 'match is missing before t', 'match t'],
    ["(stream = 'x'", 13, ') is missing before the end.', 'Close the bracket'],
    ["stream = 'x')", 12, 'This ) closes nothing.', 'Take it out'],
    ["stream in 'x'", 10, '( is missing', "in ('one', 'other')"],
    ["stream starts 'x'", 14, 'with is missing', "starts with '…'"],
    ["stream = 'x' app = 'y'", 13, 'Nothing more was expected before app.', 'Join comparisons by and, or.'],
    ['name ~ /a(?=b)/', 7, 'looks ahead or behind', 'two rules'],
    ['name ~ /a/q', 7, 'There is no flag q.', 'Flags are'],
    ['name ~ /\\w+/U', 7, 'The flag U', '\\p{L}'],
    ['name ~ /[a-z&&[^b]]/', 7, 'cuts classes', 'one class'],
    ["app ~ 'regex:Sales.*'", 6, 'regex: has no meaning', '/Sales.*/'],
    ['app ~ //', 6, 'The regular expression is empty', 'leave the pattern out'],
    ["$kind = 'app'", 0, '$ means nothing', 'Take it out'],
    ['not', 3, 'A key is missing before the end.', "stream = 'Sales'"],
  ])('%s is refused at %i', (text, offset, message, advice) => {
    const refused = refusal(() => parseExpression(text));
    expect(refused).toMatchObject({
      offset,
      message: expect.stringContaining(message),
      advice: expect.stringContaining(advice),
    });
  });

  test('has bounds: nested, of many parts, long', () => {
    expect(refusal(() => parseExpression(`${'('.repeat(5_000)}always`)).message).toContain('nested too deeply');
    expect(refusal(() => parseExpression(`${'any t in tags match '.repeat(500)}always`)).message).toContain(
      'too deeply',
    );
    expect(
      refusal(() => parseExpression(Array.from({ length: 3_000 }, () => "app = 'x'").join(' or '))).message,
    ).toContain('2000 comparisons');
    expect(refusal(() => parseExpression('#'.repeat(100_001))).message).toContain('longer than');
    expect(holds(`${'not '.repeat(20_000)}always`)).toBe(true);
  });
});
