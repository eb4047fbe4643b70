import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { columnOf, fileDataset } from '#agent/lineage/dataset-names.ts';
import { type FileRead, MappedFolders } from '#agent/lineage/files/mapped-folders.ts';
import { readScriptLog } from '#agent/lineage/logs/script-log.ts';
import { serverPath } from '#config/connection/server-path.ts';

const root = mkdtempSync(join(tmpdir(), 'culvert-mapped-'));
const put = (path: string, content: string): void => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), content);
};
const at = (text: string) => {
  const path = serverPath(text);
  if (path === undefined) throw new Error(text);
  return path;
};
const folders = (from: string, to: string, libraries: Readonly<Record<string, string>> = {}): MappedFolders =>
  new MappedFolders([{ from: at(from), folder: join(root, to) }], new Map(Object.entries(libraries)));
const text = async (read: Promise<FileRead>): Promise<string> => {
  const found = await read;
  return found.type === 'read' ? found.bytes.toString() : found.type === 'refused' ? found.why : found.type;
};

beforeAll(() => {
  put('qvs/Sub Folder/Common.qvs', 'common');
  put('qvs/big.qvs', 'x'.repeat(5_000));
  put('secret.txt', 'canary');
  put('outside/deep/x.qvd', 'x');
  for (let depth = 1; depth <= 6; depth++) put(`tree/${'d/'.repeat(depth)}f${depth}.qvd`, 'x');
  put('tree/UPPER.QVD', 'x');
  put('tree/no.csv', 'x');
  symlinkSync(join(root, 'secret.txt'), join(root, 'qvs', 'leads-out.qvs'));
  symlinkSync(join(root, 'outside'), join(root, 'tree', 'leads-out'));
  symlinkSync(join(root, 'outside'), join(root, 'qvs', 'folder-out'));
  symlinkSync(join(root, 'qvs', 'big.qvs'), join(root, 'qvs', 'stays-in.qvs'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a file of the Qlik server', () => {
  const libraries = { 'scripts (corp_x)': 'D:\\Qlik\\Scripts\\' };

  test.each([
    ['D:\\Qlik\\Scripts', 'lib://Scripts (corp_x)/Sub Folder/Common.qvs'],
    ['D:\\Qlik\\Scripts', 'd:/qlik/scripts/sub folder/COMMON.qvs'],
    ['lib://Scripts (corp_x)', 'lib://scripts (CORP_X)/x/../Sub Folder/Common.qvs'],
    ['lib://Scripts (corp_x)', 'D:\\Qlik\\Scripts\\Sub Folder\\Common.qvs'],
  ])('is found below %s as %s', async (from, path) => {
    expect(await text(folders(from, 'qvs', libraries).read(path, 1_000))).toBe('common');
  });

  test.each([
    ['lib://Scripts (corp_x)/../../secret.txt', 'elsewhere'],
    ['lib://Other/Common.qvs', 'elsewhere'],
    ['Sub Folder/Common.qvs', 'elsewhere'],
    ['C:\\Windows\\win.ini', 'elsewhere'],
    ['lib://Scripts (corp_x)/absent.qvs', 'missing'],
    ['lib://Scripts (corp_x)/Sub Folder', 'it is no plain file'],
    ['lib://Scripts (corp_x)/leads-out.qvs', 'a link leads out of the folder'],
    ['lib://Scripts (corp_x)/folder-out/deep/x.qvd', 'a link leads out of the folder'],
    ['lib://Scripts (corp_x)/big.qvs', 'it is larger than 1000 bytes'],
  ])('is not read: %s', async (path, why) => {
    expect(await text(folders('D:\\Qlik\\Scripts', 'qvs', libraries).read(path, 1_000))).toContain(why.slice(0, 20));
  });

  test('is read through a link that stays in the folder, and only its head when that is enough', async () => {
    const found = await folders('lib://S', 'qvs').read('lib://S/stays-in.qvs', 1_000, undefined, 'head');
    expect(found).toMatchObject({ type: 'read', cut: true });
    expect(found.type === 'read' && found.bytes.length).toBe(1_000);
  });

  test('is not waited for once the crawl ends', async () => {
    await expect(folders('lib://S', 'qvs').read('lib://S/big.qvs', 9_000, AbortSignal.abort('over'))).rejects.toBe(
      'over',
    );
  });
});

describe('the files of a folder', () => {
  const walk = async (limits?: { files: number; entries: number; depth: number }, to = 'tree') => {
    const [found, gaps]: [string[], string[]] = [[], []];
    const mapped = folders('lib://T', to, { t: '\\\\srv\\share\\t' });
    for await (const { path } of mapped.walk('.qvd', (where, why) => gaps.push(`${where}: ${why}`), undefined, limits))
      found.push([path.root, ...path.names].join('/'));
    return { found: found.sort(), gaps };
  };

  test('are found at any depth by their ending, without following links', async () => {
    const { found, gaps } = await walk();
    expect(found).toEqual([
      '//srv/share/t/UPPER.QVD',
      ...[6, 5, 4, 3, 2, 1].map((depth) => `//srv/share/t/${'d/'.repeat(depth)}f${depth}.qvd`),
    ]);
    expect(gaps).toEqual([]);
  });

  test('are bounded in number and depth, which is said', async () => {
    const deep = await walk({ files: 100, entries: 1_000, depth: 3 });
    expect(deep.found.length).toBe(3);
    expect(deep.gaps).toEqual([expect.stringContaining('deeper than 3')]);
    const many = await walk({ files: 2, entries: 1_000, depth: 10 });
    expect(many.found.length).toBe(2);
    expect(many.gaps).toEqual([expect.stringContaining('more than 2 files')]);
  });

  test('that lie behind a folder which becomes a link between its listing and the reading are not opened', async () => {
    put('swapped/sub/x.qvd', 'x');
    const found = [];
    for await (const one of folders('lib://Swapped', 'swapped').walk('.qvd', () => undefined)) found.push(one);
    expect(found).toHaveLength(1);
    rmSync(join(root, 'swapped', 'sub'), { recursive: true });
    symlinkSync(join(root, 'outside', 'deep'), join(root, 'swapped', 'sub'));
    await expect(found[0]?.open()).rejects.toMatchObject({ code: 'ELOOP' });
  });

  test('that is not there are told, not taken for none', async () => {
    expect(await walk(undefined, 'absent')).toEqual({ found: [], gaps: ['lib://T: it does not exist'] });
  });
});

test('a file has one name as a dataset, however its path is spelled', () => {
  const name = (path: string): string | undefined => fileDataset(at(path), 'qlik.example');
  expect(name('D:\\QVD\\A b\\Orders.QVD')).toBe('file://qlik.example/d:/qvd/a b/orders.qvd');
  expect(name('d:/qvd/x/../A B/orders.qvd')).toBe('file://qlik.example/d:/qvd/a b/orders.qvd');
  expect(name('\\\\SRV\\Share\\x%.qvd')).toBe('file://srv/share/x%25.qvd');
  expect(name('/Data/X.qvd')).toBe('file://qlik.example/Data/X.qvd');
  expect(name('lib://QVD/x.qvd')).toBeUndefined();
  const long =
    name(`D:\\${'ü'.repeat(90)}\\${Array.from({ length: 12 }, (_, i) => `${i}${'x'.repeat(150)}`).join('\\')}`) ?? '';
  expect(Buffer.byteLength(columnOf(long, 'ü'.repeat(500)))).toBeLessThanOrEqual(1_024);
  expect(long).not.toContain('\ufffd');
});

describe('the log of a reload', () => {
  const line = (text: string): string => `2025-03-04 05:06:07 ${text}`;

  test('of either spelling gives the statements, and whether it failed', () => {
    const log = [line('     Execution started.'), line('0001 SET a = 1;'), line('     Error: Table not found')].join(
      '\r\n',
    );
    expect(readScriptLog(Buffer.from(log), 1_000)).toEqual({
      script: 'SET a = 1;',
      statements: 'SET a = 1;',
      cut: false,
      started: '2025-03-04 05:06:07',
      ended: '2025-03-04 05:06:07',
      failed: true,
    });
    expect(readScriptLog(Buffer.from(`\ufeff${log}`, 'utf16le'), 1_000).script).toBe('SET a = 1;');
  });

  test('is cut where it is too long, and a text that is no log gives nothing', () => {
    const long = Array.from({ length: 100 }, (_, index) =>
      line(`${String(index).padStart(4, '0')} LOAD ${index};`),
    ).join('\n');
    const found = readScriptLog(Buffer.from(long), 200);
    expect(found.cut).toBe(true);
    expect(found.script.length).toBeLessThanOrEqual(200);
    expect(readScriptLog(Buffer.from('no log\nat all'), 200)).toMatchObject({
      script: '',
      started: '',
      failed: undefined,
    });
  });
});
