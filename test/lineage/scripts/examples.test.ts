import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { difference, expected, found } from './expected.ts';
import { lineageOf } from './told.ts';

/**
 * Scripts of our own in the styles of many developers: each begins with `##### name`, and below `=====` stands what the
 * rules of the language make of it, worked out by hand.
 */
const FOLDER = join(import.meta.dirname, 'examples');

describe.each(globSync(join(FOLDER, '*.txt')).map((path) => [basename(path, '.txt'), path]))('%s', (_, path) => {
  const examples = readFileSync(path, 'utf8')
    .split(/^##### /m)
    .slice(1)
    .map((example): [name: string, script: string, wanted: string] => {
      const [head = '', wanted = ''] = example.split(/^=====\n/m);
      const line = head.indexOf('\n');
      return [head.slice(0, line), head.slice(line + 1), wanted];
    });

  test.each(examples)('%s', async (_, script, wanted) => {
    const lineage = await lineageOf(script);
    expect(lineage.statements.opaque).toBe(0);
    expect(difference(found(lineage), expected(wanted))).toEqual({ missing: [], unexpected: [] });
  });
});
