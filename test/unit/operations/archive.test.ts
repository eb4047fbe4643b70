import { strFromU8, unzipSync } from 'fflate';
import { expect, test } from 'vitest';
import { archive } from '#agent/operations/bundle/archive.ts';

test('the name of a file in the connections folder is no way out of the folder in which a bundle is unpacked', () => {
  const names = ['..\\..\\evil.conf.txt', 'C:evil.conf.txt', '..', 'a\nb.conf'];
  const files = unzipSync(
    archive(
      'bundle',
      names.map((name) => ({ name: `config/connections/${name}`, text: name })),
    ),
  );
  expect(Object.keys(files)).toEqual([
    'bundle/config/connections/..-..-evil.conf.txt',
    'bundle/config/connections/C-evil.conf.txt',
    'bundle/config/connections/-',
    'bundle/config/connections/a-b.conf',
  ]);
  expect(strFromU8(files['bundle/config/connections/C-evil.conf.txt'] ?? new Uint8Array())).toBe('C:evil.conf.txt');
});
