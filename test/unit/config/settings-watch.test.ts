import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSettings, type Settings } from '#config/settings.ts';
import { SettingsWatch } from '#config/settings-watch.ts';
import type { Problem } from '#protocol/status.ts';
import { issue } from './certificates.ts';
import { replace } from './watching.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-settings-'));
  file = join(folder, 'agent.conf');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ca = () => issue('ca', new Date(0), new Date(Date.UTC(2100, 0))).certificate;

const watching = async (settleMs = 5) => {
  const loaded = loadSettings(file, {});
  const { settings } = loaded;
  if (settings === undefined) throw new Error('the settings of the test cannot be used');
  const changes: Settings[] = [];
  const problems: (readonly Problem[])[] = [];
  const watch = new SettingsWatch({
    loaded: { ...loaded, settings },
    load: () => Promise.resolve(loadSettings(file, {})),
    intervalMs: 5,
    settleMs,
    onChange: ({ settings: now }) => void changes.push(now),
    onProblems: (now) => void problems.push(now),
  });
  return { watch, changes, problems, [Symbol.asyncDispose]: () => watch.close() };
};

describe('a watch on agent.conf', () => {
  test('takes an edit, an atomic replacement, and a changed trust store', async () => {
    await writeFile(join(folder, 'ca.pem'), ca());
    await writeFile(file, 'tls.truststore.path = ca.pem\nproxy { hostname = one, port = 3128 }\n');
    // The first edit is made in place: a beginning is not taken for the whole.
    await using watched = await watching(200);
    await writeFile(file, 'tls.truststore.path = ca.pem\nproxy { hostname = two, port = 3128 }\n');
    await expect.poll(() => watched.changes.at(-1)?.proxy).toMatchObject({ proxy: { hostname: 'two' } });
    await replace(file, 'tls.truststore.path = ca.pem\n');
    await expect.poll(() => watched.changes.at(-1)?.proxy).toBeUndefined();
    const other = ca();
    await replace(join(folder, 'ca.pem'), other);
    await expect.poll(() => watched.changes.at(-1)?.tls.extraAuthorities).toEqual([`${other.trim()}\n`]);
    expect(watched.problems).toEqual([]);
  });

  test('keeps the last good settings while the file is broken, and says so once', async () => {
    await writeFile(file, 'log.level = info\n');
    await using watched = await watching();
    await replace(file, 'log.level = "debug\n');
    await expect.poll(() => watched.problems).toHaveLength(1);
    expect(watched.problems[0]).toMatchObject([{ severity: 'error', line: 1 }]);
    expect(watched.watch.settings.log.level).toBe('info');
    expect(watched.changes).toEqual([]);
    await rm(file);
    await expect.poll(() => watched.problems.at(-1)).toMatchObject([{ code: 'config.unreadable' }]);
    await replace(file, 'log.level = debug\n');
    await expect.poll(() => watched.changes.at(-1)?.log.level).toBe('debug');
    expect(watched.problems.at(-1)).toEqual([]);
  });

  test('is mended by a file that was missing', async () => {
    await writeFile(file, 'log.level = info\n');
    await using watched = await watching();
    await replace(file, 'log.level = debug\ntls.truststore.path = ca.pem\n');
    await expect.poll(() => watched.problems.at(-1)).toMatchObject([{ severity: 'error' }]);
    await replace(join(folder, 'ca.pem'), ca());
    await expect.poll(() => watched.changes.at(-1)?.tls.extraAuthorities).toHaveLength(1);
  });

  test('says nothing when only the time of the file changed', async () => {
    await writeFile(file, 'log.level = info\n');
    await using watched = await watching();
    await replace(file, 'log.level = info\n');
    await replace(join(folder, 'agent.conf'), 'log.level = info\n');
    await replace(file, 'log.level = warn\n');
    await expect.poll(() => watched.changes).toHaveLength(1);
    expect(watched.changes[0]?.log.level).toBe('warn');
  });
});
