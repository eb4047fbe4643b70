import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');
const document = readFileSync(join(root, 'SECURITY.md'), 'utf8');

/** `test/…/file.test.ts`: *name of a test in it*. */
const proofs = [...document.matchAll(/`(test\/[\w./-]+\.test\.ts)`: \*([^*]+)\*/g)].map(
  ([, file = '', name = '']) => [file, name.replace(/\s+/g, ' ')] as const,
);

/** The text of a test's name as the source has it, with lines and quotes made alike. */
const alike = (text: string): string => text.replace(/\\'/g, "'").replace(/[’']/g, "'").replace(/\s+/g, ' ');

describe('the threat model of SECURITY.md', () => {
  test('covers every attacker, each with tests', () => {
    const model = document.slice(document.indexOf('## Threat model'));
    const attackers = model.split(/^### /m).slice(1);
    expect(attackers.map((text) => text.split('\n')[0])).toEqual([
      'A stolen enrolment token',
      'A stolen disk',
      'A malicious catalog',
      'A malicious proxy, whose authority the machine trusts',
      'A malicious Qlik app',
      'A neighbour on the host',
      'Who makes or carries a package',
      'Another organisation in the catalog',
      'A copy of the machine',
    ]);
    for (const attacker of attackers) {
      expect(attacker).toContain('**Can:**');
      expect(attacker).toContain('**Cannot:**');
      expect(attacker.match(/`test\/[\w./-]+\.test\.ts`: \*/g)?.length ?? 0, attacker.slice(0, 40)).toBeGreaterThan(0);
    }
  });

  test.each(proofs)('%s has the test: %s', (file, name) => {
    expect(existsSync(join(root, file)), file).toBe(true);
    const source = alike(readFileSync(join(root, file), 'utf8'));
    const titles = [...source.matchAll(/(["'`])((?:(?!\1).)*)\1/g)].map(([, , text]) => text);
    expect(titles.includes(alike(name)) || source.includes(`'${alike(name)}'`), name).toBe(true);
  });
});
