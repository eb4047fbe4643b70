import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quotaBytes } from '#agent/spool/quota.ts';
import { Spool } from '#agent/spool/spool.ts';
import type { Fault } from '#protocol/errors.ts';
import { decodeFrame } from '#protocol/frame.ts';
import { attemptRecord, batch, errno, watchedDisk } from './batches.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-spool-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const signal = new AbortController().signal;

describe('an attempt in the spool', () => {
  test('is found again as it was, with its numbering, hash and complete scopes', async () => {
    const spool = await Spool.open(folder, { segmentBytes: 200 });
    const attempt = await spool.create(attemptRecord());
    for (let n = 1; n <= 9; n += 1) await attempt.append(batch(`batch ${n}`, n % 3 === 0 ? [`site/${n}`] : []), signal);
    await attempt.trim(5);
    const frames = await Promise.all([6, 7, 8, 9].map((seq) => attempt.readFrame(seq)));
    await spool.close();

    const again = await Spool.open(folder, { segmentBytes: 200 });
    const [found] = again.attempts;
    expect(found?.record).toEqual(attemptRecord());
    expect(found?.lastSeq).toBe(9);
    expect([...(found?.completedScopes() ?? [])]).toEqual(['site/3', 'site/6', 'site/9']);
    const held = found?.held();
    expect((held?.trimmedSeq ?? 0) + (held?.frameBytes.length ?? 0)).toBe(9);
    expect(held?.trimmedSeq).toBeGreaterThan(0);
    expect(await Promise.all([6, 7, 8, 9].map((seq) => found?.readFrame(seq)))).toEqual(frames);
    const seal = await found?.seal('ok');
    // Over the checksums of all batches, also of those that were deleted before the restart.
    const packed = Buffer.alloc(36);
    const fresh = await Spool.open(join(folder, 'fresh'));
    const copy = await fresh.create(attemptRecord());
    for (let n = 1; n <= 9; n += 1) {
      await copy.append(batch(`batch ${n}`), signal);
      packed.writeUInt32BE(decodeFrame(await copy.readFrame(n)).crc32, (n - 1) * 4);
    }
    await fresh.remove(copy);
    expect(seal).toEqual({
      lastSeq: 9,
      records: 9,
      sha256: createHash('sha256').update(packed).digest('hex'),
      result: 'ok',
      error: undefined,
    });
    await again.close();
  });

  test('keeps how it ended', async () => {
    const spool = await Spool.open(folder);
    const attempt = await spool.create(attemptRecord());
    await attempt.append(batch('one'), signal);
    const seal = await attempt.seal('cancelled', {
      code: 'job.cancelled',
      message: 'by a person',
      retryable: false,
      advice: 'none',
    });
    await spool.close();
    const again = await Spool.open(folder);
    expect(again.attempts[0]?.held().seal).toEqual(seal);
    await again.close();
  });

  test('that was sealed but lost batches to the disk is open again', async () => {
    const spool = await Spool.open(folder);
    const attempt = await spool.create(attemptRecord());
    await attempt.append(batch('one'), signal);
    await attempt.append(batch('two'), signal);
    await attempt.seal('ok');
    await spool.close();
    const [name = ''] = await readdir(folder);
    const [segment = ''] = (await readdir(join(folder, name))).filter((file) => file.endsWith('.seg'));
    const path = join(folder, name, segment);
    await truncate(path, (await stat(path)).size - 1);
    const again = await Spool.open(folder);
    expect(again.attempts[0]?.held()).toMatchObject({ seal: undefined, frameBytes: [expect.any(Number)] });
    await again.close();
  });

  test('is gone when it was removed, and so is what a half removal left', async () => {
    const spool = await Spool.open(folder);
    const attempt = await spool.create(attemptRecord());
    await attempt.append(batch('one'), signal);
    expect(spool.usedBytes).toBeGreaterThan(0);
    await spool.remove(attempt);
    expect(spool.usedBytes).toBe(0);
    expect(await readdir(folder)).toEqual([]);
    const half = join(folder, `${'0'.repeat(24)}-1`);
    await mkdir(half);
    await writeFile(join(half, '000000000001.seg'), 'left over');
    const again = await Spool.open(folder);
    expect(again.attempts).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });

  test('does not mind what others put beside it, and leaves it there', async () => {
    await mkdir(join(folder, 'lost+found'));
    await writeFile(join(folder, 'lost+found', 'file'), 'x');
    await writeFile(join(folder, 'desktop.ini'), 'x');
    const spool = await Spool.open(folder);
    const attempt = await spool.create(attemptRecord());
    await attempt.append(batch('one'), signal);
    await spool.close();
    const [own = ''] = (await readdir(folder)).filter((name) => /^[0-9a-f]{24}-1$/.test(name));
    for (const name of ['desktop.ini', 'attempt.json.0123456789abcdef', '000000000001.seg.bak'])
      await writeFile(join(folder, own, name), 'x');
    const again = await Spool.open(folder);
    expect(again.attempts.map(({ lastSeq }) => lastSeq)).toEqual([1]);
    for (const one of again.attempts) await again.remove(one);
    expect(await readdir(folder)).toEqual(['desktop.ini', 'lost+found']);
  });

  test('with a hole between segments keeps only what is before the hole', async () => {
    const spool = await Spool.open(folder, { segmentBytes: 150 });
    const attempt = await spool.create(attemptRecord());
    for (let n = 1; n <= 8; n += 1) await attempt.append(batch(`batch ${n}`), signal);
    await spool.close();
    const [name = ''] = await readdir(folder);
    const segments = (await readdir(join(folder, name))).filter((file) => file.endsWith('.seg')).sort();
    expect(segments.length).toBeGreaterThan(2);
    await rm(join(folder, name, segments[1] ?? ''));
    const again = await Spool.open(folder, { segmentBytes: 150 });
    const found = again.attempts[0];
    expect(found?.lastSeq).toBe(Number(segments[1]?.slice(0, 12)) - 1);
    expect((await readdir(join(folder, name))).filter((file) => file.endsWith('.seg'))).toEqual([segments[0]]);
    await again.close();
  });

  test('makes room again after a segment that could not be deleted', async () => {
    let refusals = 1;
    const disk = watchedDisk((what) => {
      if (what === 'removeFile' && refusals-- > 0) throw errno('EIO');
    });
    const spool = await Spool.open(folder, { disk, segmentBytes: 200 });
    const attempt = await spool.create(attemptRecord());
    for (let n = 1; n <= 9; n += 1) await attempt.append(batch(`batch ${n}`), signal);
    const before = spool.usedBytes;
    await expect(attempt.trim(4)).rejects.toThrow('EIO');
    await attempt.trim(9);
    expect(spool.usedBytes).toBeLessThan(before);
    await spool.close();
  });

  test('has files that only this user can read', async () => {
    const spool = await Spool.open(folder);
    const attempt = await spool.create(attemptRecord());
    await attempt.append(batch('one'), signal);
    await spool.close();
    const [name = ''] = await readdir(folder);
    for (const file of await readdir(join(folder, name)))
      expect((await stat(join(folder, name, file))).mode & 0o077).toBe(0);
  });
});

