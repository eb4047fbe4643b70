import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectionFile, Watched } from './watching.ts';

let watched: Watched;
const write = (name: string, text: string): Promise<void> => writeFile(join(watched.folder, name), text);

beforeEach(async () => {
  watched = await Watched.make();
  await mkdir(watched.folder);
});
afterEach(() => watched.end());

describe('files that come, change and go', () => {
  test('are added, edited, renamed and removed without a restart', async () => {
    await write('a.conf', connectionFile('a'));
    const subject = await watched.start();
    expect(watched.summary()).toEqual(['a ready']);
    await write('b.conf', connectionFile('b'));
    await watched.untilState('b.conf', 'ready');
    await write('b.conf', connectionFile('b', 'description = "new"'));
    await watched.until((states) => states.some((state) => state.description === 'new'));
    await rename(join(watched.folder, 'b.conf'), join(watched.folder, 'c.conf'));
    await watched.untilState('c.conf', 'ready');
    // A rename is no removal: the connection never was absent.
    expect(watched.summary()).toEqual(['a ready', 'b ready']);
    await rm(join(watched.folder, 'c.conf'));
    await watched.untilState('c.conf', 'absent');
    expect(watched.summary()).toEqual(['a ready', 'b absent']);
    expect(subject.get('b')).toBeUndefined();
    await write('again.conf', connectionFile('b'));
    await watched.untilState('again.conf', 'ready');
    expect(watched.summary()).toEqual(['a ready', 'b ready']);
    expect(watched.journal).toEqual([
      'loaded a.conf: connection a',
      'loaded b.conf: connection b',
      'reloaded b.conf: description added',
      'loaded c.conf: connection b',
      'removed b.conf: connection b is now in c.conf',
      'removed c.conf: connection b is absent',
      'loaded again.conf: connection b',
    ]);
  });

  test('are replaced atomically, as editors and deployments do', async () => {
    await write('a.conf', connectionFile('a'));
    await watched.start();
    await write('.a.conf.tmp', connectionFile('a', 'environment = test'));
    await rename(join(watched.folder, '.a.conf.tmp'), join(watched.folder, 'a.conf'));
    await watched.until((states) => states[0]?.environment === 'test');
    expect(watched.journal.at(-1)).toBe('reloaded a.conf: environment added');
  });

  test('that editors leave behind are not connections, and the same content is no event', async () => {
    await write('a.conf', connectionFile('a'));
    await watched.start();
    for (const name of ['.a.conf.swp', 'a.conf~', '.#a.conf', '#a.conf#', '4913', 'a.conf.tmp', '..x.conf', 'a.txt'])
      await write(name, connectionFile('x'));
    await write('a.conf', connectionFile('a'));
    await write(
      'b.yaml',
      'name: B\ncode: b\nconnector_id: qlik-sense\nconnection:\n  url: https://q.example.com\n  auth: { key: X, value: y }\n',
    );
    await watched.untilState('b.yaml', 'ready');
    expect(watched.journal).toEqual(['loaded a.conf: connection a', 'loaded b.yaml: connection b']);
  });

  test('that are broken leave the last good version in force', async () => {
    await write('a.conf', connectionFile('a'));
    const subject = await watched.start({ brokenSettleMs: 200 });
    const before = subject.get('a');
    await write('a.conf', `${connectionFile('a')}\nconnection {`);
    const broken = await watched.untilState('a.conf', 'error');
    expect(broken).toMatchObject({
      code: 'a',
      inForce: before?.contentHash,
      problems: [{ code: 'config.syntax', line: 11 }],
    });
    expect(subject.get('a')).toBe(before);
    await write('a.conf', connectionFile('a', 'environment = mended'));
    await watched.untilState('a.conf', 'ready');
    expect(subject.get('a')?.environment).toBe('mended');
    expect(watched.journal).toEqual([
      'loaded a.conf: connection a',
      'a.conf is in error at line 11 (config.syntax); the last good version stays in force',
      'reloaded a.conf: environment added',
    ]);
  });

  test('that are half written are read again before anything is said', async () => {
    await write('a.conf', connectionFile('a'));
    await watched.start({ brokenSettleMs: 60_000 });
    await write('a.conf', 'name = "half');
    // Another file shows that the folder was looked at in between.
    await write('b.conf', connectionFile('b'));
    await watched.untilState('b.conf', 'ready');
    await write('a.conf', connectionFile('a', 'environment = whole'));
    await watched.until((states) => states.some((state) => state.environment === 'whole'));
    expect(watched.journal.filter((line) => line.includes('error'))).toEqual([]);
  });

  test('that are broken from the start are said at once, and work when mended', async () => {
    await write('a.conf', 'name = "x"\ncode = a\nconnection.url = https://x');
    const subject = await watched.start();
    expect(subject.states()).toMatchObject([{ file: 'a.conf', code: null, state: 'error', inForce: null }]);
    await write('a.conf', connectionFile('a'));
    await watched.untilState('a.conf', 'ready');
  });

  test('that are switched off are disabled', async () => {
    await write('a.conf', connectionFile('a', 'enabled = false'));
    const subject = await watched.start();
    expect(watched.summary()).toEqual(['a disabled']);
    expect(subject.get('a')?.enabled).toBe(false);
  });

  test('by polling, where the system tells nothing', async () => {
    await write('a.conf', connectionFile('a'));
    await watched.start({ polling: true, intervalMs: 100 });
    await write('b.conf', connectionFile('b'));
    await watched.untilState('b.conf', 'ready');
    await rm(join(watched.folder, 'a.conf'));
    await watched.untilState('a.conf', 'absent');
  });
});

