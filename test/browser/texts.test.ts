import { describe, expect, test } from 'vitest';
import { clockTime, cut, duration, relativeTime, size, words } from '#catalog/web/src/format.ts';
import { excerptWithCaret } from '#catalog/web/src/parts/excerpt.ts';
import { sectionsOf } from '#catalog/web/src/parts/sections.ts';

describe('the caret under a line of a file', () => {
  test('stands under the column, tabs kept', () => {
    expect(excerptWithCaret('\turl = x', 8)).toEqual({ line: '\turl = x', caret: '\t      ^' });
    expect(excerptWithCaret('abc', 99)).toEqual({ line: 'abc', caret: '   ^' });
    expect(excerptWithCaret('abc', undefined)).toEqual({ line: 'abc', caret: '' });
  });

  test('a line of 100,000 characters is shown around the column', () => {
    const { line, caret } = excerptWithCaret(`${'a'.repeat(50_000)}X${'b'.repeat(50_000)}`, 50_001);
    expect(line.length).toBeLessThan(140);
    expect(line[caret.indexOf('^')]).toBe('X');
    expect([line.at(0), line.at(-1)]).toEqual(['…', '…']);
  });
});

describe('sections of a script', () => {
  test('a script without tabs is one section', () => {
    expect(sectionsOf('LET a = 1;\nLET b = 2;').map(({ name, from }) => [name, from])).toEqual([['Main', 1]]);
  });

  test('blank text before the first tab is no section; line numbers are those of the whole script', () => {
    const sections = sectionsOf('\r\n///$tab A\r\nx\r\n///$tab\r\ny');
    expect(sections.map(({ name, from, lines }) => [name, from, lines.length])).toEqual([
      ['A', 2, 2],
      ['', 4, 2],
    ]);
  });
});

describe('values for people', () => {
  test('durations and sizes', () => {
    expect([0, 999, 12_345, 60_000, 200_000, 7_500_000, 90_000_000].map(duration)).toEqual([
      '0 ms',
      '999 ms',
      '12.3 s',
      '1 min',
      '3 min 20 s',
      '2 h 5 min',
      '1 d 1 h',
    ]);
    expect([1, 1023, 1024, 41_284_608, 3 * 2 ** 40].map(size)).toEqual([
      '1 byte',
      '1023 bytes',
      '1 KiB',
      '39.4 MiB',
      '3 TiB',
    ]);
  });

  test('times', () => {
    const now = Date.parse('2026-11-21T12:00:00Z');
    expect([-3_000, -45_000, -60_000, -7_200_000, 3_600_000].map((by) => relativeTime(now + by, now))).toEqual([
      'just now',
      '40 seconds ago',
      '1 minute ago',
      '2 hours ago',
      'in 1 hour',
    ]);
    expect(clockTime(now, now)).toMatch(/^\d\d:\d\d$/);
    expect(clockTime(now - 3 * 86_400_000, now)).toMatch(/^\d\d:\d\d on \d+ Nov 2026$/);
  });

  test('names of attributes, and cuts that leave no half of an emoji', () => {
    expect(['lastReloadTime', 'qId', 'appURL', 'file_size', ''].map(words)).toEqual([
      'Last reload time',
      'Q id',
      'App URL',
      'File size',
      '',
    ]);
    expect(cut('ab😀cd', 3)).toBe('ab…');
    expect(cut('ab😀cd', 4)).toBe('ab😀…');
  });
});