describe('room', () => {
  test('is a gibibyte, or a tenth of what would be free', () => {
    expect(quotaBytes(100 * 1024 ** 3, 0)).toBe(1024 ** 3);
    expect(quotaBytes(1000, 200)).toBe(120);
  });

  test('that is used up makes the writer wait until something is trimmed, and says so', async () => {
    const faults: (string | undefined)[] = [];
    const full = Promise.withResolvers<void>();
    const spool = await Spool.open(folder, {
      quotaBytes: 2_000,
      segmentBytes: 400,
      onFault: (fault) => {
        faults.push(fault?.code);
        full.resolve();
      },
    });
    const attempt = await spool.create(attemptRecord());
    const text = 'x'.repeat(200);
    let waiting: Promise<unknown> | undefined;
    let last = 0;
    while (spool.fault === undefined) {
      waiting = attempt.append(batch(text), signal).then(({ seq }) => {
        last = seq;
      });
      await Promise.race([waiting, full.promise]);
    }
    expect(faults).toEqual(['spool.full']);
    const before = last;
    await attempt.trim(before);
    await waiting;
    expect(last).toBe(before + 1);
    expect(faults).toEqual(['spool.full', undefined]);
    expect(spool.usedBytes).toBeLessThanOrEqual(2_000);
    await spool.close();
  });

  test('a quota smaller than a segment goes on as soon as all of it was acknowledged', async () => {
    let full = Promise.withResolvers<boolean>();
    const spool = await Spool.open(folder, {
      quotaBytes: 1_500,
      segmentBytes: 1 << 20,
      onFault: (fault) => fault && full.resolve(true),
    });
    const attempt = await spool.create(attemptRecord());
    // Far more than fits: each time that it is full the catalog acknowledges what there is.
    for (let n = 1; n <= 60; n += 1) {
      full = Promise.withResolvers();
      const appended = attempt.append(batch('x'.repeat(200) + n), signal);
      const first = await Promise.race([appended, full.promise]);
      if (first === true) await attempt.trim(n - 1);
      expect((await appended).seq).toBe(n);
    }
    expect(attempt.held().trimmedSeq).toBeGreaterThan(40);
    await spool.close();
    const [found] = (await Spool.open(folder)).attempts;
    expect(found?.lastSeq).toBe(60);
    expect(found?.records).toBe(60);
    await found?.close();
  });

  test('that is used up ends the wait of a job that was cancelled', async () => {
    const spool = await Spool.open(folder, { quotaBytes: 10 });
    const attempt = await spool.create(attemptRecord());
    const cancel = new AbortController();
    await attempt.append(batch('one'), cancel.signal);
    const waiting = attempt.append(batch('two'), cancel.signal);
    cancel.abort(new Error('cancelled'));
    await expect(waiting).rejects.toThrow('cancelled');
    await spool.close();
  });

  test.each([
    ['ENOSPC', 'spool.full'],
    ['EDQUOT', 'spool.full'],
    ['EBUSY', 'spool.failed'],
    ['EPERM', 'spool.failed'],
    ['EACCES', 'spool.failed'],
  ])('on the disk that takes nothing for a while (%s) is waited for, and nothing is lost', async (code, told) => {
    let full = false;
    const faults: (Fault | undefined)[] = [];
    const disk = watchedDisk((what) => {
      if (full && (what === 'write' || what === 'create')) throw errno(code);
    });
    const spool = await Spool.open(folder, { disk, onFault: (fault) => faults.push(fault) });
    const attempt = await spool.create(attemptRecord());
    await attempt.append(batch('one'), signal);
    full = true;
    const waiting = attempt.append(batch('two'), signal);
    await expect.poll(() => faults.length).toBe(1);
    expect(faults[0]).toMatchObject({ code: told, retryable: true });
    full = false;
    // Another attempt that goes away is a reason to try again.
    await spool.remove(await spool.create(attemptRecord({ jobId: 'job-2' })));
    expect(await waiting).toMatchObject({ seq: 2 });
    expect(faults.at(-1)).toBeUndefined();
    await spool.close();
    const again = await Spool.open(folder);
    expect(again.attempts[0]?.lastSeq).toBe(2);
    await again.close();
  });
});

describe('a disk that fails', () => {
  test('is a fault that names the folder, and counts nothing as written', async () => {
    let broken = false;
    const disk = watchedDisk((what) => {
      if (broken && what === 'datasync') throw errno('EIO');
    });
    const spool = await Spool.open(folder, { disk });
    const attempt = await spool.create(attemptRecord());
    await attempt.append(batch('one'), signal);
    const { usedBytes } = spool;
    broken = true;
    await expect(attempt.append(batch('two'), signal)).rejects.toMatchObject({
      code: 'spool.failed',
      message: expect.stringContaining(folder),
    });
    expect(attempt.lastSeq).toBe(1);
    expect(spool.usedBytes).toBe(usedBytes);
    await spool.close();
  });

  test('is asked for every batch: none is handed out before it is on the disk', async () => {
    const done: string[] = [];
    const disk = watchedDisk((what, path) => {
      if (path.endsWith('.seg')) done.push(what);
    });
    const spool = await Spool.open(folder, { disk });
    const attempt = await spool.create(attemptRecord());
    await attempt.append(batch('one'), signal);
    done.length = 0;
    await attempt.append(batch('two'), signal);
    expect(done).toEqual(['write', 'datasync']);
    await spool.close();
  });
});
