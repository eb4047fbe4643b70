import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AttemptSpool } from '#agent/spool/attempt-spool.ts';
import { fitRecord, MAX_RECORD_BYTES, recordLine } from '#agent/spool/record-size.ts';
import { Spool } from '#agent/spool/spool.ts';
import { SpoolWriter } from '#agent/spool/writer.ts';
import { LIMITS } from '#protocol/constants.ts';
import { decodeFrame } from '#protocol/frame.ts';
import type { AssetRecord, StreamRecord } from '#protocol/records.ts';
import { attemptRecord, errno, watchedDisk } from './batches.ts';

let folder: string;
let spool: Spool;
let attempt: AttemptSpool;
const control = { abort: new AbortController() };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-writer-'));
  spool = await Spool.open(folder);
  attempt = await spool.create(attemptRecord());
  control.abort = new AbortController();
});
afterEach(async () => {
  await spool.close();
  await rm(folder, { recursive: true, force: true });
});

const asset = (n: number, text = ''): AssetRecord => ({
  t: 'asset',
  scope: 'site/a',
  key: `site/a/${n}`,
  kind: 'sheet',
  name: `Sheet ${n}`,
  attributes: { text },
});
const outcome = (scope: string): StreamRecord => ({
  t: 'outcome',
  scope,
  outcome: 'complete',
  records: 0,
  sha256: createHash('sha256').digest('hex'),
});

const linesOf = async (): Promise<string[]> => {
  const lines: string[] = [];
  for (let seq = 1; seq <= attempt.lastSeq; seq += 1) {
    const frame = decodeFrame(await attempt.readFrame(seq));
    const raw = zstdDecompressSync(frame.payload);
    const here = raw.toString().split(/(?<=\n)/);
    expect(raw.length).toBe(frame.rawBytes);
    expect(here.length).toBe(frame.records);
    lines.push(...here);
  }
  return lines;
};

const writer = (onSpooled = (_: { seq: number; frameBytes: number }) => undefined): SpoolWriter =>
  new SpoolWriter(attempt, control.abort.signal, onSpooled);

describe('the writer', () => {
  test('keeps every record, in order, also of many writers at once', async () => {
    const seqs: number[] = [];
    const sink = writer(({ seq }) => void seqs.push(seq));
    const records = Array.from({ length: 3_000 }, (_, n) => asset(n, 'x'.repeat(n % 700)));
    await Promise.all(records.map((record) => sink.write(record)));
    await sink.flush();
    expect(await linesOf()).toEqual(records.map(recordLine));
    expect(seqs).toEqual(Array.from({ length: attempt.lastSeq }, (_, n) => n + 1));
    expect(attempt.records).toBe(3_000);
  });

  test('cuts no batch beyond the limits, whatever the records are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            bytes: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 400_000 })),
            random: fc.boolean(),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        async (shapes) => {
          await spool.remove(attempt);
          attempt = await spool.create(attemptRecord());
          const sink = writer();
          const records = shapes.map(({ bytes, random }, n) =>
            asset(n, random ? randomBytes(bytes).toString('base64') : 'y'.repeat(bytes)),
          );
          for (const record of records) await sink.write(record);
          await sink.flush();
          for (let seq = 1; seq <= attempt.lastSeq; seq += 1) {
            // Decoding checks the limits, as a gateway does.
            const frame = decodeFrame(await attempt.readFrame(seq));
            expect(frame.rawBytes).toBeLessThanOrEqual(LIMITS.batchRawBytes);
          }
          expect(await linesOf()).toEqual(records.map(recordLine));
        },
      ),
      { numRuns: 25 },
    );
  });

  test('takes the largest record there may be, although it does not compress', async () => {
    const sink = writer();
    const shell = Buffer.byteLength(recordLine(asset(1)));
    const text = randomBytes(MAX_RECORD_BYTES)
      .toString('base64')
      .slice(0, MAX_RECORD_BYTES - shell);
    const record = asset(1, text);
    expect(Buffer.byteLength(recordLine(record))).toBe(MAX_RECORD_BYTES);
    await sink.write(record);
    await sink.flush();
    expect(await linesOf()).toEqual([recordLine(record)]);
    await expect(sink.write(asset(2, `${text}!`))).rejects.toMatchObject({ code: 'internal' });
  });

  test('makes what lingers durable without being asked', async () => {
    const sink = writer();
    await sink.write(asset(1));
    await expect.poll(() => attempt.lastSeq).toBe(1);
  });

  test('knows the scopes whose end is durable', async () => {
    const sink = writer();
    await sink.write({ t: 'scope', scope: 'site/a', kind: 'app', name: 'A' });
    await sink.write(outcome('site/a'));
    await sink.write({ t: 'scope', scope: 'site/b', kind: 'app', name: 'B' });
    await sink.flush();
    expect([...attempt.completedScopes()]).toEqual(['site/a']);
  });

  test('waits while it is paused and goes on afterwards', async () => {
    const sink = writer();
    sink.pause();
    let written = false;
    const waiting = sink.write(asset(1)).then(() => {
      written = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBe(false);
    sink.resume();
    await waiting;
    await sink.flush();
    expect(attempt.records).toBe(1);
  });

  test('rejects with the reason when the job was cancelled, also those that wait', async () => {
    const sink = writer();
    sink.pause();
    const waiting = sink.write(asset(1));
    control.abort.abort(new Error('cancelled by a person'));
    await expect(waiting).rejects.toThrow('cancelled by a person');
    await expect(sink.write(asset(2))).rejects.toThrow('cancelled by a person');
    await expect(sink.flush()).rejects.toThrow('cancelled by a person');
  });

  test('hands a failure of the disk to whoever writes next', async () => {
    let broken = false;
    const disk = watchedDisk((what) => {
      if (broken && what === 'write') throw errno('EIO');
    });
    const failing = await Spool.open(join(folder, 'failing'), { disk });
    attempt = await failing.create(attemptRecord());
    const sink = writer();
    await sink.write(asset(1));
    await sink.flush();
    broken = true;
    await sink.write(asset(2));
    await expect(sink.flush()).rejects.toMatchObject({ code: 'spool.failed' });
    await expect(sink.write(asset(3))).rejects.toMatchObject({ code: 'spool.failed' });
    await failing.close();
  });
});

