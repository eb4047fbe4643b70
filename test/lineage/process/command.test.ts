import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'culvert-lineage-command-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const PROGRAM = join(import.meta.dirname, '../../../agent/main.ts');

const culvert = (...args: readonly string[]) =>
  spawnSync(process.execPath, [PROGRAM, 'lineage', ...args], { cwd: folder, encoding: 'utf8' });
const put = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return name;
};

test('prints the graph of a script with what it includes, wherever the option stands', () => {
  put('paths.qvs', 'SET vRoot = lib://Data;');
  put(
    'sales.qvs',
    '$(Must_Include=lib://Scripts/paths.qvs)\nSales:\nLOAD Net AS Amount FROM [$(vRoot)/sales.qvd] (qvd);',
  );
  for (const args of [
    ['sales.qvs', '--json'],
    ['--json', 'sales.qvs'],
  ]) {
    const { stdout, status } = culvert(...args);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      tables: [
        {
          name: 'Sales',
          final: true,
          fields: [{ name: 'Amount', from: [{ source: 'lib://Data/sales.qvd', field: 'Net', role: 'value' }] }],
        },
      ],
      stores: [],
      statements: { opaque: 0 },
    });
  }
});

test('prints a tree of 80 columns for people, with nothing cut off', () => {
  const long = 'A field with a name that nobody would want to read in full '.repeat(3).trim();
  const path = `lib://Data/${'deep/'.repeat(20)}x.qvd`;
  const columns = Array.from({ length: 12 }, (_, n) => `[column ${n}]`);
  put(
    'wide.qvs',
    `T:\nLOAD [${long}], b, ${columns.join(' & ')} AS all FROM [${path}] (qvd);\nSTORE T INTO [${'o'.repeat(200)}.qvd];`,
  );
  const { stdout, status } = culvert('wide.qvs');
  expect(status).toBe(0);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(stdout).toMatch(/^T$/m);
  const whole = stdout.replace(/\s+/g, '');
  // As the field, and as the column that it comes from.
  expect(whole.split(long.replaceAll(' ', '')).length - 1).toBeGreaterThanOrEqual(2);
  expect(whole).toContain(`←b·${path}`);
  expect(whole).toContain(columns.map((name) => name.slice(1, -1).replace(' ', '')).join(','));
  expect(whole).toContain('o'.repeat(200));
  // A word that fits into a line stays whole.
  expect(stdout).toMatch(/^ +would want to read in full/m);
});

test('says from where relative paths count, and which files two of them are', () => {
  put(
    'directory.qvs',
    `DIRECTORY lib://Data/one;\nT: LOAD a FROM x.qvd (qvd);\nDIRECTORY lib://Data/two;\n` +
      `U: NOCONCATENATE LOAD a FROM x.qvd (qvd);\nSTORE U INTO out.qvd;`,
  );
  const { stdout } = culvert('directory.qvs');
  for (const line of [
    '← a · lib://Data/one/x.qvd',
    '← a · lib://Data/two/x.qvd',
    'STORE U INTO lib://Data/two/out.qvd',
    'read   lib://Data/one/x.qvd',
    'read   lib://Data/two/x.qvd',
    'write  lib://Data/two/out.qvd',
  ])
    expect(stdout).toContain(line);
});

test('does not claim to have understood all of a script of which an include is missing', () => {
  put('lacks.qvs', '$(Must_Include=none.qvs);\n$(Include=nor-this.qvs);\nT: LOAD a FROM x.qvd (qvd);');
  expect(culvert('lacks.qvs').stdout).toContain(
    '\n3 statements, 100 % of them understood, 2 included scripts not read\n',
  );
});

test('says in how many places a script is not in the encoding that it is read in', () => {
  writeFileSync(join(folder, 'western.qvs'), Buffer.from('T: LOAD [Größe] FROM [x.qvd] (qvd);', 'latin1'));
  expect(culvert('western.qvs')).toMatchObject({ stderr: '', stdout: expect.stringContaining('Größe') });
  const asked = culvert('western.qvs', '--encoding', 'utf-8', '--json');
  expect(asked.stderr).toContain('western.qvs: in 2 places it is no utf-8');
  expect(JSON.parse(asked.stdout)).toMatchObject({ statements: { total: 1 } });
});

test('tells the fields of expressions', () => {
  put('expressions.json', JSON.stringify([{ id: 'm1', expression: 'Sum({<Year = {2020}>} Amount)' }]));
  const { stdout, stderr, status } = culvert('beside.qvs', '--expressions', 'expressions.json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining('beside.qvs is not looked at') });
  expect(JSON.parse(stdout)).toMatchObject([
    {
      id: 'm1',
      fields: expect.arrayContaining([
        { name: 'Amount', role: 'value' },
        { name: 'Year', role: 'filter' },
      ]),
    },
  ]);
});

test.skipIf(process.platform === 'win32')(
  'reads nothing but plain files, and says why it did not read the others',
  () => {
    execFileSync('mkfifo', [join(folder, 'pipe.qvs')]);
    mkdirSync(join(folder, 'folder.qvs'));
    put('huge.qvs', '');
    truncateSync(join(folder, 'huge.qvs'), 9 * 1024 * 1024);
    const paths = ['lib://S/pipe.qvs', '/dev/zero', 'lib://S/folder.qvs', 'lib://S/huge.qvs', 'lib://S/none.qvs'];
    put('odd.qvs', `${paths.map((path) => `$(Must_Include=${path})`).join('\n')}\nT:\nLOAD a FROM [x.qvd] (qvd);`);
    const { stdout, status } = spawnSync(process.execPath, [PROGRAM, 'lineage', 'odd.qvs', '--json'], {
      cwd: folder,
      encoding: 'utf8',
      // The one that waits for the other end of a pipe waits for ever.
      timeout: 20_000,
    });
    expect(status).toBe(0);
    const { diagnostics, tables } = JSON.parse(stdout) as {
      readonly diagnostics: readonly { readonly line: number; readonly code: string; readonly message: string }[];
      readonly tables: readonly unknown[];
    };
    expect(tables).toHaveLength(1);
    expect(diagnostics.map(({ line, code, message }) => `${line} ${code}: ${message}`)).toEqual([
      '1 lineage.include-unreadable: the included script lib://S/pipe.qvs cannot be read: it is no plain file',
      '2 lineage.include-unreadable: the included script /dev/zero cannot be read: it is no plain file',
      '3 lineage.include-unreadable: the included script lib://S/folder.qvs cannot be read: it is a folder',
      '4 lineage.include-unreadable: the included script lib://S/huge.qvs cannot be read: it is larger than 8 MiB',
      '5 lineage.include-missing: the included script lib://S/none.qvs is not at hand',
    ]);
  },
);

test.skipIf(process.platform === 'win32')('takes no pipe and no device for a script', () => {
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  for (const name of ['pipe', '/dev/zero'])
    expect(
      spawnSync(process.execPath, [PROGRAM, 'lineage', name], { cwd: folder, encoding: 'utf8', timeout: 20_000 }),
    ).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('it is no plain file'),
    });
});

test('says what is wrong with what it was given, by its exit code, too', () => {
  put('no.json', '{}');
  expect(culvert('nowhere.qvs')).toMatchObject({ status: 4, stderr: expect.stringContaining('there is no such file') });
  expect(culvert('--expressions', 'no.json')).toMatchObject({ status: 4, stderr: expect.stringContaining('no list') });
  expect(culvert()).toMatchObject({ status: 2 });
});
