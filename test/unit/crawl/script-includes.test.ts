import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Includes } from '#agent/crawl/script-includes.ts';
import { SiteFiles } from '#agent/crawl/site-files.ts';
import type { Include } from '#agent/lineage/script/contents.ts';
import type { Site } from '#agent/qlik/site.ts';
import { serverPath } from '#config/connection/server-path.ts';

const folder = mkdtempSync(join(tmpdir(), 'culvert-includes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'scripts'));
writeFileSync(join(folder, 'outside.qvs'), "LET a = 'canary-outside';");
symlinkSync(folder, join(folder, 'scripts', 'up'));
symlinkSync(join(folder, 'outside.qvs'), join(folder, 'scripts', 'link.qvs'));
for (let n = 0; n < 10; n += 1)
  writeFileSync(join(folder, 'scripts', `large${n}.qvs`), `// ${n}\n`.padEnd(1024 * 1024, '-- a comment\n'));

const files = (): SiteFiles | undefined => {
  const from = serverPath('lib://Scripts');
  if (from === undefined) throw new Error('no path');
  const paths = { qvs: [{ from, folder: join(folder, 'scripts') }], qvds: [], logs: [] };
  return SiteFiles.of({
    connection: { paths },
    dataConnections: () => Promise.resolve({ rows: [], counted: 0, incomplete: undefined }),
  } as unknown as Site);
};
const include = (path: string): Include => ({ path, must: false, line: 1 });

test('a variable that names itself hundreds of times makes no path of gigabytes', async () => {
  const variables = [
    { qName: 'a', qDefinition: '$(a)'.repeat(300) },
    { qName: 'b', qDefinition: 'x'.repeat(1_000_000) },
  ].map((one) => ({ ...one, qInfo: { qId: one.qName, qType: 'variable' } }));
  const includes = new Includes(undefined, variables as ConstructorParameters<typeof Includes>[1]);
  const followed = await includes.follow([include('$(a)'), include('$(b)$(b)')]);
  expect(followed).toEqual([
    { path: '$(a)', line: 1 },
    { path: '$(b)$(b)', line: 1 },
  ]);
});

test.each([
  'lib://Scripts/../outside.qvs',
  'lib://Scripts/up/outside.qvs',
  'lib://Scripts/link.qvs',
  'lib://Scripts/./x/../../outside.qvs',
  'lib://Scripts\\..\\outside.qvs',
  '/etc/passwd',
  '\\\\srv\\c$\\windows\\win.ini',
  'C:/Windows/win.ini',
])('an include of %s reads nothing outside of the folder', async (path) => {
  const includes = new Includes(files(), []);
  const [one] = await includes.follow([include(path)]);
  expect(one?.['state']).not.toBe('read');
  expect(includes.scripts.size).toBe(0);
});

test('an app cannot have more than eight mebibytes included, however many files it names', async () => {
  const includes = new Includes(files(), []);
  const followed = await includes.follow(Array.from({ length: 10 }, (_, n) => include(`lib://Scripts/large${n}.qvs`)));
  expect(followed.map((one) => one['state'])).toEqual([...Array(8).fill('read'), 'refused', 'refused']);
});

test('no path with a password in it is noted for the next crawl', async () => {
  const site = files();
  await site?.uses('a', [
    'lib://Scripts/password=canary-included/a.qvs',
    'https://u:canary-user@h/a.qvs',
    'lib://Scripts/a.qvs',
  ]);
  expect(site?.taken('a')?.map(([path]) => path)).toEqual(['lib://Scripts/a.qvs']);
});
