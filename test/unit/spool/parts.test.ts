import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AttemptSpool } from '#agent/spool/attempt-spool.ts';
import { MAX_RECORD_BYTES, recordLine } from '#agent/spool/record-size.ts';
import { Spool } from '#agent/spool/spool.ts';
import { SpoolWriter } from '#agent/spool/writer.ts';
import { LIMITS } from '#protocol/constants.ts';
import { type DecodedFrame, decodeFrame } from '#protocol/frame.ts';
import type { AssetRecord } from '#protocol/records.ts';
import { attemptRecord } from './batches.ts';

let folder: string;
let spool: Spool;
let attempt: AttemptSpool;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-parts-'));
  spool = await Spool.open(folder);
  attempt = await spool.create(attemptRecord({ parts: true }));
});
afterEach(async () => {
  await spool.close();
  await rm(folder, { recursive: true, force: true });
});

const noise = (bytes: number): string => {
  let text = '';
  for (let n = 0; text.length < bytes; n += 1) text += createHash('sha256').update(`${n}`).digest('base64');
  return text.slice(0, bytes);
};
const script = (text: string): AssetRecord => ({
  t: 'asset',
  scope: 'site/a',
  key: 'site/a/script',
  kind: 'script',
  name: 'Load script',
  attributes: { text },
});
const small = (n: number): AssetRecord => ({ ...script(''), key: `site/a/${n}`, kind: 'sheet', name: `Sheet ${n}` });

const frames = async (): Promise<DecodedFrame[]> => {
  const all: DecodedFrame[] = [];
  for (let seq = 1; seq <= attempt.lastSeq; seq += 1) all.push(decodeFrame(await attempt.readFrame(seq)));
  return all;
};
const raw = ({ payload }: DecodedFrame): Buffer => zstdDecompressSync(payload);
const write = async (...records: readonly AssetRecord[]): Promise<void> => {
  const writer = new SpoolWriter(attempt, new AbortController().signal, () => undefined);
  for (const record of records) await writer.write(record);
  await writer.flush();
};

describe('a record that is too large for one batch', () => {
  test.each([
    ['that compresses', `LOAD a, "b\tc" FROM d;\n`.repeat(250_000)],
    ['that hardly compresses', noise(3_000_000)],
    ['whose characters have several bytes', '数据'.repeat(600_000)],
    ['just above what one batch takes', noise(MAX_RECORD_BYTES)],
  ])('is cut into parts that nothing comes between: one %s', async (_, text) => {
    await write(small(1), script(text), small(2));
    const all = await frames();
    const at = all.findIndex(({ part }) => part === 'first');
    const end = all.findIndex(({ part }) => part === 'last');
    expect(at).toBe(1);
    expect(end).toBe(all.length - 2);
    expect(end).toBeGreaterThan(at);
    expect(all.slice(at + 1, end).every(({ part }) => part === 'middle')).toBe(true);
    expect(all.map(({ records }) => records)).toEqual(all.map((_frame, n) => (n < at || n >= end ? 1 : 0)));
    expect(Buffer.concat(all.slice(at, end + 1).map(raw)).equals(Buffer.from(recordLine(script(text))))).toBe(true);
    expect(attempt.records).toBe(3);
  });

  test('that does not compress at all stays below the number of parts a catalog takes', async () => {
    const shell = Buffer.byteLength(recordLine(script('')));
    const record = script(noise(LIMITS.recordBytes - shell));
    expect(Buffer.byteLength(recordLine(record))).toBe(LIMITS.recordBytes);
    await write(record);
    expect(attempt.lastSeq).toBeLessThanOrEqual(LIMITS.recordParts / 2);
    await expect(write(script(noise(LIMITS.recordBytes - shell + 1)))).rejects.toMatchObject({ code: 'internal' });
  });

  test('is refused when the job came from a catalog that takes no parts', async () => {
    await spool.remove(attempt);
    attempt = await spool.create(attemptRecord());
    const writer = new SpoolWriter(attempt, new AbortController().signal, () => undefined);
    expect(writer.maxRecordBytes).toBe(MAX_RECORD_BYTES);
    await expect(writer.write(script(noise(2_000_000)))).rejects.toMatchObject({ code: 'internal' });
  });

  test('ends its scope with its last part only', async () => {
    const missing = { what: 'x'.repeat(1_000), code: 'qlik.unreachable', message: 'm', advice: 'a' };
    const writer = new SpoolWriter(attempt, new AbortController().signal, () => undefined);
    const all = Array.from({ length: 2_000 }, () => missing);
    await writer.write({
      t: 'outcome',
      scope: 'site/a',
      outcome: 'partial',
      records: 0,
      sha256: '0'.repeat(64),
      missing: all,
    });
    await writer.flush();
    expect(attempt.completedScopes()).toEqual(new Set(['site/a']));
    await spool.close();
    const [segment] = await segments();
    if (!segment) throw new Error('no segment');
    // One byte less: the last part is torn.
    await truncate(segment, (await stat(segment)).size - 1);
    spool = await Spool.open(folder);
    expect(spool.attempts[0]?.completedScopes()).toEqual(new Set());
  });

  test('torn in the middle leaves parts that the next batch does not continue', async () => {
    await write(script(noise(3_000_000)));
    const whole = attempt.lastSeq;
    await spool.close();
    const [segment] = await segments();
    if (!segment) throw new Error('no segment');
    await truncate(segment, (await stat(segment)).size >> 1);
    spool = await Spool.open(folder);
    const [again] = spool.attempts;
    if (!again) throw new Error('the attempt is gone');
    attempt = again;
    expect(attempt.held()).toMatchObject({ parts: true });
    const left = attempt.lastSeq;
    expect(left).toBeGreaterThan(1);
    expect(left).toBeLessThan(whole);
    await write(small(1), script(noise(2_000_000)));
    const all = await frames();
    expect(all.slice(0, left + 2).map(({ part }) => part)).toEqual([
      'first',
      ...Array(left - 1).fill('middle'),
      undefined,
      'first',
    ]);
    expect(attempt.records).toBe(2);
  });
});

const segments = async (): Promise<string[]> =>
  (await readdir(folder, { recursive: true }))
    .filter((name) => name.endsWith('.seg'))
    .map((name) => join(folder, name));
