import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseSync } from 'oxc-parser';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');

/** Every file that is loaded with `file`, before anything is imported later. */
const loadedWith = (file: string, found = new Set<string>()): Set<string> => {
  if (found.has(file)) return found;
  found.add(file);
  const { module } = parseSync(file, readFileSync(join(root, file), 'utf8'));
  const exported = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest, isType }) => (moduleRequest && !isType ? [moduleRequest.value] : [])),
  );
  const imported = module.staticImports
    .filter(({ entries }) => entries.length === 0 || entries.some(({ isType }) => !isType))
    .map(({ moduleRequest }) => moduleRequest.value);
  for (const name of [...imported, ...exported]) {
    if (name.startsWith('#')) loadedWith(name.slice(1), found);
    else if (name.startsWith('.')) loadedWith(relative(root, resolve(root, dirname(file), name)), found);
  }
  return found;
};

test('a command loads the secret managers of the network only when a secret is read', () => {
  for (const command of ['run', 'crawl', 'validate']) {
    const loaded = [...loadedWith(`agent/commands/${command}.ts`)];
    expect(loaded).toContain('agent/commands/secrets.ts');
    expect(loaded.filter((file) => file.startsWith('agent/secrets/'))).toEqual(['agent/secrets/name.ts']);
  }
  expect([...loadedWith('agent/secrets/open.ts')]).toContain('agent/secrets/aws/signature.ts');
});
