import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { interpreterVersion, versionOfSources } from '#agent/lineage/process/interpreter-version.ts';

const root = join(import.meta.dirname, '../../..');
const copy = mkdtempSync(join(tmpdir(), 'culvert-version-'));
afterAll(() => rmSync(copy, { recursive: true, force: true }));

test('the version is that of the sources, wherever they lie, and another when one of them changes', () => {
  for (const place of [
    'agent/lineage',
    'agent/crawl/lineage',
    'config',
    'protocol',
    'node_modules/@polyglot-sql/sdk/package.json',
  ])
    cpSync(join(root, place), join(copy, place), { recursive: true, dereference: true });
  expect(versionOfSources(copy)).toBe(interpreterVersion());
  expect(versionOfSources(copy)).toMatch(/^[0-9a-f]{16}$/);
  const change = (file: string, by: (text: string) => string): void =>
    writeFileSync(join(copy, file), by(readFileSync(join(copy, file), 'utf8')));
  change('agent/lineage/interpreter/steps.ts', (text) => text.replaceAll('\n', '\r\n'));
  change('agent/lineage/README.md', (text) => `${text}\nmore`);
  expect(versionOfSources(copy)).toBe(interpreterVersion());
  const seen = new Set([interpreterVersion()]);
  for (const file of [
    'agent/lineage/interpreter/steps.ts',
    'agent/lineage/naming/naming.ts',
    'agent/crawl/lineage/graph.ts',
    'config/redaction/rules.ts',
  ]) {
    change(file, (text) => `${text}\n// another`);
    seen.add(versionOfSources(copy));
  }
  change('node_modules/@polyglot-sql/sdk/package.json', (text) => text.replace(/"version": "/, '"version": "9'));
  seen.add(versionOfSources(copy));
  expect(seen.size).toBe(6);
});
