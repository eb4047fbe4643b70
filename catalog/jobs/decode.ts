import { promisify } from 'node:util';
import { inflate, zstdDecompress } from 'node:zlib';
import { LIMITS } from '#protocol/constants.ts';
import { Fault } from '#protocol/errors.ts';
import type { Part } from '#protocol/frame.ts';

const unzstd = promisify(zstdDecompress);
const uninflate = promisify(inflate);

export interface StagedBatch {
  readonly seq: number;
  readonly records: number;
  readonly rawBytes: number;
  readonly codec: string;
  readonly payload: Uint8Array;
  /** A part of one record; absent (null in the database) for whole ones. */
  readonly part?: Part | null | undefined;
}

const LINE_FEED = 10;

/**
 * The bytes of a batch, exactly as many as its header says.
 *
 * @throws Fault `bridge.protocol`
 */
export const unpackBatch = async (batch: StagedBatch): Promise<Uint8Array> => {
  const bytes = await unpack(batch);
  if (bytes.length !== batch.rawBytes)
    throw new Fault('bridge.protocol', `Batch ${batch.seq} has ${bytes.length} bytes instead of ${batch.rawBytes}.`);
  return bytes;
};

const unpack = async ({ codec, payload, rawBytes, seq }: StagedBatch): Promise<Uint8Array> => {
  if (rawBytes > LIMITS.batchRawBytes)
    throw new Fault(
      'bridge.protocol',
      `Batch ${seq} says it has ${rawBytes} bytes, which is more than a batch may have.`,
    );
  // Never more than was announced: a small batch that unpacks to gigabytes ends here.
  const options = { maxOutputLength: Math.max(rawBytes, 1) };
  try {
    if (codec === 'zstd') return await unzstd(payload, options);
    if (codec === 'deflate') return await uninflate(payload, options);
  } catch (cause) {
    throw new Fault('bridge.protocol', `Batch ${seq} cannot be unpacked.`, { cause });
  }
  if (codec === 'none') return payload;
  throw new Fault('bridge.protocol', `Batch ${seq} is packed in an unknown way.`);
};

/**
 * The lines of a batch, each with its line feed.
 *
 * @throws Fault `bridge.protocol` when it cannot be unpacked or does not hold what its header says.
 */
export const readLines = async (batch: StagedBatch): Promise<readonly Uint8Array[]> => {
  const bytes = await unpackBatch(batch);
  const lines: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    // Not counted at the end only: a megabyte of line feeds, sent as fifty bytes, takes a hundred times as much as lines.
    if (lines.length === batch.records)
      throw new Fault('bridge.protocol', `Batch ${batch.seq} has more records than its header says, ${batch.records}.`);
    const end = bytes.indexOf(LINE_FEED, at);
    if (end < 0) throw new Fault('bridge.protocol', `Batch ${batch.seq} ends within a line.`);
    lines.push(bytes.subarray(at, end + 1));
    at = end + 1;
  }
  if (lines.length !== batch.records)
    throw new Fault('bridge.protocol', `Batch ${batch.seq} has ${lines.length} records instead of ${batch.records}.`);
  return lines;
};
