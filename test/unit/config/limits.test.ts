import { describe, expect, test } from 'vitest';
import { parseConnection } from '#config/connection/parse.ts';
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
    ['brackets in YAML', `a: ${'['.repeat(20_000)}`, 'config.syntax'],
  ])('%s ends soon with a message', (what, text, code) => {
    expect(parse(text, what.includes('YAML') ? 'q.yaml' : 'q.conf').problems[0]).toMatchObject({
      severity: 'error',
      code,
    });
  });
});