describe('a record that is too large', () => {
  test('gets its long strings cut and says so', () => {
    const script = 'LOAD * FROM x;\n'.repeat(200_000);
    const record: AssetRecord = { ...asset(1), attributes: { script, lines: 200_000, nested: { note: 'short' } } };
    const fitted = fitRecord(record) as AssetRecord;
    expect(Buffer.byteLength(recordLine(fitted))).toBeLessThanOrEqual(MAX_RECORD_BYTES);
    expect(fitted.attributes).toMatchObject({ truncated: true, lines: 200_000, nested: { note: 'short' } });
    const kept = String(fitted.attributes?.['script']).slice(0, -1);
    expect(script.startsWith(kept)).toBe(true);
    expect(kept.length).toBeGreaterThan(100_000);
  });

  test('keeps only the mark when nothing else helps', () => {
    const many = Object.fromEntries(Array.from({ length: 60_000 }, (_, n) => [`attribute ${n}`, 'x'.repeat(20)]));
    expect(fitRecord({ ...asset(1), attributes: many })).toMatchObject({ attributes: { truncated: true } });
  });

  test('keeps the first of what an outcome says is missing', () => {
    const entry = { what: 'sheet', code: 'qlik.access_denied', message: 'x'.repeat(200), advice: 'ask' };
    const record = { ...outcome('site/a'), missing: Array.from({ length: 9_000 }, () => entry) };
    const fitted = fitRecord(record);
    expect(Buffer.byteLength(recordLine(fitted))).toBeLessThanOrEqual(MAX_RECORD_BYTES);
    expect(fitted).toMatchObject({
      t: 'outcome',
      sha256: expect.any(String),
      missing: expect.arrayContaining([entry]),
    });
  });

  test('is left alone when it fits', () => {
    const record = asset(1, 'x'.repeat(1000));
    expect(fitRecord(record)).toBe(record);
  });

  test('is never cut inside a character', () => {
    const fitted = fitRecord(asset(1, '😀'.repeat(400)), 900) as AssetRecord;
    const text = String(fitted.attributes?.['text']);
    expect(text.isWellFormed()).toBe(true);
  });
});
