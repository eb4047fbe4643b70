import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MappedFolders } from '#agent/lineage/files/mapped-folders.ts';
import { parseConnection } from '#config/connection/parse.ts';
import { beneath, namesBelow, serverPath } from '#config/connection/server-path.ts';
import { head, header } from './sample.ts';

describe('paths of the Qlik server', () => {
  test.each<[string, string, string[]]>([
    ['lib://QVD (corp_svc)/a/./b/../c.qvd', 'lib://QVD (corp_svc)', ['a', 'c.qvd']],
    ['LIB://QVD', 'lib://QVD', []],
    ['D:\\QVD\\1_Extract\\', 'd:', ['QVD', '1_Extract']],
    ['\\\\?\\C:\\x', 'c:', ['x']],
    ['\\\\SRV\\Share\\a b\\c.qvd', '//srv/share', ['a b', 'c.qvd']],
    ['//srv/share', '//srv/share', []],
    ['/data/A/b', '/', ['data', 'A', 'b']],
  ])('%s', (text, root, names) => {
    expect(serverPath(text)).toMatchObject({ root, names });
  });

  test.each([
    '',
    'a/b.qvd',
    '..\\x',
    'lib://',
    'lib://QVD/../../etc',
    'D:\\..\\x',
    '/../x',
    '//srv',
    '\\\\?\\x',
    '/a\u0000b',
    'D:x',
  ])('that is none, or leads out: %j', (text) => {
    expect(serverPath(text)).toBeUndefined();
  });

  test('one lies below another, with the case that the system minds', () => {
    const names = (folder: string, path: string) => {
      const [a, b] = [serverPath(folder), serverPath(path)];
      return a && b && namesBelow(a, b);
    };
    expect(names('D:\\QVD', 'd:/qvd/A/b.qvd')).toEqual(['A', 'b.qvd']);
    expect(names('lib://QVD', 'lib://qvd/x')).toEqual(['x']);
    expect(names('/data', '/data/x')).toEqual(['x']);
    expect(names('/data', '/Data/x')).toBeUndefined();
    expect(names('D:\\QVD', 'D:\\QVDs\\x')).toBeUndefined();
    expect(names('/', 'lib://x/y')).toBeUndefined();
    const base = serverPath('D:\\QVD');
    expect(base && beneath(base, ['..', '..', 'x'])).toBeUndefined();
  });
});

describe('folders of a connection file that the agent can read', () => {
  const read = (lines: string) =>
    parseConnection(`${head}${header}${lines}`, 'a.conf', { folder: '/connections', env: {} });

  test('are a folder, a mapping, or a list of both', () => {
    const { connection, problems } = read(
      'paths.qvds = [{ from = "lib://QVD", to = "/mnt/qvd" }, { from = "D:/QVD", to = "qvds" }]\npaths.qvs = "/srv/scripts"\npaths.logs = ""',
    );
    expect(problems).toEqual([]);
    expect(connection?.paths).toMatchObject({
      qvds: [{ from: { root: 'lib://QVD', names: [] }, folder: '/mnt/qvd' }, { from: { root: 'd:', names: ['QVD'] } }],
      qvs: [{ from: { root: '/', names: ['srv', 'scripts'] }, folder: '/srv/scripts' }],
      logs: [],
    });
    // Relative to the folder of the connections, as every path in such a file.
    expect(connection?.paths?.qvds[1]?.folder.endsWith(join('/', 'qvds'))).toBe(true);
  });

  test("never give the agent's own files, though a folder above them is named", async () => {
    const root = mkdtempSync(join(tmpdir(), 'culvert-readable-'));
    mkdirSync(join(root, 'state'));
    mkdirSync(join(root, 'connections'));
    writeFileSync(join(root, 'connections', 'b.conf'), 'canary-connection');
    writeFileSync(join(root, 'state', 'identity.json'), 'canary-identity');
    writeFileSync(join(root, 'common.qvs'), 'LET a = 1;');
    symlinkSync(join(root, 'state', 'identity.json'), join(root, 'link.qvs'));
    try {
      const { connection } = parseConnection(`${head}${header}paths.qvs = "${root}"`, 'a.conf', {
        folder: join(root, 'connections'),
        env: {},
        bounds: { own: [join(root, 'state')], folders: undefined },
      });
      const folders = new MappedFolders(connection?.paths?.qvs ?? [], new Map());
      expect(await folders.read(join(root, 'common.qvs'), 100)).toMatchObject({ type: 'read' });
      for (const name of ['state/identity.json', 'connections/b.conf', 'link.qvs', 'State/../state/identity.json'])
        expect(await folders.read(join(root, name), 100), name).toMatchObject({ type: 'refused' });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  test('are absent when nothing is said', () => {
    expect(read('').connection?.paths).toBeUndefined();
  });

  test.each([
    ['paths.qvds = [{ from = "QVD", to = "/mnt/qvd" }]', 'neither lib://Connection nor an absolute path'],
    ['paths.qvds = [{ to = "/mnt/qvd" }]', 'has no from'],
    ['paths.qvds = [{ from = "lib://QVD" }]', 'is empty'],
    ['paths.qvds = [{ from = "lib://QVD", to = "/a", depth = 3 }]', 'from and to, nothing else'],
    ['paths.qvds = [["/a"]]', 'a list within a list'],
    ['paths.qvs = ["/a", "/a/"]', 'says twice'],
    ['paths.qvs = "D:/scripts"', 'a folder of Windows'],
    ['paths.logs = "/proc/self"', 'may not be read'],
  ])('are refused with what is wrong: %s', (line, message) => {
    const { connection, problems } = read(line);
    expect(connection).toBeUndefined();
    expect(problems).toMatchObject([{ severity: 'error', message: expect.stringContaining(message) }]);
    expect(problems[0]?.advice).not.toBe('');
  });
});
