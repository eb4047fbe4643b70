import { describe, expect, test } from 'vitest';
import { globPattern, namePattern } from '#config/filter/pattern.ts';
import { compileRegex } from '#config/filter/regex.ts';
import { refusal } from './items.ts';

const java = { fold: false, dialect: 'java' } as const;
const python = { fold: true, dialect: 'python' } as const;
const plain = { fold: true, dialect: 'plain' } as const;

describe('a regular expression', () => {
  test.each([
    ['a(?=b)', 'looks ahead or behind'],
    ['(?<!a)b', 'looks ahead or behind'],
    ['(a)\\1', 'refers back'],
    ['(?<n>a)\\k<n>', 'refers back'],
    ['(?>a)b', 'atomic group'],
    ['a++b', 'possessive'],
    ['a{2}+', 'possessive'],
    ['\\h+', '\\h'],
    ['[\\h]', '\\h'],
    ['\\0101', 'octal'],
    ['\\cA', 'control character'],
    ['\\p{IsGreek}', 'as Java does'],
    ['(?x)a', 'flag that is not known'],
    ['a{,3}', 'count without a beginning'],
    ['(a', 'missing closing )'],
    ['[z-a]', 'invalid character class range'],
    ['(a?){900}', 'too large'],
    ['(a{30}){30}b{200}', 'too large'],
  ])('%s cannot be run in linear time, and says so with what to write instead', (text, message) => {
    const refused = refusal(() => compileRegex(text, plain));
    expect(refused.message).toContain(message);
    expect(refused.advice).toMatch(/^[A-Z].{15,}\.$/);
  });

  test('of Java that would mean something else here is refused, too', () => {
    expect(refusal(() => compileRegex('[a-c&&[b]]', java)).message).toContain('cuts classes');
    expect(refusal(() => compileRegex('[a[bc]]', java)).message).toContain('brackets within brackets');
    for (const fine of ['[[:alpha:]]+', '[]a]', '[^]a]', '[a-z]\\[x', '\\[[a]', '\\Q[[a]]&&\\E', '[\\[&]'])
      expect(() => compileRegex(fine, java), fine).not.toThrow();
    expect(compileRegex('[[]x', plain).matches('[X')).toBe(true);
  });

  test('is for the whole text, but for that of Python, which is for its beginning', () => {
    expect([compileRegex('Sales', plain).matches('sales 1'), compileRegex('Sales', python).matches('sales 1')]).toEqual(
      [false, true],
    );
    expect([compileRegex('Sales$', python).matches('sales 1'), compileRegex('ales', python).matches('sales')]).toEqual([
      false,
      false,
    ]);
    expect(compileRegex('a|b', python).matches('bx\ny')).toBe(true);
    expect([compileRegex('^a{,2}$', python).matches('aa'), compileRegex('^a{,2}$', python).matches('aaa')]).toEqual([
      true,
      false,
    ]);
    expect(refusal(() => compileRegex('a).matches(b', python)).message).toContain('cannot be read');
  });

  test('a quoted part and characters by number stay what they are', () => {
    expect(compileRegex('\\Qa.b(\\E\\u0021\\Z', java).matches('a.b(!')).toBe(true);
  });
});

describe('a hostile pattern', () => {
  const ratio = (run: (text: string) => unknown, text: (length: number) => string): number => {
    const once = (length: number): number => {
      const given = text(length);
      const times = Array.from({ length: 5 }, () => {
        const before = process.cpuUsage();
        run(given);
        const { user } = process.cpuUsage(before);
        return user;
      });
      return Math.max(50, Math.min(...times));
    };
    once(1_000);
    return once(96_000) / once(12_000);
  };

  // Eight times the text: quadratic would be 64 times as long, this is about eight.
  test.each(['(a*)*b', '(a|a)*b', '(x+x+)+y', '(a?){80}a{80}b', '.*.*.*.*=.*', '(.*a.{12})b'])(
    'takes no quadratic time for a name of 100,000 characters: %s',
    (text) => {
      const { matches } = compileRegex(text, { ...plain, dotAll: true });
      expect(matches('a'.repeat(100_000))).toBe(false);
      expect(ratio(matches, (length) => 'ab'.repeat(length / 2))).toBeLessThan(32);
    },
  );

  test('with wildcards takes none either', () => {
    const pattern = globPattern(`${'*a?'.repeat(150)}*c`, true);
    expect(pattern.matches('a'.repeat(100_000))).toBe(false);
    expect(pattern.matches(`${'a'.repeat(100_000)}c`)).toBe(true);
  });
});

describe('a pattern for names', () => {
  test.each([
    ['Sales*', 'SALES 2024', true],
    ['*é', 'CAFÉ', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['a\\b', 'A\\B', true],
    ['?', '😀', true],
    ['??', '😀', false],
    ['**a**', 'xax', true],
    ['*', '', true],
    ['ΟΔΟΣ', 'οδος', true],
    // Neither is of ASCII, nor equal to what is: the repository knows them apart.
    ['k', '\u212a', false],
    ['\u0130', '\u0130', true],
    ['%_', '%_', true],
    ["o'brien", "O'Brien", true],
  ])('%s %s → %s', (pattern, name, expected) => expect(namePattern(pattern).matches(name)).toBe(expected));

  test('has a bound', () => {
    expect(refusal(() => namePattern('a'.repeat(501))).message).toContain('501 characters');
    expect(refusal(() => namePattern(`regex:${'a'.repeat(501)}`)).message).toContain('501 characters');
  });
});
