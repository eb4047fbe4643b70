import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { analyser } from '../../../agent/lineage/sql/analyse.ts';
import type { SqlRequest } from '../../../agent/lineage/sql/analysis.ts';
import { loadSql } from '../../../agent/lineage/sql/load.ts';
import { anyText } from '../../unit/any-text.ts';
import { ask } from './asked.ts';

const request = (text: string, dialect?: string): SqlRequest => ({
  text,
  dialect,
  defaults: { database: undefined, schema: undefined },
  columns: () => undefined,
});
/** Pieces that meet in the worst ways. */
const PIECES = [
  ...[
    'SELECT',
    'FROM',
    'WHERE',
    'JOIN',
    'ON',
    'USING',
    'UNION ALL',
    'WITH',
    'AS',
    'PIVOT',
    'IN',
    'CASE',
    'END',
    'OVER',
  ],
  ...[
    'GROUP BY',
    'ORDER BY',
    'DIRECT QUERY',
    'DIMENSION',
    'PROPERTIES',
    'CONNECTION',
    'FK',
    'PK',
    'TOP',
    'EXEC',
    'FOR',
  ],
  ...[
    '(',
    ')',
    '[',
    ']',
    '"',
    "'",
    '`',
    ',',
    '.',
    '..',
    '*',
    '=',
    '$(',
    '$(v)',
    '{ts',
    '}',
    '--',
    '/*',
    '//',
    '::',
    ';',
    '\n',
  ],
  ...['a', 'b.c', 't', '"q q"', '[x y]', "'text'", '12', '1e3', '@v', '#t', 'é', '\u{1f600}', '\ud800'],
];
const sql = fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((pieces) => `SELECT ${pieces.join(' ')}`);

describe('whatever the statement is', () => {
  test('the analysis does not throw, and names no place outside of the text', async () => {
    const analyse = await loadSql();
    const dialects = fc.constantFrom(
      undefined,
      'tsql',
      'oracle',
      'db2',
      'sap',
      'access',
      'bigquery',
      'no such dialect',
    );
    fc.assert(
      fc.property(fc.oneof(sql, anyText(60)), dialects, (text, dialect) => {
        const analysis = analyse(request(text, dialect));
        for (const { at } of analysis.diagnostics) expect(at).toBeLessThanOrEqual(text.length);
        for (const { name } of analysis.columns) expect(typeof name).toBe('string');
      }),
      { numRuns: 300 },
    );
  });

  const many = (count: number, of: (i: number) => string, between: string) =>
    Array.from({ length: count }, (_, i) => of(i)).join(between);
  test.each([
    ['more parentheses than anybody closes', '('.repeat(100_000)],
    ['parentheses 200 deep', `SELECT ${'('.repeat(200)}a${')'.repeat(200)} AS x FROM t`],
    ['queries 60 deep', `SELECT a FROM ${'(SELECT a FROM '.repeat(60)}t${') x'.repeat(60)}`],
    ['a sum of 2,000', `SELECT ${many(2_000, (i) => `c${i}`, ' + ')} AS x FROM t`],
    ['2,000 unions', many(2_000, (i) => `SELECT a${i} FROM t${i}`, ' UNION ALL ')],
    ['a list of 60,000', `SELECT a FROM t WHERE b IN (${many(60_000, (i) => `'v${i}'`, ',')})`],
    [
      'stars that double 40 times',
      `WITH ${many(40, (i) => `c${i} AS (SELECT x.*, y.* FROM ${i === 0 ? '(SELECT a FROM t) x, (SELECT a FROM t) y' : `c${i - 1} x, c${i - 1} y`})`, ', ')} SELECT * FROM c39`,
    ],
    ['twelve million characters', `SELECT a FROM t WHERE b = '${'x'.repeat(12_000_000)}'`],
  ])('a size that nobody writes is bounded and said: %s', async (_, text) => {
    const { analysis } = await ask(text);
    const codes = analysis.diagnostics.map((d) => d.code);
    expect(codes.some((code) => code === 'lineage.sql.too-big' || code === 'lineage.sql.not-parsed')).toBe(true);
  });

  test('WITH of 300 queries, each upon the one before, is followed to its end', async () => {
    const ctes = many(300, (i) => `c${i} AS (SELECT a, b FROM ${i === 0 ? 't' : `c${i - 1}`})`, ', ');
    expect((await ask(`WITH ${ctes} SELECT b FROM c299`)).values).toEqual({ b: ['t#b'] });
  });
});

describe('when the parser gives up', () => {
  const broken =
    'SELECT a.x AS "the x", SUM(b.y * 2) total, z FROM db.a AS a JOIN (SELECT y, k FROM c) b ON b.k = a.k WHERE a.f = 1 1 1';
  test('tables, columns and aliases are found by the words, less surely', async () => {
    const asked = await ask(broken);
    expect(asked.analysis.how).toBe('fallback');
    expect(asked.analysis.objects).toEqual(['db.a', 'c']);
    expect(asked.values['the x']).toEqual(['db.a#x~']);
    expect(asked.values['total']).toEqual(['c#y~']);
    expect(asked.in('key')).toEqual(['c#k~', 'db.a#k~']);
    expect(asked.in('filter')).toEqual(['db.a#f~']);
  });

  test('WITH, UNION and USING as well', async () => {
    const asked = await ask(
      `WITH q (n) AS (SELECT id FROM src ???) SELECT n AS one FROM q UNION ALL SELECT u.two FROM dbo.u u JOIN w USING (k) ORDER BY 1`,
    );
    expect(asked.analysis.how).toBe('fallback');
    expect(asked.analysis.objects).toEqual(['src', 'dbo.u', 'w']);
    expect(asked.values).toEqual({ one: ['src#id~', 'dbo.u#two~'] });
  });

  test('its breakdown is nobody else’s', () => {
    const analyse = analyser(() => {
      throw new Error('memory access out of bounds');
    });
    const analysis = analyse(request('SELECT a FROM dbo.t'));
    expect(analysis).toMatchObject({ how: 'fallback', objects: ['dbo.t'] });
    expect(analysis.columns.map((c) => c.name)).toEqual(['a']);
  });

  test('it is asked once for a text and a dialect', () => {
    const asked: string[] = [];
    const analyse = analyser((text, dialect) => {
      asked.push(`${dialect}:${text}`);
      return { at: 0, tooDeep: true };
    });
    for (let i = 0; i < 3; i += 1) analyse(request('SELECT a FROM dbo.t', 'oracle'));
    expect(asked).toEqual(['oracle: SELECT a FROM dbo.t']);
    analyse(request('SELECT a FROM dbo.t', 'mysql'));
    expect(asked).toHaveLength(2);
  });

  test('no literal of the statement comes out', async () => {
    for (const text of [
      "SELECT a FROM t ??? WHERE password = 'canary-secret'",
      "SELECT 'canary-secret', a FROM t",
      "SELECT a FROM t $(=Peek('canary-secret')) WHERE b = 1",
      "SELECT a FROM t WHERE b = 'canary-secret",
      "SELECT UPPER('canary-secret') FROM t ???",
      "EXEC sp 'canary-secret'",
    ])
      expect(JSON.stringify((await ask(text)).analysis)).not.toContain('canary');
  });
});
