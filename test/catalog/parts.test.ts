import { createHash } from 'node:crypto';
import { crc32, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Batch } from '#catalog/gateway/backend.ts';
import { findAsset } from '#catalog/store/assets.ts';
import { LIMITS } from '#protocol/constants.ts';
import type { Part } from '#protocol/frame.ts';
import type { StreamRecord } from '#protocol/records.ts';
import { appRecords, asset, scopeRecords, siteRecords, TestStream } from './agent.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const partOf = (raw: Uint8Array, part: Part, rawBytes = raw.length): Omit<Batch, 'seq'> => {
  const payload = zstdCompressSync(raw);
  return { part, records: part === 'last' ? 1 : 0, rawBytes, codec: 'zstd', crc32: crc32(payload), payload };
};

/** The record as an agent would cut it, in pieces of this size. */
const partsOf = (record: StreamRecord, pieceBytes: number): Omit<Batch, 'seq'>[] => {
  const line = Buffer.from(`${JSON.stringify(record)}\n`);
  return Array.from({ length: Math.ceil(line.length / pieceBytes) }, (_, n) => {
    const end = (n + 1) * pieceBytes >= line.length;
    return partOf(line.subarray(n * pieceBytes, (n + 1) * pieceBytes), n === 0 ? 'first' : end ? 'last' : 'middle');
  });
};

/** Sends batches as they are; resolves when the last is consumed. */
const send = async (stream: TestStream, batches: readonly Omit<Batch, 'seq'>[]): Promise<void> => {
  let last: Promise<void> = Promise.resolve();
  for (const content of batches) {
    const batch = { ...content, seq: stream.batches.length + 1 };
    stream.batches.push(batch);
    const { result, consumed } = await world.backend.storeBatch(stream.session, stream.lease, batch);
    expect(result).toBe('stored');
    last = consumed;
  }
  await last;
};

const scriptOf = (key: string, text: string) => asset(key, `${key}/script`, 'script', 'Load script', key, { text });
const lines = (bytes: number): string => {
  const line = 'LOAD "Größe", \'数据\' & chr(9) AS x\tFROM [lib://Files/sales.qvd] (qvd);\n';
  return line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes);
};

const begin = async () => {
  const place = await world.enter('prod');
  const { stream, job } = await world.crawl(place, 'prod');
  await stream.publish(siteRecords('prod', ['a']));
  return { place, stream, job };
};

/** The scope of app `a` with a script, whose record comes in parts. */
const appWith = (text: string) => {
  const script = scriptOf('prod/a', text);
  const records = scopeRecords('prod/a', 'app', [
    asset('prod/a', 'prod/a', 'app', 'App a', 'prod/stream/s'),
    script,
    asset('prod/a', 'prod/a/s1', 'sheet', 'Sheet s1', 'prod/a'),
  ]);
  return { script, before: records.slice(0, 2), after: records.slice(3) };
};

const stored = async (organisationId: string): Promise<string | undefined> => {
  const found = await findAsset(world.sql, organisationId, 'prod/a/script');
  return (found?.attributes as { text?: string } | undefined)?.text;
};

const refusal = async (organisationId: string, jobId: string): Promise<string> =>
  (await world.state(organisationId, jobId)).error?.message ?? '';

