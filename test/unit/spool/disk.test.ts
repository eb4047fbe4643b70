import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeDisk } from '#agent/spool/disk.ts';
import { patiently } from '#config/durable-file.ts';
import { errno } from './batches.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-disk-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a file that a virus scanner holds', () => {
  test.each(['EPERM', 'EBUSY', 'EACCES'])('is tried again after %s', async (code) => {
    const waits: number[] = [];
    let tries = 0;
    const act = async (): Promise<string> => {
      tries += 1;
      if (tries < 4) throw errno(code);
      return 'done';
    };
    expect(await patiently(act, async (ms) => waits.push(ms))).toBe('done');
    expect(waits).toEqual([5, 10, 20]);
  });

  test('is given up after a bounded time, with its own error', async () => {
    let waited = 0;
    const held = patiently(
      () => Promise.reject(errno('EBUSY')),
      async (ms) => {
        waited += ms;
      },
    );
    await expect(held).rejects.toMatchObject({ code: 'EBUSY' });
    expect(waited).toBeLessThan(2_000);
  });

  test.each(['ENOSPC', 'EIO', 'ENOENT'])('is not what %s means', async (code) => {
    let tries = 0;
    const act = (): Promise<never> => {
      tries += 1;
      return Promise.reject(errno(code));
    };
    await expect(patiently(act, async () => undefined)).rejects.toMatchObject({ code });
    expect(tries).toBe(1);
  });
});

describe('the disk', () => {
  test('replaces a file as a whole and leaves nothing beside it', async () => {
    const path = join(folder, 'state.json');
    await nodeDisk.replaceFile(path, Buffer.from('one'));
    await nodeDisk.replaceFile(path, Buffer.from('two'));
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  test('does not mind that a file to remove is gone', async () => {
    await nodeDisk.removeFile(join(folder, 'nothing'));
    await nodeDisk.removeFolder(join(folder, 'nothing'));
  });

  test('reads less at the end of a file', async () => {
    const file = await nodeDisk.create(join(folder, 'file'));
    await file.write(Buffer.from('abc'), 0);
    expect(Buffer.from(await file.read(1, 10)).toString()).toBe('bc');
    await file.close();
  });
});
