import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { difference, expected, found } from './expected.ts';
import { lineageOf } from './told.ts';

/** Long scripts of our own, and what the rules of the language make of them, worked out by hand in the file beside each. */
const FOLDER = join(import.meta.dirname, 'long');

describe.each(globSync(join(FOLDER, '*.qvs')).map((path) => [basename(path, '.qvs')]))('%s', (name) => {
  const script = readFileSync(join(FOLDER, `${name}.qvs`), 'utf8');
  const include = (path: string): string | undefined => {
    const file = join(FOLDER, 'included', path.split('/').at(-1) ?? '');
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  };
  const wanted = expected(readFileSync(join(FOLDER, `${name}.expected`), 'utf8'));

  test('gives the tables, fields, sources and stores that its rules give', async () => {
    expect(script.split('\n').length).toBeGreaterThanOrEqual(300);
    const lineage = await lineageOf(script, { include });
    expect(lineage.statements.opaque).toBe(0);
    expect(lineage.cut).toBeUndefined();
    expect(difference(found(lineage), wanted)).toEqual({ missing: [], unexpected: [] });
  });
});
