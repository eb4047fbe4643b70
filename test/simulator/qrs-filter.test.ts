import { describe, expect, test } from 'vitest';
import { Refusal } from './qrs/answer.ts';
import { parseFilter, requiredValues } from './qrs/filter.ts';
import { checkPaths, matches } from './qrs/match.ts';

const ID = '5d2a6a4e-7f5e-4a5e-9d3b-0b7b0a3c1e11';
const ROW = {
  id: ID,
  name: "L'année; 100%",
  modifiedDate: '2025-06-15T10:00:00.000Z',
  published: true,
  fileSize: 5000,
  description: '',
  stream: { id: 'aaaaaaaa-7f5e-4a5e-9d3b-0b7b0a3c1e11', name: 'Sales' },
  owner: { userId: 'jürgen.müller', userDirectory: 'CORP' },
  tags: [{ name: 'finance' }, { name: 'GDPR' }],
  customProperties: [
    { value: 'IT', definition: { name: 'Department' } },
    { value: 'live', definition: { name: 'Lifecycle' } },
  ],
  operational: { lastExecutionResult: { status: 8 } },
} as const;
const NO_STREAM = { ...ROW, stream: null, tags: [] };

describe('a filter', () => {
  test.each([
    [`id eq ${ID}`, true],
    [`id eq ${ID.toUpperCase()}`, true],
    [`id ne ${ID}`, false],
    [`(id eq ${ID})`, true],
    ["name eq 'l''ANNÉE; 100%'", true],
    ["name sw 'L'''", true],
    ["name ew '100%'", true],
    ["name so 'née;'", true],
    ["name so 'nothing'", false],
    ["Name eq 'x' or NAME so 'année'", true],
    ['published eq true', true],
    ['published ne True', false],
    ['fileSize gt 4999', true],
    ['fileSize ge 5000 and fileSize le 5000', true],
    ['fileSize lt 5000', false],
    ["modifiedDate gt '2025-06-15T09:59:59.999Z'", true],
    ["modifiedDate gt '2025-06-15T10:00:00.000Z'", false],
    ["modifiedDate ge '2025-06-15'", true],
    ["modifiedDate lt '2025-06-15T12:00:00+02:00'", false],
    ["stream.name eq 'sales'", true],
    ["owner.userId eq 'JÜRGEN.MÜLLER' and owner.userDirectory eq 'corp'", true],
    ["tags.name eq 'gdpr'", true],
    ["tags.name eq 'other'", false],
    ["customProperties.value eq 'IT'", true],
    ["customProperties.definition.name eq 'Lifecycle'", true],
    ["@Department eq 'it'", true],
    ["@Department eq 'live'", false],
    ["@Unknown eq 'live'", false],
    ['operational.lastExecutionResult.status eq 8', true],
    ['operational.lastExecutionResult.Status eq FinishedFail', true],
    ["operational.lastExecutionResult.status eq 'FinishedSuccess'", false],
    ['not published eq true', false],
    ['not (published eq false) and fileSize gt 1', true],
    // `and` binds tighter than `or`.
    ['published eq true or published eq true and fileSize lt 1', true],
    ['(published eq true or published eq true) and fileSize lt 1', false],
    ['  ( ( published   EQ true ) )  ', true],
    ["name eq 'a (b) and or'", false],
    ['stream ne null', true],
    ["description eq ''", true],
  ])('%s → %s', (text, expected) => {
    const filter = parseFilter(text);
    checkPaths(filter, ROW);
    expect(matches(filter, ROW)).toBe(expected);
  });

  test('of something that is absent holds for nothing, but for null', () => {
    expect(matches(parseFilter("stream.name eq 'Sales'"), NO_STREAM)).toBe(false);
    expect(matches(parseFilter("tags.name ne 'x'"), NO_STREAM)).toBe(false);
    expect(matches(parseFilter('stream eq null'), NO_STREAM)).toBe(true);
    expect(() => checkPaths(parseFilter("stream.name eq 'x'"), NO_STREAM)).not.toThrow();
  });

  test.each([
    ['name'],
    ['name eq'],
    ['name is 5'],
    ["name eq 'open"],
    ['name eq open text'],
    ['(name eq 1'],
    ['name eq 1)'],
    ['and name eq 1'],
    ['name eq 1 and'],
    ['name eq 2025-01-01T00:00:00Z'],
    ['.name eq 1'],
    ['()'],
    [`${'('.repeat(300)}name eq 1${')'.repeat(300)}`],
  ])('%s is refused with 400 and the position', (text) => {
    try {
      parseFilter(text);
      expect.unreachable('it was accepted');
    } catch (error) {
      expect(error).toBeInstanceOf(Refusal);
      expect((error as Refusal).status).toBe(400);
      expect((error as Refusal).message).toMatch(/position \d+: /);
    }
  });

  test.each([['nonsense eq 1'], ['owner.nonsense eq 1'], ["name eq 'x' or tags.nonsense eq 1"]])(
    '%s names a property that is not there',
    (text) => {
      expect(() => checkPaths(parseFilter(text), ROW)).toThrow(Refusal);
    },
  );

  test('tells which ids it can be about', () => {
    const ids = (text: string) => requiredValues(parseFilter(text), 'app.id');
    expect(ids(`app.id eq ${ID} and name eq 'x'`)).toEqual(new Set([ID]));
    expect(ids(`app.id eq ${ID} or (App.Id eq 'B' and name eq 'x')`)).toEqual(new Set([ID, 'b']));
    expect(ids(`app.id eq ${ID} or name eq 'x'`)).toBeNull();
    expect(ids(`not app.id eq ${ID}`)).toBeNull();
    expect(ids(`app.id ne ${ID}`)).toBeNull();
  });
});
