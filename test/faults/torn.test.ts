import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { RecordGate } from '#agent/bridge/record-gate.ts';
import type { AttemptRecord } from '#agent/spool/attempt-record.ts';
import { type AttemptSpool, RECORD_FILE } from '#agent/spool/attempt-spool.ts';
import { Spool } from '#agent/spool/spool.ts';
import { SpoolWriter } from '#agent/spool/writer.ts';
import { decodeFrame } from '#protocol/frame.ts';
import { scopeRecords } from '#test/unit/bridge/site.ts';
import { attemptRecord } from '#test/unit/spool/batches.ts';
import { memoryDisk } from './memory-disk.ts';

const FOLDER = '/spool';
const SCOPES = ['site/a', 'site/b', 'site/c', 'site/d'];
/** Two batches fit into one. */
const SEGMENT_BYTES = 1_200;
const signal = new AbortController().signal;

/** What a crawl left: the files, the frames in their order, and the record of the attempt, sealed. */
interface Left {
  readonly files: ReadonlyMap<string, Buffer>;
  readonly frames: readonly Buffer[];
  readonly record: AttemptRecord;
}

const crawl = async (attempt: AttemptSpool, scopes: readonly string[]): Promise<void> => {
  for (const scope of scopes) {
    const writer = new SpoolWriter(attempt, signal, () => undefined);
    const gate = new RecordGate(writer);
    for (const record of scopeRecords(scope, 2, 20)) await gate.write(record);
    await writer.flush();
    await writer.idle();
  }
};

const leave = async (): Promise<Left> => {
  const files = new Map<string, Buffer>();
  const spool = await Spool.open(FOLDER, { disk: memoryDisk(files), segmentBytes: SEGMENT_BYTES });
  const attempt = await spool.create(attemptRecord({ spec: '{"jobId":"job-1","kind":"crawl"}', parts: true }));
  await crawl(attempt, SCOPES);
  await attempt.seal('ok');
  const frames: Buffer[] = [];
  for (let seq = 1; seq <= attempt.lastSeq; seq += 1) frames.push(Buffer.from(await attempt.readFrame(seq)));
  await spool.close();
  return { files: new Map(files), frames, record: attempt.record };
};

let left: Left;
beforeAll(async () => {
  left = await leave();
});

/** The records of a frame, by scope. */
const scopesIn = (frame: Uint8Array): string[] =>
  zstdDecompressSync(decodeFrame(frame).payload)
    .toString()
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { scope: string }).scope]));

/**
 * Opens a spool of which one file is damaged. What it holds must be a beginning of what was written, and what it says of
 * that must be true; then the crawl goes on where the spool says, and in the end everything is there once.
 * @returns how many batches were kept; undefined when the attempt is gone as a whole
 */
const reopen = async (path: string, bytes: Buffer, where: string): Promise<number | undefined> => {
  const files = new Map(left.files).set(path, bytes);
  const options = { disk: memoryDisk(files), segmentBytes: SEGMENT_BYTES };
  const spool = await Spool.open(FOLDER, options);
  const [attempt] = spool.attempts;
  if (!attempt) {
    await spool.close();
    return undefined;
  }
  const { lastSeq, record } = attempt;
  const { trimmedSeq, frameBytes } = attempt.held();
  if (trimmedSeq !== 0 || frameBytes.length !== lastSeq)
    throw new Error(`${where}: batches are missing at the beginning`);
  for (let seq = 1; seq <= lastSeq; seq += 1)
    if (!left.frames[seq - 1]?.equals(await attempt.readFrame(seq)))
      throw new Error(`${where}: batch ${seq} is another`);
  const complete = new Set(left.frames.slice(0, lastSeq).flatMap(scopesIn));
  const said = attempt.completedScopes();
  if (said.size !== complete.size || [...said].some((scope) => !complete.has(scope)))
    throw new Error(`${where}: the complete scopes are wrong`);
  const whole = lastSeq === left.frames.length;
  const expected = whole ? left.record : { ...left.record, seal: undefined };
  if (JSON.stringify({ ...record, seal: record.seal }) !== JSON.stringify(expected))
    throw new Error(`${where}: the record of the attempt is another`);
  // It goes on from there.
  if (!whole) {
    await crawl(
      attempt,
      SCOPES.filter((scope) => !said.has(scope)),
    );
    await attempt.seal('ok');
  }
  await spool.close();
  const again = await Spool.open(FOLDER, options);
  const [resumed] = again.attempts;
  if (resumed?.record.seal === undefined || resumed.lastSeq !== left.frames.length)
    throw new Error(`${where}: the attempt was not finished`);
  for (let seq = 1; seq <= resumed.lastSeq; seq += 1) {
    const frame = await resumed.readFrame(seq);
    if (
      !zstdDecompressSync(decodeFrame(frame).payload).equals(
        zstdDecompressSync(decodeFrame(left.frames[seq - 1] ?? frame).payload),
      )
    )
      throw new Error(`${where}: batch ${seq} was written again otherwise`);
  }
  await again.close();
  return lastSeq;
};

