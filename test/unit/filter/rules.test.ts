import { describe, expect, test } from 'vitest';
import { filterOf } from '#config/filter/decision.ts';
import { EVERYTHING } from '#config/filter/filter.ts';
import { ruleList } from '#config/filter/rules.ts';
import { app, kept, refusal, sheet, stream } from './items.ts';

type Rule = readonly [action: 'accept' | 'reject', rules?: Readonly<Record<string, string>>, id?: string];

const filter = (...rules: readonly Rule[]) =>
  filterOf(
    ruleList(
      rules.map(([action, tests = {}, id], i) => ({
        id,
        action,
        tests: Object.entries(tests).map(([key, value]) => ({ key, value })),
        place: `z.conf, line ${i + 1}`,
      })),
    ),
    EVERYTHING.options,
  );

const finance = app('Ledger', { tags: ['gold', 'gdpr'] });
const sales = app('Sales', { stream: { id: 'id-of-Sales', name: 'Sales' }, published: false });
const personal = app('Draft', { stream: null });
const APPS = [finance, sales, personal];

describe("Zeenea's filter rules", () => {
  test.each<[string, Rule[], string[]]>([
    ['what none matches is kept', [['reject', { stream: 'x' }]], ['app Ledger', 'app Sales', 'app Draft']],
    [
      'the first that matches decides',
      [
        ['accept', { app: 'Sales' }],
        ['reject', { published: 'false' }],
      ],
      ['app Ledger', 'app Sales', 'app Draft'],
    ],
    [
      'all keys of a rule have to match',
      [['reject', { published: 'false', app: 'Ledger' }]],
      ['app Ledger', 'app Sales', 'app Draft'],
    ],
    [
      'a rule without keys matches everything',
      [['accept', { stream: 'Sales' }], ['reject']],
      ['app Sales', 'app Draft'],
    ],
    // What is missing matches a rule that accepts, and no rule that rejects.
    ['an app without a stream matches only rules that accept', [['reject', { stream: '*' }]], ['app Draft']],
    ['a value is exact and case counts', [['reject', { stream: 'finance' }]], ['app Ledger', 'app Sales', 'app Draft']],
    ['* and ? stand for any text and any character', [['reject', { stream: 'F?n*' }]], ['app Sales', 'app Draft']],
    ['glob: says so', [['reject', { stream: 'glob: Fin*' }]], ['app Sales', 'app Draft']],
    ['regex: is for the whole value', [['reject', { stream: 'regex:Fin' }]], ['app Ledger', 'app Sales', 'app Draft']],
    ['regex: is a regular expression', [['reject', { stream: 'regex:(Fin|Sal).*' }]], ['app Draft']],
    ['one of a list is enough', [['reject', { tags: 'g?ld' }]], ['app Sales', 'app Draft']],
    ['a backslash is one', [['reject', { owner: 'CORP\\*' }]], []],
  ])('%s', (_, rules, expected) => expect(kept(filter(...rules), APPS)).toEqual(expected));

  test('say nothing of what items of a kind do not have', () => {
    const rules = filter(['reject', { sheet: 'Draft*' }], ['accept', { sheet: 'A*' }], ['reject']);
    expect(
      kept(rules, [stream('x'), finance, sheet('A1', finance), sheet('B', finance), sheet('Draft', finance)]),
    ).toEqual(['stream x', 'app Ledger', 'sheet A1']);
  });

  test('are named by their ids', () => {
    const rules = filter(['accept', { stream: 'Finance' }, 'accept_finance'], ['reject', {}, 'default_reject']);
    expect(rules.rules.map(({ text }) => text)).toEqual([
      'accept accept_finance (z.conf, line 1)',
      'reject default_reject (z.conf, line 2)',
    ]);
    expect(rules.judge(finance)).toEqual({ kept: true, rule: 'accept accept_finance (z.conf, line 1)' });
    expect(rules.judge(personal)).toEqual({ kept: true, rule: 'accept accept_finance (z.conf, line 1)' });
    expect(rules.judge(sales)).toEqual({ kept: false, rule: 'reject default_reject (z.conf, line 2)' });
  });

  test('with a key that is none or a pattern that cannot be run are refused', () => {
    expect(refusal(() => filter(['accept', { strem: 'x' }]))).toMatchObject({
      message: 'strem is not a key of filters.',
      advice: expect.stringContaining('stream_id'),
    });
    expect(refusal(() => filter(['accept', { app: 'regex:(?=x)' }])).message).toContain('looks ahead');
  });
});
