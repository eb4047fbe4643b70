import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
import { formatProblem } from '#config/connection/problem.ts';
import { head, header } from './sample.ts';

const parse = (text: string, file: string) => parseConnection(text, file, { folder: '/nowhere', env: {} });

describe('limits', () => {
  test.each([
    ['a file that is too large', `# ${'x'.repeat(1024 * 1024)}`, 'config.too_large'],
    [
      'a thousand laughs',
      `${head}${header}a0 = "ha"\n${Array.from({ length: 30 }, (_, i) => `a${i + 1} = \${a${i}}\${a${i}}`).join('\n')}`,
      'config.syntax',
    ],
    [
      'lists of lists',
      `${head}${header}a0 = [1]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1} = [\${a${i}}, \${a${i}}]`).join('\n')}`,
      'config.syntax',
    ],
    [
      'objects of objects',
      `${head}${header}a0 { b = 1 }\n${Array.from({ length: 30 }, (_, i) => `a${i + 1} { b = \${a${i}}, c = \${a${i}} }`).join('\n')}`,
      'config.syntax',
    ],
    ['brackets without end', `a = ${'['.repeat(100_000)}`, 'config.syntax'],
    ['braces without end', 'a {'.repeat(50_000), 'config.syntax'],
    ['nested substitutions', '${'.repeat(50_000), 'config.syntax'],
    ['a key without end', `${'a.'.repeat(50_000)}a = 1`, 'config.syntax'],
    ['a chain of self-references', `a = 1\n${`a = \${a}2\n`.repeat(20_000)}`, 'config.syntax'],
    ['commas without end', `a = [1${',1'.repeat(300_000)}]`, 'config.syntax'],
    ['a line of spaces', `a = b:${' '.repeat(900_000)}c`, 'config.syntax'],
    ['brackets in YAML', `a: ${'['.repeat(20_000)}`, 'config.syntax'],
  ])('%s ends soon with a message', (what, text, code) => {
    expect(parse(text, what.includes('YAML') ? 'q.yaml' : 'q.conf').problems[0]).toMatchObject({
      severity: 'error',
      code,
    });
  });
});

describe('any text', () => {
  const scraps = fc.constantFrom(
    ...['a', 'connection', '.', ' ', '\n', '=', ':', '+=', '{', '}', '[', ']', ',', '"', '"""', "'", '\\', '#', '//'],
    ...['${', '${?', '}', 'include "x"', 'url', 'auth.value', '1', '-', 'true', '\t', '\ufeff', '- ', '|', '&x', '*x'],
  );
  test.each(['q.conf', 'q.json', 'q.yaml'])('as %s gives a connection or a problem, and never throws', (file) => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(scraps, { maxLength: 40 }).map((parts) => parts.join('')),
        ),
        (text) => {
          const { connection, problems } = parse(text, file);
          expect(connection === undefined).toBe(problems.some(({ severity }) => severity === 'error'));
          for (const problem of problems)
            expect(
              formatProblem(problem)
                .split('\n')
                .every((line) => line.length <= 80),
            ).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