describe('a record in parts', () => {
  test('of a load script of 5 MB arrives whole', { timeout: 60_000 }, async () => {
    const { place, stream, job } = await begin();
    const text = lines(5_000_000);
    const { script, before, after } = appWith(text);
    await stream.send(before);
    // Pieces of an odd size: they end within characters and within escapes.
    await send(stream, partsOf(script, 999_983));
    await stream.publish(after);
    expect((await stream.finish()).result).toBe('closed');
    expect((await world.state(place.organisationId, job.id)).state).toBe('published');
    const found = (await stored(place.organisationId)) ?? '';
    expect(found.length).toBe(text.length);
    expect(createHash('sha256').update(found).digest('hex')).toBe(createHash('sha256').update(text).digest('hex'));
    expect(await world.counts(place.organisationId)).toMatchObject({ script: 1, sheet: 1 });
  });

  test('is joined again by a process that begins within it', { timeout: 60_000 }, async () => {
    const { place, stream } = await begin();
    const { script, before, after } = appWith(lines(400_000));
    const parts = partsOf(script, 100_000);
    await stream.publish(before);
    await send(stream, parts.slice(0, 3));
    await world.restart();
    const again = TestStream.resume(world.backend, place.session, stream);
    await send(again, parts.slice(3));
    await again.publish(after);
    expect((await again.finish()).result).toBe('closed');
    expect((await stored(place.organisationId))?.length).toBe(400_000);
  });

  test('that was cut off is forgotten when its scope begins afresh; parts of two records are never joined', async () => {
    const { place, stream, job } = await begin();
    const { script, before, after } = appWith(lines(50_000));
    const parts = partsOf(script, 10_000);
    await stream.publish(before);
    await send(stream, parts.slice(0, 3));
    // The agent was killed here. It begins the scope again, and the first thing in it may be large as well.
    await stream.publish(before);
    await send(stream, parts.slice(0, 2));
    await send(stream, parts);
    await stream.publish(after);
    expect((await stream.finish()).result).toBe('closed');
    expect((await world.state(place.organisationId, job.id)).state).toBe('published');
    expect((await stored(place.organisationId))?.length).toBe(50_000);
  });

  test('that the finish cuts off harms nothing that was published', async () => {
    const { place, stream, job } = await begin();
    await stream.publish(appRecords('prod', 'a', ['s1']));
    await send(stream, partsOf(appWith(lines(50_000)).script, 10_000).slice(0, 2));
    expect((await stream.finish({ result: 'cancelled' })).result).toBe('closed');
    expect((await world.state(place.organisationId, job.id)).state).toBe('cancelled');
    expect(await world.counts(place.organisationId)).toMatchObject({ app: 1, sheet: 1 });
  });

  test('that begins in its middle makes the attempt unusable', async () => {
    const { place, stream, job } = await begin();
    const { script, before } = appWith(lines(50_000));
    await stream.publish(before);
    const parts = partsOf(script, 10_000);
    await send(stream, parts.slice(0, 1));
    await stream.publish([]);
    await send(stream, parts.slice(1));
    await stream.finish();
    expect(await refusal(place.organisationId, job.id)).toMatch(/goes on with a record that did not begin/);
  });

  test('that is larger than a record may be makes the attempt unusable', async () => {
    const { place, stream, job } = await begin();
    await stream.publish(appWith('').before);
    const piece = Buffer.alloc(LIMITS.batchRawBytes, ' ');
    const pieces = LIMITS.recordBytes / LIMITS.batchRawBytes;
    await send(stream, [partOf(piece, 'first'), ...Array.from({ length: pieces }, () => partOf(piece, 'middle'))]);
    await stream.finish();
    expect(await refusal(place.organisationId, job.id)).toMatch(/has more than \d+ bytes/);
  });

  test('that comes in too many parts makes the attempt unusable', { timeout: 60_000 }, async () => {
    const { place, stream, job } = await begin();
    await stream.publish(appWith('').before);
    const piece = Buffer.from(' ');
    const parts = Array.from({ length: LIMITS.recordParts }, () => partOf(piece, 'middle'));
    await send(stream, [partOf(piece, 'first'), ...parts]);
    await stream.finish();
    expect(await refusal(place.organisationId, job.id)).toMatch(/parts/);
  });

  test('that does not unpack to what it says, or is not one line, makes the attempt unusable', async () => {
    for (const wrong of [
      [partOf(Buffer.from('{"t":'), 'first'), partOf(Buffer.from('"x"}\n'), 'last', 4)],
      [partOf(Buffer.from('{"t":\n'), 'first'), partOf(Buffer.from('"x"}\n'), 'last')],
      [partOf(Buffer.from('{"t":'), 'first'), partOf(Buffer.from('"x"}'), 'last')],
    ]) {
      const { place, stream, job } = await begin();
      await send(stream, wrong);
      await stream.finish();
      expect(await refusal(place.organisationId, job.id)).not.toBe('');
      expect((await world.state(place.organisationId, job.id)).state).not.toBe('published');
    }
  });
});