describe('the folder itself', () => {
  test('may vanish and return: what was loaded stays in force, and the watch lives on', async () => {
    await write('a.conf', connectionFile('a'));
    const subject = await watched.start();
    await rename(watched.folder, `${watched.folder}.away`);
    const gone = await watched.untilState('a.conf', 'error');
    expect(gone.problems[0]).toMatchObject({
      code: 'config.unreadable',
      message: expect.stringContaining('does not exist'),
    });
    expect(subject.get('a')).toBeDefined();
    await mkdir(watched.folder);
    await write('a.conf', connectionFile('a', 'environment = returned'));
    await watched.until((states) =>
      states.some((state) => state.environment === 'returned' && state.state === 'ready'),
    );
    await write('a.conf', connectionFile('a', 'environment = later'));
    await watched.until((states) => states.some((state) => state.environment === 'later'));
  });

  test('may be removed and made again at once', async () => {
    await write('a.conf', connectionFile('a'));
    await watched.start();
    await rm(watched.folder, { recursive: true });
    await mkdir(watched.folder);
    await write('a.conf', connectionFile('a', 'environment = new'));
    await watched.until((states) => states.some((state) => state.environment === 'new' && state.state === 'ready'));
    await write('b.conf', connectionFile('b'));
    await watched.untilState('b.conf', 'ready');
  });

  test('may come after the agent', async () => {
    await rm(watched.folder, { recursive: true });
    const subject = await watched.start();
    expect(subject.states()).toMatchObject([{ file: watched.folder, state: 'error', code: null }]);
    await mkdir(watched.folder);
    await write('a.conf', connectionFile('a'));
    await watched.untilState('a.conf', 'ready');
    expect(subject.states()).toHaveLength(1);
  });

  test('may be a ConfigMap of Kubernetes, where a link named ..data is swapped', async () => {
    const version = async (name: string, text: string): Promise<void> => {
      await mkdir(join(watched.folder, name));
      await writeFile(join(watched.folder, name, 'k.conf'), text);
      await symlink(name, join(watched.folder, '..data_tmp'));
      await rename(join(watched.folder, '..data_tmp'), join(watched.folder, '..data'));
    };
    await version('..2026_01', connectionFile('k'));
    await symlink(join('..data', 'k.conf'), join(watched.folder, 'k.conf'));
    await watched.start();
    expect(watched.summary()).toEqual(['k ready']);
    await version('..2026_02', connectionFile('k', 'environment = swapped'));
    await rm(join(watched.folder, '..2026_01'), { recursive: true });
    await watched.until((states) => states[0]?.environment === 'swapped');
    expect(watched.summary()).toEqual(['k ready']);
  });

  test('is not watched any more after the signal', async () => {
    const end = new AbortController();
    await write('a.conf', connectionFile('a'));
    const subject = await watched.start({}, end.signal);
    end.abort();
    await subject.close();
    await write('a.conf', connectionFile('a', 'environment = late'));
    expect(subject.get('a')?.environment).toBeUndefined();
  });
});
