import { crc32 } from 'node:zlib';
import { CLOSE, type CloseCode, LIMITS } from './constants.ts';

/**
 * The data frame: one batch in one binary WebSocket message, all numbers big-endian.
 *
 *     0 magic u8 'B' | 1 version u8 | 2 flags u16 | 4 stream u32 | 8 seq u64 | 16 records u32 | 20 rawBytes u32
 *     24 crc u32 | 28 payload …
 *
 * The CRC-32 covers the 24 header bytes before it and the payload. Flags: bits 0–3 are the codec; bit 5 says that the
 * payload ends within a record which goes on in the next batch, bit 6 that it begins within one; bit 4 is reserved for the
 * end of a stream and must be 0, as all others.
 */
const MAGIC = 0x42;
const VERSION = 1;
const CRC_OFFSET = 24;
const CODEC_BITS = 0x0f;
const PART_BITS = 0x60;
export const FRAME_HEADER_BYTES = 28;

export const CODECS = ['none', 'zstd', 'deflate'] as const;
export type Codec = (typeof CODECS)[number];

/** Which part of a record that is too large for one batch a batch holds. Such a batch holds nothing else. */
export const PART_FLAGS = { first: 0x20, middle: 0x60, last: 0x40 } as const;
export type Part = keyof typeof PART_FLAGS;
const PARTS = new Map<number, Part>([
  [PART_FLAGS.first, 'first'],
  [PART_FLAGS.middle, 'middle'],
  [PART_FLAGS.last, 'last'],
]);

/** A batch with its place in the stream of an attempt. `seq` counts from 1. */
export interface Frame {
  readonly codec: Codec;
  readonly stream: number;
  readonly seq: number;
  /** Records that end in this batch. */
  readonly records: number;
  /** Size of the payload before compression. */
  readonly rawBytes: number;
  readonly payload: Uint8Array;
  /** Absent: the batch holds whole records. */
  readonly part?: Part | undefined;
}

export interface DecodedFrame extends Frame {
  readonly crc32: number;
}

export type FrameFlaw =
  | 'too_short'
  | 'too_large'
  | 'magic'
  | 'version'
  | 'flags'
  | 'codec'
  | 'stream'
  | 'seq'
  | 'records'
  | 'raw_bytes'
  | 'payload'
  | 'crc';

/** Bytes that are not a frame. `closeCode` is what a gateway ends the connection with. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly flaw: FrameFlaw;
  readonly closeCode: CloseCode = CLOSE.badMessage;

  constructor(flaw: FrameFlaw, message: string) {
    super(`data frame: ${message}`);
    this.flaw = flaw;
  }
}

const check = (frame: Frame): void => {
  const { stream, seq, records, rawBytes, payload, codec, part } = frame;
  if (!Number.isInteger(stream) || stream < 1 || stream > 0xffff_ffff)
    throw new FrameError('stream', `stream ${stream} is not in 1…2³²−1`);
  if (!Number.isSafeInteger(seq) || seq < 1) throw new FrameError('seq', `seq ${seq} is not in 1…2⁵³−1`);
  // Counted where they end, so that the sum over a stream is the number of its records.
  const fewest = part === 'first' || part === 'middle' ? 0 : 1;
  const most = part === undefined ? LIMITS.batchRecords : fewest;
  if (!Number.isInteger(records) || records < fewest || records > most)
    throw new FrameError('records', `${records} records are not in ${fewest}…${most}`);
  if (!Number.isInteger(rawBytes) || rawBytes < 1 || rawBytes > LIMITS.batchRawBytes)
    throw new FrameError('raw_bytes', `${rawBytes} raw bytes are not in 1…${LIMITS.batchRawBytes}`);
  if (payload.length === 0) throw new FrameError('payload', 'the payload is empty');
  // A batch of one whole record may fill the frame: not every receiver knows parts.
  if ((records > 1 || part !== undefined) && payload.length > LIMITS.batchBytes)
    throw new FrameError('payload', `a payload of ${payload.length} bytes is over ${LIMITS.batchBytes}`);
  if (FRAME_HEADER_BYTES + payload.length > LIMITS.dataBytes)
    throw new FrameError('too_large', `${FRAME_HEADER_BYTES + payload.length} bytes are over ${LIMITS.dataBytes}`);
  if (codec === 'none' && payload.length !== rawBytes)
    throw new FrameError('payload', `an uncompressed payload of ${payload.length} bytes says ${rawBytes}`);
};

/**
 * The bytes of a frame.
 * @throws FrameError when a field is outside its limits.
 */
export const encodeFrame = (frame: Frame): Uint8Array<ArrayBuffer> => {
  check(frame);
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + frame.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, MAGIC);
  view.setUint8(1, VERSION);
  view.setUint16(2, CODECS.indexOf(frame.codec) | (frame.part === undefined ? 0 : PART_FLAGS[frame.part]));
  view.setUint32(4, frame.stream);
  view.setBigUint64(8, BigInt(frame.seq));
  view.setUint32(16, frame.records);
  view.setUint32(20, frame.rawBytes);
  bytes.set(frame.payload, FRAME_HEADER_BYTES);
  view.setUint32(CRC_OFFSET, crc32(frame.payload, crc32(bytes.subarray(0, CRC_OFFSET))));
  return bytes;
};

/**
 * Reads a frame strictly: limits first, so that nothing large is touched for nothing, then the CRC. The payload is a
 * view into `bytes`.
 * @throws FrameError
 */
export const decodeFrame = (bytes: Uint8Array): DecodedFrame => {
  if (bytes.length < FRAME_HEADER_BYTES) throw new FrameError('too_short', `${bytes.length} bytes hold no header`);
  if (bytes.length > LIMITS.dataBytes)
    throw new FrameError('too_large', `${bytes.length} bytes are over ${LIMITS.dataBytes}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== MAGIC) throw new FrameError('magic', 'it does not begin with the letter B');
  if (view.getUint8(1) !== VERSION) throw new FrameError('version', `version ${view.getUint8(1)} is not known`);
  const flags = view.getUint16(2);
  if (flags & ~(CODEC_BITS | PART_BITS))
    throw new FrameError('flags', `reserved flags are set (0x${flags.toString(16)})`);
  const codec = CODECS[flags & CODEC_BITS];
  if (codec === undefined) throw new FrameError('codec', `codec ${flags & CODEC_BITS} is not known`);
  const part = PARTS.get(flags & PART_BITS);
  const seq = view.getBigUint64(8);
  const frame = {
    codec,
    stream: view.getUint32(4),
    seq: seq > BigInt(Number.MAX_SAFE_INTEGER) ? Number.NaN : Number(seq),
    records: view.getUint32(16),
    rawBytes: view.getUint32(20),
    payload: bytes.subarray(FRAME_HEADER_BYTES),
    ...(part === undefined ? {} : { part }),
  };
  check(frame);
  const stated = view.getUint32(CRC_OFFSET);
  const actual = crc32(frame.payload, crc32(bytes.subarray(0, CRC_OFFSET)));
  if (stated !== actual)
    throw new FrameError('crc', `CRC-32 ${actual.toString(16)} differs from the stated ${stated.toString(16)}`);
  return { ...frame, crc32: stated };
};
