import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RECORD_FILE } from '#agent/spool/attempt-spool.ts';
import { Spool } from '#agent/spool/spool.ts';
import { attemptRecord, batch, watchedDisk } from './batches.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-damaged-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;

const fileOf = async (match: (name: string) => boolean): Promise<string> => {
  const [attempt = ''] = await readdir(folder);
  const [name = ''] = (await readdir(join(folder, attempt))).filter(match);
  return join(folder, attempt, name);
};

describe('a spool that the simulation broke', () => {
  test('syncs what a killed process wrote and had not synced, before it counts as durable', async () => {
    await using killed = await closing(await Spool.open(folder));
    await (await killed.spool.create(attemptRecord())).append(batch('written'), signal);
    const synced: string[] = [];
    const disk = watchedDisk((what, path) => void (what === 'datasync' && synced.push(path)));
    await using next = await closing(await Spool.open(folder, { disk }));
    expect(next.spool.attempts.map(({ lastSeq }) => lastSeq)).toEqual([1]);
    expect(synced).toEqual([await fileOf((name) => name.endsWith('.seg'))]);
  });

  test('sends no batch that the disk changed: every gateway would refuse it, in every session', async () => {
    await using open = await closing(await Spool.open(folder));
    const attempt = await open.spool.create(attemptRecord());
    await attempt.append(batch('some text'), signal);
    expect(Buffer.from(await attempt.readFrame(1)).toString()).toContain('some text');
    const path = await fileOf((name) => name.endsWith('.seg'));
    const bytes = await readFile(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(path, bytes);
    await expect(attempt.readFrame(1)).rejects.toMatchObject({ code: 'spool.failed' });
  });

  test('knows no attempt whose record has one bit changed, wherever it is', async () => {
    await using open = await closing(await Spool.open(folder));
    await open.spool.create(attemptRecord());
    const path = await fileOf((name) => name === RECORD_FILE);
    const [attemptFolder = ''] = await readdir(folder);
    const whole = await readFile(path);
    for (let at = 0; at < whole.length - 1; at += 1) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
      const copy = await mkdtemp(join(tmpdir(), 'culvert-damaged-copy-'));
      try {
        const target = await mkFolder(join(copy, attemptFolder));
        await writeFile(join(target, RECORD_FILE), bytes);
        await using reopened = await closing(await Spool.open(copy));
        expect(reopened.spool.attempts, `byte ${at}`).toEqual([]);
      } finally {
        await rm(copy, { recursive: true, force: true });
      }
    }
  });
});

const mkFolder = async (path: string): Promise<string> => {
  await mkdir(path, { recursive: true });
  return path;
};

const closing = async (spool: Spool): Promise<{ readonly spool: Spool } & AsyncDisposable> => ({
  spool,
  [Symbol.asyncDispose]: () => spool.close(),
});
