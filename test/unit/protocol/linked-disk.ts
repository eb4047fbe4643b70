import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import type { Offer, Seal } from '#protocol/agent-events.ts';
import { decodeFrame, encodeFrame } from '#protocol/frame.ts';

/** What survives a crash of the agent: its spool. */
export interface Disk {
  readonly offer: Offer;
  readonly stream: number;
  readonly frames: Map<number, Uint8Array>;
  lastSeq: number;
  trimmed: number;
  crcs: number[];
  records: number;
  /** Records that are not durable yet. */
  rest: string[];
  seal: Seal | undefined;
  paused: boolean;
  cancelled: boolean;
}

/** Cuts these lines as the next batch. */
export const append = (
  disk: Disk,
  lines: readonly string[],
): { readonly seq: number; readonly bytes: Uint8Array; readonly crc32: number } => {
  const raw = Buffer.from(lines.join(''));
  const seq = disk.lastSeq + 1;
  const payload = zstdCompressSync(raw);
  const { stream } = disk;
  const bytes = encodeFrame({ codec: 'zstd', stream, seq, records: lines.length, rawBytes: raw.length, payload });
  const { crc32 } = decodeFrame(bytes);
  disk.frames.set(seq, bytes);
  disk.lastSeq = seq;
  disk.crcs.push(crc32);
  disk.records += lines.length;
  return { seq, bytes, crc32 };
};

export const sealOf = (disk: Disk): Seal => {
  const packed = Buffer.alloc(disk.crcs.length * 4);
  for (const [index, crc] of disk.crcs.entries()) packed.writeUInt32BE(crc, index * 4);
  const sha256 = createHash('sha256').update(packed).digest('hex');
  const { lastSeq, records, cancelled } = disk;
  return { lastSeq, records, sha256, result: cancelled ? 'cancelled' : 'ok' };
};
