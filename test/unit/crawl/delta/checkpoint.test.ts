import { mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadCheckpoint, loadCheckpoints, passCheckpoint, saveCheckpoint } from '#agent/crawl/delta/checkpoint.ts';
import { Journal, readJournal } from '#agent/crawl/delta/journal.ts';
import { APP_ID, checkpoint, knownApp } from './rows.ts';

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'culvert-checkpoint-')), 'checkpoints');
});
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

const saved = checkpoint('prod', [[APP_ID, knownApp()]]);
/** Saves it; the path of its file. */
const save = async (): Promise<string> => {
  await saveCheckpoint(folder, saved);
  const [name = ''] = await readdir(folder);
  return join(folder, name);
};

describe('a checkpoint', () => {
  test('comes back as it was saved, for its own connection alone', async () => {
    const path = await save();
    expect(await loadCheckpoint(folder, 'prod')).toEqual({ type: 'checkpoint', checkpoint: saved });
    expect(await loadCheckpoint(folder, 'test')).toEqual({ type: 'none' });
    if (process.platform !== 'win32') {
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
    }
  });

  test('is replaced as a whole, and leaves nothing beside it', async () => {
    await save();
    const next = { ...saved, name: 'beef', apps: [] };
    await saveCheckpoint(folder, next);
    expect(await loadCheckpoint(folder, 'prod')).toEqual({ type: 'checkpoint', checkpoint: next });
    expect(await readdir(folder)).toHaveLength(1);
  });

  test('of many apps, with names that hold ends of lines, comes back, and has a line for each', async () => {
    const names = ['two\nlines', 'U+2028 \u2028 and €', 'ends in ]}', 'x'.repeat(200_000), ''];
    const many = checkpoint(
      'prod',
      Array.from({ length: 50 }, (_, at) => [`app-${at}`, knownApp({ name: names[at % names.length] ?? '' })]),
    );
    await saveCheckpoint(folder, many);
    expect(await loadCheckpoint(folder, 'prod')).toEqual({ type: 'checkpoint', checkpoint: many });
    const [name = ''] = await readdir(folder);
    const text = await readFile(join(folder, name), 'utf8');
    // Written and read one by one: all of them as one text would be in memory more than once.
    expect(text.split('\n')).toHaveLength(many.apps.length + 3);
  });

  test('passes by app by app, after what stands before them, and says at the end whether it is whole', async () => {
    const many = checkpoint(
      'prod',
      Array.from({ length: 50 }, (_, at) => [`app-${at}`, knownApp({ name: `App ${at}` })]),
    );
    await saveCheckpoint(folder, many);
    const { apps, ...head } = many;
    const told: unknown[] = [];
    const pass = (code: string) =>
      passCheckpoint(folder, code, (first) => {
        told.push(first);
        return (app) => told.push(app);
      });
    expect(await pass('prod')).toEqual({ type: 'checkpoint', checkpoint: head });
    expect(told).toEqual([head, ...apps]);
    expect(await pass('test')).toEqual({ type: 'none' });
    const [name = ''] = await readdir(folder);
    const path = join(folder, name);
    await truncate(path, (await stat(path)).size - 1);
    expect(await pass('prod')).toMatchObject({ type: 'damaged' });
  });

  test('that was cut off anywhere is damaged, and no crash', async () => {
    const path = await save();
    const { size } = await stat(path);
    for (const bytes of [size - 1, Math.floor(size / 2), 60, 10, 0]) {
      await truncate(path, bytes);
      expect(await loadCheckpoint(folder, 'prod'), `${bytes} bytes`).toEqual({
        type: 'damaged',
        why: 'it does not agree with its checksum',
      });
    }
    expect(await loadCheckpoints(folder)).toEqual([]);
  });

  test('in which one character is another is damaged', async () => {
    const path = await save();
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"Sales"', '"Salez"'));
    expect(await loadCheckpoint(folder, 'prod')).toMatchObject({ type: 'damaged' });
  });

  test('of another connection under this name is none', async () => {
    const path = await save();
    await saveCheckpoint(folder, { ...saved, code: 'test' });
    const other = (await readdir(folder)).find((name) => !path.endsWith(name)) ?? '';
    await rename(join(folder, other), path);
    expect(await loadCheckpoint(folder, 'prod')).toEqual({ type: 'none' });
  });

  test('of codes that differ in case only has a file of its own', async () => {
    await save();
    await saveCheckpoint(folder, { ...saved, code: 'PROD', name: 'beef' });
    expect(await loadCheckpoint(folder, 'prod')).toMatchObject({ checkpoint: { name: 'f00d' } });
    expect(await loadCheckpoint(folder, 'PROD')).toMatchObject({ checkpoint: { name: 'beef' } });
    expect(await loadCheckpoints(folder)).toHaveLength(2);
  });
});

describe('the journal of a crawl', () => {
  const begun = { code: 'prod', job: 'job-1', name: 'f00d', mode: 'delta' } as const;

  test('keeps what its job read, also behind a line that was torn', async () => {
    const first = await Journal.open(folder, begun);
    await first.app(APP_ID, knownApp());
    await first.close();
    const [name = ''] = await readdir(folder);
    await writeFile(join(folder, name), '{"t":"app","id":"x","ap', { flag: 'a' });
    const second = await Journal.open(folder, begun);
    await second.app('second', knownApp({ name: 'Other' }));
    await second.close();
    const noted = await readJournal(folder, 'prod', 'job-1');
    expect([...noted.apps]).toEqual([
      [APP_ID, knownApp()],
      ['second', knownApp({ name: 'Other' })],
    ]);
    expect(noted.own?.begun).toMatchObject(begun);
    expect(noted.interrupted.size).toBe(0);
  });

  test('of another job says which apps are unsure', async () => {
    const journal = await Journal.open(folder, begun);
    await journal.app(APP_ID, knownApp());
    await journal.site(saved.site);
    await journal.close();
    const noted = await readJournal(folder, 'prod', 'job-2');
    expect(noted).toMatchObject({ own: undefined, isSiteUnsure: true });
    expect([...noted.interrupted]).toEqual([APP_ID]);
  });

  test('goes with the checkpoint that says all of it', async () => {
    const journal = await Journal.open(folder, begun);
    await journal.done();
    expect(await readdir(folder)).toEqual([]);
  });
});
