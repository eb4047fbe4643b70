import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RECORD_FILE } from '#agent/spool/attempt-spool.ts';
import { Spool } from '#agent/spool/spool.ts';
import { decodeFrame } from '#protocol/frame.ts';
import { attemptRecord, batch } from './batches.ts';

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-torn-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
const BATCHES = 4;

/** A spool with a few small batches, and the bytes of its one segment. */
const written = async (): Promise<{ segment: Buffer; name: string; attempt: string; frames: Buffer[] }> => {
  const spool = await Spool.open(join(folder, 'whole'));
  const attempt = await spool.create(attemptRecord());
  const frames: Buffer[] = [];
  for (let n = 1; n <= BATCHES; n += 1) {
    const { seq } = await attempt.append(batch(`batch ${n}`, n === 2 ? ['site/a'] : []), signal);
    frames.push(Buffer.from(await attempt.readFrame(seq)));
  }
  await spool.close();
  const [name = ''] = await readdir(join(folder, 'whole'));
  const path = join(folder, 'whole', name);
  const [segment = ''] = (await readdir(path)).filter((file) => file.endsWith('.seg'));
  return { segment: await readFile(join(path, segment)), name: segment, attempt: path, frames };
};

/** Opens a spool whose segment has these bytes: what it holds must be a prefix of what was written. */
const reopen = async (whole: Awaited<ReturnType<typeof written>>, bytes: Buffer, at: number): Promise<number> => {
  const target = join(folder, 'torn', 'x');
  await rm(join(folder, 'torn'), { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  await copyFile(join(whole.attempt, RECORD_FILE), join(target, RECORD_FILE));
  await writeFile(join(target, whole.name), bytes);
  const spool = await Spool.open(join(folder, 'torn'));
  const [attempt] = spool.attempts;
  if (!attempt) throw new Error(`byte ${at}: the attempt is gone`);
  for (let seq = 1; seq <= attempt.lastSeq; seq += 1)
    expect(Buffer.from(await attempt.readFrame(seq)), `byte ${at}, batch ${seq}`).toEqual(whole.frames[seq - 1]);
  expect([...attempt.completedScopes()], `byte ${at}`).toEqual(attempt.lastSeq >= 2 ? ['site/a'] : []);
  // It can be written on, and read again.
  const before = attempt.lastSeq;
  const { seq } = await attempt.append(batch('after'), signal);
  expect(seq, `byte ${at}`).toBe(before + 1);
  await spool.close();
  const again = await Spool.open(join(folder, 'torn'));
  expect(again.attempts[0]?.lastSeq, `byte ${at}, reopened`).toBe(before + 1);
  expect(decodeFrame((await again.attempts[0]?.readFrame(before + 1)) ?? new Uint8Array()).seq).toBe(before + 1);
  await again.close();
  return before;
};

test('a segment cut at any byte keeps its whole batches and nothing else', async () => {
  const whole = await written();
  const kept: number[] = [];
  for (let at = 0; at <= whole.segment.length; at += 1)
    kept.push(await reopen(whole, whole.segment.subarray(0, at), at));
  expect(kept).toEqual([...kept].sort((a, b) => a - b));
  expect(kept.at(0)).toBe(0);
  expect(kept.at(-1)).toBe(BATCHES);
});

test('a segment with any byte changed never yields another batch than was written', async () => {
  const whole = await written();
  for (let at = 0; at < whole.segment.length; at += 1) {
    const bytes = Buffer.from(whole.segment);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
    expect(await reopen(whole, bytes, at), `byte ${at}`).toBeLessThan(BATCHES);
  }
});