const paths = (): { readonly segments: string[]; readonly record: string } => {
  const all = [...left.files.keys()].sort();
  const record = all.find((path) => path.endsWith(`/${RECORD_FILE}`)) ?? join(FOLDER, 'none');
  return { segments: all.filter((path) => path.endsWith('.seg')), record };
};

const cut = (path: string, at: number): Buffer => (left.files.get(path) ?? Buffer.alloc(0)).subarray(0, at);
const flip = (path: string, at: number, bit: number): Buffer => {
  const bytes = Buffer.from(left.files.get(path) ?? []);
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
  return bytes;
};
const sizeOf = (path: string): number => left.files.get(path)?.length ?? 0;

test('an undamaged spool is found as it was left, over more than one segment', async () => {
  const { segments, record } = paths();
  expect(segments.length).toBeGreaterThan(1);
  expect(left.frames.length).toBe(SCOPES.length);
  for (const path of [...segments, record]) expect(await reopen(path, cut(path, sizeOf(path)), 'whole')).toBe(4);
});

test('a segment cut at any byte keeps whole batches, and the crawl writes the others again', async () => {
  for (const [index, path] of paths().segments.entries()) {
    const kept: number[] = [];
    for (let at = 0; at < sizeOf(path); at += 1)
      kept.push((await reopen(path, cut(path, at), `${path}, ${at} bytes`)) ?? -1);
    expect(kept).toEqual([...kept].sort((a, b) => a - b));
    if (index === 0) expect(kept[0]).toBe(0);
    expect(kept.at(-1)).toBeLessThan(SCOPES.length);
    expect(kept.every((count) => count >= 0)).toBe(true);
  }
});

test('a segment with any bit changed at any byte never yields other data than was written', async () => {
  for (const path of paths().segments)
    for (let at = 0; at < sizeOf(path); at += 1) {
      const kept = await reopen(path, flip(path, at, at % 8), `${path}, byte ${at}`);
      if (kept === undefined || kept >= SCOPES.length)
        throw new Error(`${path}, byte ${at}: the damage was not noticed`);
    }
});

test('the record of an attempt, cut or changed at any byte, is as it was or the attempt is gone', async () => {
  const { record } = paths();
  let gone = 0;
  for (let at = 0; at < sizeOf(record); at += 1) {
    if ((await reopen(record, cut(record, at), `record of ${at} bytes`)) === undefined) gone += 1;
    for (let bit = 0; bit < 8; bit += 1) {
      const kept = await reopen(record, flip(record, at, bit), `record, byte ${at}, bit ${bit}`);
      if (kept !== undefined) throw new Error(`record, byte ${at}, bit ${bit}: the damage was not noticed`);
    }
  }
  // All but the last line end: what is cut off there says nothing.
  expect(gone).toBeGreaterThan(sizeOf(record) - 12);
});
