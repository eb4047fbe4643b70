import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AttemptSpool } from '#agent/spool/attempt-spool.ts';
import { Spool } from '#agent/spool/spool.ts';
import { decodeFrame } from '#protocol/frame.ts';
import { attemptRecord, batch, errno, watchedDisk } from './batches.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-failing-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
const SEGMENT_BYTES = 700;

/** Numbers in [0, 1) from a seed (mulberry32). */
const chance = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};

const text = async (attempt: AttemptSpool, seq: number): Promise<string> =>
  Buffer.from(decodeFrame(await attempt.readFrame(seq)).payload).toString();

/** Every batch that was numbered and not trimmed is there, and is what was written. */
const holds = async (attempt: AttemptSpool, written: readonly string[]): Promise<void> => {
  for (let seq = attempt.held().trimmedSeq + 1; seq <= written.length; seq += 1)
    expect(await text(attempt, seq)).toBe(written[seq - 1]);
};

test.each(Array.from({ length: 60 }, (_, n) => n + 1))(
  'seed %i: whatever the disk refuses, what was numbered is there, here and after a restart',
  async (seed) => {
    const random = chance(seed);
    const share = [0.05, 0.2, 0.5][seed % 3] ?? 0;
    let failing = true;
    const code = (): string => ['ENOSPC', 'EBUSY', 'EIO', 'EROFS', 'EPERM'][Math.floor(random() * 5)] ?? 'EIO';
    const disk = watchedDisk((what) => {
      if (failing && what !== 'read' && random() < share) throw errno(code());
    });
    const written: string[] = [];
    let acked = 0;
    let spool = await Spool.open(folder, { disk, segmentBytes: SEGMENT_BYTES, quotaBytes: 1e9 });
    failing = false;
    let attempt = await spool.create(attemptRecord());
    for (let step = 0; step < 40; step += 1) {
      failing = true;
      const what = random();
      if (what < 0.7) {
        const content = `batch ${seed}/${step} ${'x'.repeat(Math.floor(random() * 200))}`;
        // What passes is waited for: a moment later the disk works again.
        const appended = attempt.append(batch(content), signal).then(
          () => true,
          () => false,
        );
        const done = await Promise.race([
          appended,
          new Promise<undefined>((resolve) => setImmediate(resolve, undefined)),
        ]);
        if (done === undefined) {
          failing = false;
          // Whoever waits is woken, as by a batch that was acknowledged.
          const woken = setInterval(() => void attempt.trim(0).catch(() => undefined), 1);
          await appended;
          clearInterval(woken);
        }
        if (await appended) written.push(content);
      } else if (what < 0.9) {
        acked = Math.max(acked, Math.floor(random() * written.length));
        await attempt.trim(acked).catch(() => undefined);
      } else {
        failing = false;
        await spool.close();
        spool = await Spool.open(folder, { disk, segmentBytes: SEGMENT_BYTES, quotaBytes: 1e9 });
        const [found] = spool.attempts;
        if (!found) throw new Error('the attempt is gone');
        attempt = found;
        // A batch that the disk took although it said no may be there too; its number was never given out.
        expect(attempt.lastSeq).toBeGreaterThanOrEqual(written.length);
        expect(attempt.lastSeq).toBeLessThanOrEqual(written.length + 1);
        if (attempt.lastSeq > written.length) written.push(await text(attempt, attempt.lastSeq));
      }
      failing = false;
      await holds(attempt, written);
    }
    await attempt.seal('ok');
    await spool.close();
    const last = await Spool.open(folder, { segmentBytes: SEGMENT_BYTES });
    expect(last.attempts[0]?.record.seal?.lastSeq).toBe(written.length);
    for (const one of last.attempts) {
      await holds(one, written);
      await last.remove(one);
    }
    expect(last.usedBytes).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  },
);

test('a batch that a scanner holds is read as soon as it lets go', async () => {
  let refusals = 3;
  const disk = watchedDisk((what) => {
    if (what === 'read' && refusals-- > 0) throw errno('EBUSY');
  });
  const spool = await Spool.open(folder, { disk, readAgainMs: 1 });
  const attempt = await spool.create(attemptRecord());
  await attempt.append(batch('one'), signal);
  expect(await text(attempt, 1)).toBe('one');
  await spool.close();
});

test('an attempt whose files are held is removed by a later try, and its room is given back then', async () => {
  let held = true;
  const disk = watchedDisk((what) => {
    if (held && what === 'removeFile') throw errno('EBUSY');
  });
  const spool = await Spool.open(folder, { disk, quotaBytes: 1e9 });
  const attempt = await spool.create(attemptRecord());
  await attempt.append(batch('one'), signal);
  await expect(spool.remove(attempt)).rejects.toThrow('EBUSY');
  expect(spool.usedBytes).toBeGreaterThan(0);
  held = false;
  await spool.remove(attempt);
  expect(spool.usedBytes).toBe(0);
  expect(await readdir(folder)).toEqual([]);
});

test('how an attempt ended is written when the disk takes it again, unless the agent ends first', async () => {
  let full = false;
  const disk = watchedDisk((what) => {
    if (full && what === 'replaceFile') throw errno('ENOSPC');
  });
  const faults: unknown[] = [];
  const spool = await Spool.open(folder, { disk, onFault: (fault) => faults.push(fault?.code) });
  const attempt = await spool.create(attemptRecord());
  full = true;
  const ending = new AbortController();
  const given = attempt.seal('ok', undefined, ending.signal);
  await expect.poll(() => faults.length).toBe(1);
  ending.abort(new Error('the agent ends'));
  await expect(given).rejects.toThrow('the agent ends');
  expect(attempt.record.seal).toBeUndefined();
  const sealing = attempt.seal('ok');
  full = false;
  // Another attempt that goes away is a reason to try again.
  await spool.remove(await spool.create(attemptRecord({ jobId: 'job-2' })));
  expect(await sealing).toMatchObject({ result: 'ok' });
  expect(faults).toEqual(['spool.full', undefined]);
  await spool.close();
});
